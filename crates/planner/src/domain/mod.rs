//! Validated types without input or output, which the other modules share.
//!
//! A document is read once, when it arrives, by [`read::Reader`], which collects every fault with
//! its JSON pointer. Values that were read are valid. Some have public fields: code that changes a
//! copy of such a value must keep it valid.

pub mod activation;
pub mod base;
pub mod chain;
pub mod cluster;
pub mod constraints;
pub mod explanation;
pub mod fault;
pub mod graph;
pub mod groups;
pub mod hash;
pub mod known_compute;
pub mod migration;
pub mod model;
pub mod network;
pub mod objective;
pub mod occupant;
pub mod options;
pub mod pipelines;
pub mod placed;
pub mod placement;
pub mod proposal;
pub mod read;
pub mod request;
pub mod unit;

mod constants;
mod near;

#[cfg(feature = "schema")]
mod unions;

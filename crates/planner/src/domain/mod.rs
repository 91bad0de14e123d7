//! Validated types without input or output: what the other rooms speak of.
//!
//! A document is read once, when it arrives, by [`read::Reader`], which collects every fault with its JSON pointer.
//! What comes out is valid from then on: fields are public to read, and the only way to make a value is to read one.

pub mod activation;
pub mod base;
pub mod chain;
pub mod cluster;
pub mod explanation;
pub mod fault;
pub mod graph;
pub mod hash;
pub mod migration;
pub mod model;
pub mod network;
pub mod objective;
pub mod occupant;
pub mod options;
pub mod placed;
pub mod placement;
pub mod proposal;
pub mod read;
pub mod request;
pub mod unit;

mod constants;

#[cfg(feature = "schema")]
mod unions;

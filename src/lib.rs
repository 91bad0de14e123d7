//! Cutpoint finds where to cut a neural network and which edge device runs which piece, so that one pipeline
//! with one stage a device lets the most inferences through per second, and proves how good its answer is.
//!
//! The map of the house; arrows point one way, `cli → http → jobs → store → cutpoint_planner`, `http → webhook → store`:
//!
//! - [`cli`]: one file a command.
//! - [`http`]: the router, one file a resource, and the OpenAPI document.
//! - [`jobs`]: the queue: claim, drive, progress, recover.
//! - [`webhook`]: signs and delivers what webhooks are told, and guards where it goes.
//! - [`store`]: SQL only, one file an aggregate.
//! - [`cutpoint_planner`]: pure optimisation, from a request to a checked placement; a crate of its own.
//! - [`domain`]: ids, tenants, keys; [`export`]: answers in forms of others.
//! - [`clock`]: what time it is and where new ids come from, passed in everywhere.
//! - [`config`]: every setting with its default; [`telemetry`]: log lines.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod export;
pub mod http;
pub mod jobs;
pub mod store;
pub mod telemetry;
pub mod webhook;

// Reading documents is mostly allocating, and this allocator is quick at many small allocations. Huge pages are off: they
// double what an idle service takes and make nothing faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

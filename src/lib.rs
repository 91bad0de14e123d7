//! Cutpoint finds where to cut a neural network and which edge device runs which piece, so that one pipeline, or several
//! on devices of their own, make the most inferences per second, and proves how good its answer is.
//!
//! The modules depend on each other in one direction, `cli → http → jobs → store → cutpoint_planner` and `http →
//! webhook → store`:
//!
//! - [`cli`]: one file for each command.
//! - [`http`]: the router, one file for each resource, and the OpenAPI document.
//! - [`jobs`]: the queue: claim, drive, progress, recover.
//! - [`deployments`]: evaluates what runs, and proposes where to go.
//! - [`webhook`]: signs and delivers messages, and guards the addresses that they go to.
//! - [`store`]: SQL, one file for each aggregate.
//! - [`cutpoint_planner`]: pure optimisation, from a request to a checked placement, in its own crate.
//! - [`cutpoint_import`]: documents from the files of other programs, in its own crate.
//! - [`import`]: what the command line and the service share of reading files of other programs.
//! - [`domain`]: ids, tenants, keys; [`export`]: answers in other formats.
//! - [`clock`]: the sources of time and of new ids, passed to every module that needs them.
//! - [`config`]: every setting with its default; [`telemetry`]: logs, traces and metrics.

pub mod cli;
pub mod clock;
pub mod config;
pub mod deployments;
pub mod domain;
pub mod export;
pub mod http;
pub mod import;
pub mod jobs;
pub mod store;
pub mod telemetry;
pub mod webhook;

// Reading documents mostly allocates, and this allocator is fast at many small allocations. Huge pages are off: they
// double the memory of an idle service and make nothing faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

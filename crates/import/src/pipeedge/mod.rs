//! Files of PipeEdge: `models.yml`, `device_types.yml` and `devices.yml` of its scheduler.
//!
//! Its costs in the terms of Cutpoint: a hop takes the bytes of the last layer's output over the
//! smaller rate of its two ends, so ports carry the rates. A stage takes the memory of its layers and
//! three buffers of what comes in and goes out ([`cost_model`]), and the first stage has one buffer of
//! the input alone.

mod device_types;
mod devices;
mod models;
mod times;

use serde_json::{Value, json};

pub use devices::cluster;
pub use models::{Choice, models};

/// The name under which sources stand.
const TOOL: &str = "pipeedge";

/// The bytes of a megabyte, and the bits of a megabit, as PipeEdge counts them.
const MEGA: f64 = 1_048_576.0;

/// Copies of a stage's input and output in memory: two buffers of each for sending and receiving, and
/// the tensors themselves.
const BUFFERS: u64 = 3;

/// Returns the `cost_model` of a request that counts as PipeEdge's scheduler does.
pub fn cost_model() -> Value {
    json!({ "memory": "params_and_activations", "io_buffers": BUFFERS, "overlap": "full", "transfers": "streamed" })
}

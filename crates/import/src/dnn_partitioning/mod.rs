//! Graphs of dnn-partitioning (NeurIPS 2020): operators with times on accelerators and processors.
//!
//! Its load of an accelerator is its work, each tensor that enters it once and each that leaves it
//! once, and nothing overlaps: `overlap: "none"` ([`cost_model`]). Three rules have no counterpart. It
//! sends a tensor from its maker to each reader through host memory, where Cutpoint passes it on from
//! stage to stage. It places a weight once, where Cutpoint gives each stage that reads it a copy. And
//! its processors pay for no transfer.

mod cluster;
mod graph;
mod model;

use serde_json::{Value, json};

use crate::cursor::{Cursor, is_id};
use crate::fault::{Faults, ImportError};
use crate::input::InputFile;
use crate::report::Imported;

use cluster::Devices;
use graph::Graph;

/// The name under which sources stand.
const TOOL: &str = "dnn-partitioning";

/// The device class of accelerators.
const ACCELERATOR: &str = "fpga";

/// The device class of processors.
const PROCESSOR: &str = "cpu";

/// Seconds of its unit of time.
const MILLISECOND: f64 = 1e-3;

/// A graph and the devices that its file is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The model profile.
    pub model: Imported,
    /// The cluster inventory.
    pub cluster: Imported,
}

/// Returns the `cost_model` of a request that counts as nearly as possible as dnn-partitioning does.
pub fn cost_model() -> Value {
    json!({ "memory": "params", "overlap": "none" })
}

/// Imports a file as a model and a cluster, both with the given name.
///
/// # Errors
/// Returns every fault of the file.
pub fn import(file: &InputFile<'_>, name: &str) -> Result<Instance, ImportError> {
    let mut faults = Faults::default();
    if !is_id(name) {
        faults.record("--name", "", "the name is empty or too long", "Give 1 to 256 characters");
    }
    let Some(document) = file.json(&mut faults) else { return Err(faults.into_error()) };
    let top = Cursor::new(file.name, &document);
    let graph = Graph::read(&top, &mut faults);
    let devices = Devices::read(&top, &mut faults);
    let (Some(graph), Some(devices)) = (graph, devices) else { return Err(faults.into_error()) };
    model::check_sums(&graph, file.name, &mut faults);
    faults.finish()?;
    Ok(Instance {
        model: model::import(&graph, file.name, name),
        cluster: cluster::import(&devices, &graph, file.name, name),
    })
}

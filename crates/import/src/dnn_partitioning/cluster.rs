//! The devices that a file is for, as a cluster.

use std::collections::BTreeMap;

use serde_json::json;

use super::graph::Graph;
use super::{ACCELERATOR, PROCESSOR, TOOL};
use crate::cursor::Cursor;
use crate::document::{Cluster, Node};
use crate::fault::Faults;
use crate::input::MAX_SAFE_INTEGER;
use crate::report::{Imported, Report, Warning};
use crate::source::{Origin, Source, description};

/// The most devices of a file.
const MAX_DEVICES: u64 = 10_000;

/// Rates of edges may differ by this share and still be one rate.
const SAME_RATE: f64 = 1e-6;

/// The rate where no edge says one, bits per second: a mesh needs one, and nothing is sent.
const ANY_RATE: f64 = 1e9;

/// How many devices of each kind there are.
#[derive(Debug)]
pub(super) struct Devices {
    accelerators: u64,
    processors: u64,
    /// Of each accelerator.
    memory_bytes: u64,
}

impl Devices {
    pub(super) fn read(top: &Cursor<'_>, faults: &mut Faults) -> Option<Self> {
        let mut count = |member| {
            let cursor = top.required(&[member], faults)?;
            let count = cursor.bytes(1.0, faults)?;
            if count > MAX_DEVICES {
                cursor.fault(faults, format!("{count} devices"), format!("Give at most {MAX_DEVICES}"));
                return None;
            }
            Some(count)
        };
        let (accelerators, processors) = (count("maxFPGAs"), count("maxCPUs"));
        let memory = top.required(&["maxSizePerFPGA"], faults);
        let memory_bytes = memory.and_then(|memory| memory.bytes(1.0, faults));
        let (accelerators, processors) = (accelerators?, processors?);
        if accelerators + processors == 0 {
            top.fault(faults, "there is no device", "Give maxFPGAs or maxCPUs above 0");
            return None;
        }
        Some(Self { accelerators, processors, memory_bytes: memory_bytes? })
    }
}

pub(super) fn import(of: &Devices, graph: &Graph, file: &str, name: &str) -> Imported {
    let memory = Source::new("memory_bytes", Origin::Stated).by(TOOL, file).at("/maxSizePerFPGA");
    let unlimited = Source::new("memory_bytes", Origin::Default).because("the file limits accelerators alone");
    let mut nodes = devices(ACCELERATOR, of.accelerators, of.memory_bytes, &memory);
    nodes.extend(devices(PROCESSOR, of.processors, MAX_SAFE_INTEGER, &unlimited));
    let (bandwidth_bps, warnings) = bandwidth(graph);
    let ids = |class: &str| {
        let of_class = nodes.iter().filter(|node| node.device_class.as_deref() == Some(class));
        of_class.map(|node| node.id.clone()).collect::<Vec<_>>()
    };
    let rate = Source::new("network/bandwidth_bps", Origin::Derived).of(name).by(TOOL, file);
    let sources = vec![
        memory.of_all(ids(ACCELERATOR)),
        unlimited.of_all(ids(PROCESSOR)),
        rate.because("size over cost of the edges"),
        Source::new("network/latency_s", Origin::Default).of(name).because("0: costs are proportional to sizes"),
    ];
    let network = json!({ "kind": "full_mesh", "bandwidth_bps": bandwidth_bps, "latency_s": 0.0 });
    let description = description(&sources);
    let document = Cluster { name: name.to_owned(), description, nodes, links: Vec::new(), network: Some(network) };
    let report = Report { sources, warnings, cost_model: Some(super::cost_model()), ..Report::default() };
    Imported { document: document.into_value(), report }
}

fn devices(class: &str, count: u64, memory_bytes: u64, memory: &Source) -> Vec<Node> {
    let label = [("kind".to_owned(), class.to_owned()), ("source.memory_bytes".to_owned(), memory.line())];
    let labels: BTreeMap<String, String> = label.into_iter().collect();
    let device = |number| Node {
        id: format!("{class}-{number}"),
        memory_bytes,
        device_class: Some(class.to_owned()),
        labels: labels.clone(),
        ..Node::default()
    };
    (1..=count).map(device).collect()
}

/// Returns the rate at which edges are sent. Where they have several rates it is the median of
/// them, and a warning says so.
fn bandwidth(graph: &Graph) -> (f64, Vec<Warning>) {
    let sent = graph.tensors.iter().filter(|tensor| tensor.bytes > 0 && tensor.transfer_s > 0.0);
    let mut rates: Vec<f64> = sent.map(|tensor| 8.0 * tensor.bytes as f64 / tensor.transfer_s).collect();
    rates.retain(|rate| (1e-100..=1e100).contains(rate));
    rates.sort_by(f64::total_cmp);
    let (Some(&slowest), Some(&fastest)) = (rates.first(), rates.last()) else { return (ANY_RATE, Vec::new()) };
    let median = rates[rates.len() / 2];
    if fastest <= slowest * (1.0 + SAME_RATE) {
        return (median, Vec::new());
    }
    let detail = format!("costs of edges are not proportional to their sizes: from {slowest:e} to {fastest:e} bit/s");
    let action = "Nothing, if the median of the rates will do; else list links by hand";
    (median, vec![Warning::new("uneven_costs", detail, action)])
}

//! `stages.json`: what each stage runs, and where its neighbours are. runner/README.md describes it.

use std::collections::BTreeMap;

use cutpoint_export::Endpoint;
use cutpoint_onnx::cut::{Cut, CutStage, CutTensor};
use serde::Serialize;

use super::placement::Stage;

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Stages<'a> {
    model: &'a str,
    token: &'a str,
    overlap: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<&'a str>,
    pipelines: Vec<PlannedPipeline>,
    stages: Vec<Entry<'a>>,
}

/// How many passes a second a pipeline is planned to make: a source deals inputs out in proportion.
#[derive(Debug, Serialize)]
struct PlannedPipeline {
    pipeline: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<f64>,
}

/// A stage.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    index: usize,
    pipeline: usize,
    node_id: &'a str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights_file: Option<&'a str>,
    inputs: &'a [CutTensor],
    outputs: &'a [CutTensor],
    receive_from: End,
    send_to: End,
    planned: Planned,
}

/// A neighbour, and where the receiver of the two listens.
#[derive(Debug, Serialize)]
struct End {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// What the plan expects, in seconds and bytes.
#[derive(Debug, Serialize)]
struct Planned {
    #[serde(skip_serializing_if = "Option::is_none")]
    compute_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
}

/// Where processes listen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses<'a> {
    /// By the id of a node.
    pub(super) nodes: &'a BTreeMap<&'a str, &'a str>,
    pub(super) sink: Option<&'a str>,
    pub(super) feedback: Option<&'a str>,
}

impl<'a> Stages<'a> {
    pub(super) fn new(
        cut: &'a Cut,
        placed: &[&'a [Stage]],
        rates_per_s: &[Option<f64>],
        addresses: Addresses<'a>,
        token: &'a str,
        overlap: &'a str,
    ) -> Self {
        let mut stages = Vec::new();
        for (pipeline, (cut, placed)) in cut.pipelines.iter().zip(placed).enumerate() {
            stages.extend((0..cut.len()).map(|index| entry((pipeline, index), cut, placed, addresses)));
        }
        let rates = rates_per_s.iter().enumerate();
        let pipelines = rates.map(|(pipeline, &rate_per_s)| PlannedPipeline { pipeline, rate_per_s }).collect();
        Self { model: &cut.name, token, overlap, feedback: addresses.feedback, pipelines, stages }
    }
}

fn entry<'a>(
    (pipeline, index): (usize, usize),
    cut: &'a [CutStage],
    placed: &'a [Stage],
    addresses: Addresses<'a>,
) -> Entry<'a> {
    let (files, stage) = (&cut[index], &placed[index]);
    let address = |node: &str| addresses.nodes.get(node).map(|&address| address.to_owned());
    let receive_from = match index.checked_sub(1) {
        None => End { kind: "source", stage: None, address: address(&stage.node_id) },
        Some(before) => End { kind: "stage", stage: Some(before), address: address(&stage.node_id) },
    };
    let send_to = match placed.get(index + 1) {
        Some(after) => End { kind: "stage", stage: Some(index + 1), address: address(&after.node_id) },
        None => {
            let first = addresses.sink.map(str::to_owned).or_else(|| own_address_of_sink(placed, address));
            // Each pipeline has a sink of its own, at ports one after the other.
            let own = first.and_then(|first| first.parse::<Endpoint>().ok()?.further(u16::try_from(pipeline).ok()?));
            End { kind: "sink", stage: None, address: own.map(|own| own.to_string()) }
        }
    };
    Entry {
        index,
        pipeline,
        node_id: &stage.node_id,
        file: &files.file,
        weights_file: files.weights_file.as_deref(),
        inputs: &files.inputs,
        outputs: &files.outputs,
        receive_from,
        send_to,
        planned: Planned {
            compute_s: stage.compute_s,
            receive_s: stage.receive.as_ref().map(|receive| receive.transfer_s),
            send_s: stage.send.as_ref().map(|send| send.transfer_s),
            memory_bytes: stage.memory_bytes,
        },
    }
}

/// The address of the sink's node, unless a stage listens there.
fn own_address_of_sink(placed: &[Stage], address: impl Fn(&str) -> Option<String>) -> Option<String> {
    let sink = placed.last()?.send.as_ref()?.to.as_deref()?;
    if placed.iter().any(|stage| stage.node_id == sink) { None } else { address(sink) }
}

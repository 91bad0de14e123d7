//! The graph as a model profile.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::graph::{Graph, Operator};
use super::{ACCELERATOR, PROCESSOR, TOOL};
use crate::document::{Edge, Group, Layer, Model};
use crate::fault::Faults;
use crate::input::MAX_SAFE_INTEGER;
use crate::report::{Imported, Report, Warning};
use crate::source::{Origin, Source, description};

pub(super) fn import(graph: &Graph, file: &str, name: &str) -> Imported {
    let (output_bytes, uneven) = output_bytes(graph);
    let layers = graph.operators.iter().zip(&output_bytes).map(|(operator, &bytes)| layer(operator, bytes)).collect();
    let ends = |from: usize, to: usize| (graph.operators[from].id.clone(), graph.operators[to].id.clone());
    let edges: BTreeSet<(usize, usize)> = graph.tensors.iter().map(|tensor| (tensor.from, tensor.to)).collect();
    let edges = edges.into_iter().map(|(from, to)| ends(from, to)).map(|(from, to)| Edge { from, to }).collect();
    let sources = sources(graph, file);
    let mut warnings = Vec::new();
    if !uneven.is_empty() {
        let detail = "these operators send tensors of several sizes: the largest counts for all readers";
        let action = "Nothing, if they are parts of one tensor; else split the operator";
        warnings.push(Warning::new("uneven_outputs", detail, action).about(uneven));
    }
    let document = Model {
        name: name.to_owned(),
        description: description(&sources),
        batch_size: 1,
        layers,
        edges,
        groups: groups(graph),
    };
    let cost_model = Some(super::cost_model());
    let report = Report { sources, warnings, cost_model, constraints: constraints(graph), ..Report::default() };
    Imported { document: document.into_value(), report }
}

/// Records a fault for each sum of bytes that is too large for a profile.
pub(super) fn check_sums(graph: &Graph, file: &str, faults: &mut Faults) {
    let bytes = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(0_u64, u64::saturating_add);
    let memory = bytes(&mut graph.operators.iter().map(|operator| operator.memory_bytes));
    let output = bytes(&mut output_bytes(graph).0.into_iter());
    for (place, sum) in [("/nodes", memory), ("/edges", output)] {
        if sum > MAX_SAFE_INTEGER {
            let action = format!("Give sizes of at most {MAX_SAFE_INTEGER} bytes in all");
            faults.record(file, place, "the sum of all sizes is too large", action);
        }
    }
}

fn layer(operator: &Operator, output_bytes: u64) -> Layer {
    let works = operator.accelerator_s > 0.0 || operator.processor_s > 0.0;
    let times = [(ACCELERATOR, operator.accelerator_s), (PROCESSOR, operator.processor_s)];
    let time_s = times.into_iter().filter(|_| works).map(|(class, seconds)| (class.to_owned(), seconds)).collect();
    let op = if works { "Operator" } else { "Tensor" }.to_owned();
    Layer {
        id: operator.id.clone(),
        op,
        param_bytes: operator.memory_bytes,
        output_bytes,
        activation_bytes: None,
        time_s,
    }
}

/// Returns the largest tensor that each operator sends, and the operators whose tensors differ. One
/// without bytes only says what comes first.
fn output_bytes(graph: &Graph) -> (Vec<u64>, Vec<String>) {
    let mut largest = vec![0; graph.operators.len()];
    let mut smallest = vec![u64::MAX; graph.operators.len()];
    for tensor in graph.tensors.iter().filter(|tensor| tensor.bytes > 0) {
        largest[tensor.from] = tensor.bytes.max(largest[tensor.from]);
        smallest[tensor.from] = tensor.bytes.min(smallest[tensor.from]);
    }
    let differs = |&operator: &usize| smallest[operator] < largest[operator];
    let uneven = (0..largest.len()).filter(differs).map(|operator| graph.operators[operator].id.clone()).collect();
    (largest, uneven)
}

/// Operators of one colour are a group: no cut goes through it.
fn groups(graph: &Graph) -> Vec<Group> {
    let mut by_colour: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for operator in &graph.operators {
        if let Some(colour) = operator.colour {
            by_colour.entry(colour).or_default().push(operator.id.clone());
        }
    }
    by_colour.into_values().filter(|ids| ids.len() > 1).map(|layer_ids| Group { layer_ids }).collect()
}

/// Pins what no accelerator runs to the processors.
fn constraints(graph: &Graph) -> Option<Value> {
    let others = graph.operators.iter().filter(|operator| !operator.runs_on_accelerator);
    let pin = |operator: &Operator| json!({ "layer_id": operator.id, "node_selector": { "kind": PROCESSOR } });
    let pins: Vec<Value> = others.map(pin).collect();
    (!pins.is_empty()).then(|| json!({ "pins": pins }))
}

fn sources(graph: &Graph, file: &str) -> Vec<Source> {
    let ids = || graph.operators.iter().map(|operator| operator.id.clone());
    let timed = || {
        let works = |operator: &&Operator| operator.accelerator_s > 0.0 || operator.processor_s > 0.0;
        graph.operators.iter().filter(works).map(|operator| operator.id.clone())
    };
    let of = |figure: String, origin, note: &str| Source::new(figure, origin).by(TOOL, file).because(note);
    vec![
        of("param_bytes".to_owned(), Origin::Stated, "size of the node").of_all(ids()),
        of("output_bytes".to_owned(), Origin::Derived, "the largest size of the edges from the node").of_all(ids()),
        of(format!("time_s/{ACCELERATOR}"), Origin::Measured, "fpgaLatency").of_all(timed()),
        of(format!("time_s/{PROCESSOR}"), Origin::Measured, "cpuLatency").of_all(timed()),
    ]
}

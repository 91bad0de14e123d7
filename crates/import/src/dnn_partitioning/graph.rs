//! The operators and tensors of a file.

use std::collections::{BTreeMap, BTreeSet};

use super::MILLISECOND;
use crate::cursor::{Cursor, is_id};
use crate::fault::Faults;
use crate::input::MAX_SECONDS;

/// An operator.
#[derive(Debug)]
pub(super) struct Operator {
    /// Its name, or its number where names are not unique.
    pub(super) id: String,
    pub(super) accelerator_s: f64,
    pub(super) processor_s: f64,
    pub(super) runs_on_accelerator: bool,
    pub(super) memory_bytes: u64,
    /// Operators with the same number stay on one device.
    pub(super) colour: Option<u64>,
}

/// A tensor between two operators, by their places.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) bytes: u64,
    pub(super) transfer_s: f64,
}

#[derive(Debug)]
pub(super) struct Graph {
    pub(super) operators: Vec<Operator>,
    pub(super) tensors: Vec<Tensor>,
}

impl Graph {
    /// Reads the graph. Records a fault for all that is not a graph for inference.
    pub(super) fn read(top: &Cursor<'_>, faults: &mut Faults) -> Option<Self> {
        let nodes = top.required(&["nodes"], faults);
        let edges = top.required(&["edges"], faults);
        let nodes = nodes?.items(faults);
        let mut places = BTreeMap::new();
        let mut operators = Vec::new();
        for node in &nodes {
            let Some((number, operator)) = read_operator(node, faults) else { continue };
            if places.insert(number, operators.len()).is_some() {
                node.fault(faults, format!("the id {number} stands there twice"), "Give each node an id of its own");
            }
            operators.push(operator);
        }
        if nodes.is_empty() {
            top.fault(faults, "there is no node", "Give at least one node");
        }
        use_numbers_where_names_repeat(&mut operators, &places);
        let tensors = edges?.items(faults).iter().filter_map(|edge| read_tensor(edge, &places, faults)).collect();
        let graph = Self { operators, tensors };
        let sums = [graph.seconds(|operator| operator.accelerator_s), graph.seconds(|operator| operator.processor_s)];
        if sums.iter().any(|&sum| sum > MAX_SECONDS) {
            top.fault(
                faults,
                "all latencies together are too large",
                format!("Keep their sum at or below {MAX_SECONDS:e} s"),
            );
        }
        if faults.is_empty() && graph.has_cycle() {
            top.fault(faults, "the edges form a cycle", "Give a graph without cycles, as inference has");
        }
        faults.is_empty().then_some(graph)
    }

    fn seconds(&self, of: impl Fn(&Operator) -> f64) -> f64 {
        self.operators.iter().map(of).sum()
    }

    /// Removes operators that nothing leads to until none is left, or a cycle is.
    fn has_cycle(&self) -> bool {
        let mut makers = vec![0_usize; self.operators.len()];
        let mut readers = vec![Vec::new(); self.operators.len()];
        for tensor in &self.tensors {
            makers[tensor.to] += 1;
            readers[tensor.from].push(tensor.to);
        }
        let mut free: Vec<usize> = (0..makers.len()).filter(|&operator| makers[operator] == 0).collect();
        let mut removed = 0;
        while let Some(operator) = free.pop() {
            removed += 1;
            for &reader in &readers[operator] {
                makers[reader] -= 1;
                if makers[reader] == 0 {
                    free.push(reader);
                }
            }
        }
        removed < self.operators.len()
    }
}

fn read_operator(node: &Cursor<'_>, faults: &mut Faults) -> Option<(u64, Operator)> {
    let number = node.required(&["id"], faults).and_then(|id| id.bytes(1.0, faults));
    let mut seconds = |name| Some(node.required(&[name], faults)?.amount(faults)? * MILLISECOND);
    let (accelerator_s, processor_s) = (seconds("fpgaLatency"), seconds("cpuLatency"));
    let memory_bytes = node.required(&["size"], faults).and_then(|size| size.bytes(1.0, faults));
    if node.get("isBackwardNode").is_some_and(|flag| flag.is_set()) {
        node.fault(faults, "this is an operator of the backward pass", "Give the graph of inference");
    }
    let number = number?;
    let name = node.get("name").and_then(|name| name.value.as_str()).filter(|name| is_id(name));
    let operator = Operator {
        id: name.map_or_else(|| number.to_string(), str::to_owned),
        accelerator_s: accelerator_s?,
        processor_s: processor_s?,
        runs_on_accelerator: node.get("supportedOnFpga").is_none_or(|flag| flag.is_set()),
        memory_bytes: memory_bytes?,
        colour: node.get("colorClass").and_then(|colour| colour.value.as_u64()),
    };
    Some((number, operator))
}

fn use_numbers_where_names_repeat(operators: &mut [Operator], places: &BTreeMap<u64, usize>) {
    let distinct = operators.iter().map(|operator| operator.id.as_str()).collect::<BTreeSet<_>>().len();
    if distinct < operators.len() {
        for (number, &place) in places {
            operators[place].id = number.to_string();
        }
    }
}

fn read_tensor(edge: &Cursor<'_>, places: &BTreeMap<u64, usize>, faults: &mut Faults) -> Option<Tensor> {
    let mut end = |name| {
        let cursor = edge.required(&[name], faults)?;
        let number = cursor.bytes(1.0, faults)?;
        let place = places.get(&number).copied();
        // If a node could not be read, its edges would look dangling. Its own fault is enough.
        if place.is_none() && faults.is_empty() {
            cursor.fault(faults, format!("no node has the id {number}"), "Name a node of this file");
        }
        place
    };
    let (from, to) = (end("sourceId"), end("destId"));
    let bytes = edge.required(&["size"], faults).and_then(|size| size.bytes(1.0, faults));
    let transfer = edge.required(&["cost"], faults).and_then(|cost| cost.amount(faults));
    let tensor = Tensor { from: from?, to: to?, bytes: bytes?, transfer_s: transfer? * MILLISECOND };
    if tensor.from == tensor.to {
        edge.fault(faults, "the edge leads from a node to itself", "Remove it");
        return None;
    }
    Some(tensor)
}

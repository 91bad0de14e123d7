//! An order in which each node comes after those whose tensors it reads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::operator::label;
use crate::error::Error;
use crate::model::{AttributeValue, Graph, Node};

/// Returns the places of nodes in an order in which each comes after those that it reads. Ties keep
/// the order of the file.
pub(super) fn order(nodes: &[Node]) -> Result<Vec<usize>, Error> {
    let mut maker: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, node) in nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            maker.insert(output, place);
        }
    }
    let makers: Vec<Vec<usize>> = nodes.iter().map(|node| makers_of(node, &maker)).collect();
    if makers.iter().enumerate().all(|(place, makers)| makers.iter().all(|&maker| maker < place)) {
        return Ok((0..nodes.len()).collect());
    }
    let mut readers = vec![Vec::new(); nodes.len()];
    for (place, makers) in makers.iter().enumerate() {
        makers.iter().for_each(|&maker| readers[maker].push(place));
    }
    let mut waiting: Vec<usize> = makers.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..nodes.len()).filter(|&place| waiting[place] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(place)) = ready.pop() {
        order.push(place);
        for &reader in &readers[place] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() == nodes.len() { Ok(order) } else { Err(cycle(nodes, &makers, &waiting)) }
}

fn makers_of(node: &Node, maker: &BTreeMap<&str, usize>) -> Vec<usize> {
    let mut names: BTreeSet<&str> = node.inputs.iter().map(String::as_str).collect();
    for graph in graphs_of(node) {
        names.extend(read_from_outside(graph));
    }
    names.into_iter().filter_map(|name| maker.get(name).copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn graphs_of(node: &Node) -> impl Iterator<Item = &Graph> {
    node.attributes.iter().flat_map(|attribute| match &attribute.value {
        AttributeValue::Graph(graph) => std::slice::from_ref(&**graph),
        AttributeValue::Graphs(graphs) => graphs.as_slice(),
        _ => &[],
    })
}

/// Returns the names that a branch or body reads and does not define.
fn read_from_outside(graph: &Graph) -> BTreeSet<&str> {
    let mut read: BTreeSet<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    for node in &graph.nodes {
        read.extend(node.inputs.iter().map(String::as_str));
        for inner in graphs_of(node) {
            read.extend(read_from_outside(inner));
        }
    }
    let defined = graph.inputs.iter().map(|input| input.name.as_str());
    let defined = defined.chain(graph.initializers.iter().map(|tensor| tensor.name.as_str()));
    for name in defined.chain(graph.nodes.iter().flat_map(|node| node.outputs.iter().map(String::as_str))) {
        read.remove(name);
    }
    read
}

/// Names the nodes of a cycle among those that still wait.
fn cycle(nodes: &[Node], makers: &[Vec<usize>], waiting: &[usize]) -> Error {
    const MOST_NAMED: usize = 8;
    let mut path: Vec<usize> = Vec::new();
    let mut seen = vec![false; nodes.len()];
    let mut next = (0..nodes.len()).find(|&place| waiting[place] > 0);
    while let Some(place) = next.filter(|&place| !seen[place]) {
        seen[place] = true;
        path.push(place);
        next = makers[place].iter().copied().find(|&maker| waiting[maker] > 0);
    }
    let begin = path.iter().position(|&place| Some(place) == next).unwrap_or(0);
    let names: Vec<String> =
        path[begin..].iter().rev().take(MOST_NAMED).map(|&place| format!("{:?}", label(&nodes[place]))).collect();
    Error::Graph { detail: format!("{} nodes form a cycle: {}", path.len() - begin, names.join(", ")) }
}

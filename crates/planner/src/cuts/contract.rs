//! Contracts layers that no cut divides: layers that stay together, and every layer on a path
//! between them.
//!
//! Constants are not vertices. The layers of a colocation, or of a group of the profile, become one
//! block with all layers on paths between them. Blocks are the strongly connected components of the
//! graph in which the members of each colocation and group form a cycle (Tarjan 1972).

use std::collections::BTreeSet;

use crate::domain::model::ModelProfile;
use crate::domain::options::Colocation;

/// The blocks of a model as a directed acyclic graph. Input layers are in no block because each cut
/// contains them.
#[derive(Debug)]
pub struct Blocks {
    /// For each block, its layers as their places in the model, in ascending order.
    pub layers: Vec<Vec<usize>>,
    /// For each block, the blocks that read one of its tensors, in ascending order.
    pub successors: Vec<Vec<usize>>,
    /// For each block, the blocks of which it reads a tensor, in ascending order.
    pub predecessors: Vec<Vec<usize>>,
    /// For each layer, its block. `None` for constants and inputs.
    pub block_of: Vec<Option<usize>>,
    /// The blocks that each cut but the first contains because one of their layers stays with an
    /// input.
    pub forced: Vec<usize>,
    /// The input layers.
    pub inputs: Vec<usize>,
}

impl Blocks {
    /// Contracts a model. Blocks are in topological order. It takes O(L + E), and O(c log c) for
    /// colocations and groups of c layers.
    pub fn new(model: &ModelProfile, colocate: &[Colocation]) -> Self {
        let layers = model.layers.len();
        let component = components(model, &together(model, colocate));
        let count = component.iter().flatten().max().map_or(0, |last| last + 1);
        let mut members = vec![Vec::new(); count];
        for (layer, of) in component.iter().enumerate() {
            if let &Some(of) = of {
                members[of].push(layer);
            }
        }
        let inputs: Vec<usize> = (0..layers).filter(|&layer| model.is_input(layer)).collect();
        // A component that has only inputs is not a block. A component with an input and other
        // layers is in every cut but the first.
        let works = |members: &Vec<usize>| members.iter().any(|&layer| !model.is_input(layer));
        let begins = |members: &Vec<usize>| members.iter().any(|&layer| model.is_input(layer));
        let mut number = vec![None; count];
        let mut blocks = Vec::new();
        let mut forced = Vec::new();
        for (of, members) in members.into_iter().enumerate().filter(|(_, members)| works(members)) {
            number[of] = Some(blocks.len());
            if begins(&members) {
                forced.push(blocks.len());
            }
            blocks.push(members.into_iter().filter(|&layer| !model.is_input(layer)).collect::<Vec<usize>>());
        }
        let block_of: Vec<Option<usize>> = (0..layers)
            .map(|layer| component[layer].filter(|_| !model.is_input(layer)).and_then(|of| number[of]))
            .collect();
        let mut successors = vec![BTreeSet::new(); blocks.len()];
        let mut predecessors = vec![BTreeSet::new(); blocks.len()];
        for (from, &block) in block_of.iter().enumerate() {
            for (block, reader) in block.into_iter().flat_map(|block| {
                model.readers(from).iter().filter_map(|&to| block_of[to]).map(move |reader| (block, reader))
            }) {
                if block != reader {
                    successors[block].insert(reader);
                    predecessors[reader].insert(block);
                }
            }
        }
        let listed = |sets: Vec<BTreeSet<usize>>| sets.into_iter().map(|set| set.into_iter().collect()).collect();
        Self {
            layers: blocks,
            successors: listed(successors),
            predecessors: listed(predecessors),
            block_of,
            forced,
            inputs,
        }
    }

    /// Returns the number of blocks.
    pub fn count(&self) -> usize {
        self.layers.len()
    }
}

/// Returns the sets of layers that stay together by the colocations of a request and by the groups
/// of its model.
pub fn together(model: &ModelProfile, colocate: &[Colocation]) -> Vec<Vec<usize>> {
    let named = |ids: &[String]| ids.iter().filter_map(|id| model.layer_index(id)).collect();
    let colocated = colocate.iter().map(|colocation| named(&colocation.layer_ids));
    colocated.chain(model.members_of_groups().iter().cloned()).collect()
}

/// Returns, for each layer that is not constant, its strongly connected component. Components are
/// numbered in topological order.
fn components(model: &ModelProfile, together: &[Vec<usize>]) -> Vec<Option<usize>> {
    let layers = model.layers.len();
    if together.iter().all(|members| members.len() < 2) {
        let mut next = 0;
        return (0..layers)
            .map(|layer| {
                (!model.is_constant(layer)).then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
    }
    let mut back = vec![Vec::new(); layers];
    for members in together {
        // These edges form a cycle through all members.
        for (at, &member) in members.iter().enumerate() {
            back[member].push(members[(at + 1) % members.len()]);
        }
    }
    let next_of = |layer: usize, at: usize| -> Option<usize> {
        let readers = model.readers(layer);
        readers.get(at).or_else(|| back[layer].get(at - readers.len().min(at))).copied()
    };
    const UNSEEN: usize = usize::MAX;
    let mut found_at = vec![UNSEEN; layers];
    let mut low = vec![0; layers];
    let mut open = vec![false; layers];
    let (mut stack, mut clock) = (Vec::new(), 0);
    let mut component: Vec<Option<usize>> = vec![None; layers];
    let mut components = 0;
    for root in (0..layers).filter(|&layer| !model.is_constant(layer)) {
        if found_at[root] != UNSEEN {
            continue;
        }
        let mut calls = vec![(root, 0_usize)];
        (found_at[root], low[root], open[root]) = (clock, clock, true);
        clock += 1;
        stack.push(root);
        while let Some(&mut (layer, ref mut at)) = calls.last_mut() {
            let next = next_of(layer, *at);
            *at += 1;
            match next {
                Some(next) if found_at[next] == UNSEEN => {
                    (found_at[next], low[next], open[next]) = (clock, clock, true);
                    clock += 1;
                    stack.push(next);
                    calls.push((next, 0));
                }
                Some(next) if open[next] => low[layer] = low[layer].min(found_at[next]),
                Some(_) => {}
                None => {
                    calls.pop();
                    if let Some(&(caller, _)) = calls.last() {
                        low[caller] = low[caller].min(low[layer]);
                    }
                    if low[layer] == found_at[layer] {
                        while let Some(member) = stack.pop() {
                            open[member] = false;
                            component[member] = Some(components);
                            if member == layer {
                                break;
                            }
                        }
                        components += 1;
                    }
                }
            }
        }
    }
    // Tarjan's algorithm finds components in reverse topological order, and not in the file's
    // order.
    numbered_in_file_order(model, component, components)
}

/// Renumbers components in topological order. Where this leaves a choice, the order is the file's.
fn numbered_in_file_order(model: &ModelProfile, component: Vec<Option<usize>>, count: usize) -> Vec<Option<usize>> {
    let layers = model.layers.len();
    let mut waiting_for = vec![0_usize; count];
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for layer in 0..layers {
        let Some(from) = component[layer] else { continue };
        for to in model.readers(layer).iter().filter_map(|&reader| component[reader]).filter(|&to| to != from) {
            edges.push((from, to));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    for &(_, to) in &edges {
        waiting_for[to] += 1;
    }
    let mut first_layer = vec![usize::MAX; count];
    for layer in (0..layers).rev() {
        if let Some(of) = component[layer] {
            first_layer[of] = layer;
        }
    }
    let mut ready: BTreeSet<(usize, usize)> =
        (0..count).filter(|&of| waiting_for[of] == 0).map(|of| (first_layer[of], of)).collect();
    let mut number = vec![0; count];
    let mut next = 0;
    while let Some((_, of)) = ready.pop_first() {
        number[of] = next;
        next += 1;
        let first = edges.partition_point(|&(from, _)| from < of);
        for &(_, to) in edges[first..].iter().take_while(|&&(from, _)| from == of) {
            waiting_for[to] -= 1;
            if waiting_for[to] == 0 {
                ready.insert((first_layer[to], to));
            }
        }
    }
    component.into_iter().map(|of| of.map(|of| number[of])).collect()
}

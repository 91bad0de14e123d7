//! Finds the least extra memory on one node that makes a placement possible.
//!
//! More memory never excludes a placement. The answer changes only where a node can hold another
//! stage, so the sizes of stages are bisected. There are O(m²) sizes, and it takes O(n log m)
//! solves.

use super::find::{Answer, find};
use super::interchange::interchangeable;
use super::on_cluster;
use crate::check::Evaluation;
use crate::check_failure::CheckFailure;
use crate::domain::request::PlanRequest;
use crate::domain::unit::MAX_SAFE_INTEGER;
use crate::env::Stop;
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Extra memory on a node, and the placement that it makes possible.
pub(super) struct MoreMemory {
    pub node: usize,
    pub extra_bytes: u64,
    pub evaluation: Box<Evaluation>,
}

/// The least extra memory found, and whether every attempt was decided.
pub(super) struct MemorySearch {
    pub best: Option<MoreMemory>,
    pub is_complete: bool,
}

/// Searches all nodes that may host stages.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub(super) fn more_memory(request: &PlanRequest, stop: &dyn Stop) -> Result<MemorySearch, CheckFailure> {
    let mut search = MemorySearch { best: None, is_complete: true };
    let Ok((instance, sizes)) = stage_sizes(request, stop) else {
        return Ok(MemorySearch { is_complete: false, ..search });
    };
    for node in nodes_to_try(request, &instance) {
        let extras = extras(request, &instance, &sizes, node);
        search.on_node(request, node, &extras, stop)?;
    }
    Ok(search)
}

/// Returns the instance, and the bytes that a stage can need, in ascending order.
fn stage_sizes(request: &PlanRequest, stop: &dyn Stop) -> Result<(Instance, Vec<u64>), Stopped> {
    let instance = Instance::new(request, &|| stop.reason().is_some())?;
    let mut sizes = Vec::new();
    for start in instance.starts() {
        if stop.reason().is_some() {
            return Err(Stopped);
        }
        instance.ends_within(u64::MAX, start, |end| sizes.push(instance.memory_bytes(start, end)));
    }
    sizes.sort_unstable();
    sizes.dedup();
    Ok((instance, sizes))
}

/// Returns one node of each set of interchangeable nodes, those with the most free memory first.
fn nodes_to_try(request: &PlanRequest, instance: &Instance) -> Vec<usize> {
    let nodes = &request.cluster.nodes;
    let mut tried: Vec<usize> = Vec::new();
    for &node in &instance.hosts {
        if !tried.iter().any(|&other| interchangeable(request, &nodes[other], &nodes[node])) {
            tried.push(node);
        }
    }
    tried.sort_by_key(|&node| std::cmp::Reverse(nodes[node].free_bytes().saturating_sub(taken_bytes(instance, node))));
    tried
}

fn taken_bytes(instance: &Instance, node: usize) -> u64 {
    instance.shares.taken_bytes[node]
}

/// Returns the bytes that a node lacks for each size of stage that it cannot hold, in ascending
/// order.
fn extras(request: &PlanRequest, instance: &Instance, sizes: &[u64], node: usize) -> Vec<u64> {
    let it = &request.cluster.nodes[node];
    let others_bytes = u128::from(it.reserved_bytes) + u128::from(taken_bytes(instance, node));
    let free_bytes = it.free_bytes().saturating_sub(taken_bytes(instance, node));
    let too_large = sizes.iter().filter(|&&size| size > free_bytes);
    let needed = too_large.map(|&size| u128::from(size) + others_bytes);
    let possible = needed.filter(|&needed| needed <= u128::from(MAX_SAFE_INTEGER));
    possible.map(|needed| needed as u64 - it.memory_bytes).collect()
}

impl MemorySearch {
    /// Searches for less extra memory on one node than the best so far.
    fn on_node(
        &mut self,
        request: &PlanRequest,
        node: usize,
        extras: &[u64],
        stop: &dyn Stop,
    ) -> Result<(), CheckFailure> {
        let limit = self.best.as_ref().map_or(u64::MAX, |best| best.extra_bytes);
        let extras = &extras[..extras.partition_point(|&extra| extra < limit)];
        let Some((&most, _)) = extras.split_last() else { return Ok(()) };
        let Some(mut best) = self.attempt(request, node, most, stop)? else { return Ok(()) };
        let (mut least, mut enough) = (0, extras.len() - 1);
        while least < enough {
            let middle = (least + enough) / 2;
            match self.attempt(request, node, extras[middle], stop)? {
                Some(found) => (best, enough) = (found, middle),
                None => least = middle + 1,
            }
        }
        self.best = Some(best);
        Ok(())
    }

    /// Tries this much extra memory on a node. An undecided attempt counts as too little memory.
    fn attempt(
        &mut self,
        request: &PlanRequest,
        node: usize,
        extra_bytes: u64,
        stop: &dyn Stop,
    ) -> Result<Option<MoreMemory>, CheckFailure> {
        let repaired = on_cluster(request, |cluster| cluster.nodes[node].memory_bytes += extra_bytes);
        match find(&repaired, stop)? {
            Answer::Feasible(evaluation) => Ok(Some(MoreMemory { node, extra_bytes, evaluation })),
            Answer::Infeasible => Ok(None),
            Answer::Unknown => {
                self.is_complete = false;
                Ok(None)
            }
        }
    }
}

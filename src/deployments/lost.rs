//! The loss of a node: which nodes a deployment uses, and what a placement is worth without one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::placed::Placed;

use super::evaluate::Outcome;
use super::sight::Sight;
use crate::domain::removed_nodes::without_node;

/// The nodes that a deployment uses: those that host its stages, those that forward what the stages send, and those that give
/// its input and take its output.
pub(crate) fn used_nodes(sight: &Sight, index: usize) -> BTreeSet<String> {
    let seen = &sight.seen[index];
    let Some(running) = &seen.applied else { return BTreeSet::new() };
    let outcome = seen.subject.evaluate(&sight.inventory, sight.others(index), running);
    let forward = outcome.passed().into_iter().filter(|id| sight.inventory.node_index(id).is_some());
    let hosts = running.stages().map(|stage| stage.node_id.clone());
    hosts.chain(forward).chain(seen.ends().cloned()).collect()
}

/// A cluster as it is when one of its nodes is lost.
pub(crate) struct Losses<'s> {
    sight: &'s Sight,
    /// The inventories that were made, by the node that they lack.
    made: BTreeMap<String, Option<Arc<ClusterInventory>>>,
}

impl<'s> Losses<'s> {
    pub(crate) fn new(sight: &'s Sight) -> Self {
        Self { sight, made: BTreeMap::new() }
    }

    /// Evaluates a placement of a deployment where a node is lost: it hosts nothing, and forwards nothing.
    pub(crate) fn evaluate(&mut self, index: usize, node: &str, placed: &Placed) -> Outcome {
        let make = || without_node(&self.sight.inventory, node).map(Arc::new);
        let rest = self.made.entry(node.to_owned()).or_insert_with(make);
        let Some(rest) = rest else { return Outcome::nothing() };
        self.sight.seen[index].subject.evaluate(rest, self.sight.others(index), placed)
    }
}

/// Returns `true` if a cluster does not have a node any more, or the node takes no stages.
pub(crate) fn is_lost(cluster: &ClusterInventory, node: &str) -> bool {
    cluster.node_index(node).is_none_or(|index| !cluster.nodes[index].schedulable)
}

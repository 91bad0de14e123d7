//! What changes from one placement to another.

use std::collections::BTreeSet;

use super::migration::shipped;
use crate::domain::cluster::ClusterInventory;
use crate::domain::explanation::PlacementDiff;
use crate::domain::migration::Migration;
use crate::domain::model::ModelProfile;
use crate::domain::placed::{Placed, PlacedStage};

/// Compares a placement of a model on a cluster with its base. Stages whose node or layers are not there count for
/// nothing.
pub fn diff(model: &ModelProfile, cluster: &ClusterInventory, base: &Placed, placed: &Placed) -> PlacementDiff {
    let stages = placed.stages.iter().filter_map(|stage| {
        let node = cluster.node_index(&stage.node_id)?;
        let layers: Vec<usize> = stage.layer_ids.iter().filter_map(|id| model.layer_index(id)).collect();
        (!layers.is_empty()).then_some((node, layers))
    });
    let Migration { moved_layers, shipped_bytes, estimated_s, unsourced_bytes, .. } =
        shipped(model, cluster, &base.base(), stages);
    PlacementDiff {
        moved_layers,
        shipped_bytes,
        estimated_s,
        unsourced_bytes,
        gained_node_ids: only_in(placed, base),
        lost_node_ids: only_in(base, placed),
        base_period_s: base.period_s,
        period_s: placed.period_s,
        period_change_s: placed.period_s - base.period_s,
        base_latency_s: base.latency_s,
        latency_s: placed.latency_s,
        latency_change_s: placed.latency_s - base.latency_s,
    }
}

/// Nodes that host stages of one placement and none of another, in the order of the stages.
fn only_in(one: &Placed, other: &Placed) -> Vec<String> {
    let node_id = |stage: &PlacedStage| stage.node_id.clone();
    let others: BTreeSet<String> = other.stages.iter().map(node_id).collect();
    one.stages.iter().map(node_id).filter(|id| !others.contains(id)).collect()
}

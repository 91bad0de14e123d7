//! The difference between two placements.

use std::collections::BTreeSet;

use super::migration::shipped;
use crate::domain::cluster::ClusterInventory;
use crate::domain::explanation::PlacementDiff;
use crate::domain::migration::Migration;
use crate::domain::model::ModelProfile;
use crate::domain::placed::{Placed, PlacedStage};

/// Compares a placement of a model on a cluster with its base. Returns the layers to ship, the
/// nodes gained and lost, and the changes of period and latency in seconds. A stage ships nothing
/// if the cluster does not have its node or if the model has none of its layers.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::diff;
/// use cutpoint_planner::domain::placed::{Placed, PlacedStage};
/// use cutpoint_planner::domain::request::PlanRequest;
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {
///         "name": "two-layers",
///         "layers": [
///             {"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000},
///             {"id": "dense", "param_bytes": 600_000, "output_bytes": 40, "flops": 1_000_000}
///         ],
///         "edges": [{"from": "conv", "to": "dense"}]
///     },
///     "cluster": {
///         "name": "shelf",
///         "nodes": [
///             {"id": "pi-1", "memory_bytes": 1_000_000, "flops_per_s": 1e9},
///             {"id": "pi-2", "memory_bytes": 1_000_000, "flops_per_s": 2e9}
///         ],
///         "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0}
///     }
/// }))
/// .expect("the request is valid");
///
/// let stage = |node: &str, layer: &str| PlacedStage {
///     node_id: node.to_owned(),
///     layer_ids: vec![layer.to_owned()],
///     memory_bytes: 1_000_000,
///     alone_s: 0.02,
///     receive: None,
///     send: None,
/// };
/// let placed = |period_s: f64, stages: Vec<PlacedStage>| Placed { period_s, latency_s: 0.03, stages };
/// let base = placed(0.02, vec![stage("pi-1", "conv"), stage("pi-2", "dense")]);
/// let swapped = placed(0.01, vec![stage("pi-2", "conv"), stage("pi-1", "dense")]);
///
/// let diff = diff(&request.model, &request.cluster, &base, &swapped);
///
/// assert_eq!(diff.shipped_bytes, 1_400_000);
/// assert_eq!(diff.period_change_s, -0.01);
/// ```
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

/// Returns the nodes that host stages of `one` and none of `other`, in the order of the stages.
fn only_in(one: &Placed, other: &Placed) -> Vec<String> {
    let node_id = |stage: &PlacedStage| stage.node_id.clone();
    let others: BTreeSet<String> = other.stages.iter().map(node_id).collect();
    one.stages.iter().map(node_id).filter(|id| !others.contains(id)).collect()
}

//! The difference between two placements.

use std::collections::BTreeSet;

use super::migration::{holders_of_stages, shipped};
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
/// use cutpoint_planner::domain::placed::{Placed, PlacedPipeline, PlacedStage};
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
/// let placed = |period_s: f64, stages: Vec<PlacedStage>| {
///     Placed { period_s, latency_s: 0.03, pipelines: vec![PlacedPipeline { part: 1.0, stages }] }
/// };
/// let base = placed(0.02, vec![stage("pi-1", "conv"), stage("pi-2", "dense")]);
/// let swapped = placed(0.01, vec![stage("pi-2", "conv"), stage("pi-1", "dense")]);
///
/// let diff = diff(&request.model, &request.cluster, &base, &swapped);
///
/// assert_eq!(diff.shipped_bytes, 1_400_000);
/// assert_eq!(diff.period_change_s, -0.01);
/// ```
pub fn diff(model: &ModelProfile, cluster: &ClusterInventory, base: &Placed, placed: &Placed) -> PlacementDiff {
    let base_stages = all_stages(base);
    let before = base_stages.map(|(stage, is_last)| (stage.node_id.as_str(), &stage.layer_ids[..], is_last));
    let holders_of = holders_of_stages(model, before);
    let stages = all_stages(placed).filter_map(|(stage, is_last)| {
        let node = cluster.node_index(&stage.node_id)?;
        let layers: Vec<usize> = stage.layer_ids.iter().filter_map(|id| model.layer_index(id)).collect();
        (!layers.is_empty()).then_some((node, layers, is_last))
    });
    let Migration { moved_layers, shipped_bytes, estimated_s, unsourced_bytes, .. } =
        shipped(model, cluster, &holders_of, stages);
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

/// Returns the stages of all pipelines, each with whether it is the last of its own.
fn all_stages(placed: &Placed) -> impl Iterator<Item = (&PlacedStage, bool)> {
    placed.pipelines.iter().flat_map(|pipeline| {
        let last = pipeline.stages.len();
        pipeline.stages.iter().enumerate().map(move |(at, stage)| (stage, at + 1 == last))
    })
}

/// Returns the nodes that host stages of `one` and none of `other`, in the order of the stages.
fn only_in(one: &Placed, other: &Placed) -> Vec<String> {
    let node_id = |stage: &PlacedStage| stage.node_id.clone();
    let others: BTreeSet<String> = other.stages().map(node_id).collect();
    one.stages().map(node_id).filter(|id| !others.contains(id)).collect()
}

//! The bytes that replanning ships from the request's base to an assignment.

use std::collections::BTreeMap;

use super::cost::Assignment;
use super::instance::Instance;
use super::routes::Routes;
use crate::domain::base::BasePlacement;
use crate::domain::cluster::ClusterInventory;
use crate::domain::migration::{Migration, MovedLayer};
use crate::domain::model::ModelProfile;
use crate::domain::request::PlanRequest;

/// Returns the moved layers of pipelines with their bytes and the estimated seconds, or `None`
/// if the request has no base. What a search proves (the bound, the periods) is not set.
pub fn migration<'a>(
    request: &PlanRequest,
    instance: &Instance,
    pipelines: impl IntoIterator<Item = &'a Assignment>,
) -> Option<Migration> {
    let base = request.options.base.as_ref()?;
    let stages = pipelines.into_iter().flat_map(Assignment::spans).map(|(start, end, host)| {
        (instance.hosts[host], instance.cuts.layers_between(start, end), end == instance.last())
    });
    Some(shipped(&request.model, &request.cluster, &holders(&request.model, base), stages))
}

/// Returns for each layer of a model the nodes that hold its parameters in a base, in the order of
/// the base's stages, one pipeline after the other.
pub fn holders<'b>(model: &ModelProfile, base: &'b BasePlacement) -> Vec<Vec<&'b str>> {
    let stages = base.stages();
    holders_of_stages(model, stages.map(|(stage, is_last)| (stage.node_id.as_str(), &stage.layer_ids[..], is_last)))
}

/// Returns for each layer of a model the nodes that hold its parameters, each once, in the order of the stages. A stage is a
/// node, its layers, and whether it is the last of its pipeline.
pub fn holders_of_stages<'b>(
    model: &ModelProfile,
    stages: impl IntoIterator<Item = (&'b str, &'b [String], bool)>,
) -> Vec<Vec<&'b str>> {
    let mut holders: Vec<Vec<&str>> = vec![Vec::new(); model.layers.len()];
    for (node_id, layer_ids, is_last) in stages {
        let layers = layer_ids.iter().filter_map(|id| model.layer_index(id));
        for layer in held(model, layers, is_last) {
            if !holders[layer].contains(&node_id) {
                holders[layer].push(node_id);
            }
        }
    }
    holders
}

/// Returns what must be shipped to stages of a model on a cluster where nodes hold layers already.
///
/// A stage is a node, by its place in the inventory, its layers, and whether it is the last of its pipeline. Constants among these are
/// ignored: each stage has those that its other layers need.
pub fn shipped<L: IntoIterator<Item = usize>>(
    model: &ModelProfile,
    cluster: &ClusterInventory,
    holders_of: &[Vec<&str>],
    stages: impl IntoIterator<Item = (usize, L, bool)>,
) -> Migration {
    let mut migration = Migration::default();
    let mut pair_bytes: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for (to, layers, is_last) in stages {
        let node = &cluster.nodes[to];
        for index in held(model, layers, is_last) {
            let (layer, holders) = (&model.layers[index], &holders_of[index]);
            if holders.contains(&node.id.as_str()) {
                continue;
            }
            let from = holders.iter().find_map(|id| cluster.node_index(id));
            migration.shipped_bytes += layer.param_bytes;
            match from {
                Some(from) => *pair_bytes.entry((from, to)).or_default() += layer.param_bytes,
                None => migration.unsourced_bytes += layer.param_bytes,
            }
            migration.moved_layers.push(MovedLayer {
                layer_id: layer.id.clone(),
                from_node_id: from.map(|from| cluster.nodes[from].id.clone()),
                to_node_id: node.id.clone(),
                param_bytes: layer.param_bytes,
            });
        }
    }
    let routes = Routes::new(cluster);
    let mut sending_s = vec![0.0; cluster.nodes.len()];
    let mut receiving_s = sending_s.clone();
    for ((from, to), bytes) in pair_bytes.into_iter().filter(|(_, bytes)| *bytes > 0) {
        let link = routes.link(from, to);
        if link.exists() {
            let seconds = link.transfer_s(8.0 * bytes as f64);
            sending_s[from] += seconds;
            receiving_s[to] += seconds;
        } else {
            migration.unsourced_bytes += bytes;
        }
    }
    migration.estimated_s = sending_s.into_iter().chain(receiving_s).fold(0.0, f64::max);
    migration
}

/// Returns the layers that a stage's node holds: its own in the model's order, then the constants
/// that they need.
fn held(model: &ModelProfile, layers: impl IntoIterator<Item = usize>, is_last: bool) -> Vec<usize> {
    let mut held: Vec<usize> = layers.into_iter().filter(|&layer| !model.is_constant(layer)).collect();
    held.sort_unstable();
    let constants = model.constants_of_stage(held.iter().copied(), is_last);
    held.extend(constants);
    held
}

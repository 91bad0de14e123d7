//! What replanning ships: from the request's base to an assignment.

use std::collections::BTreeMap;
use std::ops::Range;

use super::cost::Assignment;
use super::instance::Instance;
use super::links::LinkFinder;
use crate::domain::base::BasePlacement;
use crate::domain::cluster::ClusterInventory;
use crate::domain::migration::{Migration, MovedLayer};
use crate::domain::model::ModelProfile;
use crate::domain::request::PlanRequest;

/// The moved layers of an assignment with their bytes and time; `None` for a request without a base. What a search
/// proves (the bound, the periods) is not in it yet.
pub fn migration(request: &PlanRequest, instance: &Instance, assignment: &Assignment) -> Option<Migration> {
    let base = request.options.base.as_ref()?;
    let stages = assignment.spans().map(|(start, end, host)| {
        (instance.hosts[host], instance.chain.positions[start]..instance.chain.positions[end])
    });
    Some(shipped(&request.model, &request.cluster, base, stages))
}

/// What it ships to come from a base to stages of a model on a cluster: each a node, by its place, and its layers.
pub fn shipped(
    model: &ModelProfile,
    cluster: &ClusterInventory,
    base: &BasePlacement,
    stages: impl IntoIterator<Item = (usize, Range<usize>)>,
) -> Migration {
    let holders = base.holders();
    let mut migration = Migration::default();
    let mut pair_bytes: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for (to, layers) in stages {
        let node = &cluster.nodes[to];
        for layer in &model.layers[layers] {
            let holder = holders.get(layer.id.as_str()).copied();
            if holder == Some(node.id.as_str()) {
                continue;
            }
            let from = holder.and_then(|id| cluster.node_index(id));
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
    let finder = LinkFinder::new(cluster);
    let mut sending_s = vec![0.0; cluster.nodes.len()];
    let mut receiving_s = sending_s.clone();
    for ((from, to), bytes) in pair_bytes.into_iter().filter(|(_, bytes)| *bytes > 0) {
        let link = finder.link(from, to);
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

//! What must be shipped from the request's base to proposed stages.

use std::collections::BTreeMap;

use super::StageProposal;
use super::route::routes;
use crate::domain::cluster::Node;
use crate::domain::migration::{Migration, MovedLayer};
use crate::domain::request::PlanRequest;

/// The layers that move, with bytes and time; `None` for a request without a base. Layers in the proposals' order.
pub(super) fn migration(request: &PlanRequest, proposals: &[StageProposal]) -> Option<Migration> {
    let base = request.options.base.as_ref()?;
    let nodes: BTreeMap<&str, &Node> = request.cluster.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let holder_of: BTreeMap<&str, &str> = base
        .stages
        .iter()
        .flat_map(|stage| stage.layer_ids.iter().map(|layer| (layer.as_str(), stage.node_id.as_str())))
        .collect();
    let param_bytes: BTreeMap<&str, u64> =
        request.model.layers.iter().map(|layer| (layer.id.as_str(), layer.param_bytes)).collect();
    let mut moved_layers = Vec::new();
    for proposal in proposals {
        for layer in &proposal.layer_ids {
            let holder = holder_of.get(layer.as_str()).copied();
            let Some(&param_bytes) = param_bytes.get(layer.as_str()) else { continue };
            if holder != Some(proposal.node_id.as_str()) {
                moved_layers.push(MovedLayer {
                    layer_id: layer.clone(),
                    from_node_id: holder.filter(|id| nodes.contains_key(id)).map(str::to_owned),
                    to_node_id: proposal.node_id.clone(),
                    param_bytes,
                });
            }
        }
    }
    let (estimated_s, unsourced_bytes) = travel(request, &nodes, &moved_layers);
    Some(Migration {
        shipped_bytes: moved_layers.iter().map(|moved| moved.param_bytes).sum(),
        moved_layers,
        estimated_s,
        unsourced_bytes,
        ..Migration::default()
    })
}

/// The busiest node's seconds, and the bytes that travel nowhere.
fn travel(request: &PlanRequest, nodes: &BTreeMap<&str, &Node>, moved: &[MovedLayer]) -> (f64, u64) {
    let mut bytes_of: BTreeMap<(Option<&str>, &str), u64> = BTreeMap::new();
    for layer in moved {
        *bytes_of.entry((layer.from_node_id.as_deref(), &layer.to_node_id)).or_default() += layer.param_bytes;
    }
    let known = |(from, to): &(Option<&str>, &str)| Some((*nodes.get((*from)?)?, *nodes.get(to)?));
    let pairs: Vec<(&Node, &Node)> = bytes_of.keys().filter_map(known).collect();
    let routes = routes(&request.cluster, &pairs);
    let (mut sends_s, mut receives_s) = (BTreeMap::new(), BTreeMap::new());
    let mut unsourced_bytes = 0;
    for ((from, to), bytes) in bytes_of.into_iter().filter(|(_, bytes)| *bytes > 0) {
        let Some((from, route)) = from.and_then(|from| Some((from, routes.get(&(from, to))?))) else {
            unsourced_bytes += bytes;
            continue;
        };
        let seconds = route.transfer_s(bytes, 1.0);
        *sends_s.entry(from).or_insert(0.0) += seconds;
        *receives_s.entry(to).or_insert(0.0) += seconds;
    }
    (sends_s.into_values().chain(receives_s.into_values()).fold(0.0, f64::max), unsourced_bytes)
}

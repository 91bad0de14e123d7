//! The layers that must be shipped from the request's base to proposed stages.

use std::collections::{BTreeMap, BTreeSet};

use super::StageProposal;
use super::graph::Graph;
use super::route::routes;
use super::transfer::alone_s;
use crate::domain::cluster::Node;
use crate::domain::migration::{Migration, MovedLayer};
use crate::domain::request::PlanRequest;

/// Returns the layers that move to the stages of some pipelines, with bytes and seconds, or `None` for a request without a
/// base. The layers are listed stage by stage: each stage's layers in the model's order, then its constants.
pub(super) fn migration(request: &PlanRequest, graph: &Graph<'_>, pipelines: &[&[StageProposal]]) -> Option<Migration> {
    let base = request.options.base.as_ref()?;
    let nodes: BTreeMap<&str, &Node> = request.cluster.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut holders_of: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (node_id, places) in base.pipelines().flat_map(|stages| held(graph, stages)) {
        for place in places {
            holders_of.entry(place).or_default().push(node_id);
        }
    }
    let mut moved_layers = Vec::new();
    let mut there: BTreeSet<(usize, &str)> = BTreeSet::new();
    for (node_id, places) in pipelines.iter().flat_map(|stages| held(graph, stages)) {
        for place in places {
            let holders = holders_of.get(&place).map_or(&[][..], |holders| holders);
            // A node with two stages, which is a violation, needs a constant only once.
            if holders.contains(&node_id) || (graph.is_constant(place) && !there.insert((place, node_id))) {
                continue;
            }
            let layer = &request.model.layers[place];
            moved_layers.push(MovedLayer {
                layer_id: layer.id.clone(),
                from_node_id: holders.iter().find(|id| nodes.contains_key(*id)).map(|id| (*id).to_owned()),
                to_node_id: node_id.to_owned(),
                param_bytes: layer.param_bytes,
            });
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

/// Returns, for each stage, its node and the layers that the node holds: the stage's own and the
/// constants that these need.
fn held<'a>(graph: &Graph<'_>, stages: &'a [StageProposal]) -> Vec<(&'a str, Vec<usize>)> {
    let of_stage = |(index, stage): (usize, &'a StageProposal)| {
        let known = stage.layer_ids.iter().filter_map(|id| graph.place(id));
        let layers: BTreeSet<usize> = known.filter(|&place| !graph.is_constant(place)).collect();
        let layers: Vec<usize> = layers.into_iter().collect();
        let constants = graph.constants_held(&layers, index + 1 == stages.len());
        (stage.node_id.as_str(), layers.into_iter().chain(constants).collect())
    };
    stages.iter().enumerate().map(of_stage).collect()
}

/// Returns the seconds of the busiest node, sending and receiving counted apart, and the bytes that
/// no link carries.
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
        let seconds = alone_s(route, bytes);
        *sends_s.entry(from).or_insert(0.0) += seconds;
        *receives_s.entry(to).or_insert(0.0) += seconds;
    }
    (sends_s.into_values().chain(receives_s.into_values()).fold(0.0, f64::max), unsourced_bytes)
}

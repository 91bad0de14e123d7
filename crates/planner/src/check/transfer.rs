//! The transfers that stages need: from the source, from stage to stage, and to the sink.

use std::collections::BTreeMap;

use super::cuts::Cuts;
use super::layout::Laid;
use super::occupied::{Ends, Occupied};
use super::route::routes;
use super::{Violation, ViolationCode};
use crate::domain::cluster::Node;
use crate::domain::placement::{Receive, Send, Stage};
use crate::domain::request::PlanRequest;

struct Transfer<'a> {
    sender: Option<usize>,
    receiver: Option<usize>,
    from: &'a Node,
    to: &'a Node,
    /// The cut whose tensors are transferred.
    cut: usize,
}

/// What all transfers together need.
pub(super) struct Traffic<'a> {
    /// Whether each transfer has a time, that is, a link.
    pub(super) all_timed: bool,
    /// The seconds for which each link would be busy if it were not shared.
    pub(super) link_s: BTreeMap<Ends<'a>, f64>,
}

/// Adds every transfer to the stages that send and receive it, and records missing links.
pub(super) fn enter_transfers<'a>(
    request: &'a PlanRequest,
    occupied: &Occupied<'_>,
    cuts: &Cuts,
    laid: &[Laid<'a>],
    stages: &mut [Option<Stage>],
    violations: &mut Vec<Violation>,
) -> Traffic<'a> {
    let transfers = transfers(request, laid);
    let pairs: Vec<(&Node, &Node)> = transfers.iter().map(|transfer| (transfer.from, transfer.to)).collect();
    let routes = routes(&request.cluster, &pairs);
    let mut link_s = BTreeMap::new();
    let mut all_timed = true;
    for Transfer { sender, receiver, from, to, cut } in transfers {
        let Some(route) = routes.get(&(from.id.as_str(), to.id.as_str())) else {
            let detail = format!("no link leads from {:?} to {:?}", from.id, to.id);
            let violation = Violation::new(ViolationCode::NoLink, detail).node(&from.id).node(&to.id);
            violations.push(violation.at(sender.or(receiver).unwrap_or(0)));
            all_timed = false;
            continue;
        };
        let bytes = cuts.boundary_bytes(cut);
        let scale = request.options.cost_model.transfer_scale;
        let share = occupied.link_share(&from.id, &to.id);
        let transfer_s = route.shared(share).transfer_s(bytes, scale);
        *link_s.entry((from.id.as_str(), to.id.as_str())).or_insert(0.0) += route.load_s(bytes, scale);
        let bandwidth_share = Some(share).filter(|share| *share < 1.0);
        let layers = &request.model.layers;
        let tensor_layer_ids: Vec<String> = cuts.crossing(cut).iter().map(|&place| layers[place].id.clone()).collect();
        if let Some(stage) = receiver.and_then(|stage| stages[stage].as_mut()) {
            let tensor_layer_ids = tensor_layer_ids.clone();
            let from_node_id = from.id.clone();
            stage.receive =
                Some(Receive { from_node_id, tensor_layer_ids, bytes, transfer_s, bandwidth_share, route: Vec::new() });
        }
        if let Some(stage) = sender.and_then(|stage| stages[stage].as_mut()) {
            stage.send = Some(Send {
                to_node_id: to.id.clone(),
                tensor_layer_ids,
                bytes,
                transfer_s,
                bandwidth_share,
                route: Vec::new(),
            });
        }
    }
    Traffic { all_timed, link_s }
}

/// Returns the transfers between known nodes. A transfer from a node to itself is left out.
fn transfers<'a>(request: &'a PlanRequest, laid: &[Laid<'a>]) -> Vec<Transfer<'a>> {
    let constraints = &request.options.constraints;
    let find = |id: &Option<String>| request.cluster.nodes.iter().find(|node| Some(&node.id) == id.as_ref());
    let mut transfers = Vec::new();
    if let (Some(from), Some(to)) = (find(&constraints.source_node), laid.first().and_then(|first| first.node)) {
        transfers.push(Transfer { sender: None, receiver: Some(0), from, to, cut: 0 });
    }
    for (stage, pair) in laid.windows(2).enumerate() {
        if let (Some(from), Some(to)) = (pair[0].node, pair[1].node) {
            transfers.push(Transfer { sender: Some(stage), receiver: Some(stage + 1), from, to, cut: stage + 1 });
        }
    }
    if let (Some(from), Some(to)) = (laid.last().and_then(|last| last.node), find(&constraints.sink_node)) {
        transfers.push(Transfer { sender: Some(laid.len() - 1), receiver: None, from, to, cut: laid.len() });
    }
    transfers.retain(|transfer| transfer.from.id != transfer.to.id);
    transfers
}

//! The transfers that stages need: from the source, from stage to stage, and to the sink.

use super::cuts::Cuts;
use super::layout::Laid;
use super::occupied::Occupied;
use super::route::{Medium, Route, Turn, routes};
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

/// The transfers of a placement.
pub(super) struct Traffic<'a> {
    /// Those that have a route: from the source, from stage to stage, and to the sink.
    pub(super) carried: Vec<Carried<'a>>,
    /// Whether each transfer has a route.
    pub(super) is_whole: bool,
}

/// A transfer with what it takes.
pub(super) struct Carried<'a> {
    /// The stage that sends; `None` for the source.
    pub(super) sender: Option<usize>,
    /// The stage that receives; `None` for the sink.
    pub(super) receiver: Option<usize>,
    pub(super) from: &'a Node,
    pub(super) to: &'a Node,
    /// Each medium once.
    pub(super) occupations: Vec<Occupation<'a>>,
    latency_s: f64,
}

/// For how long a transfer occupies a medium.
pub(super) struct Occupation<'a> {
    pub(super) medium: Medium<'a>,
    /// Seconds without occupants.
    pub(super) alone_s: f64,
    /// Seconds beside the occupants.
    pub(super) shared_s: f64,
}

impl Carried<'_> {
    /// Returns the seconds for which it occupies the medium that it occupies longest.
    pub(super) fn longest_s(&self) -> f64 {
        longest(&self.occupations, |occupation| occupation.shared_s)
    }

    /// Returns the same seconds without occupants.
    pub(super) fn longest_alone_s(&self) -> f64 {
        longest(&self.occupations, |occupation| occupation.alone_s)
    }

    /// Returns the seconds until it has arrived.
    pub(super) fn transfer_s(&self) -> f64 {
        self.longest_s() + self.latency_s
    }
}

fn longest(occupations: &[Occupation<'_>], seconds: impl Fn(&Occupation<'_>) -> f64) -> f64 {
    occupations.iter().map(seconds).fold(0.0, f64::max)
}

/// Returns the seconds until a transfer has arrived if nothing else is transferred.
pub(super) fn alone_s(route: &Route<'_>, bytes: u64) -> f64 {
    longest(&occupations(route, 8.0 * bytes as f64, |_| 1.0), |occupation| occupation.alone_s) + route.latency_s
}

/// Returns for how long a transfer of this many bits occupies each medium of its route.
/// `share_left` returns the share of a medium that occupants leave.
fn occupations<'a>(route: &Route<'a>, bits: f64, share_left: impl Fn(Medium<'a>) -> f64) -> Vec<Occupation<'a>> {
    let mut occupations: Vec<Occupation<'_>> = Vec::new();
    for &Turn { medium, bandwidth_bps } in &route.turns {
        let (alone_s, shared_s) = (bits / bandwidth_bps, bits / (bandwidth_bps * share_left(medium)));
        match occupations.iter_mut().find(|occupation| occupation.medium == medium) {
            Some(occupation) => {
                occupation.alone_s += alone_s;
                occupation.shared_s += shared_s;
            }
            None => occupations.push(Occupation { medium, alone_s, shared_s }),
        }
    }
    occupations
}

/// Returns the share of the bandwidth that occupants leave to the transfers of a pair, or `None` if
/// they leave all of it.
fn bandwidth_share<'a>(route: &Route<'a>, link_share: f64, share_left: impl Fn(Medium<'a>) -> f64) -> Option<f64> {
    let share = if route.turns.iter().all(|turn| share_left(turn.medium) == link_share) {
        link_share
    } else {
        // Every occupation is proportional to the bits, so that one bit gives the same ratio.
        let of_bit = occupations(route, 1.0, share_left);
        longest(&of_bit, |occupation| occupation.alone_s) / longest(&of_bit, |occupation| occupation.shared_s)
    };
    Some(share).filter(|share| *share < 1.0)
}

/// Adds every transfer to the stages that send and receive it, and records missing routes.
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
    let mut traffic = Traffic { carried: Vec::with_capacity(transfers.len()), is_whole: true };
    for Transfer { sender, receiver, from, to, cut } in transfers {
        let Some(route) = routes.get(&(from.id.as_str(), to.id.as_str())) else {
            let detail = format!("no link leads from {:?} to {:?}", from.id, to.id);
            let violation = Violation::new(ViolationCode::NoLink, detail).node(&from.id).node(&to.id);
            violations.push(violation.at(sender.or(receiver).unwrap_or(0)));
            traffic.is_whole = false;
            continue;
        };
        let bytes = cuts.boundary_bytes(cut);
        let link_share = occupied.link_share(&from.id, &to.id);
        let share_left = |medium| link_share * occupied.medium_share(medium);
        let bits = 8.0 * (bytes as f64 * request.options.cost_model.transfer_scale);
        let occupations = occupations(route, bits, share_left);
        let carried = Carried { sender, receiver, from, to, occupations, latency_s: route.latency_s };
        let transfer_s = carried.transfer_s();
        let bandwidth_share = bandwidth_share(route, link_share, share_left);
        let layers = &request.model.layers;
        let tensor_layer_ids: Vec<String> = cuts.crossing(cut).iter().map(|&place| layers[place].id.clone()).collect();
        let vertices: Vec<String> = route.vertices.iter().map(|&id| id.to_owned()).collect();
        if let Some(stage) = receiver.and_then(|stage| stages[stage].as_mut()) {
            stage.receive = Some(Receive {
                from_node_id: from.id.clone(),
                tensor_layer_ids: tensor_layer_ids.clone(),
                bytes,
                transfer_s,
                bandwidth_share,
                route: vertices.clone(),
            });
        }
        if let Some(stage) = sender.and_then(|stage| stages[stage].as_mut()) {
            stage.send = Some(Send {
                to_node_id: to.id.clone(),
                tensor_layer_ids,
                bytes,
                transfer_s,
                bandwidth_share,
                route: vertices,
            });
        }
        traffic.carried.push(carried);
    }
    traffic
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

//! Single upgrades: those to try for a placement, and the request that each makes.

use std::sync::Arc;

use super::interchange::{interchangeable, of_one_kind};
use super::{copy, media, on_cluster};
use crate::domain::cluster::{Link, Node};
use crate::domain::explanation::{Explanation, StageSlack, TransferSlack, UpgradeKind};
use crate::domain::occupant::Occupant;
use crate::domain::options::{ComputeModel, Overlap};
use crate::domain::placement::{Bottleneck, BottleneckKind};
use crate::domain::request::PlanRequest;
use crate::domain::unit::MAX_SAFE_INTEGER;
use crate::routes::{Part, Routes};

/// An upgrade. Nodes are places in the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Twice the bandwidth.
    FasterLink { from: usize, to: usize },
    /// Twice the bit rates of all that a medium carries.
    FasterMedium(String),
    /// A station of the access point is wired to it.
    Wired(usize),
    /// Twice the speed for the first node. The others are interchangeable with it.
    FasterNode(Vec<usize>),
    /// Twice the memory for the first node. The others are interchangeable with it.
    LargerNode(Vec<usize>),
    /// One more node like the first. The others are of the same kind.
    OneMore(Vec<usize>),
}

/// A pipeline of an explanation.
struct View<'a> {
    /// Seconds from one pass to the next.
    every_s: Option<f64>,
    stages: &'a [StageSlack],
    transfers: &'a [TransferSlack],
    binding: &'a [Bottleneck],
}

/// Returns the pipelines of an explanation.
fn views(explanation: &Explanation) -> Vec<View<'_>> {
    if explanation.pipelines.is_empty() {
        let Explanation { period_s, stages, transfers, binding, .. } = explanation;
        return vec![View { every_s: *period_s, stages, transfers, binding }];
    }
    let pipelines = explanation.pipelines.iter();
    pipelines
        .map(|it| View {
            every_s: Some(it.rate_per_s.map_or(it.period_s, |rate| 1.0 / rate)),
            stages: &it.stages,
            transfers: &it.transfers,
            binding: &it.binding,
        })
        .collect()
}

/// Returns every upgrade to try. Those of stages with the least slack come first.
pub(super) fn changes(request: &PlanRequest, explanation: &Explanation) -> Vec<Change> {
    let place = |id: &String| request.cluster.node_index(id);
    let mut changes = Vec::new();
    let routes = Routes::new(&request.cluster);
    let views = views(explanation);
    for view in &views {
        for transfer in view.transfers.iter().filter(|transfer| is_upgraded(request, view, transfer)) {
            let (Some(from), Some(to)) = (place(&transfer.from_node_id), place(&transfer.to_node_id)) else { continue };
            let Some(change) = faster_transfer(&routes, from, to) else { continue };
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    let binding = views.iter().flat_map(|view| view.binding).filter_map(|binding| binding.medium_id.as_deref());
    for (id, medium) in routes.of_ids(binding) {
        let change = match routes.media.part(medium) {
            Part::Pair(from, to) => Change::FasterLink { from, to },
            _ => Change::FasterMedium(id.to_owned()),
        };
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    let mut stages: Vec<&StageSlack> = views.iter().flat_map(|view| view.stages).collect();
    stages.sort_by(|a, b| a.slack_s.total_cmp(&b.slack_s));
    let used: Vec<usize> = stages.iter().filter_map(|stage| place(&stage.node_id)).collect();
    let nodes = &request.cluster.nodes;
    let twins = grouped(&used, |a, b| interchangeable(request, &nodes[a], &nodes[b]));
    let computes = |node: &Node| request.options.cost_model.compute == ComputeModel::Profile && has_pace(request, node);
    changes.extend(twins.iter().filter(|it| computes(&nodes[it[0]])).cloned().map(Change::FasterNode));
    changes.extend(grouped(&used, |a, b| of_one_kind(&nodes[a], &nodes[b])).into_iter().map(Change::OneMore));
    changes.extend(twins.into_iter().map(Change::LargerNode));
    changes.extend(used.iter().copied().filter(|&node| media::is_station(&request.cluster, node)).map(Change::Wired));
    changes
}

/// Returns the upgrade of what carries a transfer: its link, or the slowest medium on its route.
fn faster_transfer(routes: &Routes<'_>, from: usize, to: usize) -> Option<Change> {
    let (_, occupied) = routes.occupied(from, to)?;
    let slowest = occupied.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    if occupied.len() == 1 && routes.media.is_pair(slowest.0) {
        return Some(Change::FasterLink { from, to });
    }
    Some(Change::FasterMedium(routes.media.id(slowest.0)))
}

/// Returns `true` if a transfer's link is upgraded: the transfer binds or, without overlap, one of
/// its nodes binds.
fn is_upgraded(request: &PlanRequest, view: &View<'_>, transfer: &TransferSlack) -> bool {
    let kind = if request.options.cost_model.overlap == Overlap::Full { transfer.kind } else { BottleneckKind::Node };
    match kind {
        BottleneckKind::Node => view.every_s.is_some_and(|every_s| transfer.slack_s <= every_s * 1e-12),
        kind => view.binding.iter().any(|it| it.kind == kind && it.stage_index == transfer.stage_index),
    }
}

/// Groups nodes into classes of an equivalence, in the order of their first members.
fn grouped(nodes: &[usize], same: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for &node in nodes {
        match classes.iter_mut().find(|class| class[0] == node || same(class[0], node)) {
            Some(class) => class.push(node),
            None => classes.push(vec![node]),
        }
    }
    classes
}

/// Returns `true` if a faster node would compute faster: the node has a speed or timings.
fn has_pace(request: &PlanRequest, node: &Node) -> bool {
    let timed = |class: &String| request.model.timed_classes().contains(class.as_str());
    node.flops_per_s.is_some() || node.device_class.as_ref().is_some_and(timed)
}

impl Change {
    pub(super) fn kind(&self) -> UpgradeKind {
        match self {
            Self::FasterLink { .. } => UpgradeKind::LinkTwiceAsFast,
            Self::FasterMedium(_) => UpgradeKind::MediumTwiceAsFast,
            Self::Wired(_) => UpgradeKind::NodeWired,
            Self::FasterNode(_) => UpgradeKind::NodeTwiceAsFast,
            Self::LargerNode(_) => UpgradeKind::NodeTwiceTheMemory,
            Self::OneMore(_) => UpgradeKind::OneMoreNode,
        }
    }

    /// Returns the request with this upgrade.
    pub(super) fn apply(&self, request: &PlanRequest) -> PlanRequest {
        match self {
            Self::FasterLink { from, to } => with_faster_link(request, *from, *to),
            Self::FasterMedium(id) => media::with_faster_medium(request, id),
            Self::Wired(node) => media::with_wire(request, *node),
            Self::FasterNode(nodes) => with_faster_node(request, nodes[0]),
            Self::LargerNode(nodes) => on_cluster(request, |cluster| {
                let node = &mut cluster.nodes[nodes[0]];
                node.memory_bytes = node.memory_bytes.saturating_mul(2).min(MAX_SAFE_INTEGER);
            }),
            Self::OneMore(nodes) => copy::with_copy_of(request, nodes[0]),
        }
    }
}

fn with_faster_link(request: &PlanRequest, from: usize, to: usize) -> PlanRequest {
    let id = |node: usize| request.cluster.nodes[node].id.clone();
    let (from_id, to_id) = (id(from), id(to));
    let link = Routes::new(&request.cluster).link(from, to);
    let mut both_ways = false;
    let mut upgraded = on_cluster(request, |cluster| {
        let leads = |link: &Link, from: &String, to: &String| link.from == *from && link.to == *to;
        let listed = cluster
            .links
            .iter_mut()
            .find(|link| leads(link, &from_id, &to_id) || (link.bidirectional && leads(link, &to_id, &from_id)));
        match listed {
            Some(listed) => {
                both_ways = listed.bidirectional;
                listed.bandwidth_bps *= 2.0;
            }
            None => cluster.links.push(Link {
                from: from_id.clone(),
                to: to_id.clone(),
                bandwidth_bps: 2.0 * link.bandwidth_bps,
                latency_s: link.latency_s,
                bidirectional: false,
                medium: None,
            }),
        }
    });
    for hop in upgraded.options.occupants.iter_mut().flat_map(|occupant| &mut occupant.hops) {
        let there = hop.from_node_id == from_id && hop.to_node_id == to_id;
        let back = hop.from_node_id == to_id && hop.to_node_id == from_id;
        if there || (both_ways && back) {
            hop.transfer_s /= 2.0;
        }
    }
    upgraded
}

/// Returns the request with a node twice as fast. If its class has timings, the node gets a class
/// of its own with half of the times.
fn with_faster_node(request: &PlanRequest, node: usize) -> PlanRequest {
    let mut upgraded = on_cluster(request, |cluster| {
        let node = &mut cluster.nodes[node];
        node.flops_per_s = node.flops_per_s.map(|flops_per_s| 2.0 * flops_per_s);
    });
    let id = &request.cluster.nodes[node].id;
    let class = request.cluster.nodes[node].device_class.as_ref();
    if let Some(class) = class.filter(|class| request.model.timed_classes().contains(class.as_str())) {
        let twice = free_class(request, class);
        let mut model = (*request.model).clone();
        let of_layers = model.layers.iter_mut().map(|layer| &mut layer.time_s);
        let of_groups = model.groups.iter_mut().map(|group| &mut group.time_s);
        for time_s in of_layers.chain(of_groups) {
            if let Some(&seconds) = time_s.get(class) {
                time_s.insert(twice.clone(), seconds / 2.0);
            }
        }
        upgraded = on_cluster(&upgraded, |cluster| cluster.nodes[node].device_class = Some(twice));
        upgraded.model = Arc::new(model);
    }
    let occupants = upgraded.options.occupants.iter_mut().flat_map(|occupant: &mut Occupant| &mut occupant.nodes);
    for occupied in occupants.filter(|occupied| occupied.node_id == *id) {
        occupied.compute_s /= 2.0;
    }
    upgraded
}

/// Returns a class name that no node and no timings have.
fn free_class(request: &PlanRequest, class: &str) -> String {
    let mut name = format!("{class}-twice-as-fast");
    let timed = request.model.timed_classes();
    let is_taken = |name: &String| {
        request.cluster.nodes.iter().any(|node| node.device_class.as_ref() == Some(name))
            || timed.contains(name.as_str())
    };
    while is_taken(&name) {
        name.push('+');
    }
    name
}

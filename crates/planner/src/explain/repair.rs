//! Repairs: single changes that make an infeasible request feasible, each verified by a placement.

use super::ExplainEnv;
use super::find::{Answer, find, judged, question, solve};
use super::memory::more_memory;
use super::missing_link::MissingLinks;
use super::on_cluster;
use super::solves::solve_all;
use super::{upgrade, value};
use crate::check::Evaluation;
use crate::check_failure::CheckFailure;
use crate::domain::explanation::{Repair, RepairKind};
use crate::domain::known_compute::refused_nodes;
use crate::domain::network::Network;
use crate::domain::options::{Constraints, Objective};
use crate::domain::placement::{Reason, Status};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, counted, seconds_text};
use crate::env::Stop;

/// A target period that every placement meets. It is used if only the number of stages counts.
const NO_TARGET_S: f64 = 1e100;

/// A change to try.
enum Change {
    Memory,
    Pin(usize),
    Colocation(usize),
    Admit(Vec<usize>),
    NodeSelector,
    Source,
    Sink,
    MaxStages,
    MaxNodes,
    MaxLatency,
    MaxPeriod,
    TargetPeriod,
    Links,
    Network(upgrade::Change),
}

/// The results of the changes tried.
#[derive(Default)]
struct Tried {
    repairs: Vec<Repair>,
    undecided: u64,
}

/// The most stations that are tried with a wire.
const MOST_WIRED: usize = 32;

/// Returns every single change that helps an answer without placement, and the number of changes that were left undecided.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub(super) fn repairs(
    request: &PlanRequest,
    reasons: &[Reason],
    env: &ExplainEnv<'_>,
) -> Result<(Vec<Repair>, u64), CheckFailure> {
    let mut changes = changes(request);
    changes.extend(network_changes(request, reasons).into_iter().map(Change::Network));
    // Memory and links take many solves each. Together they get as much time as the other changes.
    let heavy = (changes.len() as f64 / 2.0).max(1.0);
    let weight = |change: &Change| if matches!(change, Change::Memory | Change::Links) { heavy } else { 1.0 };
    let tasks: Vec<(f64, Change)> = changes.into_iter().map(|change| (weight(&change), change)).collect();
    let mut all = Tried::default();
    for tried in solve_all(env, &tasks, |change, stop| change.attempt(request, stop)) {
        let Tried { repairs, undecided } = tried?;
        all.repairs.extend(repairs);
        all.undecided += undecided;
    }
    Ok((all.repairs, all.undecided))
}

fn changes(request: &PlanRequest) -> Vec<Change> {
    let constraints = &request.options.constraints;
    let mut changes = vec![Change::Memory];
    changes.extend((0..constraints.pins.len()).map(Change::Pin));
    changes.extend((0..constraints.colocate.len()).map(Change::Colocation));
    let kept_out = |(_, node): &(usize, &crate::domain::cluster::Node)| {
        !node.schedulable || constraints.exclude_nodes.contains(&node.id)
    };
    let nodes = request.cluster.nodes.iter().enumerate().filter(kept_out);
    changes.extend(nodes.map(|(node, _)| Change::Admit(vec![node])));
    let excluded = constraints.exclude_nodes.iter().filter_map(|id| request.cluster.node_index(id));
    let mut excluded: Vec<usize> = excluded.collect();
    excluded.sort_unstable();
    excluded.dedup();
    if excluded.len() > 1 {
        changes.push(Change::Admit(excluded));
    }
    let given = [
        (!constraints.node_selector.is_empty(), Change::NodeSelector),
        (constraints.source_node.is_some(), Change::Source),
        (constraints.sink_node.is_some(), Change::Sink),
        (constraints.max_stages.is_some(), Change::MaxStages),
        (constraints.max_nodes.is_some(), Change::MaxNodes),
        (constraints.max_latency_s.is_some(), Change::MaxLatency),
        (constraints.max_period_s.is_some(), Change::MaxPeriod),
        (matches!(request.options.objective, Objective::MinNodes { .. }), Change::TargetPeriod),
    ];
    changes.extend(given.into_iter().filter_map(|(is_given, change)| is_given.then_some(change)));
    changes.push(Change::Links);
    changes
}

/// Returns what would make the media faster that are too busy: a second channel, or a wire for a node
/// on the channel.
fn network_changes(request: &PlanRequest, reasons: &[Reason]) -> Vec<upgrade::Change> {
    let cluster = &request.cluster;
    let mut changes: Vec<upgrade::Change> = Vec::new();
    for id in reasons.iter().flat_map(|reason| &reason.medium_ids) {
        let faster = upgrade::Change::FasterMedium(id.clone());
        if !changes.contains(&faster) {
            changes.push(faster);
        }
    }
    let is_busy = |channel: &String| changes.contains(&upgrade::Change::FasterMedium(channel.clone()));
    if let Some(Network::AccessPoint(access_point)) = &cluster.network
        && is_busy(&access_point.medium)
    {
        let stations = access_point.stations.iter().filter_map(|station| cluster.node_index(&station.node_id));
        changes.extend(stations.take(MOST_WIRED).map(upgrade::Change::Wired));
    }
    changes
}

impl Change {
    fn attempt(&self, request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
        match self {
            Self::Memory => with_more_memory(request, stop),
            Self::Links => with_links(request, stop),
            Self::MaxStages => with_more_stages(request, stop),
            Self::MaxNodes => with_more_nodes(request, stop),
            Self::MaxLatency => with_more_latency(request, stop),
            Self::MaxPeriod | Self::TargetPeriod => with_larger_period(request, stop),
            Self::Network(change) => with_faster_network(request, change, stop),
            _ => self.attempt_without(request, stop),
        }
    }

    /// Tries the request without a constraint.
    fn attempt_without(&self, request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
        let mut repaired = request.clone();
        let constraints = &mut repaired.options.constraints;
        let (kind, pointer, detail) = match self {
            Self::Pin(at) => {
                let pin = constraints.pins.remove(*at);
                (RepairKind::DropPin, format!("pins/{at}"), format!("do not pin {}", pin.layer_id))
            }
            Self::Colocation(at) => {
                let layers = constraints.colocate.remove(*at).layer_ids.join(", ");
                (RepairKind::DropColocation, format!("colocate/{at}"), format!("let {layers} be in different stages"))
            }
            Self::Admit(nodes) => return admit(request, nodes, stop),
            Self::NodeSelector => {
                constraints.node_selector.clear();
                (RepairKind::DropNodeSelector, "node_selector".to_owned(), "ask for no labels".to_owned())
            }
            Self::Source => {
                let source = constraints.source_node.take().unwrap_or_default();
                (RepairKind::DropSource, "source_node".to_owned(), format!("let inputs not come from {source}"))
            }
            _ => {
                let sink = constraints.sink_node.take().unwrap_or_default();
                (RepairKind::DropSink, "sink_node".to_owned(), format!("let outputs not go to {sink}"))
            }
        };
        let (node_ids, layer_ids) = self.concerned(&request.options.constraints);
        if is_refused(&repaired) {
            return Ok(Tried::default());
        }
        Ok(verified(find(&repaired, stop)?, |evaluation| Repair {
            pointer: Some(format!("/constraints/{pointer}")),
            node_ids,
            layer_ids,
            ..repair(kind, detail, evaluation)
        }))
    }

    /// Returns the nodes and layers that a constraint names.
    fn concerned(&self, constraints: &Constraints) -> (Vec<String>, Vec<String>) {
        match self {
            Self::Pin(at) => {
                let pin = &constraints.pins[*at];
                (pin.node_id.iter().cloned().collect(), vec![pin.layer_id.clone()])
            }
            Self::Colocation(at) => (Vec::new(), constraints.colocate[*at].layer_ids.clone()),
            Self::Source => (constraints.source_node.iter().cloned().collect(), Vec::new()),
            Self::Sink => (constraints.sink_node.iter().cloned().collect(), Vec::new()),
            _ => (Vec::new(), Vec::new()),
        }
    }
}

/// Returns `true` if the request would be answered with a fault: a change may admit nodes of which
/// it is not known how fast they compute.
fn is_refused(request: &PlanRequest) -> bool {
    !refused_nodes(&request.model, &request.cluster, &request.options).is_empty()
}

/// Tries the request with excluded or unschedulable nodes admitted.
fn admit(request: &PlanRequest, nodes: &[usize], stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let ids: Vec<String> = nodes.iter().map(|&node| request.cluster.nodes[node].id.clone()).collect();
    let several = nodes.len() > 1;
    let excluded = &request.options.constraints.exclude_nodes;
    let pointer = match excluded.iter().position(|id| *id == ids[0]) {
        _ if several => Some("/constraints/exclude_nodes".to_owned()),
        Some(at) => Some(format!("/constraints/exclude_nodes/{at}")),
        None => Some(format!("/cluster/nodes/{}/schedulable", nodes[0])),
    };
    let mut repaired = request.clone();
    if !several {
        repaired = on_cluster(&repaired, |cluster| cluster.nodes[nodes[0]].schedulable = true);
    }
    repaired.options.constraints.exclude_nodes.retain(|id| !ids.contains(id));
    if is_refused(&repaired) {
        return Ok(Tried::default());
    }
    let kind = if several { RepairKind::AdmitNodes } else { RepairKind::AdmitNode };
    let detail = format!("let {} host stages", ids.join(", "));
    let found = find(&repaired, stop)?;
    Ok(verified(found, |evaluation| Repair { pointer, node_ids: ids, ..repair(kind, detail, evaluation) }))
}

/// Tries the request on a cluster with a faster network.
fn with_faster_network(
    request: &PlanRequest,
    change: &upgrade::Change,
    stop: &dyn Stop,
) -> Result<Tried, CheckFailure> {
    let found = find(&change.apply(request), stop)?;
    let (kind, node_ids, medium_id) = match change {
        upgrade::Change::Wired(node) => (RepairKind::NodeWired, vec![request.cluster.nodes[*node].id.clone()], None),
        upgrade::Change::FasterMedium(id) => (RepairKind::MediumTwiceAsFast, Vec::new(), Some(id.clone())),
        _ => return Ok(Tried::default()),
    };
    let detail = value::detail(request, change);
    Ok(verified(found, |evaluation| Repair { node_ids, medium_id, ..repair(kind, detail, evaluation) }))
}

fn with_more_memory(request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let search = more_memory(request, stop)?;
    let undecided = u64::from(!search.is_complete);
    let repair = search.best.map(|best| {
        let node = &request.cluster.nodes[best.node].id;
        let detail = format!("{} more memory for {node}", bytes_text(best.extra_bytes));
        Repair {
            node_ids: vec![node.clone()],
            extra_bytes: Some(best.extra_bytes),
            is_least: Some(search.is_complete),
            ..repair(RepairKind::MoreMemory, detail, &best.evaluation)
        }
    });
    Ok(Tried { repairs: repair.into_iter().collect(), undecided })
}

/// Finds the fewest stages that are enough, within the target period if there is one.
fn with_more_stages(request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let mut repaired = question(request);
    repaired.options.constraints.max_stages = None;
    if !matches!(repaired.options.objective, Objective::MinNodes { .. }) {
        repaired.options.objective = Objective::MinNodes { target_period_s: NO_TARGET_S };
    }
    let document = solve(&repaired, stop)?;
    let raise_to = document.pipelines.iter().map(|pipeline| pipeline.stages.len() as u64).max().unwrap_or(0);
    let mut allowed = request.clone();
    allowed.options.constraints.max_stages = Some(raise_to);
    // Of several pipelines, the fewest nodes in all need not have the shortest pipelines.
    let is_least = document.status == Status::Optimal && document.pipelines.len() == 1;
    Ok(verified(judged(&allowed, &document)?, |evaluation| Repair {
        pointer: Some("/constraints/max_stages".to_owned()),
        raise_to: Some(raise_to as f64),
        is_least: Some(is_least),
        ..repair(RepairKind::RaiseMaxStages, format!("allow {}", counted(raise_to, "stage")), evaluation)
    }))
}

/// Finds the fewest nodes that are enough, within the target period if there is one.
fn with_more_nodes(request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let mut repaired = question(request);
    repaired.options.constraints.max_nodes = None;
    if !matches!(repaired.options.objective, Objective::MinNodes { .. }) {
        repaired.options.objective = Objective::MinNodes { target_period_s: NO_TARGET_S };
    }
    let document = solve(&repaired, stop)?;
    let raise_to = document.node_count() as u64;
    let mut allowed = request.clone();
    allowed.options.constraints.max_nodes = Some(raise_to);
    let is_least = document.status == Status::Optimal;
    Ok(verified(judged(&allowed, &document)?, |evaluation| Repair {
        pointer: Some("/constraints/max_nodes".to_owned()),
        raise_to: Some(raise_to as f64),
        is_least: Some(is_least),
        ..repair(RepairKind::RaiseMaxNodes, format!("allow {}", counted(raise_to, "node")), evaluation)
    }))
}

/// Finds the least latency that is enough. With a target period it is the latency of some placement
/// within the target.
fn with_more_latency(request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let mut repaired = question(request);
    repaired.options.constraints.max_latency_s = None;
    let has_target = matches!(request.options.objective, Objective::MinNodes { .. });
    if !has_target {
        repaired.options.objective = Objective::MinLatency;
        repaired.options.constraints.max_period_s = request.options.constraints.max_period_s;
    }
    let document = solve(&repaired, stop)?;
    let raise_to = document.latency_s.unwrap_or_default();
    let mut allowed = request.clone();
    allowed.options.constraints.max_latency_s = Some(raise_to);
    let is_least = document.status == Status::Optimal && !has_target;
    Ok(verified(judged(&allowed, &document)?, |evaluation| Repair {
        pointer: Some("/constraints/max_latency_s".to_owned()),
        raise_to: Some(raise_to),
        is_least: Some(is_least),
        ..repair(RepairKind::RaiseMaxLatency, format!("allow a latency of {}", seconds_text(raise_to)), evaluation)
    }))
}

/// Finds the least period that is enough.
fn with_larger_period(request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let mut repaired = question(request);
    repaired.options.objective = Objective::MaxThroughput;
    let document = solve(&repaired, stop)?;
    let raise_to = document.period_s.unwrap_or_default();
    let mut allowed = request.clone();
    let limit = &mut allowed.options.constraints.max_period_s;
    let (kind, pointer, asked) = if limit.is_some() {
        *limit = Some(raise_to);
        (RepairKind::RaiseMaxPeriod, "/constraints/max_period_s", "allow")
    } else {
        allowed.options.objective = Objective::MinNodes { target_period_s: raise_to };
        (RepairKind::RaiseTargetPeriod, "/objective/target_period_s", "ask for")
    };
    let is_least = document.status == Status::Optimal;
    Ok(verified(judged(&allowed, &document)?, |evaluation| Repair {
        pointer: Some(pointer.to_owned()),
        raise_to: Some(raise_to),
        is_least: Some(is_least),
        ..repair(kind, format!("{asked} a period of {}", seconds_text(raise_to)), evaluation)
    }))
}

/// Tries links between pairs one at a time, unless all of them together are proven not to help.
fn with_links(request: &PlanRequest, stop: &dyn Stop) -> Result<Tried, CheckFailure> {
    let missing = MissingLinks::new(request);
    let mut tried = Tried::default();
    if missing.pairs.is_empty() {
        return Ok(tried);
    }
    if let Answer::Infeasible = find(&missing.add(request, &missing.pairs), stop)? {
        return Ok(tried);
    }
    for &(a, b) in missing.tried() {
        let ids = [a, b].map(|node| request.cluster.nodes[node].id.clone());
        let found = find(&missing.add(request, &[(a, b)]), stop)?;
        let Tried { repairs, undecided } = verified(found, |evaluation| {
            let detail = format!("a link between {} and {}", ids[0], ids[1]);
            Repair {
                node_ids: ids.to_vec(),
                bandwidth_bps: Some(missing.link.bandwidth_bps),
                link_latency_s: Some(missing.link.latency_s),
                ..repair(RepairKind::AddLink, detail, evaluation)
            }
        });
        tried.repairs.extend(repairs);
        tried.undecided += undecided;
    }
    Ok(tried)
}

fn verified(found: Answer, repair: impl FnOnce(&Evaluation) -> Repair) -> Tried {
    match found {
        Answer::Feasible(evaluation) => Tried { repairs: vec![repair(&evaluation)], undecided: 0 },
        Answer::Infeasible => Tried::default(),
        Answer::Unknown => Tried { repairs: Vec::new(), undecided: 1 },
    }
}

/// Returns a repair with the figures of the placement that verifies it.
fn repair(kind: RepairKind, detail: String, evaluation: &Evaluation) -> Repair {
    Repair {
        kind,
        detail,
        pointer: None,
        node_ids: Vec::new(),
        layer_ids: Vec::new(),
        medium_id: None,
        extra_bytes: None,
        raise_to: None,
        is_least: None,
        bandwidth_bps: None,
        link_latency_s: None,
        period_s: evaluation.period_s.unwrap_or(0.0),
        latency_s: evaluation.latency_s.unwrap_or(0.0),
    }
}

//! Writes the placement document of an assignment.

use super::cost::ROUNDING;
use super::cost::{Assignment, Costs, costs, medium_loads, own_transfers, stage_delays, stage_times};
use super::cuts::CutCount;
use super::env::{Env, StopReason};
use super::instance::Instance;
use super::migration;
use super::occupants::{self, Running};
use super::routes::{Media, Routes};
use super::shared_media::MediumLoad;
use crate::domain::migration::Migration;
use crate::domain::model::ModelProfile;
use crate::domain::network::Network;
use crate::domain::objective::Unit;
use crate::domain::options::{ComputeModel, Objective, Overlap};
use crate::domain::placement::{
    Bottleneck, BottleneckKind, CutsConsidered, FastestPlacement, FrontPoint, MediumUse, Pipeline, PlacementDocument,
    Reason, Receive, Send, Stage, Status, Termination, Warning, WarningCode,
};
use crate::domain::request::PlanRequest;
use crate::domain::unit::counted;
use crate::index::{Host, Position};

/// What a search claims about the objective when a document is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// A proven lower bound of the objective, in seconds or nodes.
    pub bound: f64,
    /// The reason why the search ended.
    pub termination: Termination,
}

/// What is proven in addition to the bound of the objective.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Proofs {
    /// Whether no placement within the tolerance of the period has a smaller latency, or an equal
    /// one with fewer stages.
    pub latency_is_least: bool,
    /// The points of the front after the answer, in order of ascending period.
    pub front: Vec<Assignment>,
    /// Whether these points and the answer are all points of the front.
    pub front_is_whole: bool,
    /// A lower bound of the bytes that a placement within the allowed period ships.
    pub fewest_bytes: u64,
    /// The smallest period found, in seconds.
    pub least_period_s: f64,
    /// The placement with the smallest period found, if the answer has a larger one.
    pub fastest: Option<Assignment>,
}

/// Returns the document of a search that was stopped before it found anything.
pub fn stopped(request: &PlanRequest, env: &Env<'_>) -> PlacementDocument {
    let termination = termination(env, Termination::Exhausted);
    without_placement(request, env.seed, Claim { bound: 0.0, termination }, Vec::new())
}

/// Returns why an unfinished search ends: the reason of the stop hook, or else `own`.
pub fn termination(env: &Env<'_>, own: Termination) -> Termination {
    match env.stop.reason() {
        None => own,
        Some(StopReason::TimeLimit) => Termination::TimeLimit,
        Some(StopReason::Stopped) => Termination::Stopped,
    }
}

/// Returns a document without a placement.
pub fn without_placement(request: &PlanRequest, seed: u64, claim: Claim, reasons: Vec<Reason>) -> PlacementDocument {
    let status = if claim.termination == Termination::Infeasible { Status::Infeasible } else { Status::Unknown };
    // An infinite bound adds nothing to the status.
    let bound = claim.bound.is_finite().then_some(claim.bound).filter(|_| status == Status::Unknown);
    let unit = request.options.objective.unit();
    PlacementDocument {
        status,
        termination: claim.termination,
        algorithm: request.options.solver.algorithm,
        seed,
        period_s: None,
        throughput_per_s: None,
        throughput_upper_bound_per_s: None,
        inferences_per_s: None,
        latency_s: None,
        latency_is_least: None,
        least_period_s: None,
        fastest: None,
        lower_bound_s: bound.filter(|_| unit == Unit::Seconds),
        lower_bound_nodes: bound.filter(|_| unit == Unit::Nodes).map(|nodes| nodes as u64),
        gap: None,
        cuts: None,
        pipelines: Vec::new(),
        media: Vec::new(),
        front: Vec::new(),
        migration: None,
        occupants: Vec::new(),
        warnings: loose(request),
        reasons,
        solve_s: 0.0,
        solver_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Returns the document of an assignment.
pub fn with_placement(
    request: &PlanRequest,
    seed: u64,
    instance: &Instance,
    assignment: &Assignment,
    claim: Claim,
    proofs: &Proofs,
) -> PlacementDocument {
    let Costs { period_s, latency_s } = costs(instance, assignment);
    let wants_least_period = request.options.wants_least_period();
    let least_period_s = if proofs.least_period_s > 0.0 { proofs.least_period_s } else { period_s };
    let objective_s = if wants_least_period { least_period_s } else { period_s };
    let objective = instance.objective.value(objective_s, latency_s, assignment.stages.len());
    // A bound above the objective would be a defect, which the checker reports.
    let optimal = claim.bound == objective;
    let gap = if objective > 0.0 { (objective - claim.bound) / objective } else { 0.0 };
    let migration = migrated(request, instance, assignment, least_period_s, claim.bound, proofs);
    let (optimal, gap) = match &migration {
        Some(migration) => {
            (migration.least_period_s == Some(claim.bound) && nothing_to_save(migration), byte_gap(migration))
        }
        None if instance.objective == Objective::Tradeoff => {
            // The first point of the front may have a period that is larger than the least because
            // of rounding.
            let is_least = objective - claim.bound <= ROUNDING * objective;
            (is_least && proofs.front_is_whole, if is_least { 0.0 } else { gap })
        }
        None => (optimal, gap),
    };
    let claim = if optimal { Claim { termination: Termination::Optimal, ..claim } } else { claim };
    let stages = stages(request, instance, assignment);
    let rate_per_s = each_period(1, period_s);
    PlacementDocument {
        status: if optimal { Status::Optimal } else { Status::Feasible },
        latency_is_least: wants_least_period.then_some(proofs.latency_is_least),
        least_period_s: wants_least_period.then_some(least_period_s),
        fastest: fastest(request, instance, proofs),
        front: front(request, instance, proofs, FrontPoint { period_s, latency_s, stages: stages.clone() }),
        migration,
        occupants: occupants::effects(request, instance, &[Running { assignment, every_s: period_s }]),
        period_s: Some(period_s),
        throughput_per_s: rate_per_s,
        inferences_per_s: each_period(request.model.batch_size, period_s),
        latency_s: Some(latency_s),
        gap: Some(gap),
        cuts: Some(cuts(instance)),
        media: media(request, instance, assignment),
        pipelines: vec![Pipeline {
            period_s,
            rate_per_s,
            latency_s,
            bottleneck: bottleneck(request, instance, assignment, period_s),
            stages,
        }],
        warnings: warnings(request, instance, assignment),
        ..without_placement(request, seed, claim, Vec::new())
    }
}

fn fastest(request: &PlanRequest, instance: &Instance, proofs: &Proofs) -> Option<FastestPlacement> {
    let fastest = proofs.fastest.as_ref()?;
    let Costs { period_s, latency_s } = costs(instance, fastest);
    Some(FastestPlacement { period_s, latency_s, stages: stages(request, instance, fastest) })
}

pub fn cuts(instance: &Instance) -> CutsConsidered {
    let (count, more) = match instance.cuts.count {
        CutCount::Exactly(count) => (count, false),
        CutCount::MoreThan(count) => (count, true),
    };
    CutsConsidered { considered: instance.blocks() as u64 - 1, count: count as u64, more }
}

/// Returns the rate per second of `count` in each period, or `None` if that is not a finite number.
fn each_period(count: u64, period_s: f64) -> Option<f64> {
    (period_s > 0.0).then(|| count as f64 / period_s).filter(|rate| rate.is_finite())
}

/// Returns the points of a front, beginning with `first`. It is empty if the objective has no
/// front.
fn front(request: &PlanRequest, instance: &Instance, proofs: &Proofs, first: FrontPoint) -> Vec<FrontPoint> {
    if instance.objective != Objective::Tradeoff {
        return Vec::new();
    }
    let point = |assignment: &Assignment| {
        let Costs { period_s, latency_s } = costs(instance, assignment);
        FrontPoint { period_s, latency_s, stages: stages(request, instance, assignment) }
    };
    std::iter::once(first).chain(proofs.front.iter().map(point)).collect()
}

/// Returns what the assignment ships and the bounds of it, or `None` without a base.
fn migrated(
    request: &PlanRequest,
    instance: &Instance,
    assignment: &Assignment,
    least_period_s: f64,
    bound_s: f64,
    proofs: &Proofs,
) -> Option<Migration> {
    let migration = migration::migration(request, instance, [assignment])?;
    Some(Migration {
        lower_bound_bytes: Some(proofs.fewest_bytes),
        least_period_s: Some(least_period_s),
        max_period_s: Some(max_period_s(request, least_period_s, bound_s)),
        ..migration
    })
}

/// Returns the largest period that a placement with fewer shipped bytes may have, in seconds, where a period was found and
/// a bound was proven.
pub fn max_period_s(request: &PlanRequest, least_period_s: f64, bound_s: f64) -> f64 {
    let ratio = request.options.max_period_ratio.unwrap_or(1.0);
    least_period_s.max(ratio * bound_s)
}

pub fn nothing_to_save(migration: &Migration) -> bool {
    migration.lower_bound_bytes == Some(migration.shipped_bytes)
}

pub fn byte_gap(migration: &Migration) -> f64 {
    let (shipped, bound) = (migration.shipped_bytes as f64, migration.lower_bound_bytes.unwrap_or(0) as f64);
    if shipped > 0.0 { (shipped - bound) / shipped } else { 0.0 }
}

pub fn stages(request: &PlanRequest, instance: &Instance, assignment: &Assignment) -> Vec<Stage> {
    let crossing = crossing(&request.model, instance, assignment);
    let arrivals = stage_times(instance, assignment).zip(stage_delays(instance, assignment));
    let arrivals = arrivals
        .map(|([receive_s, compute_s, send_s], [delay_s, after_s])| [receive_s + delay_s, compute_s, send_s + after_s]);
    let ways = ways(request, instance, assignment);
    let spans = assignment.spans().zip(arrivals).enumerate();
    let stages = spans.map(|(index, (span, times))| {
        let tensors = [crossing[index].clone(), crossing[index + 1].clone()];
        let ways = [ways[index].clone(), ways[index + 1].clone()];
        stage((request, instance, assignment), index, span, times, (tensors, ways))
    });
    stages.collect()
}

/// How a transfer travels.
#[derive(Debug, Clone, Default)]
struct Way {
    /// The nodes and switches that it passes. The list is empty if the transfer is direct.
    route: Vec<String>,
    /// The part of the bandwidth that occupants leave, if it is not all.
    share: Option<f64>,
}

/// Returns how each transfer travels: from the source, between the stages, and to the sink. A way is
/// empty if the two ends are one node, or if there is no source or sink.
fn ways(request: &PlanRequest, instance: &Instance, assignment: &Assignment) -> Vec<Way> {
    let (cluster, constraints) = (&request.cluster, &request.options.constraints);
    let end = |id: &Option<String>| id.as_ref().and_then(|id| cluster.node_index(id));
    let mut ends = vec![end(&constraints.source_node)];
    ends.extend(assignment.stages.iter().map(|&(_, host)| Some(instance.hosts[host])));
    ends.push(end(&constraints.sink_node));
    let shares = &instance.shares;
    // Only these networks have routes that are not direct. To index a cluster's links takes long.
    let forwards = matches!(cluster.network, Some(Network::Topology(_)));
    let routes = (forwards || !shares.of_medium.is_empty()).then(|| Routes::new(cluster));
    let shared = routes.as_ref().filter(|_| !shares.of_medium.is_empty());
    let shared = shared.map(|_| Routes::new(cluster).shared(&shares.of_link, &shares.of_medium));
    let way = |from: usize, to: usize| {
        let left = match (&routes, &shared) {
            (Some(routes), Some(shared)) => shared.link(from, to).bandwidth_bps / routes.link(from, to).bandwidth_bps,
            _ => shares.link_share(from, to),
        };
        let route = routes.as_ref().map(|routes| routes.vertices(from, to)).unwrap_or_default();
        Way { route, share: Some(left).filter(|&left| left < 1.0) }
    };
    let ways = ends.windows(2).map(|ends| match ends {
        &[Some(from), Some(to)] if from != to => way(from, to),
        _ => Way::default(),
    });
    ways.collect()
}

/// Returns the ids of the layers whose tensors are transferred before each stage and after the
/// last, in the model's order. The inputs are first and the outputs last. It takes O(L + E) and the
/// length of the result.
fn crossing(model: &ModelProfile, instance: &Instance, assignment: &Assignment) -> Vec<Vec<String>> {
    let last = assignment.stages.len();
    let mut stage_of = vec![last; model.layers.len()];
    for (stage, (start, end, _)) in assignment.spans().enumerate() {
        instance.cuts.layers_between(start, end).into_iter().for_each(|layer| stage_of[layer] = stage);
    }
    let mut crossing = vec![Vec::new(); last + 1];
    for (layer, it) in model.layers.iter().enumerate() {
        let readers = model.readers(layer);
        if model.is_input(layer) {
            crossing[0].push(it.id.clone());
        }
        if readers.is_empty() {
            crossing[last].push(it.id.clone());
        }
        let until =
            if readers.is_empty() { Some(last - 1) } else { readers.iter().map(|&reader| stage_of[reader]).max() };
        if !model.is_constant(layer) {
            let between = stage_of[layer] + 1..=until.unwrap_or(0);
            between.for_each(|stage| crossing[stage].push(it.id.clone()));
        }
    }
    crossing
}

fn stage(
    (request, instance, assignment): (&PlanRequest, &Instance, &Assignment),
    index: usize,
    (start, end, host): (Position, Position, Host),
    [receive_s, compute_s, send_s]: [f64; 3],
    ([received, sent], [way_in, way_out]): ([Vec<String>; 2], [Way; 2]),
) -> Stage {
    let PlanRequest { model, cluster, options } = request;
    let node_id = |host: Host| cluster.nodes[instance.hosts[host]].id.clone();
    let neighbour = |index: usize| assignment.stages.get(index).map(|&(_, host)| node_id(host));
    let constraints = &options.constraints;
    let sender = index.checked_sub(1).map_or(constraints.source_node.clone(), neighbour);
    let receiver = neighbour(index + 1).or(constraints.sink_node.clone());
    let node_id = node_id(host);
    let layers = instance.cuts.layers_between(start, end);
    let constants = model.constants_of_stage(layers.iter().copied(), end == instance.last());
    let ids = |layers: &[usize]| layers.iter().map(|&layer| model.layers[layer].id.clone()).collect();
    Stage {
        index: index as u64,
        layer_ids: ids(&layers),
        constant_layer_ids: ids(&constants),
        param_bytes: layers.iter().chain(&constants).map(|&layer| model.layers[layer].param_bytes).sum(),
        memory_bytes: instance.memory_bytes(start, end),
        memory_capacity_bytes: instance.groups[instance.group_of[host]].free_bytes,
        compute_s,
        compute_share: Some(instance.shares.of_node[instance.hosts[host]]).filter(|&share| share < 1.0),
        receive: sender.filter(|id| *id != node_id).map(|from_node_id| Receive {
            route: way_in.route,
            tensor_layer_ids: received,
            bytes: instance.cuts.boundary_bytes[start],
            transfer_s: receive_s,
            bandwidth_share: way_in.share,
            from_node_id,
        }),
        send: receiver.filter(|id| *id != node_id).map(|to_node_id| Send {
            route: way_out.route,
            tensor_layer_ids: sent,
            bytes: instance.cuts.boundary_bytes[end],
            transfer_s: send_s,
            bandwidth_share: way_out.share,
            to_node_id,
        }),
        node_id,
    }
}

/// The busiest of some media; of equals the first.
fn busiest(loads: &[MediumLoad]) -> Option<MediumLoad> {
    loads.iter().copied().reduce(|busiest, load| if load.seconds > busiest.seconds { load } else { busiest })
}

/// The media that two or more transfers use, the most occupied first.
fn media(request: &PlanRequest, instance: &Instance, assignment: &Assignment) -> Vec<MediumUse> {
    let media = Media::new(&request.cluster);
    let loads = medium_loads(instance, assignment).into_iter().filter(|load| load.transfers > 1);
    let mut uses: Vec<MediumUse> =
        loads.map(|load| MediumUse { id: media.id(load.medium), occupied_s: load.seconds }).collect();
    uses.sort_by(|a, b| b.occupied_s.total_cmp(&a.occupied_s).then_with(|| a.id.cmp(&b.id)));
    uses
}

/// The first thing in the pipeline that takes the whole period.
pub fn bottleneck(request: &PlanRequest, instance: &Instance, assignment: &Assignment, period_s: f64) -> Bottleneck {
    let last = assignment.stages.len() - 1;
    for (index, [receive, compute, send]) in stage_times(instance, assignment).enumerate() {
        let own = own_transfers(instance, assignment, assignment.stages[index].1);
        let kind = match instance.overlap {
            Overlap::None if receive + compute + send + own == period_s => BottleneckKind::Node,
            Overlap::None => continue,
            Overlap::Full if index == 0 && receive == period_s && receive > 0.0 => BottleneckKind::Source,
            Overlap::Full if compute == period_s => BottleneckKind::Stage,
            Overlap::Full if send == period_s && index == last => BottleneckKind::Sink,
            Overlap::Full if send == period_s => BottleneckKind::Hop,
            Overlap::Full => continue,
        };
        return Bottleneck { kind, stage_index: index as u64, medium_id: None };
    }
    if let Some(load) = busiest(&medium_loads(instance, assignment)).filter(|load| load.seconds == period_s) {
        let medium_id = Some(Media::new(&request.cluster).id(load.medium));
        return Bottleneck { kind: BottleneckKind::Medium, stage_index: load.stage as u64, medium_id };
    }
    // Only a node that is both source and sink and hosts no stage is left.
    Bottleneck { kind: BottleneckKind::Source, stage_index: 0, medium_id: None }
}

/// Returns warnings about layers without an edge and about constants that no layer reads.
pub fn loose(request: &PlanRequest) -> Vec<Warning> {
    unconnected(request).into_iter().chain(unread(request)).collect()
}

/// Returns a warning about constants that no layer reads: they are outputs that do not depend on an
/// input.
fn unread(request: &PlanRequest) -> Option<Warning> {
    let model = &request.model;
    let first = model.constant_outputs().next()?;
    let detail = format!(
        "no layer reads {}, {} the first: the last stage delivers outputs that no input changes",
        counted(model.constant_outputs().count(), "constant layer"),
        model.layers[first].id
    );
    Some(Warning { code: WarningCode::ConstantsUnread, detail })
}

/// Returns a warning about layers without an edge. The profile probably lacks edges, and its cuts
/// are then not those of the model.
fn unconnected(request: &PlanRequest) -> Option<Warning> {
    const MOST_NAMED: usize = 3;
    let model = &request.model;
    let count = model.layers.len();
    let alone = |layer: &usize| model.makers(*layer).is_empty() && model.readers(*layer).is_empty();
    let alone: Vec<usize> = (0..count).filter(alone).collect();
    if count < 2 || alone.is_empty() {
        return None;
    }
    let meaning = "what no edge touches reads nothing, and its tensor counts as an output of the model";
    let detail = if alone.len() == count {
        format!("the model has {count} layers and no edges: {meaning}")
    } else {
        let named = alone.iter().take(MOST_NAMED).map(|&layer| model.layers[layer].id.as_str());
        let mut names = named.collect::<Vec<&str>>().join(", ");
        if alone.len() > MOST_NAMED {
            names += &format!(" and {} more", alone.len() - MOST_NAMED);
        }
        format!(
            "the model has {} without an edge, of {count} in all ({names}): {meaning}",
            counted(alone.len(), "layer")
        )
    };
    Some(Warning { code: WarningCode::LayersUnconnected, detail })
}

fn warnings(request: &PlanRequest, instance: &Instance, assignment: &Assignment) -> Vec<Warning> {
    loose(request).into_iter().chain(unknown_compute(request, instance, assignment)).collect()
}

/// Returns a warning about each node of which it is not known how fast it computes its stage.
pub fn unknown_compute(request: &PlanRequest, instance: &Instance, assignment: &Assignment) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if request.options.cost_model.compute == ComputeModel::Ignore {
        return warnings;
    }
    for (start, end, host) in assignment.spans() {
        let node = &request.cluster.nodes[instance.hosts[host]];
        let layers = instance.cuts.layers_between(start, end);
        let class = node.device_class.as_deref();
        let timed = |layer: usize| class.is_some_and(|class| request.model.picoseconds(layer, class).is_some());
        let untimed = layers.iter().filter(|&&layer| request.model.works(layer) && !timed(layer)).count();
        if node.flops_per_s.is_some() || untimed == 0 {
            continue;
        }
        let id = &node.id;
        warnings.push(if layers.iter().any(|&layer| timed(layer)) {
            let detail = format!(
                "{id} has no flops_per_s and no timings for {}, whose compute counts as zero",
                counted(untimed, "layer")
            );
            Warning { code: WarningCode::ComputePartlyUnknown, detail }
        } else {
            let detail = format!("{id} has neither flops_per_s nor timings: its compute counts as zero");
            Warning { code: WarningCode::ComputeUnknown, detail }
        });
    }
    warnings
}

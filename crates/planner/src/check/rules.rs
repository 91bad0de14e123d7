//! The rules for proposed stages, other than that they cover the model: cuts, nodes, pins, memory
//! and limits.

use std::collections::BTreeMap;

use super::cuts::Cuts;
use super::graph::Graph;
use super::layout::Laid;
use super::{StageProposal, Violation, ViolationCode};
use crate::domain::cluster::Node;
use crate::domain::options::{CutPolicy, Objective};
use crate::domain::placement::Stage;
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, counted, seconds_text};

/// The relative tolerance of limits in seconds. A smaller excess may come from another order of
/// summing.
pub(super) const TOLERANCE: f64 = 1e-9;

/// Checks that each stage ends at a cut: all inputs and at least one other layer are before it, and
/// the cut policy allows it.
pub(super) fn check_cuts(
    request: &PlanRequest,
    graph: &Graph<'_>,
    cuts: &Cuts,
    laid: &[Laid<'_>],
    violations: &mut Vec<Violation>,
) {
    let policy = request.options.cost_model.cuts;
    let mut refuse = |stage: usize, detail: String, places: &[usize], figures: Option<(&str, usize)>| {
        let ids = places.iter().map(|&place| request.model.layers[place].id.clone());
        let violation = Violation::new(ViolationCode::CutNotAllowed, detail).at(stage).layers(ids);
        violations.push(match figures {
            Some((name, value)) => violation.figure(name, value as f64),
            None => violation,
        });
    };
    for stage in 1..laid.len() {
        if laid[..stage].iter().flat_map(|laid| &laid.known).all(|&place| graph.is_input(place)) {
            let detail = format!("stage {stage} would follow only input layers");
            refuse(stage - 1, detail, &laid[stage - 1].known, None);
        }
        match policy {
            CutPolicy::Any => {}
            CutPolicy::InOrder => {
                let last_before = laid[..stage].iter().filter_map(|laid| laid.known.last()).max();
                let first_behind = laid[stage..].iter().filter_map(|laid| laid.known.first()).min();
                if let (Some(&before), Some(&behind)) = (last_before, first_behind)
                    && behind < before
                {
                    let [first, second] = [behind, before].map(|place| &request.model.layers[place].id);
                    let detail = format!(
                        "{first:?} comes before {second:?} in the profile's topological order, but is after the cut \
                         before stage {stage}, and the cut policy is in_order"
                    );
                    refuse(stage - 1, detail, &[behind, before], None);
                }
            }
            CutPolicy::SingleTensor => {
                let crossing = cuts.crossing(stage);
                if crossing.len() != 1 {
                    let count = crossing.len();
                    let detail = format!(
                        "{count} tensors cross the cut before stage {stage}, but the cut policy single_tensor wants one"
                    );
                    refuse(stage - 1, detail, crossing, Some(("crossing_tensors", count)));
                }
            }
        }
    }
    // With the policy `in_order`, a later stage may take an input in.
    for (stage, laid) in laid.iter().enumerate().skip(1).filter(|_| policy != CutPolicy::InOrder) {
        let late: Vec<usize> = laid.known.iter().copied().filter(|&place| graph.is_input(place)).collect();
        if let Some(&first) = late.first() {
            let id = &request.model.layers[first].id;
            let detail = format!("stage {stage} has the input {id:?}, but the first stage must have all inputs");
            refuse(stage, detail, &late, None);
        }
    }
}

/// Checks that each node may host a stage: it is schedulable, not excluded, and has every label of
/// the selector.
pub(super) fn check_nodes(request: &PlanRequest, laid: &[Laid<'_>], violations: &mut Vec<Violation>) {
    let constraints = &request.options.constraints;
    for (stage, node) in laid.iter().enumerate().filter_map(|(stage, laid)| Some((stage, laid.node?))) {
        let missing_label = |node: &Node| {
            let mut wanted = constraints.node_selector.iter();
            wanted.find(|(name, text)| node.labels.get(*name) != Some(text)).map(|(name, _)| name.clone())
        };
        let why = if !node.schedulable {
            "is not schedulable".to_owned()
        } else if constraints.exclude_nodes.contains(&node.id) {
            "is excluded".to_owned()
        } else if let Some(name) = missing_label(node) {
            format!("does not have the label {name:?} that is selected")
        } else {
            continue;
        };
        let detail = format!("stage {stage} runs on {:?}, which {why}", node.id);
        violations.push(Violation::new(ViolationCode::NodeNotEligible, detail).at(stage).node(&node.id));
    }
}

/// Returns the stage of each layer. A layer in several stages has the first.
fn stages_of_layers(proposals: &[StageProposal]) -> BTreeMap<&str, usize> {
    let mut stage_of = BTreeMap::new();
    for (stage, proposal) in proposals.iter().enumerate() {
        for layer in &proposal.layer_ids {
            stage_of.entry(layer.as_str()).or_insert(stage);
        }
    }
    stage_of
}

/// Checks that each pinned layer runs where it is pinned.
pub(super) fn check_pins(request: &PlanRequest, proposals: &[StageProposal], violations: &mut Vec<Violation>) {
    let stage_of = stages_of_layers(proposals);
    let nodes: BTreeMap<&str, &Node> = request.cluster.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    for pin in &request.options.constraints.pins {
        let layer = &pin.layer_id;
        let Some(&stage) = stage_of.get(layer.as_str()) else { continue };
        let host = &proposals[stage].node_id;
        let broken =
            |detail: String| Violation::new(ViolationCode::PinBroken, detail).at(stage).layers([layer.clone()]);
        if let Some(node) = pin.node_id.as_ref().filter(|node| *node != host) {
            let detail = format!("layer {layer:?} is pinned to {node:?} and runs on {host:?}");
            violations.push(broken(detail).node(node).node(host));
        }
        // An unknown node has a violation of its own.
        let Some(node) = nodes.get(host.as_str()) else { continue };
        for (name, value) in pin.node_selector.iter().filter(|(name, value)| node.labels.get(*name) != Some(value)) {
            let detail = format!("layer {layer:?} is pinned to nodes with {name}={value} and runs on {host:?}");
            violations.push(broken(detail).node(host));
        }
    }
}

/// Checks that layers that stay together are in one stage.
pub(super) fn check_colocations(request: &PlanRequest, proposals: &[StageProposal], violations: &mut Vec<Violation>) {
    let stage_of = stages_of_layers(proposals);
    for colocation in &request.options.constraints.colocate {
        let mut stages = colocation.layer_ids.iter().filter_map(|layer| stage_of.get(layer.as_str()).copied());
        let Some(first) = stages.next() else { continue };
        if let Some(other) = stages.find(|&stage| stage != first) {
            let layers = colocation.layer_ids.join(", ");
            let detail = format!("{layers} must stay together, but are in the stages {first} and {other}");
            let violation = Violation::new(ViolationCode::ColocationBroken, detail).at(other);
            violations.push(violation.layers(colocation.layer_ids.iter().cloned()));
        }
    }
}

/// Checks that the layers of each group of the profile are in one stage. Constants are in none.
pub(super) fn check_groups(
    request: &PlanRequest,
    graph: &Graph<'_>,
    proposals: &[StageProposal],
    violations: &mut Vec<Violation>,
) {
    if request.model.groups.is_empty() {
        return;
    }
    let stage_of = stages_of_layers(proposals);
    let is_cut = |id: &&String| graph.place(id).is_some_and(|place| !graph.is_constant(place));
    for group in &request.model.groups {
        let layers: Vec<&String> = group.layer_ids.iter().filter(is_cut).collect();
        let mut stages = layers.iter().filter_map(|layer| stage_of.get(layer.as_str()).copied());
        let Some(first) = stages.next() else { continue };
        if let Some(other) = stages.find(|&stage| stage != first) {
            let detail = format!(
                "the {} of a group of the profile, {:?} the first, are in the stages {first} and {other}",
                counted(layers.len(), "layer"),
                layers[0]
            );
            let violation = Violation::new(ViolationCode::GroupSplit, detail).at(other);
            violations.push(violation.layers(layers.into_iter().cloned()));
        }
    }
}

/// Checks that there are no more stages than allowed.
pub(super) fn check_stage_count(request: &PlanRequest, stages: usize, violations: &mut Vec<Violation>) {
    if let Some(most) = request.options.constraints.max_stages.filter(|&most| stages as u64 > most) {
        let detail = format!("{stages} stages are more than the {most} that max_stages allows");
        let violation = Violation::new(ViolationCode::TooManyStages, detail);
        violations.push(violation.figure("stages", stages as f64).figure("max_stages", most as f64));
    }
    if let Some(most) = request.options.constraints.max_nodes.filter(|&most| stages as u64 > most) {
        let detail = format!("{} are more than the {most} that max_nodes allows", counted(stages, "node"));
        let violation = Violation::new(ViolationCode::TooManyNodes, detail);
        violations.push(violation.figure("nodes", stages as f64).figure("max_nodes", most as f64));
    }
}

/// Checks that each stage fits in its node's free memory.
pub(super) fn check_memory(stages: &[Option<Stage>], violations: &mut Vec<Violation>) {
    for stage in stages.iter().flatten().filter(|stage| stage.memory_bytes > stage.memory_capacity_bytes) {
        let (needed, free) = (stage.memory_bytes, stage.memory_capacity_bytes);
        let (index, node) = (stage.index, &stage.node_id);
        let detail = format!("stage {index} needs {}, but {node:?} has {} free", bytes_text(needed), bytes_text(free));
        let violation = Violation::new(ViolationCode::MemoryExceeded, detail).at(index as usize).node(node);
        let violation = violation.figure("memory_bytes", needed as f64);
        violations.push(violation.figure("memory_capacity_bytes", free as f64));
    }
}

/// Checks that the latency and the period are within their limits and the objective's target.
pub(super) fn check_times(
    request: &PlanRequest,
    period_s: f64,
    latency_s: f64,
    rounding_s: f64,
    violations: &mut Vec<Violation>,
) {
    let above = |seconds: f64, limit_s: f64| seconds > limit_s * (1.0 + TOLERANCE) + rounding_s;
    if let Some(limit_s) = request.options.constraints.max_latency_s.filter(|&limit_s| above(latency_s, limit_s)) {
        let (latency, limit) = (seconds_text(latency_s), seconds_text(limit_s));
        let detail = format!("the latency of {latency} is above max_latency_s of {limit}");
        let violation = Violation::new(ViolationCode::LatencyExceeded, detail);
        violations.push(violation.figure("latency_s", latency_s).figure("max_latency_s", limit_s));
    }
    if let Some(limit_s) = request.options.constraints.max_period_s.filter(|&limit_s| above(period_s, limit_s)) {
        let (period, limit) = (seconds_text(period_s), seconds_text(limit_s));
        let detail = format!("the period of {period} is above max_period_s of {limit}");
        let violation = Violation::new(ViolationCode::PeriodExceeded, detail);
        violations.push(violation.figure("period_s", period_s).figure("max_period_s", limit_s));
    }
    // Several pipelines keep to the target together.
    if let Objective::MinNodes { target_period_s } = request.options.objective
        && !request.options.wants_several()
        && above(period_s, target_period_s)
    {
        let (period, target) = (seconds_text(period_s), seconds_text(target_period_s));
        let detail = format!("the period of {period} is above target_period_s of {target}");
        let violation = Violation::new(ViolationCode::TargetPeriodMissed, detail);
        violations.push(violation.figure("period_s", period_s).figure("target_period_s", target_period_s));
    }
}

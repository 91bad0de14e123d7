//! Cheap proofs that no placement exists, each with its figures.

use std::collections::BTreeMap;

use super::bound;
use super::env::Stop;
use super::problem::Problem;
use crate::domain::options::{Objective, Pin};
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, seconds_text};

/// What can be proven without a search about a request that has no placement; empty where nothing can. O(m n² + n m²).
/// `None` when told to stop.
pub fn infeasibility(request: &PlanRequest, stop: &dyn Stop) -> Option<Vec<Reason>> {
    let stop = || stop.reason().is_some();
    let problem = Problem::new(request, &stop)?;
    let reasons = reasons(request, &problem, &stop)?;
    if !reasons.is_empty() {
        return Some(reasons);
    }
    let least_period_s = bound::least_period(&problem, &stop)?;
    if least_period_s == f64::INFINITY {
        return Some(vec![no_walk(&problem)]);
    }
    let mut reasons = Vec::new();
    if let Objective::MinNodes { target_period_s } = problem.objective
        && least_period_s > target_period_s
    {
        reasons.push(out_of_reach("period", least_period_s, target_period_s));
    }
    if problem.max_latency_s.is_finite() {
        let least_latency_s = bound::least_latency(&problem, &stop)?;
        if least_latency_s > problem.max_latency_s {
            reasons.push(out_of_reach("latency", least_latency_s, problem.max_latency_s));
        }
    }
    Some(reasons)
}

/// Every cheap reason why a request has no placement; empty where none was found. O(g m²). `None` when told to stop.
pub fn reasons(request: &PlanRequest, problem: &Problem, stop: &dyn Fn() -> bool) -> Option<Vec<Reason>> {
    if problem.hosts.is_empty() {
        let nodes = request.cluster.nodes.len();
        let detail = format!("none of the {nodes} nodes is schedulable, selected and not excluded");
        return Some(vec![reason(ReasonCode::NoEligibleNode, detail, [("nodes", nodes as f64)])]);
    }
    let conflicts = pin_conflicts(request, problem);
    if !conflicts.is_empty() {
        return Some(conflicts);
    }
    let too_large = blocks_too_large(request, problem, stop)?;
    if !too_large.is_empty() {
        return Some(too_large);
    }
    let too_few = too_few_nodes(problem, stop)?;
    Some(too_little_in_all(problem).into_iter().chain(too_few).collect())
}

/// The reason where not even a walk over the links that may visit nodes again leads to the end.
pub fn no_walk(problem: &Problem) -> Reason {
    let detail = format!(
        "the {} eligible nodes can hold the stages, but no path over existing links connects nodes that hold them in order",
        problem.hosts.len()
    );
    reason(ReasonCode::NoConnectedPath, detail, [("nodes", problem.hosts.len() as f64)])
}

/// The reason where even the best walk exceeds a limit of the request.
pub fn out_of_reach(what: &str, least_s: f64, limit_s: f64) -> Reason {
    let detail =
        format!("no placement has a {what} below {}, the limit is {}", seconds_text(least_s), seconds_text(limit_s));
    reason(ReasonCode::TargetOutOfReach, detail, [("least_s", least_s), ("limit_s", limit_s)])
}

/// The reason where the search went through everything.
pub fn exhausted(problem: &Problem) -> Reason {
    let detail = format!(
        "the search went through every way to put the {} blocks on the {} eligible nodes: none keeps to memory, links and limits",
        problem.blocks(),
        problem.hosts.len()
    );
    let figures = [("blocks", problem.blocks() as f64), ("nodes", problem.hosts.len() as f64)];
    reason(ReasonCode::Exhausted, detail, figures)
}

/// A reason with figures.
pub fn reason<const N: usize>(code: ReasonCode, detail: String, figures: [(&str, f64); N]) -> Reason {
    let figures: BTreeMap<String, f64> = figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Reason { code, detail, figures, layer_ids: Vec::new(), node_ids: Vec::new() }
}

fn block_layers(request: &PlanRequest, problem: &Problem, block: usize) -> Vec<String> {
    let layers = problem.chain.positions[block - 1]..problem.chain.positions[block];
    layers.map(|layer| request.model.layers[layer].id.clone()).collect()
}

fn pin_conflicts(request: &PlanRequest, problem: &Problem) -> Vec<Reason> {
    let groups = 0..problem.groups.len();
    let nowhere = (1..=problem.blocks()).filter(|&block| !groups.clone().any(|group| problem.pins_allow(group, block)));
    nowhere
        .map(|block| {
            let layer_ids = block_layers(request, problem, block);
            let pins: Vec<&Pin> =
                request.options.constraints.pins.iter().filter(|pin| layer_ids.contains(&pin.layer_id)).collect();
            let places: Vec<String> = pins.iter().map(|pin| place_text(pin)).collect();
            let detail = format!(
                "layers that cannot be cut apart{} are pinned to {}: no node that may host a stage is all of that",
                colocation_text(request, &layer_ids),
                places.join(" and to ")
            );
            let node_ids = pins.iter().filter_map(|pin| pin.node_id.clone()).collect();
            Reason { layer_ids, node_ids, ..reason(ReasonCode::ConflictingConstraints, detail, []) }
        })
        .collect()
}

fn place_text(pin: &Pin) -> String {
    let labels = pin.node_selector.iter().map(|(name, value)| format!("{name}={value}"));
    match &pin.node_id {
        Some(id) => id.clone(),
        None => format!("nodes with {}", labels.collect::<Vec<String>>().join(", ")),
    }
}

/// Names what keeps a block's layers together beside the model itself.
fn colocation_text(request: &PlanRequest, layer_ids: &[String]) -> String {
    let mut kept = request.options.constraints.colocate.iter();
    match kept.find(|colocation| colocation.layer_ids.iter().all(|id| layer_ids.contains(id))) {
        Some(colocation) => format!(" (colocate keeps {} together)", colocation.layer_ids.join(", ")),
        None => String::new(),
    }
}

/// Blocks that no stage on any host can hold. A stage's buffers depend on its ends, so they are tried.
fn blocks_too_large(request: &PlanRequest, problem: &Problem, stop: &dyn Fn() -> bool) -> Option<Vec<Reason>> {
    let blocks = problem.blocks();
    let mut furthest_end = vec![0; blocks];
    for group in 0..problem.groups.len() {
        if stop() {
            return None;
        }
        for (start, furthest) in furthest_end.iter_mut().enumerate() {
            problem.ends_in_memory(group, start, |end| *furthest = end.max(*furthest));
        }
    }
    let covered = furthest_end.iter().scan(0, |covered, &end| {
        *covered = end.max(*covered);
        Some(*covered)
    });
    let too_large = covered.enumerate().filter(|&(start, covered)| covered <= start).map(|(start, _)| start + 1);
    let largest_free = problem.groups.iter().map(|group| group.free_bytes).max().unwrap_or(0);
    let too_large = too_large.map(|block| {
        let needed = problem.memory_bytes(block - 1, block);
        let layer_ids = block_layers(request, problem, block);
        let detail = format!(
            "no eligible node can hold the block of layers {} … {}{}: alone it needs {}, the largest free memory is {}",
            layer_ids.first().map_or("", String::as_str),
            layer_ids.last().map_or("", String::as_str),
            colocation_text(request, &layer_ids),
            bytes_text(needed),
            bytes_text(largest_free),
        );
        let figures = [("needed_bytes", needed as f64), ("largest_free_bytes", largest_free as f64)];
        Reason { layer_ids, ..reason(ReasonCode::BlockTooLarge, detail, figures) }
    });
    Some(too_large.collect())
}

fn too_little_in_all(problem: &Problem) -> Option<Reason> {
    let mut free: Vec<u64> = problem.group_of.iter().map(|&group| problem.groups[group].free_bytes).collect();
    free.sort_unstable_by(|a, b| b.cmp(a));
    let usable: u128 = free.iter().take(problem.most_stages).map(|&bytes| u128::from(bytes)).sum();
    let needed = problem.resident_bytes(0, problem.blocks());
    (u128::from(needed) > usable).then(|| {
        let detail = format!(
            "parameters and state need {}, the {} largest eligible nodes have {} together",
            bytes_text(needed),
            problem.most_stages,
            bytes_text(usable as u64)
        );
        let figures = [("needed_bytes", needed as f64), ("free_bytes", usable as f64)];
        reason(ReasonCode::TotalMemory, detail, figures)
    })
}

/// The fewest stages when every stage may choose any host, even one twice, and all links exist. The outer `None` when
/// told to stop.
fn too_few_nodes(problem: &Problem, stop: &dyn Fn() -> bool) -> Option<Option<Reason>> {
    let blocks = problem.blocks();
    let mut fewest = vec![usize::MAX; blocks + 1];
    fewest[0] = 0;
    for start in 0..blocks {
        if fewest[start] == usize::MAX {
            continue;
        }
        if stop() {
            return None;
        }
        for group in 0..problem.groups.len() {
            let stages = fewest[start] + 1;
            problem.ends_in_memory(group, start, |end| fewest[end] = fewest[end].min(stages));
        }
    }
    let needed = fewest[blocks];
    let too_few = needed != usize::MAX && needed > problem.most_stages;
    Some(too_few.then(|| {
        let detail = format!("at least {needed} stages are needed, {} are possible", problem.most_stages);
        let figures = [("stages_needed", needed as f64), ("stages_possible", problem.most_stages as f64)];
        reason(ReasonCode::TooFewNodes, detail, figures)
    }))
}

//! Cheap proofs that no placement exists, each with its figures.

use std::collections::BTreeMap;
use std::ops::Range;

use super::coarse;
use super::env::Stop;
use super::problem::Problem;
use crate::domain::options::{Colocation, Objective, Pin};
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, seconds_text};

/// Blocks that are named, each in a reason of its own.
const MOST_BLOCKS: usize = 1_000;

/// What can be proven without a search about a request that has no placement; empty where nothing can. O(m n² + n m²).
/// `None` when told to stop.
pub fn infeasibility(request: &PlanRequest, stop: &dyn Stop) -> Option<Vec<Reason>> {
    let stop = || stop.reason().is_some();
    let problem = Problem::new(request, &stop)?;
    let reasons = reasons(request, &problem, &stop)?;
    if !reasons.is_empty() {
        return Some(reasons);
    }
    let bounds = coarse::bounds(&problem);
    let least_period_s = bounds.least_period(&stop)?;
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
        let least_latency_s = bounds.least_latency(&stop)?;
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
    problem.layers_of(block).map(|layer| request.model.layers[layer].id.clone()).collect()
}

fn pin_conflicts(request: &PlanRequest, problem: &Problem) -> Vec<Reason> {
    let groups = 0..problem.groups.len();
    let nowhere = (1..=problem.blocks()).filter(|&block| !groups.clone().any(|group| problem.pins_allow(group, block)));
    let nowhere: Vec<usize> = nowhere.take(MOST_BLOCKS).collect();
    if nowhere.is_empty() {
        return Vec::new();
    }
    let mut pins_of: BTreeMap<usize, Vec<&Pin>> = BTreeMap::new();
    for pin in &request.options.constraints.pins {
        if let Some(layer) = request.model.layer_index(&pin.layer_id) {
            pins_of.entry(layer).or_default().push(pin);
        }
    }
    let colocations = Colocations::new(request);
    nowhere
        .into_iter()
        .map(|block| {
            let layers = problem.layers_of(block);
            let layer_ids = block_layers(request, problem, block);
            let pins: Vec<&Pin> = pins_of.range(layers.clone()).flat_map(|(_, pins)| pins).copied().collect();
            let places: Vec<String> = pins.iter().map(|pin| place_text(pin)).collect();
            let detail = format!(
                "layers that cannot be cut apart{} are pinned to {}: no node that may host a stage is all of that",
                colocations.text(&layers),
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

/// The request's colocations with the layers from the first to the last of each.
struct Colocations<'r>(Vec<(Range<usize>, &'r Colocation)>);

impl<'r> Colocations<'r> {
    fn new(request: &'r PlanRequest) -> Self {
        let span = |colocation: &Colocation| {
            let places = || colocation.layer_ids.iter().filter_map(|id| request.model.layer_index(id));
            Some(places().min()?..places().max()? + 1)
        };
        let colocations = request.options.constraints.colocate.iter();
        Self(colocations.filter_map(|colocation| Some((span(colocation)?, colocation))).collect())
    }

    /// Names what keeps a block's layers together beside the model itself.
    fn text(&self, layers: &Range<usize>) -> String {
        match self.0.iter().find(|(span, _)| layers.start <= span.start && span.end <= layers.end) {
            Some((_, colocation)) => format!(" (colocate keeps {} together)", colocation.layer_ids.join(", ")),
            None => String::new(),
        }
    }
}

/// Blocks that no stage on any host can hold. A stage's buffers depend on its ends, so they are tried.
fn blocks_too_large(request: &PlanRequest, problem: &Problem, stop: &dyn Fn() -> bool) -> Option<Vec<Reason>> {
    let blocks = problem.blocks();
    let groups = 0..problem.groups.len();
    // Most models have no block that needs a neighbour to fit.
    if (0..blocks).all(|start| groups.clone().any(|group| problem.fits(group, start, start + 1))) {
        return Some(Vec::new());
    }
    let mut furthest_end = vec![0; blocks];
    for group in 0..problem.groups.len() {
        for (start, furthest) in furthest_end.iter_mut().enumerate() {
            if start % 64 == 0 && stop() {
                return None;
            }
            problem.ends_in_memory(group, start, |end| *furthest = end.max(*furthest));
        }
    }
    let covered = furthest_end.iter().scan(0, |covered, &end| {
        *covered = end.max(*covered);
        Some(*covered)
    });
    let too_large = covered.enumerate().filter(|&(start, covered)| covered <= start).map(|(start, _)| start + 1);
    let largest_free = problem.groups.iter().map(|group| group.free_bytes).max().unwrap_or(0);
    let colocations = Colocations::new(request);
    let too_large = too_large.take(MOST_BLOCKS).map(|block| {
        let needed = problem.memory_bytes(block - 1, block);
        let layer_ids = block_layers(request, problem, block);
        let detail = format!(
            "no eligible node can hold the block of layers {} … {}{}: alone it needs {}, the largest free memory is {}",
            layer_ids.first().map_or("", String::as_str),
            layer_ids.last().map_or("", String::as_str),
            colocations.text(&problem.layers_of(block)),
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

/// The number of stages where each is as long as any host can hold it, whichever hosts ran the others; `None` where that
/// leads nowhere. O(g m).
fn stages_of_longest(problem: &Problem) -> Option<usize> {
    let (mut start, mut stages) = (0, 0);
    while start < problem.blocks() {
        let mut furthest = start;
        for group in 0..problem.groups.len() {
            problem.ends_in_memory(group, start, |end| furthest = furthest.max(end));
        }
        if furthest == start {
            return None;
        }
        start = furthest;
        stages += 1;
    }
    Some(stages)
}

/// The fewest stages when every stage may choose any host, even one twice, and all links exist. The outer `None` when
/// told to stop.
fn too_few_nodes(problem: &Problem, stop: &dyn Fn() -> bool) -> Option<Option<Reason>> {
    if stages_of_longest(problem).is_some_and(|stages| stages <= problem.most_stages) {
        return Some(None);
    }
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

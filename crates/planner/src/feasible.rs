//! Cheap proofs that no placement exists, with figures.

use super::bounds::{self, Bounds};
use super::env::Stop;
use super::incumbent::Incumbent;
use super::instance::Instance;
use super::pinned::{self, Colocations, Pins};
use super::reasons::{MOST_BLOCKS, block_layers, reason};
use super::stopped::Stopped;
use crate::domain::options::Objective;
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, counted, seconds_text};
use crate::index::{Block, GroupIndex, Index, Position};

/// Returns the proven reasons why a request has no placement, without a search. Empty if no proof
/// is found. O(m n² + n m²).
pub fn infeasibility(request: &PlanRequest, stop: &dyn Stop) -> Result<Vec<Reason>, Stopped> {
    let stop = || stop.reason().is_some();
    let instance = Instance::new(request, &stop)?;
    let reasons = reasons(request, &instance, &stop)?;
    if !reasons.is_empty() {
        return Ok(reasons);
    }
    let bounds = bounds::of(&instance);
    let least_period_s = bounds.least_period(&stop)?;
    if least_period_s == f64::INFINITY {
        return Ok(vec![no_walk(request, &instance, &stop)]);
    }
    let mut reasons = Vec::new();
    if least_period_s > instance.max_period_s {
        reasons.push(period_out_of_reach(request, &instance, least_period_s, &stop));
    }
    if instance.max_latency_s.is_finite() {
        let least_latency_s = bounds.least_latency(&stop)?;
        if least_latency_s > instance.max_latency_s {
            reasons.push(latency_out_of_reach(request, &instance, least_latency_s, &stop));
        }
    }
    Ok(reasons)
}

/// Returns the reasons of the first cheap proof that a request has no placement. Empty if no proof
/// is found. O(g m²).
pub fn reasons(request: &PlanRequest, instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Vec<Reason>, Stopped> {
    if instance.hosts.is_empty() {
        let nodes = request.cluster.nodes.len();
        let detail = format!("none of the {} is schedulable, selected and not excluded", counted(nodes, "node"));
        return Ok(vec![reason(ReasonCode::NoEligibleNode, detail, [("nodes", nodes as f64)])]);
    }
    let conflicts = pinned::conflicts(request, instance, stop)?;
    if !conflicts.is_empty() {
        return Ok(conflicts);
    }
    let too_large = blocks_too_large(request, instance, stop)?;
    if !too_large.is_empty() {
        return Ok(too_large);
    }
    let too_few = too_few_nodes(request, instance, stop)?;
    Ok(too_little_in_all(instance).into_iter().chain(too_few).collect())
}

/// Raises the bound to that of a relaxation. Returns a reason if the relaxation proves that no
/// placement exists.
pub fn raise_bounds(
    incumbent: &Incumbent<'_>,
    bounds: &dyn Bounds,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Reason>, Stopped> {
    let instance = incumbent.instance;
    let least_period_s = bounds.least_period(stop)?;
    if least_period_s == f64::INFINITY {
        return Ok(Some(no_walk(incumbent.request, instance, stop)));
    }
    if least_period_s > instance.max_period_s {
        return Ok(Some(period_out_of_reach(incumbent.request, instance, least_period_s, stop)));
    }
    if instance.max_latency_s.is_finite() || instance.objective == Objective::MinLatency {
        let least_latency_s = bounds.least_latency(stop)?;
        if least_latency_s > instance.max_latency_s {
            return Ok(Some(latency_out_of_reach(incumbent.request, instance, least_latency_s, stop)));
        }
        if instance.objective == Objective::MinLatency {
            incumbent.raise_for_all_cuts(least_latency_s);
        }
    }
    match instance.objective {
        Objective::MaxThroughput | Objective::Tradeoff => incumbent.raise_for_all_cuts(least_period_s),
        Objective::MinNodes { .. } => incumbent.raise_for_all_cuts(1.0),
        Objective::MinLatency => {}
    }
    Ok(None)
}

/// Returns the reason for a request without a walk: no path over links leads to the end, even if it
/// may visit nodes again.
pub fn no_walk(request: &PlanRequest, instance: &Instance, stop: &dyn Fn() -> bool) -> Reason {
    let detail = format!(
        "the {} can hold the stages, but no path over existing links connects nodes that hold them in order",
        counted(instance.hosts.len(), "eligible node")
    );
    let reason = reason(ReasonCode::NoConnectedPath, detail, [("nodes", instance.hosts.len() as f64)]);
    match without_pins(instance, |bounds| bounds.least_period(stop)) {
        Ok(Some(period_s)) if period_s.is_finite() => {
            let words = ", where their layers are pinned; without the pins there is such a path";
            blaming_pins(request, reason, words)
        }
        _ => reason,
    }
}

/// Returns the reason for a limit of the period below the least period of walks, `least_s` in
/// seconds.
pub fn period_out_of_reach(
    request: &PlanRequest,
    instance: &Instance,
    least_s: f64,
    stop: &dyn Fn() -> bool,
) -> Reason {
    let unpinned_s = without_pins(instance, |bounds| bounds.least_period(stop));
    out_of_reach(request, "period", (least_s, instance.max_period_s), unpinned_s)
}

/// Returns the reason for a limit of latency below the least latency of walks, `least_s` in
/// seconds.
pub fn latency_out_of_reach(
    request: &PlanRequest,
    instance: &Instance,
    least_s: f64,
    stop: &dyn Fn() -> bool,
) -> Reason {
    let unpinned_s = without_pins(instance, |bounds| bounds.least_latency(stop));
    out_of_reach(request, "latency", (least_s, instance.max_latency_s), unpinned_s)
}

fn out_of_reach(
    request: &PlanRequest,
    what: &str,
    (least_s, limit_s): (f64, f64),
    unpinned_s: Result<Option<f64>, Stopped>,
) -> Reason {
    let detail =
        format!("no placement has a {what} below {}, the limit is {}", seconds_text(least_s), seconds_text(limit_s));
    let reason = reason(ReasonCode::TargetOutOfReach, detail, [("least_s", least_s), ("limit_s", limit_s)]);
    match unpinned_s {
        Ok(Some(unpinned_s)) if unpinned_s <= limit_s => {
            let words =
                format!("; that is so because of the pins: without them this bound is {}", seconds_text(unpinned_s));
            blaming_pins(request, reason, &words)
        }
        _ => reason,
    }
}

/// Returns a bound of the instance with nothing pinned, or `None` if nothing is pinned.
fn without_pins(
    instance: &Instance,
    bound: impl Fn(&dyn Bounds) -> Result<f64, Stopped>,
) -> Result<Option<f64>, Stopped> {
    if !instance.has_pins() {
        return Ok(None);
    }
    bound(&*bounds::of(&instance.without_pins())).map(Some)
}

fn blaming_pins(request: &PlanRequest, reason: Reason, words: &str) -> Reason {
    let detail = reason.detail.clone() + words;
    pinned::naming_pins(request, Reason { detail, ..reason })
}

/// Returns a reason for each block that no stage on any host can hold. The buffers of a stage
/// depend on its ends. They are counted along a chain that has all cuts, and left out otherwise.
fn blocks_too_large(
    request: &PlanRequest,
    instance: &Instance,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Reason>, Stopped> {
    if !instance.cuts.keep_blocks_whole() {
        return Ok(Vec::new());
    }
    if instance.cuts.sets().is_some() || !instance.cuts.are_all() {
        let fits = |group: GroupIndex, block: Block| {
            instance.pins_allow(group, block) && instance.groups[group].holds(instance.block_bytes(block))
        };
        let too_large = instance
            .cuts
            .blocks()
            .filter(|&block| !instance.groups.indices().any(|group| fits(group, block)))
            .take(MOST_BLOCKS)
            .map(|block| {
                let needed = instance.memory_scale().taken(instance.block_bytes(block));
                too_large(request, instance, block, needed)
            });
        return Ok(too_large.collect());
    }
    let groups = instance.groups.indices();
    // In most models each block fits alone. A block may fit only together with a neighbour, since
    // buffers may then be smaller.
    if instance.starts().all(|start| groups.clone().any(|group| instance.fits(group, start, start + 1))) {
        return Ok(Vec::new());
    }
    let mut furthest_end = instance.by_position(Position::FIRST);
    for group in instance.groups.indices() {
        for start in instance.starts() {
            if start.number() % 64 == 0 && stop() {
                return Err(Stopped);
            }
            instance.ends_in_memory(group, start, |end| furthest_end[start] = end.max(furthest_end[start]));
        }
    }
    let covered = instance.starts().scan(Position::FIRST, |covered, start| {
        *covered = furthest_end[start].max(*covered);
        Some((start, *covered))
    });
    let uncovered = covered.filter(|(start, covered)| covered <= start).map(|(start, _)| start);
    let reason = |start: Position| {
        too_large(request, instance, Block::starting_at(start), instance.memory_bytes(start, start + 1))
    };
    Ok(uncovered.take(MOST_BLOCKS).map(reason).collect())
}

/// Returns the reason for a block that no host can hold.
fn too_large(request: &PlanRequest, instance: &Instance, block: Block, needed: u64) -> Reason {
    let allowed = instance.groups.indices().filter(|&group| instance.pins_allow(group, block));
    let largest_free = allowed.map(|group| instance.groups[group].free_bytes).max().unwrap_or(0);
    let layer_ids = block_layers(request, instance, block);
    let pins = Pins::new(request).of(instance.layers_of(block));
    let detail = format!(
        "no eligible node{} can hold {}{}: alone it needs {}, the largest free memory is {}",
        if pins.is_empty() { "" } else { " that its pins allow" },
        match layer_ids.as_slice() {
            [first, .., last] => format!("the block of layers {first} … {last}"),
            layer => format!("the layer {}", layer.concat()),
        },
        Colocations::new(request).text(instance.layers_of(block)),
        bytes_text(needed),
        bytes_text(largest_free),
    );
    let figures = [("needed_bytes", needed as f64), ("largest_free_bytes", largest_free as f64)];
    let node_ids = pins.iter().filter_map(|pin| pin.node_id.clone()).collect();
    Reason { layer_ids, node_ids, ..reason(ReasonCode::BlockTooLarge, detail, figures) }
}

fn too_little_in_all(instance: &Instance) -> Option<Reason> {
    let overhead_bytes = instance.memory_scale().overhead_bytes();
    let free_in = |group: GroupIndex| instance.groups[group].free_bytes.saturating_sub(overhead_bytes);
    let mut free: Vec<u64> = instance.group_of.iter().map(|&group| free_in(group)).collect();
    free.sort_unstable_by(|a, b| b.cmp(a));
    let usable: u128 = free.iter().take(instance.most_stages).map(|&bytes| u128::from(bytes)).sum();
    // Scaled together they are at most what they are as stages, each of which counts parts of bytes as whole ones.
    let needed = instance.memory_scale().scaled(instance.resident_bytes(Position::FIRST, instance.last()));
    (u128::from(needed) > usable).then(|| {
        let detail = format!(
            "parameters and state need {}, {} {} together{}",
            bytes_text(needed),
            match instance.most_stages {
                1 => "the largest eligible node has".to_owned(),
                several => format!("the {several} largest eligible nodes have"),
            },
            bytes_text(usable as u64),
            if overhead_bytes > 0 { " beside the overhead of each stage" } else { "" }
        );
        let figures = [("needed_bytes", needed as f64), ("free_bytes", usable as f64)];
        reason(ReasonCode::TotalMemory, detail, figures)
    })
}

/// Returns the number of stages if each is as long as any host can hold it, whichever hosts run the
/// others. Returns `None` if such stages do not reach the end. O(g m).
fn stages_of_longest(instance: &Instance) -> Option<usize> {
    let (mut start, mut stages) = (Position::FIRST, 0);
    while start < instance.last() {
        let mut furthest = start;
        for group in instance.groups.indices() {
            instance.ends_in_memory(group, start, |end| furthest = furthest.max(end));
        }
        if furthest == start {
            return None;
        }
        start = furthest;
        stages += 1;
    }
    Some(stages)
}

/// Returns the reason if more stages are needed than are possible.
fn too_few_nodes(
    request: &PlanRequest,
    instance: &Instance,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Reason>, Stopped> {
    let possible = instance.most_stages;
    if !instance.cuts.are_all() {
        return Ok(None);
    }
    if stages_of_longest(instance).is_some_and(|stages| stages <= possible) {
        return Ok(None);
    }
    let Some(needed) = fewest_stages(instance, stop)?.filter(|&needed| needed > possible) else { return Ok(None) };
    let are = if possible == 1 { "is" } else { "are" };
    let detail = format!("at least {} are needed, {possible} {are} possible", counted(needed, "stage"));
    let figures = [("stages_needed", needed as f64), ("stages_possible", possible as f64)];
    let reason = reason(ReasonCode::TooFewNodes, detail, figures);
    let unpinned = if instance.has_pins() { fewest_stages(&instance.without_pins(), stop)? } else { None };
    Ok(Some(match unpinned.filter(|&unpinned| unpinned <= possible) {
        Some(unpinned) => {
            let words = format!("; that is so because of the pins: without them this bound is {unpinned}");
            blaming_pins(request, reason, &words)
        }
        None => reason,
    }))
}

/// Returns the fewest stages if every stage may be on any host, also on one of another stage, and
/// all links exist. Returns `None` if not even such stages reach the end.
fn fewest_stages(instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Option<usize>, Stopped> {
    let mut fewest = instance.by_position(usize::MAX);
    fewest[Position::FIRST] = 0;
    for start in instance.starts() {
        if fewest[start] == usize::MAX {
            continue;
        }
        if stop() {
            return Err(Stopped);
        }
        for group in instance.groups.indices() {
            let stages = fewest[start] + 1;
            instance.ends_in_memory(group, start, |end| fewest[end] = fewest[end].min(stages));
        }
    }
    Ok(Some(fewest[instance.last()]).filter(|&needed| needed != usize::MAX))
}

//! What pins have to do with it that a request has no placement.
//!
//! A reason names pins where they alone make it: where they contradict each other, and where the same proof, or the
//! search, comes to another end without them.

use std::collections::BTreeMap;

use super::bits::for_width;
use super::env::{Env, NoProgress};
use super::exact;
use super::feasible::{block_layers, colocation_text, reason};
use super::incumbent::Incumbent;
use super::problem::Problem;
use crate::domain::options::Pin;
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, counted};

/// What follows from the pins without links: layers that no node may run, and nodes that would have to run what lies
/// between their layers. O(m g) for m blocks and g kinds of host. `None` when told to stop.
pub fn conflicts(request: &PlanRequest, problem: &Problem, stop: &dyn Fn() -> bool) -> Option<Vec<Reason>> {
    let mut hosts_in = vec![0; problem.groups.len()];
    for &group in &problem.group_of {
        hosts_in[group] += 1;
    }
    let mut nowhere = Vec::new();
    // For each kind of one host the first and the last block that it alone may run.
    let mut spans: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for block in (1..=problem.blocks()).filter(|&block| problem.is_pinned(block)) {
        if stop() {
            return None;
        }
        let mut allowed = (0..problem.groups.len()).filter(|&group| problem.pins_allow(group, block));
        match (allowed.next(), allowed.next()) {
            (None, _) => nowhere.push(pinned_nowhere(request, problem, block)),
            (Some(only), None) if hosts_in[only] == 1 => spans.entry(only).or_insert((block, block)).1 = block,
            _ => {}
        }
    }
    if !nowhere.is_empty() {
        return Some(nowhere);
    }
    Some(spans.into_iter().filter_map(|(group, span)| torn(request, problem, group, span)).collect())
}

fn pinned_nowhere(request: &PlanRequest, problem: &Problem, block: usize) -> Reason {
    let layer_ids = block_layers(request, problem, block);
    let pins = pins_of(request, &layer_ids);
    let places: Vec<String> = pins.iter().map(|pin| place_text(pin)).collect();
    let detail = format!(
        "layers that cannot be cut apart{} are pinned to {}: no node that may host a stage is all of that",
        colocation_text(request, &layer_ids),
        places.join(" and to ")
    );
    let node_ids = pins.iter().filter_map(|pin| pin.node_id.clone()).collect();
    Reason { layer_ids, node_ids, ..reason(ReasonCode::ConflictingConstraints, detail, []) }
}

/// A node runs one stage, so it runs all that lies between two blocks that no other node may run: the reason where a
/// pin or its memory forbids that.
fn torn(request: &PlanRequest, problem: &Problem, group: usize, (first, last): (usize, usize)) -> Option<Reason> {
    let host = problem.group_of.iter().position(|&of_host| of_host == group)?;
    let node = &request.cluster.nodes[problem.hosts[host]].id;
    let pin_of = |block: usize| pins_of(request, &block_layers(request, problem, block)).into_iter().next();
    let ends = [first, last].map(|block| pin_of(block).map(|pin| pin.layer_id.clone()));
    let [Some(a), Some(b)] = ends else { return None };
    let held = format!("{a} and {b} are pinned to where {node} alone is, and a node runs one stage");
    if let Some(other) = (first..=last).find(|&block| !problem.pins_allow(group, block)) {
        let pins = pins_of(request, &block_layers(request, problem, other));
        let pin = pins.into_iter().find(|pin| !problem.meets(request, group, pin))?;
        let (layer, place) = (pin.layer_id.clone(), place_text(pin));
        let detail = format!("{held}: so it runs all between them, but {layer} between them is pinned to {place}");
        let node_ids = std::iter::once(node.clone()).chain(pin.node_id.clone()).collect();
        let conflict = reason(ReasonCode::ConflictingConstraints, detail, []);
        return Some(Reason { layer_ids: vec![a, layer, b], node_ids, ..conflict });
    }
    let (needed, free) = (problem.least_bytes(first - 1, last), problem.groups[group].free_bytes);
    (first < last && needed > free).then(|| {
        let detail = format!(
            "{held}: so it runs all between them, which needs at least {}, and it has {} free",
            bytes_text(needed),
            bytes_text(free)
        );
        let figures = [("needed_bytes", needed as f64), ("free_bytes", free as f64)];
        let conflict = reason(ReasonCode::ConflictingConstraints, detail, figures);
        Reason { layer_ids: vec![a, b], node_ids: vec![node.clone()], ..conflict }
    })
}

fn pins_of<'r>(request: &'r PlanRequest, layer_ids: &[String]) -> Vec<&'r Pin> {
    request.options.constraints.pins.iter().filter(|pin| layer_ids.contains(&pin.layer_id)).collect()
}

fn place_text(pin: &Pin) -> String {
    let labels = pin.node_selector.iter().map(|(name, value)| format!("{name}={value}"));
    match &pin.node_id {
        Some(id) => id.clone(),
        None => format!("nodes with {}", labels.collect::<Vec<String>>().join(", ")),
    }
}

/// The reason where the search went through everything. Where dives find a placement as soon as nothing is pinned, the
/// pins are to blame; where they find none, or are told to stop, nothing is said of it.
pub fn exhausted(request: &PlanRequest, problem: &Problem, env: &Env<'_>) -> Reason {
    let kept_to = match (problem.has_pins(), problem.has_limits()) {
        (false, false) => "memory and links",
        (false, true) => "memory, links and limits",
        (true, false) => "memory, links and pins",
        (true, true) => "memory, links, limits and pins",
    };
    let to_blame = problem.has_pins() && has_placement_without_pins(request, problem, env);
    let blame = if to_blame { "; without the pins there is a placement" } else { "" };
    let detail = format!(
        "the search went through every way to put the {} on the {}: none keeps to {kept_to}{blame}",
        counted(problem.blocks(), "block"),
        counted(problem.hosts.len(), "eligible node")
    );
    let figures = [("blocks", problem.blocks() as f64), ("nodes", problem.hosts.len() as f64)];
    let reason = reason(ReasonCode::Exhausted, detail, figures);
    if to_blame { naming_pins(request, reason) } else { reason }
}

/// Names every layer and node that a pin names.
pub fn naming_pins(request: &PlanRequest, reason: Reason) -> Reason {
    let pins = &request.options.constraints.pins;
    let mut layer_ids: Vec<String> = pins.iter().map(|pin| pin.layer_id.clone()).collect();
    let mut node_ids: Vec<String> = pins.iter().filter_map(|pin| pin.node_id.clone()).collect();
    for ids in [&mut layer_ids, &mut node_ids] {
        ids.sort_unstable();
        ids.dedup();
    }
    Reason { layer_ids, node_ids, ..reason }
}

fn has_placement_without_pins(request: &PlanRequest, problem: &Problem, env: &Env<'_>) -> bool {
    let mut unpinned = request.clone();
    unpinned.options.constraints.pins.clear();
    (unpinned.options.base, unpinned.options.max_period_ratio) = (None, None);
    let problem = problem.without_pins();
    let env = Env { progress: &NoProgress, ..*env };
    let incumbent = Incumbent::new(&unpinned, &problem, &env);
    for_width!(problem.blocks() + 1, W => exact::search::any_placement::<W>(&incumbent));
    incumbent.best().is_some()
}

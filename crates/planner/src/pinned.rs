//! The part of pins in the reasons why a request has no placement.
//!
//! A reason names pins only if they are the cause: if they contradict each other, or if the same
//! proof, or the search, ends differently without them.

use super::baselines;
use super::busy_media::BusyMedia;
use super::env::{Env, NoProgress};
use super::goals;
use super::incumbent::Incumbent;
use super::instance::Instance;
use super::reasons::{MOST_BLOCKS, block_layers, reason};
use super::stopped::Stopped;
use crate::domain::options::Pin;
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{bytes_text, counted};
use crate::index::{Block, GroupIndex};
use std::collections::BTreeMap;

/// Returns the conflicts of pins that follow without links: layers that no node may run, and nodes
/// that would have to run all layers between two pinned ones but cannot. O(m g) for m blocks and g
/// groups of hosts.
pub fn conflicts(request: &PlanRequest, instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Vec<Reason>, Stopped> {
    let mut hosts_in = instance.by_group(0);
    for &group in &instance.group_of {
        hosts_in[group] += 1;
    }
    let mut nowhere = Vec::new();
    // For each group of a single host, the first and the last block that only this host may run.
    let mut spans: BTreeMap<GroupIndex, (Block, Block)> = BTreeMap::new();
    for block in instance.cuts.blocks().filter(|&block| instance.is_pinned(block)) {
        if stop() {
            return Err(Stopped);
        }
        let mut allowed = instance.groups.indices().filter(|&group| instance.pins_allow(group, block));
        match (allowed.next(), allowed.next()) {
            (None, _) => nowhere.push(block),
            (Some(only), None) if hosts_in[only] == 1 => spans.entry(only).or_insert((block, block)).1 = block,
            _ => {}
        }
    }
    let pins = Pins::new(request);
    // Only along a chain with all cuts, a stage with two blocks holds all blocks between them.
    let spans = if instance.cuts.sets().is_none() && instance.cuts.are_all() { spans } else { BTreeMap::new() };
    if !nowhere.is_empty() {
        let colocations = Colocations::new(request);
        let nowhere = nowhere.into_iter().take(MOST_BLOCKS);
        return Ok(nowhere.map(|block| pinned_nowhere(request, instance, (&pins, &colocations), block)).collect());
    }
    Ok(spans.into_iter().filter_map(|(group, span)| torn(request, instance, &pins, group, span)).collect())
}

fn pinned_nowhere(
    request: &PlanRequest,
    instance: &Instance,
    (pins, colocations): (&Pins<'_>, &Colocations<'_>),
    block: Block,
) -> Reason {
    let layer_ids = block_layers(request, instance, block);
    let pins = pins.of(instance.layers_of(block));
    let places: Vec<String> = pins.iter().map(|pin| place_text(pin)).collect();
    let detail = format!(
        "layers that cannot be cut apart{} are pinned to {}: no node that may host a stage meets all of these pins",
        colocations.text(instance.layers_of(block)),
        places.join(" and to ")
    );
    let node_ids = pins.iter().filter_map(|pin| pin.node_id.clone()).collect();
    Reason { layer_ids, node_ids, ..reason(ReasonCode::ConflictingConstraints, detail, []) }
}

/// Returns a reason if a node would have to run all blocks between two that only it may run, and a
/// pin or its memory forbids that. A node runs one stage.
fn torn(
    request: &PlanRequest,
    instance: &Instance,
    pins: &Pins<'_>,
    group: GroupIndex,
    (first, last): (Block, Block),
) -> Option<Reason> {
    let (host, _) = instance.group_of.iter_indexed().find(|&(_, &of_host)| of_host == group)?;
    let node = &request.cluster.nodes[instance.hosts[host]];
    let id = &node.id;
    let pin_of = |block: Block| pins.of(instance.layers_of(block)).into_iter().next();
    let ends = [first, last].map(|block| pin_of(block).map(|pin| pin.layer_id.clone()));
    let [Some(a), Some(b)] = ends else { return None };
    let held = format!("as they are pinned, {a} and {b} can run on {id} alone, and a node runs one stage");
    if let Some(other) = Block::between(first.start(), last.end()).find(|&block| !instance.pins_allow(group, block)) {
        let pin = pins.of(instance.layers_of(other)).into_iter().find(|pin| !pin.admits(node))?;
        let (layer, place) = (pin.layer_id.clone(), place_text(pin));
        let detail = format!("{held}: {id} would run all between them, but {layer} is pinned to {place}");
        let node_ids = std::iter::once(id.clone()).chain(pin.node_id.clone()).collect();
        let conflict = reason(ReasonCode::ConflictingConstraints, detail, []);
        return Some(Reason { layer_ids: vec![a, layer, b], node_ids, ..conflict });
    }
    let least_bytes = instance.least_bytes(first.start(), last.end());
    (first < last && !instance.groups[group].holds(least_bytes)).then(|| {
        let (needed, free) = (instance.memory_scale().taken(least_bytes), instance.groups[group].free_bytes);
        let detail = format!(
            "{held}: {id} would run all between them, which needs at least {}, and it has {} free",
            bytes_text(needed),
            bytes_text(free)
        );
        let figures = [("needed_bytes", needed as f64), ("free_bytes", free as f64)];
        let conflict = reason(ReasonCode::ConflictingConstraints, detail, figures);
        Reason { layer_ids: vec![a, b], node_ids: vec![id.clone()], ..conflict }
    })
}

/// The request's pins by the layers that they name.
pub struct Pins<'r>(BTreeMap<usize, Vec<&'r Pin>>);

impl<'r> Pins<'r> {
    /// Collects the pins of a request. O(p log L) for p pins.
    pub fn new(request: &'r PlanRequest) -> Self {
        let mut of_layer: BTreeMap<usize, Vec<&Pin>> = BTreeMap::new();
        for pin in &request.options.constraints.pins {
            if let Some(layer) = request.model.layer_index(&pin.layer_id) {
                of_layer.entry(layer).or_default().push(pin);
            }
        }
        Self(of_layer)
    }

    /// Returns the pins of some layers, in the order of the layers.
    pub fn of(&self, layers: &[usize]) -> Vec<&'r Pin> {
        layers.iter().filter_map(|layer| self.0.get(layer)).flatten().copied().collect()
    }
}

/// The colocations of a request and the groups of its model, each with its first layer.
pub struct Colocations<'r>(Vec<(usize, &'static str, &'r [String])>);

impl<'r> Colocations<'r> {
    /// Collects the colocations of a request. O(c log L) for c layers that are named.
    pub fn new(request: &'r PlanRequest) -> Self {
        let first = |ids: &[String]| ids.iter().filter_map(|id| request.model.layer_index(id)).min();
        let colocations = request.options.constraints.colocate.iter();
        let colocations =
            colocations.filter_map(|it| Some((first(&it.layer_ids)?, "colocate keeps", &it.layer_ids[..])));
        let groups = request.model.groups.iter().zip(request.model.members_of_groups());
        let groups = groups.filter(|(_, members)| members.len() > 1);
        let groups = groups.map(|(it, members)| (members[0], "a group of the profile keeps", &it.layer_ids[..]));
        Self(colocations.chain(groups).collect())
    }

    /// Returns a text that names the colocation or group that keeps the layers of a block together;
    /// empty if there is none.
    pub fn text(&self, layers: &[usize]) -> String {
        match self.0.iter().find(|(first, ..)| layers.binary_search(first).is_ok()) {
            Some((_, keeps, layer_ids)) => format!(" ({keeps} {} together)", names(layer_ids)),
            None => String::new(),
        }
    }
}

/// Names the first of some ids, and says how many more there are.
fn names(ids: &[String]) -> String {
    const MOST_NAMED: usize = 8;
    match ids.get(..MOST_NAMED) {
        Some(first) if ids.len() > MOST_NAMED => format!("{} and {} more", first.join(", "), ids.len() - MOST_NAMED),
        _ => ids.join(", "),
    }
}

fn place_text(pin: &Pin) -> String {
    let labels = pin.node_selector.iter().map(|(name, value)| format!("{name}={value}"));
    match &pin.node_id {
        Some(id) => id.clone(),
        None => format!("nodes with {}", labels.collect::<Vec<String>>().join(", ")),
    }
}

/// Returns the reason for a search that went through all placements. It blames the pins if dives or
/// the cheap baselines find a placement without them, and otherwise the media if there is a
/// placement where none is shared. If nothing is found, it does not name a cause.
pub fn exhausted(request: &PlanRequest, instance: &Instance, env: &Env<'_>) -> Reason {
    if request.options.wants_several() {
        // What keeps every pipeline from existing keeps one from it.
        let mut single = request.clone();
        single.options.pipelines = None;
        return exhausted(&single, instance, env);
    }
    let kept_to = match (instance.has_pins(), instance.has_limits()) {
        (false, false) => "memory and links",
        (false, true) => "memory, links and limits",
        (true, false) => "memory, links and pins",
        (true, true) => "memory, links, limits and pins",
    };
    let to_blame = instance.has_pins() && has_placement_without_pins(request, instance, env);
    let busy = if to_blame { None } else { BusyMedia::find(request, instance, env) };
    let blame = match &busy {
        Some(busy) => busy.text(),
        None if to_blame => "; without the pins there is a placement".to_owned(),
        None => String::new(),
    };
    let detail = format!(
        "the search went through every way to put the {} on the {}: none keeps to {kept_to}{blame}",
        counted(instance.block_count(), "block"),
        counted(instance.hosts.len(), "eligible node")
    );
    let figures = [("blocks", instance.block_count() as f64), ("nodes", instance.hosts.len() as f64)];
    let mut reason = reason(ReasonCode::Exhausted, detail, figures);
    if let Some(busy) = busy {
        reason
            .figures
            .extend([("occupied_s".to_owned(), busy.occupied_s), ("limit_s".to_owned(), instance.max_period_s)]);
        reason.medium_ids = busy.ids;
    }
    if to_blame { naming_pins(request, reason) } else { reason }
}

/// Returns a reason with all layers and nodes that a pin names.
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

fn has_placement_without_pins(request: &PlanRequest, instance: &Instance, env: &Env<'_>) -> bool {
    let mut unpinned = request.clone();
    unpinned.options.constraints.pins.clear();
    (unpinned.options.base, unpinned.options.max_period_ratio) = (None, None);
    let instance = instance.without_pins();
    let env = Env { progress: &NoProgress, ..*env };
    let incumbent = Incumbent::new(&unpinned, &instance, &env);
    goals::period::any_placement(&incumbent);
    if incumbent.best().is_none() && env.stop.reason().is_none() {
        // Dives search without a limit on the period. If the request has one, the baselines, which
        // look for short periods, may keep to it.
        baselines::offer_cheap(&incumbent);
    }
    incumbent.best().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::placement::{PlacementDocument, Status};
    use crate::env::NeverStop;
    use crate::{infeasibility, plan};
    use serde_json::{Value, json};

    /// Five layers of 10 bytes in a row, each with its own id, on five nodes of 100 bytes: two with the label `r`, two with
    /// `b`, one with none.
    fn document(pins: &[(&str, Value)]) -> Value {
        let layer = |id: &str| json!({"id": id, "param_bytes": 10, "output_bytes": 8, "flops": 10});
        let node =
            |id: &str, site: &str| json!({"id": id, "memory_bytes": 100, "flops_per_s": 10, "labels": {"site": site}});
        let pins: Vec<Value> = pins
            .iter()
            .map(|(layer_id, place)| match place {
                Value::String(_) => json!({"layer_id": layer_id, "node_id": place}),
                _ => json!({"layer_id": layer_id, "node_selector": place}),
            })
            .collect();
        let layers = ["a", "b", "c", "d", "e"].map(layer);
        json!({
            "model": {
                "name": "row", "layers": layers,
                "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}, {"from": "c", "to": "d"}, {"from": "d", "to": "e"}],
            },
            "cluster": {
                "name": "five",
                "nodes": [node("r1", "r"), node("r2", "r"), node("b1", "b"), node("b2", "b"), node("x", "x")],
                "network": {"kind": "full_mesh", "bandwidth_bps": 64},
            },
            "constraints": {"pins": pins},
        })
    }

    fn planned(document: &Value) -> (PlanRequest, PlacementDocument) {
        let request = PlanRequest::from_json(document).unwrap();
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let placement = plan(&request, &env).unwrap();
        (request, placement)
    }

    /// The only reason why a document has no placement.
    fn reason_of(document: &Value) -> Reason {
        let (_, placement) = planned(document);
        assert_eq!(placement.status, Status::Infeasible, "{placement:?}");
        assert_eq!(placement.reasons.len(), 1, "{:?}", placement.reasons);
        placement.reasons[0].clone()
    }

    fn alternating() -> [(&'static str, Value); 5] {
        let (r, b) = (json!({"site": "r"}), json!({"site": "b"}));
        [("a", r.clone()), ("b", b.clone()), ("c", r.clone()), ("d", b), ("e", r)]
    }

    #[test]
    fn a_node_runs_all_between_two_layers_that_are_pinned_to_it() {
        let document = document(&[("a", json!("r1")), ("c", json!("b1")), ("d", json!("r1"))]);
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::ConflictingConstraints);
        assert_eq!(
            reason.detail,
            "as they are pinned, a and d can run on r1 alone, and a node runs one stage: r1 would run all between them, \
             but c is pinned to b1"
        );
        assert_eq!(
            (reason.layer_ids, reason.node_ids),
            (vec!["a".into(), "c".into(), "d".into()], vec!["r1".into(), "b1".into()])
        );
        // It takes no search.
        let request = PlanRequest::from_json(&document).unwrap();
        assert_eq!(infeasibility(&request, &NeverStop).unwrap()[0].code, ReasonCode::ConflictingConstraints);
    }

    #[test]
    fn what_two_pins_hold_on_one_node_may_be_too_large() {
        let mut document = document(&[("a", json!("r1")), ("d", json!("r1"))]);
        assert_eq!(planned(&document).1.status, Status::Optimal);
        document["cluster"]["nodes"][0]["memory_bytes"] = json!(45);
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::ConflictingConstraints);
        // 4 · 10 bytes of parameters, and two tensors of 8 bytes that live at once.
        assert!(reason.detail.ends_with("which needs at least 56 B, and it has 45 B free"), "{}", reason.detail);
        assert_eq!((reason.figures["needed_bytes"], reason.figures["free_bytes"]), (56.0, 45.0));
    }

    #[test]
    fn an_exhausted_search_blames_the_pins_where_dives_do_without_them() {
        let reason = reason_of(&document(&alternating()));
        assert_eq!(reason.code, ReasonCode::Exhausted);
        assert_eq!(
            reason.detail,
            "the search went through every way to put the 5 blocks on the 5 eligible nodes: none keeps to memory, links \
             and pins; without the pins there is a placement"
        );
        assert_eq!(reason.layer_ids, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn too_few_nodes_may_be_so_because_of_the_pins() {
        let mut document = document(&alternating());
        document["constraints"]["max_stages"] = json!(1);
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::TooFewNodes);
        assert_eq!(
            reason.detail,
            "at least 5 stages are needed, 1 is possible; that is so because of the pins: without them this bound is 1"
        );
    }

    #[test]
    fn a_path_may_be_missing_because_of_the_pins() {
        let mut document = document(&[("a", json!("r2")), ("e", json!("r1"))]);
        document["cluster"].as_object_mut().unwrap().remove("network");
        document["cluster"]["links"] = json!([{"from": "r1", "to": "r2", "bandwidth_bps": 64}]);
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::NoConnectedPath);
        assert!(reason.detail.ends_with("; without the pins there is such a path"), "{}", reason.detail);
        assert_eq!((reason.layer_ids, reason.node_ids), (vec!["a".into(), "e".into()], vec!["r1".into(), "r2".into()]));
    }

    #[test]
    fn limits_may_be_out_of_reach_because_of_the_pins() {
        let mut document = document(&["a", "b", "c", "d", "e"].map(|layer| (layer, json!("r1"))));
        document["objective"] = json!({"kind": "min_nodes", "target_period_s": 2.5});
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::TargetOutOfReach);
        let words = "no placement has a period below 5 s, the limit is 2.5 s; that is so because of the pins: ";
        assert!(reason.detail.starts_with(words), "{}", reason.detail);
    }

    #[test]
    fn a_pinned_block_is_too_large_for_where_it_is_pinned() {
        let mut document = document(&[("c", json!("x"))]);
        document["cluster"]["nodes"][4]["memory_bytes"] = json!(20);
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::BlockTooLarge);
        assert!(reason.detail.starts_with("no eligible node that its pins allow can hold"), "{}", reason.detail);
        assert_eq!((reason.figures["largest_free_bytes"], reason.node_ids), (20.0, vec!["x".to_owned()]));
    }

    #[test]
    fn pins_that_change_nothing_are_not_blamed() {
        let mut document = document(&[("a", json!("r1"))]);
        document["cluster"].as_object_mut().unwrap().remove("network");
        for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
            node["memory_bytes"] = json!(60);
        }
        let reason = reason_of(&document);
        assert_eq!(reason.code, ReasonCode::NoConnectedPath);
        assert!(!reason.detail.contains("pin"), "{}", reason.detail);
        assert_eq!(reason.layer_ids, [""; 0]);
    }
}

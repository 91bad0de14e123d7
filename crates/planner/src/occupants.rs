//! Several models on one cluster: placements as occupants, and the effect of a new placement on
//! them.

use std::collections::BTreeMap;

use super::cost::Assignment;
use super::instance::Instance;
use super::routes::{Medium, Routes};
use super::shares::{Demands, Pair, fair_level, link_demands, medium_demands, node_demands};
use crate::domain::cluster::ClusterInventory;
use crate::domain::occupant::{Occupant, OccupantEffect, OccupiedHop, OccupiedMedium, OccupiedNode};
use crate::domain::placed::{Placed, PlacedTransfer};
use crate::domain::request::PlanRequest;
use crate::domain::unit::MAX_SAFE_INTEGER;
use crate::index::{Host, Position};

/// Returns the occupant that an existing placement is on its cluster.
///
/// `rate_per_s` is its passes per second. Without it, the occupant runs at 1 / period, or at 0 if
/// the period is 0.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::domain::placed::{Placed, PlacedPipeline, PlacedStage};
/// use cutpoint_planner::domain::request::PlanRequest;
/// use cutpoint_planner::occupant_of;
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {
///         "name": "two-layers",
///         "layers": [
///             {"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000},
///             {"id": "dense", "param_bytes": 600_000, "output_bytes": 40, "flops": 1_000_000}
///         ],
///         "edges": [{"from": "conv", "to": "dense"}]
///     },
///     "cluster": {
///         "name": "shelf",
///         "nodes": [
///             {"id": "pi-1", "memory_bytes": 1_000_000, "flops_per_s": 1e9},
///             {"id": "pi-2", "memory_bytes": 1_000_000, "flops_per_s": 2e9}
///         ],
///         "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0}
///     }
/// }))
/// .expect("the request is valid");
///
/// let stage = PlacedStage {
///     node_id: "pi-2".to_owned(),
///     layer_ids: vec!["conv".to_owned(), "dense".to_owned()],
///     memory_bytes: 900_000,
///     alone_s: 0.25,
///     receive: None,
///     send: None,
/// };
/// let pipelines = vec![PlacedPipeline { part: 1.0, stages: vec![stage] }];
/// let placed = Placed { period_s: 0.25, latency_s: 0.25, pipelines };
///
/// let occupant = occupant_of("camera", &placed, &request.cluster, None);
///
/// assert_eq!(occupant.rate_per_s, 4.0);
/// assert_eq!(occupant.nodes[0].memory_bytes, 900_000);
/// ```
pub fn occupant_of(id: &str, placed: &Placed, cluster: &ClusterInventory, rate_per_s: Option<f64>) -> Occupant {
    let routes = Routes::new(cluster);
    let route = |from: &str, to: &str| {
        let (from, to) = cluster.node_index(from).zip(cluster.node_index(to))?;
        let (latency_s, occupied) = routes.occupied(from, to)?;
        Some((latency_s, routes.link(from, to).bandwidth_bps, occupied))
    };
    let mut nodes: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    let mut hops: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    let mut media: BTreeMap<Medium, f64> = BTreeMap::new();
    // Of several pipelines, each makes a part of the passes: what it takes counts for that part of each pass.
    let mut travel = |from, to, transfer: &PlacedTransfer, part: f64| {
        let (latency_s, bandwidth_bps, occupied) = route(from, to).unwrap_or_default();
        let busy_s = (transfer.transfer_s - latency_s).max(0.0) * transfer.bandwidth_share * part;
        if occupied.is_empty() {
            *hops.entry((from, to)).or_default() += busy_s;
        }
        for (medium, medium_bps) in occupied {
            // Where one medium carries it, it takes all of the time.
            let occupied_s = if medium_bps == bandwidth_bps { busy_s } else { busy_s * bandwidth_bps / medium_bps };
            if routes.media.is_pair(medium) {
                *hops.entry((from, to)).or_default() += occupied_s;
            } else {
                *media.entry(medium).or_default() += occupied_s;
            }
        }
    };
    let stages = placed
        .pipelines
        .iter()
        .flat_map(|pipeline| pipeline.stages.iter().enumerate().map(|(index, stage)| (pipeline.part, index, stage)));
    for (part, index, stage) in stages {
        let (memory_bytes, compute_s) = nodes.entry(&stage.node_id).or_default();
        *memory_bytes = memory_bytes.saturating_add(stage.memory_bytes).min(MAX_SAFE_INTEGER);
        *compute_s += stage.alone_s * part;
        // What a later stage receives is already counted as what the stage before it sends.
        if let Some(receive) = stage.receive.as_ref().filter(|_| index == 0) {
            travel(&receive.other_node_id, &stage.node_id, receive, part);
        }
        if let Some(send) = &stage.send {
            travel(&stage.node_id, &send.other_node_id, send, part);
        }
    }
    // The quotient can be infinite. A node cannot be more than always busy, so the limit changes no
    // share.
    let own_rate_per_s = if placed.period_s > 0.0 { (1.0 / placed.period_s).min(1e100) } else { 0.0 };
    let node = |(node_id, (memory_bytes, compute_s)): (&str, (u64, f64))| OccupiedNode {
        node_id: node_id.to_owned(),
        memory_bytes,
        compute_s,
    };
    let hop = |((from, to), transfer_s): ((&str, &str), f64)| OccupiedHop {
        from_node_id: from.to_owned(),
        to_node_id: to.to_owned(),
        transfer_s,
    };
    Occupant {
        id: id.to_owned(),
        rate_per_s: rate_per_s.unwrap_or(own_rate_per_s),
        period_s: placed.period_s,
        nodes: nodes.into_iter().map(node).collect(),
        hops: hops.into_iter().map(hop).collect(),
        media: media
            .into_iter()
            .map(|(it, occupied_s)| OccupiedMedium { id: routes.media.id(it), occupied_s })
            .collect(),
    }
}

/// A pipeline that runs.
#[derive(Debug, Clone, Copy)]
pub struct Running<'a> {
    /// Its stages.
    pub assignment: &'a Assignment,
    /// Seconds from one pass to the next. They are 0 if it has no rate.
    pub every_s: f64,
}

/// Returns the effect of pipelines on each occupant of the request: its period before and after, in
/// seconds.
pub fn effects(request: &PlanRequest, instance: &Instance, pipelines: &[Running<'_>]) -> Vec<OccupantEffect> {
    if request.options.occupants.is_empty() {
        return Vec::new();
    }
    let mut demands = Demands::of_occupants(request);
    let newcomer = newcomer_demands(request, instance, pipelines);
    for (node, asked) in newcomer.of_node {
        demands.of_node.entry(node).or_default().extend(asked);
    }
    for (pair, asked) in newcomer.of_link {
        demands.of_link.entry(pair).or_default().extend(asked);
    }
    for (medium, asked) in newcomer.of_medium {
        demands.of_medium.entry(medium).or_default().extend(asked);
    }
    let of_node: BTreeMap<usize, f64> =
        demands.of_node.into_iter().map(|(node, all)| (node, fair_level(all))).collect();
    let of_link: BTreeMap<Pair, f64> = demands.of_link.into_iter().map(|(pair, all)| (pair, fair_level(all))).collect();
    let of_medium: BTreeMap<Medium, f64> =
        demands.of_medium.into_iter().map(|(medium, all)| (medium, fair_level(all))).collect();
    let effect = |occupant: &Occupant| {
        let nodes = node_demands(request, occupant).into_iter().map(|(node, asked)| (asked, of_node[&node]));
        let links = link_demands(request, occupant).into_iter().map(|(pair, asked)| (asked, of_link[&pair]));
        let media = medium_demands(request, occupant).into_iter().map(|(it, asked)| (asked, of_medium[&it]));
        let slowdown =
            nodes.chain(links).chain(media).map(|(asked, level)| if asked > level { asked / level } else { 1.0 });
        let new_period_s = occupant.period_s * slowdown.fold(1.0, f64::max);
        OccupantEffect { id: occupant.id.clone(), period_s: occupant.period_s, new_period_s }
    };
    request.options.occupants.iter().map(effect).collect()
}

/// Returns the demands of the pipelines themselves at their own rates. One without a rate has none.
fn newcomer_demands(request: &PlanRequest, instance: &Instance, pipelines: &[Running<'_>]) -> Demands {
    let mut demands = Demands::default();
    let routes = Routes::new(&request.cluster);
    let node_of = |host: Host| instance.hosts[host];
    // Transfers on one link, such as input and output, make one demand: their sum.
    let mut on_link: BTreeMap<Pair, f64> = BTreeMap::new();
    let mut on_medium: BTreeMap<Medium, f64> = BTreeMap::new();
    for &Running { assignment, every_s } in pipelines.iter().filter(|pipeline| pipeline.every_s != 0.0) {
        for (start, end, host) in assignment.spans() {
            let work_s = instance.work_s(instance.group_of[host], start, end);
            demands.of_node.entry(node_of(host)).or_default().push(work_s / every_s);
        }
        let end = |id: &Option<String>| id.as_ref().and_then(|id| request.cluster.node_index(id));
        let constraints = &request.options.constraints;
        let hosts = assignment.stages.iter().map(|&(_, host)| Some(node_of(host)));
        let path: Vec<Option<usize>> =
            std::iter::once(end(&constraints.source_node)).chain(hosts).chain([end(&constraints.sink_node)]).collect();
        let positions = std::iter::once(Position::FIRST).chain(assignment.stages.iter().map(|&(end, _)| end));
        for (pair, position) in path.windows(2).zip(positions) {
            let [Some(from), Some(to)] = *pair else { continue };
            if from != to {
                let load_bits = instance.load_bits[position];
                let transfer_s = load_bits / routes.link(from, to).bandwidth_bps;
                *on_link.entry((from, to)).or_default() += transfer_s / every_s;
                let occupied = routes.occupied(from, to).map(|(_, occupied)| occupied).unwrap_or_default();
                for (medium, bandwidth_bps) in occupied {
                    *on_medium.entry(medium).or_default() += load_bits / bandwidth_bps / every_s;
                }
            }
        }
    }
    demands.of_medium = on_medium.into_iter().map(|(medium, asked)| (medium, vec![asked])).collect();
    demands.of_link = on_link.into_iter().map(|(pair, asked)| (pair, vec![asked])).collect();
    demands
}

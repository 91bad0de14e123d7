//! The search against enumeration of all sets of pipelines, on small random instances.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::classes::Classes;
use super::large::{self, Effort};
use crate::cost::{Assignment, score};
use crate::domain::placement::Status;
use crate::domain::request::PlanRequest;
use crate::env::{Env, NeverStop, NoProgress};
use crate::index::{Host, Position};
use crate::instance::Instance;
use crate::pipelines::{Packings, plan};

/// Draws a request. `shares` says whether transfers may share media, with a source and a sink.
pub(in crate::pipelines::fill) fn draw(rng: &mut Pcg64Mcg, shares: bool) -> Value {
    let (nodes, layers) = (rng.random_range(2..=5_usize), rng.random_range(2..=5_usize));
    let id = |node: usize| format!("n{node}");
    let mut one_of = |values: &[f64]| values[rng.random_range(0..values.len())];
    let few_kinds = one_of(&[0.0, 1.0]) > 0.0;
    let sizes: &[f64] = if few_kinds { &[20.0, 30.0] } else { &[15.0, 20.0, 25.0, 30.0, 50.0] };
    let node = |one_of: &mut dyn FnMut(&[f64]) -> f64, node: usize| {
        let mut it = json!({"id": id(node), "memory_bytes": one_of(sizes) as u64, "flops_per_s": one_of(&[1.0, 2.0])});
        if shares && one_of(&[0.0, 0.0, 1.0]) > 0.0 {
            it["port_bps"] = json!(one_of(&[2.0, 3.0]));
            it["port_duplex"] = json!(if one_of(&[0.0, 1.0]) > 0.0 { "half" } else { "full" });
        }
        if one_of(&[0.0, 1.0]) > 0.0 {
            it["labels"] = json!({"site": "roof"});
        }
        it
    };
    let list: Vec<Value> = (0..nodes).map(|at| node(&mut one_of, at)).collect();
    let mut links = Vec::new();
    for (from, to) in (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to))).filter(|(a, b)| a < b) {
        if one_of(&[0.0, 0.0, 1.0]) > 0.0 {
            let mut link = json!({"from": id(from), "to": id(to), "bandwidth_bps": one_of(&[0.5, 1.0, 4.0]),
                "latency_s": one_of(&[0.0, 1.0]), "bidirectional": one_of(&[0.0, 1.0]) > 0.0});
            if shares && one_of(&[0.0, 1.0]) > 0.0 {
                link["medium"] = json!("trunk");
            }
            links.push(link);
        }
    }
    let mut network =
        json!({"kind": "full_mesh", "bandwidth_bps": one_of(&[2.0, 8.0]), "latency_s": one_of(&[0.0, 0.5])});
    if shares && one_of(&[0.0, 1.0]) > 0.0 {
        network["medium"] = json!(if one_of(&[0.0, 1.0]) > 0.0 { "air" } else { "trunk" });
    }
    let layer = |one_of: &mut dyn FnMut(&[f64]) -> f64, layer: usize| {
        json!({"id": format!("l{layer}"), "param_bytes": one_of(&[5.0, 8.0, 10.0, 15.0]) as u64,
            "output_bytes": one_of(&[0.0, 1.0, 2.0, 4.0]) as u64, "flops": one_of(&[0.0, 1.0, 2.0, 3.0]) as u64})
    };
    let mut all: Vec<Value> = (0..layers).map(|at| layer(&mut one_of, at)).collect();
    all.insert(0, json!({"id": "image", "param_bytes": 0, "output_bytes": one_of(&[0.0, 1.0, 3.0]) as u64}));
    let mut edges: Vec<Value> = Vec::new();
    let branches = one_of(&[0.0, 0.0, 1.0]) > 0.0 && layers >= 3;
    for at in 0..layers {
        let before = if at == 0 { "image".to_owned() } else { format!("l{}", at - 1) };
        let before = if branches && at == 1 { "image".to_owned() } else { before };
        edges.push(json!({"from": before, "to": format!("l{at}")}));
    }
    if branches {
        edges.push(json!({"from": "l0", "to": "l2"}));
    }
    let mut constraints = json!({});
    let mut maybe = |share: f64| rng.random_bool(share);
    if shares && maybe(0.5) {
        constraints["source_node"] = json!(id(0));
    }
    if shares && maybe(0.5) {
        constraints["sink_node"] = json!(id(usize::from(maybe(0.5))));
    }
    if maybe(0.15) {
        constraints["max_stages"] = json!(2);
    }
    if maybe(0.2) {
        constraints["max_nodes"] = json!(3);
    }
    if maybe(0.2) {
        constraints["max_latency_s"] = json!(12.0);
    }
    if maybe(0.1) {
        constraints["pins"] = json!([{"layer_id": "l1", "node_selector": {"site": "roof"}}]);
    }
    let overlap = if maybe(0.3) { "none" } else { "full" };
    let memory = if maybe(0.5) { "params" } else { "params_and_activations" };
    let objective = if maybe(0.25) {
        let targets = [1.0, 2.0, 4.0, 7.0];
        json!({"kind": "min_nodes", "target_period_s": targets[rng.random_range(0..targets.len())]})
    } else {
        json!({"kind": "max_throughput"})
    };
    let most = [None, None, Some(2), Some(3)][rng.random_range(0..4)];
    json!({
        "model": {"name": "m", "layers": all, "edges": edges},
        "cluster": {"name": "c", "nodes": list, "links": links, "network": network},
        "objective": objective, "constraints": constraints, "cost_model": {"overlap": overlap, "memory": memory},
        "pipelines": most.map_or(json!({}), |most| json!({"most": most})),
    })
}

/// All single pipelines.
fn all_pipelines(instance: &Instance) -> Vec<Assignment> {
    fn extend(instance: &Instance, start: Position, stages: &mut Vec<(Position, Host)>, all: &mut Vec<Assignment>) {
        if start == instance.last() {
            all.push(Assignment { stages: stages.clone() });
            return;
        }
        for host in instance.hosts.indices() {
            if stages.iter().any(|&(_, used)| used == host) {
                continue;
            }
            for end in (start + 1).through(instance.last()) {
                if instance.fits(instance.group_of[host], start, end) {
                    stages.push((end, host));
                    extend(instance, end, stages, all);
                    stages.pop();
                }
            }
        }
    }
    let mut all = Vec::new();
    extend(instance, Position::FIRST, &mut Vec::new(), &mut all);
    all.retain(|assignment| score(instance, assignment).is_some());
    all
}

/// The best value over all sets: the sum of rates and the number of nodes.
fn enumerated(packings: &Packings<'_>) -> Option<(f64, usize)> {
    let all = all_pipelines(packings.instance);
    let counts_nodes = packings.needed_rate_per_s() > 0.0;
    let mut best: Option<(f64, usize)> = None;
    let mut stack: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new())];
    while let Some((next, chosen)) = stack.pop() {
        if !chosen.is_empty() {
            let pipelines = chosen.iter().map(|&at: &usize| all[at].clone()).collect();
            if let Some(packing) = packings.packing(pipelines) {
                let found = (packing.rate_per_s, packing.nodes());
                let is_better = best.is_none_or(|(rate, nodes)| {
                    let more = found.0 > rate * (1.0 + 1e-9);
                    let equal = found.0 >= rate * (1.0 - 1e-9) || found.0 == rate;
                    if counts_nodes {
                        found.1 < nodes || found.1 == nodes && more
                    } else {
                        more || equal && found.1 < nodes
                    }
                });
                if is_better {
                    best = Some(found);
                }
            }
        }
        if chosen.len() == packings.most_pipelines() {
            continue;
        }
        for at in next..all.len() {
            let hosts = all[at].hosts();
            if chosen.iter().all(|&other| all[other].hosts().iter().all(|host| !hosts.contains(host))) {
                stack.push((at + 1, chosen.iter().copied().chain([at]).collect()));
            }
        }
    }
    best
}

fn compare(seed: u64, count: usize, shares: bool) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (mut compared, mut several) = (0, 0);
    for number in 0..count {
        let document = draw(&mut rng, shares);
        let Ok(request) = PlanRequest::from_json(&document) else { continue };
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let instance = Instance::new(&request, &|| false).unwrap();
        let answer = plan(&request, &instance, &env).unwrap();
        if all_pipelines(&instance).len() > 700 {
            continue;
        }
        let expected = enumerated(&Packings::new(&request, &instance, &env));
        compared += 1;
        let found = answer.period_s.map(|_| {
            (
                answer.throughput_per_s.unwrap_or(f64::INFINITY),
                answer.pipelines.iter().map(|it| it.stages.len()).sum::<usize>(),
            )
        });
        let is_equal = match (found, expected) {
            (None, None) => answer.status == Status::Infeasible,
            (Some((rate, nodes)), Some((best, fewest))) => {
                let same = rate == best || (rate - best).abs() <= 1e-9 * best;
                same && nodes == fewest && answer.status == Status::Optimal
            }
            _ => false,
        };
        assert!(is_equal, "instance {number}: {found:?} {:?}, expected {expected:?}: {document}", answer.status);
        several += usize::from(answer.pipelines.len() > 1);
    }
    assert!(compared > count / 2 && several > count / 20, "{compared} compared, {several} with several pipelines");
}

/// Runs column generation on instances that are small enough to be enumerated.
fn generate(seed: u64, count: usize, shares: bool) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (mut compared, mut at_optimum, mut proven) = (0, 0, 0);
    for number in 0..count {
        let document = draw(&mut rng, shares);
        let Ok(request) = PlanRequest::from_json(&document) else { continue };
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let instance = Instance::new(&request, &|| false).unwrap();
        if all_pipelines(&instance).len() > 700 {
            continue;
        }
        let packings = Packings::new(&request, &instance, &env);
        let classes = Classes::new(&instance, &|| false).unwrap();
        let effort = Effort { rounds: 4, most_failed: 4 };
        let _: Result<(), crate::stopped::Stopped> = large::search(&packings, &classes, effort);
        let expected = enumerated(&packings);
        let found = packings.best().map(|best| (best.rate_per_s, best.nodes()));
        let Some((best, fewest)) = expected else {
            assert!(found.is_none(), "instance {number}: {document}");
            continue;
        };
        compared += 1;
        at_optimum += usize::from(found.is_some_and(|(rate, nodes)| rate >= best * (1.0 - 1e-9) && nodes == fewest));
        if packings.needed_rate_per_s() > 0.0 {
            let bound = packings.fewest_nodes();
            assert!(bound <= fewest, "instance {number}: bound {bound}, {fewest}: {document}");
            proven += usize::from(bound == fewest);
        } else if let Some(bound) = packings.most_per_s() {
            assert!(bound >= best * (1.0 - 1e-9), "instance {number}: bound {bound}, {best}: {document}");
            proven += usize::from(bound <= best * (1.0 + 1e-9));
        }
    }
    let counts = format!("{compared} compared, {at_optimum} at the optimum, {proven} proven");
    assert!(compared > count / 2 && at_optimum > compared / 2 && proven > compared / 4, "{counts}");
}

/// Draws a cluster of up to nine nodes of a few kinds at places of a square, and a chain that needs several of them.
fn draw_square(rng: &mut Pcg64Mcg) -> Value {
    let (nodes, layers) = (rng.random_range(6..=9_usize), rng.random_range(4..=9_usize));
    let knows_speed = rng.random_bool(0.5);
    let bytes: u64 = rng.random_range(14..40);
    let node = |rng: &mut Pcg64Mcg, at: usize| {
        let mut node = json!({"id": format!("n{at}"), "memory_bytes": bytes + 10 * rng.random_range(0..2_u64),
            "position_m": {"x": f64::from(rng.random_range(0..40_u32)), "y": at}});
        if knows_speed {
            node["flops_per_s"] = json!([1e6, 2e6][rng.random_range(0..2)]);
        }
        node
    };
    let nodes: Vec<Value> = (0..nodes).map(|at| node(rng, at)).collect();
    let layers: Vec<Value> = (0..layers)
        .map(|at| {
            json!({"id": format!("l{at}"), "param_bytes": rng.random_range(4..14_u64),
                "output_bytes": rng.random_range(1..9_u64) * 100_000, "flops": rng.random_range(1..5_u64) * 300_000})
        })
        .collect();
    let edge = |at: usize| json!({"from": format!("l{}", at - 1), "to": format!("l{at}")});
    let edges: Vec<Value> = (1..layers.len()).map(edge).collect();
    let network = match rng.random_bool(0.7) {
        true => json!({"kind": "radio", "bandwidth_hz": 1e6, "snr_at_1m": 283_230.0}),
        false => json!({"kind": "full_mesh", "bandwidth_bps": 5e6}),
    };
    let mut request = json!({
        "model": {"name": "m", "layers": layers, "edges": edges},
        "cluster": {"name": "c", "nodes": nodes, "network": network},
        "cost_model": {"memory": "params"}, "pipelines": {},
    });
    if !knows_speed {
        request["cost_model"]["compute"] = json!("ignore");
    }
    if rng.random_bool(0.2) {
        request["constraints"] = json!({"max_nodes": 5});
    }
    request
}

/// The tables know the optimum of instances that are too large to be enumerated.
#[test]
fn column_generation_agrees_with_the_tables() {
    let mut rng = Pcg64Mcg::seed_from_u64(6);
    let (mut compared, mut at_optimum, mut proven) = (0, 0, 0);
    for number in 0..150 {
        let document = draw_square(&mut rng);
        let Ok(request) = PlanRequest::from_json(&document) else { continue };
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let instance = Instance::new(&request, &|| false).unwrap();
        let exact = Packings::new(&request, &instance, &env);
        super::search(&exact);
        let Some(best) = exact.best().filter(|best| best.rate_per_s.is_finite()) else { continue };
        assert_eq!(exact.most_per_s(), Some(best.rate_per_s));
        let packings = Packings::new(&request, &instance, &env);
        let classes = Classes::new(&instance, &|| false).unwrap();
        let effort = Effort { rounds: 4, most_failed: 4 };
        let _: Result<(), crate::stopped::Stopped> = large::search(&packings, &classes, effort);
        let (found, bound) = (packings.best().unwrap(), packings.most_per_s().unwrap());
        let equal = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b;
        assert!(found.rate_per_s <= best.rate_per_s * (1.0 + 1e-9), "instance {number}: {document}");
        assert!(bound >= best.rate_per_s * (1.0 - 1e-9), "instance {number}: {bound}, {best:?}: {document}");
        compared += 1;
        at_optimum += usize::from(equal(found.rate_per_s, best.rate_per_s));
        proven += usize::from(equal(bound, best.rate_per_s));
        let worth = super::Worth::new(&packings, &|| false).unwrap().unwrap();
        assert!(worth.rate_per_s >= best.rate_per_s * (1.0 - 1e-6) && worth.of_host.iter().all(|it| it.1 >= 0.0));
    }
    let counts = format!("{compared} compared, {at_optimum} at the optimum, {proven} proven");
    assert!(compared > 100 && at_optimum * 10 > compared * 9 && proven * 2 > compared, "{counts}");
}

/// Hosts that nothing distinguishes are counted, so that many of them are as easy as few.
#[test]
fn equal_nodes_are_proven_however_many_they_are() {
    for (count, kinds) in [(20, 1), (200, 1), (60, 2)] {
        let node =
            |at: usize| json!({"id": format!("n{at}"), "memory_bytes": 30, "flops_per_s": 1.0 + (at % kinds) as f64});
        let layer = |at: usize| json!({"id": format!("l{at}"), "param_bytes": 2 + at % 3, "output_bytes": 1 + at % 2, "flops": 1 + at % 4});
        let edge = |at: usize| json!({"from": format!("l{}", at - 1), "to": format!("l{at}")});
        let document = json!({
            "model": {"name": "m", "layers": (0..30).map(layer).collect::<Vec<Value>>(),
                "edges": (1..30).map(edge).collect::<Vec<Value>>()},
            "cluster": {"name": "c", "nodes": (0..count).map(node).collect::<Vec<Value>>(),
                "network": {"kind": "full_mesh", "bandwidth_bps": 4.0}},
            "cost_model": {"memory": "params"}, "pipelines": {},
        });
        let request = PlanRequest::from_json(&document).unwrap();
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let instance = Instance::new(&request, &|| false).unwrap();
        let answer = plan(&request, &instance, &env).unwrap();
        assert_eq!(answer.status, Status::Optimal, "{count} nodes of {kinds} kinds");
        assert!(answer.pipelines.len() > count / 20);
    }
}

#[test]
fn column_generation_never_has_a_wrong_bound() {
    generate(3, 300, false);
}

#[test]
fn column_generation_never_has_a_wrong_bound_where_media_are_shared() {
    generate(4, 300, true);
}

#[test]
fn small_instances_have_the_enumerated_optimum() {
    compare(1, 2_000, false);
}

#[test]
fn small_instances_with_shared_media_have_the_enumerated_optimum() {
    compare(2, 1_000, true);
}

//! Certified instances with few of their cuts: nothing that is claimed may be wrong.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::{closed, plan_among};
use crate::Env;
use crate::bounds::{Bounds, EveryCut, GridBounds, Walks, some_cuts};
use crate::cuts::{Closed, CutCount, Cuts};
use crate::domain::placement::Status;
use crate::domain::request::PlanRequest;
use crate::env::{NeverStop, NoProgress};
use crate::instance::{Instance, weights};
use crate::plan;

/// What the sums of a relaxation may differ by from those of a placement.
const ROUNDING: f64 = 1e-12;

struct Certified {
    name: &'static str,
    request: PlanRequest,
    /// The least period; infinite where there is no placement.
    least_s: f64,
}

/// The name and the text of an instance of the tests.
macro_rules! certified {
    ($name:literal) => {
        ($name, include_str!(concat!("../../tests/instances/", $name, ".json")))
    };
}

const INSTANCES: [(&str, &str); 17] = [
    certified!("asym_n08_0"),
    certified!("asym_n30_3"),
    certified!("edge_n12_0"),
    certified!("edge_n20_0"),
    certified!("hetero_n10_2"),
    certified!("hetero_types_n04_2"),
    certified!("hetero_types_n16_0"),
    certified!("infeasible_n10_0"),
    certified!("infeasible_n50_3"),
    certified!("paper_n14_0"),
    certified!("paper_tight_n05_0"),
    certified!("paper_tight_n16_0"),
    certified!("pinned_n08_1"),
    certified!("pinned_n12_2"),
    certified!("sparse_n04_2"),
    certified!("sparse_n30_0"),
    certified!("synthetic_n10_2"),
];

fn all_certified() -> Vec<Certified> {
    let read = |(name, text): (&'static str, &str)| {
        let certified: Value = serde_json::from_str(text).unwrap();
        let least_s = certified["expected"]["period_s"].as_f64().unwrap_or(f64::INFINITY);
        let request = PlanRequest::from_json(&certified["request"]).unwrap();
        Certified { name, request, least_s }
    };
    INSTANCES.into_iter().map(read).collect()
}

#[test]
fn bounds_from_every_grid_hold_for_all_cuts() {
    for Certified { name, request, least_s } in all_certified() {
        let instance = Instance::new(&request, &|| false).unwrap();
        let latency_of_walks_s = Walks(&instance).least_latency(&|| false).unwrap();
        for most in [0, 1, 2, 3, 5, 8, 13, 50, 1_000] {
            let bounds = GridBounds::new(&instance, &some_cuts::spread(&instance, most));
            let period_s = bounds.least_period(&|| false).unwrap();
            let latency_s = bounds.least_latency(&|| false).unwrap();
            assert!(period_s <= least_s * (1.0 + ROUNDING), "{name}, {most} cuts: {period_s} of {least_s}");
            let most_s = latency_of_walks_s * (1.0 + ROUNDING);
            assert!(latency_s <= most_s, "{name}, {most} cuts: latency {latency_s} of {latency_of_walks_s}");
        }
    }
}

#[test]
fn a_search_among_few_cuts_claims_nothing_false() {
    let (mut placed, mut best) = (0, 0);
    for Certified { name, request, least_s } in all_certified() {
        let instance = Instance::new(&request, &|| false).unwrap();
        for most in [2, 6, 20] {
            let env = Env { seed: 1, threads: 1, stop: &NeverStop, progress: &NoProgress };
            let document = plan_among(&request, &instance, most, &env).unwrap();
            let bound_s = document.lower_bound_s.unwrap_or(0.0);
            assert!(bound_s <= least_s * (1.0 + ROUNDING), "{name}, {most} cuts: bound {bound_s} of {least_s}");
            match document.status {
                Status::Infeasible => assert_eq!(least_s, f64::INFINITY, "{name}, {most} cuts"),
                Status::Unknown => {}
                Status::Optimal | Status::Feasible => {
                    let period_s = document.period_s.unwrap();
                    assert!(period_s >= least_s * (1.0 - ROUNDING), "{name}, {most} cuts: {period_s} of {least_s}");
                    placed += 1;
                    best += usize::from(period_s <= least_s * (1.0 + ROUNDING));
                }
            }
        }
    }
    // Rounds that move closer to the best cuts are worth it: from few cuts many optima are found.
    assert!(placed > 20 && best * 2 > placed, "{best} optima in {placed} placements");
}

/// Two branches between a first and a last layer, with small layers between large ones, on few nodes with few links: a node
/// may be of use for nothing but passing on.
fn branches(seed: u64) -> Value {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut layers = vec![json!({"id": "in", "param_bytes": 0, "output_bytes": 40, "flops": 1})];
    let mut edges = Vec::new();
    let (mut ends, branches) = (Vec::new(), rng.random_range(1..=2));
    for branch in 0..branches {
        let mut before = "in".to_owned();
        for at in 0..rng.random_range(2..=4) {
            let id = format!("l{branch}{at}");
            let small = rng.random_bool(0.5);
            let flops = if small { rng.random_range(0..3) } else { rng.random_range(50..200) };
            let params = if small { 0 } else { rng.random_range(1..40) };
            let output = if small { rng.random_range(1..=10) } else { rng.random_range(5..60) };
            layers.push(json!({"id": id, "param_bytes": params, "output_bytes": output, "flops": flops}));
            edges.push(json!({"from": before, "to": id}));
            before = id;
        }
        ends.push(before);
    }
    layers.push(json!({"id": "out", "param_bytes": 3, "output_bytes": 5, "flops": 1}));
    edges.extend(ends.iter().map(|end| json!({"from": end, "to": "out"})));
    if rng.random_bool(0.2) {
        layers.push(json!({"id": "table", "param_bytes": rng.random_range(1..80), "output_bytes": 20}));
    }
    let nodes = rng.random_range(2..=5);
    let ids: Vec<String> = (0..nodes).map(|node| format!("n{node}")).collect();
    let node = |id: &String, rng: &mut Pcg64Mcg| json!({"id": id, "memory_bytes": rng.random_range(150..600), "flops_per_s": rng.random_range(1..4) * 50});
    let listed: Vec<Value> = ids.iter().map(|id| node(id, &mut rng)).collect();
    let mut links = Vec::new();
    for from in &ids {
        for to in ids.iter().filter(|to| *to != from) {
            if rng.random_bool(0.6) {
                let bandwidth = rng.random_range(1..20) * 40;
                let latency_s = if rng.random_bool(0.3) { 0.25 } else { 0.0 };
                links.push(json!({"from": from, "to": to, "bandwidth_bps": bandwidth, "latency_s": latency_s}));
            }
        }
    }
    let mut constraints = json!({});
    if rng.random_bool(0.5) {
        constraints["source_node"] = json!(ids[0]);
        constraints["sink_node"] = json!(ids[nodes - 1]);
    }
    let overlap = if rng.random_bool(0.3) { "none" } else { "full" };
    let mut cost_model = json!({"overlap": overlap});
    if rng.random_bool(0.3) {
        cost_model["transfers"] = json!("acknowledged");
    }
    let channels = rng.random_range(0..=2);
    for link in links.iter_mut().filter(|_| channels > 0) {
        if rng.random_bool(0.7) {
            link["medium"] = json!(format!("channel-{}", rng.random_range(0..channels)));
        }
    }
    let mut nodes = listed;
    for node in nodes.iter_mut().filter(|_| channels > 0) {
        if rng.random_bool(0.2) {
            node["port_bps"] = json!(rng.random_range(1..20) * 40);
            node["port_duplex"] = json!(if rng.random_bool(0.5) { "half" } else { "full" });
        }
    }
    json!({
        "model": {"name": "branches", "layers": layers, "edges": edges},
        "cluster": {"name": "few", "nodes": nodes, "links": links},
        "constraints": constraints,
        "cost_model": cost_model,
    })
}

/// Of small models, of which all cuts are searched elsewhere: what closed cuts prove, and what is proven of every cut.
#[test]
fn what_is_proven_by_closed_cuts_holds_for_all() {
    let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
    let (mut closed_ones, mut proven) = (0, 0);
    for seed in 0..2_000 {
        let request = PlanRequest::from_json(&branches(seed)).unwrap();
        let best = plan(&request, &env).unwrap();
        let least_s = best.period_s.unwrap_or(f64::INFINITY);
        let (model, weights) = (&request.model, weights(&request));
        let policy = (request.options.cost_model.cuts, [].as_slice());
        let mut some = Cuts::new(model, policy, |layer| weights.work[layer], 0, &|| false).unwrap();
        some.count = CutCount::MoreThan(some.last());
        let whole = Instance::between(&request, some, &|| false).unwrap();
        let bound_s = EveryCut::new(&whole).least_period(&|| false).unwrap();
        assert!(bound_s <= least_s * (1.0 + ROUNDING), "seed {seed}: {bound_s} of {least_s}");
        for at_most in [3, 6, 12] {
            let closed = Closed::new(model, policy, &weights, whole.cuts.count, at_most, &|| false).unwrap();
            let Some(closed) = closed else { continue };
            let most_opened = if seed % 2 == 0 { 2 * at_most } else { 4_095 };
            let document = closed::plan(&request, &whole, (&closed, &weights, most_opened), &env).unwrap();
            closed_ones += 1;
            proven += usize::from(document.status == Status::Optimal);
            let bound_s = document.lower_bound_s.unwrap_or(0.0);
            assert!(bound_s <= least_s * (1.0 + ROUNDING), "seed {seed}, {at_most} cuts: {bound_s} of {least_s}");
            if document.status == Status::Infeasible {
                assert_eq!(best.status, Status::Infeasible, "seed {seed}, {at_most} cuts");
            }
        }
    }
    assert!(closed_ones > 1_000 && proven > 250, "{proven} proven of {closed_ones}");
}

//! The walk bound, the decision at a period, and the whole solve, on real models and clusters of the paper's kind.
//!
//! `cargo bench -p cutpoint-planner`, with a part of a name as a filter: `cargo bench -p cutpoint-planner -- solve/ResNet50`.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cutpoint_planner::bound_and_decision::BoundAndDecision;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::{Env, plan};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

const MIB: u64 = 1024 * 1024;

/// Models with a memory for each node so small that the model needs several.
const MODELS: [(&str, u64); 3] = [("ResNet50", 24), ("InceptionResNetV2", 32), ("MobileNetV2", 6)];

const NODES: [usize; 3] = [20, 50, 500];

/// A model of `examples/models` on nodes uniform in the paper's square, in paper mode.
fn request(model: &str, memory_mib: u64, nodes: usize) -> PlanRequest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../examples/models/{model}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let model: Value = serde_json::from_str(&text).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(nodes as u64);
    let mut place = || rng.random_range(1.0..150.0);
    let node = |number| json!({"id": format!("n{number}"), "memory_bytes": memory_mib * MIB, "position_m": {"x": place(), "y": place()}});
    let nodes: Vec<Value> = (0..nodes).map(node).collect();
    let document = json!({
        "model": model,
        "cluster": {
            "name": "square",
            "nodes": nodes,
            "network": {"kind": "radio", "bandwidth_hz": 1e6, "snr_at_1m": 283_230.0, "latency_s": 0.0}
        },
        "cost_model": {"memory": "params", "io_buffers": 0, "cuts": "single_tensor", "compute": "ignore"}
    });
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()))
}

/// Calls `bench` with each request and its name.
fn each_request(mut bench: impl FnMut(&str, usize, &PlanRequest)) {
    for (model, memory_mib) in MODELS {
        for nodes in NODES {
            bench(model, nodes, &request(model, memory_mib, nodes));
        }
    }
}

fn walk_bound(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk_bound");
    group.sample_size(10);
    each_request(|model, nodes, request| {
        let reduced = BoundAndDecision::new(request).expect("nothing stops the reduction");
        let id = BenchmarkId::new(model, nodes);
        group.bench_with_input(id, &reduced, |bencher, reduced| bencher.iter(|| black_box(reduced.walk_bound_s())));
    });
}

/// At the optimum, where a placement is found, and right below it, where there is none.
fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    group.sample_size(10);
    each_request(|model, nodes, request| {
        let reduced = BoundAndDecision::new(request).expect("nothing stops the reduction");
        let Some(least_s) = solve(request).period_s else { panic!("{model} does not fit {nodes} nodes") };
        for (side, period_s) in [("possible", least_s), ("impossible", least_s.next_down())] {
            let id = BenchmarkId::new(format!("{side}/{model}"), nodes);
            group.bench_with_input(id, &period_s, |bencher, &period_s| {
                bencher.iter(|| black_box(reduced.is_possible(period_s)));
            });
        }
    });
}

fn whole_solve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("solve");
    group.sample_size(10);
    each_request(|model, nodes, request| {
        let id = BenchmarkId::new(model, nodes);
        group.bench_with_input(id, request, |bencher, request| bencher.iter(|| black_box(solve(request))));
    });
}

fn solve(request: &PlanRequest) -> cutpoint_planner::domain::placement::PlacementDocument {
    let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
    let document = plan(request, &env).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(document.status, Status::Optimal);
    document
}

criterion_group!(benches, walk_bound, decision, whole_solve);
criterion_main!(benches);

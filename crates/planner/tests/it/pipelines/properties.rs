//! What holds of answers with several pipelines, whatever is best.

use cutpoint_planner::domain::options::{Objective, PipelineOptions};
use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::explain::{ExplainEnv, explain};
use cutpoint_planner::{Env, plan};
use serde_json::{Value, json};

use super::requests::{Sort, random_packing_request};
use crate::oracle::{StopAfter, planned, planned_in};

fn any_request(seed: u64) -> PlanRequest {
    random_packing_request(seed, if seed.is_multiple_of(2) { Sort::Any } else { Sort::Shared })
}

/// The same request with other pipelines.
fn with(request: &PlanRequest, pipelines: Option<PipelineOptions>) -> PlanRequest {
    let mut changed = request.clone();
    changed.options.pipelines = pipelines;
    changed
}

#[test]
fn one_pipeline_is_what_it_is_without_the_option() {
    for seed in 0..400 {
        let request = any_request(seed);
        let absent = planned(&with(&request, None), "absent");
        let one = planned(&with(&request, Some(PipelineOptions { most: Some(1) })), "one");
        assert_eq!(absent, one, "seed {seed}");
        assert_eq!(absent.throughput_upper_bound_per_s, None, "seed {seed}");
    }
}

#[test]
fn more_pipelines_are_never_worse() {
    let objective = |request: &PlanRequest, document: &PlacementDocument| match request.options.objective {
        Objective::MinNodes { .. } => Some(document.node_count() as f64).filter(|&nodes| nodes > 0.0),
        _ => document.least_period_s(),
    };
    for seed in 0..400 {
        let request = any_request(seed);
        let mut before = None;
        for most in [Some(1), Some(2), Some(3), None] {
            let asked = with(&request, Some(PipelineOptions { most }));
            let document = planned(&asked, &format!("seed {seed}, {most:?}"));
            let value = objective(&asked, &document);
            if let Some(before) = before {
                assert!(value.is_some_and(|it| it <= before * (1.0 + 1e-9)), "seed {seed}: {value:?} after {before}");
            }
            before = value.or(before);
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for seed in 0..300 {
        let request = any_request(seed);
        let of = |threads: usize| {
            let env = Env { seed: 0, threads, stop: &NeverStop, progress: &NoProgress };
            planned_in(&request, &env, &format!("seed {seed}, {threads} threads"))
        };
        let one = of(1);
        if matches!(one.status, Status::Optimal | Status::Infeasible) {
            assert_eq!(one, of(2), "seed {seed}");
        }
    }
}

#[test]
fn explanations_of_random_answers_hold() {
    let (mut upgrades, mut repairs) = (0, 0);
    for seed in 0..60 {
        let request = any_request(seed);
        let document = planned(&request, &format!("seed {seed}"));
        let explanation = explain(&request, &document, &ExplainEnv { threads: 1, slices: &NeverStop })
            .unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        assert_eq!(explanation.pipelines.len(), document.pipelines.len(), "seed {seed}");
        for pipeline in &explanation.pipelines {
            let is_instant = pipeline.rate_per_s.is_none();
            assert!(is_instant || !pipeline.binding.is_empty(), "seed {seed}: {pipeline:?}");
        }
        for upgrade in &explanation.upgrades {
            let [least, gain, most] = [upgrade.gain_at_least, upgrade.gain, upgrade.gain_at_most];
            let in_order = |a: Option<f64>, b: Option<f64>| a.zip(b).is_none_or(|(a, b)| a <= b * (1.0 + 1e-9));
            assert!(in_order(Some(1.0), least) && in_order(least, most), "seed {seed}: {upgrade:?}");
            assert!(in_order(gain, most) && in_order(Some(1.0), gain), "seed {seed}: {upgrade:?}");
        }
        upgrades += explanation.upgrades.len();
        repairs += explanation.repairs.len();
    }
    println!("{upgrades} upgrades, {repairs} repairs");
    assert!(upgrades > 100 && repairs > 5);
}

/// An input, so many layers side by side, and one that joins them.
fn wide_model(wide: usize) -> Value {
    let mut layers = vec![json!({"id": "in", "param_bytes": 0, "output_bytes": 100})];
    let mut edges = Vec::new();
    for layer in 0..wide {
        let id = format!("l{layer}");
        layers.push(json!({"id": id, "param_bytes": 100 + 7 * layer, "output_bytes": 10 + layer, "flops": 1000}));
        edges.extend([json!({"from": "in", "to": id}), json!({"from": id, "to": "out"})]);
    }
    layers.push(json!({"id": "out", "param_bytes": 50, "output_bytes": 10, "flops": 500}));
    json!({"name": "wide", "layers": layers, "edges": edges})
}

#[test]
fn more_cuts_than_a_search_holds_leave_a_bound_that_holds() {
    let nodes: Vec<Value> = (0..6)
        .map(|node| json!({"id": format!("n{node}"), "memory_bytes": 4000, "flops_per_s": 1000.0 + f64::from(node)}))
        .collect();
    let document = json!({
        "model": wide_model(24),
        "cluster": {
            "name": "six", "nodes": nodes, "network": {"kind": "full_mesh", "bandwidth_bps": 1e5}
        },
        "cost_model": {"memory": "params"},
        "pipelines": {}
    });
    let request = PlanRequest::from_json(&document).unwrap();
    let env = Env { seed: 0, threads: 1, stop: &StopAfter::new(500_000), progress: &NoProgress };
    let several = plan(&request, &env).unwrap();
    assert!(several.cuts.unwrap().more || several.cuts.unwrap().considered < several.cuts.unwrap().count);
    // Two nodes hold the model, and all six work without a pause at best: 24,500 operations for a pass.
    let most_per_s = (6.0 * 1000.0 + 15.0) / 24_500.0;
    assert!(several.throughput_per_s.unwrap() <= most_per_s);
    assert!(several.throughput_upper_bound_per_s.unwrap() >= several.throughput_per_s.unwrap());
    let single = planned(&with(&request, None), "one");
    assert!(several.period_s.unwrap() <= single.least_period_s().unwrap() * (1.0 + 1e-9));
}

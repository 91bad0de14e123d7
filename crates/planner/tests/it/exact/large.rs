//! Models with more cuts than a search over all of them holds: they get placements, bounds that hold, and the truth about
//! what was considered.

use cutpoint_planner::Env;
use cutpoint_planner::domain::placement::{Status, Termination, WarningCode};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use serde_json::{Value, json};

use crate::oracle::{StopAfter, planned_in};

const LAYERS: usize = 16_501;

/// A chain whose layers differ in a regular way, on nodes that each hold a part of it.
fn chain(layers: usize, nodes: usize, options: Value) -> PlanRequest {
    let id = |layer: usize| format!("layer-{layer}");
    let layer = |at: usize| {
        json!({ "id": id(at), "param_bytes": 4_000 + 37 * (at % 101), "output_bytes": 1_000 * (1 + at * 7 % 13),
                "flops": 100_000 + 977 * (at % 89) })
    };
    let parts = 8_000 * layers / nodes;
    let node = |at: usize| {
        let slower = 1.0 + (at % 3) as f64 / 10.0;
        json!({ "id": format!("node-{at}"), "memory_bytes": 1_000_000 + 2 * parts, "flops_per_s": 1e9 / slower })
    };
    let mut request = json!({
        "model": {
            "name": "chain",
            "layers": (0..layers).map(layer).collect::<Vec<Value>>(),
            "edges": (1..layers).map(|at| json!({ "from": id(at - 1), "to": id(at) })).collect::<Vec<Value>>(),
        },
        "cluster": {
            "name": "mesh",
            "nodes": (0..nodes).map(node).collect::<Vec<Value>>(),
            "network": { "kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0001 },
        },
    });
    for (name, value) in options.as_object().unwrap() {
        request[name] = value.clone();
    }
    PlanRequest::from_json(&request).unwrap()
}

fn world() -> Env<'static> {
    Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress }
}

#[test]
fn a_chain_that_fits_on_one_node_is_proven_there() {
    let document = planned_in(&chain(LAYERS, 1, json!({})), &world(), "one node");

    assert_eq!((document.status, document.stages().len()), (Status::Optimal, 1));
    assert!(document.warnings.is_empty());
}

#[test]
fn long_chains_get_a_placement_near_a_bound_that_holds_for_all_cuts() {
    for (layers, nodes) in [(LAYERS, 20), (40_000, 12)] {
        let document = planned_in(&chain(layers, nodes, json!({})), &world(), "a long chain");

        assert_eq!(document.status, Status::Feasible);
        assert_eq!(document.termination, Termination::Exhausted);
        assert!(document.gap.unwrap() < 0.02, "{:?}", document.gap);
        let warning = &document.warnings[0];
        assert_eq!(warning.code, WarningCode::CutsLeftOut);
        assert!(warning.detail.contains(&format!("{} cuts", layers - 1)), "{}", warning.detail);
    }
}

#[test]
fn every_objective_and_overlap_answers() {
    let base = json!({ "stages": [ { "node_id": "node-0", "layer_ids": ["layer-0", "layer-1"] } ] });
    for options in [
        json!({ "objective": { "kind": "min_latency" } }),
        json!({ "objective": { "kind": "min_nodes", "target_period_s": 2.0 } }),
        json!({ "objective": { "kind": "tradeoff" } }),
        json!({ "cost_model": { "overlap": "none" } }),
        json!({ "constraints": { "max_latency_s": 3.0 } }),
        json!({ "base": base, "max_period_ratio": 1.1 }),
        json!({ "constraints": { "pins": [ { "layer_id": "layer-9000", "node_id": "node-2" },
                                           { "layer_id": "layer-9001", "node_id": "node-1" } ] } }),
    ] {
        let context = options.to_string();
        let env = Env { stop: &StopAfter::new(20_000), ..world() };
        let document = planned_in(&chain(LAYERS, 4, options), &env, &context);

        assert_eq!(document.status, Status::Feasible, "{context}");
        assert!(document.warnings.iter().any(|warning| warning.code == WarningCode::CutsLeftOut), "{context}");
    }
}

#[test]
fn as_many_pins_as_layers_are_planned() {
    let layers = 30_000;
    let pins: Vec<Value> = (0..layers)
        .map(|at| json!({ "layer_id": format!("layer-{at}"), "node_id": format!("node-{}", at / 10_000) }))
        .collect();
    let document = planned_in(&chain(layers, 3, json!({ "constraints": { "pins": pins } })), &world(), "pins");

    assert_eq!(document.stages().iter().map(|stage| stage.layer_ids.len()).collect::<Vec<_>>(), [10_000; 3]);
}

#[test]
fn as_many_conflicts_as_layers_are_told_up_to_a_thousand() {
    let layers = 30_000;
    let pins: Vec<Value> = (0..layers)
        .map(|at| json!({ "layer_id": format!("layer-{at}"), "node_selector": { "shelf": at.to_string() } }))
        .collect();
    let document = planned_in(&chain(layers, 3, json!({ "constraints": { "pins": pins } })), &world(), "conflicts");

    assert_eq!(document.status, Status::Infeasible);
    assert_eq!(document.reasons.len(), 1_000);
}

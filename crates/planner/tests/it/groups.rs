//! Layers that the profile keeps together: no cut goes through them, under no policy.

use cutpoint_planner::domain::chain::Chain;
use cutpoint_planner::domain::explanation::UpgradeKind;
use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::domain::placement::{PlacementDocument, ReasonCode, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::explain::{ExplainEnv, explain};
use cutpoint_planner::{CutCount, Env, cut_count, plan};
use serde_json::{Value, json};

/// `in` → `a` → `left`, `right` → `b` → `c`, on four nodes of two classes.
fn document(groups: Value) -> Value {
    let layer =
        |id: &str| json!({"id": id, "param_bytes": 100, "output_bytes": 4, "flops": 100, "time_s": {"pi": 1.0}});
    let mut layers = vec![json!({"id": "in", "param_bytes": 0, "output_bytes": 4})];
    layers.extend(["a", "left", "right", "b", "c"].map(layer));
    let edges = [("in", "a"), ("a", "left"), ("a", "right"), ("left", "b"), ("right", "b"), ("b", "c")];
    let edges = edges.map(|(from, to)| json!({"from": from, "to": to}));
    let node =
        |(id, class): (&str, &str)| json!({"id": id, "memory_bytes": 1000, "flops_per_s": 100, "device_class": class});
    let nodes = [("x", "pi"), ("y", "pi"), ("z", "other"), ("v", "other")].map(node);
    json!({
        "model": {"name": "m", "layers": layers, "edges": edges, "groups": groups},
        "cluster": {
            "name": "c", "nodes": nodes,
            "network": {"kind": "full_mesh", "bandwidth_bps": 1e6},
        },
    })
}

fn planned(document: &Value) -> (PlanRequest, PlacementDocument) {
    let request = PlanRequest::from_json(document).unwrap();
    let placement = plan(&request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap();
    (request, placement)
}

#[test]
fn cuts_do_not_go_through_a_group_nor_through_what_lies_between() {
    let counts = |groups: Value| {
        let model = PlanRequest::from_json(&document(groups)).unwrap().model;
        let counts = [CutPolicy::Any, CutPolicy::InOrder, CutPolicy::SingleTensor].map(|policy| {
            let CutCount::Exactly(count) = cut_count(&model, policy) else { panic!("few cuts") };
            count
        });
        let along =
            [CutPolicy::InOrder, CutPolicy::SingleTensor].map(|policy| Chain::new(&model, policy, &[]).blocks() - 1);
        assert_eq!(along, [counts[1], counts[2]]);
        counts
    };
    // Behind a, left, right, both, and b; one tensor crosses behind a and b.
    assert_eq!(counts(json!([])), [5, 4, 2]);
    assert_eq!(counts(json!([{"layer_ids": ["c"]}])), [5, 4, 2]);
    assert_eq!(counts(json!([{"layer_ids": ["a", "right"]}])), [3, 2, 1]);
    // left and right lie between.
    assert_eq!(counts(json!([{"layer_ids": ["a", "b"]}])), [1, 1, 1]);
    assert_eq!(counts(json!([{"layer_ids": ["in", "a"]}, {"layer_ids": ["b", "c"]}])), [4, 3, 1]);
}

#[test]
fn a_fused_kernel_runs_where_it_was_measured_to_be_fast() {
    let (_, apart) = planned(&document(json!([])));
    assert_eq!((apart.status, apart.period_s), (Status::Optimal, Some(2.0)));
    let groups = json!([{"layer_ids": ["a", "left", "right", "b"], "time_s": {"pi": 0.5}}]);
    let (request, fused) = planned(&document(groups));
    assert_eq!((fused.status, fused.period_s), (Status::Optimal, Some(1.0)));
    let stage = &fused.stages()[0];
    assert_eq!((stage.layer_ids.len(), stage.compute_s), (5, 0.5));
    assert!(["x", "y"].contains(&stage.node_id.as_str()));
    // Where the node is twice as fast, so is the kernel: c is what binds.
    let explanation = explain(&request, &fused, &ExplainEnv { threads: 1, slices: &NeverStop }).unwrap();
    let faster = explanation.upgrades.iter().filter(|upgrade| upgrade.kind == UpgradeKind::NodeTwiceAsFast);
    assert!(faster.map(|upgrade| upgrade.gain).all(|gain| gain.is_some()));
}

#[test]
fn a_group_that_is_too_large_is_named() {
    let groups = json!([{"layer_ids": ["a", "left"], "time_s": {"pi": 0.5}}]);
    let mut document = document(groups);
    document["cost_model"] = json!({"memory": "params"});
    for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
        node["memory_bytes"] = json!(199);
    }
    let (_, placement) = planned(&document);
    let reason = &placement.reasons[0];
    assert_eq!(reason.code, ReasonCode::BlockTooLarge);
    assert!(reason.detail.contains("(a group of the profile keeps a, left together)"), "{}", reason.detail);
}

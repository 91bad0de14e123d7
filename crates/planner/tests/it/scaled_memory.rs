//! Stages that take more or less memory than the profile says: figures and reasons name what they take.

use cutpoint_planner::domain::explanation::RepairKind;
use cutpoint_planner::domain::placement::{PlacementDocument, ReasonCode, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::explain::{ExplainEnv, explain};
use cutpoint_planner::{Env, plan};
use serde_json::{Value, json};

/// Two layers of 100 bytes of parameters on two nodes; only parameters count.
fn document(scale: f64, overhead_bytes: u64, memory_bytes: [u64; 2]) -> Value {
    let layer = |id: &str| json!({"id": id, "param_bytes": 100, "output_bytes": 8, "flops": 10});
    let node = |(id, bytes): (&str, u64)| json!({"id": id, "memory_bytes": bytes, "flops_per_s": 10});
    json!({
        "model": {"name": "pair", "layers": [layer("a"), layer("b")], "edges": [{"from": "a", "to": "b"}]},
        "cluster": {
            "name": "two", "nodes": [node(("x", memory_bytes[0])), node(("y", memory_bytes[1]))],
            "network": {"kind": "full_mesh", "bandwidth_bps": 6400},
        },
        "cost_model": {"memory": "params", "memory_scale": scale, "memory_overhead_bytes": overhead_bytes},
    })
}

fn planned(document: &Value) -> (PlanRequest, PlacementDocument) {
    let request = PlanRequest::from_json(document).unwrap();
    let placement = plan(&request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap();
    (request, placement)
}

#[test]
fn a_stage_takes_its_scaled_bytes_and_the_overhead_to_the_byte() {
    let (_, placement) = planned(&document(1.26, 60, [186, 186]));
    assert_eq!(placement.status, Status::Optimal);
    let taken: Vec<u64> = placement.stages().iter().map(|stage| stage.memory_bytes).collect();
    assert_eq!(taken, [186, 186]);
    // A part of a byte counts as a whole one.
    assert_eq!(planned(&document(1.260_001, 60, [186, 186])).1.status, Status::Infeasible);
    assert_eq!(planned(&document(1.26, 61, [186, 186])).1.status, Status::Infeasible);
}

#[test]
fn a_block_that_is_too_large_is_told_as_it_is_taken() {
    let (_, placement) = planned(&document(2.0, 60, [259, 80]));
    let reason = &placement.reasons[0];
    assert_eq!(reason.code, ReasonCode::BlockTooLarge);
    assert_eq!((reason.figures["needed_bytes"], reason.figures["largest_free_bytes"]), (260.0, 259.0));
    // A node that does not even have the overhead holds nothing.
    let mut without_params = document(2.0, 60, [59, 59]);
    for layer in 0..2 {
        without_params["model"]["layers"][layer]["param_bytes"] = json!(0);
        without_params["model"]["layers"][layer]["flops"] = json!(10);
    }
    let (_, placement) = planned(&without_params);
    assert_eq!((placement.status, placement.reasons[0].code), (Status::Infeasible, ReasonCode::BlockTooLarge));
    assert_eq!(placement.reasons[0].figures["needed_bytes"], 60.0);
}

#[test]
fn memory_in_all_is_counted_beside_the_overheads() {
    let mut document = document(2.0, 60, [300, 300]);
    document["constraints"] = json!({"max_stages": 1});
    let (request, placement) = planned(&document);
    let reason = placement.reasons.iter().find(|reason| reason.code == ReasonCode::TotalMemory).unwrap();
    assert_eq!((reason.figures["needed_bytes"], reason.figures["free_bytes"]), (400.0, 240.0));
    assert!(reason.detail.ends_with("together beside the overhead of each stage"), "{}", reason.detail);
    let explanation = explain(&request, &placement, &ExplainEnv { threads: 1, slices: &NeverStop }).unwrap();
    let more = explanation.repairs.iter().find(|repair| repair.kind == RepairKind::MoreMemory).unwrap();
    // Both layers on one node take 2 · 200 + 60 bytes.
    assert_eq!((more.extra_bytes, more.is_least), (Some(160), Some(true)));
}

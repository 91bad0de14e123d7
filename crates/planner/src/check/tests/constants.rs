//! Constants: what a stage holds of them, what they take, and what is shipped of them.

use serde_json::{Value, json};

use super::{Evaluation, StageProposal, evaluated, request_with};
use crate::check::{ViolationCode, evaluate};
use crate::domain::placement::WarningCode;
use crate::domain::request::PlanRequest;

/// `in` → `a` → `b`; `q` → `w` is read by both, `v` by `b` alone, and nobody reads `u`, which `q` leads to as well.
fn model() -> Value {
    let constant = |id: &str, param_bytes: u64, output_bytes: u64| json!({"id": id, "param_bytes": param_bytes, "output_bytes": output_bytes, "state_bytes": 1});
    let mut w = constant("w", 0, 80);
    w["flops"] = json!(1_000_000);
    let edge = |(from, to): (&str, &str)| json!({"from": from, "to": to});
    let edges = [("in", "a"), ("a", "b"), ("q", "w"), ("w", "a"), ("w", "b"), ("v", "b"), ("q", "u")].map(edge);
    json!({
        "name": "constants",
        "layers": [
            constant("q", 20, 20), w, constant("v", 100, 100), constant("u", 5, 200),
            {"id": "in", "param_bytes": 0, "output_bytes": 10},
            {"id": "a", "param_bytes": 2, "output_bytes": 10, "flops": 1000},
            {"id": "b", "param_bytes": 3, "output_bytes": 30, "flops": 1000}
        ],
        "edges": edges
    })
}

fn request(changes: &[(&str, &str, Value)]) -> PlanRequest {
    request_with(&[&[("", "model", model())], changes].concat())
}

const STAGES: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["b"])];

fn held(evaluation: &Evaluation) -> Vec<(String, String)> {
    let joined =
        |stage: &crate::domain::placement::Stage| (stage.layer_ids.join(" "), stage.constant_layer_ids.join(" "));
    evaluation.stages.iter().map(joined).collect()
}

#[test]
fn each_stage_holds_what_leads_to_its_layers_and_the_last_one_what_is_delivered() {
    let evaluation = evaluated(&request(&[]), STAGES);
    assert_eq!(evaluation.violations, []);
    let wanted = [("in a", "q w"), ("b", "q w v u")].map(|(own, constants)| (own.to_owned(), constants.to_owned()));
    assert_eq!(held(&evaluation), wanted);
    // w stands there with 80 bytes, which are more than the 20 of q; v, w and u with 380, more than 20 + 100 + 5.
    let param_bytes: Vec<u64> = evaluation.stages.iter().map(|stage| stage.param_bytes).collect();
    assert_eq!(param_bytes, [2 + 20, 3 + 125]);
    // Stage 0 reads 10 and sends 10 bytes, each with a buffer; stage 1 receives 10 and delivers 30 and the 200 of u.
    let memory_bytes: Vec<u64> = evaluation.stages.iter().map(|stage| stage.memory_bytes).collect();
    assert_eq!(memory_bytes, [2 + 80 + 2 + 20 + 20, 3 + 380 + 4 + 40 + 240]);
    let params = request(&[("", "cost_model", json!({"memory": "params"}))]);
    let memory_bytes: Vec<u64> = evaluated(&params, STAGES).stages.iter().map(|stage| stage.memory_bytes).collect();
    assert_eq!(memory_bytes, [2 + 80 + 2, 3 + 380 + 4]);
    // They take no time and do not travel.
    let compute_s: Vec<f64> = evaluation.stages.iter().map(|stage| stage.compute_s).collect();
    assert_eq!(compute_s, [1.0, 0.5]);
    assert_eq!(evaluation.stages[0].send.as_ref().unwrap().tensor_layer_ids, ["a"]);
    let codes: Vec<WarningCode> = evaluation.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [WarningCode::ConstantsUnread]);
}

#[test]
fn constants_among_the_layers_of_a_stage_count_for_nothing() {
    let request = request(&[]);
    let named: &[(&str, &[&str])] = &[("n1", &["v", "in", "a", "u"]), ("n2", &["b", "v"])];
    assert_eq!(evaluated(&request, named), evaluated(&request, STAGES));
    let proposal =
        |node: &str, layer: &str| StageProposal { node_id: node.to_owned(), layer_ids: vec![layer.to_owned()] };
    let only_constants = [proposal("n3", "q"), proposal("n1", "w")];
    let codes: Vec<ViolationCode> =
        evaluate(&request, &only_constants).violations.iter().map(|violation| violation.code).collect();
    assert!(codes.starts_with(&[ViolationCode::EmptyStage, ViolationCode::EmptyStage]), "{codes:?}");
}

#[test]
fn a_node_gets_each_constant_that_it_does_not_hold() {
    // n2 holds a, and with it q and w; n3 holds b, and with it all constants. What the base says of v is not read.
    let base = json!({"stages": [
        {"node_id": "n2", "layer_ids": ["in", "a", "v"]}, {"node_id": "n3", "layer_ids": ["b"]}
    ]});
    let migration = evaluated(&request(&[("", "base", base)]), STAGES).migration.unwrap();
    let moved: Vec<(&str, Option<&str>, &str)> = migration
        .moved_layers
        .iter()
        .map(|it| (it.layer_id.as_str(), it.from_node_id.as_deref(), it.to_node_id.as_str()))
        .collect();
    let (n2, n3) = (Some("n2"), Some("n3"));
    let wanted = [
        ("in", n2, "n1"),
        ("a", n2, "n1"),
        ("q", n2, "n1"),
        ("w", n2, "n1"),
        ("b", n3, "n2"),
        ("v", n3, "n2"),
        ("u", n3, "n2"),
    ];
    assert_eq!(moved, wanted);
    assert_eq!(migration.shipped_bytes, 2 + 20 + 3 + 100 + 5);
}

#[test]
fn times_are_summed_as_whole_picoseconds() {
    let timed = |seconds: [f64; 2]| {
        let mut model = model();
        for (layer, seconds) in [5, 6].into_iter().zip(seconds) {
            model["layers"][layer]["time_s"] = json!({"pi": seconds});
        }
        let request = request_with(&[("", "model", model), ("/cluster/nodes/0", "device_class", json!("pi"))]);
        evaluated(&request, &[("n1", &["in", "a", "b"])]).period_s.unwrap()
    };
    assert_eq!(timed([0.1, 0.2]), 0.3);
    assert_eq!(timed([0.000_000_000_000_4, 0.2]), 0.2);
    assert_eq!(timed([0.000_000_000_000_6, 0.2]), 0.200_000_000_001);
}

//! Groups of the profile: what a stage with one takes, and stages that split one.

use super::*;
use crate::domain::placement::WarningCode;

/// `a` and `b` as a group, on nodes of the classes `pi` (n1), `jetson` (n2) and none.
fn changes(group: Value) -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("/model", "groups", json!([group])),
        ("/cluster/nodes/0", "device_class", json!("pi")),
        ("/cluster/nodes/1", "device_class", json!("jetson")),
        ("/model/layers/1", "time_s", json!({"pi": 0.5, "jetson": 0.25})),
    ]
}

fn found(group: Value, stages: &[(&str, &[&str])]) -> (Vec<f64>, Vec<ViolationCode>) {
    let evaluation = evaluated(&request_with(&changes(group)), stages);
    let compute = evaluation.stages.iter().map(|stage| stage.compute_s).collect();
    (compute, evaluation.violations.iter().map(|violation| violation.code).collect())
}

#[test]
fn the_time_of_a_group_counts_instead_of_those_of_its_layers() {
    let group = json!({"layer_ids": ["a", "b"], "time_s": {"pi": 0.7}});
    // c on n2 takes 3000 / 2000 s.
    let on_pi: &[(&str, &[&str])] = &[("n1", &["in", "a", "b"]), ("n2", &["c"])];
    assert_eq!(found(group.clone(), on_pi), (vec![0.7, 1.5], vec![]));
    // The class jetson has no time of the group: 0.25 s of a, and 2000 / 2000 s of b. c is alone on n3.
    let on_jetson: &[(&str, &[&str])] = &[("n2", &["in", "b", "a"]), ("n3", &["c"])];
    assert_eq!(found(group, on_jetson), (vec![1.25, 6.0], vec![]));
    // Without any time a group only stays together.
    assert_eq!(found(json!({"layer_ids": ["a", "b"]}), on_pi), (vec![0.5 + 2.0, 1.5], vec![]));
}

#[test]
fn a_stage_that_splits_a_group_is_refused_and_costs_what_its_layers_cost() {
    let group = json!({"layer_ids": ["b", "a"], "time_s": {"pi": 0.7}});
    assert_eq!(found(group.clone(), TWO), (vec![0.5, 2.5], vec![ViolationCode::GroupSplit]));
    let evaluation = evaluated(&request_with(&changes(group)), TWO);
    let violation = &evaluation.violations[0];
    assert_eq!((violation.stage_index, violation.layer_ids.join(" ")), (Some(1), "a b".to_owned()));
    assert_eq!(violation.detail, "the 2 layers of a group of the profile, \"a\" the first, are in the stages 0 and 1");
}

#[test]
fn inputs_may_be_in_a_group_and_constants_in_it_are_ignored() {
    let mut changes = changes(json!({"layer_ids": ["w", "in", "a"], "time_s": {"pi": 0.7}}));
    let mut layers = document()["model"]["layers"].clone();
    let weight = json!({"id": "w", "param_bytes": 7, "output_bytes": 7});
    layers.as_array_mut().unwrap().extend([weight]);
    let mut edges = document()["model"]["edges"].clone();
    edges.as_array_mut().unwrap().extend([json!({"from": "w", "to": "a"}), json!({"from": "w", "to": "c"})]);
    changes.extend([("/model", "layers", layers), ("/model", "edges", edges)]);
    let request = request_with(&changes);
    let evaluation = evaluated(&request, TWO);
    assert_eq!(evaluation.violations, []);
    assert_eq!(evaluation.stages[0].compute_s, 0.7);
    assert_eq!(evaluation.stages[1].constant_layer_ids, ["w"]);
    // A constant that a proposal names in another stage splits nothing.
    let named: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["w", "b", "c"])];
    assert_eq!(evaluated(&request, named).violations, []);
}

#[test]
fn a_group_that_was_measured_makes_its_layers_known() {
    let times = |time_s: Value| {
        let mut changes = changes(json!({"layer_ids": ["a", "b", "c"], "time_s": time_s}));
        changes.push(("/cluster", "nodes", json!([{"id": "n1", "memory_bytes": 1000, "device_class": "pi"}])));
        changes.extend([("/cluster", "links", json!([])), ("", "cost_model", json!({"unknown_compute": "free"}))]);
        let evaluation = evaluated(&request_with(&changes), &[("n1", &["in", "a", "b", "c"])]);
        assert_eq!(evaluation.violations, []);
        (evaluation.period_s, evaluation.warnings.first().map(|warning| warning.code))
    };
    assert_eq!(times(json!({"pi": 2.0})), (Some(2.0), None));
    assert_eq!(times(json!({"jetson": 2.0})), (Some(0.5), Some(WarningCode::ComputePartlyUnknown)));
}

//! Every code of violation is found where it is, and nowhere else.

use super::*;

fn codes(violations: &[Violation]) -> Vec<(ViolationCode, Option<u64>)> {
    violations.iter().map(|violation| (violation.code, violation.stage_index)).collect()
}

fn found(changes: &[(&str, &str, Value)], stages: &[(&str, &[&str])]) -> Vec<(ViolationCode, Option<u64>)> {
    codes(&evaluated(&request_with(changes), stages).violations)
}

/// A link between any two nodes that have none listed.
fn mesh() -> (&'static str, &'static str, Value) {
    ("/cluster", "network", json!({"kind": "full_mesh", "bandwidth_bps": 80.0}))
}

#[test]
fn no_stage() {
    let evaluation = evaluated(&request(), &[]);
    assert_eq!(codes(&evaluation.violations), [(ViolationCode::NoStage, None)]);
    assert_eq!((evaluation.period_s, evaluation.latency_s, evaluation.bottleneck), (None, None, None));
}

#[test]
fn an_empty_stage() {
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["b", "c"]), ("n3", &[])];
    assert_eq!(found(&[], stages), [(ViolationCode::EmptyStage, Some(2))]);
}

#[test]
fn unknown_names() {
    let evaluation = evaluated(&request(), &[("n9", &["in", "a"]), ("n2", &["b", "x", "c", "y"])]);
    let expected = [(ViolationCode::UnknownNode, Some(0)), (ViolationCode::UnknownLayer, Some(1))];
    assert_eq!(codes(&evaluation.violations), expected);
    assert_eq!(evaluation.violations[0].node_ids, ["n9"]);
    assert_eq!(evaluation.violations[1].layer_ids, ["x", "y"]);
    assert_eq!((evaluation.stages.len(), evaluation.period_s), (0, None));
}

#[test]
fn a_missing_layer_leaves_the_other_stages_their_figures() {
    let evaluation = evaluated(&request(), &[("n1", &["in", "a"]), ("n2", &["b"])]);
    assert_eq!(codes(&evaluation.violations), [(ViolationCode::LayerMissing, None)]);
    assert_eq!(evaluation.violations[0].layer_ids, ["c"]);
    assert_eq!(evaluation.stages[0].send.as_ref().unwrap().transfer_s, 0.7);
    assert_eq!((evaluation.period_s, evaluation.latency_s), (None, None));
    assert_eq!(found(&[], &[("n1", &["in", "a", "c"])]), [(ViolationCode::LayerMissing, None)]);
    assert_eq!(found(&[], &[("n1", &["in", "a"]), ("n2", &["c"])]), [(ViolationCode::LayerMissing, None)]);
}

#[test]
fn a_layer_twice() {
    let expected = [(ViolationCode::LayerTwice, Some(1))];
    let evaluation = evaluated(&request(), &[("n1", &["in", "a", "b"]), ("n2", &["b", "c"])]);
    assert_eq!(codes(&evaluation.violations), expected);
    assert_eq!((evaluation.violations[0].layer_ids.join(" ").as_str(), evaluation.period_s), ("b", None));
    assert_eq!(found(&[], &[("n1", &["in", "a"]), ("n2", &["b", "b", "c"])]), expected);
}

#[test]
fn layers_out_of_order() {
    // Within a stage no order is wrong.
    assert_eq!(found(&[], &[("n1", &["a", "in"]), ("n2", &["c", "b"])]), []);
    let between = evaluated(&request_with(&[mesh()]), &[("n1", &["b", "c"]), ("n2", &["in", "a"])]);
    let expected = [(ViolationCode::LayersOutOfOrder, Some(0)), (ViolationCode::CutNotAllowed, Some(1))];
    assert_eq!(codes(&between.violations), expected);
    assert_eq!((&between.violations[0].layer_ids[..], between.period_s), (&["b".to_owned(), "c".to_owned()][..], None));
    let skipping = evaluated(&request(), &[("n1", &["in", "a", "c"]), ("n2", &["b"])]);
    assert_eq!(codes(&skipping.violations), [(ViolationCode::LayersOutOfOrder, Some(0))]);
    assert_eq!(skipping.violations[0].layer_ids, ["c"]);
}

#[test]
fn a_node_used_twice() {
    let stages: &[(&str, &[&str])] = &[("n2", &["in", "a"]), ("n3", &["b"]), ("n2", &["c"])];
    let evaluation = evaluated(&request(), stages);
    assert_eq!(codes(&evaluation.violations), [(ViolationCode::NodeUsedTwice, Some(2))]);
    assert_eq!(evaluation.period_s, None);
}

#[test]
fn nodes_that_host_no_stage() {
    let expected = [(ViolationCode::NodeNotEligible, Some(1))];
    assert_eq!(found(&[("/cluster/nodes/1", "schedulable", json!(false))], TWO), expected);
    assert_eq!(found(&[("", "constraints", json!({"exclude_nodes": ["n2"]}))], TWO), expected);
    let select = ("", "constraints", json!({"node_selector": {"site": "roof"}}));
    let labels = |node, site: &str| (node, "labels", json!({"site": site, "other": "x"}));
    let roof = labels("/cluster/nodes/0", "roof");
    assert_eq!(found(&[select.clone(), roof.clone()], TWO), expected);
    assert_eq!(found(&[select.clone(), roof.clone(), labels("/cluster/nodes/1", "yard")], TWO), expected);
    assert_eq!(found(&[select, roof, labels("/cluster/nodes/1", "roof")], TWO), []);
    // They may still be source or sink.
    let ends = json!({"exclude_nodes": ["n3"], "source_node": "n3", "sink_node": "n3"});
    assert_eq!(found(&[mesh(), ("", "constraints", ends)], TWO), []);
}

#[test]
fn cuts_that_are_not_allowed() {
    let expected = [(ViolationCode::CutNotAllowed, Some(0))];
    assert_eq!(found(&[mesh()], &[("n1", &["in"]), ("n2", &["a", "b", "c"])]), expected);
    let single = ("", "cost_model", json!({"cuts": "single_tensor"}));
    assert_eq!(found(std::slice::from_ref(&single), TWO), []);
    let evaluation = evaluated(&request_with(&[single]), THREE);
    assert_eq!(codes(&evaluation.violations), [(ViolationCode::CutNotAllowed, Some(1))]);
    assert_eq!(evaluation.violations[0].figures["crossing_tensors"], 2.0);
    assert_eq!(evaluation.violations[0].layer_ids, ["a", "b"]);
    assert_eq!(evaluation.period_s, Some(6.0));
}

/// Two branches, `in` → `a` → `c` and `in` → `b` → `d`, and a second input `late` that only `d` reads.
fn branches(cuts: &str) -> PlanRequest {
    let layer = |id: &str, param_bytes: u64| json!({"id": id, "param_bytes": param_bytes, "output_bytes": 10, "flops": param_bytes});
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let layers = [("in", 0), ("a", 1), ("b", 1), ("c", 1), ("late", 0), ("d", 1)].map(|(id, bytes)| layer(id, bytes));
    let edges = [("in", "a"), ("in", "b"), ("a", "c"), ("b", "d"), ("late", "d")].map(|(from, to)| edge(from, to));
    let model = json!({"name": "branches", "layers": layers, "edges": edges});
    request_with(&[("", "model", model), ("", "cost_model", json!({"cuts": cuts}))])
}

#[test]
fn cuts_of_each_policy() {
    let codes_of = |cuts: &str, stages: &[(&str, &[&str])]| codes(&evaluated(&branches(cuts), stages).violations);
    let by_branch: &[(&str, &[&str])] = &[("n1", &["in", "late", "a", "c"]), ("n2", &["b", "d"])];
    let by_order: &[(&str, &[&str])] = &[("n1", &["in", "a", "b"]), ("n2", &["c", "late", "d"])];
    let refused = |stage: u64| [(ViolationCode::CutNotAllowed, Some(stage))];
    assert_eq!(codes_of("any", by_branch), []);
    assert_eq!(codes_of("in_order", by_branch), refused(0));
    // An input that comes late.
    assert_eq!(codes_of("any", by_order), refused(1));
    assert_eq!(codes_of("in_order", by_order), []);
    // Behind the first stage: `in` for b, `late` for d, and the output of c.
    let evaluation = evaluated(&branches("any"), by_branch);
    let sent = evaluation.stages[0].send.as_ref().unwrap();
    assert_eq!((sent.bytes, &sent.tensor_layer_ids[..]), (30, &["in", "c", "late"].map(str::to_owned)[..]));
    let single = evaluated(&branches("single_tensor"), by_branch);
    assert_eq!(codes(&single.violations), refused(0));
    assert_eq!(single.violations[0].figures["crossing_tensors"], 3.0);
    let whole = [("n1", &["d", "c", "b", "a", "late", "in"][..])];
    assert_eq!(codes_of("single_tensor", &whole), []);
}

#[test]
fn memory_exceeded() {
    // Stage 0 needs 250 bytes.
    let with_memory = |bytes: u64| found(&[("/cluster/nodes/0", "memory_bytes", json!(bytes + 100))], TWO);
    assert_eq!(with_memory(250), []);
    assert_eq!(with_memory(249), [(ViolationCode::MemoryExceeded, Some(0))]);
    let evaluation = evaluated(&request_with(&[("/cluster/nodes/0", "memory_bytes", json!(349))]), TWO);
    let figures: Vec<(&str, f64)> =
        evaluation.violations[0].figures.iter().map(|(name, &value)| (name.as_str(), value)).collect();
    assert_eq!(figures, [("memory_bytes", 250.0), ("memory_capacity_bytes", 249.0)]);
    assert_eq!(evaluation.period_s, Some(2.5));
}

#[test]
fn no_link() {
    let evaluation = evaluated(&request(), &[("n2", &["in", "a"]), ("n1", &["b", "c"])]);
    assert_eq!(codes(&evaluation.violations), [(ViolationCode::NoLink, Some(0))]);
    assert_eq!(evaluation.violations[0].node_ids, ["n2", "n1"]);
    assert_eq!((evaluation.stages[0].send.clone(), evaluation.period_s), (None, None));
    let ends = ("", "constraints", json!({"source_node": "n4", "sink_node": "n4"}));
    assert_eq!(found(&[ends], TWO), [(ViolationCode::NoLink, Some(0)), (ViolationCode::NoLink, Some(1))]);
}

#[test]
fn a_broken_pin() {
    let pins = |layer: &str, node: &str| {
        (
            "",
            "constraints",
            json!({"pins": [{"layer_id": "in", "node_id": "n1"}, {"layer_id": layer, "node_id": node}]}),
        )
    };
    assert_eq!(found(&[pins("c", "n2")], TWO), []);
    let evaluation = evaluated(&request_with(&[pins("c", "n1")]), TWO);
    assert_eq!(codes(&evaluation.violations), [(ViolationCode::PinBroken, Some(1))]);
    assert_eq!(
        (&evaluation.violations[0].layer_ids[..], &evaluation.violations[0].node_ids[..]),
        (&["c".to_owned()][..], &["n1".to_owned(), "n2".to_owned()][..])
    );
}

#[test]
fn limits() {
    let constraint = |name: &str, value: Value| ("", "constraints", json!({name: value}));
    assert_eq!(found(&[constraint("max_stages", json!(2))], TWO), []);
    assert_eq!(found(&[constraint("max_stages", json!(1))], TWO), [(ViolationCode::TooManyStages, None)]);
    assert_eq!(found(&[constraint("max_latency_s", json!(4.2))], TWO), []);
    assert_eq!(found(&[constraint("max_latency_s", json!(4.19))], TWO), [(ViolationCode::LatencyExceeded, None)]);
    let period =
        |seconds: f64| [("", "objective", json!({"kind": "min_latency"})), constraint("max_period_s", json!(seconds))];
    assert_eq!(found(&period(2.5), TWO), []);
    assert_eq!(found(&period(2.49), TWO), [(ViolationCode::PeriodExceeded, None)]);
    let target = |seconds: f64| ("", "objective", json!({"kind": "min_nodes", "target_period_s": seconds}));
    assert_eq!(found(&[target(2.5)], TWO), []);
    assert_eq!(found(&[target(2.49)], TWO), [(ViolationCode::TargetPeriodMissed, None)]);
}

#[test]
fn every_violation_comes_at_once() {
    let changes = [
        (
            "",
            "constraints",
            json!({"exclude_nodes": ["n4"], "max_stages": 2, "pins": [{"layer_id": "b", "node_id": "n1"}]}),
        ),
        ("", "cost_model", json!({"cuts": "single_tensor"})),
        ("/cluster/nodes/3", "memory_bytes", json!(1)),
    ];
    let stages: &[(&str, &[&str])] = &[("n9", &["in", "a"]), ("n4", &["b"]), ("n4", &["b", "z"]), ("n1", &[])];
    let mut found: Vec<ViolationCode> = found(&changes, stages).into_iter().map(|(code, _)| code).collect();
    found.sort();
    found.dedup();
    let expected = [
        ViolationCode::EmptyStage,
        ViolationCode::UnknownNode,
        ViolationCode::UnknownLayer,
        ViolationCode::LayerMissing,
        ViolationCode::LayerTwice,
        ViolationCode::NodeUsedTwice,
        ViolationCode::NodeNotEligible,
        ViolationCode::CutNotAllowed,
        ViolationCode::MemoryExceeded,
        ViolationCode::NoLink,
        ViolationCode::PinBroken,
        ViolationCode::TooManyStages,
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_proposal_is_read_with_every_fault() {
    use crate::domain::read::Reader;
    let read = |value: &Value| {
        let mut reader = Reader::new();
        let proposal = StageProposal::read(&mut reader, value);
        reader.finish(proposal)
    };
    assert_eq!(read(&json!({"node_id": "n1", "layer_ids": []})).unwrap().layer_ids, [] as [String; 0]);
    let faults = read(&json!({"node_id": 1, "layer_ids": ["a", null], "index": 0})).unwrap_err();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/index", "/node_id", "/layer_ids/1"]);
}

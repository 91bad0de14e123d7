//! Every rule of cost against figures worked out by hand.

use super::*;
use crate::domain::options::CutPolicy;
use crate::domain::placement::WarningCode;

fn memory(changes: &[(&str, &str, Value)], stages: &[(&str, &[&str])]) -> Vec<u64> {
    evaluated(&request_with(changes), stages).stages.iter().map(|stage| stage.memory_bytes).collect()
}

fn compute(changes: &[(&str, &str, Value)], stages: &[(&str, &[&str])]) -> Vec<f64> {
    evaluated(&request_with(changes), stages).stages.iter().map(|stage| stage.compute_s).collect()
}

/// Seconds of each stage's send, 0 without one.
fn sends(evaluation: &Evaluation) -> Vec<f64> {
    evaluation.stages.iter().map(|stage| stage.send.as_ref().map_or(0.0, |send| send.transfer_s)).collect()
}

fn bottleneck(evaluation: &Evaluation) -> (BottleneckKind, u64) {
    let bottleneck = evaluation.bottleneck.clone().unwrap();
    (bottleneck.kind, bottleneck.stage_index)
}

#[test]
fn a_whole_evaluation() {
    let evaluation = evaluated(&request(), TWO);
    assert_eq!(evaluation.violations, []);
    assert_eq!(evaluation.warnings, []);
    let expected = json!({
        // 1000 / 1000 s, the hop of 8 · 20 / 800 + 0.5 s, 5000 / 2000 s
        "period_s": 2.5, "throughput_per_s": 0.4, "inferences_per_s": 0.4, "latency_s": 4.2,
        "stages": [
            {"index": 0, "node_id": "n1", "layer_ids": ["in", "a"], "param_bytes": 10,
             // 10 + 120 + (100 + 20)
             "memory_bytes": 250, "memory_capacity_bytes": 900, "compute_s": 1.0,
             "send": {"to_node_id": "n2", "tensor_layer_ids": ["a"], "bytes": 20, "transfer_s": 0.7}},
            {"index": 1, "node_id": "n2", "layer_ids": ["b", "c"], "param_bytes": 50,
             // 50 + 5 + 90 + (20 + 40)
             "memory_bytes": 205, "memory_capacity_bytes": 1000, "compute_s": 2.5,
             "receive": {"from_node_id": "n1", "tensor_layer_ids": ["a"], "bytes": 20, "transfer_s": 0.7}}
        ],
        "bottleneck": {"kind": "stage", "stage_index": 1},
        "warnings": [], "violations": []
    });
    assert_eq!(serde_json::to_value(&evaluation).unwrap(), expected);
}

#[test]
fn all_crossing_tensors_travel_also_those_that_are_relayed() {
    let evaluation = evaluated(&request(), THREE);
    let send = evaluation.stages[1].send.as_ref().unwrap();
    assert_eq!((send.tensor_layer_ids.join(" ").as_str(), send.bytes), ("a b", 50));
    let receive = evaluation.stages[2].receive.as_ref().unwrap();
    assert_eq!((&receive.tensor_layer_ids, receive.bytes), (&send.tensor_layer_ids, 50));
    // 8 · 50 / 400 s; the slowest stage is c: 3000 / 500 s
    assert_eq!(sends(&evaluation), [0.7, 1.0, 0.0]);
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(6.0), (BottleneckKind::Stage, 2)));
}

#[test]
fn a_model_output_made_early_is_carried_to_the_end() {
    let edges = json!([{"from": "in", "to": "a"}, {"from": "a", "to": "b"}, {"from": "in", "to": "c"}]);
    let request = request_with(&[
        ("/model", "edges", edges),
        ("", "constraints", json!({"sink_node": "n2"})),
        ("/cluster", "network", json!({"kind": "full_mesh", "bandwidth_bps": 8.0})),
    ]);
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["b"]), ("n3", &["c"])];
    let evaluation = evaluated(&request, stages);
    let sent = |stage: &Stage| stage.send.as_ref().map(|send| (send.tensor_layer_ids.join(" "), send.bytes)).unwrap();
    let sent: Vec<(String, u64)> = evaluation.stages.iter().map(sent).collect();
    assert_eq!(sent, [("in a".to_owned(), 120), ("in b".to_owned(), 130), ("b c".to_owned(), 70)]);
    // in: 100; a: 100 + 20; b: 20 + 30; c: 100 + 40, with the boundaries on both sides
    let memory =
        |request| evaluated(request, stages).stages.iter().map(|stage| stage.memory_bytes).collect::<Vec<u64>>();
    assert_eq!(memory(&request), [10 + 120 + 100 + 120, 20 + 5 + 50 + 120 + 130, 30 + 140 + 130 + 70]);
    // In the order of the profile, `in` waits for c while b runs, and b is kept while c runs.
    let mut in_order = request.clone();
    in_order.options.cost_model.cuts = CutPolicy::InOrder;
    assert_eq!(memory(&in_order), [10 + 120 + 100 + 120, 20 + 5 + 150 + 120 + 130, 30 + 170 + 130 + 70]);
}

#[test]
fn in_the_order_of_the_profile_inputs_in_the_middle_arrive_at_the_first_stage() {
    let edges = json!([{"from": "a", "to": "b"}, {"from": "b", "to": "c"}, {"from": "in", "to": "c"}]);
    let mut document = document();
    document["model"]["edges"] = edges;
    document["model"]["layers"].as_array_mut().unwrap().swap(0, 1);
    document["constraints"] = json!({"source_node": "n2"});
    document["cost_model"] = json!({"cuts": "in_order"});
    document["cluster"]["network"] = json!({"kind": "full_mesh", "bandwidth_bps": 8.0});
    let request = PlanRequest::from_json(&document).unwrap();
    // The order is a, in, b, c: the first layer works, so a cut behind it is allowed.
    let evaluation = evaluated(&request, &[("n1", &["a"]), ("n2", &["in", "b", "c"])]);
    assert_eq!(evaluation.violations, []);
    assert_eq!(evaluation.stages[0].receive.as_ref().unwrap().bytes, 100);
    assert_eq!(evaluation.stages[0].send.as_ref().unwrap().bytes, 20);
}

#[test]
fn memory_models_and_buffers() {
    let cost_model = |text: Value| ("", "cost_model", text);
    assert_eq!(memory(&[cost_model(json!({"memory": "params"}))], TWO), [10, 55]);
    assert_eq!(memory(&[cost_model(json!({"memory": "params", "io_buffers": 3}))], TWO), [10, 55]);
    assert_eq!(memory(&[cost_model(json!({"io_buffers": 0}))], TWO), [130, 145]);
    assert_eq!(memory(&[cost_model(json!({"io_buffers": 2}))], TWO), [130 + 240, 145 + 120]);
    assert_eq!(memory(&[cost_model(json!({"overlap": "none"}))], TWO), [130, 145]);
    // The wire's scale changes no byte in memory.
    assert_eq!(memory(&[cost_model(json!({"transfer_scale": 0.5}))], TWO), [250, 205]);
    // 1.1 · 250 is a whole number, 1.1 · 205 is 225.5.
    let scaled = json!({"memory_scale": 1.1, "memory_overhead_bytes": 60});
    assert_eq!(memory(&[cost_model(scaled)], TWO), [275 + 60, 226 + 60]);
    let scaled = json!({"memory": "params", "memory_scale": 0.3, "memory_overhead_bytes": 7});
    assert_eq!(memory(&[cost_model(scaled)], TWO), [3 + 7, 17 + 7]);
}

#[test]
fn activation_bytes_of_the_profile_win() {
    let io_buffers = ("", "cost_model", json!({"io_buffers": 0}));
    assert_eq!(memory(&[("/model/layers/1", "activation_bytes", json!(7)), io_buffers.clone()], TWO)[0], 110);
    assert_eq!(memory(&[("/model/layers/1", "activation_bytes", json!(700)), io_buffers], TWO)[0], 710);
}

#[test]
fn measured_times_win_over_operations() {
    let class = ("/cluster/nodes/0", "device_class", json!("pi"));
    let measured = ("/model/layers/1", "time_s", json!({"pi": 0.25, "jetson": 9.0}));
    assert_eq!(compute(&[], TWO), [1.0, 2.5]);
    assert_eq!(compute(&[class.clone(), measured.clone()], TWO), [0.25, 2.5]);
    // A layer without a time of the class falls back to its operations.
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a", "b", "c"])];
    assert_eq!(compute(&[class.clone(), measured.clone()], stages), [5.25]);
    assert_eq!(compute(&[class, measured, ("", "cost_model", json!({"compute": "ignore"}))], TWO), [0.0, 0.0]);
}

#[test]
fn compute_of_which_nothing_is_known_is_zero_with_a_warning() {
    let nodes = json!([{"id": "n1", "memory_bytes": 1000, "device_class": "pi"}]);
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a", "b", "c"])];
    let found = |changes: &[(&str, &str, Value)]| {
        let mut changes = changes.to_vec();
        changes.extend([("/cluster", "nodes", nodes.clone()), ("/cluster", "links", json!([]))]);
        if !changes.iter().any(|(_, field, _)| *field == "cost_model") {
            changes.push(("", "cost_model", json!({"unknown_compute": "free"})));
        }
        let evaluation = evaluated(&request_with(&changes), stages);
        assert_eq!(evaluation.violations, []);
        (evaluation.period_s, evaluation.warnings.first().map(|warning| warning.code))
    };
    let time = |layer, seconds: f64| (layer, "time_s", json!({"pi": seconds}));
    assert_eq!(found(&[]), (Some(0.0), Some(WarningCode::ComputeUnknown)));
    assert_eq!(found(&[time("/model/layers/1", 0.5)]), (Some(0.5), Some(WarningCode::ComputePartlyUnknown)));
    // What other devices were measured for takes time, also without operations.
    let other = [("/model/layers/1", "flops", json!(0)), ("/model/layers/1", "time_s", json!({"other": 0.5}))];
    let without = [time("/model/layers/2", 1.0), time("/model/layers/3", 1.0)];
    assert_eq!(found(&[other.as_slice(), &without].concat()), (Some(2.0), Some(WarningCode::ComputePartlyUnknown)));
    // The input layer has no work: no time of it is missed.
    let all = [time("/model/layers/1", 0.5), time("/model/layers/2", 1.0), time("/model/layers/3", 1.0)];
    assert_eq!(found(&all), (Some(2.5), None));
    assert_eq!(found(&[("", "cost_model", json!({"compute": "ignore"}))]), (Some(0.0), None));
}

#[test]
fn a_pass_of_a_batch_makes_as_many_inferences() {
    let evaluation = evaluated(&request_with(&[("/model", "batch_size", json!(8))]), TWO);
    // The profile is for the whole batch, so that times and passes stay.
    assert_eq!(
        (evaluation.period_s, evaluation.throughput_per_s, evaluation.latency_s),
        (Some(2.5), Some(0.4), Some(4.2))
    );
    assert_eq!(evaluation.inferences_per_s, Some(3.2));
}

#[test]
fn a_period_of_zero_has_no_throughput() {
    let evaluation = evaluated(
        &request_with(&[("", "cost_model", json!({"compute": "ignore"}))]),
        &[("n1", &["in", "a", "b", "c"])],
    );
    assert_eq!((evaluation.period_s, evaluation.throughput_per_s, evaluation.latency_s), (Some(0.0), None, Some(0.0)));
    assert_eq!(evaluation.inferences_per_s, None);
}

#[test]
fn layers_without_edges_are_told() {
    let codes = |edges: Value| {
        let warnings =
            evaluated(&request_with(&[("/model", "edges", edges)]), &[("n1", &["in", "a", "b", "c"])]).warnings;
        warnings.into_iter().map(|warning| (warning.code, warning.detail)).collect::<Vec<_>>()
    };
    let none = codes(json!([]));
    assert_eq!(none.len(), 1, "{none:?}");
    assert_eq!(none[0].0, WarningCode::LayersUnconnected);
    assert!(none[0].1.contains("none of the 4 layers"), "{none:?}");
    let some = codes(json!([{"from": "in", "to": "a"}]));
    assert!(some[0].1.contains("2 layers without an edge, \"b\" the first, of 4 in all"), "{some:?}");
}

#[test]
fn the_wire_carries_scaled_bytes() {
    let evaluation = evaluated(&request_with(&[("", "cost_model", json!({"transfer_scale": 0.5}))]), TWO);
    let send = evaluation.stages[0].send.as_ref().unwrap();
    // 8 · (20 · 0.5) / 800 + 0.5
    assert_eq!((send.bytes, send.transfer_s), (20, 0.6));
}

#[test]
fn a_listed_link_wins_over_every_network() {
    let mesh = json!({"kind": "full_mesh", "bandwidth_bps": 80.0, "latency_s": 1.0});
    let request = request_with(&[("/cluster", "network", mesh)]);
    // n1 → n2 is listed, n2 → n4 is not: 8 · 50 / 80 + 1 s
    let evaluation = evaluated(&request, &[("n1", &["in", "a"]), ("n2", &["b"]), ("n4", &["c"])]);
    assert_eq!(sends(&evaluation), [0.7, 6.0, 0.0]);
    // n2 → n1 is not listed: only n1 → n2 is.
    let evaluation = evaluated(&request, &[("n2", &["in", "a"]), ("n1", &["b", "c"])]);
    assert_eq!(sends(&evaluation), [3.0, 0.0]);
    // n3 → n2 is the way back of n2 → n3: 8 · 20 / 400 s
    let evaluation = evaluated(&request, &[("n3", &["in", "a"]), ("n2", &["b", "c"])]);
    assert_eq!(sends(&evaluation), [0.4, 0.0]);
}

#[test]
fn a_radio_network_gives_bandwidth_by_distance() {
    let mut document = document();
    for (index, (x, y)) in [(0.0, 0.0), (3.0, 4.0), (6.0, 8.0), (1e9, 1e9)].into_iter().enumerate() {
        document["cluster"]["nodes"][index]["position_m"] = json!({"x": x, "y": y});
    }
    document["cluster"]["links"] = json!([]);
    document["cluster"]["network"] =
        json!({"kind": "radio", "bandwidth_hz": 20.0, "snr_at_1m": 75.0, "latency_s": 0.25});
    let request = PlanRequest::from_json(&document).unwrap();
    // 5 m: 20 · log2(1 + 75 / 25) = 40 bit/s; 8 · 20 / 40 + 0.25 s
    let evaluation = evaluated(&request, TWO);
    assert_eq!(sends(&evaluation), [4.25, 0.0]);
    // So far away that no bit arrives.
    let evaluation = evaluated(&request, &[("n1", &["in", "a"]), ("n4", &["b", "c"])]);
    assert_eq!(evaluation.violations[0].code, ViolationCode::NoLink);
}

#[test]
fn a_matrix_gives_bandwidth_by_row_and_column_and_zero_is_no_path() {
    let matrix = json!({"kind": "matrix", "node_ids": ["n3", "n1"], "latency_s": 0.125,
                        "bandwidth_bps": [[0, 320.0], [0, 0]]});
    let request = request_with(&[("/cluster", "network", matrix), ("/cluster", "links", json!([]))]);
    let evaluation = evaluated(&request, &[("n3", &["in", "a"]), ("n1", &["b", "c"])]);
    assert_eq!(sends(&evaluation), [0.625, 0.0]);
    for pair in [["n1", "n3"], ["n1", "n2"], ["n2", "n1"]] {
        let evaluation = evaluated(&request, &[(pair[0], &["in", "a"]), (pair[1], &["b", "c"])]);
        assert_eq!(evaluation.violations[0].code, ViolationCode::NoLink, "{pair:?}");
    }
}

#[test]
fn the_input_comes_from_the_source_and_the_output_goes_to_the_sink() {
    let mesh = ("/cluster", "network", json!({"kind": "full_mesh", "bandwidth_bps": 80.0}));
    let ends = ("", "constraints", json!({"source_node": "n3", "sink_node": "n4"}));
    let evaluation = evaluated(&request_with(&[mesh.clone(), ends]), TWO);
    let receive = evaluation.stages[0].receive.as_ref().unwrap();
    assert_eq!((receive.from_node_id.as_str(), receive.bytes, receive.transfer_s), ("n3", 100, 10.0));
    assert_eq!(receive.tensor_layer_ids, ["in"]);
    let send = evaluation.stages[1].send.as_ref().unwrap();
    assert_eq!((send.to_node_id.as_str(), send.tensor_layer_ids.join(" ").as_str(), send.transfer_s), ("n4", "c", 4.0));
    // 10 + 1 + 0.7 + 2.5 + 4 s
    assert_eq!((evaluation.period_s, evaluation.latency_s), (Some(10.0), Some(18.2)));
    assert_eq!(bottleneck(&evaluation), (BottleneckKind::Source, 0));
    // The same nodes: nothing travels.
    let ends = ("", "constraints", json!({"source_node": "n1", "sink_node": "n2"}));
    let evaluation = evaluated(&request_with(&[mesh, ends]), TWO);
    assert_eq!((evaluation.stages[0].receive.clone(), evaluation.stages[1].send.clone()), (None, None));
    assert_eq!(evaluation.latency_s, Some(4.2));
}

#[test]
fn a_hop_or_the_way_to_the_sink_may_set_the_pace() {
    let no_compute = ("", "cost_model", json!({"compute": "ignore"}));
    let evaluation = evaluated(&request_with(std::slice::from_ref(&no_compute)), THREE);
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(1.0), (BottleneckKind::Hop, 1)));
    let sink = ("", "constraints", json!({"sink_node": "n2"}));
    let evaluation = evaluated(&request_with(&[no_compute, sink]), &[("n3", &["in", "a", "b", "c"])]);
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(0.8), (BottleneckKind::Sink, 0)));
}

#[test]
fn without_overlap_a_node_does_one_thing_at_a_time() {
    let none = ("", "cost_model", json!({"overlap": "none"}));
    let evaluation = evaluated(&request_with(std::slice::from_ref(&none)), THREE);
    // n1: 1 + 0.7; n2: 0.7 + 1 + 1; n3: 1 + 6
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(7.0), (BottleneckKind::Node, 2)));
    assert_eq!(evaluation.latency_s, Some(1.0 + 0.7 + 1.0 + 1.0 + 6.0));
}

#[test]
fn without_overlap_the_ends_count_their_own_transfers() {
    let changes = |source: &str, sink: &str| {
        let mesh = json!({"kind": "full_mesh", "bandwidth_bps": 100.0});
        [
            ("", "cost_model", json!({"overlap": "none"})),
            ("", "constraints", json!({"source_node": source, "sink_node": sink})),
            ("/cluster", "network", mesh),
        ]
    };
    // The input takes 8 s, the output 3.2 s. n1: 8 + 1 + 0.7, n2: 0.7 + 2.5 + 3.2, n3: 8, n4: 3.2
    let evaluation = evaluated(&request_with(&changes("n3", "n4")), TWO);
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(9.7), (BottleneckKind::Node, 0)));
    // n4 is both ends and hosts no stage: 8 + 3.2
    let evaluation = evaluated(&request_with(&changes("n4", "n4")), TWO);
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(11.2), (BottleneckKind::Source, 0)));
    // n2 sends the input, runs the second stage and sends the output: 8 + 0.7 + 2.5 + 3.2
    let evaluation = evaluated(&request_with(&changes("n2", "n4")), TWO);
    assert_eq!((evaluation.period_s, bottleneck(&evaluation)), (Some(14.4), (BottleneckKind::Node, 1)));
    // n1 runs the first stage and takes the output: 8 + 1 + 0.7 + 3.2
    let evaluation = evaluated(&request_with(&changes("n3", "n1")), TWO);
    assert!((evaluation.period_s.unwrap() - 12.9).abs() < 1e-12);
    assert_eq!(bottleneck(&evaluation), (BottleneckKind::Node, 0));
}

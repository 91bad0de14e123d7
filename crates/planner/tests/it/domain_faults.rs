//! Every kind of fault at every place of a request: the document is good but for one change, and the answer names
//! the change's place and kind, and nothing else.

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::FaultCode::{self, *};
use cutpoint_planner::domain::hash::content_hash;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::{
    Algorithm, ComputeModel, CutPolicy, MemoryModel, Objective, Overlap, Transfers, UnknownCompute,
};
use cutpoint_planner::domain::read::MAX_FAULTS;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

const UNSAFE: u64 = 1 << 53;

/// A request that gives every field.
fn document() -> Value {
    json!({
        "model": {
            "name": "m", "description": "d", "batch_size": 2,
            "layers": [
                {"id": "a", "op": "Input", "param_bytes": 0, "output_bytes": 10},
                {"id": "b", "op": "Dense", "param_bytes": 5, "output_bytes": 20, "flops": 7, "activation_bytes": 9,
                 "state_bytes": 1, "time_s": {"pi": 0.5}},
                {"id": "c", "param_bytes": 5, "output_bytes": 20}
            ],
            "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}],
            "groups": [{"layer_ids": ["b"], "time_s": {"pi": 0.25}}, {"layer_ids": ["c"]}]
        },
        "cluster": {
            "name": "c", "description": "d",
            "nodes": [
                {"id": "x", "memory_bytes": 100, "reserved_bytes": 10, "flops_per_s": 1e9, "device_class": "pi",
                 "labels": {"site": "roof"}, "schedulable": true, "position_m": {"x": 0, "y": 1},
                 "port_bps": 1e9, "port_duplex": "half"},
                {"id": "y", "memory_bytes": 100, "position_m": {"x": 2.5, "y": 1}},
                {"id": "z", "memory_bytes": 100, "position_m": {"x": 2.5, "y": 2}}
            ],
            "links": [
                {"from": "x", "to": "y", "bandwidth_bps": 1e6, "latency_s": 0.1, "bidirectional": true,
                 "medium": "air"},
                {"from": "y", "to": "z", "bandwidth_bps": 1e6}
            ],
            "network": {"kind": "full_mesh", "bandwidth_bps": 1e6, "latency_s": 0.1, "medium": "sea"}
        },
        "objective": {"kind": "min_nodes", "target_period_s": 1.0},
        "constraints": {
            "source_node": "x", "sink_node": "y", "exclude_nodes": ["z"], "node_selector": {"site": "roof"},
            "pins": [{"layer_id": "a", "node_id": "x"}, {"layer_id": "b", "node_id": "x"},
                     {"layer_id": "b", "node_selector": {"site": "roof"}}],
            "colocate": [{"layer_ids": ["a", "b"]}],
            "max_stages": 2, "max_nodes": 3, "max_latency_s": 1.5
        },
        "cost_model": {"memory": "params", "io_buffers": 2, "cuts": "single_tensor", "overlap": "none",
                       "compute": "ignore", "unknown_compute": "free", "transfer_scale": 0.5, "memory_scale": 2.5, "memory_overhead_bytes": 60,
                       "transfers": "acknowledged"},
        "solver": {"algorithm": "greedy", "time_limit_s": 3, "gap": 0.1, "seed": 4, "tolerance": 0.02},
        "occupants": [
            {"id": "o", "rate_per_s": 2.0, "period_s": 0.5,
             "nodes": [{"node_id": "x", "memory_bytes": 5, "compute_s": 0.1}],
             "hops": [{"from_node_id": "x", "to_node_id": "y", "transfer_s": 0.2}],
             "media": [{"id": "air", "occupied_s": 0.3}]},
            {"id": "p", "rate_per_s": 1.0, "period_s": 1.0, "nodes": [], "hops": []}
        ],
        "pipelines": {"most": 1},
        "labels": {"team": "vision"}
    })
}

fn found(document: &Value) -> Vec<(String, FaultCode)> {
    match PlanRequest::from_json(document) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect(),
    }
}

/// The good document with a value set at a pointer; the last step may be new.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = document();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        parent => parent[last.replace("~1", "/").replace("~0", "~")] = value,
    }
    document
}

fn without(pointer: &str) -> Value {
    let mut document = document();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(last).unwrap();
    document
}

/// Each change gives exactly one fault, at its own place.
fn assert_each(code: FaultCode, changes: &[(&str, Value)]) {
    for (pointer, value) in changes {
        let changed = with(pointer, value.clone());
        assert_eq!(found(&changed), [((*pointer).to_owned(), code)], "{pointer} set to {value}");
    }
}

#[test]
fn the_whole_document_is_good_and_read_as_it_stands() {
    assert_eq!(found(&document()), []);
    let request = PlanRequest::from_json(&document()).unwrap();
    let written = serde_json::to_value(&request).unwrap();
    let mut expected = document();
    expected.as_object_mut().unwrap().remove("labels");
    for (pointer, field, value) in [
        ("/model/layers/0", "flops", json!(0)),
        ("/model/layers/0", "state_bytes", json!(0)),
        ("/model/layers/2", "flops", json!(0)),
        ("/model/layers/2", "state_bytes", json!(0)),
        ("/cluster/nodes/0", "position_m", json!({"x": 0.0, "y": 1.0})),
        ("/cluster/nodes/1", "position_m", json!({"x": 2.5, "y": 1.0})),
        ("/cluster/nodes/2", "position_m", json!({"x": 2.5, "y": 2.0})),
        ("/cluster/nodes/1", "reserved_bytes", json!(0)),
        ("/cluster/nodes/2", "reserved_bytes", json!(0)),
        ("/cluster/nodes/1", "schedulable", json!(true)),
        ("/cluster/nodes/2", "schedulable", json!(true)),
        ("/cluster/links/1", "latency_s", json!(0.0)),
        ("/cluster/links/1", "bidirectional", json!(false)),
        ("/solver", "time_limit_s", json!(3.0)),
    ] {
        expected.pointer_mut(pointer).unwrap()[field] = value;
    }
    assert_eq!(written, expected);
}

#[test]
fn faults_of_layers_and_nodes_name_them() {
    let radio = json!({"kind": "radio", "bandwidth_hz": 1e6, "snr_at_1m": 1e5});
    let mut lost = with("/cluster/network", radio);
    lost["cluster"]["nodes"][1].as_object_mut().unwrap().remove("position_m");
    let mut nested = with("/cluster/nodes/2/position_m/x", json!("east"));
    nested["cluster"]["nodes"][2]["id"] = json!("site/z~1");
    let layer = |id: &str| (Some(id.to_owned()), None);
    let node = |id: &str| (None, Some(id.to_owned()));
    let cases = [
        (with("/model/layers/1/flops", json!(-1)), layer("b")),
        (with("/model/layers/1/time_s/pi", json!("soon")), layer("b")),
        (with("/model/layers/2/colour", json!("red")), layer("c")),
        (without("/model/layers/2/param_bytes"), layer("c")),
        (with("/model/layers/2/id", json!("a")), layer("a")),
        (with("/cluster/nodes/0/reserved_bytes", json!(101)), node("x")),
        (with("/cluster/nodes/0/labels/site", json!(1)), node("x")),
        (with("/cluster/nodes/2/id", json!("y")), node("y")),
        (nested, node("site/z~1")),
        (lost, node("y")),
        // What has no id, or one that cannot be, has no name.
        (without("/model/layers/2/id"), (None, None)),
        (with("/model/layers/2/id", json!("x".repeat(257))), (None, None)),
        (with("/cluster/nodes/2/id", json!("")), (None, None)),
        // Nor has what is no part of a layer or a node.
        (with("/model/edges/1/to", json!("nowhere")), (None, None)),
        (with("/cluster/links/1/bandwidth_bps", json!(0)), (None, None)),
    ];
    for (document, named) in cases {
        let faults = PlanRequest::from_json(&document).unwrap_err();
        let fault = &faults[0];
        assert_eq!((fault.layer_id.clone(), fault.node_id.clone()), named, "{fault:?}");
        let written = serde_json::to_value(fault).unwrap();
        assert_eq!(
            (written.get("layer_id").is_some(), written.get("node_id").is_some()),
            (named.0.is_some(), named.1.is_some())
        );
    }
    let said = PlanRequest::from_json(&with("/model/layers/1/flops", json!(-1))).unwrap_err()[0].to_string();
    assert!(said.starts_with("/model/layers/1/flops (layer \"b\"): -1 is not allowed here. Give "), "{said}");
}

#[test]
fn what_is_absent_has_its_default() {
    let mut document = document();
    for field in ["objective", "constraints", "cost_model", "solver", "labels"] {
        document.as_object_mut().unwrap().remove(field);
    }
    for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
        node["flops_per_s"] = json!(1);
    }
    let options = PlanRequest::from_json(&document).unwrap().options;
    assert_eq!(options.objective, Objective::MaxThroughput);
    assert_eq!((options.cost_model.memory, options.cost_model.io_buffers), (MemoryModel::ParamsAndActivations, 1));
    assert_eq!((options.cost_model.cuts, options.cost_model.overlap), (CutPolicy::Any, Overlap::Full));
    assert_eq!((options.cost_model.compute, options.cost_model.transfer_scale), (ComputeModel::Profile, 1.0));
    assert_eq!(options.cost_model.unknown_compute, UnknownCompute::Refuse);
    assert_eq!((options.cost_model.memory_scale, options.cost_model.memory_overhead_bytes), (1.0, 0));
    assert_eq!(options.cost_model.transfers, Transfers::Streamed);
    assert_eq!((options.solver.algorithm, options.solver.time_limit_s), (Algorithm::Auto, 10.0));
    assert_eq!((options.solver.gap, options.solver.seed), (0.0, 0));
    // Buffers follow the overlap.
    document["cost_model"] = json!({});
    assert_eq!(PlanRequest::from_json(&document).unwrap().options.cost_model.io_buffers, 1);
    document["cost_model"] = json!({"overlap": "none"});
    assert_eq!(PlanRequest::from_json(&document).unwrap().options.cost_model.io_buffers, 0);
}

#[test]
fn fields_that_must_be_given() {
    for pointer in [
        "/model",
        "/cluster",
        "/model/name",
        "/model/layers",
        "/model/layers/1/param_bytes",
        "/model/layers/1/output_bytes",
        "/model/edges/0/from",
        "/model/edges/0/to",
        "/model/groups/0/layer_ids",
        "/cluster/name",
        "/cluster/nodes",
        "/cluster/nodes/1/memory_bytes",
        "/cluster/nodes/0/position_m/x",
        "/cluster/nodes/0/position_m/y",
        "/cluster/links/0/from",
        "/cluster/links/0/to",
        "/cluster/links/0/bandwidth_bps",
        "/cluster/network/kind",
        "/cluster/network/bandwidth_bps",
        "/objective/kind",
        "/objective/target_period_s",
        "/constraints/pins/0/layer_id",
        "/constraints/pins/0/node_id",
        "/constraints/colocate/0/layer_ids",
        "/occupants/0/id",
        "/occupants/0/rate_per_s",
        "/occupants/0/period_s",
        "/occupants/0/nodes/0/node_id",
        "/occupants/0/hops/0/from_node_id",
        "/occupants/0/hops/0/to_node_id",
        "/occupants/0/hops/0/transfer_s",
        "/occupants/0/media/0/id",
        "/occupants/0/media/0/occupied_s",
    ] {
        assert_eq!(found(&without(pointer)), [(pointer.to_owned(), Missing)]);
    }
    // Without its id a layer or node is nobody, but what names it is not called dangling as well.
    let expected = [("/model/layers/1/id".to_owned(), Missing)];
    assert_eq!(found(&without("/model/layers/1/id")), expected);
    let expected = [("/cluster/nodes/2/id".to_owned(), Missing)];
    assert_eq!(found(&without("/cluster/nodes/2/id")), expected);
}

#[test]
fn fields_that_may_be_absent() {
    for pointer in [
        "/model/description",
        "/model/batch_size",
        "/model/edges",
        "/model/groups",
        "/model/groups/0/time_s",
        "/model/layers/1/op",
        "/model/layers/1/flops",
        "/model/layers/1/activation_bytes",
        "/model/layers/1/state_bytes",
        "/model/layers/1/time_s",
        "/cluster/description",
        "/cluster/links",
        "/cluster/network",
        "/cluster/nodes/0/reserved_bytes",
        "/cluster/nodes/0/flops_per_s",
        "/cluster/nodes/0/device_class",
        "/cluster/nodes/0/labels",
        "/cluster/nodes/0/schedulable",
        "/cluster/nodes/0/position_m",
        "/cluster/nodes/0/port_duplex",
        "/cluster/links/0/latency_s",
        "/cluster/links/0/bidirectional",
        "/cluster/links/0/medium",
        "/cluster/network/latency_s",
        "/cluster/network/medium",
        "/objective",
        "/constraints",
        "/constraints/source_node",
        "/constraints/sink_node",
        "/constraints/exclude_nodes",
        "/constraints/node_selector",
        "/constraints/pins",
        "/constraints/colocate",
        "/occupants",
        "/occupants/0/nodes",
        "/occupants/0/hops",
        "/occupants/0/media",
        "/occupants/0/nodes/0/memory_bytes",
        "/occupants/0/nodes/0/compute_s",
        "/constraints/max_stages",
        "/constraints/max_nodes",
        "/constraints/max_latency_s",
        "/pipelines",
        "/solver/tolerance",
        "/cost_model",
        "/cost_model/memory",
        "/cost_model/io_buffers",
        "/cost_model/cuts",
        "/cost_model/overlap",
        "/cost_model/compute",
        "/cost_model/unknown_compute",
        "/cost_model/transfer_scale",
        "/cost_model/memory_scale",
        "/cost_model/memory_overhead_bytes",
        "/cost_model/transfers",
        "/solver",
        "/solver/algorithm",
        "/solver/time_limit_s",
        "/solver/gap",
        "/solver/seed",
        "/labels",
    ] {
        assert_eq!(found(&without(pointer)), [], "{pointer}");
    }
}

#[test]
fn every_field_refuses_null_and_another_type() {
    // Fields whose readers record the fault at the field itself.
    for (pointer, other) in [
        ("/model", json!([])),
        ("/model/name", json!(1)),
        ("/model/description", json!(1)),
        ("/model/batch_size", json!("1")),
        ("/model/layers", json!({})),
        ("/model/layers/1", json!("b")),
        ("/model/layers/1/op", json!(1)),
        ("/model/layers/1/param_bytes", json!("1")),
        ("/model/layers/1/output_bytes", json!(true)),
        ("/model/layers/1/flops", json!([])),
        ("/model/layers/1/activation_bytes", json!("1")),
        ("/model/layers/1/state_bytes", json!("1")),
        ("/model/layers/1/time_s", json!(0.5)),
        ("/model/layers/1/time_s/pi", json!("0.5")),
        ("/model/edges", json!({})),
        ("/model/edges/0", json!(["a", "b"])),
        ("/model/groups", json!({})),
        ("/model/groups/0", json!("b")),
        ("/model/groups/0/layer_ids", json!("b")),
        ("/model/groups/0/layer_ids/0", json!(1)),
        ("/model/groups/0/time_s", json!(0.5)),
        ("/model/groups/0/time_s/pi", json!("0.5")),
        ("/model/edges/0/from", json!(0)),
        ("/model/edges/0/to", json!(1)),
        ("/cluster", json!("lab")),
        ("/cluster/name", json!(1)),
        ("/cluster/description", json!(1)),
        ("/cluster/nodes", json!({})),
        ("/cluster/nodes/2", json!("z")),
        ("/cluster/nodes/0/memory_bytes", json!("4 GiB")),
        ("/cluster/nodes/0/reserved_bytes", json!("1")),
        ("/cluster/nodes/0/flops_per_s", json!("1")),
        ("/cluster/nodes/0/device_class", json!(4)),
        ("/cluster/nodes/0/labels", json!(["roof"])),
        ("/cluster/nodes/0/labels/site", json!(1)),
        ("/cluster/nodes/0/schedulable", json!("yes")),
        ("/cluster/nodes/0/position_m", json!([0, 1])),
        ("/cluster/nodes/0/position_m/x", json!("0")),
        ("/cluster/nodes/0/position_m/y", json!("0")),
        ("/cluster/links", json!({})),
        ("/cluster/links/0", json!("x")),
        ("/cluster/links/0/from", json!(0)),
        ("/cluster/links/0/to", json!(0)),
        ("/cluster/links/0/bandwidth_bps", json!("1")),
        ("/cluster/links/0/latency_s", json!("1")),
        ("/cluster/links/0/bidirectional", json!(1)),
        ("/cluster/links/0/medium", json!(1)),
        ("/cluster/nodes/0/port_bps", json!("1")),
        ("/cluster/nodes/0/port_duplex", json!(1)),
        ("/cluster/network", json!("full_mesh")),
        ("/cluster/network/kind", json!(0)),
        ("/cluster/network/bandwidth_bps", json!("1")),
        ("/cluster/network/latency_s", json!("1")),
        ("/cluster/network/medium", json!(1)),
        ("/objective", json!("min_nodes")),
        ("/objective/kind", json!(1)),
        ("/objective/target_period_s", json!("1")),
        ("/constraints", json!([])),
        ("/constraints/source_node", json!(0)),
        ("/constraints/sink_node", json!(0)),
        ("/constraints/exclude_nodes", json!("z")),
        ("/constraints/exclude_nodes/0", json!(2)),
        ("/constraints/node_selector", json!("roof")),
        ("/constraints/node_selector/site", json!(1)),
        ("/constraints/pins", json!({})),
        ("/constraints/pins/0", json!("a")),
        ("/constraints/pins/0/layer_id", json!(0)),
        ("/constraints/pins/0/node_id", json!(0)),
        ("/constraints/max_stages", json!("2")),
        ("/constraints/max_nodes", json!("2")),
        ("/pipelines", json!(2)),
        ("/pipelines/most", json!("2")),
        ("/pipelines/most", json!(null)),
        ("/constraints/max_latency_s", json!("1")),
        ("/constraints/max_period_s", json!("1")),
        ("/solver/tolerance", json!("0")),
        ("/cost_model", json!("paper")),
        ("/cost_model/memory", json!(1)),
        ("/cost_model/io_buffers", json!("1")),
        ("/cost_model/cuts", json!(1)),
        ("/cost_model/overlap", json!(false)),
        ("/cost_model/compute", json!(false)),
        ("/cost_model/unknown_compute", json!(false)),
        ("/cost_model/transfer_scale", json!("1")),
        ("/cost_model/memory_scale", json!("1")),
        ("/cost_model/memory_overhead_bytes", json!("1")),
        ("/cost_model/transfers", json!(true)),
        ("/occupants/0/media", json!({})),
        ("/occupants/0/media/0", json!("air")),
        ("/occupants/0/media/0/id", json!(1)),
        ("/occupants/0/media/0/occupied_s", json!("1")),
        ("/solver", json!("exact")),
        ("/solver/algorithm", json!(1)),
        ("/solver/time_limit_s", json!("1")),
        ("/solver/gap", json!("1")),
        ("/solver/seed", json!("1")),
        ("/labels", json!([])),
        ("/labels/team", json!(1)),
    ] {
        assert_each(WrongType, &[(pointer, other), (pointer, Value::Null)]);
    }
    assert_eq!(found(&json!([])), [(String::new(), WrongType)]);
}

#[test]
fn no_object_takes_a_field_that_it_does_not_have() {
    for object in [
        "",
        "/model",
        "/model/layers/0",
        "/model/edges/0",
        "/cluster",
        "/cluster/nodes/0",
        "/cluster/nodes/0/position_m",
        "/cluster/links/0",
        "/cluster/network",
        "/objective",
        "/constraints",
        "/constraints/pins/0",
        "/cost_model",
        "/solver",
        "/occupants/0/media/0",
    ] {
        assert_each(UnknownField, &[(&format!("{object}/colour~1~0"), json!(1))]);
    }
}

#[test]
fn numbers_and_texts_keep_to_their_range() {
    let long = "x".repeat(257);
    for size in [
        "/model/layers/1/param_bytes",
        "/model/layers/1/output_bytes",
        "/model/layers/1/flops",
        "/model/layers/1/activation_bytes",
        "/model/layers/1/state_bytes",
        "/cluster/nodes/0/memory_bytes",
        "/solver/seed",
        "/cost_model/memory_overhead_bytes",
    ] {
        assert_each(OutOfRange, &[(size, json!(-1)), (size, json!(1.5)), (size, json!(UNSAFE)), (size, json!(1e300))]);
    }
    for positive in [
        "/cluster/nodes/0/flops_per_s",
        "/cluster/links/0/bandwidth_bps",
        "/cluster/network/bandwidth_bps",
        "/cluster/nodes/0/port_bps",
        "/cost_model/transfer_scale",
    ] {
        let values = [0.0, -1.0, 5e-324, 1e101, f64::MAX].map(|value| (positive, json!(value)));
        assert_each(OutOfRange, &values);
    }
    assert_each(OutOfRange, &[0.0, -1.0, 9e-7, 1.1e6].map(|scale| ("/cost_model/memory_scale", json!(scale))));
    for non_negative in [
        "/model/layers/1/time_s/pi",
        "/model/groups/0/time_s/pi",
        "/cluster/links/0/latency_s",
        "/cluster/network/latency_s",
        "/objective/target_period_s",
        "/constraints/max_latency_s",
    ] {
        assert_each(OutOfRange, &[-1e-9, 1e101].map(|value| (non_negative, json!(value))));
        assert_eq!(found(&with(non_negative, json!(0))), []);
    }
    for name in [
        "/model/name",
        "/model/layers/1/op",
        "/cluster/name",
        "/cluster/nodes/0/device_class",
        "/cluster/nodes/0/labels/site",
        "/constraints/node_selector/site",
        "/constraints/source_node",
        "/constraints/exclude_nodes/0",
        "/constraints/pins/0/layer_id",
        "/labels/team",
    ] {
        assert_each(OutOfRange, &[(name, json!("")), (name, json!(long))]);
    }
    assert_each(
        OutOfRange,
        &[
            ("/model/batch_size", json!(0)),
            ("/model/description", json!("x".repeat(4097))),
            ("/cluster/description", json!("")),
            ("/cluster/nodes/0/reserved_bytes", json!(101)),
            ("/cluster/nodes/0/reserved_bytes", json!(-1)),
            ("/cluster/nodes/0/labels/", json!("x")),
            ("/cluster/nodes/0/position_m/x", json!(1.1e9)),
            ("/cluster/nodes/0/position_m/y", json!(-1.1e9)),
            ("/constraints/max_stages", json!(0)),
            ("/constraints/max_nodes", json!(0)),
            ("/pipelines/most", json!(0)),
            ("/pipelines/most", json!(1.5)),
            ("/cost_model/io_buffers", json!(65)),
            ("/solver/time_limit_s", json!(0)),
            ("/solver/time_limit_s", json!(86_401)),
            ("/solver/gap", json!(1)),
            ("/solver/gap", json!(-0.1)),
        ],
    );
}

#[test]
fn sums_of_a_model_stay_whole_numbers() {
    for field in ["param_bytes", "state_bytes", "output_bytes", "flops"] {
        let mut document = document();
        for layer in 1..3 {
            document["model"]["layers"][layer][field] = json!(UNSAFE / 2);
        }
        assert_eq!(found(&document), [("/model/layers".to_owned(), OutOfRange)], "{field}");
    }
}

#[test]
fn times_of_a_class_stay_countable() {
    let mut document = without("/model/groups");
    for (layer, seconds) in [(1, 9e6), (2, 1e6)] {
        document["model"]["layers"][layer]["time_s"] = json!({"pi": seconds, "other": 1.0});
    }
    assert_eq!(found(&document), []);
    let model = PlanRequest::from_json(&document).unwrap().model;
    let times = ["pi", "other", "none"].map(|class| model.picoseconds(1, class));
    assert_eq!(times, [Some(9_000_000_000_000_000_000), Some(1_000_000_000_000), None]);
    document["model"]["layers"][2]["time_s"]["pi"] = json!(1.1e6);
    let faults = PlanRequest::from_json(&document).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "/model/layers: the sum of all time_s of the class \"pi\" is too large. \
         Keep the sum at or below 10000000 s."
    );
}

#[test]
fn groups_name_layers_once_and_their_times_count_with_those_of_layers() {
    let mut document = document();
    document["model"]["groups"] = json!([{"layer_ids": ["a", "x", "a"]}, {"layer_ids": []}, {"layer_ids": ["c", "a"]}]);
    assert_eq!(
        found(&document),
        [
            ("/model/groups/1/layer_ids".to_owned(), Empty),
            ("/model/groups/0/layer_ids/1".to_owned(), UnknownReference),
            ("/model/groups/0/layer_ids/2".to_owned(), Duplicate),
            ("/model/groups/2/layer_ids/1".to_owned(), Duplicate),
        ]
    );
    // A layer that could not be read is not called unknown as well.
    document["model"]["groups"] = json!([{"layer_ids": ["a"]}]);
    document["model"]["layers"][0]["id"] = json!(7);
    assert_eq!(found(&document), [("/model/layers/0/id".to_owned(), WrongType)]);
    document["model"]["layers"][0]["id"] = json!("a");
    document["model"]["groups"] = json!([{"layer_ids": ["a"], "time_s": {"pi": 9e6}}]);
    document["model"]["layers"][1]["time_s"] = json!({"pi": 1.1e6});
    let faults = PlanRequest::from_json(&document).unwrap_err();
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<String>>(),
        ["/model/groups: the sum of all time_s of the class \"pi\" is too large. \
          Keep the sum at or below 10000000 s."]
    );
    document["model"]["layers"][1]["time_s"] = json!({"pi": 1e6});
    let model = PlanRequest::from_json(&document).unwrap().model;
    assert_eq!([0, 1].map(|layer| model.picoseconds(layer, "pi")), [9e18 as u64, 1e18 as u64].map(Some));
}

#[test]
fn groups_have_one_order_whatever_the_files() {
    let hash = |groups: Value| {
        let mut document = document();
        document["model"]["groups"] = groups;
        content_hash(&*PlanRequest::from_json(&document).unwrap().model)
    };
    let one = hash(json!([{"layer_ids": ["a", "c"], "time_s": {"pi": 1}}, {"layer_ids": ["b"]}]));
    assert_eq!(hash(json!([{"layer_ids": ["b"]}, {"layer_ids": ["c", "a"], "time_s": {"pi": 1.0}}])), one);
    assert_ne!(hash(json!([{"layer_ids": ["b"]}, {"layer_ids": ["c", "a"]}])), one);
    let mut without_groups = document();
    without_groups["model"].as_object_mut().unwrap().remove("groups");
    let without_groups = content_hash(&*PlanRequest::from_json(&without_groups).unwrap().model);
    assert_eq!(hash(json!([])), without_groups);
}

#[test]
fn texts_of_a_closed_list() {
    assert_each(
        UnknownValue,
        &[
            ("/cluster/network/kind", json!("star")),
            ("/objective/kind", json!("Min_Nodes")),
            ("/cost_model/memory", json!("all")),
            ("/cost_model/cuts", json!("")),
            ("/cost_model/overlap", json!("half")),
            ("/cost_model/compute", json!("measure")),
            ("/cost_model/transfers", json!("queued")),
            ("/cluster/nodes/0/port_duplex", json!("none")),
            ("/solver/algorithm", json!("magic")),
        ],
    );
}

#[test]
fn graphs_that_are_none() {
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let mut empty = document();
    empty["model"] = json!({"name": "m", "layers": []});
    assert_eq!(found(&empty), [("/model/layers".to_owned(), Empty)]);
    assert_eq!(found(&with("/model/edges/-", edge("c", "c"))), [("/model/edges/2".to_owned(), SelfLoop)]);
    assert_eq!(found(&with("/model/edges/-", edge("a", "b"))), [("/model/edges/2".to_owned(), Duplicate)]);
    // Any edge of the cycle would do.
    assert_eq!(found(&with("/model/edges/-", edge("c", "a"))), [("/model/edges/0".to_owned(), Cycle)]);
    let dangling = with("/model/edges/-", edge("q", "r"));
    let expected =
        [("/model/edges/2/from".to_owned(), UnknownReference), ("/model/edges/2/to".to_owned(), UnknownReference)];
    assert_eq!(found(&dangling), expected);
    let twin = with("/model/layers/-", json!({"id": "a", "param_bytes": 0, "output_bytes": 0}));
    assert_eq!(found(&twin), [("/model/layers/3/id".to_owned(), Duplicate)]);
}

#[test]
fn a_model_of_nothing_but_cycles_is_refused_at_once() {
    let layers: Vec<Value> =
        (0..20_000).map(|layer| json!({"id": format!("l{layer}"), "param_bytes": 0, "output_bytes": 0})).collect();
    let edges: Vec<Value> =
        (0..20_000).map(|layer| json!({"from": format!("l{layer}"), "to": format!("l{}", layer ^ 1)})).collect();
    let faults = ModelProfile::from_json(&json!({"name": "m", "layers": layers, "edges": edges})).unwrap_err();
    assert_eq!(faults.len(), MAX_FAULTS);
    assert!(faults.iter().all(|fault| fault.code == Cycle && fault.pointer.starts_with("/edges/")));
}

#[test]
fn clusters_that_are_none() {
    let link = |from: &str, to: &str| json!({"from": from, "to": to, "bandwidth_bps": 1});
    let mut empty = document();
    empty["cluster"] = json!({"name": "c", "nodes": []});
    assert_eq!(found(&empty), [("/cluster/nodes".to_owned(), Empty)]);
    let twin = with("/cluster/nodes/-", json!({"id": "x", "memory_bytes": 1}));
    assert_eq!(found(&twin), [("/cluster/nodes/3/id".to_owned(), Duplicate)]);
    for (from, to, pointer, code) in [
        ("x", "x", "/cluster/links/2", SelfLoop),
        ("x", "y", "/cluster/links/2", Duplicate),
        // The first link gives the way back already.
        ("y", "x", "/cluster/links/2", Duplicate),
        ("q", "x", "/cluster/links/2/from", UnknownReference),
        ("x", "q", "/cluster/links/2/to", UnknownReference),
    ] {
        assert_eq!(found(&with("/cluster/links/-", link(from, to))), [(pointer.to_owned(), code)], "{from} {to}");
    }
    assert_eq!(found(&with("/cluster/links/-", link("z", "y"))), []);
}

#[test]
fn radio_wants_a_place_for_each_node() {
    let radio = |changes: &[(&str, Value)]| {
        let mut document =
            with("/cluster/network", json!({"kind": "radio", "bandwidth_hz": 1e6, "snr_at_1m": 283_230}));
        for (pointer, value) in changes {
            let (parent, last) = pointer.rsplit_once('/').unwrap();
            let parent = document.pointer_mut(parent).unwrap();
            if value.is_null() {
                parent.as_object_mut().unwrap().remove(last);
            } else {
                parent[last] = value.clone();
            }
        }
        found(&document)
    };
    assert_eq!(radio(&[]), []);
    let expected = |pointer: &str, code| [(pointer.to_owned(), code)];
    assert_eq!(
        radio(&[("/cluster/nodes/1/position_m", Value::Null)]),
        expected("/cluster/nodes/1/position_m", Missing)
    );
    let there = json!({"x": 0, "y": 1});
    assert_eq!(radio(&[("/cluster/nodes/2/position_m", there)]), expected("/cluster/nodes/2/position_m", Duplicate));
    let minus_zero = json!({"x": -0.0, "y": 1});
    assert_eq!(
        radio(&[("/cluster/nodes/2/position_m", minus_zero)]),
        expected("/cluster/nodes/2/position_m", Duplicate)
    );
    // A position that cannot be read is neither missing nor the place of another that cannot be read.
    let broken = [("/cluster/nodes/0/position_m/x", json!("0")), ("/cluster/nodes/1/position_m/x", json!("0"))];
    let faults = [
        ("/cluster/nodes/0/position_m/x".to_owned(), WrongType),
        ("/cluster/nodes/1/position_m/x".to_owned(), WrongType),
    ];
    assert_eq!(radio(&broken), faults);
    for field in ["bandwidth_hz", "snr_at_1m"] {
        let pointer = format!("/cluster/network/{field}");
        assert_eq!(radio(&[(&pointer, Value::Null)]), expected(&pointer, Missing));
        assert_eq!(radio(&[(&pointer, json!(0))]), expected(&pointer, OutOfRange));
    }
    assert_eq!(radio(&[("/cluster/network/latency_s", json!(-1))]), expected("/cluster/network/latency_s", OutOfRange));
    assert_eq!(radio(&[("/cluster/network/node_ids", json!([]))]), expected("/cluster/network/node_ids", UnknownField));
}

#[test]
fn a_matrix_is_square_over_known_nodes() {
    let matrix = |node_ids: Value, rows: Value| {
        let network = json!({"kind": "matrix", "node_ids": node_ids, "bandwidth_bps": rows});
        found(&with("/cluster/network", network))
    };
    let at = |below: &str, code| [(format!("/cluster/network/{below}"), code)];
    assert_eq!(matrix(json!(["x", "y"]), json!([[0, 1], [1, 0]])), []);
    assert_eq!(matrix(json!([]), json!([])), at("node_ids", Empty));
    assert_eq!(matrix(json!(["x", "q"]), json!([[0, 1], [1, 0]])), at("node_ids/1", UnknownReference));
    assert_eq!(matrix(json!(["x", "x"]), json!([[0, 1], [1, 0]])), at("node_ids/1", Duplicate));
    assert_eq!(matrix(json!(["x", "y"]), json!([[0, 1]])), at("bandwidth_bps", OutOfRange));
    assert_eq!(matrix(json!(["x", "y"]), json!([[0, 1], [1]])), at("bandwidth_bps/1", OutOfRange));
    assert_eq!(matrix(json!(["x", "y"]), json!([[0, -1], [1, 0]])), at("bandwidth_bps/0/1", OutOfRange));
    assert_eq!(matrix(json!(["x", "y"]), json!([[0, 1], 1])), at("bandwidth_bps/1", WrongType));
    assert_eq!(matrix(json!(["x", 1]), json!([[0, 1], [1, 0]])), at("node_ids/1", WrongType));
    for field in ["node_ids", "bandwidth_bps"] {
        let mut network = json!({"kind": "matrix", "node_ids": ["x"], "bandwidth_bps": [[0]]});
        network.as_object_mut().unwrap().remove(field);
        assert_eq!(found(&with("/cluster/network", network)), at(field, Missing));
    }
}

#[test]
fn constraints_name_what_exists_and_do_not_contradict_themselves() {
    assert_each(
        UnknownReference,
        &[
            ("/constraints/source_node", json!("q")),
            ("/constraints/sink_node", json!("q")),
            ("/constraints/exclude_nodes/0", json!("q")),
            ("/constraints/pins/0/layer_id", json!("q")),
            ("/constraints/pins/0/node_id", json!("q")),
        ],
    );
    let pin = |layer: &str, node: &str| with("/constraints/pins/-", json!({"layer_id": layer, "node_id": node}));
    assert_eq!(found(&pin("a", "y")), [("/constraints/pins/3/layer_id".to_owned(), Conflict)]);
    assert_eq!(found(&pin("a", "x")), []);
    let target = with("/objective", json!({"kind": "min_latency", "target_period_s": 1}));
    assert_eq!(found(&target), [("/objective/target_period_s".to_owned(), Conflict)]);
}

/// What reads a constant may run anywhere, and a constant runs nowhere.
#[test]
fn a_constant_is_neither_pinned_nor_kept_together() {
    let constant = |id: &str| json!({"id": id, "param_bytes": 8, "output_bytes": 8});
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let mut document = document();
    document["model"]["layers"].as_array_mut().unwrap().extend(["w", "v", "u"].map(constant));
    document["model"]["edges"].as_array_mut().unwrap().extend([edge("w", "v"), edge("v", "b"), edge("w", "c")]);
    let mut pinned = document.clone();
    let pins = ["v", "w", "u"].map(|layer| json!({"layer_id": layer, "node_id": "x"}));
    pinned["constraints"]["pins"] = json!(pins);
    let faults = PlanRequest::from_json(&pinned).unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let constant = "is constant: no input reaches it, and each stage that needs it has a copy";
    assert_eq!(
        said,
        [
            format!(
                "/constraints/pins/0/layer_id (layer \"v\"): layer \"v\" {constant}. Name the layer that needs it: \"b\"."
            ),
            format!(
                "/constraints/pins/1/layer_id (layer \"w\"): layer \"w\" {constant}. Name the layers that need it: \"b\" and \"c\"."
            ),
            format!(
                "/constraints/pins/2/layer_id (layer \"u\"): layer \"u\" {constant}. Remove it: no layer needs this one."
            ),
        ]
    );
    document["constraints"]["colocate"] = json!([{"layer_ids": ["a", "w"]}]);
    assert_eq!(found(&document), [("/constraints/colocate/0/layer_ids/1".to_owned(), Conflict)]);
}

#[test]
fn a_pin_has_a_node_or_labels() {
    let at = |below: &str, code| [(format!("/constraints/pins/{below}"), code)];
    let both = with("/constraints/pins/0/node_selector", json!({"site": "roof"}));
    assert_eq!(found(&both), at("0/node_selector", Conflict));
    assert_eq!(found(&with("/constraints/pins/2/node_selector", json!({}))), at("2/node_selector", Empty));
    assert_eq!(found(&with("/constraints/pins/2/node_selector", json!(["roof"]))), at("2/node_selector", WrongType));
    assert_eq!(found(&with("/constraints/pins/2/layer_id", json!("q"))), at("2/layer_id", UnknownReference));
}

#[test]
fn layers_that_stay_together_are_several_known_ones() {
    let together = |ids: Value| found(&with("/constraints/colocate/0/layer_ids", ids));
    let at = |below: &str, code| [(format!("/constraints/colocate/0/layer_ids{below}"), code)];
    assert_eq!(together(json!(["a"])), at("", OutOfRange));
    assert_eq!(together(json!([])), at("", OutOfRange));
    assert_eq!(together(json!("a")), at("", WrongType));
    assert_eq!(together(json!(["a", 1])), at("/1", WrongType));
    assert_eq!(together(json!(["a", "q"])), at("/1", UnknownReference));
    assert_eq!(together(json!(["a", "b", "a"])), at("/2", Duplicate));
}

#[test]
fn a_base_goes_with_throughput_and_holds_each_layer_once() {
    let replan = |changes: &[(&str, Value)]| {
        let mut document = document();
        document["objective"] = json!({"kind": "max_throughput"});
        document["base"] = json!({"stages": [{"node_id": "gone", "layer_ids": ["a", "gone"]},
                                             {"node_id": "y", "layer_ids": ["b"]}]});
        document["max_period_ratio"] = json!(1.1);
        for (field, value) in changes {
            document[*field] = value.clone();
        }
        document
    };
    assert_eq!(found(&replan(&[])), []);
    let written = serde_json::to_value(PlanRequest::from_json(&replan(&[])).unwrap()).unwrap();
    assert_eq!((&written["base"], &written["max_period_ratio"]), (&replan(&[])["base"], &json!(1.1)));
    let one = |pointer: &str, code| [(pointer.to_owned(), code)];
    let latency = replan(&[("objective", json!({"kind": "min_latency"}))]);
    assert_eq!(found(&latency), one("/objective/kind", Conflict));
    for ratio in [json!(0.99), json!(-1), json!(1e101)] {
        assert_eq!(found(&replan(&[("max_period_ratio", ratio)])), one("/max_period_ratio", OutOfRange));
    }
    let twice = json!({"stages": [{"node_id": "x", "layer_ids": ["a"]}, {"node_id": "y", "layer_ids": ["b", "a"]}]});
    assert_eq!(found(&replan(&[("base", twice)])), one("/base/stages/1/layer_ids/1", Duplicate));
    assert_eq!(found(&replan(&[("base", json!({}))])), one("/base/stages", Missing));
    assert_eq!(found(&with("/max_period_ratio", json!(2))), one("/max_period_ratio", Conflict));
}

#[test]
fn a_largest_period_goes_with_the_least_latency() {
    let with_objective = |objective: Value, max_period_s: Value| {
        let mut document = with("/constraints/max_period_s", max_period_s);
        document["objective"] = objective;
        found(&document)
    };
    let at = |code| [("/constraints/max_period_s".to_owned(), code)];
    let latency = || json!({"kind": "min_latency"});
    assert_eq!(with_objective(latency(), json!(0)), []);
    for negative in [json!(-1), json!(1e101)] {
        assert_eq!(with_objective(latency(), negative), at(OutOfRange));
    }
    for other in [json!({"kind": "max_throughput"}), json!({"kind": "tradeoff"}), document()["objective"].clone()] {
        assert_eq!(with_objective(other, json!(1)), at(Conflict));
    }
    // What the objective is to be cannot be read.
    assert_eq!(with_objective(json!({"kind": "fastest"}), json!(1)), [("/objective/kind".to_owned(), UnknownValue)]);
    let mut document = with("/constraints/max_period_s", json!(1));
    document.as_object_mut().unwrap().remove("objective");
    assert_eq!(found(&document), at(Conflict));
    let written = serde_json::to_value(
        PlanRequest::from_json(&{
            document["objective"] = latency();
            document
        })
        .unwrap(),
    )
    .unwrap();
    assert_eq!(written["constraints"]["max_period_s"], json!(1.0));
}

#[test]
fn occupants_are_told_apart_and_use_links_between_nodes() {
    let one = |pointer: &str, code| [(pointer.to_owned(), code)];
    assert_eq!(found(&with("/occupants/1/id", json!("o"))), one("/occupants/1/id", Duplicate));
    assert_eq!(found(&with("/occupants/0/rate_per_s", json!(-1))), one("/occupants/0/rate_per_s", OutOfRange));
    assert_eq!(
        found(&with("/occupants/0/hops/0/to_node_id", json!("x"))),
        one("/occupants/0/hops/0/to_node_id", SelfLoop)
    );
    let again = |list: &str, item: Value| found(&with(&format!("/occupants/0/{list}/-"), item));
    assert_eq!(again("nodes", json!({"node_id": "x"})), one("/occupants/0/nodes/1/node_id", Duplicate));
    let hop = |to: &str| json!({"from_node_id": "x", "to_node_id": to, "transfer_s": 1});
    assert_eq!(again("hops", hop("y")), one("/occupants/0/hops/1/to_node_id", Duplicate));
    // Nodes that are gone count for nothing.
    assert_eq!(again("nodes", json!({"node_id": "gone"})), []);
    assert_eq!(again("hops", hop("gone")), []);
    // And so do media.
    let medium = |id: &str| json!({"id": id, "occupied_s": 1});
    assert_eq!(again("media", medium("gone")), []);
    assert_eq!(again("media", medium("air")), one("/occupants/0/media/1/id", Duplicate));
    assert_eq!(again("media", medium(&"x".repeat(1024))), []);
    assert_eq!(again("media", medium(&"x".repeat(1025))), one("/occupants/0/media/1/id", OutOfRange));
}

#[test]
fn faults_of_all_parts_come_together() {
    let mut document = document();
    document["model"]["layers"][1]["param_bytes"] = json!(-1);
    document["model"]["edges"][0]["to"] = json!("q");
    document["cluster"]["nodes"][0]["memory_bytes"] = json!("much");
    document["cluster"]["links"][0]["to"] = json!("q");
    document["constraints"]["sink_node"] = json!("q");
    document["solver"]["gap"] = json!(2);
    let mut faults = found(&document);
    faults.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("/cluster/links/0/to", UnknownReference),
        ("/cluster/nodes/0/memory_bytes", WrongType),
        ("/constraints/sink_node", UnknownReference),
        ("/model/edges/0/to", UnknownReference),
        ("/model/layers/1/param_bytes", OutOfRange),
        ("/solver/gap", OutOfRange),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn models_and_clusters_are_read_alone_too() {
    assert!(ModelProfile::from_json(&document()["model"]).is_ok());
    assert!(ClusterInventory::from_json(&document()["cluster"]).is_ok());
    let faults = ModelProfile::from_json(&json!({"name": "m"})).unwrap_err();
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/layers", Missing));
    let faults = ClusterInventory::from_json(&json!({"name": "m"})).unwrap_err();
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/nodes", Missing));
}

#[test]
fn nodes_are_admitted_by_state_exclusion_and_labels() {
    let request = PlanRequest::from_json(&document()).unwrap();
    let admitted: Vec<bool> =
        request.cluster.nodes.iter().map(|node| request.options.constraints.admit(node)).collect();
    assert_eq!(admitted, [true, false, false]);
    assert_eq!((request.cluster.node_index("z"), request.cluster.node_index("q")), (Some(2), None));
    assert_eq!(request.cluster.nodes[0].free_bytes(), 90);
    let mut unschedulable = document();
    unschedulable["cluster"]["nodes"][0]["schedulable"] = json!(false);
    let request = PlanRequest::from_json(&unschedulable).unwrap();
    assert!(!request.options.constraints.admit(&request.cluster.nodes[0]));
}

#[test]
fn several_pipelines_go_with_sums_of_rates_and_searches_alone() {
    let several = |changes: &[(&str, Value)]| {
        let mut document = document();
        document["solver"]["algorithm"] = json!("auto");
        document["pipelines"] = json!({});
        for (field, value) in changes {
            document[*field] = value.clone();
        }
        document
    };
    let refused = [("/pipelines".to_owned(), Conflict)];
    assert_eq!(found(&several(&[])), []);
    assert_eq!(found(&several(&[("objective", json!({"kind": "max_throughput"}))])), []);
    assert_eq!(found(&several(&[("pipelines", json!({"most": 2}))])), []);
    for kind in ["min_latency", "tradeoff"] {
        assert_eq!(found(&several(&[("objective", json!({"kind": kind}))])), refused, "{kind}");
        let one = json!({"most": 1});
        assert_eq!(found(&several(&[("objective", json!({"kind": kind})), ("pipelines", one)])), [], "{kind}");
    }
    for algorithm in ["kpath", "greedy", "random"] {
        assert_eq!(found(&several(&[("solver", json!({"algorithm": algorithm}))])), refused, "{algorithm}");
    }
    let base = json!({"pipelines": [{"stages": [{"node_id": "x", "layer_ids": ["a"]}]}]});
    let base_of = |kind: Value| several(&[("objective", kind), ("base", base.clone())]);
    assert_eq!(found(&base_of(json!({"kind": "max_throughput"}))), []);
    let on_target = base_of(json!({"kind": "min_nodes", "target_period_s": 1.0}));
    assert_eq!(found(&on_target), [("/objective/kind".to_owned(), Conflict)]);
    let unknown = several(&[("pipelines", json!({"least": 2}))]);
    assert_eq!(found(&unknown), [("/pipelines/least".to_owned(), UnknownField)]);
}

#[test]
fn what_asks_for_one_pipeline_is_written_as_it_was_read() {
    let written = |pipelines: Option<Value>| {
        let mut document = document();
        document.as_object_mut().unwrap().remove("pipelines");
        if let Some(pipelines) = pipelines {
            document["pipelines"] = pipelines;
        }
        let request = PlanRequest::from_json(&document).unwrap();
        (serde_json::to_value(&request).unwrap()["pipelines"].clone(), request.options.wants_several())
    };
    assert_eq!(written(None), (Value::Null, false));
    assert_eq!(written(Some(json!({"most": 1}))), (json!({"most": 1}), false));
    let mut several = document();
    several["solver"]["algorithm"] = json!("exact");
    several["pipelines"] = json!({});
    let request = PlanRequest::from_json(&several).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap()["pipelines"], json!({}));
    assert!(request.options.wants_several());
    assert_eq!(request.options.constraints.longest_pipeline(), Some(2));
}

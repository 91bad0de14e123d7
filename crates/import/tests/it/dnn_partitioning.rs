//! Graphs of dnn-partitioning.

use cutpoint_import::dnn_partitioning::{Instance, import};
use cutpoint_import::{ImportError, InputFile};
use cutpoint_planner::domain::placement::Status;
use serde_json::{Value, json};

use crate::data::{cluster, model, plan, read};

fn instance() -> Instance {
    let content = read("dnn-partitioning.json");
    import(&InputFile { name: "graph.json", content: &content }, "tiny").unwrap()
}

fn faults(document: &Value) -> Vec<String> {
    let content = document.to_string();
    let result: Result<Instance, ImportError> =
        import(&InputFile { name: "graph.json", content: content.as_bytes() }, "x");
    result.unwrap_err().faults.iter().map(ToString::to_string).collect()
}

#[test]
fn operators_are_layers_and_devices_are_nodes() {
    let instance = instance();
    let profile = model(&instance.model);
    let conv = &profile.layers[profile.layer_index("conv").unwrap()];
    assert_eq!(conv.time_s, [("cpu".to_owned(), 0.02), ("fpga".to_owned(), 0.002)].into());
    assert_eq!((conv.param_bytes, conv.output_bytes), (0, 2 << 20));
    // A weight without work is constant, and what has no size and no work is an input.
    assert!(profile.is_constant(profile.layer_index("conv.weight").unwrap()));
    assert!(profile.is_input(profile.layer_index("image").unwrap()));
    // One colour, one device.
    assert_eq!(profile.groups.iter().map(|group| group.layer_ids.join(" ")).collect::<Vec<_>>(), ["conv relu"]);
    let cluster = cluster(&instance.cluster);
    let nodes: Vec<&str> = cluster.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(nodes, ["fpga-1", "fpga-2", "cpu-1"]);
    assert_eq!(cluster.nodes[0].memory_bytes, 900);
    // A mebibyte takes a millisecond.
    assert_eq!(instance.cluster.document["network"]["bandwidth_bps"], 8.0 * 1_048_576.0 / 1e-3);
}

#[test]
fn the_load_of_a_device_is_what_enters_works_and_leaves() {
    let instance = instance();
    let answer = plan(&json!({
        "model": instance.model.document,
        "cluster": instance.cluster.document,
        "cost_model": instance.model.report.cost_model,
        "constraints": instance.model.report.constraints,
        "solver": { "tolerance": 0 },
    }));
    assert_eq!(answer.status, Status::Optimal);
    // conv and relu work 2.5 ms and send half a mebibyte; dense receives it, works 3 ms and sends a
    // quarter: 3.75 ms. The processor alone runs what accelerators do not.
    assert!((answer.least_period_s.unwrap() - 3.75e-3).abs() < 1e-12, "{:?}", answer.least_period_s);
    assert_eq!(answer.stages().last().unwrap().layer_ids, ["decode"]);
    assert_eq!(answer.stages().last().unwrap().node_id, "cpu-1");
}

#[test]
fn all_faults_come_at_once_with_their_places() {
    let node = |id: Value| json!({ "id": id, "fpgaLatency": 1, "cpuLatency": 1, "size": 1 });
    let backward = json!({ "id": 3, "fpgaLatency": -1, "cpuLatency": 1, "size": 1e300, "isBackwardNode": true });
    let found = faults(&json!({
        "maxFPGAs": 0, "maxCPUs": 0, "maxSizePerFPGA": "x",
        "nodes": [node(json!(0)), node(json!(0)), backward], "edges": [{ "sourceId": 0 }],
    }));
    for wanted in [
        "graph.json at /nodes/1: the id 0 stands there twice",
        "graph.json at /nodes/2: this is an operator of the backward pass",
        "graph.json at /nodes/2/fpgaLatency: -1 is not allowed here",
        "graph.json at /nodes/2/size: 1e+300 is not allowed here",
        "graph.json at /edges/0: destId is missing",
        "graph.json: there is no device",
        "graph.json at /maxSizePerFPGA: expected a number, found a text",
    ] {
        assert!(found.iter().any(|fault| fault.starts_with(wanted)), "{wanted}: {found:#?}");
    }
    let edges =
        json!([{"sourceId": 0, "destId": 1, "size": 1, "cost": 1}, {"sourceId": 1, "destId": 0, "size": 1, "cost": 1}]);
    let cycle = json!({
        "maxFPGAs": 1, "maxCPUs": 0, "maxSizePerFPGA": 1, "nodes": [node(json!(0)), node(json!(1))], "edges": edges,
    });
    assert_eq!(faults(&cycle), ["graph.json: the edges form a cycle. Give a graph without cycles, as inference has"]);
}

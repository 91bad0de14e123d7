//! `cutpoint cut` as a user runs it. tests/data/small.onnx multiplies batch × rows × 8 floats by 8 × 4 weights.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/small.onnx");

fn cutpoint(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutpoint")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The layers of the small model, and a placement with a stage for each of the two that work.
fn placement(folder: &Path, rows: &str) -> (Vec<Value>, Value) {
    let profile = cutpoint(&["profile", SMALL, "--dim", rows]);
    let profile: Value = serde_json::from_slice(&profile.stdout).unwrap();
    let layers = profile["layers"].as_array().unwrap().clone();
    let bytes = &layers[2]["output_bytes"];
    let transfer = json!({"tensor_layer_ids": [layers[2]["id"]], "bytes": bytes, "transfer_s": 0.5});
    let mut send = transfer.clone();
    send["to_node_id"] = json!("b");
    let document = json!({"pipelines": [{"stages": [
        {"node_id": "a", "layer_ids": [layers[0]["id"], layers[2]["id"]], "compute_s": 0.25, "memory_bytes": 7, "send": send},
        {"node_id": "b", "layer_ids": [layers[3]["id"]], "compute_s": 0.125, "memory_bytes": 9, "receive": transfer},
    ]}]});
    std::fs::write(folder.join("placement.json"), document.to_string()).unwrap();
    (layers, document)
}

fn cut(folder: &Path, more: &[&str]) -> Output {
    let (placement, out) = (folder.join("placement.json"), folder.join("out"));
    let arguments = ["cut", SMALL, "--placement", placement.to_str().unwrap(), "--output", out.to_str().unwrap()];
    cutpoint(&[&arguments[..], more].concat())
}

#[test]
fn stages_have_files_and_say_what_travels() {
    let folder = tempfile::tempdir().unwrap();
    let (layers, _) = placement(folder.path(), "rows=3");
    let addresses = ["--address", "a=10.0.0.1:7101", "--address", "b=10.0.0.2:7101", "--sink-address", "[::1]:7102"];
    let done = cut(folder.path(), &[&["--dim", "rows=3"], &addresses[..]].concat());
    assert!(done.status.success(), "{}", said(&done));
    let out = folder.path().join("out");
    let document: Value = serde_json::from_slice(&std::fs::read(out.join("stages.json")).unwrap()).unwrap();
    let [first, second] = document["stages"].as_array().unwrap().as_slice() else { panic!("{document}") };
    assert_eq!(first["outputs"], second["inputs"]);
    let hop = json!([{"name": layers[2]["id"], "type": "float32", "shape": [1, 3, 4], "bytes": 48}]);
    assert_eq!(first["outputs"], hop);
    assert_eq!(first["send_to"], json!({"kind": "stage", "stage": 1, "address": "10.0.0.2:7101"}));
    assert_eq!(second["receive_from"], json!({"kind": "stage", "stage": 0, "address": "10.0.0.2:7101"}));
    assert_eq!(second["send_to"], json!({"kind": "sink", "address": "[::1]:7102"}));
    assert_eq!(second["planned"], json!({"compute_s": 0.125, "receive_s": 0.5, "memory_bytes": 9}));
    assert_eq!(document["token"].as_str().unwrap().len(), 32);
    // Each file is a model of its own, with the fixed shapes of the plan.
    let profile = cutpoint(&["profile", out.join("stage-1.onnx").to_str().unwrap()]);
    let profile: Value = serde_json::from_slice(&profile.stdout).unwrap();
    assert_eq!(profile["layers"].as_array().unwrap().len(), 2);
    assert_eq!(profile["layers"][0]["output_bytes"], 48);
}

#[test]
fn several_pipelines_are_cut_at_once_with_rates_and_a_sink_each() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut document) = placement(folder.path(), "rows=3");
    let mut second = document["pipelines"][0].clone();
    second["stages"][0]["node_id"] = json!("c");
    second["stages"][0]["send"]["to_node_id"] = json!("d");
    second["stages"][1]["node_id"] = json!("d");
    second["rate_per_s"] = json!(1.5);
    document["pipelines"][0]["rate_per_s"] = json!(2.5);
    document["pipelines"].as_array_mut().unwrap().push(second);
    std::fs::write(folder.path().join("placement.json"), document.to_string()).unwrap();
    let done =
        cut(folder.path(), &["--dim", "rows=3", "--address", "d=10.0.0.4:7101", "--sink-address", "10.0.0.9:7102"]);
    assert!(done.status.success(), "{}", said(&done));
    let out = folder.path().join("out");
    let cut: Value = serde_json::from_slice(&std::fs::read(out.join("stages.json")).unwrap()).unwrap();
    assert_eq!(cut["pipelines"], json!([{"pipeline": 0, "rate_per_s": 2.5}, {"pipeline": 1, "rate_per_s": 1.5}]));
    let stages = cut["stages"].as_array().unwrap();
    let places: Vec<_> =
        stages.iter().map(|it| (it["pipeline"].as_u64().unwrap(), it["node_id"].as_str().unwrap())).collect();
    assert_eq!(places, [(0, "a"), (0, "b"), (1, "c"), (1, "d")]);
    let mut files: Vec<&str> = stages.iter().map(|stage| stage["file"].as_str().unwrap()).collect();
    assert!(files.iter().all(|file| out.join(file).exists()), "{files:?}");
    files.sort_unstable();
    files.dedup();
    assert_eq!(files.len(), 4);
    assert_eq!(
        (&stages[1]["send_to"]["address"], &stages[3]["send_to"]["address"]),
        (&json!("10.0.0.9:7102"), &json!("10.0.0.9:7103"))
    );
    assert_eq!(stages[3]["receive_from"]["address"], "10.0.0.4:7101");
}

#[test]
fn what_does_not_fit_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let (layers, document) = placement(folder.path(), "rows=3");
    let refused = |more: &[&str], words: &str| {
        let done = cut(folder.path(), more);
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        assert!(said(&done).contains(words), "{}", said(&done));
        assert!(!folder.path().join("out").join("stage-0.onnx").exists());
    };
    refused(&["--dim", "rows=4"], "what travels before stage 1 takes 48 bytes by the plan and 64 bytes by the model");
    refused(&["--dim", "rows=3", "--address", "c=10.0.0.1:1"], "does not use a node \"c\"");
    refused(&["--dim", "rows=3", "--address", "a=10.0.0.1"], "an address is a host and a port");
    let mut other = document.clone();
    other["pipelines"][0]["stages"][1]["layer_ids"] = json!(["other"]);
    std::fs::write(folder.path().join("placement.json"), other.to_string()).unwrap();
    let missing = layers[3]["id"].as_str().unwrap();
    refused(
        &["--dim", "rows=3"],
        &format!("the model lacks the layer \"other\", and the placement lacks the layer \"{missing}\""),
    );
    std::fs::write(folder.path().join("placement.json"), r#"{"status": "infeasible"}"#).unwrap();
    refused(&["--dim", "rows=3"], "it has neither pipelines nor stages");
}

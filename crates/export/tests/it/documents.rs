//! Placements and stages.json for tests.

use cutpoint_export::{Documents, Export, Format, Options, StageFiles, export};
use serde_json::{Value, json};

/// The token of all test documents.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A placement with one pipeline on these nodes, in order.
pub fn placement(nodes: &[&str]) -> Value {
    json!({
        "status": "optimal", "period_s": 0.5, "latency_s": 1.0, "inferences_per_s": 2.0,
        "pipelines": [pipeline(nodes)],
        "media": [],
    })
}

/// A pipeline whose second hop, or else only stage, is the bottleneck.
pub fn pipeline(nodes: &[&str]) -> Value {
    let stages: Vec<Value> = (0..nodes.len()).map(|i| stage(nodes, i)).collect();
    json!({"period_s": 0.5, "latency_s": 1.0, "bottleneck": {"kind": "stage", "stage_index": 0}, "stages": stages})
}

fn stage(nodes: &[&str], i: usize) -> Value {
    let mut stage = json!({
        "index": i, "node_id": nodes[i], "layer_ids": [format!("layer-{i}")], "param_bytes": 1, "memory_bytes": 10 << 20,
        "memory_capacity_bytes": 1_u64 << 30, "compute_s": 0.25,
    });
    let transfer = |end: &str, node: &str, i: usize| json!({end: node, "tensor_layer_ids": [format!("layer-{i}")], "bytes": 4096, "transfer_s": 0.125});
    if i > 0 {
        stage["receive"] = transfer("from_node_id", nodes[i - 1], i - 1);
    }
    if let Some(next) = nodes.get(i + 1) {
        stage["send"] = transfer("to_node_id", next, i);
    }
    stage
}

/// The stages.json of a cut of the placement with one pipeline on these nodes.
pub fn stages(model: &str, nodes: &[&str]) -> Value {
    let tensor = |i: usize| json!([{"name": format!("t{i}"), "type": "float32", "shape": [1, 1024], "bytes": 4096}]);
    let entry = |i: usize| {
        let before = if i == 0 { json!({"kind": "source"}) } else { json!({"kind": "stage", "stage": i - 1}) };
        let after =
            if i + 1 == nodes.len() { json!({"kind": "sink"}) } else { json!({"kind": "stage", "stage": i + 1}) };
        json!({
            "index": i, "pipeline": 0, "node_id": nodes[i], "file": format!("stage-{i}.onnx"), "inputs": tensor(i),
            "outputs": tensor(i + 1), "receive_from": before, "send_to": after, "planned": {"compute_s": 0.25},
        })
    };
    let entries: Vec<Value> = (0..nodes.len()).map(entry).collect();
    json!({"model": model, "token": TOKEN, "overlap": "full", "stages": entries})
}

/// A placement with a pipeline on each of these lists of nodes, the later ones slower, and its stages.json.
pub fn several(model: &str, pipelines: &[&[&str]]) -> (Value, Value) {
    let rate = |p: usize| 6.0 / (p + 1) as f64;
    let sum: f64 = (0..pipelines.len()).map(rate).sum();
    let mut placed: Vec<Value> = pipelines.iter().map(|nodes| pipeline(nodes)).collect();
    let mut entries = Vec::new();
    let mut rates = Vec::new();
    for (p, nodes) in pipelines.iter().enumerate() {
        placed[p]["rate_per_s"] = json!(rate(p));
        rates.push(json!({"pipeline": p, "rate_per_s": rate(p)}));
        for mut entry in stages(model, nodes)["stages"].as_array().unwrap().clone() {
            entry["pipeline"] = json!(p);
            entry["file"] = json!(format!("pipeline-{p}-{}", entry["file"].as_str().unwrap()));
            entries.push(entry);
        }
    }
    let placement = json!({
        "status": "optimal", "period_s": 1.0 / sum, "throughput_per_s": sum, "inferences_per_s": 2.0 * sum, "latency_s": 1.0,
        "pipelines": placed, "media": [{"id": "channel", "occupied_s": 0.5 / sum}],
    });
    (placement, json!({"model": model, "token": TOKEN, "overlap": "full", "pipelines": rates, "stages": entries}))
}

/// Options with an image, and an address for each node.
pub fn options(nodes: &[&str]) -> Options {
    let address = |at: usize| format!("10.0.0.{}:7101", at + 1).parse().unwrap();
    Options {
        image: Some("registry.local/stages:1".to_owned()),
        addresses: nodes.iter().enumerate().map(|(at, node)| ((*node).to_owned(), address(at))).collect(),
        stage_files: Some(StageFiles::Image("/stage".to_owned())),
        ..Options::default()
    }
}

/// Exports the pipeline on these nodes with its stages.json and a feeder.
pub fn exported(format: Format, model: &str, nodes: &[&str]) -> Export {
    let options = Options { feed: Some(20), ..options(nodes) };
    exported_with(format, &placement(nodes), Some(&stages(model, nodes)), &options)
}

pub fn exported_with(format: Format, placement: &Value, stages: Option<&Value>, options: &Options) -> Export {
    export(Documents { placement, stages, cluster: None }, format, options).unwrap()
}

/// The text of a file of an export.
pub fn text<'a>(export: &'a Export, path: &str) -> &'a str {
    let paths: Vec<_> = export.files.iter().map(|file| &file.path).collect();
    let file =
        export.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is none of {paths:?}"));
    std::str::from_utf8(&file.bytes).unwrap()
}

//! Measured times of onnxruntime, TensorRT, TFLite and CSV in profiles.

use std::collections::BTreeMap;

use cutpoint_import::timings::{TimingFormat, TimingOptions, TimingReport, apply};
use cutpoint_import::{ImportError, Imported, InputFile, Origin};
use serde_json::{Value, json};

use crate::data::{codes, model, read};

/// A profile of a few layers: `split` has two tensors, which are a group.
fn small() -> Value {
    let layer = |id: &str, op: &str, flops: u64| json!({ "id": id, "op": op, "param_bytes": 4, "output_bytes": 8, "flops": flops });
    json!({
        "name": "small", "description": "By hand.",
        "layers": [
            { "id": "image", "op": "Input", "param_bytes": 0, "output_bytes": 8 },
            layer("conv1", "Conv", 1000), layer("relu1", "Relu", 10), layer("conv2", "Conv", 600), layer("add", "Add", 10),
            layer("dense", "Gemm", 200), layer("prob", "Softmax", 20),
        ],
        "edges": [
            { "from": "image", "to": "conv1" }, { "from": "conv1", "to": "relu1" }, { "from": "relu1", "to": "conv2" },
            { "from": "conv2", "to": "add" }, { "from": "relu1", "to": "add" }, { "from": "add", "to": "dense" },
            { "from": "dense", "to": "prob" },
        ],
    })
}

fn timed(profile: &Value, file: &str, content: &[u8], options: TimingOptions<'_>) -> Result<Imported, ImportError> {
    apply(profile, &InputFile { name: file, content }, &TimingOptions { device_class: "pi-4", ..options })
}

fn report(imported: &Imported) -> &TimingReport {
    imported.report.timings.as_ref().unwrap()
}

/// The operators of a profile by their names, and the profile without them, as a reader of ONNX gives them.
fn operators(profile: &Value) -> (BTreeMap<String, Vec<String>>, Value) {
    let mut profile = profile.clone();
    let mut operators: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for layer in profile["layers"].as_array_mut().unwrap() {
        if let Some(operator) = layer.as_object_mut().unwrap().remove("operator") {
            let id = layer["id"].as_str().unwrap().to_owned();
            operators.entry(operator.as_str().unwrap().to_owned()).or_default().push(id);
        }
    }
    (operators, profile)
}

#[test]
fn profiles_of_real_optimised_models_are_matched_and_scaled() {
    for (name, session_s, groups) in [("ocr", 0.0108979, 22), ("magika", 0.00847412, 0)] {
        let whole: Value = serde_json::from_slice(&read(&format!("timings/{name}-profile.json"))).unwrap();
        let times = read(&format!("timings/{name}-onnxruntime.json"));
        let (operators, profile) = operators(&whole);
        let options = TimingOptions { session_s: Some(session_s), operators, ..TimingOptions::default() };
        let imported = timed(&profile, "profile.json", &times, options).unwrap();
        let found = report(&imported);
        println!("{name}: {:.4} matched, {} s of {session_s} s", found.matched_share, found.profile_s);
        assert!(found.matched_share >= 0.98, "{name}: {found:?}");
        // What the planner sums is the session's time.
        let read = model(&imported);
        let picoseconds: u64 = (0..read.layers.len()).filter_map(|layer| read.picoseconds(layer, "pi-4")).sum();
        let sum = picoseconds as f64 * 1e-12;
        assert!((sum - session_s).abs() <= 0.01 * session_s, "{name}: {sum}");
        assert_eq!(found.timed_groups, groups, "{name}");
        // Operators of several tensors keep their group, and every layer that works has a time.
        assert_eq!(read.groups.len(), groups, "{name}");
        let working = (0..read.layers.len()).filter(|&layer| read.works(layer)).count();
        assert_eq!(read.timed_layers()["pi-4"], working, "{name}");
        // A name of an operator in the profile does as well as the map.
        let options = TimingOptions { session_s: Some(session_s), ..TimingOptions::default() };
        let by_member = timed(&whole, "profile.json", &times, options).unwrap();
        assert_eq!(report(&by_member), found);
        assert_eq!(operators_removed(&by_member.document), imported.document);
    }
}

fn operators_removed(profile: &Value) -> Value {
    operators(profile).1
}

#[test]
fn fused_kernels_become_groups() {
    let imported = timed(&small(), "trt.json", &read("timings/tensorrt.json"), TimingOptions::default()).unwrap();
    let profile = model(&imported);
    let groups: Vec<(String, f64)> =
        profile.groups.iter().map(|group| (group.layer_ids.join(" "), group.time_s["pi-4"])).collect();
    assert_eq!(groups, [("conv1 relu1".to_owned(), 1e-3), ("conv2 add".to_owned(), 1.2e-3)]);
    let found = report(&imported);
    assert_eq!(
        found.unmatched.iter().map(|kernel| kernel.name.as_str()).collect::<Vec<_>>(),
        ["Reformatting CopyNode for Output Tensor 0 to Unknown"]
    );
    assert_eq!(found.unmatched_kernels, 1);
    // Softmax was not measured. Nothing of its kind was, so the rate of all layers counts.
    assert_eq!(found.estimated, ["prob"]);
    let rate = (1e-3 + 1.2e-3 + 0.29e-3) / 1820.0;
    assert!((profile.layers[6].time_s["pi-4"] - 20.0 * rate).abs() < 1e-12);
    let estimated = imported.report.sources.iter().find(|source| source.origin == Origin::Estimated).unwrap();
    assert_eq!((estimated.of.as_slice(), estimated.tool.as_deref()), (&["prob".to_owned()][..], Some("tensorrt")));
    let description = profile.description.unwrap();
    assert!(
        description.starts_with("By hand. Imported. time_s/pi-4: 5 measured by tensorrt in trt.json"),
        "{description}"
    );
    assert!(description.contains("1 estimated by tensorrt"), "{description}");
    assert_eq!(codes(&imported), ["times_not_scaled", "times_estimated"]);
}

#[test]
fn tables_of_tflite_are_read_once() {
    let imported = timed(&small(), "t.csv", &read("timings/tflite.csv"), TimingOptions::default()).unwrap();
    let profile = model(&imported);
    assert_eq!(profile.groups.iter().map(|group| group.layer_ids.join(" ")).collect::<Vec<_>>(), ["conv1 relu1"]);
    assert_eq!(profile.groups[0].time_s["pi-4"], 1e-3);
    // Called twice in a pass.
    assert_eq!(profile.layers[4].time_s["pi-4"], 1e-4);
    assert_eq!(report(&imported).matched_share, 1.0);
    assert!(report(&imported).estimated.is_empty());
}

#[test]
fn rows_of_a_table_are_means_by_class_and_scaled_to_the_session() {
    let table = "device_class,layer_id,seconds\npi-4,conv1,0.2\npi-4,conv1,0.4\nnano,conv1,7\npi-4,conv2,0.3\n";
    let options = TimingOptions { session_s: Some(1.0), format: Some(TimingFormat::Csv), ..TimingOptions::default() };
    let imported = timed(&small(), "t.csv", table.as_bytes(), options).unwrap();
    let profile = model(&imported);
    // 0.6 s of 1600 operations were measured, and all 1840 operations take a second.
    for (layer, expected) in [(3, 0.5 * 1600.0 / 1840.0), (5, 200.0 / 1840.0)] {
        let seconds = profile.layers[layer].time_s["pi-4"];
        assert!((seconds - expected).abs() < 1e-9, "{layer}: {seconds} {expected}");
    }
    let total: f64 = profile.layers.iter().filter_map(|layer| layer.time_s.get("pi-4")).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    assert!(codes(&imported).contains(&"times_estimated"));
}

#[test]
fn times_of_other_classes_survive_and_those_of_the_class_are_replaced() {
    let mut profile = small();
    for layer in 1..5 {
        profile["layers"][layer]["time_s"] = json!({ "nano": 0.001, "pi-4": 5.0 });
    }
    profile["groups"] = json!([{ "layer_ids": ["conv1", "relu1"], "time_s": { "nano": 0.0015 } }]);
    let kernels =
        json!([{ "count": 1 }, { "name": "relu1 + conv2", "averageMs": 4.0 }, { "name": "dense", "averageMs": 1.0 }]);
    let imported = timed(&profile, "t.json", kernels.to_string().as_bytes(), TimingOptions::default()).unwrap();
    let read = model(&imported);
    let [group] = &read.groups[..] else { panic!("{:?}", read.groups) };
    assert_eq!(group.layer_ids, ["conv1", "relu1", "conv2"]);
    assert_eq!(group.time_s, [("nano".to_owned(), 0.0025), ("pi-4".to_owned(), 0.004)].into());
    assert_eq!(read.layers[1].time_s, [("nano".to_owned(), 0.001)].into());
    assert!(codes(&imported).contains(&"times_replaced"));
    // A class that timed a part of what is joined has no time of the whole.
    profile["layers"][3].as_object_mut().unwrap().remove("time_s");
    let imported = timed(&profile, "t.json", kernels.to_string().as_bytes(), TimingOptions::default()).unwrap();
    assert!(!model(&imported).groups[0].time_s.contains_key("nano"));
    let dropped = imported.report.warnings.iter().find(|warning| warning.code == "group_times_dropped").unwrap();
    assert_eq!(dropped.about, ["nano"]);
}

#[test]
fn nodes_of_loops_count_once_and_the_first_of_many_runs_not_at_all() {
    let event =
        |cat: &str, name: &str, ts: u64, dur: u64| json!({ "cat": cat, "name": name, "ts": ts, "dur": dur, "tid": 1 });
    let mut events = Vec::new();
    for (run, factor) in [(0, 10), (1000, 1), (2000, 3)] {
        events.push(event("Session", "model_run", run, 990));
        events.push(event("Node", "conv1_kernel_time", run + 1, 10 * factor));
        // A loop whose body runs `dense` twice.
        events.push(event("Node", "conv2_kernel_time", run + 200, 50 * factor));
        events.push(event("Node", "dense_kernel_time", run + 200, 20 * factor));
        events.push(event("Node", "dense_kernel_time", run + 200 + 20 * factor, 20 * factor));
    }
    let content = json!(events).to_string();
    let imported = timed(&small(), "p.json", content.as_bytes(), TimingOptions::default()).unwrap();
    let found = report(&imported);
    assert_eq!(found.kernels, 2);
    assert!((found.measured_s - 120e-6).abs() < 1e-12, "{found:?}");
    assert!((model(&imported).layers[1].time_s["pi-4"] - 20e-6).abs() < 1e-12);
}

#[test]
fn faults_name_file_and_place() {
    let fault = |content: &str, format: Option<TimingFormat>| {
        let options = TimingOptions { format, ..TimingOptions::default() };
        timed(&small(), "f", content.as_bytes(), options).unwrap_err().to_string()
    };
    let csv = Some(TimingFormat::Csv);
    assert!(fault("hello", None).contains("the format of these times is not known"));
    assert!(fault("layer_id,seconds\n", csv).contains("f at line 1: the first line is not layer_id"));
    let two = fault("layer_id,device_class,seconds\nconv1,pi-4,x\nconv2,pi-4,-1\n", csv);
    assert!(two.contains("f at line 2: \"x\"") && two.contains("f at line 3: \"-1\""), "{two}");
    assert!(fault("layer_id,device_class,seconds\nconv1,nano,1\n", csv).contains("Name a class of the file: nano"));
    let other_model = fault("layer_id,device_class,seconds\nLinear_0,pi-4,1\n", csv);
    assert!(other_model.contains("It has: Linear_0. The profile has: conv1, relu1"), "{other_model}");
    assert!(fault("layer_id,device_class,seconds\nconv1,pi-4,1e9\n", csv).contains("Give times that sum to at most"));
    assert!(fault("[{\"cat\": \"Session\"}]", None).contains("there is no event of a node"));
    let bad =
        timed(&json!({ "layers": [{}] }), "f", b"layer_id,device_class,seconds\nx,pi-4,1\n", TimingOptions::default());
    assert!(bad.unwrap_err().to_string().contains("profile at /layers/0: id is missing"));
}

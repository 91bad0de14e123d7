//! Calibrations from logs of a real run, and from ones that were changed.

use std::collections::BTreeMap;

use cutpoint_import::calibration::{
    Calibration, CalibrationInput, DEFAULT_WARM_UP, Measurements, PlannedCosts, calibrate, compare, measurements,
};
use cutpoint_import::{ImportError, InputFile, Origin};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use serde_json::{Value, json};

use crate::data::{plan, read};

pub const LOGS: [&str; 5] = ["sink", "source", "stage-0", "stage-1", "stage-2"];

pub fn logs() -> Vec<Vec<u8>> {
    LOGS.iter().map(|name| read(&format!("runner/logs/pipeline-0-{name}.jsonl"))).collect()
}

pub fn document(name: &str) -> Value {
    serde_json::from_slice(&read(&format!("runner/{name}.json"))).unwrap()
}

pub fn measured(contents: &[Vec<u8>]) -> Result<Measurements, ImportError> {
    let files: Vec<InputFile<'_>> =
        LOGS.iter().zip(contents).map(|(&name, content)| InputFile { name, content }).collect();
    measurements(&files, DEFAULT_WARM_UP).map(|(found, _)| found)
}

/// The documents of a calibration, so that a test can change them.
struct Case {
    profile: Value,
    placement: Value,
    cluster: Value,
    measurements: Measurements,
    classes: BTreeMap<String, String>,
    costs: PlannedCosts,
}

impl Case {
    fn new() -> Self {
        Self {
            profile: document("model"),
            placement: document("placement"),
            cluster: document("cluster"),
            measurements: measured(&logs()).unwrap(),
            classes: BTreeMap::new(),
            costs: PlannedCosts::default(),
        }
    }

    fn calibrate(&self) -> Result<Calibration, ImportError> {
        calibrate(&CalibrationInput {
            profile: &self.profile,
            placement: &self.placement,
            measurements: &self.measurements,
            cluster: Some(&self.cluster),
            device_classes: &self.classes,
            device_class: Some("board"),
            costs: self.costs,
            files: &["logs".to_owned()],
        })
    }

    /// Multiplies what the stages were measured at, each by a factor of its own.
    fn slower(&mut self, factors: [f64; 3]) {
        for (stage, factor) in self.measurements.pipelines[0].stages.iter_mut().zip(factors) {
            stage.compute_s = stage.compute_s.map(|seconds| seconds * factor);
        }
    }

    fn faults(&self) -> String {
        self.calibrate().unwrap_err().to_string()
    }

    /// Predicts the placement that ran with corrected documents: every layer is pinned to its node.
    fn predicted(&self, calibration: &Calibration) -> cutpoint_planner::domain::placement::PlacementDocument {
        let stages = self.placement["pipelines"][0]["stages"].as_array().unwrap();
        let pins: Vec<Value> = stages
            .iter()
            .flat_map(|stage| {
                let layers = stage["layer_ids"].as_array().unwrap();
                layers.iter().map(|layer| json!({"layer_id": layer, "node_id": stage["node_id"]}))
            })
            .collect();
        plan(&json!({
            "model": calibration.profile,
            "cluster": calibration.cluster,
            "constraints": {"source_node": "device1", "sink_node": "device5", "pins": pins},
        }))
    }
}

fn stage_times(placement: &cutpoint_planner::domain::placement::PlacementDocument) -> Vec<f64> {
    placement.stages().iter().map(|stage| stage.compute_s).collect()
}

#[test]
fn logs_give_what_the_runner_summarizes() {
    let summary = Measurements::from_json(&document("summary")).unwrap();
    let ours = measured(&logs()).unwrap();
    assert_eq!(without_rounding(json!(ours)), without_rounding(json!(summary)));
}

/// Two sums of the same numbers in another order differ by rounding.
fn without_rounding(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(format!("{:.9e}", number.as_f64().unwrap())),
        Value::Array(items) => items.into_iter().map(without_rounding).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, without_rounding(value))).collect(),
        other => other,
    }
}

#[test]
fn planned_is_beside_measured() {
    let case = Case::new();
    let comparison = compare(&case.placement, &case.measurements).unwrap();
    let [pipeline] = &comparison.pipelines[..] else { panic!("{comparison:?}") };
    let nodes: Vec<&str> = pipeline.stages.iter().map(|stage| stage.node_id.as_str()).collect();
    let stages = case.placement["pipelines"][0]["stages"].as_array().unwrap();
    assert_eq!(nodes, stages.iter().map(|stage| stage["node_id"].as_str().unwrap()).collect::<Vec<_>>());
    // The stages were paced: they took what was planned, and the network was as measured before.
    for stage in &pipeline.stages {
        assert!((stage.compute_s.ratio.unwrap() - 1.0).abs() < 0.02, "{stage:?}");
    }
    assert!((pipeline.period_s.unwrap().ratio.unwrap() - 1.0).abs() < 0.03, "{:?}", pipeline.period_s);
    assert!((pipeline.latency_s.unwrap().ratio.unwrap() - 1.0).abs() < 0.1, "{:?}", pipeline.latency_s);
    let transfers: Vec<u64> = pipeline.transfers.iter().map(|transfer| transfer.bytes).collect();
    assert_eq!(transfers, [442_368, 73_728, 73_728, 8]);
    assert_eq!(pipeline.transfers[3].transfer_s, None);
}

#[test]
fn corrected_documents_predict_what_was_measured() {
    let mut case = Case::new();
    case.slower([1.5, 0.7, 2.0]);
    let calibration = case.calibrate().unwrap();
    ModelProfile::from_json(&calibration.profile).unwrap();
    let again = case.predicted(&calibration);
    let measured = &case.measurements.pipelines[0];
    for (planned, stage) in stage_times(&again).into_iter().zip(&measured.stages) {
        let measured_s = stage.compute_s.unwrap();
        assert!((planned / measured_s - 1.0).abs() < 1e-6, "{planned} {measured_s}");
    }
    let received = again.stages()[0].receive.as_ref().unwrap();
    let hop = &measured.hops[0];
    let latency_s = received.transfer_s - 8.0 * hop.bytes.unwrap() / hop.goodput_bps.unwrap();
    assert!((0.0..0.01).contains(&latency_s), "{latency_s}");
}

#[test]
fn classes_of_several_nodes_are_joined_and_layers_elsewhere_are_estimated() {
    let mut case = Case::new();
    case.slower([2.0, 3.0, 1.0]);
    let stages = case.placement["pipelines"][0]["stages"].as_array().unwrap().clone();
    let node = |index: usize| stages[index]["node_id"].as_str().unwrap().to_owned();
    case.classes = BTreeMap::from([(node(2), "other".to_owned())]);
    let calibration = case.calibrate().unwrap();
    let flops_per_s = case.cluster["nodes"][1]["flops_per_s"].as_f64().unwrap();
    let ratio = |calibration: &Calibration, index: usize, class: &str| {
        let layers = calibration.profile["layers"].as_array().unwrap();
        let ids = stages[index]["layer_ids"].as_array().unwrap();
        let of = layers.iter().filter(|layer| ids.contains(&layer["id"]));
        let (mut seconds, mut flops) = (0.0, 0.0);
        for layer in of {
            seconds += layer["time_s"][class].as_f64().unwrap_or(0.0);
            flops += layer["flops"].as_f64().unwrap_or(0.0);
        }
        seconds / (flops / flops_per_s)
    };
    // Operations are all that was known, so a layer is as far from them on the class where it did not run.
    for (index, expected) in [(0, 2.0), (1, 3.0), (2, 1.0)] {
        for class in ["board", "other"] {
            let found = ratio(&calibration, index, class);
            assert!((found / expected - 1.0).abs() < 0.01, "{index} {class} {found}");
        }
    }
    let origins: Vec<(&str, Origin)> =
        calibration.sources.iter().map(|source| (source.figure.as_str(), source.origin)).collect();
    for expected in [
        ("time_s/board", Origin::Measured),
        ("time_s/board", Origin::Estimated),
        ("time_s/other", Origin::Measured),
        ("bandwidth_bps", Origin::Measured),
    ] {
        assert!(origins.contains(&expected), "{expected:?} in {origins:?}");
    }
    // Where the profile has times, the class is faster or slower than was profiled, whichever layer runs.
    for layer in case.profile["layers"].as_array_mut().unwrap() {
        let flops = layer["flops"].as_f64().unwrap_or(0.0);
        layer["time_s"] = json!({"board": flops / flops_per_s, "other": flops / flops_per_s});
    }
    let again = case.calibrate().unwrap();
    let both = (2.0 * 0.198983404 + 3.0 * 0.200913855) / (0.198983404 + 0.200913855);
    for (index, class, expected) in [(0, "board", 2.0), (1, "board", 3.0), (2, "board", both), (0, "other", 1.0)] {
        let found = ratio(&again, index, class);
        assert!((found / expected - 1.0).abs() < 0.01, "{index} {class} {found}");
    }
    let cluster = ClusterInventory::from_json(calibration.cluster.as_ref().unwrap()).unwrap();
    let class = |id: &str| cluster.nodes.iter().find(|node| node.id == id).unwrap().device_class.clone();
    assert_eq!(class(&node(2)).as_deref(), Some("other"));
    assert_eq!(class(&node(0)).as_deref(), Some("board"));
}

#[test]
fn groups_with_a_time_keep_one() {
    let mut case = Case::new();
    let stage = &case.placement["pipelines"][0]["stages"][0]["layer_ids"];
    let group = [stage[1].clone(), stage[2].clone()];
    case.profile["groups"] = json!([{"layer_ids": group, "time_s": {"board": 0.05}}]);
    case.slower([1.5, 1.0, 1.0]);
    let calibration = case.calibrate().unwrap();
    let time = calibration.profile["groups"][0]["time_s"]["board"].as_f64().unwrap();
    assert!(time > 0.05, "{time}");
    let in_group = |layer: &&Value| group.contains(&layer["id"]);
    for layer in calibration.profile["layers"].as_array().unwrap().iter().filter(in_group) {
        assert_eq!(layer["time_s"]["board"], Value::Null, "{layer}");
    }
    let planned = stage_times(&case.predicted(&calibration))[0];
    let measured_s = case.measurements.pipelines[0].stages[0].compute_s.unwrap();
    assert!((planned / measured_s - 1.0).abs() < 1e-6, "{planned} {measured_s}");
}

#[test]
fn memory_that_fits_holds_every_process() {
    let mut case = Case::new();
    for (stage, peak_bytes) in case.measurements.pipelines[0].stages.iter_mut().zip([90_u64, 70, 80]) {
        stage.memory.as_mut().unwrap().peak_bytes = peak_bytes << 20;
    }
    let fit = case.calibrate().unwrap().cost_model.unwrap();
    // The stages need nearly the same, so they tell no scale.
    assert_eq!(fit.memory_scale, 1.0);
    let first = case.placement["pipelines"][0]["stages"][0]["memory_bytes"].as_u64().unwrap();
    assert_eq!(fit.memory_overhead_bytes, (90 << 20) - first);
}

#[test]
fn links_and_ports_have_what_was_measured() {
    let mut case = Case::new();
    let hop = &mut case.measurements.pipelines[0].hops[0];
    // The first transfer came at half of the rate that iperf3 had found.
    hop.goodput_bps = Some(9e6);
    let calibration = case.calibrate().unwrap();
    let corrected = ClusterInventory::from_json(calibration.cluster.as_ref().unwrap()).unwrap();
    let first = case.placement["pipelines"][0]["stages"][0]["node_id"].as_str().unwrap();
    let before = ClusterInventory::from_json(&case.cluster).unwrap();
    for (new, old) in corrected.links.iter().zip(&before.links) {
        let is_it = new.from == "device1" && new.to == first;
        assert_eq!(new.bandwidth_bps, if is_it { 9e6 } else { old.bandwidth_bps }, "{} -> {}", new.from, new.to);
    }
    // Small transfers tell no rate, and the link was slower than the ports, which keep theirs.
    let ports = |cluster: &ClusterInventory| cluster.nodes.iter().map(|node| node.port_bps).collect::<Vec<_>>();
    assert_eq!(ports(&corrected), ports(&before));
    let codes: Vec<&str> = calibration.warnings.iter().map(|warning| warning.code).collect();
    assert!(codes.contains(&"transfers_too_small") && codes.contains(&"stages_paced"), "{codes:?}");

    // A transfer that is faster than a port was known to be makes the port faster.
    case.measurements.pipelines[0].hops[0].goodput_bps = Some(9e7);
    let calibration = case.calibrate().unwrap();
    let corrected = ClusterInventory::from_json(calibration.cluster.as_ref().unwrap()).unwrap();
    let node = corrected.nodes.iter().find(|node| node.id == first).unwrap();
    assert_eq!(node.port_bps, Some(9e7));
    assert!(node.labels["source.port_bps"].starts_with("measured by cutpoint-runner in logs"), "{:?}", node.labels);
}

#[test]
fn transfers_on_one_medium_are_taken_from_inferences_that_were_alone() {
    let mut case = Case::new();
    for link in case.cluster["links"].as_array_mut().unwrap() {
        link["medium"] = json!("channel");
    }
    let hop = &mut case.measurements.pipelines[0].hops[0];
    hop.goodput_bps = Some(5e6);
    let alone = hop.alone.unwrap().goodput_bps.unwrap();
    let calibration = case.calibrate().unwrap();
    let corrected = ClusterInventory::from_json(calibration.cluster.as_ref().unwrap()).unwrap();
    let first = case.placement["pipelines"][0]["stages"][0]["node_id"].as_str().unwrap();
    let link = corrected.links.iter().find(|link| link.from == "device1" && link.to == first).unwrap();
    assert_eq!((link.bandwidth_bps, link.medium.as_deref()), (alone, Some("channel")));
    case.measurements.pipelines[0].hops[0].alone = None;
    let warnings = case.calibrate().unwrap().warnings;
    let warning = warnings.iter().find(|warning| warning.code == "rates_not_measured").unwrap();
    assert_eq!(warning.about, [format!("device1 -> {first}")]);
}

#[test]
fn a_direction_of_a_link_or_of_a_mesh_becomes_a_link_of_its_own() {
    let first = Case::new().placement["pipelines"][0]["stages"][0]["node_id"].as_str().unwrap().to_owned();
    let both =
        json!([{"from": first, "to": "device1", "bandwidth_bps": 2e7, "latency_s": 0.25, "bidirectional": true}]);
    let mesh = json!({"kind": "full_mesh", "bandwidth_bps": 2e7, "latency_s": 0.25});
    let ids: Vec<String> = (1..=5).map(|i| format!("device{i}")).collect();
    let rows: Vec<Vec<f64>> = (0..5).map(|i| (0..5).map(|j| if i == j { 0.0 } else { 2e7 }).collect()).collect();
    let matrix = json!({"kind": "matrix", "node_ids": ids, "bandwidth_bps": rows, "latency_s": 0.25});
    for (links, network) in [(both, mesh.clone()), (json!([]), mesh), (json!([]), matrix)] {
        let mut case = Case::new();
        case.cluster["links"] = links;
        case.cluster["network"] = network;
        for node in case.cluster["nodes"].as_array_mut().unwrap() {
            node.as_object_mut().unwrap().remove("port_bps");
        }
        case.measurements.pipelines[0].latency = None;
        case.measurements.pipelines[0].hops[0].goodput_bps = Some(9e6);
        let calibration = case.calibrate().unwrap();
        let request = json!({"model": calibration.profile, "cluster": calibration.cluster,
            "constraints": {"source_node": "device1", "sink_node": "device5"}});
        plan(&request);
        let corrected = ClusterInventory::from_json(calibration.cluster.as_ref().unwrap()).unwrap();
        let there = corrected.links.iter().find(|link| link.from == "device1").unwrap();
        assert_eq!((there.to.as_str(), there.bandwidth_bps, there.latency_s), (first.as_str(), 9e6, 0.25));
        assert!(!there.bidirectional);
        if let Some(back) = corrected.links.iter().find(|link| link.from == first) {
            assert_eq!((back.to.as_str(), back.bandwidth_bps, back.latency_s), ("device1", 2e7, 0.25));
        }
    }
}

#[test]
fn latency_beside_compute_and_transfers_is_that_of_the_links() {
    let mut case = Case::new();
    let before = case.calibrate().unwrap();
    case.measurements.pipelines[0].latency.as_mut().unwrap().mean_s += 0.4;
    let after = case.calibrate().unwrap();
    let latencies = |calibration: &Calibration| {
        let cluster = ClusterInventory::from_json(calibration.cluster.as_ref().unwrap()).unwrap();
        cluster.links.iter().map(|link| link.latency_s).sum::<f64>()
    };
    // The links before may be less by what they cannot have below 0.
    let more = latencies(&after) - latencies(&before);
    assert!((0.37..=0.4001).contains(&more), "{more}");
    let latency_s = case.predicted(&after).latency_s.unwrap();
    let measured_s = case.measurements.pipelines[0].latency.unwrap().mean_s;
    assert!((latency_s / measured_s - 1.0).abs() < 0.01, "{latency_s} {measured_s}");
}

#[test]
fn measurements_of_something_else_are_refused() {
    let mut case = Case::new();
    case.measurements.pipelines[0].stages.remove(1);
    assert!(case.faults().contains("stage 1 on node \"device3\" was not measured"), "{}", case.faults());
    let mut case = Case::new();
    case.measurements.pipelines[0].stages[1].node_id = "device9".to_owned();
    assert!(case.faults().contains("stage 1 ran on node \"device9\""), "{}", case.faults());
    let mut case = Case::new();
    case.measurements.pipelines[0].hops[1].bytes = Some(73_732.0);
    assert!(case.faults().contains("73732 bytes travel to stage 1, and the placement says 73728"), "{}", case.faults());
    let mut case = Case::new();
    case.measurements.pipelines[0].stages[2].counted = 9;
    assert!(case.faults().contains("9 inferences of stage 2 count after the warm-up"), "{}", case.faults());
    let mut case = Case::new();
    case.measurements.pipelines[0].pipeline = 3;
    assert!(case.faults().contains("there is no pipeline 3"), "{}", case.faults());
    assert!(case.faults().contains("pipeline 0 was not measured"), "{}", case.faults());
    let mut case = Case::new();
    case.placement["pipelines"][0]["stages"][0]["layer_ids"][0] = json!("renamed");
    assert!(case.faults().contains("there is no layer \"renamed\""), "{}", case.faults());
    let mut case = Case::new();
    case.cluster["nodes"].as_array_mut().unwrap().retain(|node| node["id"] != "device3");
    assert!(case.faults().contains("there is no node \"device3\""), "{}", case.faults());
    let mut case = Case::new();
    case.classes = BTreeMap::from([("device1".to_owned(), "pi".to_owned())]);
    assert!(case.faults().contains("node \"device1\" hosts no stage"), "{}", case.faults());
    let case = Case::new();
    assert!(compare(&json!({"status": "infeasible"}), &case.measurements).is_err());
}

#[test]
fn logs_that_are_none_are_refused_with_their_lines() {
    let changed = |from: &str, to: &str| {
        let mut contents = logs();
        let text = String::from_utf8(contents[2].clone()).unwrap();
        let at = text.rfind(from).unwrap();
        contents[2] = [&text[..at], to, &text[at + from.len()..]].concat().into_bytes();
        measured(&contents).map(|_| ()).unwrap_err().to_string()
    };
    let another = changed("\"model\": \"paddle-onnx\"", "\"model\": \"other\"");
    assert!(another.contains("is of model"), "{another}");
    let version = changed("\"version\": 1", "\"version\": 2");
    assert!(version.contains("stage-0 at line 1: the log is of version 2"), "{version}");
    let negative = changed("\"compute_s\": 0.", "\"compute_s\": -0.");
    assert!(negative.contains("/compute_s: ") && negative.contains("from 0 to 1e100"), "{negative}");
    // Milliseconds of the epoch are no seconds of compute.
    let nonsense = changed("\"compute_s\": 0.", "\"compute_s\": 1764393600000.");
    assert!(nonsense.contains("is no duration of an inference"), "{nonsense}");
    let missing = changed("\"received_bytes\"", "\"bytes_received\"");
    assert!(missing.contains("received_bytes is missing"), "{missing}");
    let headless = measured(&[b"{\"record\": \"inference\"}\n".to_vec()]).unwrap_err().to_string();
    assert!(headless.contains("does not begin with a header"), "{headless}");
    let nothing = measurements(&[], 0).unwrap_err().to_string();
    assert!(nothing.contains("there are no logs"), "{nothing}");
}

#[test]
fn half_a_line_of_a_killed_process_is_left_out() {
    let mut contents = logs();
    contents[3].extend_from_slice(b"{\"record\": \"infer");
    let files = [InputFile { name: "stage-1", content: &contents[3] }];
    let (found, warnings) = measurements(&files, DEFAULT_WARM_UP).unwrap();
    assert_eq!(found.pipelines[0].stages.len(), 1);
    assert_eq!(warnings[0].code, "lines_left_out");
    assert_eq!(warnings[0].about, ["stage-1 line 61"]);
}

#[test]
fn all_faults_of_a_summary_have_their_pointers() {
    let mut summary = document("summary");
    summary["version"] = json!(7);
    summary["pipelines"][0]["overlap"] = json!("half");
    summary["pipelines"][0]["period_s"] = json!(-1);
    summary["pipelines"][0]["stages"][1]["compute_s"] = json!("fast");
    summary["pipelines"][0]["stages"][2].as_object_mut().unwrap().remove("counted");
    summary["pipelines"][0]["hops"][0]["alone"]["goodput_bps"] = json!(0);
    let error = Measurements::from_json(&summary).unwrap_err();
    let places: Vec<&str> = error.faults.iter().map(|fault| fault.place.as_str()).collect();
    for place in [
        "/version",
        "/pipelines/0/overlap",
        "/pipelines/0/period_s",
        "/pipelines/0/stages/1/compute_s",
        "/pipelines/0/stages/2",
        "/pipelines/0/hops/0/alone/goodput_bps",
    ] {
        assert!(places.contains(&place), "{place} in {places:?}");
    }
    assert_eq!(places.len(), 6, "{places:?}");
    for nothing in [json!([]), json!({}), json!(null)] {
        assert!(Measurements::from_json(&nothing).is_err());
    }
}

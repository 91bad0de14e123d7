//! `cutpoint calibrate` as a user runs it, with the logs of a real run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn data(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/import/tests/data/runner");
    folder.join(name).display().to_string()
}

fn cutpoint(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutpoint")).args(arguments).output().unwrap()
}

fn calibrate(measured: &str, output: &Path, more: &[&str]) -> Output {
    let (profile, placement) = (data("model.json"), data("placement.json"));
    let output = output.display().to_string();
    let files = ["calibrate", "--profile", &profile, "--placement", &placement, "--measured", measured];
    cutpoint(&[&files[..], &["--output", &output], more].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn document(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_it_writes_is_what_the_next_plan_reads() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let cluster = data("cluster.json");
    let done = calibrate(&data("logs"), &new, &["--cluster", &cluster, "--device-class", "board"]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("these stages were paced"), "{}", said(&done));
    let printed = String::from_utf8(done.stdout.clone()).unwrap();
    for words in
        ["planned      measured   ratio", "stage 1 on device3: compute", "device1 to device4, 442368 bytes: transfer"]
    {
        assert!(printed.contains(words), "{words} in\n{printed}");
    }
    let report = document(new.join("report.json"));
    assert_eq!(report["measurements"]["model"], "paddle-onnx");
    assert_eq!(report["comparison"]["pipelines"][0]["stages"].as_array().unwrap().len(), 3);
    assert_eq!(report["sources"][0]["figure"], "time_s/board");
    // The last line of what it prints is the next command.
    let command = printed.lines().rfind(|line| line.contains("cutpoint plan")).unwrap();
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    let ends = ["--source", "device1", "--sink", "device5", "--output", "json"];
    let planned = cutpoint(&[&words[..], &ends[..]].concat());
    assert!(planned.status.success(), "{}", said(&planned));
    let planned: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let measured_s = report["measurements"]["pipelines"][0]["period_s"].as_f64().unwrap();
    let ratio = planned["period_s"].as_f64().unwrap() / measured_s;
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
}

#[test]
fn a_summary_says_what_the_logs_say() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, measured: &str| {
        let new = folder.path().join(name);
        let done = calibrate(&data(measured), &new, &["--device-class", "board"]);
        assert!(done.status.success(), "{}", said(&done));
        assert!(!new.join("cluster.json").exists());
        document(new.join("report.json"))["comparison"].clone()
    };
    let (logs, summary) = (of("logs", "logs"), of("summary", "summary.json"));
    let period = |comparison: &Value| comparison["pipelines"][0]["period_s"]["measured"].as_f64().unwrap();
    assert!((period(&logs) / period(&summary) - 1.0).abs() < 1e-9, "{logs} {summary}");
}

#[test]
fn what_cannot_be_used_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |measured: &str, more: &[&str], words: &str| {
        let new = folder.path().join("new");
        let done = calibrate(measured, &new, more);
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        assert!(said(&done).contains(words), "{words} in {}", said(&done));
        assert!(!new.exists());
    };
    refused(&data("logs"), &[], "node \"device4\" has no device class. Give --device-class device4=NAME");
    refused(&folder.path().display().to_string(), &[], "the folder has no .jsonl file");
    refused(
        &data("logs/pipeline-0-stage-0.jsonl"),
        &["--device-class", "b"],
        "stage 1 on node \"device3\" was not measured",
    );
    refused(
        &data("logs"),
        &["--device-class", "b", "--warm-up", "25"],
        "5 inferences of stage 0 count after the warm-up",
    );
    refused(&data("model.json"), &["--device-class", "b"], "measurements: version is missing");
    let cluster = data("no-such-cluster.json");
    refused(&data("logs"), &["--cluster", &cluster, "--device-class", "b"], "the file cannot be read");
}

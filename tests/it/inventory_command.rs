//! `cutpoint inventory` as a user runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cutpoint_planner::domain::cluster::ClusterInventory;
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/import/tests/data").join(name)
}

fn inventory(arguments: &[&str], standard_input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    command.arg("inventory").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(standard_input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_site_is_written_with_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("measured");
    std::fs::create_dir(&results).unwrap();
    for name in ["a-b.json", "a-b-reverse.json", "a-nobody.json"] {
        std::fs::copy(data("iperf3").join(name), results.join(name)).unwrap();
    }
    std::fs::write(results.join("notes.txt"), "not read").unwrap();
    let (output, report) = (folder.path().join("cluster.json"), folder.path().join("report.json"));
    let paths =
        [data("kubernetes.json"), results, output.clone(), report.clone()].map(|path| path.display().to_string());
    let [kubernetes, results, output_path, report_path] = paths.each_ref().map(String::as_str);
    let nomad = std::fs::read(data("nomad.json")).unwrap();
    let originators = format!("nuc-1={}", data("originators.json").display());
    let arguments = [
        "--kubernetes",
        kubernetes,
        "--nomad",
        "-",
        "--iperf3",
        results,
        "--batman",
        &originators,
        "--medium",
        "mesh=nuc-1,nuc-2,nuc-3",
        "--name",
        "lab",
        "--output",
        output_path,
        "--report",
        report_path,
    ];
    let made = inventory(&arguments, &nomad);
    let errors = text(&made.stderr);
    assert!(made.status.success(), "{errors}");
    assert!(made.stdout.is_empty());
    assert!(errors.contains("cutpoint: nobody measured 38 of 42 directed pairs"), "{errors}");
    assert!(errors.contains("unable to connect to server"), "{errors}");
    let document: Value = serde_json::from_slice(&std::fs::read(output).unwrap()).unwrap();
    let cluster = ClusterInventory::from_json(&document).unwrap();
    assert_eq!((cluster.name.as_str(), cluster.nodes.len(), cluster.links.len()), ("lab", 7, 4));
    let shared = cluster.links.iter().filter(|link| link.medium.as_deref() == Some("mesh")).count();
    assert_eq!(shared, 2);
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert!(report["sources"].as_array().unwrap().iter().any(|source| source["of"][0] == "pi-2 -> pi-1"));
}

#[test]
fn all_faults_are_said_at_once_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("cluster.json");
    let absent = folder.path().join("absent.json");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let paths = [absent, empty, output.clone()].map(|path| path.display().to_string());
    let [absent, empty, output_path] = paths.each_ref().map(String::as_str);
    let arguments = ["--kubernetes", "-", absent, "--nomad", "-", "--iperf3", empty, "--output", output_path];
    let refused = inventory(&arguments, b"{\"items\": [{}]}");
    assert_eq!(refused.status.code(), Some(2));
    let errors = text(&refused.stderr);
    for wanted in [
        &format!("cutpoint: {absent}: the file cannot be read"),
        "cutpoint: -: standard input was read already. Give - once",
        &format!("cutpoint: {empty}: the folder has no .json file"),
        "cutpoint: - at /items/0: metadata/name is missing",
        "cutpoint: - at /items/0: status/allocatable/memory is missing",
    ] {
        assert!(errors.contains(wanted), "{wanted}: {errors}");
    }
    assert!(!output.exists());
}

#[test]
fn a_document_goes_to_standard_output_and_control_characters_do_not_reach_the_terminal() {
    let nodes = br#"{"nodes": [{"id": "a\u001b[2J", "memory_bytes": 5}, {"id": "b", "memory_bytes": 5}]}"#;
    let made = inventory(&["--nodes", "-"], nodes);
    assert!(made.status.success());
    assert!(!text(&made.stderr).contains('\u{1b}'));
    let document: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(ClusterInventory::from_json(&document).unwrap().nodes.len(), 2);
}

//! The experiments on tiny runs of both suites: files, counts, and what its figures promise.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::{Env, plan};

type Row = BTreeMap<String, String>;

const TINY: [&str; 8] =
    ["--models", "MobileNetV2,InceptionResNetV2", "--nodes", "10,5", "--memory-mib", "32,64", "--clusters", "2"];

fn bench(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutpoint-bench")).arg("--output").arg(folder).args(arguments).output().unwrap()
}

fn runs(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("runs.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let heading: Vec<String> = lines.next().unwrap().collect();
    lines.map(|cells| heading.iter().cloned().zip(cells).collect()).collect()
}

#[test]
fn a_tiny_run_counts_apart_what_has_no_ratio_and_holds_the_rest_against_a_proof() {
    let folder = tempfile::tempdir().unwrap();
    let output = bench(folder.path(), &TINY);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = runs(folder.path());
    // 2 models, 2 numbers of nodes, 2 memories, 2 clusters, 4 algorithms.
    assert_eq!(rows.len(), 2 * 2 * 2 * 2 * 4);
    for row in &rows {
        let expected = match (&*row["model"], &*row["nodes"], &*row["memory_mib"]) {
            ("MobileNetV2", ..) => "one_stage",
            (_, "5", "32") => "infeasible",
            _ => "compared",
        };
        assert_eq!(row["instance"], expected, "{row:?}");
        let is_compared = expected == "compared";
        assert_eq!(!row["period_over_optimum"].is_empty(), is_compared, "{row:?}");
        if is_compared {
            let ratio: f64 = row["period_over_optimum"].parse().unwrap();
            let is_exact = row["algorithm"] == "exact";
            assert!(if is_exact { ratio == 1.0 } else { ratio >= 1.0 }, "{row:?}");
            assert!(!is_exact || row["status"] == "optimal", "{row:?}");
        }
    }
    // InceptionResNetV2 has hops in all of its four cells but the infeasible one.
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(summary.contains("| compared: with hops and a proven optimum | 3 | 6 |"), "{summary}");
    assert!(summary.contains("| infeasible, proven | 1 | 2 |"), "{summary}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with(&summary));
    for name in ["ratios.svg", "times.svg"] {
        let svg = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
        for wanted in ["kpath", "nodes in the cluster", "box: quartiles"] {
            assert!(svg.contains(wanted), "{wanted} is missing in {name}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_runs_but_for_their_times() {
    let without_times = |seed: &str| {
        let folder = tempfile::tempdir().unwrap();
        assert!(bench(folder.path(), &[&TINY[..], &["--seed", seed]].concat()).status.success());
        let mut rows = runs(folder.path());
        rows.iter_mut().for_each(|row| drop(row.remove("solve_s").unwrap()));
        rows
    };
    let rows = without_times("3");
    assert_eq!(rows, without_times("3"));
    assert_ne!(rows, without_times("4"));
}

#[test]
fn a_quick_run_of_families_has_a_row_for_each_instance_and_a_table_for_each_family() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--suite", "families", "--family", "paper,sparse", "--nodes", "5,10", "--quick"];
    let output = bench(folder.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = runs(folder.path());
    // 2 families, 2 numbers of nodes, 3 instances.
    assert_eq!(rows.len(), 2 * 2 * 3);
    for row in &rows {
        let has_placement = row["status"] == "optimal";
        assert!(has_placement || row["status"] == "infeasible", "{row:?}");
        assert_eq!((row["algorithm"].as_str(), row["period_s"].is_empty()), ("exact", !has_placement), "{row:?}");
        assert!(row["solve_s"].parse::<f64>().unwrap() >= 0.0, "{row:?}");
    }
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    for wanted in ["## paper", "## sparse", "| 5 | 3 |", "| 10 | 3 |"] {
        assert!(summary.contains(wanted), "{wanted} is missing in {summary}");
    }
    assert!(String::from_utf8(output.stdout).unwrap().starts_with(&summary));
}

#[test]
fn written_requests_are_planned_to_the_periods_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--suite", "families", "--family", "pinned", "--nodes", "8", "--clusters", "2", "--seed", "5"];
    assert!(bench(folder.path(), &arguments).status.success());
    let requests = folder.path().join("requests");
    let written = Command::new(env!("CARGO_BIN_EXE_cutpoint-bench"))
        .args(arguments)
        .arg("--write")
        .arg(&requests)
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    for row in runs(folder.path()) {
        let file = requests.join(format!("pinned-n8-00{}-{}.json", row["number"], row["model"]));
        let request = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let request = PlanRequest::from_json(&request).unwrap();
        let seed = request.options.solver.seed;
        let placement = plan(&request, &Env { seed, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap();
        assert_eq!(serde_json::to_value(placement.status).unwrap(), *row["status"]);
        assert_eq!(placement.period_s, row["period_s"].parse().ok());
    }
}

#[test]
fn the_orders_of_a_model_have_one_period() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--suite", "models", "--models", "SqueezeNet1.1", "--nodes", "5", "--shuffles", "2"];
    let output = bench(folder.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = runs(folder.path());
    // 3 orders, 2 networks.
    assert_eq!(rows.len(), 3 * 2);
    for row in &rows {
        assert_eq!((&*row["status"], &*row["layers"]), ("optimal", &*rows[0]["layers"]), "{row:?}");
        assert_eq!((&row["cuts"], &row["considered"]), (&rows[0]["cuts"], &rows[0]["cuts"]), "{row:?}");
    }
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(summary.contains("| 6 | 6 | 2 of 2 | 0 |"), "{summary}");
}

#[test]
fn bad_flags_are_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let refused: [&[&str]; 12] = [
        &["--models", "ResNet51"],
        &["--nodes", "0"],
        &["--quick", "--clusters", "3"],
        &["--family", "paper"],
        &["--suite", "families", "--family", "parer"],
        &["--suite", "families", "--algorithm", "fast"],
        &["--suite", "families", "--memory-mib", "64"],
        &["--suite", "families", "--family", "sparse", "--nodes", "10000"],
        &["--shuffles", "3"],
        &["--suite", "models", "--family", "paper"],
        &["--suite", "models", "--quick"],
        &["--suite", "models", "--profiles", "/nowhere"],
    ];
    for arguments in refused {
        let output = bench(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let complaint = String::from_utf8(bench(folder.path(), &["--models", "ResNet51"]).stderr).unwrap();
    assert!(complaint.contains("ResNet51") && complaint.contains("ResNet50"), "{complaint}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

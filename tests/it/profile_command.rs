//! `cutpoint profile` as a user runs it. tests/data/small.onnx multiplies batch × rows × 8 floats by 8 × 4 weights.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/small.onnx");

fn profile(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    let piped =
        command.arg("profile").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // The command may end without reading all of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn files_and_standard_input_give_the_same_profile() {
    let from_file = profile(&[SMALL, "--dim", "rows=3"], b"");
    let piped = profile(&["-", "--input", "x=1x3x8"], &std::fs::read(SMALL).unwrap());
    assert!(from_file.status.success() && piped.status.success(), "{}{}", said(&from_file), said(&piped));
    let read = |output: &Output| -> (Value, String) {
        let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let description = document.as_object_mut().unwrap().remove("description").unwrap();
        (document, description.as_str().unwrap().to_owned())
    };
    let ((document, description), (same, other)) = (read(&from_file), read(&piped));
    assert_eq!(document, same);
    assert!(description.contains("param_bytes: 1 stated by onnx in small.onnx"), "{description}");
    assert!(other.contains("output_bytes: 2 stated by onnx in standard input"), "{other}");
    let figures = |layer: &Value| ["param_bytes", "output_bytes", "flops"].map(|field| layer[field].as_u64().unwrap());
    let layers: Vec<_> = document["layers"].as_array().unwrap().iter().map(figures).collect();
    assert_eq!(layers, [[0, 96, 0], [128, 128, 0], [0, 48, 192], [0, 48, 12]]);
    assert!(
        said(&from_file).contains("nothing says these dimensions, and they were set to 1: batch"),
        "{}",
        said(&from_file)
    );
}

#[test]
fn a_profile_and_its_report_are_written_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let (output, report) = (folder.path().join("small.json"), folder.path().join("report.json"));
    let arguments =
        [SMALL, "--dim", "rows=3", "--dim", "batch=2", "--name", "mine", "--output", output.to_str().unwrap()];
    let done = profile(&[&arguments[..], &["--report", report.to_str().unwrap()]].concat(), b"");
    assert!(done.status.success() && done.stdout.is_empty(), "{}", said(&done));
    let read = |file| -> Value { serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap() };
    let document = read(output);
    assert_eq!((document["name"].as_str(), document["batch_size"].as_u64()), (Some("mine"), Some(2)));
    let report = read(report);
    assert_eq!(report["onnx"]["dimensions"][0]["source"], "set");
    let sources = report["sources"].as_array().unwrap();
    let of = |figure: &str| sources.iter().find(|source| source["figure"] == figure).unwrap();
    assert_eq!((&of("dimensions/batch")["origin"], &of("param_bytes")["of"][0]), (&"stated".into(), &"w".into()));
}

#[test]
fn what_is_missing_or_misspelt_is_named_with_exit_code_2() {
    for (arguments, words) in [
        (
            &[SMALL][..],
            r#"the input "x" is 1 x rows x 8: set rows=N, or give the whole shape as x=1xNx8. Use --dim NAME=N"#,
        ),
        (&[SMALL, "--dim", "row=3"], "Name one of batch, rows"),
        (&[SMALL, "--format", "profile", "--dim", "rows=3"], "--dim does not go with --format profile"),
        (&[SMALL, "--model", "vit"], "--model does not go with --format onnx"),
        (&["-", "--timings", "-", "--device-class", "pi-4"], "standard input, -, can be read once only"),
        (&[SMALL, "--dim", "rows"], "Write it as batch=1"),
        (&[SMALL, "--input", "x=1x3"], "Give 3 numbers with x between them"),
        (&["Cargo.toml"], "this is no ONNX model"),
    ] {
        let done = profile(arguments, b"");
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        assert!(said(&done).contains(words), "{}", said(&done));
    }
    let absent = profile(&["absent.onnx"], b"");
    assert_eq!(absent.status.code(), Some(1));
    assert!(said(&absent).contains("absent.onnx: the model could not be read"), "{}", said(&absent));
}

#[test]
fn measured_times_go_into_a_profile() {
    let times = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/import/tests/data/timings/");
    let (model, measured) = (format!("{times}magika-profile.json"), format!("{times}magika-onnxruntime.json"));
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let flags = ["--device-class", "pi-4", "--session-s", "0.00847412", "--report", report.to_str().unwrap()];
    let done = profile(&[&[model.as_str(), "--timings", &measured], &flags[..]].concat(), b"");
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("100.0 % of 0.008857 s matched: 94 layers measured, 0 estimated"), "{}", said(&done));
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    let parts = ["layers", "groups"].map(|list| document[list].as_array().cloned().unwrap_or_default()).concat();
    let total: f64 = parts.iter().filter_map(|part| part["time_s"]["pi-4"].as_f64()).sum();
    assert!((total - 0.00847412).abs() < 1e-9, "{total}");
    assert!(
        document["description"].as_str().unwrap().contains("time_s/pi-4: 94 measured by onnxruntime"),
        "{document}"
    );
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(report["timings"]["matched_share"], 1.0);
    let other = format!("{times}ocr-onnxruntime.json");
    let refused = profile(&[&model, "--timings", &other, "--device-class", "pi-4"], b"");
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("no name of it is that of an operator or layer"), "{}", said(&refused));
}

#[test]
fn models_of_other_planners_become_profiles() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/import/tests/data/");
    let (models, types) = (format!("{data}pipeedge/models.yml"), format!("{data}pipeedge/device_types.yml"));
    let done = profile(&[&models, "--device-types", &types, "--batch-size", "8", "--name", "tiny"], b"");
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("give in a request cost_model: {\"io_buffers\":3"), "{}", said(&done));
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((document["name"].as_str(), document["batch_size"].as_u64()), (Some("tiny"), Some(8)));
    let several = profile(&[&models, "--device-types", &types], b"");
    assert_eq!(several.status.code(), Some(2), "{}", said(&several));
    let graph = format!("{data}dnn-partitioning.json");
    let done = profile(&[&graph, "--format", "dnn-partitioning"], b"");
    assert!(done.status.success() && said(&done).contains("constraints: {\"pins\""), "{}", said(&done));
}

//! `cutpoint export` as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn cutpoint(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Writes a placement of two stages, and the stages.json of its cut.
fn documents(folder: &Path, nodes: [&str; 2]) {
    let send = json!({"to_node_id": nodes[1], "tensor_layer_ids": ["t"], "bytes": 48, "transfer_s": 0.5});
    let receive = json!({"from_node_id": nodes[0], "tensor_layer_ids": ["t"], "bytes": 48, "transfer_s": 0.5});
    let stages = json!([
        {"node_id": nodes[0], "layer_ids": ["x", "t"], "compute_s": 0.25, "memory_bytes": 7, "send": send},
        {"node_id": nodes[1], "layer_ids": ["y"], "compute_s": 0.125, "memory_bytes": 9, "receive": receive},
    ]);
    let placement = json!({"pipelines": [{"period_s": 0.5, "latency_s": 0.875, "stages": stages}]});
    std::fs::write(folder.join("placement.json"), placement.to_string()).unwrap();
    let tensor = |name: &str| json!([{"name": name, "type": "float32", "shape": [12], "bytes": 48}]);
    let entry = |index: usize, inputs: &str, outputs: &str, receive_from: Value, send_to: Value| {
        json!({"index": index, "pipeline": 0, "node_id": nodes[index], "file": format!("stage-{index}.onnx"), "inputs": tensor(inputs),
            "outputs": tensor(outputs), "receive_from": receive_from, "send_to": send_to, "planned": {}})
    };
    let stages = json!({"model": "small", "token": "0123456789abcdef", "overlap": "full", "stages": [
        entry(0, "x", "t", json!({"kind": "source"}), json!({"kind": "stage", "stage": 1})),
        entry(1, "t", "y", json!({"kind": "stage", "stage": 0}), json!({"kind": "sink"})),
    ]});
    std::fs::write(folder.join("stages.json"), stages.to_string()).unwrap();
}

/// Exports the documents of a folder.
fn export(folder: &Path, more: &[&str]) -> Output {
    let (placement, stages) = (folder.join("placement.json"), folder.join("stages.json"));
    let arguments = ["export", "--placement", placement.to_str().unwrap(), "--stages", stages.to_str().unwrap()];
    cutpoint(&[&arguments[..], more].concat())
}

#[test]
fn a_folder_is_written_compared_and_kept_clean() {
    let folder = tempfile::tempdir().unwrap();
    let deploy = folder.path().join("deploy");
    let to = |flag: &'static str| [flag, deploy.to_str().unwrap()].map(str::to_owned);
    let run = |flag, more: &[&str]| {
        let to = to(flag);
        let own = ["--format", "kubernetes", "--image", "r/i:1", to[0].as_str(), to[1].as_str()];
        export(folder.path(), &[&own[..], more].concat())
    };
    documents(folder.path(), ["pi-1", "pi-2"]);
    assert_eq!(run("--diff", &[]).status.code(), Some(2), "there is no folder yet");
    let done = run("--output", &["--feed", "5"]);
    assert!(done.status.success(), "{}", said(&done));
    let equal = run("--diff", &["--feed", "5"]);
    assert_eq!((equal.status.code(), printed(&equal)), (Some(0), String::new()));

    documents(folder.path(), ["pi-1", "pi-3"]);
    let differs = run("--diff", &[]);
    assert_eq!(differs.status.code(), Some(1));
    let text = printed(&differs);
    assert!(text.contains("changed: pipeline.yaml") && text.contains("gone: feed.yaml"), "{text}");
    assert!(text.lines().any(|line| line.starts_with('-') && line.ends_with("- pi-2")), "{text}");
    assert!(text.lines().any(|line| line.starts_with('+') && line.ends_with("- pi-3")), "{text}");

    let left = run("--output", &[]);
    assert!(left.status.success() && said(&left).contains("feed.yaml is left of an earlier export"), "{}", said(&left));
    assert!(said(&run("--output", &[])).contains("feed.yaml is left"), "it is noticed until it is gone");
    let pruned = run("--output", &["--prune"]);
    assert!(said(&pruned).contains("removed") && !deploy.join("feed.yaml").exists(), "{}", said(&pruned));
    assert_eq!(run("--diff", &[]).status.code(), Some(0));
}

#[test]
fn the_token_is_kept_from_others_and_from_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    documents(folder.path(), ["pi-1", "pi-2"]);
    let deploy = folder.path().join("deploy");
    let deploy_text = deploy.to_str().unwrap();
    assert!(
        export(folder.path(), &["--format", "kubernetes", "--image", "r/i:1", "--output", deploy_text])
            .status
            .success()
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(deploy.join("token.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let token = folder.path().join("token");
    std::fs::write(&token, "another token of enough signs\n").unwrap();
    let more =
        ["--format", "kubernetes", "--image", "r/i:1", "--token-file", token.to_str().unwrap(), "--diff", deploy_text];
    let text = printed(&export(folder.path(), &more));
    assert_eq!(text, "changed: token.yaml (not shown: it holds the token)\n");
}

#[test]
fn what_is_missing_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    documents(folder.path(), ["pi-1", "pi-2"]);
    let refused = |more: &[&str], words: &[&str]| {
        let done = export(folder.path(), more);
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        for word in words {
            assert!(said(&done).contains(word), "{word}: {}", said(&done));
        }
    };
    for format in ["kubernetes", "nomad", "compose"] {
        refused(&["--format", format, "--output", "-"], &["no image is given", "--image IMAGE"]);
    }
    refused(
        &["--format", "nomad", "--image", "i", "--output", "-"],
        &["\"pi-1\", \"pi-2\"", "--address NODE=HOST:PORT"],
    );
    refused(&["--format", "kubernetes", "--image", "i", "--name", "A_b", "--output", "-"], &["\"A_b\"", "--name NAME"]);
    refused(&["--format", "png", "--output", "-"], &["kubernetes, nomad, compose, dot, svg, cuts"]);
    refused(&["--format", "svg"], &["--output"]);
    refused(
        &["--format", "svg", "--stage-files", "image", "--output", "-"],
        &["image:/stage, host:/var/lib/cutpoint or claim:stages"],
    );
    let addresses = ["--address", "pi-1=10.0.0.1:7101", "--address", "pi-2=10.0.0.2:7101"];
    let several = [&["--format", "compose", "--image", "i", "--output", "-"], &addresses[..]].concat();
    refused(&several, &["several files", "give a folder"]);
    std::fs::write(folder.path().join("stages.json"), "{}").unwrap();
    refused(&["--format", "svg", "--output", "-"], &["stages.json: this is not a stages.json of cutpoint cut"]);
    std::fs::write(folder.path().join("placement.json"), r#"{"status": "infeasible"}"#).unwrap();
    refused(&["--format", "svg", "--output", "-"], &["the placement has no stages"]);
}

#[test]
fn drawings_go_to_a_file_a_folder_or_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    documents(folder.path(), ["pi-1", "pi-2"]);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let drawn = printed(&export(folder.path(), &["--format", "svg", "--output", "-"]));
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"), "{drawn}");
    assert!(export(folder.path(), &["--format", "svg", "--output", &at("a.svg")]).status.success());
    assert!(export(folder.path(), &["--format", "svg", "--output", &at("drawings")]).status.success());
    for file in ["a.svg", "drawings/pipeline.svg"] {
        assert_eq!(std::fs::read_to_string(folder.path().join(file)).unwrap(), drawn, "{file}");
    }
    let joined = printed(&export(folder.path(), &["--format", "kubernetes", "--image", "i", "--output", "-"]));
    assert!(
        joined.starts_with("---\n") && joined.contains("kind: Secret") && joined.contains("kind: Deployment"),
        "{joined}"
    );
}

#[test]
fn a_plan_is_drawn_as_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.svg");
    let request = ["plan", "--request", "examples/requests/square-one-channel.json"];
    let planned = cutpoint(&[&request[..], &["--output", "json", "--svg", file.to_str().unwrap()]].concat());
    assert!(planned.status.success(), "{}", said(&planned));
    let document: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let drawn = std::fs::read_to_string(&file).unwrap();
    for stage in document["pipelines"][0]["stages"].as_array().unwrap() {
        assert!(drawn.contains(&format!(">{}<", stage["node_id"].as_str().unwrap())), "{drawn}");
    }
    assert!(drawn.contains(">air<") && drawn.contains(">bottleneck<"), "{drawn}");
    assert_eq!(printed(&cutpoint(&[&request[..], &["--svg", "-"]].concat())), drawn);
    let several = cutpoint(&["plan", "--request", "a.json", "b.json", "--svg", "x.svg"]);
    assert_eq!(several.status.code(), Some(2));
    assert!(said(&several).contains("--svg draws the placement of one request"), "{}", said(&several));
}

//! `cutpoint plan` as users and programs call it: the real binary, its exit codes and what it prints.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn plan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg("plan")
        .args(arguments)
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A request of two layers, the second of which needs `bytes`, on two nodes with 1000 bytes each.
fn small_request(bytes: u64) -> Value {
    json!({
        "model": {
            "name": "two-layers",
            "layers": [
                {"id": "in", "param_bytes": 0, "output_bytes": 8},
                {"id": "a", "param_bytes": 600, "output_bytes": 8},
                {"id": "b", "param_bytes": bytes, "output_bytes": 8},
            ],
            "edges": [{"from": "in", "to": "a"}, {"from": "a", "to": "b"}],
        },
        "cluster": {
            "name": "pair",
            "nodes": [
                {"id": "n1", "memory_bytes": 1000, "flops_per_s": 1},
                {"id": "n2", "memory_bytes": 1000, "flops_per_s": 1},
            ],
            "network": {"kind": "full_mesh", "bandwidth_bps": 64},
        },
    })
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn a_placed_request_ends_with_0_and_shows_table_and_drawing() {
    let output = plan(&[
        "--model",
        "examples/models/ResNet50.json",
        "--cluster",
        "examples/clusters/radio-5.json",
        "--time-limit-s",
        "2",
    ]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(shown.starts_with("ResNet50 on radio-5: "), "{shown}");
    for wanted in ["period ", "lower bound ", "gap ", "stage  node", "┌──", "▼", "◀ bottleneck"] {
        assert!(shown.contains(wanted), "{wanted:?} is missing in:\n{shown}");
    }
    assert_eq!(shown.matches("◀ bottleneck").count(), 1);
}

#[test]
fn json_is_the_placement_document() {
    let folder = Folder::new();
    let file = folder.file("r.json", small_request(600).to_string());
    let output = plan(&["--request", &file, "--output", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(code(&output), 0);
    assert_eq!(document["pipelines"][0]["stages"].as_array().unwrap().len(), 2);
    // 8 bytes over 64 bit/s.
    assert_eq!(document["period_s"], json!(1.0));
    assert_eq!(document["pipelines"][0]["stages"][0]["layer_ids"], json!(["in", "a"]));

    let two = plan(&["--request", &file, &file, "--output", "json"]);
    assert_eq!(code(&two), 2);
}

#[test]
fn with_batches_inferences_are_counted_and_not_passes() {
    let folder = Folder::new();
    let mut request = small_request(600);
    request["model"]["batch_size"] = json!(8);
    let file = folder.file("r.json", request.to_string());
    let output = plan(&["--request", &file, "--output", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rates = ["period_s", "throughput_per_s", "inferences_per_s"].map(|name| document[name].clone());
    assert_eq!(rates, [json!(1.0), json!(1.0), json!(8.0)]);

    let table = plan(&["--request", &file, "--explain"]);
    let shown = text(&table.stdout);
    for wanted in [
        "period 1 s (8 inferences a second, 1 batch of 8)",
        "one batch of 8 inputs",
        "16 inferences a second, 2 batches of 8",
    ] {
        assert!(shown.contains(wanted), "{wanted:?} is missing in:\n{shown}");
    }
    let single = plan(&["--request", &folder.file("single.json", small_request(600).to_string())]);
    assert!(text(&single.stdout).contains("period 1 s (1 inference a second), "), "{}", text(&single.stdout));
}

#[test]
fn layers_without_edges_are_warned_of_once() {
    let folder = Folder::new();
    let warning = |edges: Value, bytes: u64| {
        let mut request = small_request(bytes);
        request["model"]["edges"] = edges;
        let file = folder.file("r.json", request.to_string());
        let output = plan(&["--request", &file, "--output", "jsonl"]);
        let warnings = lines(&output)[0]["placement"]["warnings"].clone();
        // Layers without work that nothing leads to are constants as well, which is another warning.
        let unconnected = |warning: &&Value| warning["code"] == "layers_unconnected";
        let warned: Vec<&Value> = warnings.as_array().unwrap().iter().filter(unconnected).collect();
        assert_eq!(warned.len(), 1, "{warnings}");
        warned[0]["detail"].as_str().unwrap().to_owned()
    };
    assert!(warning(json!([]), 200).starts_with("the model has 3 layers and no edges: "));
    // An infeasible model may be so for want of its edges.
    assert!(warning(json!([]), 2000).starts_with("the model has 3 layers and no edges: "));
    let some = warning(json!([{"from": "in", "to": "b"}]), 200);
    assert!(some.starts_with("the model has 1 layer without an edge, of 3 in all (a): "), "{some}");

    let file = folder.file("connected.json", small_request(200).to_string());
    let connected = plan(&["--request", &file, "--output", "jsonl"]);
    assert_eq!(lines(&connected)[0]["placement"]["warnings"], json!([]));
}

#[test]
fn json_lines_come_in_the_order_of_the_files_whatever_the_jobs() {
    let folder = Folder::new();
    let good = folder.file("good.json", small_request(600).to_string());
    let wrapped = folder.file("wrapped.json", json!({"name": "x", "request": small_request(600)}).to_string());
    let infeasible = folder.file("infeasible.json", small_request(2000).to_string());
    let mut faulty = small_request(600);
    faulty["cluster"]["nodes"][1]["memory_bytes"] = json!(-1);
    faulty["model"]["edges"][0]["to"] = json!("nowhere");
    let faulty = folder.file("faulty.json", json!({"request": faulty}).to_string());
    let broken = folder.file("broken.json", "{\"model\": NaN}");

    for jobs in ["1", "3"] {
        let files = ["--request", &good, &wrapped, &infeasible, &faulty, &broken, "/no/such/file"];
        let output = plan(&[&files[..], &["--output", "jsonl", "--jobs", jobs]].concat());
        let lines = lines(&output);
        let names: Vec<&str> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
        assert_eq!(names, files[1..]);
        assert_eq!(lines[0]["placement"]["pipelines"][0]["stages"], lines[1]["placement"]["pipelines"][0]["stages"]);
        assert_eq!(lines[2]["placement"]["status"], "infeasible");
        let pointers: Vec<&str> =
            lines[3]["error"]["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert!(pointers.contains(&"/request/cluster/nodes/1/memory_bytes"), "{pointers:?}");
        assert!(pointers.contains(&"/request/model/edges/0/to"), "{pointers:?}");
        assert_eq!(lines[4]["error"]["errors"][0]["pointer"], "/model");
        assert!(lines[5]["error"]["detail"].as_str().unwrap().contains("/no/such/file"));
        // Bad input counts more than an infeasible request.
        assert_eq!(code(&output), 2);
    }
}

#[test]
fn an_infeasible_request_ends_with_3_and_says_why() {
    let folder = Folder::new();
    let good = folder.file("good.json", small_request(600).to_string());
    let infeasible = folder.file("infeasible.json", small_request(2000).to_string());
    let output = plan(&["--request", &good, &infeasible]);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stdout).contains("two-layers on pair: infeasible, proven"));
    assert!(text(&output.stdout).contains("  because "));
}

#[test]
fn an_answer_is_explained_beside_its_placement() {
    let folder = Folder::new();
    let good = folder.file("good.json", small_request(600).to_string());
    let infeasible = folder.file("infeasible.json", small_request(2000).to_string());
    let output = plan(&["--explain=5", "--request", &good, &infeasible, "--output", "jsonl"]);
    let lines = lines(&output);
    assert_eq!(lines[0]["explanation"]["period_s"], lines[0]["placement"]["period_s"]);
    assert!(!lines[0]["explanation"]["upgrades"].as_array().unwrap().is_empty());
    assert_eq!(lines[1]["explanation"]["repairs"][0]["kind"], "more_memory");

    let table = plan(&["--explain", "--request", &good, &infeasible]);
    for wanted in ["binding: ", "upgrade ", "proven at least", "would repair it: "] {
        assert!(text(&table.stdout).contains(wanted), "{wanted:?} is missing in:\n{}", text(&table.stdout));
    }
    let json = plan(&["--explain", "--request", &good, "--output", "json"]);
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["explanation"]["status"], document["placement"]["status"]);
    assert!(plan(&["--request", &good, "--output", "jsonl"]).stdout.windows(11).all(|it| it != b"explanation"));
}

#[test]
fn a_table_says_what_is_shipped_and_what_becomes_of_others() {
    let folder = Folder::new();
    let (small, site) = ("examples/models/MobileNetV2.json", "examples/clusters/radio-5.json");
    let model = "examples/models/ResNet50.json";
    let running = plan(&["--model", model, "--cluster", site, "--output", "json"]);
    let base = folder.file("running.json", text(&running.stdout));
    // What the tolerance chose stays within the same tolerance.
    let stayed = plan(&["--model", model, "--cluster", site, "--base", &base, "--max-period-ratio", "1.01"]);
    assert!(text(&stayed.stdout).contains("From the base: nothing moves"), "{}", text(&stayed.stdout));
    let placement: Value = serde_json::from_slice(&running.stdout).unwrap();
    let left = placement["pipelines"][0]["stages"][0]["node_id"].as_str().unwrap();
    let moved = plan(&["--model", model, "--cluster", site, "--base", &base, "--exclude", left]);
    assert!(text(&moved.stdout).contains(" to ship"), "{}", text(&moved.stdout));
    let beside = plan(&["--model", small, "--cluster", site, "--occupied-by", &base]);
    assert!(text(&beside.stdout).contains("Beside it: "), "{}", text(&beside.stdout));
}

#[test]
fn a_cluster_is_filled_with_pipelines_and_each_is_a_line() {
    let folder = Folder::new();
    let mut request = small_request(100);
    for layer in 1..3 {
        request["model"]["layers"][layer]["flops"] = json!(1);
    }
    let file = folder.file("request.json", request.to_string());
    let output = plan(&["--request", &file, "--pipelines", "--explain"]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    // A copy of the model on each of the two nodes takes 2 s.
    let sums = "2 pipelines on 2 nodes: 1 inference a second together; proven: no pipelines make more than 1\n";
    for wanted in
        [sums, "pipeline  a second", "  0  [n", "  1  [n", "  pipeline 1, period 2 s, 0.5 inferences a second"]
    {
        assert!(shown.contains(wanted), "{wanted} is missing in:\n{shown}");
    }
    assert!(shown.contains("  all of as many pipelines as asked for with one stage a node\n"), "{shown}");

    let output = plan(&["--request", &file, "--pipelines=2", "--max-nodes", "1", "--output", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["pipelines"].as_array().unwrap().len(), 1);
    assert_eq!(document["throughput_upper_bound_per_s"], 0.5);

    let output = plan(&["--request", &file, "--pipelines", "--objective", "min_latency"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("/pipelines"), "{}", text(&output.stderr));
}

#[test]
fn names_cannot_play_with_the_terminal() {
    let folder = Folder::new();
    let mut request = small_request(600);
    request["model"]["name"] = json!("\u{1b}[2Jgone\u{7}\nforged");
    request["cluster"]["nodes"][0]["id"] = json!("n\u{1b}\n1");
    let file = folder.file("r.json", request.to_string());
    let output = plan(&["--request", &file]);
    let shown = text(&output.stdout);
    assert!(shown.contains("gone") && !shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    assert!(shown.lines().all(|line| !line.starts_with("forged") && !line.starts_with('1')), "{shown:?}");
    request["colour\u{1b}[2J"] = json!(1);
    let file = folder.file("r.json", request.to_string());
    let refused = plan(&["--request", &file]);
    let complaint = text(&refused.stderr);
    assert!(complaint.contains("colour") && !complaint.contains('\u{1b}'), "{complaint:?}");
}

#[test]
fn no_placement_and_no_proof_ends_with_4() {
    let request = "examples/requests/bert-base-radio-50.json";
    let output = plan(&["--request", request, "--time-limit-s", "1e-9", "--output", "jsonl"]);
    let placement = &lines(&output)[0]["placement"];
    assert_eq!((&placement["status"], &placement["termination"]), (&json!("unknown"), &json!("time_limit")));
    assert_eq!(code(&output), 4);
}

#[test]
fn faults_are_printed_one_a_line_with_their_pointers() {
    let folder = Folder::new();
    let mut request = small_request(600);
    request["solver"] = json!({"seed": -1, "speed": 9});
    request["cluster"]["nodes"][1]["memory_bytes"] = json!(-1);
    let file = folder.file("r.json", request.to_string());
    let output = plan(&["--request", &file, "--source", "nobody"]);
    let complaint = text(&output.stderr);
    assert_eq!((code(&output), output.stdout.len()), (2, 0));
    for pointer in ["/solver/seed", "/solver/speed", "/constraints/source_node"] {
        assert!(complaint.lines().any(|line| line.starts_with(&format!("  {pointer}: "))), "{complaint}");
    }
    assert!(
        complaint.contains("\n  /cluster/nodes/1/memory_bytes (node \"n2\"): -1 is not allowed here. "),
        "{complaint}"
    );
}

#[test]
fn a_file_in_the_place_of_another_is_called_what_it_is() {
    let folder = Folder::new();
    let request = small_request(600);
    let model = folder.file("model.json", request["model"].to_string());
    let cluster = folder.file("cluster.json", request["cluster"].to_string());
    let whole = folder.file("request.json", request.to_string());
    let placed = plan(&["--request", &whole, "--output", "json"]);
    let placement = folder.file("placement.json", &placed.stdout);
    let onnx = folder.file("model.onnx", b"\x08\x07\x12\x07pytorch\x1a\x05");
    let unnamed = folder.file("weights", b"\x08\x07\x12\x07pytorch\x1a\x05");
    let cases: [(&[&str], &str); 8] = [
        (
            &["--model", &cluster, "--cluster", &model],
            "cluster.json is a cluster inventory, not a model profile: swap --model and --cluster",
        ),
        (&["--model", &cluster, "--cluster", &cluster], "is a cluster inventory, not a model profile: "),
        (&["--model", &whole, "--cluster", &cluster], "is a request, not a model profile: give it as --request"),
        (&["--model", &model, "--cluster", &placement], "is a placement document, not a cluster inventory: "),
        (&["--request", &model], "is a model profile, not a request: give it as --model"),
        (&["--request", &whole, "--base", &cluster], "is a cluster inventory, not a placement document: "),
        (&["--model", &onnx, "--cluster", &cluster], "is an ONNX model, and a model profile is wanted"),
        (&["--model", &unnamed, "--cluster", &cluster], "is an ONNX model, and a model profile is wanted"),
    ];
    for (arguments, wanted) in cases {
        let output = plan(arguments);
        let complaint = text(&output.stderr);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(complaint.contains(wanted) && complaint.lines().count() == 1, "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_byte_order_mark_of_utf_8_is_no_matter_and_utf_16_is_told() {
    let folder = Folder::new();
    let request = small_request(600).to_string();
    let marked = folder.file("marked.json", format!("\u{feff}{request}"));
    assert_eq!(code(&plan(&["--request", &marked])), 0);
    let wide: Vec<u8> = std::iter::once(0xfeff).chain(request.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for content in [&wide[..], &wide[2..]] {
        let output = plan(&["--request", &folder.file("wide.json", content)]);
        assert_eq!(code(&output), 2);
        assert!(text(&output.stderr).contains("the text is UTF-16 or UTF-32. Send UTF-8"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_dash_reads_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(["plan", "--request", "-", "--output", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(small_request(600).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    assert_eq!(lines(&output)[0]["file"], "-");
}

#[test]
fn standard_input_is_read_once() {
    for arguments in [["--model", "-", "--cluster", "-"], ["--request", "-", "--request", "-"]] {
        let output = plan(&arguments);
        assert_eq!(code(&output), 2);
        assert!(text(&output.stderr).contains("once"), "{output:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_complaint() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["plan", "--request", "examples/requests/resnet50-radio-5.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), text(&output.stderr)), (1, ""));
}

#[test]
fn the_same_request_and_seed_give_the_same_document() {
    let file = "examples/requests/inceptionresnetv2-radio-20-paper.json";
    let document = |threads: &str| {
        let output = plan(&["--request", file, "--output", "jsonl", "--seed", "7", "--threads", threads]);
        let mut line = lines(&output).remove(0);
        line["placement"]["solve_s"] = json!(0);
        line.to_string()
    };
    assert_eq!(document("1"), document("1"));
    assert_eq!(document("1"), document("2"));
}

#[test]
fn every_example_request_gets_a_placement() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/requests");
    let files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect();
    assert!(files.len() >= 6);
    let mut arguments = vec!["--request"];
    arguments.extend(files.iter().map(String::as_str));
    let output = plan(&[&arguments[..], &["--output", "jsonl", "--time-limit-s", "5"]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));
}

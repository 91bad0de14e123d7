//! The real server process: the same answers as the command line, nothing lost by a power cut, an orderly end.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cutpoint_planner::check::{StageProposal, evaluate};
use cutpoint_planner::domain::request::PlanRequest;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use crate::server::{Server, example, is_finished};

/// The text with the figure behind `"solve_s":` taken out: nothing else of a document may depend on the time.
fn without_times(text: &str) -> String {
    let (before, rest) = text.split_once("\"solve_s\":").expect("a placement document");
    let (_, after) = rest.split_once(',').expect("solver_version stands behind solve_s");
    format!("{before}\"solve_s\":,{after}")
}

#[tokio::test]
async fn the_server_answers_byte_for_byte_as_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("c.db"), &[]);
    for (file, algorithm) in
        [("requests/resnet50-radio-5.json", "auto"), ("requests/inceptionresnetv2-radio-20-paper.json", "kpath")]
    {
        let mut request = example(file);
        request["solver"] = json!({"algorithm": algorithm, "seed": 11, "time_limit_s": 60});
        let (status, job) = server.send(Method::POST, "/v1/jobs", Some(&request), 50).await;
        assert_eq!(status, 200, "{job}");
        let job: Value = serde_json::from_str(&job).unwrap();
        assert_eq!(job["status"], "succeeded", "{job}");
        let id = job["placement_id"].as_str().unwrap();
        let stored = server.get_text(&format!("/v1/placements/{id}")).await;

        let request_file = folder.path().join("request.json");
        std::fs::write(&request_file, request.to_string()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
            .args(["plan", "--output", "jsonl", "--request"])
            .arg(&request_file)
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let (_, document) = line.trim_end().strip_suffix('}').unwrap().split_once("\"placement\":").unwrap();
        assert!(document.contains("\"stages\":[{"), "{document}");
        assert!(
            without_times(&stored).contains(&without_times(document)),
            "the server stored\n{stored}\nthe command line printed\n{document}"
        );
        // The job's own view of its placement is the document alone.
        let of_job = server.get_text(&format!("/v1/jobs/{}/placement", job["id"].as_str().unwrap())).await;
        assert_eq!(without_times(&of_job), without_times(document));
    }
}

#[tokio::test]
async fn a_power_cut_loses_no_job_and_doubles_none() {
    const JOBS: usize = 50;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("c.db");
    let limits = ["--workers", "2", "--heartbeat-s", "0.1", "--lease-s", "2"];
    let server = Server::start(&database, &limits);
    let cluster = example("clusters/radio-20.json");
    let model = example("models/InceptionResNetV2.json");
    let cluster_id = server.post("/v1/clusters", &cluster).await["id"].clone();
    let model_id = server.post("/v1/models", &model).await["id"].clone();
    // Each fifth job is too hard to be proven in its time, so that the cut comes while jobs run and others wait.
    let requests: Vec<Value> = (0..JOBS)
        .map(|seed| match seed % 5 {
            0 => hard_request(seed as u64, 0.8),
            _ => json!({"model": model, "cluster": cluster, "solver": {"seed": seed, "time_limit_s": 5}}),
        })
        .collect();
    let mut posted: BTreeMap<String, PlanRequest> = BTreeMap::new();
    for (seed, request) in requests.iter().enumerate() {
        let body = match seed % 5 {
            0 => request.clone(),
            _ => json!({"model_id": model_id, "cluster_id": cluster_id, "solver": request["solver"]}),
        };
        let id = server.post("/v1/jobs", &body).await["id"].as_str().unwrap().to_owned();
        posted.insert(id, PlanRequest::from_json(request).unwrap());
    }
    assert_eq!(posted.len(), JOBS);
    // The cut comes once some jobs have ended, and long before the last has begun.
    let third = posted.keys().nth(2).unwrap();
    server.job_when(third, Duration::from_secs(30), is_finished).await;
    let before = statuses(&server).await;
    server.kill();
    assert!(before.get("running").is_some_and(|&count| count >= 1), "{before:?}");
    assert!(before.get("queued").is_some_and(|&count| count >= 20), "{before:?}");

    let server = Server::start(&database, &limits);
    for id in posted.keys() {
        let job = server.job_when(id, Duration::from_secs(120), is_finished).await;
        assert_eq!(job["status"], "succeeded", "{job}");
    }
    let page = server.get("/v1/placements?limit=200").await;
    let placements = page["items"].as_array().unwrap();
    assert_eq!(placements.len(), JOBS);
    for item in placements {
        let stored = server.get(&format!("/v1/placements/{}", item["id"].as_str().unwrap())).await;
        // Each job comes once: what was removed is not found again.
        let request = posted.remove(stored["job_id"].as_str().unwrap()).expect("one placement for each job");
        assert_valid(&request, &stored["placement"]);
    }
    assert!(posted.is_empty());
}

#[tokio::test]
async fn a_term_signal_ends_the_server_in_order_and_keeps_the_incumbent() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("c.db");
    let server = Server::start(&database, &["--heartbeat-s", "0.1"]);
    let id = server.post("/v1/jobs", &hard_request(1, 600.0)).await["id"].as_str().unwrap().to_owned();
    let running = server.job_when(&id, Duration::from_secs(30), |job| job["progress"]["period_s"].is_f64()).await;
    assert_eq!(running["status"], "running");

    let start = Instant::now();
    server.terminate();
    let status = server.ended(Duration::from_secs(15));
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(12), "it took {:?}", start.elapsed());

    let server = Server::start(&database, &["--heartbeat-s", "0.1"]);
    let again = server.get(&format!("/v1/jobs/{id}")).await;
    assert!(!is_finished(&again), "{again}");
    let incumbent = server.get(&format!("/v1/jobs/{id}/placement")).await;
    assert!(incumbent["period_s"].as_f64() <= running["progress"]["period_s"].as_f64(), "{incumbent}");
    server.post(&format!("/v1/jobs/{id}/stop"), &json!({})).await;
    let ended = server.job_when(&id, Duration::from_secs(10), is_finished).await;
    assert_eq!((&ended["status"], &ended["termination"]), (&json!("succeeded"), &json!("stopped")), "{ended}");
}

#[test]
fn a_faulty_setting_ends_the_server_before_it_starts() {
    let output = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(["serve", "--listen", "nowhere", "--workers", "0"])
        .env("CUTPOINT_QUEUE_LIMIT", "none")
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{complaint}");
    for wanted in ["setting listen (from the flag --listen)", "setting workers", "CUTPOINT_QUEUE_LIMIT"] {
        assert!(complaint.contains(wanted), "{complaint}");
    }
}

#[test]
fn variables_without_a_value_and_those_of_others_are_no_settings() {
    let output = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(["serve", "--listen", "nowhere"])
        .envs([("CUTPOINT_CONFIG", ""), ("CUTPOINT_WORKERS", ""), ("CUTPOINT_PORT", "tcp://10.0.0.1:8080")])
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("setting listen") && !complaint.contains("CUTPOINT_"), "{complaint}");
}

#[test]
fn a_database_that_cannot_be_opened_is_named_with_what_it_must_be() {
    let output = Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(["serve", "--listen", "127.0.0.1:0", "--database-url", "sqlite:///no/such/folder/cutpoint.db"])
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("/no/such/folder/cutpoint.db, which must be"), "{complaint}");
}

/// Runs a command on a database, which must end by itself with 1 or 2; gives what it said.
fn refused(database: &Path, arguments: &[&str]) -> String {
    let url = format!("sqlite://{}", database.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    let output = command.args(arguments).args(["--database-url", &url]).output().unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("other.db");
    let options = SqliteConnectOptions::new().filename(&database).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("CREATE TABLE users (name TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "do not forget the milk").unwrap();

    for (file, words) in [(&database, "which has a table \"users\""), (&text, "is not an SQLite database")] {
        let before = std::fs::read(file).unwrap();
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["key", "create", "--name", "a"], &["key", "list"]]
        {
            let complaint = refused(file, command);
            assert!(complaint.contains(words) && complaint.contains("--database-url"), "{complaint}");
            assert!(std::fs::read(file).unwrap() == before, "{command:?}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_start_that_is_refused_leaves_no_database_behind() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("c.db");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let cases: [(&[&str], &str); 4] = [
        (&["serve", "--listen", "0.0.0.0:0"], "there is no key yet"),
        (&["serve", "--listen", &address], "cannot listen on"),
        (&["serve", "--listen", "127.0.0.1:0", "--workers", "0"], "setting workers"),
        (&["serve", "--listen", "127.0.0.1:0", "--log", "loud"], "log"),
    ];
    for (arguments, words) in cases {
        let complaint = refused(&database, arguments);
        assert!(complaint.contains(words), "{complaint}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_second_server_of_a_database_is_refused_and_disturbs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("c.db");
    let server = Server::start(&database, &[]);
    let id = server.post("/v1/jobs", &hard_request(1, 600.0)).await["id"].as_str().unwrap().to_owned();
    server.job_when(&id, Duration::from_secs(30), |job| job["status"] == "running").await;
    let url = format!("sqlite://{}", database.display());
    let mut second = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    let refused = second.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &url]).output().unwrap();
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("only one server can use a database"), "{complaint}");
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).await["status"], "running");
}

async fn statuses(server: &Server) -> BTreeMap<String, usize> {
    let page = server.get("/v1/jobs?limit=200").await;
    let mut counts = BTreeMap::new();
    for job in page["items"].as_array().unwrap() {
        *counts.entry(job["status"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// Computes a placement's period anew by the independent checker, which must find no violation.
fn assert_valid(request: &PlanRequest, placement: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let proposals: Vec<StageProposal> = placement["pipelines"][0]["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| StageProposal {
            node_id: text(&stage["node_id"]),
            layer_ids: stage["layer_ids"].as_array().unwrap().iter().map(text).collect(),
        })
        .collect();
    let evaluation = evaluate(request, &proposals);
    assert!(evaluation.violations.is_empty(), "{:?}", evaluation.violations);
    let (computed, claimed) = (evaluation.period_s.unwrap(), placement["period_s"].as_f64().unwrap());
    // The solver adds a stage's operations up before it divides, the checker behind that.
    assert!((computed - claimed).abs() <= 1e-12 * claimed, "{computed} is claimed as {claimed}");
}

/// 120 layers on 20 devices of three sizes that together hold little more than the model: nobody proves it in time.
fn hard_request(seed: u64, time_limit_s: f64) -> Value {
    let mut state = 1 + seed;
    // Numerical Recipes' linear congruential generator; its high bits are good enough for sizes.
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let mut layers = vec![json!({"id": "in", "param_bytes": 0, "output_bytes": 100_000})];
    let mut total = 0;
    for index in 0..120 {
        let param_bytes = 200_000 + draw(800_000);
        total += param_bytes;
        layers.push(json!({
            "id": format!("layer-{index}"), "param_bytes": param_bytes,
            "output_bytes": 10_000 + draw(390_000), "flops": 1_000_000 + draw(100_000_000),
        }));
    }
    let edges: Vec<Value> = layers.windows(2).map(|pair| json!({"from": pair[0]["id"], "to": pair[1]["id"]})).collect();
    let shares: Vec<u64> = (0..20).map(|_| [7, 10, 14][draw(3) as usize]).collect();
    let all_shares: u64 = shares.iter().sum();
    let speeds = [1e8, 2e8, 4e8];
    let nodes: Vec<Value> = (0..20)
        .map(|index| {
            json!({
                "id": format!("node-{index}"),
                "memory_bytes": total * 112 / 100 * shares[index] / all_shares,
                "flops_per_s": speeds[draw(3) as usize],
                "position_m": {"x": draw(15_000) as f64 / 100.0, "y": draw(15_000) as f64 / 100.0},
            })
        })
        .collect();
    json!({
        "model": {"name": "hard", "layers": layers, "edges": edges},
        "cluster": {
            "name": "hard", "nodes": nodes,
            "network": {"kind": "radio", "bandwidth_hz": 1e6, "snr_at_1m": 283230},
        },
        "cost_model": {"memory": "params"},
        "solver": {"seed": seed, "time_limit_s": time_limit_s},
    })
}

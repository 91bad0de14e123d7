//! What the running service tells of itself: log lines with ids and without secrets, spans for a collector.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A service whose log lines are kept.
struct Told {
    child: Child,
    base: String,
    _folder: TempDir,
}

/// A folder with a database, and its address.
fn database() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("told.db").display());
    (folder, url)
}

impl Told {
    fn start((folder, url): (TempDir, String), arguments: &[&str]) -> Self {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--database-url", &url])
            .args(arguments);
        let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("cutpoint listens on ").unwrap().to_owned();
        Self { child, base, _folder: folder }
    }

    /// Ends it in order, and gives its log lines.
    fn end(mut self) -> Vec<String> {
        let ended = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(ended.success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(self.child.wait().unwrap().success(), "{log}");
        log.lines().map(str::to_owned).collect()
    }
}

fn key(url: &str) -> String {
    let mut create = Command::new(env!("CARGO_BIN_EXE_cutpoint"));
    create.args(["key", "create", "--name", "told", "--scope", "admin", "--database-url", url]);
    String::from_utf8(create.output().unwrap().stdout).unwrap().trim().to_owned()
}

fn job() -> Value {
    let layer = |id: &str| json!({"id": id, "param_bytes": 10, "output_bytes": 5, "flops": 10});
    json!({
        "model": {"name": "m", "layers": [layer("a"), layer("b")], "edges": [{"from": "a", "to": "b"}]},
        "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": 1000, "flops_per_s": 10.0}]}
    })
}

#[tokio::test]
async fn log_lines_name_request_and_job_and_no_line_holds_a_secret() {
    // Everything that any crate has to say.
    let database = database();
    let key = key(&database.1);
    let told = Told::start(database, &["--log", "trace"]);
    let client = reqwest::Client::new();
    let wrong = key.replace("cpk_0", "cpk_1");
    for (shown, status) in [("", 401), ("cpk_nonsense", 401), (wrong.as_str(), 401), (key.as_str(), 400)] {
        let asking = client.get(format!("{}/v1/jobs?shown=1", told.base)).bearer_auth(shown);
        assert_eq!(asking.send().await.unwrap().status(), status, "{shown}");
    }
    let posting = client.post(format!("{}/v1/jobs", told.base)).bearer_auth(&key).header("x-request-id", "told-1");
    let answered = posting.header("prefer", "wait=60").json(&job()).send().await.unwrap();
    assert_eq!(answered.status(), 200);
    let answer: Value = answered.json().await.unwrap();
    let job_id = answer["id"].as_str().unwrap();
    let lines = told.end();
    let lines_of = |message: &str| -> Vec<Value> {
        let read = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")));
        read.filter(|line| line["fields"]["message"] == message).collect()
    };
    let queued = lines_of("job queued");
    assert_eq!(queued.len(), 1);
    assert_eq!((&queued[0]["span"]["request_id"], &queued[0]["span"]["job_id"]), (&json!("told-1"), &json!(job_id)));
    let ended = lines_of("job ended");
    assert_eq!((ended.len(), &ended[0]["span"]["job_id"]), (1, &json!(job_id)));
    let of_the_store = lines.iter().any(|line| line.contains("\"target\":\"sqlx") && line.contains("INSERT INTO jobs"));
    assert!(of_the_store, "the log was not loud enough to prove anything: {} lines", lines.len());
    let secret = &key[key.len() - 40..];
    let leaks: Vec<&String> = lines.iter().filter(|line| line.contains(secret)).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
}

/// The names of metrics in a text, as samples have them.
fn sample_names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words.filter(|word| word.starts_with("cutpoint_")).collect()
}

#[tokio::test]
async fn a_service_that_has_done_nothing_shows_every_metric() {
    let told = Told::start(database(), &[]);
    let shown = reqwest::get(format!("{}/metrics", told.base)).await.unwrap().text().await.unwrap();
    told.end();
    let samples: BTreeSet<&str> = shown.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let read = |file: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (docs, dashboard) = (read("docs/operations.md"), read("docs/grafana-dashboard.json"));
    let drawn = sample_names(&dashboard);
    assert!(drawn.len() > 15, "{drawn:?}");
    for name in drawn {
        assert!(samples.contains(name), "{name} is missing in:\n{shown}");
    }
    let documented = sample_names(&docs);
    assert!(documented.len() > 15, "{documented:?}");
    for name in documented {
        let is_there = samples.contains(name) || samples.contains(format!("{name}_count").as_str());
        assert!(is_there, "{name} is missing in:\n{shown}");
    }
    for series in [
        "cutpoint_jobs_ended_total{status=\"succeeded\",termination=\"optimal\"} 0",
        "cutpoint_solve_duration_seconds_count{termination=\"time_limit\"} 0",
        "cutpoint_webhook_attempts_total{outcome=\"delivered\"} 0",
        "cutpoint_http_requests_shed_total{cause=\"queue\"} 0",
    ] {
        assert!(shown.lines().any(|line| line == series), "{series} is missing in:\n{shown}");
    }
}

#[tokio::test]
async fn spans_of_requests_and_jobs_reach_the_collector_in_the_callers_trace() {
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let keep = |State(received): State<Arc<Mutex<Vec<u8>>>>, body: Bytes| async move {
        received.lock().unwrap().extend_from_slice(&body);
    };
    let collector = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });

    let told = Told::start(database(), &["--otlp-endpoint", &endpoint]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let posting = reqwest::Client::new().post(format!("{}/v1/jobs", told.base)).header("prefer", "wait=60");
    let posting = posting.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let answer: Value = posting.json(&job()).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"], "succeeded");
    // It sends what is left when it ends.
    let lines = tokio::task::spawn_blocking(move || told.end()).await.unwrap();

    let received = received.lock().unwrap();
    let holds = |bytes: &[u8]| received.windows(bytes.len()).any(|window| window == bytes);
    let trace_id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(holds(&trace_id), "the caller's trace is not continued: {lines:?}");
    for text in ["request", "/v1/jobs", "job", answer["id"].as_str().unwrap(), "cutpoint"] {
        assert!(holds(text.as_bytes()), "{text} is in no span");
    }
}

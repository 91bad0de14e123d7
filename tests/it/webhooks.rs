//! Webhooks of the real server process: what a power cut leaves is delivered, each message under one id, and verified
//! with the published library.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::server::Server;

/// The headers and bodies of what came, in order.
pub(crate) type Got = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

/// A receiver that turns every third message away when it first comes.
pub(crate) async fn receiver() -> (String, Got) {
    let got = Got::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(got.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, got)
}

async fn receive(State(got): State<Got>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let mut got = got.lock().unwrap();
    let is_new = got.iter().all(|(headers, _)| headers["webhook-id"] != head.headers["webhook-id"]);
    got.push((head.headers, body));
    if is_new && got.len() % 3 == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

pub(crate) async fn wait_for<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready().await {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_power_cut_loses_no_message_and_doubles_none() {
    const JOBS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("c.db");
    let arguments = ["--workers", "1", "--webhook-allow-nets", "127.0.0.0/8"];
    let server = Server::start(&database, &arguments);
    let (url, got) = receiver().await;
    let made = server.post("/v1/webhooks", &json!({"url": url})).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    let path = format!("/v1/webhooks/{}/deliveries", made["webhook"]["id"].as_str().unwrap());
    let mut jobs = BTreeSet::new();
    for seed in 0..JOBS {
        let body = json!({
            "model": {"name": "m", "layers": [{"id": "a", "param_bytes": 1, "output_bytes": 1, "flops": 1}]},
            "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": 100, "flops_per_s": 1.0}]},
            "solver": {"seed": seed},
        });
        jobs.insert(server.post("/v1/jobs", &body).await["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(jobs.len(), JOBS);
    wait_for("the first messages", async || (got.lock().unwrap().len() >= 5).then_some(())).await;
    server.kill();

    let server = Server::start(&database, &arguments);
    let delivered = wait_for("every delivery", async || {
        let page = server.get(&format!("{path}?limit=200&status=delivered")).await;
        let items = page["items"].as_array().unwrap().clone();
        (items.len() == JOBS).then_some(items)
    });
    let delivered = delivered.await;
    let listed: BTreeSet<String> = delivered.iter().map(|item| item["job_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, jobs);

    let document: Value = serde_json::from_str(&cutpoint::http::openapi_json()).unwrap();
    let described = &document["webhooks"]["job.finished"]["post"];
    let named: Vec<&str> =
        described["parameters"].as_array().unwrap().iter().map(|header| header["name"].as_str().unwrap()).collect();
    assert_eq!(named.len(), 3);

    let verifier = standardwebhooks::Webhook::new(&secret).unwrap();
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut bodies: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for (headers, body) in got.lock().unwrap().iter() {
        verifier.verify(body, headers).expect("a valid signature");
        assert!(named.iter().all(|name| headers.contains_key(*name)), "{headers:?}");
        let message: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((&message["type"], &message["data"]["status"]), (&json!("job.finished"), &json!("succeeded")));
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        ids.entry(message["data"]["id"].as_str().unwrap().to_owned()).or_default().insert(id.clone());
        bodies.entry(id).or_default().insert(body.clone());
    }
    assert_eq!(ids.keys().cloned().collect::<BTreeSet<String>>(), jobs);
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "a message has the same bytes at every attempt");
    server.terminate();
    assert_eq!(server.ended(Duration::from_secs(20)).code(), Some(0));
}

#[tokio::test]
async fn what_no_configuration_allows_is_refused_at_the_door() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("c.db"), &[]);
    let (url, got) = receiver().await;
    let (status, text) = server.send(reqwest::Method::POST, "/v1/webhooks", Some(&json!({"url": url})), 0).await;
    assert_eq!(status, reqwest::StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    assert!(text.contains("127.0.0.1 is loopback") && text.contains("webhook_allow_nets"), "{text}");
    assert!(got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn no_log_line_has_a_secret_or_a_url_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("c.db").display());
    let (url, got) = receiver().await;
    let url = format!("{url}?token=hunter2");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_cutpoint"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--webhook-allow-nets", "127.0.0.0/8"])
        .args(["--database-url", &database])
        .stdout(std::process::Stdio::piped())
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let base = line.trim().strip_prefix("cutpoint listens on ").unwrap().to_owned();
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Value {
        let sent = client.post(format!("{base}{path}")).json(&body).send().await.unwrap();
        serde_json::from_str(&sent.text().await.unwrap()).unwrap()
    };
    let made = post("/v1/webhooks", json!({"url": url})).await;
    let id = made["webhook"]["id"].as_str().unwrap();
    let rotated = post(&format!("/v1/webhooks/{id}/rotate-secret"), json!({})).await;
    post(
        "/v1/jobs",
        json!({
            "model": {"name": "m", "layers": [{"id": "a", "param_bytes": 1, "output_bytes": 1, "flops": 1}]},
            "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": 100, "flops_per_s": 1.0}]},
        }),
    )
    .await;
    wait_for("the message", async || (!got.lock().unwrap().is_empty()).then_some(())).await;
    let log = wait_for("the line about it", async || {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        log.contains("attempted to deliver").then_some(log)
    });
    let log = log.await;
    child.kill().unwrap();
    child.wait().unwrap();
    let signature = got.lock().unwrap()[0].0["webhook-signature"].to_str().unwrap().to_owned();
    let (first, second) = (made["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    for secret in [first, second, "hunter2", &signature[3..40]] {
        let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
        let line = log.lines().find(|line| line.contains(bare));
        assert!(line.is_none(), "{bare} stands in the log: {line:?}");
    }
}

//! Several server processes on one database of PostgreSQL, which are killed one after the other.
//!
//! `CUTPOINT_TEST_JOBS` and `CUTPOINT_TEST_SECONDS` set how many jobs are posted and for how long servers are killed; with
//! `CUTPOINT_TEST_RESTARTS`, the database itself is restarted so often by `CUTPOINT_TEST_POSTGRES_RESTART`.

mod deployments;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;

use crate::postgres_url;
use crate::server::{Server, is_finished};

const SERVERS: usize = 4;
const CLIENTS: usize = 8;
const ARGUMENTS: [&str; 10] = [
    "--workers",
    "1",
    "--heartbeat-s",
    "0.2",
    "--lease-s",
    "2",
    "--webhook-allow-nets",
    "127.0.0.0/8",
    "--shutdown-s",
    "5",
];

/// The addresses of the servers, in their order. That of a killed one answers nothing.
type Addresses = Arc<Mutex<Vec<String>>>;
/// The ids of webhook messages, with how often each came.
type Received = Arc<Mutex<BTreeMap<String, u64>>>;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

async fn receiver() -> (String, Received) {
    let received = Received::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(received.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, received)
}

async fn receive(State(received): State<Received>, request: Request) -> StatusCode {
    let id = request.headers()["webhook-id"].to_str().unwrap().to_owned();
    *received.lock().unwrap().entry(id).or_default() += 1;
    StatusCode::NO_CONTENT
}

/// What the clients saw.
#[derive(Default)]
struct Seen {
    /// The job of each idempotency key.
    jobs: BTreeMap<String, String>,
    /// Answers of 503, and requests without an answer.
    refused: u64,
    unanswered: u64,
    /// The longest time from the first refusal of a job to its acknowledgement.
    longest: Duration,
}

/// A job that takes a few milliseconds, of a model that all share.
fn job(seed: u64) -> Value {
    let layer = |index: u64| json!({"id": index.to_string(), "param_bytes": 9, "output_bytes": 1 + index, "flops": 3});
    let edge = |index: u64| json!({"from": index.to_string(), "to": (index + 1).to_string()});
    json!({
        "model": {
            "name": "m", "layers": (0..12).map(layer).collect::<Vec<_>>(), "edges": (0..11).map(edge).collect::<Vec<_>>(),
        },
        "cluster": {
            "name": "c",
            "nodes": [{"id": "a", "memory_bytes": 90}, {"id": "b", "memory_bytes": 90}],
            "links": [{"from": "a", "to": "b", "bandwidth_bps": 1000.0, "bidirectional": true}],
        },
        "solver": {"seed": seed},
    })
}

/// Posts jobs, each until a server has acknowledged it.
async fn client(addresses: Addresses, seen: Arc<Mutex<Seen>>, seeds: Vec<u64>, pause: Duration) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    for seed in seeds {
        let (key, began) = (format!("key-{seed}"), Instant::now());
        for attempt in seed.. {
            let base = addresses.lock().unwrap()[attempt as usize % SERVERS].clone();
            let request = http.post(format!("{base}/v1/jobs")).header("idempotency-key", &key).json(&job(seed));
            let Ok(answer) = request.send().await else {
                seen.lock().unwrap().unanswered += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let status = answer.status();
            if status == StatusCode::SERVICE_UNAVAILABLE {
                assert!(answer.headers().contains_key("retry-after"), "503 says when to come again");
                seen.lock().unwrap().refused += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let Ok(text) = answer.text().await else { continue };
            assert!(status == StatusCode::ACCEPTED || status == StatusCode::OK, "{status} {text}");
            let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
            let mut seen = seen.lock().unwrap();
            seen.longest = seen.longest.max(began.elapsed());
            seen.jobs.insert(key.clone(), id);
            break;
        }
        tokio::time::sleep(pause).await;
    }
}

/// Every item of a list.
async fn every(server: &Server, path: &str) -> Vec<Value> {
    let (mut items, mut next) = (Vec::new(), format!("{path}?limit=200"));
    loop {
        let page = server.get(&next).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=200&cursor={cursor}"),
            None => return items,
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_restored_dump_is_served_as_the_database_was() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres_url::of_folder(folder.path()).expect("CUTPOINT_TEST_POSTGRES_URL names a database");
    let server = Server::on(&url, &ARGUMENTS);
    let ended = server.send(reqwest::Method::POST, "/v1/jobs", Some(&job(1)), 60).await;
    assert_eq!(ended.0, 200, "{}", ended.1);
    let before = (every(&server, "/v1/jobs").await, every(&server, "/v1/placements").await);
    let dump = folder.path().join("cutpoint.dump");
    let schema = postgres_url::schema_of(folder.path());
    let base = postgres_url::server().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let dump = dump.to_str().unwrap();
    run("pg_dump", &["--format=custom", "--file", dump, "--schema", &schema, &base]);
    let lost = server.send(reqwest::Method::POST, "/v1/jobs", Some(&job(2)), 60).await;
    assert_eq!(lost.0, 200, "{}", lost.1);
    server.terminate();
    server.ended(Duration::from_secs(30));

    run("pg_restore", &["--clean", "--if-exists", "--dbname", &base, dump]);

    let server = Server::on(&url, &ARGUMENTS);
    assert_eq!((every(&server, "/v1/jobs").await, every(&server, "/v1/placements").await), before);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn servers_that_are_killed_lose_no_job_and_double_none() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres_url::of_folder(folder.path()).expect("CUTPOINT_TEST_POSTGRES_URL names a database");
    let (jobs, seconds) = (number("CUTPOINT_TEST_JOBS", 200), number("CUTPOINT_TEST_SECONDS", 12));
    let restarts = number("CUTPOINT_TEST_RESTARTS", 0);
    let servers: Vec<AsyncMutex<Option<Server>>> =
        (0..SERVERS).map(|_| AsyncMutex::new(Some(Server::on(&url, &ARGUMENTS)))).collect();
    let mut bases = Vec::new();
    for server in &servers {
        bases.push(server.lock().await.as_ref().unwrap().base().to_owned());
    }
    let addresses: Addresses = Arc::new(Mutex::new(bases));
    let (receiver_url, received) = receiver().await;
    let made = servers[0].lock().await.as_ref().unwrap().post("/v1/webhooks", &json!({"url": receiver_url})).await;
    let webhook = made["webhook"]["id"].as_str().unwrap().to_owned();

    let seen = Arc::new(Mutex::new(Seen::default()));
    let pause = Duration::from_secs_f64(seconds as f64 * CLIENTS as f64 / jobs as f64 * 0.8);
    let clients: Vec<_> = (0..CLIENTS as u64)
        .map(|first| (first..jobs).step_by(CLIENTS).collect())
        .map(|seeds| tokio::spawn(client(addresses.clone(), seen.clone(), seeds, pause)))
        .collect();
    let mut healed = Vec::new();
    for second in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let victim = (second * 7 + second / 3) as usize % SERVERS;
        servers[victim].lock().await.take().unwrap().kill();
        if restarts > 0 && second % (seconds / restarts).max(1) == seconds / restarts / 2 {
            let restart =
                std::env::var("CUTPOINT_TEST_POSTGRES_RESTART").expect("a command that restarts the database");
            let restarted = tokio::task::spawn_blocking(move || Command::new("sh").args(["-c", &restart]).output());
            assert!(restarted.await.unwrap().unwrap().status.success());
            let (began, other) = (Instant::now(), addresses.lock().unwrap()[(victim + 1) % SERVERS].clone());
            while !reqwest::get(format!("{other}/v1/models")).await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            healed.push(began.elapsed());
        }
        let server = Server::on(&url, &ARGUMENTS);
        addresses.lock().unwrap()[victim] = server.base().to_owned();
        *servers[victim].lock().await = Some(server);
    }
    for client in clients {
        client.await.unwrap();
    }

    let server = servers[0].lock().await.take().unwrap();
    let (seen, start) = (std::mem::take(&mut *seen.lock().unwrap()), Instant::now());
    assert_eq!(seen.jobs.len() as u64, jobs);
    for id in seen.jobs.values() {
        let job = server.job_when(id, Duration::from_secs(120), is_finished).await;
        assert_eq!(job["status"], "succeeded", "{job}");
    }
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let acknowledged: BTreeSet<String> = seen.jobs.values().cloned().collect();
    let listed = every(&server, "/v1/jobs").await;
    assert_eq!(listed.len() as u64, jobs, "every key is one job");
    assert_eq!(listed.iter().map(|job| text(job, "id")).collect::<BTreeSet<_>>(), acknowledged);
    let placements = every(&server, "/v1/placements").await;
    assert_eq!(placements.len() as u64, jobs, "no job ended twice");
    assert_eq!(placements.iter().map(|item| text(item, "job_id")).collect::<BTreeSet<_>>(), acknowledged);
    let deliveries = loop {
        let deliveries = every(&server, &format!("/v1/webhooks/{webhook}/deliveries")).await;
        if deliveries.iter().all(|delivery| delivery["status"] == "delivered") {
            break deliveries;
        }
        assert!(start.elapsed() < Duration::from_secs(180), "deliveries stay open");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(deliveries.iter().map(|item| text(item, "job_id")).collect::<BTreeSet<_>>(), acknowledged);
    assert_eq!(deliveries.len() as u64, jobs, "one message for each job");
    let received = received.lock().unwrap();
    for delivery in &deliveries {
        let (came, attempts) = (received[&text(delivery, "message_id")], delivery["attempts"].as_u64().unwrap());
        assert!(came >= 1 && came <= attempts, "{came} requests for {attempts} attempts: {delivery}");
    }
    let again = received.values().filter(|came| **came > 1).count();
    println!(
        "{jobs} jobs, {seconds} kills, {} restarts of the database: {} answers of 503, {} requests unanswered, \
         {again} messages came again; the longest acknowledgement {:?}, healed after {healed:?}",
        healed.len(),
        seen.refused,
        seen.unanswered,
        seen.longest
    );
}

//! Several servers on one database: how many jobs they claim and end in a second, and when a client of one server hears of
//! a job that another has ended.
//!
//! The servers share this process and the machine's cores. PostgreSQL is measured where CUTPOINT_TEST_POSTGRES_URL names a
//! database, as under `POSTGRES_FSYNC=on tests/with_postgres.sh`.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::Client;
use super::figures::Times;
use super::postgres_url;
use super::target::Target;

const JOBS: usize = 4000;
const CLIENTS: usize = 16;
const WORKERS: usize = 2;

/// A job that is solved within a millisecond.
fn tiny_job() -> Bytes {
    let job = json!({
        "model": {"name": "m", "layers": [{"id": "a", "param_bytes": 1, "output_bytes": 1, "flops": 1}]},
        "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": 100, "flops_per_s": 1.0}]},
    });
    Bytes::from(job.to_string())
}

fn idle() -> QueueSettings {
    QueueSettings { workers: 0, queue_limit: u32::MAX, jobs_per_key: u32::MAX, ..Default::default() }
}

/// The queue on both engines, and the long poll.
pub async fn measure(length: Duration) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite://{}", folder.path().join("queue.db").display());
    queue("SQLite", &file, 1).await;
    if postgres_url::server().is_none() {
        println!("  PostgreSQL is not measured: CUTPOINT_TEST_POSTGRES_URL is not set");
        return;
    }
    for servers in [1, 2, 4] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = postgres_url::of_folder(folder.path()).expect("a database");
        queue("PostgreSQL", &url, servers).await;
    }
    long_poll(length).await;
}

/// Jobs wait until all servers start at once. One file of SQLite has one server.
async fn queue(engine: &str, url: &str, servers: usize) {
    let filling = Target::on(url, idle(), Limits::default()).await;
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::connect(filling.address, Some(&filling.key)).await;
        clients.push(tokio::spawn(async move {
            for _ in 0..JOBS / CLIENTS {
                let accepted = client.send("POST", "/v1/jobs", &[], tiny_job()).await;
                assert_eq!(accepted.status, 202);
            }
        }));
    }
    for client in clients {
        client.await.expect("a client ends");
    }
    let accepted = JOBS as f64 / began.elapsed().as_secs_f64();
    filling.stop().await;
    let began = Instant::now();
    let mut running = Vec::new();
    for _ in 0..servers {
        let settings = QueueSettings { workers: WORKERS, ..idle() };
        running.push(Target::on(url, settings, Limits::default()).await);
    }
    loop {
        let backlog = running[0].store.backlog().await.expect("the database");
        if backlog.queued + backlog.running == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = JOBS as f64 / began.elapsed().as_secs_f64();
    println!(
        "  {engine}, {servers} servers with {WORKERS} workers: {accepted:.0} jobs accepted, {ended:.0} ended per second"
    );
    for server in running {
        server.stop().await;
    }
}

/// A client waits on a server without workers; another server solves the job.
async fn long_poll(length: Duration) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = postgres_url::of_folder(folder.path()).expect("a database");
    let asked = Target::on(&url, idle(), Limits::default()).await;
    let solving = Target::on(&url, QueueSettings { workers: 1, ..idle() }, Limits::default()).await;
    let mut client = Client::connect(asked.address, Some(&asked.key)).await;
    let (mut times, until) = (Vec::new(), Instant::now() + length);
    while Instant::now() < until {
        let done = client.send("POST", "/v1/jobs", &[("prefer", "wait=60")], tiny_job()).await;
        let heard = Timestamp::now();
        let job: Value = serde_json::from_slice(&done.body).expect("JSON");
        assert_eq!((done.status.as_u16(), &job["status"]), (200, &json!("succeeded")));
        let ended: Timestamp = job["finished_at"].as_str().and_then(|text| text.parse().ok()).expect("a time");
        times.push(Duration::try_from(heard.duration_since(ended)).unwrap_or_default());
    }
    let times = Times::new(times);
    println!("  a long poll on one server hears of a job that another ended: {} jobs, {times}", times.count());
    solving.stop().await;
    asked.stop().await;
}

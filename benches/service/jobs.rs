//! Small jobs: how long one takes that is waited for, and how many are accepted durably in a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;

use super::client::Client;
use super::figures::Times;
use super::target::{Target, small_job};

const CLIENTS: usize = 32;

/// Both.
pub async fn measure(length: Duration) {
    waited_for(length).await;
    accepted(length, "inline", Bytes::from(small_job().to_string())).await;
}

async fn waited_for(length: Duration) {
    let target = Target::start(QueueSettings::default(), Limits::default()).await;
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let body = Bytes::from(small_job().to_string());
    let (mut times, until) = (Vec::new(), Instant::now() + length);
    while Instant::now() < until {
        let done = client.send("POST", "/v1/jobs", &[("prefer", "wait=60")], body.clone()).await;
        assert_eq!(done.status, 200);
        times.push(done.took);
    }
    let times = Times::new(times);
    println!("  one client, Prefer: wait, MobileNetV2 on 10 nodes inline: {} jobs, {times}", times.count());
    target.stop().await;
}

async fn accepted(length: Duration, what: &str, body: Bytes) {
    // Nothing is solved meanwhile: what is measured is how fast jobs become durable.
    let settings = QueueSettings { workers: 0, queue_limit: u32::MAX, jobs_per_key: u32::MAX, ..Default::default() };
    let target = Target::start(settings, Limits::default()).await;
    let (until, count) = (Instant::now() + length, Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::connect(target.address, Some(&target.key)).await;
        let (body, count) = (body.clone(), Arc::clone(&count));
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let accepted = client.send("POST", "/v1/jobs", &[], body.clone()).await;
                assert_eq!(accepted.status, 202);
                count.fetch_add(1, Ordering::Relaxed);
                times.push(accepted.took);
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client ends"));
    }
    let per_second = count.load(Ordering::Relaxed) as f64 / length.as_secs_f64();
    println!("  {CLIENTS} clients, {what}: {per_second:.0} jobs accepted per second, {}", Times::new(times));
    target.stop().await;
}

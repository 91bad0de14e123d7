//! Ten times as many jobs as the solvers can take, over 256 connections, with a reader beside them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use cutpoint::domain::tenant::Tenant;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use cutpoint::store::{Backlog, JobFilter, JobStatus, Order, Page};
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

use super::client::Client;
use super::figures::Times;
use super::target::{Target, example};

const CLIENTS: usize = 256;
/// How many times as many jobs are posted as the solvers can take.
const TIMES: f64 = 10.0;
/// Jobs by which is measured how many the solvers can take.
const TRIAL: usize = 400;
/// How many seconds the accepted jobs may take to end.
const END_WITHIN: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Seen {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
    others: usize,
    silent: usize,
}

/// A minute of it is the bar; `--seconds 60`.
pub async fn measure(length: Duration, workers: Option<usize>) {
    // One key stands for everybody here.
    let default = QueueSettings::default();
    let workers = workers.unwrap_or(default.workers);
    let settings = QueueSettings { jobs_per_key: u32::MAX, workers, ..default };
    let limits = Limits { requests_per_key: Limits::default().requests, ..Limits::default() };
    let target = Target::start(settings, limits).await;
    let body = Bytes::from(example("requests/resnet50-radio-5.json").to_string());
    let solved_per_second = trial(&target, body.clone()).await;
    println!("  {workers} workers take {solved_per_second:.0} of these jobs per second");
    let pause = Duration::from_secs_f64(CLIENTS as f64 / (TIMES * solved_per_second));
    let (until, seen) = (Instant::now() + length, Arc::new(Mutex::new(Seen::default())));
    let mut tasks = Vec::new();
    for number in 0..CLIENTS {
        let client = Client::connect(target.address, Some(&target.key)).await;
        let rhythm = (pause, pause.mul_f64(number as f64 / CLIENTS as f64));
        tasks.push(tokio::spawn(post_until(client, body.clone(), rhythm, until, Arc::clone(&seen))));
    }
    let reads = tokio::spawn(read_until(Client::connect(target.address, Some(&target.key)).await, until));
    for task in tasks {
        task.await.expect("a client ends");
    }
    let reads = Times::new(reads.await.expect("the reader ends"));
    let Seen { accepted, refused, others, silent } = std::mem::take(&mut *seen.lock().await);
    let (accepted, refused) = (Times::new(accepted), Times::new(refused));
    let posted = accepted.count() + refused.count();
    println!(
        "  {CLIENTS} connections, {} s: {posted} posts, {:.0}/s",
        length.as_secs_f64(),
        posted as f64 / length.as_secs_f64()
    );
    println!("  accepted {}: {accepted}", accepted.count());
    println!("  refused {} (503 or 429, {silent} without Retry-After): {refused}", refused.count());
    println!("  other answers: {others}");
    println!("  reads beside it: {}, {reads}", reads.count());
    println!("  resident at most {} MiB, load included", resident_mib());
    println!("  {}", ended(&target, accepted.count() + TRIAL).await);
    target.stop().await;
}

/// How many of these jobs the solvers end in a second.
async fn trial(target: &Target, body: Bytes) -> f64 {
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let began = Instant::now();
    for _ in 0..TRIAL {
        assert_eq!(client.send("POST", "/v1/jobs", &[], body.clone()).await.status, 202);
    }
    ended(target, TRIAL).await;
    TRIAL as f64 / began.elapsed().as_secs_f64()
}

/// Posts in a rhythm of its own: a pause between two posts, and the first after a part of it.
async fn post_until(
    mut client: Client,
    body: Bytes,
    (pause, first): (Duration, Duration),
    until: Instant,
    seen: Arc<Mutex<Seen>>,
) {
    let mut mine = Seen::default();
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + first, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < until {
        ticks.tick().await;
        // A key for each, as clients are told to send.
        let key = uuid::Uuid::now_v7().to_string();
        let answer = client.send("POST", "/v1/jobs", &[("idempotency-key", &key)], body.clone()).await;
        match answer.status.as_u16() {
            202 => mine.accepted.push(answer.took),
            429 | 503 => {
                mine.refused.push(answer.took);
                mine.silent += usize::from(!answer.retry_after);
            }
            _ => mine.others += 1,
        }
    }
    let mut all = seen.lock().await;
    all.accepted.append(&mut mine.accepted);
    all.refused.append(&mut mine.refused);
    all.others += mine.others;
    all.silent += mine.silent;
}

async fn read_until(mut client: Client, until: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    while Instant::now() < until {
        let listed = client.send("GET", "/v1/jobs?limit=1", &[], Bytes::new()).await;
        // A reader that is turned away was answered too; it counts with its time.
        times.push(listed.took);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    times
}

/// Waits until every accepted job has ended, and says how.
async fn ended(target: &Target, accepted: usize) -> String {
    let deadline = Instant::now() + END_WITHIN;
    loop {
        let Backlog { queued, running, .. } = target.store.backlog().await.expect("the database");
        if queued + running == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{queued} queued and {running} running jobs have not ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut page = Page { limit: 200, order: Order::NewestFirst, after: None };
    let filter = JobFilter { statuses: vec![JobStatus::Succeeded], ..JobFilter::default() };
    let mut succeeded = 0;
    loop {
        let listed = target.store.jobs(&Tenant::default(), filter.clone(), page.clone()).await.expect("the database");
        succeeded += listed.items.len();
        let Some(next) = listed.next else { break };
        page.after = Some(next);
    }
    assert_eq!(succeeded, accepted, "an accepted job is lost");
    format!("all {succeeded} accepted jobs ended with a placement")
}

/// The most memory that this process has had; 0 where the system does not tell.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or(0) / 1024
}

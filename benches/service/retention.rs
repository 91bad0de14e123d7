//! Many placements under retention, with readers beside them: whether the settings hold, what readers see, and whether the
//! file stops growing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use cutpoint::domain::tenant::Tenant;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use cutpoint::store::{JobFilter, Order, Page, PlacementFilter, Retention};
use serde_json::{Value, json};

use super::client::Client;
use super::figures::Times;
use super::target::{Target, example};

const POSTERS: usize = 8;
const READERS: usize = 4;
/// Pairs of a model and a cluster.
const PAIRS: usize = 4;
/// How many placements of each pair are kept.
const KEPT: u32 = 100;
const JOBS_AGE: Duration = Duration::from_secs(10);
/// In how many steps sizes are told.
const STEPS: usize = 10;
/// How long the settings may take to hold behind the last placement.
const HOLD_WITHIN: Duration = Duration::from_secs(120);

/// What readers were answered.
#[derive(Default)]
struct Answers {
    lists: Vec<Duration>,
    singles: Vec<Duration>,
    gone: usize,
    errors: usize,
}

/// Puts so many placements in.
pub async fn measure(placements: usize) {
    let retention = Retention { placements_of_pair: Some(KEPT), jobs_age: Some(JOBS_AGE), ..Retention::default() };
    let settings = QueueSettings { retention, jobs_per_key: u32::MAX, ..QueueSettings::default() };
    let target = Arc::new(Target::start(settings, Limits::default()).await);
    let bodies = Arc::new(pairs(&target).await);
    let (began, made, stop) = (Instant::now(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(read(Arc::clone(&target), Arc::clone(&stop)))).collect();
    let mut posters = Vec::new();
    for _ in 0..POSTERS {
        posters.push(tokio::spawn(post(Arc::clone(&target), Arc::clone(&bodies), Arc::clone(&made), placements)));
    }
    println!("  {PAIRS} pairs of model and cluster, {KEPT} of each kept, records of jobs kept for {JOBS_AGE:?}");
    for step in 1..=STEPS {
        while made.load(Ordering::SeqCst) < placements * step / STEPS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tell(&target, began, made.load(Ordering::SeqCst)).await;
    }
    for poster in posters {
        poster.await.expect("a poster ends");
    }
    let last = Instant::now();
    while rows(&target).await != (PAIRS * KEPT as usize, 0) {
        assert!(last.elapsed() < HOLD_WITHIN, "the settings do not hold");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stop.store(true, Ordering::SeqCst);
    tell(&target, began, placements).await;
    println!("  the settings hold {:.1} s behind the last placement", last.elapsed().as_secs_f64());
    let mut all = Answers::default();
    for reader in readers {
        let of_one = reader.await.expect("a reader ends");
        all.lists.extend(of_one.lists);
        all.singles.extend(of_one.singles);
        all.gone += of_one.gone;
        all.errors += of_one.errors;
    }
    let (lists, singles) = (Times::new(all.lists), Times::new(all.singles));
    println!("  lists {}: {lists}", lists.count());
    println!("  placements that a list named {}: {singles}; gone meanwhile {}", singles.count(), all.gone);
    println!("  other answers: {}", all.errors);
    Arc::into_inner(target).expect("everybody has ended").stop().await;
}

/// Registers a model and clusters; gives a request for each pair.
async fn pairs(target: &Target) -> Vec<Bytes> {
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let mut register = async |path: &str, document: Value| {
        let made = client.send("POST", path, &[], Bytes::from(document.to_string())).await;
        let made: Value = serde_json::from_slice(&made.body).expect("JSON");
        made["id"].as_str().expect("an id").to_owned()
    };
    let model_id = register("/v1/models", example("models/MobileNetV2.json")).await;
    let mut bodies = Vec::with_capacity(PAIRS);
    for number in 0..PAIRS {
        let mut cluster = example("clusters/radio-20.json");
        cluster["nodes"].as_array_mut().expect("nodes").truncate(6 + number);
        let cluster_id = register("/v1/clusters", cluster).await;
        bodies.push(Bytes::from(json!({"model_id": model_id, "cluster_id": cluster_id}).to_string()));
    }
    bodies
}

async fn post(target: Arc<Target>, bodies: Arc<Vec<Bytes>>, made: Arc<AtomicUsize>, placements: usize) {
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let wait = [("prefer", "wait=60")];
    loop {
        let number = made.fetch_add(1, Ordering::SeqCst);
        if number >= placements {
            return;
        }
        let done = client.send("POST", "/v1/jobs", &wait, bodies[number % PAIRS].clone()).await;
        assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    }
}

async fn read(target: Arc<Target>, stop: Arc<AtomicBool>) -> Answers {
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let mut answers = Answers::default();
    let lists = ["?limit=50", "?latest=true", "?node_id=node-01&limit=20"];
    for list in lists.iter().cycle() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let listed = client.send("GET", &format!("/v1/placements{list}"), &[], Bytes::new()).await;
        answers.lists.push(listed.took);
        answers.errors += usize::from(listed.status != 200);
        let listed: Value = serde_json::from_slice(&listed.body).expect("JSON");
        // The oldest of them go first.
        for item in listed["items"].as_array().into_iter().flatten().rev().take(5) {
            let path = format!("/v1/placements/{}", item["id"].as_str().expect("an id"));
            let single = client.send("GET", &path, &[], Bytes::new()).await;
            answers.singles.push(single.took);
            match single.status.as_u16() {
                200 => {}
                404 => answers.gone += 1,
                _ => answers.errors += 1,
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    answers
}

async fn tell(target: &Target, began: Instant, made: usize) {
    let (placements, jobs) = rows(target).await;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "  {:6.1} s, {made:6} placements made, {placements:5} and {jobs:5} jobs kept, file {:6.2} MiB, log {:5.2} MiB",
        began.elapsed().as_secs_f64(),
        mib(target.database_bytes()),
        mib(target.log_bytes()),
    );
}

/// How many placements and jobs are kept.
async fn rows(target: &Target) -> (usize, usize) {
    let (tenant, mut counts) = (Tenant::default(), (0, 0));
    let first = || Page { limit: 200, order: Order::NewestFirst, after: None };
    let mut page = first();
    loop {
        let filter = PlacementFilter::default();
        let listed = target.store.placements(&tenant, filter, page.clone()).await.expect("the database");
        counts.0 += listed.items.len();
        page.after = listed.next;
        if page.after.is_none() {
            break;
        }
    }
    page = first();
    loop {
        let listed = target.store.jobs(&tenant, JobFilter::default(), page.clone()).await.expect("the database");
        counts.1 += listed.items.len();
        page.after = listed.next;
        if page.after.is_none() {
            return counts;
        }
    }
}

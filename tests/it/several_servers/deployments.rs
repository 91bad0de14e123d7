//! A site with deployments that changes while its servers are killed.
//!
//! `CUTPOINT_TEST_KILLS` sets how many servers are killed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use super::{ARGUMENTS, Addresses, every, number};
use crate::deployments::{cluster, model};
use crate::event_stream::{Event, events_until};
use crate::postgres_url;
use crate::server::Server;

const SERVERS: usize = 3;
const NODES: usize = 6;
/// The cool-down and the limit of each deployment: none, one that waits, and one that is soon used up.
const POLICIES: [(f64, usize); 3] = [(0.0, 3600), (1.0, 3600), (0.0, 6)];
const MAX_PERIOD_RATIO: f64 = 1.5;

/// A small generator of numbers: xorshift (Marsaglia 2003).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// A client of whichever server answers.
#[derive(Clone)]
struct Site {
    addresses: Addresses,
    http: reqwest::Client,
    cluster: String,
    deployments: Vec<String>,
}

impl Site {
    /// Asks one server after the other until one answers. What was asked may have been done several times.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        if_match: Option<u64>,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let began = Instant::now();
        for attempt in 0.. {
            assert!(began.elapsed() < Duration::from_secs(60), "nobody answers {path}");
            let base = self.addresses.lock().unwrap()[attempt % SERVERS].clone();
            let mut request = self.http.request(method.clone(), format!("{base}{path}"));
            if let Some(revision) = if_match {
                request = request.header("If-Match", format!("\"{revision}\""));
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            if let Ok(answer) = request.send().await
                && answer.status() != StatusCode::SERVICE_UNAVAILABLE
            {
                let status = answer.status();
                if let Ok(text) = answer.text().await {
                    return (status, serde_json::from_str(&text).unwrap());
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("attempts do not end")
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, path, None, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    async fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for id in &self.deployments {
            rows.push(self.get(&format!("/v1/deployments/{id}")).await);
        }
        rows
    }

    async fn revision(&self) -> u64 {
        self.get(&format!("/v1/clusters/{}", self.cluster)).await["revision"].as_u64().unwrap()
    }

    /// Makes one revision. A server may die after it was made and before it says so: then the next says 412.
    async fn change(&self, patch: &Value) {
        let before = self.revision().await;
        let path = format!("/v1/clusters/{}", self.cluster);
        let (status, answer) = self.ask(Method::PATCH, &path, Some(before), Some(patch)).await;
        assert!([StatusCode::OK, StatusCode::PRECONDITION_FAILED].contains(&status), "{answer}");
        assert_eq!(self.revision().await, before + 1);
    }

    /// Says that what is proposed runs, where something is. Returns whether it was.
    async fn apply(&self, row: &Value) -> bool {
        let Some(proposed) = row.get("proposed") else { return false };
        let body = json!({"placement_id": proposed["placement_id"], "revision": row["revision"]});
        let path = format!("/v1/deployments/{}/applied", row["id"].as_str().unwrap());
        // It may have changed meanwhile; then it is read again.
        let (status, answer) = self.ask(Method::POST, &path, None, Some(&body)).await;
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&status), "{answer}");
        true
    }

    /// Applies proposals until nothing more comes.
    async fn settle(&self, database: &mut PgConnection) {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < Duration::from_secs(60), "it does not settle: {:#?}", self.rows().await);
            let (rows, revision) = (self.rows().await, self.revision().await);
            let mut is_quiet = unhandled(database).await == 0;
            for row in &rows {
                is_quiet &= !self.apply(row).await && row.get("planning").is_none();
                is_quiet &= row["condition"]["cluster_revision"] == revision;
            }
            if !is_quiet {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            // Longer than the longest cool-down.
            tokio::time::sleep(Duration::from_millis(1300)).await;
            if self.rows().await == rows {
                return;
            }
        }
    }
}

/// How many clusters have changes that were not looked at.
async fn unhandled(database: &mut PgConnection) -> i64 {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM deployment_clusters WHERE changes > handled");
    count.fetch_one(database).await.unwrap()
}

fn all_nodes() -> Value {
    let nodes = cluster(NODES, 2000)["nodes"].as_array().unwrap().clone();
    let whole = nodes.into_iter().map(|mut node| {
        node["schedulable"] = json!(true);
        node
    });
    json!({"nodes": {"upsert": whole.collect::<Vec<Value>>()}})
}

/// A node is drained, comes back, or becomes slower.
fn random_change(random: &mut Random) -> Value {
    let id = format!("n{}", random.below(NODES as u64));
    let change = match random.below(4) {
        0 => json!({"id": id, "schedulable": false}),
        1 | 2 => json!({"id": id, "schedulable": true, "flops_per_s": 1e8}),
        _ => json!({"id": id, "flops_per_s": 1e8 / (1 + random.below(5)) as f64}),
    };
    json!({"nodes": {"upsert": [change]}})
}

async fn keep_changing(site: Site, stop: Arc<AtomicBool>, mut random: Random) {
    while !stop.load(Ordering::Relaxed) {
        site.change(&random_change(&mut random)).await;
        tokio::time::sleep(Duration::from_millis(20 + random.below(150))).await;
    }
}

/// An orchestrator that is slow at times.
async fn keep_applying(site: Site, stop: Arc<AtomicBool>, mut random: Random) {
    while !stop.load(Ordering::Relaxed) {
        for row in site.rows().await {
            if random.below(3) > 0 {
                site.apply(&row).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(random.below(60))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn killed_servers_lose_no_event_and_propose_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres_url::of_folder(folder.path()).expect("CUTPOINT_TEST_POSTGRES_URL names a database");
    let mut servers: Vec<Server> = (0..SERVERS).map(|_| Server::on(&url, &ARGUMENTS)).collect();
    let addresses: Addresses = Arc::new(Mutex::new(servers.iter().map(|server| server.base().to_owned()).collect()));
    let mut database = PgConnection::connect(&url).await.unwrap();
    // Nobody listens there: messages stay in the outbox, where they are counted.
    let webhook = servers[0].post("/v1/webhooks", &json!({"url": "http://127.0.0.1:9/"})).await;
    let site = create(&servers[0], addresses.clone()).await;
    site.settle(&mut database).await;

    let (stop, mut random) = (Arc::new(AtomicBool::new(false)), Random(0x9E37_79B9_7F4A_7C15));
    let tasks = [
        tokio::spawn(keep_changing(site.clone(), stop.clone(), Random(1 << 40 | 7))),
        tokio::spawn(keep_applying(site.clone(), stop.clone(), Random(1 << 41 | 5))),
    ];
    let kills = number("CUTPOINT_TEST_KILLS", 10);
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(50 + random.below(400))).await;
        let victim = random.below(SERVERS as u64) as usize;
        let server = servers.remove(victim);
        server.kill();
        servers.insert(victim, Server::on(&url, &ARGUMENTS));
        addresses.lock().unwrap()[victim] = servers[victim].base().to_owned();
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }

    // As the site happens to be, and whole again.
    site.settle(&mut database).await;
    assert_conditions(&site).await;
    site.change(&all_nodes()).await;
    site.settle(&mut database).await;
    let rows = assert_conditions(&site).await;
    // What is broken stays so where no more may be proposed.
    assert!(rows[..2].iter().all(|row| row["condition"]["status"] != "broken"), "{rows:#?}");

    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&mut database).await.unwrap();
    let events = events_until(&servers[0], |events| events.len() as i64 == stored).await;
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id), "ids grow");
    let made = assert_history(&servers[0], &site, &events).await;
    let of_cluster: Vec<u64> =
        bodies(&events, "cluster.changed").map(|data| data["revision"].as_u64().unwrap()).collect();
    let revisions: Vec<u64> = (2..=site.revision().await).collect();
    assert_eq!(of_cluster, revisions, "one event for each revision, in order");
    // Each event is one message.
    let deliveries = format!("/v1/webhooks/{}/deliveries", webhook["webhook"]["id"].as_str().unwrap());
    let deliveries = every(&servers[0], &deliveries).await.into_iter();
    // The jobs that plan tell of their ends too.
    let deliveries: Vec<Value> = deliveries.filter(|it| it["event_type"] != "job.finished").collect();
    let messages: BTreeSet<&str> = deliveries.iter().map(|it| it["message_id"].as_str().unwrap()).collect();
    assert_eq!((deliveries.len(), messages.len()), (events.len(), events.len()));
    println!("{kills} kills, {} revisions, {made} proposals, {} events", revisions.len(), events.len());
}

async fn create(server: &Server, addresses: Addresses) -> Site {
    let cluster_id = server.post("/v1/clusters", &cluster(NODES, 2000)).await["id"].clone();
    let model_id = server.post("/v1/models", &model("camera", 5)).await["id"].clone();
    let mut deployments = Vec::new();
    for (number, (cool_down_s, most)) in POLICIES.into_iter().enumerate() {
        let body = json!({"name": format!("camera {number}"), "model_id": model_id, "cluster_id": cluster_id,
            "options": {"cost_model": {"memory": "params"}, "constraints": {"max_stages": 2}},
            "policy": {"cool_down_s": cool_down_s, "max_proposals_per_hour": most, "max_period_ratio": MAX_PERIOD_RATIO}});
        deployments.push(server.post("/v1/deployments", &body).await["id"].as_str().unwrap().to_owned());
    }
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    Site { addresses, http, cluster: cluster_id.as_str().unwrap().to_owned(), deployments }
}

/// The conditions are those of an evaluation of each placement beside the others, and of the impact of no change.
async fn assert_conditions(site: &Site) -> Vec<Value> {
    let rows = site.rows().await;
    let path = format!("/v1/clusters/{}/impact", site.cluster);
    let (status, impact) = site.ask(Method::POST, &path, None, Some(&json!({}))).await;
    assert_eq!(status, StatusCode::OK, "{impact}");
    for (row, on) in rows.iter().zip(impact["deployments"].as_array().unwrap()) {
        assert_eq!((&on["deployment_id"], &on["before"]), (&row["id"], &row["condition"]["status"]));
        for member in ["status", "violations"] {
            assert_eq!(on["condition"][member], row["condition"][member], "{row:#}");
        }
        let evaluated = evaluate(site, row, &rows).await;
        let violations = evaluated["violations"].as_array().unwrap();
        let status = row["condition"]["status"].as_str().unwrap();
        let is_slow = || {
            let most = row["applied"]["period_s"].as_f64().unwrap() * MAX_PERIOD_RATIO;
            evaluated["period_s"].as_f64().unwrap() > most
        };
        let expected = match violations.is_empty() {
            false => "broken",
            true if is_slow() => "degraded",
            true => "healthy",
        };
        assert_eq!(status, expected, "{row:#} {evaluated:#}");
    }
    rows
}

/// What runs, evaluated on the newest revision beside what else runs.
async fn evaluate(site: &Site, row: &Value, rows: &[Value]) -> Value {
    let placement = row["applied"]["placement_id"].as_str().unwrap();
    let placement = site.get(&format!("/v1/placements/{placement}")).await;
    let stage = |stage: &Value| json!({"node_id": stage["node_id"], "layer_ids": stage["layer_ids"]});
    let stages = placement["placement"]["pipelines"][0]["stages"].as_array().unwrap().iter().map(stage);
    let others = rows.iter().filter(|other| other["id"] != row["id"]);
    let others: Vec<&Value> = others.map(|other| &other["applied"]["placement_id"]).collect();
    let body = json!({"model_id": row["model_id"], "cluster_id": row["cluster_id"], "occupied_by": others,
        "cost_model": row["options"]["cost_model"], "constraints": row["options"]["constraints"],
        "stages": stages.collect::<Vec<Value>>()});
    let (status, evaluated) = site.ask(Method::POST, "/v1/evaluations", None, Some(&body)).await;
    assert_eq!(status, StatusCode::OK, "{evaluated}");
    evaluated
}

fn bodies<'e>(events: &'e [Event], event_type: &str) -> impl Iterator<Item = &'e Value> {
    events.iter().filter(move |event| event.event_type == event_type).map(|event| &event.body["data"])
}

/// Each entry of the history has its event, nothing is proposed while something is, and no policy is exceeded. Returns how
/// many proposals there were.
async fn assert_history(server: &Server, site: &Site, events: &[Event]) -> usize {
    let mut proposals = 0;
    for (id, (cool_down_s, most)) in site.deployments.iter().zip(POLICIES) {
        let mut history = every(server, &format!("/v1/deployments/{id}/history")).await;
        history.reverse();
        for (kind, at) in [("proposed", "proposed_at"), ("applied", "applied_at")] {
            let event_type = format!("deployment.{kind}");
            let own: Vec<&Value> =
                bodies(events, &event_type).filter(|data| data["id"] == id.as_str()).map(|data| &data[kind]).collect();
            let distinct: BTreeSet<(&str, &str)> =
                own.iter().map(|it| (text(it, "placement_id"), text(it, at))).collect();
            assert_eq!(distinct.len(), own.len(), "{id}: each is told once: {own:#?}");
            let told = own.iter().map(|it| text(it, "placement_id")).collect::<Vec<_>>();
            let entries = history.iter().filter(|entry| entry["kind"] == kind);
            let entries: Vec<&str> = entries.map(|entry| text(entry, "placement_id")).collect();
            assert_eq!(told, entries, "{id}: {kind}");
        }
        let kinds: Vec<&str> = history.iter().filter_map(|entry| entry["kind"].as_str()).collect();
        let moves: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "failed").collect();
        assert!(!moves.windows(2).any(|pair| pair == ["proposed", "proposed"]), "{history:#?}");
        let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let times: Vec<_> = history.iter().filter(|entry| entry["kind"] == "proposed").map(at).collect();
        // The limits are kept by the database's clock, and these are the clocks of servers.
        let apart = |pair: &[jiff::Timestamp]| pair[1].duration_since(pair[0]).as_secs_f64() + 0.05;
        assert!(times.windows(2).all(|pair| apart(pair) >= cool_down_s), "{id}: {times:?}");
        assert!(times.len() <= most, "{id}: {times:?}");
        proposals += times.len();
    }
    proposals
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

//! Deployments of the real server: what a kill leaves behind, and by hand how long an answer takes.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use super::server::Server;

pub(crate) fn model(name: &str, layers: usize) -> Value {
    let input = json!({"id": "input", "op": "Input", "param_bytes": 0, "output_bytes": 1000});
    let layer =
        |index: usize| json!({"id": format!("l{index}"), "param_bytes": 500, "output_bytes": 1000, "flops": 1_000_000});
    let layers: Vec<Value> = std::iter::once(input).chain((0..layers).map(layer)).collect();
    let edge = |pair: &[Value]| json!({"from": pair[0]["id"], "to": pair[1]["id"]});
    let edges: Vec<Value> = layers.windows(2).map(edge).collect();
    json!({"name": name, "layers": layers, "edges": edges})
}

pub(crate) fn cluster(nodes: usize, memory_bytes: u64) -> Value {
    let node = |index: usize| json!({"id": format!("n{index}"), "memory_bytes": memory_bytes, "flops_per_s": 1e8});
    json!({"name": "site", "nodes": (0..nodes).map(node).collect::<Vec<_>>(),
        "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0005}})
}

async fn create(server: &Server, name: &str, model_id: &Value, cluster_id: &Value) -> String {
    let body = json!({"name": name, "model_id": model_id, "cluster_id": cluster_id,
        "options": {"cost_model": {"memory": "params"}, "constraints": {"max_stages": 2}},
        "policy": {"cool_down_s": 0, "max_proposals_per_hour": 3600, "max_period_ratio": 1.5}});
    server.post("/v1/deployments", &body).await["id"].as_str().unwrap().to_owned()
}

async fn read(server: &Server, id: &str) -> Value {
    server.get(&format!("/v1/deployments/{id}")).await
}

/// Applies proposals until every deployment is healthy.
async fn settle(server: &Server, ids: &[String]) {
    let start = Instant::now();
    loop {
        let mut well = true;
        for id in ids {
            let row = read(server, id).await;
            well &= row["condition"]["status"] == "healthy" && row.get("proposed").is_none();
            if let Some(proposed) = row.get("proposed") {
                let body = json!({"placement_id": proposed["placement_id"], "revision": row["revision"]});
                // It may have changed meanwhile; then it is read again.
                let _ = server.send(Method::POST, &format!("/v1/deployments/{id}/applied"), Some(&body), 0).await;
            }
        }
        if well {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it does not settle");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Replaces the cluster, whatever its revision is.
async fn replace(server: &Server, cluster_id: &Value, inventory: &Value) {
    let path = format!("{}/v1/clusters/{}", server.base(), cluster_id.as_str().unwrap());
    let revision = server.get(&format!("/v1/clusters/{}", cluster_id.as_str().unwrap())).await["revision"].clone();
    let request = reqwest::Client::new().put(path).header("If-Match", format!("\"{revision}\"")).json(inventory);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_kill_loses_no_event_and_nothing_is_proposed_twice() {
    const KILLS: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("site.db");
    let mut server = Server::start(&database, &[]);
    let whole = cluster(5, 2000);
    let cluster_id = server.post("/v1/clusters", &whole).await["id"].clone();
    let model_id = server.post("/v1/models", &model("camera", 5)).await["id"].clone();
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        ids.push(create(&server, name, &model_id, &cluster_id).await);
    }
    settle(&server, &ids).await;
    for kill in 0..KILLS {
        let mut changed = whole.clone();
        let away = usize::try_from(kill % 5).unwrap();
        changed["nodes"][away]["schedulable"] = json!(kill % 3 == 2);
        replace(&server, &cluster_id, &changed).await;
        // From before the first look at the change to after the proposal.
        tokio::time::sleep(Duration::from_millis(kill * kill)).await;
        server.kill();
        server = Server::start(&database, &[]);
        if kill % 2 == 1 {
            settle(&server, &ids).await;
        }
    }
    replace(&server, &cluster_id, &whole).await;
    settle(&server, &ids).await;
    let revision = server.get(&format!("/v1/clusters/{}", cluster_id.as_str().unwrap())).await["revision"].clone();
    let mut proposals = 0;
    for id in &ids {
        let page = server.get(&format!("/v1/deployments/{id}/history?limit=200")).await;
        let kinds: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
        proposals += kinds.iter().filter(|kind| **kind == "proposed").count();
        let twice = kinds.windows(2).any(|pair| pair == ["proposed", "proposed"]);
        assert!(!twice, "{page:#}");
    }
    server.kill();
    let options = SqliteConnectOptions::new().filename(&database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let events: Vec<(i64, String)> = sqlx::query_as("SELECT sequence, event_type FROM events ORDER BY sequence")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let count = |name: &str| events.iter().filter(|(_, event_type)| event_type == name).count();
    assert!(events.iter().enumerate().all(|(index, (sequence, _))| *sequence == index as i64 + 1), "{events:?}");
    assert_eq!(count("cluster.changed") as u64, revision.as_u64().unwrap() - 1);
    assert_eq!(count("deployment.proposed"), proposals);
}

/// Follows the stream of events.
struct Follower {
    answer: reqwest::Response,
    text: String,
}

impl Follower {
    async fn start(server: &Server) -> Self {
        let answer = reqwest::Client::new().get(format!("{}/v1/events", server.base())).send().await.unwrap();
        Self { answer, text: String::new() }
    }

    /// Waits for a proposal. Returns its reason.
    async fn proposal(&mut self) -> String {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                if !block.contains("event: deployment.proposed") {
                    continue;
                }
                let data = block.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                let event: Value = serde_json::from_str(data).unwrap();
                return event["data"]["proposed"]["reason"].as_str().unwrap().to_owned();
            }
            let chunk = self.answer.chunk().await.unwrap().expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn show(what: &str, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let at = |part: f64| taken[((taken.len() - 1) as f64 * part).ceil() as usize];
    println!("{what}: {} samples, p50 {:?}, p99 {:?}, longest {:?}", taken.len(), at(0.5), at(0.99), at(1.0));
}

/// From a change to its proposal with 20 deployments on 50 nodes: `cargo nextest run --release --run-ignored all
/// --no-capture -E 'test(from_a_change_to_its_proposal)'`.
#[tokio::test]
#[ignore = "prints figures, to be run by hand"]
async fn from_a_change_to_its_proposal() {
    const SAMPLES: usize = 30;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("site.db"), &[]);
    let whole = cluster(50, 2000);
    let cluster_id = server.post("/v1/clusters", &whole).await["id"].clone();
    let mut ids = Vec::new();
    for number in 0..20 {
        let model_id = server.post("/v1/models", &model(&format!("model {number}"), 6)).await["id"].clone();
        let id = create(&server, &format!("camera {number}"), &model_id, &cluster_id).await;
        settle(&server, std::slice::from_ref(&id)).await;
        ids.push(id);
    }
    settle(&server, &ids).await;
    let mut follower = Follower::start(&server).await;
    let mut of_reason: std::collections::BTreeMap<String, Vec<Duration>> = std::collections::BTreeMap::new();
    for planned_ahead in [false, true] {
        for sample in 0..SAMPLES {
            let id = &ids[sample % ids.len()];
            if planned_ahead {
                let path = format!("/v1/deployments/{id}/resilience");
                while server.get(&path).await["complete"] != true {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            let applied = read(&server, id).await["applied"]["placement_id"].as_str().unwrap().to_owned();
            let placement = server.get(&format!("/v1/placements/{applied}")).await;
            let node = placement["placement"]["pipelines"][0]["stages"][0]["node_id"].as_str().unwrap().to_owned();
            let mut changed = whole.clone();
            let place = changed["nodes"].as_array().unwrap().iter().position(|it| it["id"] == node.as_str()).unwrap();
            if planned_ahead {
                changed["nodes"][place]["schedulable"] = json!(false);
            } else {
                changed["nodes"][place]["flops_per_s"] = json!(2e7);
            }
            let began = Instant::now();
            replace(&server, &cluster_id, &changed).await;
            let reason = tokio::time::timeout(Duration::from_secs(20), follower.proposal()).await.unwrap();
            of_reason.entry(reason).or_default().push(began.elapsed());
            replace(&server, &cluster_id, &whole).await;
            settle(&server, &ids).await;
            // Other deployments on the node were proposed something too.
            while tokio::time::timeout(Duration::from_millis(100), follower.proposal()).await.is_ok() {}
        }
    }
    of_reason.into_iter().for_each(|(reason, taken)| show(&reason, taken));
}

//! The events of deployments as webhooks of the real server: one life, driven over HTTP, of which a receiver hears everything
//! that the stream has.

use reqwest::Method;
use serde_json::{Value, json};

use crate::deployments::{cluster, model};
use crate::event_stream::events_until;
use crate::server::Server;
use crate::webhooks::{receiver, wait_for};

/// A deployment, and the cluster that it is on.
struct Life {
    server: Server,
    cluster: String,
    deployment: String,
}

impl Life {
    async fn begin(server: Server) -> Self {
        let cluster_id = server.post("/v1/clusters", &cluster(4, 1000)).await["id"].clone();
        let model_id = server.post("/v1/models", &model("camera", 3)).await["id"].clone();
        let body = json!({"name": "camera", "model_id": model_id, "cluster_id": cluster_id,
            "options": {"cost_model": {"memory": "params"}}, "policy": {"cool_down_s": 0, "max_period_ratio": 1.2}});
        let deployment = server.post("/v1/deployments", &body).await["id"].as_str().unwrap().to_owned();
        Self { server, cluster: cluster_id.as_str().unwrap().to_owned(), deployment }
    }

    async fn read(&self) -> Value {
        self.server.get(&format!("/v1/deployments/{}", self.deployment)).await
    }

    async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, async || Some(self.read().await).filter(&wanted)).await
    }

    /// Applies what is proposed. Returns the nodes of its stages.
    async fn apply(&self) -> Vec<String> {
        let row = self.until("a proposal", |row| row.get("proposed").is_some()).await;
        let placement_id = row["proposed"]["placement_id"].as_str().unwrap();
        let body = json!({"placement_id": placement_id, "revision": row["revision"]});
        self.server.post(&format!("/v1/deployments/{}/applied", self.deployment), &body).await;
        let placement = self.server.get(&format!("/v1/placements/{placement_id}")).await;
        let stages = placement["placement"]["pipelines"][0]["stages"].as_array().unwrap().clone();
        stages.iter().map(|stage| stage["node_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Changes nodes of the cluster, and waits until the condition is this one.
    async fn change(&self, nodes: Vec<Value>, status: &str) {
        let path = format!("/v1/clusters/{}", self.cluster);
        let revision = self.server.get(&path).await["revision"].clone();
        let patch = json!({"nodes": {"upsert": nodes}});
        let request = reqwest::Client::new().request(Method::PATCH, format!("{}{path}", self.server.base()));
        let answer = request.header("If-Match", format!("\"{revision}\"")).json(&patch).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        self.until(status, |row| row["condition"]["status"] == status).await;
    }
}

#[tokio::test]
async fn a_receiver_hears_of_a_whole_life_what_the_stream_has() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--workers", "1", "--webhook-allow-nets", "127.0.0.0/8"];
    let server = Server::start(&folder.path().join("site.db"), &arguments);
    // It turns every third message away at first.
    let (url, got) = receiver().await;
    let made = server.post("/v1/webhooks", &json!({"url": url})).await;
    let deliveries = format!("/v1/webhooks/{}/deliveries", made["webhook"]["id"].as_str().unwrap());
    let life = Life::begin(server).await;

    let used = life.apply().await;
    let all_nodes = |flops: f64| (0..4).map(|index| json!({"id": format!("n{index}"), "flops_per_s": flops})).collect();
    life.change(all_nodes(1e7), "degraded").await;
    life.change(all_nodes(1e8), "healthy").await;
    life.change(vec![json!({"id": used[0], "schedulable": false})], "broken").await;
    let moved = life.apply().await;
    assert!(!moved.contains(&used[0]), "{moved:?}");
    life.until("recovery", |row| row["condition"]["status"] == "healthy").await;

    let recovered = |events: &[crate::event_stream::Event]| {
        events.iter().filter(|event| event.event_type == "deployment.recovered").count() == 2
    };
    let events = events_until(&life.server, recovered).await;
    let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types[..2], ["deployment.proposed", "deployment.applied"]);
    // Whether something is proposed while every node is slow is the policy's to say.
    let others: Vec<&str> = types[2..].iter().copied().filter(|name| *name != "deployment.proposed").collect();
    assert_eq!(
        others,
        [
            "cluster.changed",
            "deployment.degraded",
            "cluster.changed",
            "deployment.recovered",
            "cluster.changed",
            "deployment.broken",
            "deployment.applied",
            "deployment.recovered"
        ]
    );
    assert!(types[2..].contains(&"deployment.proposed"), "{types:?}");

    let delivered = wait_for("every delivery", async || {
        let page = life.server.get(&format!("{deliveries}?limit=200")).await;
        let items = page["items"].as_array().unwrap().iter().filter(|item| item["event_type"] != "job.finished");
        let items: Vec<Value> = items.cloned().collect();
        let all = items.len() == events.len() && items.iter().all(|item| item["status"] == "delivered");
        all.then_some(items)
    });
    let delivered = delivered.await;
    assert!(delivered.iter().all(|item| item.get("job_id").is_none()), "{delivered:?}");
    assert!(delivered.iter().any(|item| item["attempts"].as_u64() > Some(1)), "some came again: {delivered:?}");

    let verifier = standardwebhooks::Webhook::new(made["secret"].as_str().unwrap()).unwrap();
    let mut heard = std::collections::BTreeMap::new();
    for (headers, body) in got.lock().unwrap().iter() {
        verifier.verify(body, headers).expect("a valid signature");
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        let text = String::from_utf8(body.clone()).unwrap();
        // The jobs that plan tell of their ends too.
        if text.contains(r#""type":"job.finished""#) {
            continue;
        }
        if let Some(earlier) = heard.insert(id, text.clone()) {
            assert_eq!(earlier, text, "a message has the same bytes at every attempt");
        }
    }
    // Each event is one message, whose bytes are those of the stream.
    let mut heard: Vec<String> = heard.into_values().collect();
    let mut streamed: Vec<String> = events.into_iter().map(|event| event.text).collect();
    heard.sort();
    streamed.sort();
    assert_eq!(heard, streamed);
    for text in &heard {
        let message: Value = serde_json::from_str(text).unwrap();
        let of = if message["type"] == "cluster.changed" { &life.cluster } else { &life.deployment };
        assert_eq!(message["data"]["id"], of.as_str());
    }
}

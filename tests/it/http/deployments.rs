//! `/v1/deployments`: the life of a deployment, what is refused, and what changes of a cluster do.

use std::time::Duration;

use cutpoint::deployments::Deployments;
use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Answer, Service};

/// A site of `nodes` nodes that are alike, and a model that needs two of them.
pub(crate) struct Site {
    pub(crate) service: Service,
    _watch: Deployments,
    pub(crate) model: String,
    pub(crate) cluster: String,
}

pub(crate) fn model(name: &str) -> Value {
    let layer = |id: &str| json!({"id": id, "param_bytes": 600, "output_bytes": 10, "flops": 1_000_000});
    let input = json!({"id": "input", "op": "Input", "param_bytes": 0, "output_bytes": 10});
    json!({"name": name, "layers": [input, layer("a"), layer("b")],
        "edges": [{"from": "input", "to": "a"}, {"from": "a", "to": "b"}]})
}

fn node(index: usize) -> Value {
    json!({"id": format!("n{index}"), "memory_bytes": 1000, "flops_per_s": 1e7})
}

pub(crate) fn cluster(nodes: usize) -> Value {
    let nodes: Vec<Value> = (0..nodes).map(node).collect();
    let network = json!({"kind": "full_mesh", "bandwidth_bps": 1e6, "latency_s": 0.001});
    json!({"name": "site", "nodes": nodes, "network": network})
}

impl Site {
    pub(crate) async fn of(nodes: usize) -> Self {
        let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
        let watch = service.watch_deployments().await;
        let model = service.post("/v1/models", &model("camera")).await.text("id");
        let cluster = service.post("/v1/clusters", &cluster(nodes)).await.text("id");
        Self { service, _watch: watch, model, cluster }
    }

    pub(crate) async fn create(&self, name: &str, policy: Value) -> String {
        let body = json!({"name": name, "model_id": self.model, "cluster_id": self.cluster, "policy": policy,
            "options": {"cost_model": {"memory": "params"}}});
        let created = self.service.post("/v1/deployments", &body).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.text("id")
    }

    pub(crate) async fn read(&self, id: &str) -> Value {
        self.service.get(&format!("/v1/deployments/{id}")).await.json()
    }

    /// Reads a deployment until it is as wanted.
    pub(crate) async fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..2_000 {
            let deployment = self.read(id).await;
            if wanted(&deployment) {
                return deployment;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:#}", self.read(id).await)
    }

    pub(crate) async fn apply(&self, id: &str, placement: &Value, revision: &Value) -> Answer {
        let body = json!({"placement_id": placement, "revision": revision});
        self.service.post(&format!("/v1/deployments/{id}/applied"), &body).await
    }

    /// Waits for a proposal and applies it.
    pub(crate) async fn deploy(&self, id: &str) -> Value {
        let proposed = self.until(id, |it| it.get("proposed").is_some()).await;
        let applied = self.apply(id, &proposed["proposed"]["placement_id"], &proposed["revision"]).await;
        assert_eq!(applied.status, 200, "{}", String::from_utf8_lossy(&applied.bytes));
        applied.json()
    }

    pub(crate) async fn change(&self, patch: &Value) -> Answer {
        let path = format!("/v1/clusters/{}", self.cluster);
        let etag = self.service.get(&path).await.header("etag").to_owned();
        self.service.write("PATCH", &path, &[("if-match", &etag)], patch).await
    }

    async fn nodes_of(&self, placement: &Value) -> Vec<String> {
        let placement = self.service.get(&format!("/v1/placements/{}", placement.as_str().unwrap())).await.json();
        let stages = placement["placement"]["pipelines"][0]["stages"].as_array().unwrap().clone();
        stages.iter().map(|stage| stage["node_id"].as_str().unwrap().to_owned()).collect()
    }

    async fn history(&self, id: &str) -> Vec<(String, String)> {
        let page = self.service.get(&format!("/v1/deployments/{id}/history")).await.json();
        let text = |member: &Value| member.as_str().unwrap().to_owned();
        let entries = page["items"].as_array().unwrap().iter().map(|it| (text(&it["kind"]), text(&it["reason"])));
        entries.rev().collect()
    }
}

fn status(deployment: &Value) -> &str {
    deployment["condition"]["status"].as_str().unwrap()
}

fn quick() -> Value {
    json!({"cool_down_s": 0, "max_proposals_per_hour": 100, "max_period_ratio": 4})
}

#[tokio::test]
async fn one_life_from_the_first_proposal_to_a_roll_back() {
    let site = Site::of(4).await;
    let id = site.create("camera", quick()).await;
    let fresh = site.read(&id).await;
    assert_eq!((status(&fresh), fresh.get("applied")), ("pending", None));
    let first = site.deploy(&id).await;
    assert_eq!(status(&first), "healthy");
    assert!(first.get("proposed").is_none());
    let used = site.nodes_of(&first["applied"]["placement_id"]).await;
    assert_eq!(used.len(), 2);

    // A node that is drained breaks it, and something else is proposed.
    let drained = site.change(&json!({"nodes": {"upsert": [{"id": used[0], "schedulable": false}]}})).await;
    assert_eq!(drained.status, 200);
    let broken = site.until(&id, |it| it.get("proposed").is_some()).await;
    assert_eq!(status(&broken), "broken");
    assert_eq!(broken["condition"]["violations"][0]["code"], "node_not_eligible");
    assert!(["broken", "node_lost"].contains(&broken["proposed"]["reason"].as_str().unwrap()));
    assert_eq!(broken["proposed"]["shipped_bytes"], 600);
    let second = site.deploy(&id).await;
    assert_eq!(status(&second), "healthy");
    assert!(!site.nodes_of(&second["applied"]["placement_id"]).await.contains(&used[0]));

    // Rolling back is refused while the node is away, with every violation.
    let back = site.apply(&id, &first["applied"]["placement_id"], &second["revision"]).await;
    assert_eq!(back.problem(409, "conflict"), ["/placement_id"]);
    site.change(&json!({"nodes": {"upsert": [{"id": used[0], "schedulable": true}]}})).await;
    let back = site.apply(&id, &first["applied"]["placement_id"], &second["revision"]).await;
    assert_eq!(back.status, 200, "{back:?}");
    let kinds: Vec<String> =
        site.history(&id).await.into_iter().map(|(kind, reason)| format!("{kind} {reason}")).collect();
    assert_eq!(kinds[..2], ["proposed new", "applied acknowledged"]);
    assert_eq!(kinds.last().unwrap(), "applied rolled_back");
}

#[tokio::test]
async fn an_acknowledgement_names_the_revision_and_a_placement_that_was_proposed() {
    let site = Site::of(3).await;
    let id = site.create("camera", quick()).await;
    let proposed = site.until(&id, |it| it.get("proposed").is_some()).await;
    let placement = &proposed["proposed"]["placement_id"];
    let stale = site.apply(&id, placement, &json!(proposed["revision"].as_u64().unwrap() - 1)).await;
    stale.problem(409, "conflict");
    let other = site.apply(&id, &json!("plc_01931e5d-0a1b-7f24-a6c8-7d8e9f0a1b2c"), &proposed["revision"]).await;
    other.problem(409, "conflict");
    assert_eq!(site.apply(&id, placement, &proposed["revision"]).await.status, 200);
    // The same again is stale.
    site.apply(&id, placement, &proposed["revision"]).await.problem(409, "conflict");
}

#[tokio::test]
async fn what_is_applied_occupies_the_cluster_for_the_others() {
    let site = Site::of(4).await;
    let (one, two) = (site.create("one", quick()).await, site.create("two", quick()).await);
    let first = site.deploy(&one).await;
    // Two stages of the other fit on no node of the first.
    let second = site.until(&two, |it| it.get("proposed").is_some_and(|it| it["cluster_revision"] == 1)).await;
    let used = site.nodes_of(&first["applied"]["placement_id"]).await;
    let mut second = second;
    for _ in 0..500 {
        let nodes = site.nodes_of(&second["proposed"]["placement_id"]).await;
        if nodes.iter().all(|node| !used.contains(node)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        second = site.until(&two, |it| it.get("proposed").is_some()).await;
    }
    let second = site.deploy(&two).await;
    let others = site.nodes_of(&second["applied"]["placement_id"]).await;
    assert!(others.iter().all(|node| !used.contains(node)), "{used:?} {others:?}");
    // There is no room for a third.
    let three = site.create("three", quick()).await;
    let full = site.until(&three, |it| it.get("failure").is_some()).await;
    assert!(full["failure"]["detail"].as_str().unwrap().contains("proven"), "{full}");
    site.service.delete(&format!("/v1/deployments/{one}")).await;
    site.until(&three, |it| it.get("proposed").is_some()).await;
}

#[tokio::test]
async fn an_impact_says_what_a_change_would_break_and_stores_nothing() {
    let site = Site::of(3).await;
    let id = site.create("camera", quick()).await;
    let applied = site.deploy(&id).await;
    let used = site.nodes_of(&applied["applied"]["placement_id"]).await;
    let path = format!("/v1/clusters/{}/impact", site.cluster);
    let lost = site.service.post(&path, &json!({"nodes": {"remove": [used[1]]}})).await.json();
    let on_it = &lost["deployments"][0];
    assert_eq!((&on_it["before"], &on_it["condition"]["status"]), (&json!("healthy"), &json!("broken")));
    assert_eq!(on_it["condition"]["violations"][0]["code"], "unknown_node");
    let slower = json!({"nodes": {"upsert": [{"id": used[0], "flops_per_s": 1e5}]}});
    let slower = site.service.post(&path, &slower).await.json();
    assert_eq!(slower["deployments"][0]["condition"]["status"], "degraded");
    assert_eq!(site.service.get(&format!("/v1/clusters/{}", site.cluster)).await.json()["revision"], 1);
    assert_eq!(status(&site.read(&id).await), "healthy");
}

#[tokio::test]
async fn a_policy_that_only_notifies_proposes_nothing_after_the_first() {
    let site = Site::of(4).await;
    let id = site.create("camera", json!({"on_change": "notify", "cool_down_s": 0})).await;
    let applied = site.deploy(&id).await;
    let used = site.nodes_of(&applied["applied"]["placement_id"]).await;
    site.change(&json!({"nodes": {"remove": [used[0]]}})).await;
    let broken = site.until(&id, |it| status(it) == "broken").await;
    assert!(broken.get("proposed").is_none() && broken.get("planning").is_none());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(site.read(&id).await.get("proposed").is_none());
}

#[tokio::test]
async fn a_proposal_is_withdrawn_when_the_node_is_back() {
    let site = Site::of(4).await;
    let id = site.create("camera", quick()).await;
    let applied = site.deploy(&id).await;
    let used = site.nodes_of(&applied["applied"]["placement_id"]).await;
    site.change(&json!({"nodes": {"upsert": [{"id": used[0], "schedulable": false}]}})).await;
    site.until(&id, |it| it.get("proposed").is_some()).await;
    site.change(&json!({"nodes": {"upsert": [{"id": used[0], "schedulable": true}]}})).await;
    let well = site.until(&id, |it| status(it) == "healthy").await;
    assert!(well.get("proposed").is_none());
    assert_eq!(site.history(&id).await.last().unwrap().1, "no_longer_needed");
}

#[tokio::test]
async fn any_one_node_may_fail_where_there_are_others() {
    let site = Site::of(3).await;
    let id = site.create("camera", quick()).await;
    let applied = site.deploy(&id).await;
    let path = format!("/v1/deployments/{id}/resilience");
    let mut resilience = site.service.get(&path).await.json();
    for _ in 0..1_000 {
        if resilience["complete"] == true {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        resilience = site.service.get(&path).await.json();
    }
    assert_eq!(resilience["any_one_node_may_fail"], true, "{resilience:#}");
    assert!(resilience["statement"].as_str().unwrap().starts_with("any one node may fail"));
    let used = site.nodes_of(&applied["applied"]["placement_id"]).await;
    site.change(&json!({"nodes": {"remove": [used[0]]}})).await;
    let answered = site.until(&id, |it| it.get("proposed").is_some()).await;
    assert_eq!(answered["proposed"]["reason"], "node_lost");
    let planned = resilience["nodes"].as_array().unwrap().iter().find(|it| it["node_id"] == used[0].as_str()).unwrap();
    assert_eq!(answered["proposed"]["placement_id"], planned["placement_id"]);
}

#[tokio::test]
async fn deployments_are_planned_together_in_an_order_that_is_reported() {
    let site = Site::of(4).await;
    let (one, two) = (site.create("one", quick()).await, site.create("two", quick()).await);
    site.until(&one, |it| it.get("proposed").is_some()).await;
    site.until(&two, |it| it.get("proposed").is_some()).await;
    let body = json!({"deployment_ids": [one, two], "time_limit_s": 5});
    let together = site.service.post("/v1/deployments/plan", &body).await;
    assert_eq!(together.status, 200, "{together:?}");
    let together = together.json();
    assert_eq!(together["order"].as_array().unwrap().len(), 2);
    assert!(together["plans"].as_array().unwrap().iter().all(|plan| plan["placement_id"].is_string()), "{together}");
    let first = site.deploy(&one).await;
    let second = site.deploy(&two).await;
    let used = site.nodes_of(&first["applied"]["placement_id"]).await;
    let others = site.nodes_of(&second["applied"]["placement_id"]).await;
    assert!(others.iter().all(|node| !used.contains(node)), "{used:?} {others:?}");
}

#[tokio::test]
async fn heartbeats_make_no_revision() {
    let site = Site::of(2).await;
    let path = format!("/v1/clusters/{}/heartbeats", site.cluster);
    let seen = site.service.post(&path, &json!({"node_ids": ["n1"]})).await.json();
    assert_eq!(seen["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(site.service.get(&path).await.json(), seen);
    site.service.post(&path, &json!({"node_ids": ["n1", "x"]})).await.problem(422, "invalid-request");
    assert_eq!(site.service.get(&format!("/v1/clusters/{}", site.cluster)).await.json()["revision"], 1);
}

#[tokio::test]
async fn what_cannot_be_a_deployment_is_refused_with_every_fault() {
    let site = Site::of(2).await;
    let body = json!({"name": "", "model_id": site.model, "cluster_id": site.cluster, "colour": 1,
        "options": {"base": {"stages": []}}, "policy": {"on_change": "never", "max_period_ratio": 0.5}});
    let refused = site.service.post("/v1/deployments", &body).await;
    let pointers = refused.problem(422, "invalid-request");
    for pointer in ["/name", "/colour", "/options/base", "/policy/on_change", "/policy/max_period_ratio"] {
        assert!(pointers.iter().any(|it| it == pointer), "{pointer} in {pointers:?}");
    }
    let unknown = json!({"name": "x", "model_id": "mdl_x", "cluster_id": site.cluster});
    let unknown = site.service.post("/v1/deployments", &unknown).await;
    assert_eq!(unknown.problem(404, "not-found"), ["/model_id"]);
    let options = json!({"constraints": {"source_node": "nowhere"}});
    let body = json!({"name": "x", "model_id": site.model, "cluster_id": site.cluster, "options": options});
    let refused = site.service.post("/v1/deployments", &body).await;
    assert_eq!(refused.problem(422, "invalid-request"), ["/options/constraints/source_node"]);
}

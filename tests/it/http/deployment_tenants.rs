//! Two tenants with deployments of the same model on a cluster of the same content: neither sees or moves anything of the
//! other's.

use std::time::Duration;

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::deployment_events::follow;
use super::deployments::{cluster, model};
use super::keys::{ask, key};
use super::service::{Answer, Service};
use cutpoint::domain::scope::Scope;

/// A tenant with a deployment that is applied.
struct Tenant<'s> {
    service: &'s Service,
    key: String,
    model: String,
    cluster: String,
    deployment: String,
    /// The placement that is applied.
    placement: String,
}

impl<'s> Tenant<'s> {
    async fn new(service: &'s Service, name: &str, key: String) -> Self {
        let model = ask(service, &key, "POST", "/v1/models", Some(&model("camera"))).await.text("id");
        let cluster = ask(service, &key, "POST", "/v1/clusters", Some(&cluster(3))).await.text("id");
        let body = json!({"name": name, "model_id": model, "cluster_id": cluster,
            "options": {"cost_model": {"memory": "params"}}, "policy": {"cool_down_s": 0}});
        let deployment = ask(service, &key, "POST", "/v1/deployments", Some(&body)).await.text("id");
        let mut tenant = Self { service, key, model, cluster, deployment, placement: String::new() };
        let proposed = tenant.until(|it| it.get("proposed").is_some()).await;
        tenant.placement = proposed["proposed"]["placement_id"].as_str().unwrap().to_owned();
        let applied = tenant.apply(&tenant.placement, &proposed["revision"]).await;
        assert_eq!(applied.status, 200, "{applied:?}");
        tenant
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        ask(self.service, &self.key, method, path, body).await
    }

    async fn read(&self) -> Value {
        self.ask("GET", &format!("/v1/deployments/{}", self.deployment), None).await.json()
    }

    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..2_000 {
            let deployment = self.read().await;
            if wanted(&deployment) {
                return deployment;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:#}", self.read().await)
    }

    async fn apply(&self, placement: &str, revision: &Value) -> Answer {
        let body = json!({"placement_id": placement, "revision": revision});
        self.ask("POST", &format!("/v1/deployments/{}/applied", self.deployment), Some(&body)).await
    }

    /// Every node of the cluster is drained but one, on which the model does not fit.
    fn drained() -> Value {
        let away = |id: &str| json!({"id": id, "schedulable": false});
        json!({"nodes": {"upsert": [away("n0"), away("n1")]}})
    }

    async fn impact(&self, path: &str) -> Answer {
        self.ask("POST", path, Some(&Self::drained())).await
    }

    /// The types of this many events, each of which must be about what this tenant has.
    async fn events(&self, most: usize) -> Vec<String> {
        let events = follow(&self.service.router, &self.key, "0", most).await;
        let of_own = |(_, event_type, body): (u64, String, Value)| {
            let id = if event_type == "cluster.changed" { &self.cluster } else { &self.deployment };
            assert_eq!(body["data"]["id"], id.as_str());
            event_type
        };
        events.into_iter().map(of_own).collect()
    }
}

#[tokio::test]
async fn two_tenants_see_nothing_of_one_anothers_deployments() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let _watch = service.watch_deployments().await;
    let keys = [key(&service, "roof", Scope::Plan).await, key(&service, "cellar", Scope::Plan).await];
    let [roof, cellar] = keys;
    let roof = Tenant::new(&service, "roof", roof).await;
    let cellar = Tenant::new(&service, "cellar", cellar).await;
    assert_ne!((&roof.model, &roof.cluster), (&cellar.model, &cellar.cluster));

    // Lists and filters.
    for (own, other) in [(&roof, &cellar), (&cellar, &roof)] {
        let listed = own.ask("GET", "/v1/deployments", None).await.json();
        let ids: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert_eq!(ids, [own.deployment.as_str()]);
        for filter in [format!("model_id={}", other.model), format!("cluster_id={}", other.cluster)] {
            let listed = own.ask("GET", &format!("/v1/deployments?{filter}"), None).await.json();
            assert_eq!(listed["items"], json!([]));
        }
        // The impact on the own cluster is that on the own deployment, and the other cluster is not there.
        let impact = own.impact(&format!("/v1/clusters/{}/impact", own.cluster)).await.json();
        let on = impact["deployments"].as_array().unwrap();
        assert_eq!((on.len(), &on[0]["deployment_id"]), (1, &json!(own.deployment)));
        assert_eq!(on[0]["condition"]["status"], "broken");
        own.impact(&format!("/v1/clusters/{}/impact", other.cluster)).await.problem(404, "not-found");
        // What the other runs is refused as what nobody ever proposed is.
        let revision = own.read().await["revision"].clone();
        let others = own.apply(&other.placement, &revision).await;
        let unknown = own.apply("plc_01931e5d-0a1b-7f24-a6c8-7d8e9f0a1b2c", &revision).await;
        for refused in [&others, &unknown] {
            refused.problem(409, "conflict");
        }
        let without_id = |answer: &Answer, id: &str| answer.text("detail").replace(id, "");
        assert_eq!(
            without_id(&others, &other.placement),
            without_id(&unknown, "plc_01931e5d-0a1b-7f24-a6c8-7d8e9f0a1b2c")
        );
        // One of them is enough to plan none.
        let together = json!({"deployment_ids": [own.deployment, other.deployment], "time_limit_s": 1});
        own.ask("POST", "/v1/deployments/plan", Some(&together)).await.problem(404, "not-found");
        let beats = json!({"node_ids": ["n0"]});
        own.ask("POST", &format!("/v1/clusters/{}/heartbeats", other.cluster), Some(&beats))
            .await
            .problem(404, "not-found");
        let seen = own.ask("GET", &format!("/v1/clusters/{}/heartbeats", own.cluster), None).await.json();
        assert_eq!(seen["nodes"], json!([]));
    }

    // What breaks one moves the other not at all.
    let path = format!("/v1/clusters/{}", roof.cluster);
    let drained = roof.ask("PATCH", &path, Some(&Tenant::drained())).await;
    assert_eq!(drained.status, 200, "{drained:?}");
    roof.until(|it| it["condition"]["status"] == "broken").await;
    assert_eq!(
        roof.events(4).await,
        ["deployment.proposed", "deployment.applied", "cluster.changed", "deployment.broken"]
    );
    let well = cellar.read().await;
    assert_eq!((&well["condition"]["status"], &well["condition"]["cluster_revision"]), (&json!("healthy"), &json!(1)));
    // Its stream has what comes next of its own, and nothing before it of the other's.
    let path = format!("/v1/clusters/{}", cellar.cluster);
    let slower = json!({"nodes": {"upsert": [{"id": "n2", "flops_per_s": 9e6}]}});
    assert_eq!(cellar.ask("PATCH", &path, Some(&slower)).await.status, 200);
    assert_eq!(cellar.events(3).await, ["deployment.proposed", "deployment.applied", "cluster.changed"]);
}

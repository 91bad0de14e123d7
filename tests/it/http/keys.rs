//! Keys: what each scope allows of every operation, and that nobody sees what another tenant has.

use std::time::Duration;

use cutpoint::domain::id::{Id, IdKind};
use cutpoint::domain::scope::Scope;
use cutpoint::domain::tenant::Tenant;
use cutpoint::http::{self, Limits};
use cutpoint::jobs::QueueSettings;
use cutpoint::store::NewKey;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::deployment_events::follow;
use super::service::{Answer, Service, cluster, first_node, job, model};

/// Ids of what one tenant has.
struct Things {
    model: String,
    cluster: String,
    job: String,
    placement: String,
    webhook: String,
    message: String,
    measurement: String,
    deployment: String,
}

pub(crate) async fn key(service: &Service, tenant: &str, scope: Scope) -> String {
    let tenant = Tenant::parse(tenant).unwrap();
    let new = NewKey { tenant, name: scope.name().to_owned(), scope };
    let text = service.store.create_key(new).await.unwrap().1.reveal().to_owned();
    service.clock.advance(Duration::from_secs(1));
    text
}

pub(crate) async fn ask(service: &Service, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("if-match", "\"1\""), ("prefer", "wait=20")];
    match body {
        Some(body) => service.write(method, path, &headers, body).await,
        None => service.write_text(method, path, &headers, "").await,
    }
}

/// What `key` plans; and the webhook that `admin` has made before, with the message that it was told.
async fn things(service: &Service, key: &str, admin: Option<&str>) -> Things {
    let webhook = match admin {
        Some(admin) => {
            let body = json!({"url": "https://receiver.example/"});
            let made = ask(service, admin, "POST", "/v1/webhooks", Some(&body)).await;
            made.json()["webhook"]["id"].as_str().unwrap().to_owned()
        }
        None => String::new(),
    };
    let job = ask(service, key, "POST", "/v1/jobs", Some(&job())).await;
    assert_eq!(job.text("status"), "succeeded");
    let (model, cluster) = (job.text("model_id"), job.text("cluster_id"));
    let message = match admin {
        Some(admin) => {
            let told = ask(service, admin, "GET", &format!("/v1/webhooks/{webhook}/deliveries"), None).await;
            told.json()["items"][0]["message_id"].as_str().unwrap().to_owned()
        }
        None => String::new(),
    };
    let placement = job.text("placement_id");
    let path = format!("/v1/placements/{placement}/measurements");
    let measurement = ask(service, key, "POST", &path, Some(&measured())).await.text("id");
    let body = json!({"name": "camera", "model_id": model, "cluster_id": cluster});
    let deployment = ask(service, key, "POST", "/v1/deployments", Some(&body)).await.text("id");
    Things { deployment, model, cluster, placement, job: job.text("id"), webhook, message, measurement }
}

/// What runners would measure of the placement of [`first_node`].
fn measured() -> Value {
    let stage = json!({"index": 0, "node_id": "n1", "counted": 20, "compute_s": 0.5});
    let pipeline = json!({"pipeline": 0, "stages": [stage], "hops": []});
    json!({"version": 1, "model": "test", "warm_up_inferences": 14, "pipelines": [pipeline]})
}

/// Makes a revision of another cluster, and returns the body of its event without the time.
async fn revised(service: &Service, key: &str) -> Value {
    let mut other = cluster();
    other["name"] = json!("garden");
    let id = ask(service, key, "POST", "/v1/clusters", Some(&other)).await.text("id");
    let slower = json!({"nodes": {"upsert": [{"id": "n2", "flops_per_s": 900.0}]}});
    let revised = ask(service, key, "PATCH", &format!("/v1/clusters/{id}"), Some(&slower)).await;
    assert_eq!(revised.status, 200, "{revised:?}");
    json!({"type": "cluster.changed", "data": revised.json()})
}

/// The first event of the stream of whoever has the key, without the time.
async fn first_event(service: &Service, key: &str) -> Value {
    let mut event = follow(&service.router, key, "0", 1).await.remove(0).2;
    event.as_object_mut().unwrap().remove("timestamp");
    event
}

/// Every operation that needs a key, with the scope that the document says.
fn operations() -> Vec<(String, String, String, Scope)> {
    let document: Value = serde_json::from_str(&http::openapi_json()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(scope) = operation["security"][0]["key"][0].as_str() else {
                assert!(operation.get("security").is_none(), "{method} {path}");
                continue;
            };
            let scope = Scope::ALL.into_iter().find(|known| known.name() == scope).unwrap();
            let id = operation["operationId"].as_str().unwrap().to_owned();
            operations.push((id, method.to_uppercase(), path.clone(), scope));
        }
    }
    // What deletes comes last.
    // And what goes with others before those.
    operations.sort_by_key(|(_, method, path, _)| (method == "DELETE").then(|| usize::MAX - path.len()));
    operations
}

/// A request that the operation would do for whoever has these things.
fn request(operation: &str, path: &str, things: &Things) -> (String, Option<Value>) {
    let id = match path.split('/').nth(2) {
        Some("models") => &things.model,
        Some("clusters") => &things.cluster,
        Some("jobs") => &things.job,
        Some("webhooks") => &things.webhook,
        Some("deployments") => &things.deployment,
        _ => &things.placement,
    };
    let mut path = path.replace("{id}", id).replace("{node}", "n1").replace("{name}", "resnet50-radio-5");
    path = path.replace("{message_id}", &things.message).replace("{measurement_id}", &things.measurement);
    if operation == "get_diff" {
        path = format!("{path}?base={id}");
    }
    if operation.starts_with("export_") {
        path = format!("{path}?format=svg");
    }
    if operation == "add_timings" {
        path = format!("{path}?device_class=pi-4");
    }
    let named = json!({"model_id": things.model, "cluster_id": things.cluster});
    let body = match operation {
        "create_model" => Some(model()),
        "create_cluster" | "replace_cluster" => Some(cluster()),
        "create_job" | "validate_job" => Some(named),
        "create_evaluation" | "create_placement" => {
            let stage = json!({"node_id": "n1", "layer_ids": ["input", "a", "b"]});
            Some(json!({"model_id": things.model, "cluster_id": things.cluster, "stages": [stage]}))
        }
        "patch_node" => Some(json!({"schedulable": true})),
        "create_webhook" => Some(json!({"url": "https://receiver.example/"})),
        "patch_webhook" => Some(json!({"description": "words"})),
        "patch_links" => Some(json!({"links": []})),
        "add_measurement" => Some(measured()),
        "export_cut_placement" => Some(json!({"model": "test", "token": "0123456789abcdef", "stages": []})),
        "create_deployment" => Some(json!({"name": "another", "model_id": things.model, "cluster_id": things.cluster})),
        "patch_deployment" => Some(json!({"name": "renamed"})),
        "apply_deployment" => Some(json!({"placement_id": things.placement, "revision": 1})),
        "plan_deployments" => Some(json!({"deployment_ids": [things.deployment], "time_limit_s": 1.0})),
        "patch_cluster" | "get_cluster_impact" => Some(json!({})),
        "record_heartbeats" => Some(json!({"node_ids": ["n1"]})),
        _ => None,
    };
    (path, body)
}

#[tokio::test]
async fn each_scope_allows_of_every_operation_what_the_document_says_and_no_tenant_sees_another() {
    let service = Service::start().await;
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((scope, key(&service, "roof", scope).await, key(&service, "cellar", scope).await));
    }
    let things = things(&service, &keys[1].1, Some(&keys[2].1)).await;
    let own_event = revised(&service, &keys[1].1).await;
    let event_of_other = revised(&service, &keys[1].2).await;
    let operations = operations();
    assert!(operations.len() >= 32, "{operations:?}");
    for (operation, method, template, needed) in &operations {
        let (path, body) = request(operation, template, &things);
        let without = service.write_text(method, &path, &[], "{}").await;
        without.problem(401, "unauthenticated");
        assert_eq!(without.header("www-authenticate"), "Bearer realm=\"cutpoint\"");
        ask(&service, &keys[2].1.replace("cpk_0", "cpk_1"), method, &path, body.as_ref())
            .await
            .problem(401, "unauthenticated");
        for (scope, own, other) in &keys {
            if operation == "stream_events" && scope.allows(*needed) {
                // It does not end. Each tenant's begins with its own event, whichever was the first of all.
                assert_eq!(first_event(&service, own).await, own_event, "{scope:?}");
                assert_eq!(first_event(&service, other).await, event_of_other, "{scope:?}");
                continue;
            }
            let seen = ask(&service, own, method, &path, body.as_ref()).await;
            let unseen = ask(&service, other, method, &path, body.as_ref()).await;
            if !scope.allows(*needed) {
                seen.problem(403, "insufficient-scope");
                unseen.problem(403, "insufficient-scope");
                assert!(seen.json()["detail"].as_str().unwrap().contains(needed.name()));
                continue;
            }
            if operation == "get_placement_front" {
                // It is theirs, and was not made as a trade-off.
                assert!(seen.text("detail").contains("has no front"), "{seen:?}");
            } else {
                assert!(![401, 403, 404, 429].contains(&seen.status.as_u16()), "{operation} as {scope:?}: {seen:?}");
            }
            judge_other(operation, template, &unseen);
        }
    }
}

/// What another tenant is answered for what it does not have.
fn judge_other(operation: &str, template: &str, answer: &Answer) {
    match operation {
        // It says what a job would be told.
        "validate_job" => {
            let pointers: Vec<Value> =
                answer.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
            assert_eq!(pointers, ["/model_id", "/cluster_id"]);
        }
        "create_model" | "create_cluster" | "create_webhook" => {
            assert!([200, 201].contains(&answer.status.as_u16()), "{answer:?}")
        }
        // The body is no file of theirs.
        "import_model" | "import_cluster" => {
            assert_eq!(answer.problem(400, "invalid-parameter"), ["/query/format"]);
        }
        "list_examples" | "get_example" => assert_eq!(answer.status, 200),
        "create_job" | "create_evaluation" | "create_placement" | "create_deployment" => {
            assert_eq!(answer.problem(404, "not-found"), ["/model_id", "/cluster_id"]);
        }
        "plan_deployments" => assert!(answer.problem(404, "not-found").is_empty()),
        _ if template.contains("{id}") => assert!(answer.problem(404, "not-found").is_empty()),
        _ => {
            // What the other tenant has registered by itself, and nothing that was planned.
            let empty = answer.json()["items"].as_array().unwrap().is_empty();
            assert!(
                empty || matches!(operation, "list_models" | "list_clusters" | "list_webhooks"),
                "{operation}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_same_content_and_the_same_idempotency_key_are_each_tenants_own() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for tenant in ["roof", "cellar"] {
        let bearer = format!("Bearer {}", key(&service, tenant, Scope::Plan).await);
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        let first = service.write("POST", "/v1/models", &headers, &model()).await;
        assert_eq!(first.status, 201);
        assert_eq!(service.write("POST", "/v1/models", &headers, &model()).await.text("id"), first.text("id"));
        let listed = service.get_with("/v1/models", &headers[..1]).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let inline = service.write("POST", "/v1/jobs", &headers[..1], &job()).await;
        assert_eq!(inline.text("model_id"), first.text("id"));
        ids.extend([first.text("id"), inline.text("cluster_id")]);
    }
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 4, "{ids:?}");
}

#[tokio::test]
async fn placements_of_another_tenant_cannot_be_named() {
    let service = Service::start().await;
    let (roof, cellar) = (key(&service, "roof", Scope::Plan).await, key(&service, "cellar", Scope::Plan).await);
    let theirs = things(&service, &roof, None).await.placement;
    let mut body = job();
    body["base_placement_id"] = json!(theirs);
    body["occupied_by"] = json!([theirs]);
    let refused = ask(&service, &cellar, "POST", "/v1/jobs", Some(&body)).await;
    assert_eq!(refused.problem(404, "not-found"), ["/base_placement_id", "/occupied_by/0"]);
    let own = things(&service, &cellar, None).await.placement;
    let diff = ask(&service, &cellar, "GET", &format!("/v1/placements/{own}/diff?base={theirs}"), None).await;
    diff.problem(404, "not-found");
}

#[tokio::test]
async fn a_new_key_ends_the_open_door_and_a_revoked_one_does_not_open_it_again() {
    let service = Service::start().await;
    assert_eq!(service.get("/v1/jobs").await.status, 200);
    let admin = key(&service, "default", Scope::Admin).await;
    service.get("/v1/jobs").await.problem(401, "unauthenticated");
    assert_eq!(ask(&service, &admin, "GET", "/v1/jobs", None).await.status, 200);
    assert_eq!(service.get("/healthz").await.status, 200);
    assert_eq!(service.get("/openapi.json").await.status, 200);

    let id = service.store.keys().await.unwrap().readable[0].id.clone();
    let revoked = service.store.revoke_key(&id).await.unwrap();
    assert_eq!(service.store.revoke_key(&id).await.unwrap().revoked_at, revoked.revoked_at);
    service.clock.advance(Duration::from_secs(1));
    ask(&service, &admin, "GET", "/v1/jobs", None).await.problem(401, "unauthenticated");
    service.get("/v1/jobs").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_may_use_no_more_than_its_share() {
    let settings = QueueSettings { workers: 0, jobs_per_key: 2, ..QueueSettings::default() };
    let limits = Limits { requests_per_key: 1, streams_per_key: 0, ..Limits::default() };
    let service = Service::with(first_node, settings, limits).await;
    let (one, two) = (key(&service, "roof", Scope::Plan).await, key(&service, "roof", Scope::Plan).await);
    let bearer = format!("Bearer {one}");
    let headers = [("authorization", bearer.as_str())];
    let first = service.write("POST", "/v1/jobs", &headers, &job()).await;
    let told: Vec<&str> = first.headers.get_all("ratelimit").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(told.contains(&"\"requests-per-key\";r=1"), "{told:?}");
    assert_eq!(service.write("POST", "/v1/jobs", &headers, &job()).await.status, 202);
    let refused = service.write("POST", "/v1/jobs", &headers, &job()).await;
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), "1");
    service
        .get_with(&format!("/v1/jobs/{}/events", first.text("id")), &headers)
        .await
        .problem(429, "too-many-requests");
    // Another key of the tenant has a share of its own.
    let other = format!("Bearer {two}");
    assert_eq!(service.write("POST", "/v1/jobs", &[("authorization", other.as_str())], &job()).await.status, 202);

    let waiting = [headers[0], ("prefer", "wait=20"), ("if-none-match", first.header("etag"))];
    let path = format!("/v1/jobs/{}", first.text("id"));
    let polling = service.get_with(&path, &waiting);
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        service.get_with("/v1/jobs", &headers).await.problem(429, "too-many-requests");
        service.queue.shutdown().await;
    };
    let (polled, ()) = tokio::join!(polling, others);
    assert_eq!(polled.status, 304);
}

#[tokio::test]
async fn a_stream_of_a_key_that_is_revoked_tells_nothing_more() {
    let settings = QueueSettings { workers: 0, ..QueueSettings::default() };
    let service = Service::with(first_node, settings, Limits::default()).await;
    let shown = key(&service, "default", Scope::Plan).await;
    let made = ask(&service, &shown, "POST", "/v1/jobs", Some(&job())).await;
    let (path, id) =
        (format!("{}/events", made.header("location")), service.store.keys().await.unwrap().readable[0].id.clone());
    let bearer = format!("Bearer {shown}");
    let follow = super::service::request("GET", &path, &[("authorization", &bearer)], axum::body::Body::empty());
    let followed = service.router.clone().oneshot(follow).await.unwrap();
    assert_eq!(followed.status(), 200);
    service.store.revoke_key(&id).await.unwrap();
    service.clock.advance(Duration::from_secs(1));
    let job_id = Id::parse(IdKind::Job, &made.text("id")).unwrap();
    service.queue.stop(&Tenant::default(), &job_id).await.unwrap();
    let told = axum::body::to_bytes(followed.into_body(), usize::MAX).await.unwrap();
    let told = String::from_utf8(told.to_vec()).unwrap();
    assert!(told.contains("event: queued") && !told.contains("finished"), "{told}");
}

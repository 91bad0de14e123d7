//! Webhooks over HTTP: made, changed, rotated; what they are told, and what is sent again.

use cutpoint::domain::tenant::Tenant;
use cutpoint::http;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use cutpoint::store::DeliveryStatus;
use cutpoint::webhook::Guard;
use serde_json::{Value, json};

use super::service::{Answer, Service, first_node, job, patient};

const SECRET_LENGTH: usize = "whsec_".len() + 44;

fn request() -> Value {
    json!({"url": "https://receiver.example/hooks", "description": "tells the rollout"})
}

async fn made(service: &Service) -> (String, Answer) {
    let made = service.post("/v1/webhooks", &request()).await;
    assert_eq!(made.status, 201);
    (format!("/v1/webhooks/{}", made.json()["webhook"]["id"].as_str().unwrap()), made)
}

/// A job that ends at once; its id.
async fn ended(service: &Service) -> String {
    let job = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    assert_eq!(job.status, 200);
    job.text("id")
}

async fn deliveries(service: &Service, path: &str, query: &str) -> Vec<Value> {
    service.get(&format!("{path}/deliveries{query}")).await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_webhook_is_made_read_changed_and_deleted_and_shows_its_secret_once() {
    let service = Service::start().await;
    let (path, made) = made(&service).await;
    assert_eq!(made.header("location"), path);
    let secret = made.text("secret");
    assert!(secret.starts_with("whsec_") && secret.len() == SECRET_LENGTH);
    let read = service.get(&path).await;
    assert_eq!((&read.json(), read.header("etag")), (&made.json()["webhook"], made.header("etag")));
    assert_eq!(read.json()["enabled"], true);
    assert_eq!(service.get("/v1/webhooks").await.json(), json!({"items": [read.json()]}));
    assert_eq!(service.get_with(&path, &[("if-none-match", read.header("etag"))]).await.status, 304);

    let change = json!({"enabled": false, "url": "https://other.example"});
    service.write("PATCH", &path, &[], &change).await.problem(428, "precondition-required");
    let tag = [("if-match", read.header("etag"))];
    let changed = service.write("PATCH", &path, &tag, &change).await;
    assert_eq!(changed.status, 200);
    let now = changed.json();
    assert_eq!((&now["enabled"], &now["disabled_reason"]), (&json!(false), &json!("asked")));
    assert_eq!((&now["url"], &now["description"]), (&json!("https://other.example/"), &json!("tells the rollout")));
    service.write("PATCH", &path, &tag, &change).await.problem(412, "precondition-failed");
    let tag = [("if-match", changed.header("etag"))];
    let enabled = service.write("PATCH", &path, &tag, &json!({"enabled": true})).await.json();
    assert!(enabled["enabled"] == true && enabled.get("disabled_at").is_none(), "{enabled}");

    assert_eq!(service.delete(&path).await.status, 204);
    service.get(&path).await.problem(404, "not-found");
    service.delete(&path).await.problem(404, "not-found");
    service.get("/v1/webhooks/job_1").await.problem(404, "not-found");
}

#[tokio::test]
async fn every_fault_is_told_at_once_and_nothing_is_made() {
    let service = Service::start().await;
    let refused = |body: Value| {
        let service = &service;
        async move { service.post("/v1/webhooks", &body).await.problem(422, "invalid-request") }
    };
    let faulty = json!({"url": "http://user:hunter2@0x7f.1/#x", "description": "", "colour": "blue"});
    assert_eq!(refused(faulty.clone()).await, ["/colour", "/url", "/url", "/url", "/url", "/description"]);
    assert_eq!(refused(json!({})).await, ["/url"]);
    assert_eq!(refused(json!([])).await, [""]);
    for url in
        [json!(null), json!(7), json!(""), json!("x".repeat(3000)), json!("/hooks"), json!("https://169.254.43518")]
    {
        assert_eq!(refused(json!({"url": url})).await, ["/url"], "{url}");
    }
    let text = String::from_utf8(service.post("/v1/webhooks", &faulty).await.bytes).unwrap();
    assert!(text.contains("127.0.0.1 is loopback") && !text.contains("hunter2"), "{text}");
    assert_eq!(service.get("/v1/webhooks").await.json(), json!({"items": []}));

    let (path, made) = made(&service).await;
    let tag = [("if-match", made.header("etag"))];
    let patch =
        service.write("PATCH", &path, &tag, &json!({"url": "https://10.0.0.1", "enabled": "no", "id": 1})).await;
    assert_eq!(patch.problem(422, "invalid-request"), ["/id", "/url", "/enabled"]);
    assert_eq!(service.get(&path).await.json(), made.json()["webhook"]);
}

#[tokio::test]
async fn an_allowed_net_may_be_led_to_without_tls() {
    let guard = Guard::new(["10.20.0.0/16".parse().unwrap()]);
    let service = Service::guarded(first_node, QueueSettings::default(), Limits::default(), guard).await;
    for (url, status) in [
        ("http://10.20.0.1:8080/", 201),
        ("http://receiver.internal/", 201),
        ("http://10.21.0.1/", 422),
        ("https://127.0.0.1/", 422),
    ] {
        assert_eq!(service.post("/v1/webhooks", &json!({"url": url})).await.status, status, "{url}");
    }
}

#[tokio::test]
async fn a_retry_with_its_key_shows_the_same_webhook_and_the_same_secret() {
    let service = Service::start().await;
    let key = [("idempotency-key", "k")];
    let first = service.write("POST", "/v1/webhooks", &key, &request()).await;
    let again = service.write("POST", "/v1/webhooks", &key, &request()).await;
    assert_eq!((first.status, again.status, first.json()), (again.status, first.status, again.json()));
    let other = service.write("POST", "/v1/webhooks", &key, &json!({"url": "https://other.example"})).await;
    other.problem(422, "idempotency-key-reused");

    let path = format!("/v1/webhooks/{}/rotate-secret", first.json()["webhook"]["id"].as_str().unwrap());
    let rotate = |headers: &'static [(&str, &str)]| service.write_text("POST", &path, headers, "");
    let rotated = rotate(&[("idempotency-key", "r")]).await;
    assert_eq!(rotated.status, 200);
    assert_ne!(rotated.text("secret"), first.text("secret"));
    assert!(rotated.json()["previous_secret_expires_at"].is_string());
    assert_eq!(rotate(&[("idempotency-key", "r")]).await.json(), rotated.json());
    assert_ne!(rotate(&[]).await.text("secret"), rotated.text("secret"));
    rotate(&[("idempotency-key", "k")]).await.problem(422, "idempotency-key-reused");
    rotate(&[("idempotency-key", "a b")]).await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn a_message_says_of_the_job_what_the_api_says() {
    let service = Service::with(patient, QueueSettings::default(), Limits::default()).await;
    made(&service).await;
    let running = service.post("/v1/jobs", &job()).await.text("id");
    while service.get(&format!("/v1/jobs/{running}")).await.json()["progress"]["period_s"].is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    service.write_text("POST", &format!("/v1/jobs/{running}/stop"), &[("prefer", "wait=20")], "").await;
    while service.store.due_deliveries(1, 1).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let due = service.store.due_deliveries(1, 1).await.unwrap();
    let claimed = service.store.claim_deliveries(due, std::time::Duration::from_secs(60)).await.unwrap();
    let message: Value = serde_json::from_str(&claimed[0].payload).unwrap();
    let answered = service.get(&format!("/v1/jobs/{running}")).await.json();
    assert_eq!(message["data"], answered);
    assert_eq!(message["timestamp"], answered["finished_at"]);
    assert!(answered["progress"]["gap"].is_f64() && answered["placement_id"].is_string(), "{answered}");

    let document: Value = serde_json::from_str(&http::openapi_json()).unwrap();
    let schema = json!({"$ref": "#/components/schemas/WebhookMessage", "components": document["components"]});
    let faults: Vec<String> =
        jsonschema::draft202012::new(&schema).unwrap().iter_errors(&message).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[tokio::test]
async fn deliveries_are_listed_and_sent_again() {
    let service = Service::start().await;
    let (path, made) = made(&service).await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(ended(&service).await);
    }
    let listed = deliveries(&service, &path, "").await;
    let of: Vec<&str> = listed.iter().map(|delivery| delivery["job_id"].as_str().unwrap()).collect();
    assert_eq!(of, jobs.iter().rev().map(String::as_str).collect::<Vec<_>>());
    assert!(listed.iter().all(|delivery| delivery["status"] == "pending" && delivery["attempts"] == 0), "{listed:?}");
    let first = service.get(&format!("{path}/deliveries?limit=2")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = deliveries(&service, &path, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!([first["items"].as_array().unwrap().clone(), rest].concat(), listed);

    // One fails: its webhook is disabled, and then enabled again.
    let tag = [("if-match", made.header("etag"))];
    let disabled = service.write("PATCH", &path, &tag, &json!({"enabled": false})).await;
    assert_eq!(deliveries(&service, &path, "?status=failed").await.len(), 3);
    assert_eq!(deliveries(&service, &path, "?status=pending&status=delivered").await, [] as [Value; 0]);
    let message = listed[0]["message_id"].as_str().unwrap();
    let again = format!("{path}/deliveries/{message}/resend");
    service.write_text("POST", &again, &[], "").await.problem(409, "conflict");
    service.write("PATCH", &path, &[("if-match", disabled.header("etag"))], &json!({"enabled": true})).await;
    let resent = service.write_text("POST", &again, &[], "").await;
    assert_eq!(resent.status, 200);
    assert_eq!((&resent.json()["status"], &resent.json()["message_id"]), (&json!("pending"), &json!(message)));
    assert_eq!(deliveries(&service, &path, "?status=pending").await, [resent.json()]);

    let bad = service.get(&format!("{path}/deliveries?status=lost&limit=0&cursor=x")).await;
    assert_eq!(bad.problem(400, "invalid-parameter"), ["/query/status", "/query/limit", "/query/cursor"]);
    for missing in ["msg_1", "msg_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90"] {
        let path = format!("{path}/deliveries/{missing}/resend");
        service.write_text("POST", &path, &[], "").await.problem(404, "not-found");
    }
    service.get("/v1/webhooks/whk_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90/deliveries").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_tenant_may_have_fifty() {
    let service = Service::start().await;
    for _ in 0..50 {
        made(&service).await;
    }
    let refused = service.post("/v1/webhooks", &request()).await;
    refused.problem(409, "conflict");
    let page = service.get("/v1/webhooks?limit=200").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 50);
    let id = page["items"][0]["id"].as_str().unwrap();
    let known = cutpoint::domain::id::Id::parse(cutpoint::domain::id::IdKind::Webhook, id).unwrap();
    let page = cutpoint::store::Page { limit: 1, order: Default::default(), after: None };
    let none = service.store.deliveries(&Tenant::default(), &known, &[DeliveryStatus::Delivered], page).await;
    assert!(none.unwrap().items.is_empty());
    service.delete(&format!("/v1/webhooks/{id}")).await;
    made(&service).await;
}

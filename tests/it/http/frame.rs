//! What every request passes: ids, compression, problems of the framework; and the pages beside the resources.

use axum::body::Body;
use serde_json::{Value, json};

use super::service::{Service, request};

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_too() {
    let service = Service::start().await;
    service.get("/v2/jobs").await.problem(404, "not-found");
    service.get("/nothing").await.problem(404, "not-found");
    let wrong_method = service.send(request("PUT", "/v1/jobs", &[], Body::empty())).await;
    wrong_method.problem(405, "method-not-allowed");
    assert!(wrong_method.header("allow").contains("POST"));
    let not_utf8 = service.get("/v1/models/%ff").await;
    not_utf8.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn a_request_id_is_kept_or_made() {
    let service = Service::start().await;
    let kept = service.get_with("/healthz", &[("x-request-id", "abc-1")]).await;
    assert_eq!(kept.header("x-request-id"), "abc-1");
    let made = service.get_with("/healthz", &[("x-request-id", "not a uri")]).await;
    assert_eq!(made.header("x-request-id").len(), 36);
    let problem = service.get_with("/nowhere", &[("x-request-id", "abc-2")]).await;
    problem.problem(404, "not-found");
    assert_eq!(problem.json()["instance"], "abc-2");
}

#[tokio::test]
async fn answers_are_compressed_on_demand() {
    let service = Service::start().await;
    let plain = service.get("/openapi.json").await;
    let small = service.get_with("/openapi.json", &[("accept-encoding", "gzip")]).await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.bytes.len() * 4 < plain.bytes.len());
}

#[tokio::test]
async fn a_head_request_has_no_body() {
    let service = Service::start().await;
    for path in ["/healthz", "/nowhere"] {
        let head = service.send(request("HEAD", path, &[], Body::empty())).await;
        assert!(head.bytes.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_committed() {
    let service = Service::start().await;
    let served = service.get("/openapi.json").await;
    assert_eq!(String::from_utf8(served.bytes.clone()).unwrap(), cutpoint::http::openapi_json());
    assert_eq!(service.get_with("/openapi.json", &[("if-none-match", served.header("etag"))]).await.status, 304);
    let older = service.get("/openapi-3.0.json").await;
    assert_eq!(String::from_utf8(older.bytes).unwrap(), cutpoint::http::openapi_3_0_json());
}

#[tokio::test]
async fn every_problem_type_has_a_page() {
    let service = Service::start().await;
    let problems = service.get("/problems").await.json();
    for problem in problems["items"].as_array().unwrap() {
        let page = service.get(problem["type"].as_str().unwrap()).await;
        assert_eq!(page.json(), *problem);
    }
    service.get("/problems/none").await.problem(404, "not-found");
}

#[tokio::test]
async fn the_page_loads_nothing_from_outside() {
    let service = Service::start().await;
    assert_eq!(service.get("/docs").await.header("location"), "/docs/");
    let index = service.get("/docs/").await;
    assert!(index.header("content-type").starts_with("text/html"));
    assert!(index.header("content-security-policy").starts_with("default-src 'self'"));
    let html = String::from_utf8(index.bytes).unwrap();
    let links: Vec<&str> = html.split(['"', '\'']).filter(|text| text.contains("//")).collect();
    assert!(links.iter().all(|link| !link.starts_with("http") && !link.starts_with("//")), "{links:?}");
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-initializer.js"]
    {
        assert_eq!(service.get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    let initializer = String::from_utf8(service.get("/docs/swagger-initializer.js").await.bytes).unwrap();
    assert!(initializer.contains("\"/openapi.json\"") && initializer.contains("none"), "{initializer}");
    service.get("/docs/none.js").await.problem(404, "not-found");
}

#[tokio::test]
async fn the_service_says_its_version() {
    let health: Value = Service::start().await.get("/healthz").await.json();
    assert_eq!(health, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
}

#[tokio::test]
async fn who_refuses_a_plain_answer_gets_one_all_the_same() {
    let service = Service::start().await;
    for accepted in ["identity;q=0", "br, *;q=0"] {
        let answer = service.get_with("/healthz", &[("accept-encoding", accepted)]).await;
        assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (200, Some("ok")), "{accepted}");
    }
}

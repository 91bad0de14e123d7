//! Explanations of placements, and differences between them.

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Answer, Service, job};

async fn service() -> Service {
    Service::with(Planner, QueueSettings::default(), Limits::default()).await
}

/// A job of one stage on each node, planned.
async fn planned(service: &Service, changes: &[(&str, &str, Value)]) -> Answer {
    let mut body = job();
    for (pointer, field, value) in changes {
        body.pointer_mut(pointer).unwrap()[*field] = value.clone();
    }
    service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &body).await
}

fn of(done: &Answer, what: &str) -> String {
    format!("/v1/placements/{}/{what}", done.text("placement_id"))
}

#[tokio::test]
async fn a_placement_is_explained() {
    let service = service().await;
    let done = planned(&service, &[]).await;
    let answer = service.get(&of(&done, "explanation?time_limit_s=5")).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let explanation = answer.json();
    // a takes 1 s on one node, b 2 s on the other.
    assert_eq!((&explanation["status"], &explanation["period_s"]), (&json!("optimal"), &json!(2.0)));
    assert_eq!(explanation["binding"], json!([{"kind": "stage", "stage_index": 1}]));
    assert_eq!(explanation["next_bottleneck"]["time_s"], 1.0);
    assert_eq!(explanation["upgrades"][0]["kind"], "node_twice_as_fast");
    assert_eq!(explanation["upgrades"][0]["gain_at_least"], 2.0);
    assert_eq!((&explanation["repairs"], &explanation["undecided"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn what_would_repair_an_infeasible_request_is_named() {
    let service = service().await;
    // Both layers in one stage need 285 bytes.
    let constraints = json!({"max_stages": 1, "exclude_nodes": ["n2"]});
    let small = |node: &'static str| (node, "memory_bytes", json!(280));
    let changes = [("", "constraints", constraints), small("/cluster/nodes/0"), small("/cluster/nodes/1")];
    let done = planned(&service, &changes).await;
    assert_eq!(done.text("status"), "infeasible");
    let explanation = service.get(&of(&done, "explanation")).await.json();
    assert_eq!((&explanation["status"], &explanation["stages"]), (&json!("infeasible"), &json!([])));
    assert!(!explanation["reasons"].as_array().unwrap().is_empty());
    let repairs = explanation["repairs"].as_array().unwrap();
    assert_eq!(repairs.len(), 1, "{repairs:?}");
    assert_eq!((&repairs[0]["kind"], &repairs[0]["extra_bytes"]), (&json!("more_memory"), &json!(5)));
    assert_eq!((&repairs[0]["node_ids"], &repairs[0]["is_least"]), (&json!(["n1"]), &json!(true)));
}

#[tokio::test]
async fn a_request_with_base_and_occupants_is_explained_as_it_was_asked() {
    let service = service().await;
    let first = planned(&service, &[]).await;
    let mut body = job();
    for (field, value) in [
        ("base_placement_id", json!(first.text("placement_id"))),
        ("max_period_ratio", json!(1.5)),
        ("occupied_by", json!([first.text("placement_id")])),
    ] {
        body[field] = value;
    }
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &body).await;
    let placement = service.get(&format!("/v1/placements/{}", done.text("placement_id"))).await.json();
    let explanation = service.get(&of(&done, "explanation")).await.json();
    assert_eq!(explanation["period_s"], placement["placement"]["period_s"]);
    assert!(!explanation["upgrades"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused() {
    let service = service().await;
    let unknown = "/v1/placements/plc_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90/explanation";
    service.get(unknown).await.problem(404, "not-found");
    let done = planned(&service, &[]).await;
    for (query, pointer) in [("time_limit_s=11", "/query/time_limit_s"), ("limit=1", "/query/limit")] {
        let answer = service.get(&of(&done, &format!("explanation?{query}"))).await;
        assert_eq!(answer.problem(400, "invalid-parameter"), [pointer]);
    }
}

#[tokio::test]
async fn a_placement_is_explained_though_its_jobs_record_is_gone() {
    let service = service().await;
    let done = planned(&service, &[("", "constraints", json!({"max_stages": 1}))]).await;
    let before = service.get(&of(&done, "explanation?time_limit_s=5")).await.json();
    assert_eq!(service.delete(done.header("location")).await.status, 204);
    assert_eq!(service.get(&of(&done, "explanation?time_limit_s=5")).await.json(), before);
}

#[tokio::test]
async fn too_many_explanations_at_once_are_asked_to_come_again() {
    let settings = QueueSettings { explanations: 0, ..QueueSettings::default() };
    let service = Service::with(Planner, settings, Limits::default()).await;
    let done = planned(&service, &[]).await;
    let refused = service.get(&of(&done, "explanation")).await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn two_placements_are_compared() {
    let service = service().await;
    let base = planned(&service, &[]).await;
    let only = planned(&service, &[("", "constraints", json!({"exclude_nodes": ["n2"]}))]).await;
    let base_id = base.text("placement_id");
    let answer = service.get(&of(&only, &format!("diff?base={base_id}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let diff = answer.json();
    assert_eq!(
        (&diff["base_period_s"], &diff["period_s"], &diff["period_change_s"]),
        (&json!(2.0), &json!(3.0), &json!(1.0))
    );
    assert_eq!((&diff["gained_node_ids"], &diff["lost_node_ids"]), (&json!([]), &json!(["n2"])));
    // b, 20 bytes, comes from n2 to n1: 160 bits at 8000 bit/s.
    assert_eq!((&diff["shipped_bytes"], &diff["estimated_s"]), (&json!(20), &json!(0.02)));
    let same = service.get(&of(&base, &format!("diff?base={base_id}"))).await.json();
    assert_eq!((&same["moved_layers"], &same["period_change_s"]), (&json!([]), &json!(0.0)));

    let none = planned(&service, &[("/model/layers/1", "param_bytes", json!(5000))]).await;
    service.get(&of(&none, &format!("diff?base={base_id}"))).await.problem(409, "conflict");
    service.get(&of(&base, &format!("diff?base={}", none.text("placement_id")))).await.problem(409, "conflict");
    let unknown = "plc_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90";
    service.get(&of(&base, &format!("diff?base={unknown}"))).await.problem(404, "not-found");
    service.get(&format!("/v1/placements/{unknown}/diff?base={base_id}")).await.problem(404, "not-found");
    for query in ["", "?base=1"] {
        let answer = service.get(&of(&base, &format!("diff{query}"))).await;
        assert_eq!(answer.problem(400, "invalid-parameter"), ["/query/base"]);
    }
}

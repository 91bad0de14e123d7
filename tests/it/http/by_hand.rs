//! Placements that are made by hand: what the checker refuses is not stored, and what is proven of their request holds for them.

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Service, cluster, model};

async fn planned(service: &Service, extra: &Value) -> Value {
    let mut job = json!({"model": model(), "cluster": cluster()});
    for (name, value) in extra.as_object().unwrap() {
        job[name] = value.clone();
    }
    let job = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job).await;
    service.get(&format!("/v1/placements/{}", job.text("placement_id"))).await.json()
}

/// All layers on one node.
fn whole(node: &str) -> Value {
    let model = model();
    let layers: Vec<&Value> = model["layers"].as_array().unwrap().iter().map(|layer| &layer["id"]).collect();
    json!([{"node_id": node, "layer_ids": layers}])
}

#[tokio::test]
async fn a_placement_by_hand_is_stored_with_the_bound_of_its_origin() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let origin = planned(&service, &json!({})).await;
    let bound = &origin["placement"]["lower_bound_s"];
    let mut request = json!({
        "model_id": origin["model_id"], "cluster_id": origin["cluster_id"], "stages": whole("n1"),
        "origin_placement_id": origin["id"], "labels": {"by": "cook"},
    });
    let stored = service.post("/v1/placements", &request).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    let placement = stored.json();
    let document = &placement["placement"];
    assert_eq!(stored.header("location"), format!("/v1/placements/{}", placement["id"].as_str().unwrap()));
    assert_eq!((&document["termination"], &document["status"]), (&json!("by_hand"), &json!("feasible")));
    assert_eq!(&document["lower_bound_s"], bound);
    let (period, bound) = (document["period_s"].as_f64().unwrap(), bound.as_f64().unwrap());
    assert!((document["gap"].as_f64().unwrap() - (period - bound) / period).abs() < 1e-9);
    assert!(placement.get("job_id").is_none());
    // It is like every other placement.
    let id = placement["id"].as_str().unwrap();
    assert_eq!(service.get(&format!("/v1/placements/{id}")).await.json(), placement);
    assert_eq!(service.get(&format!("/v1/placements/{id}/explanation")).await.status, 200);
    assert_eq!(service.get(&format!("/v1/placements/{id}/export?format=svg")).await.status, 200);
    let diff = service.get(&format!("/v1/placements/{id}/diff?base={}", origin["id"].as_str().unwrap())).await;
    assert_eq!(diff.status, 200);
    let listed = service.get("/v1/placements?label=by%3Dcook").await.json();
    assert_eq!(listed["items"][0]["id"], id);
    let replan = json!({"model_id": origin["model_id"], "cluster_id": origin["cluster_id"], "base_placement_id": id});
    assert_eq!(service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &replan).await.text("status"), "succeeded");

    // What was asked differently is bounded by nothing.
    request["objective"] = json!({"kind": "min_latency"});
    let other = service.post("/v1/placements", &request).await.json();
    assert_eq!((&other["placement"]["lower_bound_s"], &other["placement"]["gap"]), (&json!(0.0), &json!(1.0)));
    for objective in [json!({"kind": "tradeoff"}), json!({"kind": "min_nodes", "target_period_s": 1e9})] {
        request["objective"] = objective;
        assert_eq!(service.post("/v1/placements", &request).await.status, 201, "{request}");
    }
    assert_eq!(service.delete(&format!("/v1/placements/{id}")).await.status, 204);
    assert_eq!(service.get(&format!("/v1/placements/{id}")).await.status, 404);
}

#[tokio::test]
async fn several_pipelines_and_a_base_are_stored_too() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let nodes = cluster()["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect::<Vec<_>>();
    let pipelines: Vec<Value> = nodes.iter().map(|node| json!({"stages": whole(node.as_str().unwrap())})).collect();
    let request = json!({"model": model(), "cluster": cluster(), "pipelines": {}, "proposed_pipelines": pipelines});
    let stored = service.post("/v1/placements", &request).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    assert_eq!(stored.json()["placement"]["pipelines"].as_array().unwrap().len(), nodes.len());

    let origin = planned(&service, &json!({})).await;
    let request = json!({
        "model_id": origin["model_id"], "cluster_id": origin["cluster_id"], "stages": whole(nodes[0].as_str().unwrap()),
        "base_placement_id": origin["id"], "max_period_ratio": 2,
    });
    let stored = service.post("/v1/placements", &request).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    assert_eq!(stored.json()["placement"]["migration"]["lower_bound_bytes"], 0);
}

#[tokio::test]
async fn a_placement_that_breaks_rules_is_not_stored() {
    let service = Service::start().await;
    let mut request =
        json!({"model": model(), "cluster": cluster(), "stages": [{"node_id": "nobody", "layer_ids": []}]});
    let pointers = service.post("/v1/placements", &request).await.problem(422, "invalid-request");
    assert!(pointers.len() > 1 && pointers.contains(&"/stages/0".to_owned()), "{pointers:?}");
    request["stages"] = whole("n1");
    request["origin_placement_id"] = json!("plc_00000000-0000-7000-8000-000000000000");
    service.post("/v1/placements", &request).await.problem(404, "not-found");
    assert_eq!(service.rows().await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn a_retry_with_the_same_key_stores_it_once() {
    let service = Service::start().await;
    let mut request = json!({"model": model(), "cluster": cluster(), "stages": whole("n1")});
    let key = [("idempotency-key", "once")];
    let first = service.write("POST", "/v1/placements", &key, &request).await;
    let again = service.write("POST", "/v1/placements", &key, &request).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json(), again.json());
    assert_eq!(service.rows().await[3], 1);
    request["labels"] = json!({"a": "b"});
    let other = service.write("POST", "/v1/placements", &key, &request).await;
    other.problem(422, "idempotency-key-reused");
}

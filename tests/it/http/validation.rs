//! Validation: every fault and every cheap proof, and nothing stored.

use serde_json::json;

use super::service::{Service, job};

#[tokio::test]
async fn a_good_job_is_valid_and_not_stored() {
    let service = Service::start().await;
    let answer = service.post("/v1/jobs/validate", &job()).await;
    assert_eq!(answer.json(), json!({"valid": true, "errors": [], "reasons": []}));
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn every_fault_is_named_with_status_200() {
    let service = Service::start().await;
    let mut body = job();
    body["model"]["layers"][1]["param_bytes"] = json!(-1);
    body["colour"] = json!("red");
    let answer = service.post("/v1/jobs/validate", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["valid"]), (200, &json!(false)));
    let errors = answer.json()["errors"].clone();
    let mut pointers: Vec<&str> =
        errors.as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/colour", "/model/layers/1/param_bytes"]);

    let unknown = json!({"model_id": "mdl_1", "cluster_id": "cls_1"});
    let answer = service.post("/v1/jobs/validate", &unknown).await.json();
    assert_eq!(answer["errors"][0]["pointer"], "/model_id");
    assert_eq!(answer["errors"][1]["pointer"], "/cluster_id");
    service.write_text("POST", "/v1/jobs/validate", &[], "{").await.problem(400, "malformed-body");
}

#[tokio::test]
async fn cheap_proofs_are_told() {
    let service = Service::start().await;
    let reason = async |change: fn(&mut serde_json::Value)| {
        let mut body = job();
        change(&mut body);
        let answer = service.post("/v1/jobs/validate", &body).await.json();
        assert_eq!(answer["valid"], true, "{answer}");
        answer["reasons"][0]["code"].clone()
    };
    assert_eq!(reason(|job| job["model"]["layers"][1]["param_bytes"] = json!(5000)).await, "block_too_large");
    assert_eq!(reason(|job| job["constraints"] = json!({"exclude_nodes": ["n1", "n2"]})).await, "no_eligible_node");
    let apart = |job: &mut serde_json::Value| {
        job["cluster"].as_object_mut().unwrap().remove("network");
        job["constraints"] = json!({"pins": [{"layer_id": "a", "node_id": "n1"}, {"layer_id": "b", "node_id": "n2"}]});
    };
    assert_eq!(reason(apart).await, "no_connected_path");
    assert_eq!(reason(|job| job["constraints"] = json!({"max_latency_s": 1.0})).await, "target_out_of_reach");
    let target = |job: &mut serde_json::Value| {
        job["objective"] = json!({"kind": "min_nodes", "target_period_s": 1e-6});
    };
    assert_eq!(reason(target).await, "target_out_of_reach");
}

//! Models and examples.

use serde_json::{Value, json};

use super::service::{Service, cluster, job, model};

#[tokio::test]
async fn a_model_is_known_again_by_its_content() {
    let service = Service::start().await;
    let first = service.post("/v1/models", &model()).await;
    assert_eq!(first.status, 201);
    let again = service.post("/v1/models", &model()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.text("id"), first.text("id"));
    assert_eq!(first.header("location"), format!("/v1/models/{}", first.text("id")));

    let read = service.get(first.header("location")).await;
    assert_eq!(read.json()["profile"]["layers"][1]["id"], "a");
    assert_eq!(read.json()["statistics"], first.json()["statistics"]);
    let tag = read.header("etag");
    let known = service.get_with(first.header("location"), &[("if-none-match", tag)]).await;
    assert_eq!(known.status, 304);
    assert_eq!(known.header("etag"), tag);

    assert_eq!(service.delete(first.header("location")).await.status, 204);
    service.get(first.header("location")).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_a_job_refers_to_is_not_deleted() {
    let service = Service::start().await;
    let job = service.write("POST", "/v1/jobs", &[("prefer", "wait=10")], &job()).await;
    for (path, id) in [("models", "model_id"), ("clusters", "cluster_id")] {
        service.delete(&format!("/v1/{path}/{}", job.text(id))).await.problem(409, "conflict");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut model = model();
        model["name"] = json!(format!("tiny-{number}"));
        ids.insert(0, service.post("/v1/models", &model).await.text("id"));
    }
    let mut seen = Vec::new();
    let mut path = "/v1/models?limit=2".to_owned();
    for _ in 0..3 {
        let page = service.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/models?limit=2&cursor={cursor}"),
            None => assert_eq!(seen.len(), 5),
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn every_example_is_a_body_that_a_job_takes() {
    let service = Service::start().await;
    let examples = service.get("/v1/examples").await.json();
    let names: Vec<&str> =
        examples["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    for name in names.into_iter().take(3) {
        let example = service.get(&format!("/v1/examples/{name}")).await;
        let known = [("if-none-match", example.header("etag"))];
        assert_eq!(service.get_with(&format!("/v1/examples/{name}"), &known).await.status, 304);
        let body: Value = example.json();
        assert_eq!(service.post("/v1/jobs", &body).await.status, 202, "{name}");
    }
    service.get("/v1/examples/..%2Fmodels%2FResNet50").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_proposed_placement_is_scored_and_nothing_is_stored() {
    let service = Service::start().await;
    let stages = json!([{"node_id": "n1", "layer_ids": ["input", "a", "b"]}]);
    let body = json!({"model": model(), "cluster": cluster(), "stages": stages});
    let answer = service.post("/v1/evaluations", &body).await;
    assert_eq!(answer.status, 200);
    let faulty = json!({"model": model(), "cluster": cluster(), "stages": [{"node_id": 1}], "solver": {}});
    let pointers = service.post("/v1/evaluations", &faulty).await.problem(422, "invalid-request");
    assert_eq!(pointers, ["/solver", "/stages/0/node_id", "/stages/0/layer_ids"]);
    assert_eq!(service.rows().await, [0; 4]);
}

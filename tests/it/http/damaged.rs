//! A database with damaged rows, as clients see it.

use std::time::Duration;

use super::service::{Service, job, model};

#[tokio::test]
async fn a_list_leaves_a_damaged_row_out_and_says_so() {
    let service = Service::start().await;
    let ended = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await.json();
    let mut other = model();
    other["name"] = "other".into();
    let whole = service.post("/v1/models", &other).await.text("id");
    assert!(service.get("/v1/models").await.json().get("unreadable").is_none());

    service.damage("UPDATE models SET layers = -1 WHERE name = 'tiny'").await;
    service.damage("UPDATE jobs SET created_at = 'yesterday'").await;
    service.damage("UPDATE placements SET figures = '{\"stages\": ['").await;
    service.damage("UPDATE cluster_revisions SET content_hash = x'ff'").await;

    let models = service.get("/v1/models").await.json();
    assert_eq!((&models["items"][0]["id"], models["items"].as_array().unwrap().len()), (&whole.into(), 1));
    for (list, id, column) in [
        ("models", "model_id", "layers"),
        ("clusters", "cluster_id", "content_hash"),
        ("jobs", "id", "created_at"),
        ("placements", "placement_id", "figures"),
    ] {
        let id = ended[id].as_str().unwrap();
        assert_eq!(service.get(&format!("/v1/{list}")).await.json()["unreadable"], serde_json::json!([id]), "{list}");
        let alone = service.get(&format!("/v1/{list}/{id}")).await;
        alone.problem(500, "damaged");
        assert!(alone.text("detail").contains(&format!("column {column} of ")), "{alone:?}");
    }
    let page = service.get("/problems/damaged").await.json();
    assert!(page["action"].as_str().unwrap().contains("backup"), "{page}");
}

#[tokio::test]
async fn a_damaged_model_document_is_no_half_an_answer() {
    let service = Service::start().await;
    let id = service.post("/v1/models", &model()).await.text("id");
    service.damage("UPDATE models SET document = '{\"name\": '").await;
    let alone = service.get(&format!("/v1/models/{id}")).await;
    alone.problem(500, "damaged");
    assert!(alone.text("detail").contains("column document of "), "{alone:?}");
}

#[tokio::test]
async fn a_damaged_key_keeps_the_door_closed() {
    let service = Service::start().await;
    let key = cutpoint::store::NewKey {
        tenant: Default::default(),
        name: "roof".to_owned(),
        scope: cutpoint::domain::scope::Scope::Admin,
    };
    let (_, secret) = service.store.create_key(key).await.unwrap();
    service.damage("UPDATE api_keys SET key_hash = 'none'").await;
    service.clock.advance(Duration::from_secs(2));
    service.get("/v1/models").await.problem(401, "unauthenticated");
    let shown = format!("Bearer {}", secret.reveal());
    service.get_with("/v1/models", &[("authorization", &shown)]).await.problem(401, "unauthenticated");
}

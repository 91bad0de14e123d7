//! Clusters: revisions, and changes that name the revision that they change.

use serde_json::json;

use super::service::{Service, cluster};

#[tokio::test]
async fn every_change_makes_a_revision_and_names_the_one_before() {
    let service = Service::start().await;
    let first = service.post("/v1/clusters", &cluster()).await;
    assert_eq!(first.status, 201);
    let path = format!("/v1/clusters/{}", first.text("id"));
    let tag = first.header("etag").to_owned();

    let mut larger = cluster();
    larger["nodes"][1]["memory_bytes"] = json!(2000);
    service.write("PUT", &path, &[], &larger).await.problem(428, "precondition-required");
    let second = service.write("PUT", &path, &[("if-match", &tag)], &larger).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.json()["revision"], 2);
    service.write("PUT", &path, &[("if-match", &tag)], &larger).await.problem(412, "precondition-failed");

    let newest = service.get(&path).await;
    assert_eq!(newest.header("etag"), second.header("etag"));
    assert_eq!(newest.json()["inventory"]["nodes"][1]["memory_bytes"], 2000);
    let old = service.get(&format!("{path}?revision=1")).await.json();
    assert_eq!(old["inventory"]["nodes"][1]["memory_bytes"], 1000);
    service.get(&format!("{path}?revision=3")).await.problem(404, "not-found");
    assert_eq!(service.get_with(&path, &[("if-none-match", newest.header("etag"))]).await.status, 304);
}

#[tokio::test]
async fn one_node_is_changed_and_the_rest_stays() {
    let service = Service::start().await;
    let first = service.post("/v1/clusters", &cluster()).await;
    let cluster_path = format!("/v1/clusters/{}", first.text("id"));
    let path = format!("{cluster_path}/nodes/n2");
    let tag = [("if-match", first.header("etag"))];

    service.write("PATCH", &path, &[], &json!({})).await.problem(428, "precondition-required");
    let faulty = service.write("PATCH", &path, &tag, &json!({"memory_bytes": -1})).await;
    assert_eq!(faulty.problem(422, "invalid-request"), ["/memory_bytes"]);
    let renamed = service.write("PATCH", &path, &tag, &json!({"id": "n9"})).await;
    assert_eq!(renamed.problem(422, "invalid-request"), ["/id"]);
    let unknown = service.write("PATCH", &format!("{cluster_path}/nodes/n9"), &tag, &json!({})).await;
    unknown.problem(404, "not-found");

    let changed = service.write("PATCH", &path, &tag, &json!({"schedulable": false})).await;
    assert_eq!(changed.json()["revision"], 2);
    let nodes = service.get(&cluster_path).await.json()["inventory"]["nodes"].clone();
    assert_eq!(nodes[0]["schedulable"], true);
    assert_eq!(nodes[1]["schedulable"], false);
    assert_eq!(nodes[1]["memory_bytes"], 1000);
    service.write("PATCH", &path, &tag, &json!({})).await.problem(412, "precondition-failed");
}

#[tokio::test]
async fn a_registration_is_repeated_under_its_key_alone() {
    let service = Service::start().await;
    let key = [("idempotency-key", "k")];
    let first = service.write("POST", "/v1/clusters", &key, &cluster()).await;
    let again = service.write("POST", "/v1/clusters", &key, &cluster()).await;
    let other = service.post("/v1/clusters", &cluster()).await;
    assert_eq!(again.text("id"), first.text("id"));
    assert_eq!(again.status, 201);
    assert_ne!(other.text("id"), first.text("id"));
    assert_eq!(service.get("/v1/clusters").await.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(service.delete(&format!("/v1/clusters/{}", first.text("id"))).await.status, 204);
}

#[tokio::test]
async fn measured_links_make_a_revision() {
    let service = Service::start().await;
    let first = service.post("/v1/clusters", &cluster()).await;
    let cluster_path = format!("/v1/clusters/{}", first.text("id"));
    let path = format!("{cluster_path}/links");
    let tag = [("if-match", first.header("etag"))];
    let measured = json!({"links": [{"from": "n1", "to": "n2", "bandwidth_bps": 5.0, "latency_s": 0.25}]});

    service.write("PATCH", &path, &[], &measured).await.problem(428, "precondition-required");
    let unknown = json!({"links": [{"from": "n1", "to": "n9", "bandwidth_bps": 5.0}]});
    assert_eq!(service.write("PATCH", &path, &tag, &unknown).await.problem(422, "invalid-request"), ["/links/0/to"]);
    let changed = service.write("PATCH", &path, &tag, &measured).await;
    assert_eq!((&changed.json()["revision"], &changed.json()["links"]), (&json!(2), &json!(1)));
    let links = service.get(&cluster_path).await.json()["inventory"]["links"].clone();
    assert_eq!((&links[0]["bandwidth_bps"], &links[0]["latency_s"]), (&json!(5.0), &json!(0.25)));
    service.write("PATCH", &path, &tag, &measured).await.problem(412, "precondition-failed");
}

#[tokio::test]
async fn a_deletion_may_name_what_it_deletes() {
    let service = Service::start().await;
    let made = service.post("/v1/clusters", &cluster()).await;
    let path = made.header("location");
    let delete = async |tag: &str| {
        service.send(super::service::request("DELETE", path, &[("if-match", tag)], axum::body::Body::empty())).await
    };
    delete("\"7\"").await.problem(412, "precondition-failed");
    assert_eq!(delete(made.header("etag")).await.status, 204);
}

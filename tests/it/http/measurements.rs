//! What runners measured of placements, beside what was planned.

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Service, job};

/// What runners would measure of a placement whose stages and transfers take this many times as long as planned. The first
/// stage alone takes the first number.
pub(super) fn measurements_of(planned: &Value, first: f64, others: f64) -> Value {
    let pipeline = &planned["placement"]["pipelines"][0];
    let stages = pipeline["stages"].as_array().unwrap();
    let longer = |planned: &Value, ratio: f64| json!(ratio * planned.as_f64().unwrap());
    let measured_stages: Vec<Value> = stages
        .iter()
        .enumerate()
        .map(|(index, stage)| {
            let ratio = if index == 0 { first } else { others };
            json!({
                "index": stage["index"], "node_id": stage["node_id"], "counted": 20,
                "compute_s": longer(&stage["compute_s"], ratio), "session_s": 1, "memory": {"peak_bytes": 5000}
            })
        })
        .collect();
    let hop = |index: usize| {
        let received = &stages[index]["receive"];
        json!({
            "from": format!("stage {}", index - 1), "to": format!("stage {index}"), "measured": 20,
            "bytes": received["bytes"], "transfer_s": longer(&received["transfer_s"], others)
        })
    };
    let slowest = first.max(others);
    json!({
        "version": 1, "model": "paper", "warm_up_inferences": 14,
        "pipelines": [{
            "pipeline": 0, "overlap": "full", "period_s": longer(&pipeline["period_s"], slowest), "runs": [1, 2],
            "latency": {"mean_s": longer(&pipeline["latency_s"], slowest), "count": 10}, "latency_of": "one_at_a_time",
            "stages": measured_stages, "hops": (1..stages.len()).map(hop).collect::<Vec<_>>()
        }]
    })
}

/// A service, the path of a placement of two stages, and what runners would measure that take a tenth longer than planned.
async fn measured() -> (Service, String, Value) {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let path = format!("/v1/placements/{}", done.text("placement_id"));
    let planned = service.get(&path).await.json();
    (service, path, measurements_of(&planned, 1.1, 1.1))
}

#[tokio::test]
async fn measurements_are_stored_beside_what_was_planned() {
    let (service, path, document) = measured().await;
    let list = format!("{path}/measurements");
    let added = service.write("POST", &list, &[], &document).await;
    assert_eq!(added.status, 201, "{added:?}");
    let pipeline = &added.json()["comparison"]["pipelines"][0];
    for compared in [
        &pipeline["period_s"],
        &pipeline["latency_s"],
        &pipeline["stages"][0]["compute_s"],
        &pipeline["stages"][1]["compute_s"],
        &pipeline["transfers"][0]["transfer_s"],
    ] {
        let ratio = compared["ratio"].as_f64();
        assert!(ratio.is_some_and(|ratio| (ratio - 1.1).abs() < 1e-9), "{compared} in {pipeline}");
    }
    assert_eq!(pipeline["stages"][1]["memory_bytes"]["measured"], 5000.0);

    let read = service.get(added.header("location")).await;
    assert_eq!(read.status, 200, "{read:?}");
    let mut read = read.json();
    let kept = read.as_object_mut().unwrap().remove("measured").unwrap();
    assert_eq!(read, added.json());
    // What says nothing of a plan is not kept.
    assert_eq!(kept["pipelines"][0]["stages"][0].get("session_s"), None);
    assert_eq!(kept["pipelines"][0]["period_s"], document["pipelines"][0]["period_s"]);

    let second = service.write("POST", &list, &[], &document).await;
    let first_page = service.get(&format!("{list}?limit=1")).await.json();
    assert_eq!((first_page["items"].as_array().unwrap().len(), &first_page["items"][0]), (1, &second.json()));
    let next = service.get(&format!("{list}?limit=1&cursor={}", first_page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&next.json()["items"][0], next.json().get("next_cursor")), (&added.json(), None));
}

#[tokio::test]
async fn the_explanation_has_the_newest_measurements() {
    let (service, path, mut document) = measured().await;
    let explained = service.get(&format!("{path}/explanation")).await.json();
    assert_eq!(explained.get("measured"), None);
    service.write("POST", &format!("{path}/measurements"), &[], &document).await;
    document["pipelines"][0]["period_s"] = json!(7.5);
    let newest = service.write("POST", &format!("{path}/measurements"), &[], &document).await.json();
    let explained = service.get(&format!("{path}/explanation")).await.json();
    assert_eq!(explained["measured"], newest);
    assert_eq!(explained["measured"]["comparison"]["pipelines"][0]["period_s"]["measured"], 7.5);
    assert_eq!(explained["status"], "optimal");
}

#[tokio::test]
async fn what_is_not_of_the_placement_is_refused_with_every_fault() {
    let (service, path, document) = measured().await;
    let list = format!("{path}/measurements");
    let mut other = document.clone();
    let pipeline = &mut other["pipelines"][0];
    pipeline["stages"][0]["node_id"] = json!("n9");
    pipeline["stages"][1]["counted"] = json!(3);
    pipeline["hops"][0]["bytes"] = json!(1);
    let refused = service.write("POST", &list, &[], &other).await;
    let places = ["/pipelines/0/stages/0/node_id", "/pipelines/0/stages/1", "/pipelines/0/hops/0"];
    assert_eq!(refused.problem(422, "invalid-request"), places);

    let mut several = document.clone();
    let again = several["pipelines"][0].clone();
    several["pipelines"].as_array_mut().unwrap().extend([again.clone(), again]);
    several["pipelines"][2]["pipeline"] = json!(4);
    several["pipelines"][2]["stages"] = json!([]);
    let refused = service.write("POST", &list, &[], &several).await;
    assert_eq!(refused.problem(422, "invalid-request"), ["/pipelines/1", "/pipelines/2"]);

    let wrong = json!({"version": 2, "model": 3, "pipelines": [{"pipeline": -1, "stages": [], "hops": {}}]});
    let refused = service.write("POST", &list, &[], &wrong).await;
    let places = ["/version", "/model", "", "/pipelines/0/pipeline", "/pipelines/0/hops"];
    assert_eq!(refused.problem(422, "invalid-request"), places);
    assert_eq!(service.get(&list).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_retry_with_the_same_key_gets_the_same_measurements() {
    let (service, path, document) = measured().await;
    let list = format!("{path}/measurements");
    let key = [("idempotency-key", "night-1")];
    let first = service.write("POST", &list, &key, &document).await;
    let again = service.write("POST", &list, &key, &document).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()));
    let mut other = document.clone();
    other["model"] = json!("other");
    service.write("POST", &list, &key, &other).await.problem(422, "idempotency-key-reused");
    assert_eq!(service.get(&list).await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn measurements_are_deleted_alone_or_with_their_placement() {
    let (service, path, document) = measured().await;
    let list = format!("{path}/measurements");
    let key = [("idempotency-key", "night-1")];
    let first = service.write("POST", &list, &key, &document).await.header("location").to_owned();
    assert_eq!(service.write_text("DELETE", &first, &[], "").await.status, 204);
    service.get(&first).await.problem(404, "not-found");
    service.write_text("DELETE", &first, &[], "").await.problem(404, "not-found");
    // The key went with them.
    let second = service.write("POST", &list, &key, &document).await.header("location").to_owned();
    assert_ne!(first, second);
    assert_eq!(service.write_text("DELETE", &path, &[], "").await.status, 204);
    service.get(&second).await.problem(404, "not-found");
    service.get(&list).await.problem(404, "not-found");
    service.write("POST", &list, &[], &document).await.problem(404, "not-found");
    let unknown = format!("{list}/msr_nobody");
    service.get(&unknown).await.problem(404, "not-found");
}

#[tokio::test]
async fn the_proof_that_there_is_no_placement_has_no_measurements() {
    let (service, _, document) = measured().await;
    let mut body = job();
    body["constraints"] = json!({"exclude_nodes": ["n1", "n2"]});
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &body).await;
    assert_eq!(done.text("status"), "infeasible", "{done:?}");
    let list = format!("/v1/placements/{}/measurements", done.text("placement_id"));
    service.write("POST", &list, &[], &document).await.problem(409, "conflict");
}

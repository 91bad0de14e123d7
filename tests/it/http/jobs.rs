//! Jobs and placements.

use std::time::{Duration, Instant};

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Answer, Service, cluster, job, model, patient};

async fn patient_service() -> Service {
    let settings = QueueSettings { heartbeat: Duration::from_millis(20), ..QueueSettings::default() };
    Service::with(patient, settings, Limits::default()).await
}

/// Reads the job again and again until it has this status.
async fn until(service: &Service, path: &str, status: &str) -> Answer {
    for _ in 0..500 {
        let answer = service.get(path).await;
        if answer.json()["status"] == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{path} is never {status}");
}

#[tokio::test]
async fn a_job_ends_with_a_placement_that_can_be_read() {
    let service = Service::start().await;
    let mut body = job();
    body["labels"] = json!({"site": "roof"});
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &body).await;
    assert_eq!(done.status, 200);
    assert_eq!(done.header("preference-applied"), "wait=20");
    assert_eq!(done.text("status"), "succeeded");
    assert_eq!(done.json()["progress"]["period_s"], 0.5);

    let path = format!("/v1/placements/{}", done.text("placement_id"));
    let placement = service.get(&path).await;
    assert_eq!(placement.json()["job_id"], done.json()["id"]);
    assert_eq!(placement.json()["labels"], json!({"site": "roof"}));
    assert_eq!(placement.json()["placement"]["pipelines"][0]["stages"][0]["node_id"], "n1");
    assert_eq!(service.get_with(&path, &[("if-none-match", placement.header("etag"))]).await.status, 304);

    let best = service.get(&format!("{}/placement", done.header("location"))).await;
    assert_eq!(best.json(), placement.json()["placement"]);

    assert_eq!(service.delete(done.header("location")).await.status, 204);
    service.get(done.header("location")).await.problem(404, "not-found");
    assert_eq!(service.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_job_may_name_what_is_registered() {
    let service = Service::start().await;
    let model_id = service.post("/v1/models", &model()).await.text("id");
    let registered = service.post("/v1/clusters", &cluster()).await;
    let cluster_id = registered.text("id");
    let body = json!({"model_id": model_id, "cluster_id": cluster_id, "cluster_revision": 1});
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &body).await;
    assert_eq!(done.text("model_id"), model_id);
    assert_eq!(done.text("cluster_id"), cluster_id);

    let missing = json!({"model_id": model_id, "cluster_id": cluster_id, "cluster_revision": 2});
    let pointers = service.post("/v1/jobs", &missing).await.problem(404, "not-found");
    assert_eq!(pointers, ["/cluster_revision"]);
    let constrained = json!({"model_id": model_id, "cluster_id": cluster_id, "constraints": {"exclude_nodes": ["n7"]}});
    let pointers = service.post("/v1/jobs", &constrained).await.problem(422, "invalid-request");
    assert_eq!(pointers, ["/constraints/exclude_nodes/0"]);
    assert_eq!(service.rows().await[2], 1);
}

#[tokio::test]
async fn a_running_job_shows_its_incumbent_and_stops_with_it() {
    let service = patient_service().await;
    let accepted = service.post("/v1/jobs", &job()).await;
    assert_eq!(accepted.status, 202);
    let path = accepted.header("location").to_owned();
    until(&service, &path, "running").await;
    service.delete(&path).await.problem(409, "conflict");
    let mut incumbent = service.get(&format!("{path}/placement")).await;
    for _ in 0..500 {
        if incumbent.status == 200 {
            break;
        }
        incumbent.problem(409, "no-placement");
        tokio::time::sleep(Duration::from_millis(10)).await;
        incumbent = service.get(&format!("{path}/placement")).await;
    }
    assert_eq!(incumbent.json()["period_s"], 0.5);

    let stopped = service.write("POST", &format!("{path}/stop"), &[("prefer", "wait=20")], &json!({})).await;
    assert_eq!(stopped.text("status"), "succeeded");
    assert_eq!(stopped.text("termination"), "stopped");
    let again = service.post(&format!("{path}/stop"), &json!({})).await;
    assert_eq!(again.json(), stopped.json());
}

#[tokio::test]
async fn a_long_poll_ends_with_a_change_or_with_its_time() {
    let service = patient_service().await;
    let path = service.post("/v1/jobs", &job()).await.header("location").to_owned();
    until(&service, &path, "running").await;
    // The incumbent is stored with some heartbeat; behind it nothing changes.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let tag = service.get(&path).await.header("etag").to_owned();
    let started = Instant::now();
    let unchanged = service.get_with(&path, &[("if-none-match", &tag), ("prefer", "wait=1")]).await;
    assert_eq!(unchanged.status, 304);
    assert!(started.elapsed() >= Duration::from_secs(1));

    let headers = [("if-none-match", tag.as_str()), ("prefer", "wait=30")];
    let poll = async {
        let mut answer = service.get_with(&path, &headers).await;
        if answer.json()["status"] == "running" {
            let tag = answer.header("etag").to_owned();
            answer = service.get_with(&path, &[("if-none-match", &tag), ("prefer", "wait=30")]).await;
        }
        answer
    };
    let stop = async { service.post(&format!("{path}/stop"), &json!({})).await };
    let (changed, _) = tokio::join!(poll, stop);
    assert_eq!(changed.text("status"), "succeeded");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn without_an_etag_a_wait_is_for_the_end() {
    let service = patient_service().await;
    let path = service.post("/v1/jobs", &job()).await.header("location").to_owned();
    let queued = service.get(&path).await;
    assert!(!queued.headers.contains_key("preference-applied"));
    until(&service, &path, "running").await;
    let at_once = service.get_with(&path, &[("prefer", "wait=0")]).await;
    assert_eq!((at_once.text("status").as_str(), at_once.header("preference-applied")), ("running", "wait=0"));

    // Incumbents that are stored meanwhile do not end it.
    let waiting = service.get_with(&path, &[("prefer", "wait=60")]);
    let stop = async { service.post(&format!("{path}/stop"), &json!({})).await };
    let (ended, _) = tokio::join!(waiting, stop);
    assert_eq!(ended.status, 200);
    assert_eq!((ended.text("status").as_str(), ended.header("preference-applied")), ("succeeded", "wait=60"));

    // What has changed since, or has ended, keeps nobody waiting.
    let tag = queued.header("etag");
    let changed = service.get_with(&path, &[("if-none-match", tag), ("prefer", "wait=60")]).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.header("preference-applied"), "wait=60");
    let known = [("if-none-match", changed.header("etag")), ("prefer", "wait=60")];
    assert_eq!(service.get_with(&path, &known).await.status, 304);
}

#[tokio::test]
async fn lists_are_filtered() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for site in ["roof", "cellar", "roof"] {
        let mut body = job();
        body["labels"] = json!({"site": site});
        ids.push(service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &body).await);
    }
    let count = async |path: &str| service.get(path).await.json()["items"].as_array().unwrap().len();
    assert_eq!(count("/v1/jobs?status=succeeded&label=site%3Droof").await, 2);
    assert_eq!(count("/v1/jobs?status=failed&status=queued").await, 0);
    assert_eq!(count("/v1/jobs?created_before=2020-01-01T00:00:00Z").await, 0);
    let model_id = ids[0].text("model_id");
    assert_eq!(count(&format!("/v1/placements?model_id={model_id}")).await, 3);
    assert_eq!(count(&format!("/v1/placements?job_id={}", ids[1].text("id"))).await, 1);
    let latest = service.get(&format!("/v1/placements?model_id={model_id}&latest=true")).await.json();
    assert_eq!(latest["items"].as_array().unwrap().len(), 1);
    assert_eq!(latest["items"][0]["id"], ids[2].json()["placement_id"]);
    assert_eq!(count("/v1/placements?limit=2").await, 2);
    service.get("/v1/placements?cursor=MTc2NzIyNTYwMDAwMDAwMSBwbGNf").await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn lists_tell_what_placements_claim_and_use_without_their_documents() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &job()).await;
    let whole = service.get(&format!("/v1/placements/{}", done.text("placement_id"))).await.json();
    let document = whole["placement"].as_object().unwrap();

    let listed = service.get("/v1/placements").await.json()["items"][0].clone();

    let of_document = [
        "status",
        "termination",
        "algorithm",
        "period_s",
        "throughput_per_s",
        "inferences_per_s",
        "latency_s",
        "least_period_s",
        "lower_bound_s",
        "lower_bound_nodes",
        "gap",
    ];
    let of_row = ["id", "job_id", "model_id", "cluster_id", "cluster_revision", "labels", "created_at"];
    let stages = document["pipelines"][0]["stages"].as_array().unwrap();
    let node_ids: Vec<&str> = stages.iter().map(|stage| stage["node_id"].as_str().unwrap()).collect();
    let mut expected = json!({"pipelines": 1, "stages": stages.len(), "node_ids": node_ids});
    of_row.iter().for_each(|name| expected[*name] = whole[*name].clone());
    of_document.iter().filter_map(|name| Some((name, document.get(*name)?))).for_each(|(name, value)| {
        expected[*name] = value.clone();
    });
    assert_eq!(listed, expected);
    let found = service.get(&format!("/v1/placements?node_id={}", node_ids[0])).await.json();
    assert_eq!(found["items"], json!([listed]));
    assert_eq!(service.get("/v1/placements?node_id=none").await.json()["items"], json!([]));
    service.get("/v1/placements?node_id=").await.problem(400, "invalid-parameter");
    service.get(&format!("/v1/placements?node_id={}", "n".repeat(257))).await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn a_full_queue_and_a_closed_one_ask_to_come_again() {
    let settings = QueueSettings { workers: 1, queue_limit: 1, ..QueueSettings::default() };
    let service = Service::with(patient, settings, Limits::default()).await;
    let first = service.post("/v1/jobs", &job()).await.header("location").to_owned();
    until(&service, &first, "running").await;
    let last = service.write("POST", "/v1/jobs", &[("idempotency-key", "last")], &job()).await;
    assert_eq!(last.status, 202);
    let refused = service.post("/v1/jobs", &job()).await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    // A retry is answered all the same; a new key is refused before its body is read.
    let again = service.write("POST", "/v1/jobs", &[("idempotency-key", "last")], &job()).await;
    assert_eq!((again.status.as_u16(), again.text("id")), (202, last.text("id")));
    let unread = service.write_text("POST", "/v1/jobs", &[("idempotency-key", "new")], "{".to_owned()).await;
    unread.problem(503, "unavailable");

    assert_eq!(service.get("/readyz").await.status, 200);
    service.queue.shutdown().await;
    service.get("/readyz").await.problem(503, "unavailable");
    service.post("/v1/jobs", &job()).await.problem(503, "unavailable");
    assert_eq!(service.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn what_the_planner_answers_an_evaluation_confirms() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &job()).await;
    assert_eq!(done.text("status"), "succeeded");
    let path = format!("/v1/placements/{}", done.text("placement_id"));
    let placement = service.get(&path).await.json()["placement"].clone();
    assert_eq!(placement["status"], "optimal");

    let stages: Vec<Value> = placement["pipelines"][0]["stages"].as_array().unwrap().clone();
    let proposed: Vec<Value> =
        stages.iter().map(|stage| json!({"node_id": stage["node_id"], "layer_ids": stage["layer_ids"]})).collect();
    let body = json!({"model": model(), "cluster": cluster(), "stages": proposed});
    let evaluation = service.post("/v1/evaluations", &body).await.json();
    assert_eq!(evaluation["violations"], json!([]));
    for field in ["period_s", "latency_s", "stages", "bottleneck"] {
        assert_eq!(evaluation[field], placement["pipelines"][0][field], "{field}");
    }
}

#[tokio::test]
async fn a_proof_that_there_is_no_placement_is_stored() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let mut body = job();
    body["model"]["layers"][1]["param_bytes"] = json!(5000);
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &body).await;
    assert_eq!(done.text("status"), "infeasible");
    let proof = service.get(&format!("/v1/placements/{}", done.text("placement_id"))).await.json();
    assert_eq!(proof["placement"]["status"], "infeasible");
    assert!(!proof["placement"]["reasons"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn requests_at_once_with_one_key_are_one_job() {
    let service = Service::start().await;
    let body = job();
    let posts = (0..8).map(|_| service.write("POST", "/v1/jobs", &[("idempotency-key", "k")], &body));
    let answers = futures::future::join_all(posts).await;
    let ids: std::collections::BTreeSet<String> = answers.iter().map(|answer| answer.text("id")).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(service.rows().await[..3], [1, 1, 1]);
}

#[tokio::test]
async fn a_job_may_replan_from_a_stored_placement_and_share_its_nodes() {
    let service = Service::start().await;
    let first = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let placement_id = first.text("placement_id");
    let mut body = job();
    body["base_placement_id"] = json!(placement_id);
    body["max_period_ratio"] = json!(1.2);
    body["occupied_by"] = json!([placement_id]);
    body["occupant_rates_per_s"] = json!({ placement_id: 0.5 });
    assert_eq!(service.post("/v1/jobs", &body).await.status, 202);

    // The placement runs alone on n1, for 0.5 s of each inference: at half an inference a second 3/4 of n1 are left.
    let mut evaluation = job();
    let layers = evaluation["model"]["layers"].as_array().unwrap().iter();
    let layer_ids: Vec<Value> = layers.map(|layer| layer["id"].clone()).collect();
    evaluation["stages"] = json!([{"node_id": "n1", "layer_ids": layer_ids}]);
    for field in ["base_placement_id", "occupied_by", "occupant_rates_per_s"] {
        evaluation[field] = body[field].clone();
    }
    let answer = service.post("/v1/evaluations", &evaluation).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let answer = answer.json();
    assert_eq!(answer["migration"]["moved_layers"], json!([]));
    assert_eq!(answer["stages"][0]["compute_share"], 0.75);
    assert_eq!(answer["occupants"][0]["id"], body["occupied_by"][0]);
    assert_eq!(answer["occupants"][0]["new_period_s"], 0.5);

    for (field, value) in [("base_placement_id", json!("plc_1")), ("occupied_by", json!(["plc_1"]))] {
        let mut unknown = job();
        unknown[field] = value;
        let pointers = service.post("/v1/jobs", &unknown).await.problem(404, "not-found");
        assert!(pointers[0].starts_with(&format!("/{field}")), "{pointers:?}");
    }
}

#[tokio::test]
async fn a_trade_off_is_drawn() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let mut body = job();
    body["objective"] = json!({"kind": "tradeoff"});
    let made = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &body).await;
    let path = format!("/v1/placements/{}", made.text("placement_id"));
    let placement = service.get(&path).await.json();
    let front = placement["placement"]["front"].as_array().unwrap();
    assert_eq!(front[0]["stages"], placement["placement"]["pipelines"][0]["stages"]);

    let drawn = service.get(&format!("{path}/front.svg")).await;

    assert_eq!(drawn.status, 200);
    assert_eq!(drawn.header("content-type"), "image/svg+xml");
    let svg = String::from_utf8(drawn.bytes).unwrap();
    assert_eq!(svg.matches("<circle").count(), front.len());

    let plain = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let path = format!("/v1/placements/{}/front.svg", plain.text("placement_id"));
    service.get(&path).await.problem(404, "not-found");
    service.get("/v1/placements/plc_1/front.svg").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_filter_finds_labels_whose_names_have_an_equals_sign() {
    let service = Service::start().await;
    let mut job = job();
    job["labels"] = json!({"a=b": "c=d"});
    assert_eq!(service.post("/v1/jobs", &job).await.status, 202);
    for (filter, found) in [("a%3Db%3Dc%3Dd", 1), ("a%3Db%3Dc", 0), ("a%3Dc%3Dd", 0)] {
        let listed = service.get(&format!("/v1/jobs?label={filter}")).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), found, "{filter}");
    }
}

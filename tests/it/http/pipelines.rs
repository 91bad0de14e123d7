//! Several pipelines on one cluster, from the job to what is asked of its placement.

use std::time::Duration;

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Answer, Service, job};

async fn service() -> Service {
    Service::with(
        Planner,
        QueueSettings { heartbeat: Duration::from_millis(20), ..QueueSettings::default() },
        Limits::default(),
    )
    .await
}

/// A job with as many pipelines as help: a copy of the model on each node makes 1/3 of a pass a second.
fn filled() -> Value {
    let mut body = job();
    body["pipelines"] = json!({});
    body
}

async fn planned(service: &Service, body: &Value) -> Answer {
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], body).await;
    assert_eq!(done.text("status"), "succeeded", "{}", done.json());
    done
}

fn of(done: &Answer, what: &str) -> String {
    format!("/v1/placements/{}{what}", done.text("placement_id"))
}

fn assert_near(value: &Value, wanted: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((value - wanted).abs() <= 1e-9 * wanted.abs(), "{value} is not {wanted}");
}

/// Stages with the whole model on a node.
fn copy_on(node: &str) -> Value {
    json!({"stages": [{"node_id": node, "layer_ids": ["input", "a", "b"]}]})
}

#[tokio::test]
async fn a_cluster_is_filled_and_the_figures_are_those_of_all_pipelines() {
    let service = service().await;
    let done = planned(&service, &filled()).await;
    let progress = &done.json()["progress"];
    assert_near(&progress["period_s"], 1.5);
    assert_near(&progress["lower_bound_s"], 1.5);
    assert_eq!(progress["gap"], 0.0);

    let document = service.get(&of(&done, "")).await.json()["placement"].clone();
    assert_eq!((&document["status"], document["pipelines"].as_array().unwrap().len()), (&json!("optimal"), 2));
    let listed = service.get("/v1/placements?node_id=n2").await.json()["items"][0].clone();
    assert_eq!((&listed["pipelines"], &listed["stages"]), (&json!(2), &json!(2)));
    let mut nodes: Vec<&str> =
        listed["node_ids"].as_array().unwrap().iter().map(|node| node.as_str().unwrap()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["n1", "n2"]);
    for member in ["throughput_per_s", "throughput_upper_bound_per_s", "inferences_per_s"] {
        assert_near(&listed[member], 2.0 / 3.0);
        assert_eq!(listed[member], document[member]);
    }
    assert_near(&listed["latency_s"], 3.0);
}

#[tokio::test]
async fn one_pipeline_has_no_bound_of_a_sum_and_counts_as_one() {
    let service = service().await;
    planned(&service, &job()).await;
    let listed = service.get("/v1/placements").await.json()["items"][0].clone();
    assert_eq!((&listed["pipelines"], &listed["stages"]), (&json!(1), &json!(2)));
    assert!(listed.get("throughput_upper_bound_per_s").is_none());
}

#[tokio::test]
async fn several_pipelines_are_explained_compared_and_exported() {
    let service = service().await;
    let (one, several) = (planned(&service, &job()).await, planned(&service, &filled()).await);

    let explanation = service.get(&of(&several, "/explanation?time_limit_s=5")).await.json();
    assert_eq!((&explanation["stages"], &explanation["binding"]), (&json!([]), &json!([])));
    let pipelines = explanation["pipelines"].as_array().unwrap();
    assert_eq!(pipelines.len(), 2);
    for pipeline in pipelines {
        assert_near(&pipeline["rate_per_s"], 1.0 / 3.0);
        assert_eq!(pipeline["binding"], json!([{"kind": "stage", "stage_index": 0}]));
    }

    let diff = service.get(&of(&several, &format!("/diff?base={}", one.text("placement_id")))).await.json();
    assert_near(&diff["period_change_s"], -0.5);
    // Each node already holds one of the two layers with parameters, of 10 and of 20 bytes.
    assert_eq!(diff["shipped_bytes"], 30);

    let svg = service.get(&of(&several, "/export?format=svg")).await;
    assert!(String::from_utf8(svg.bytes).unwrap().contains("2 pipelines on 2 nodes"));
    let dot = service.get(&of(&several, "/export?format=dot")).await;
    assert!(String::from_utf8(dot.bytes).unwrap().contains("cluster_1"));
    let kubernetes = service.get(&of(&several, "/export?format=kubernetes&image=runner:1&feed=9")).await;
    let text = String::from_utf8(kubernetes.bytes).unwrap();
    for name in ["cutpoint-p0-stage-0", "cutpoint-p1-stage-0", "cutpoint-p1-sink", "cutpoint-feed"] {
        assert!(text.contains(&format!("name: {name}\n")), "{name}: {text}");
    }
}

#[tokio::test]
async fn several_pipelines_run_beside_another_model() {
    let service = service().await;
    let running = planned(&service, &filled()).await;
    let mut beside = job();
    beside["occupied_by"] = json!([running.text("placement_id")]);
    let document = service.get(&of(&planned(&service, &beside).await, "")).await.json()["placement"].clone();
    assert_eq!(document["occupants"].as_array().unwrap().len(), 1);
    assert_near(&document["occupants"][0]["period_s"], 1.5);
}

#[tokio::test]
async fn several_pipelines_are_replanned_and_keep_what_runs() {
    let service = service().await;
    let running = planned(&service, &filled()).await;
    let mut replan = filled();
    replan["base_placement_id"] = json!(running.text("placement_id"));
    let document = service.get(&of(&planned(&service, &replan).await, "")).await.json()["placement"].clone();
    assert_eq!((&document["status"], &document["migration"]["shipped_bytes"]), (&json!("optimal"), &json!(0)));
    assert_near(&document["throughput_per_s"], 2.0 / 3.0);
    // One pipeline takes a base of two, too.
    replan.as_object_mut().unwrap().remove("pipelines");
    let one = service.get(&of(&planned(&service, &replan).await, "")).await.json()["placement"].clone();
    assert_eq!(one["pipelines"].as_array().unwrap().len(), 1, "{one}");
    assert!(one["migration"].is_object(), "{one}");
}

#[tokio::test]
async fn what_several_pipelines_do_not_go_with_is_named() {
    let service = service().await;
    let cases = [
        (json!({"pipelines": {"most": 0}}), "/pipelines/most"),
        (json!({"pipelines": {"least": 1}}), "/pipelines/least"),
        (json!({"pipelines": 2}), "/pipelines"),
        (json!({"pipelines": {}, "objective": {"kind": "min_latency"}}), "/pipelines"),
        (json!({"pipelines": {}, "solver": {"algorithm": "kpath"}}), "/pipelines"),
        (
            json!({"pipelines": {}, "objective": {"kind": "min_nodes", "target_period_s": 9}, "base": {"stages": []}}),
            "/objective/kind",
        ),
        (json!({"constraints": {"max_nodes": 0}}), "/constraints/max_nodes"),
    ];
    for (members, pointer) in cases {
        let mut body = job();
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        assert_eq!(service.post("/v1/jobs", &body).await.problem(422, "invalid-request"), [pointer], "{members}");
        let validation = service.post("/v1/jobs/validate", &body).await.json();
        assert_eq!((&validation["valid"], &validation["errors"][0]["pointer"]), (&json!(false), &json!(pointer)));
    }
}

#[tokio::test]
async fn nodes_of_all_pipelines_together_may_be_limited() {
    let service = service().await;
    let mut body = filled();
    body["constraints"] = json!({"max_nodes": 1});
    planned(&service, &body).await;
    let listed = service.get("/v1/placements").await.json()["items"][0].clone();
    assert_eq!((&listed["pipelines"], &listed["stages"]), (&json!(1), &json!(1)));
    assert_near(&listed["throughput_upper_bound_per_s"], 1.0 / 3.0);
}

#[tokio::test]
async fn proposed_pipelines_are_scored_together() {
    let service = service().await;
    let mut body = filled();
    body["proposed_pipelines"] = json!([copy_on("n1"), copy_on("n2")]);
    let evaluation = service.post("/v1/evaluations", &body).await.json();
    assert_eq!((&evaluation["violations"], &evaluation["stages"]), (&json!([]), &json!([])));
    assert_near(&evaluation["throughput_per_s"], 2.0 / 3.0);
    assert_eq!(evaluation["pipelines"].as_array().unwrap().len(), 2);
    assert_near(&evaluation["pipelines"][1]["rate_per_s"], 1.0 / 3.0);

    body["proposed_pipelines"] = json!([copy_on("n1"), copy_on("n1")]);
    let twice = service.post("/v1/evaluations", &body).await.json();
    assert_eq!(twice["violations"][0]["code"], "node_used_twice");
    assert_eq!(twice["violations"][0]["pipeline_index"], 1);

    // Without the option, one pipeline is all that a placement may have.
    body.as_object_mut().unwrap().remove("pipelines");
    body["proposed_pipelines"] = json!([copy_on("n1"), copy_on("n2")]);
    let refused = service.post("/v1/evaluations", &body).await.json();
    assert_eq!(refused["violations"][0]["code"], "too_many_pipelines");
}

#[tokio::test]
async fn a_proposal_is_either_stages_or_pipelines() {
    let service = service().await;
    let pointers = async |members: Value| {
        let mut body = filled();
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        service.post("/v1/evaluations", &body).await.problem(422, "invalid-request")
    };
    assert_eq!(pointers(json!({})).await, ["/stages"]);
    let both = json!({"stages": [], "proposed_pipelines": [copy_on("n1")]});
    assert_eq!(pointers(both).await, ["/proposed_pipelines"]);
    let unreadable = json!({"proposed_pipelines": [copy_on("n1"), {"stages": [{"node_id": 1, "layer_ids": []}]}, {}]});
    assert_eq!(pointers(unreadable).await, ["/proposed_pipelines/1/stages/0/node_id", "/proposed_pipelines/2/stages"]);
}

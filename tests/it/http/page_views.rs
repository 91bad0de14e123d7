//! Views of the page with all that a placement can have: a trade-off, shared media, several pipelines, prices, measurements.

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::page::{html, visit};
use super::service::{Service, cluster, model};

async fn service() -> Service {
    Service::with(Planner, QueueSettings::default(), Limits::default()).await
}

async fn planned(service: &Service, job: &Value) -> (String, Value) {
    let job = service.write("POST", "/v1/jobs", &[("prefer", "wait=30")], job).await;
    let id = job.text("placement_id");
    let placement = service.get(&format!("/v1/placements/{id}")).await.json();
    (format!("/ui/placements/{id}"), placement)
}

#[tokio::test]
async fn each_point_of_a_trade_off_leads_to_its_placement() {
    let service = service().await;
    let layer = |id: &str| json!({"id": id, "param_bytes": 10, "output_bytes": 10, "flops": 1000.0});
    let model = json!({"name": "two", "layers": [layer("a"), layer("b")], "edges": [{"from": "a", "to": "b"}]});
    let mut cluster = cluster();
    cluster["network"]["bandwidth_bps"] = json!(400.0);
    let job = json!({"model": model, "cluster": cluster, "objective": {"kind": "tradeoff"}});
    let (path, placement) = planned(&service, &job).await;
    let front = placement["placement"]["front"].as_array().unwrap();
    assert_eq!(front.len(), 2, "{placement}");
    let first = html(&visit(&service, &path, "").await);
    let chart = first.split("<svg class=\"chart\"").nth(1).unwrap().split("</svg>").next().unwrap();
    assert_eq!(chart.matches("<a href=").count(), 2);
    assert!(chart.contains("?point=1#front") && chart.contains("aria-label=\"Point 2: period"));
    let second = html(&visit(&service, &format!("{path}?point=1"), "").await);
    assert_eq!(first.matches("<li class=\"stage").count(), 2);
    assert_eq!(second.matches("<li class=\"stage").count(), 1);
}

#[tokio::test]
async fn shared_media_are_lanes() {
    let service = service().await;
    let layer = |id: &str| json!({"id": id, "param_bytes": 600, "output_bytes": 10, "flops": 1000.0});
    let mut job = json!({
        "model": {"name": "three", "layers": [layer("a"), layer("b"), layer("c")],
            "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]},
        "cluster": cluster(),
    });
    job["cluster"]["nodes"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "n3", "memory_bytes": 1000, "flops_per_s": 1000.0}));
    job["cluster"]["network"]["medium"] = json!("channel <6>");
    let (path, _) = planned(&service, &job).await;
    let text = html(&visit(&service, &path, "").await);
    let lanes = text.split("class=\"lanes\"").nth(1).unwrap();
    assert!(lanes.contains("channel &lt;6&gt;"), "{lanes}");
}

#[tokio::test]
async fn several_pipelines_stand_below_one_another_with_prices_of_nodes() {
    let service = service().await;
    let job = json!({"model": model(), "cluster": cluster(), "pipelines": {}});
    let (path, placement) = planned(&service, &job).await;
    assert_eq!(placement["placement"]["pipelines"].as_array().unwrap().len(), 2);
    let text = html(&visit(&service, &path, "").await);
    assert!(text.contains("Pipeline 1") && text.contains("Pipeline 2"));
    assert_eq!(text.matches("<ol class=\"pipeline\"").count(), 2);
    // One pipeline alone is changed by hand.
    assert!(!text.contains("Change it by hand"));
    assert_eq!(visit(&service, &format!("{path}/override"), "").await.status, 404);
    let explained = html(&visit(&service, &format!("{path}/explanation"), "").await);
    assert!(explained.contains("Prices"), "{explained}");
}

#[tokio::test]
async fn what_runners_measured_stands_beside_the_plan() {
    let service = service().await;
    let (path, placement) = planned(&service, &json!({"model": model(), "cluster": cluster()})).await;
    assert!(!html(&visit(&service, &path, "").await).contains("Planned beside measured"));
    let pipeline = &placement["placement"]["pipelines"][0];
    let stages: Vec<Value> = pipeline["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| {
            json!({"index": stage["index"], "node_id": stage["node_id"], "counted": 20,
            "compute_s": 2.0 * stage["compute_s"].as_f64().unwrap(), "session_s": 1, "memory": {"peak_bytes": 5000}})
        })
        .collect();
    let hops: Vec<Value> = pipeline["stages"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .skip(1)
        .map(|(at, stage)| {
            json!({"from": format!("stage {}", at - 1), "to": format!("stage {at}"), "measured": 20,
            "bytes": stage["receive"]["bytes"], "transfer_s": stage["receive"]["transfer_s"]})
        })
        .collect();
    let measured = json!({
        "version": 1, "model": "paper", "warm_up_inferences": 14,
        "pipelines": [{
            "pipeline": 0, "overlap": "full", "period_s": 2.0 * pipeline["period_s"].as_f64().unwrap(), "runs": [1, 2],
            "latency": {"mean_s": pipeline["latency_s"], "count": 10}, "latency_of": "one_at_a_time",
            "stages": stages, "hops": hops
        }]
    });
    let api = path.replace("/ui/", "/v1/");
    let added = service.post(&format!("{api}/measurements"), &measured).await;
    assert_eq!(added.status, 201, "{added:?}");
    let text = html(&visit(&service, &path, "").await);
    assert!(text.contains("Planned beside measured") && text.contains("2 ×"), "{text}");
}

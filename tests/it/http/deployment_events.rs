//! `/v1/events`: the stream of a tenant, and where it continues.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use cutpoint::domain::tenant::Tenant;
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::deployments::Site;
use super::measurements::measurements_of;
use super::service::request;

/// Reads the stream of whoever has the key until it has sent this many events: their ids, types and bodies.
pub(crate) async fn follow(router: &Router, key: &str, after: &str, most: usize) -> Vec<(u64, String, Value)> {
    let bearer = format!("Bearer {key}");
    let headers = [("last-event-id", after), ("authorization", &bearer)];
    // Where there are no keys, there is none to show.
    let headers = if key.is_empty() { &headers[..1] } else { &headers };
    let answer = router.clone().oneshot(request("GET", "/v1/events", headers, Body::empty())).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut stream = answer.into_body().into_data_stream();
    let mut text = String::new();
    while text.matches("\n\n").count() < most {
        let next =
            tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap_or_else(|_| panic!("{text}"));
        text.push_str(std::str::from_utf8(&next.unwrap().unwrap()).unwrap());
    }
    let event = |block: &str| {
        let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        (line("id:").parse().unwrap(), line("event:"), serde_json::from_str(&line("data:")).unwrap())
    };
    text.split("\n\n").filter(|block| block.contains("data:")).map(event).collect()
}

#[tokio::test]
async fn events_of_deployments() {
    let site = Site::of(4).await;
    let id = site.create("camera", json!({"cool_down_s": 0, "max_period_ratio": 4})).await;
    let applied = site.deploy(&id).await;
    site.change(&json!({"nodes": {"remove": [first_node(&site, &applied).await]}})).await;
    site.deploy(&id).await;
    let events = follow(&site.service.router, "", "0", 6).await;
    let types: Vec<&str> = events.iter().map(|(_, event_type, _)| event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "deployment.proposed",
            "deployment.applied",
            "cluster.changed",
            "deployment.broken",
            "deployment.proposed",
            "deployment.applied"
        ]
    );
    for (_, event_type, body) in &events {
        assert_eq!(body["type"], event_type.as_str());
        let of = if event_type == "cluster.changed" { &site.cluster } else { &id };
        assert_eq!(body["data"]["id"], of.as_str());
    }
    assert!(events.windows(2).all(|pair| pair[0].0 < pair[1].0));
    // It goes on after the event that was received last, without a gap and without a repetition.
    let rest = follow(&site.service.router, "", &events[2].0.to_string(), 3).await;
    assert_eq!(rest[..3], events[3..6]);
    // Another tenant sees nothing of it.
    let other = Tenant::parse("cellar").unwrap();
    assert!(site.service.store.events_after(&other, 0, 100).await.unwrap().is_empty());
    let refused = site.service.get_with("/v1/events", &[("last-event-id", "x")]).await;
    assert_eq!(refused.problem(400, "invalid-parameter"), ["/header/last-event-id"]);
}

#[tokio::test]
async fn measurements_of_what_runs_raise_a_proposal() {
    let site = Site::of(4).await;
    let policy = json!({"cool_down_s": 0, "max_period_ratio": 4, "max_measured_ratio": 2});
    let id = site.create("camera", policy).await;
    let deployed = site.deploy(&id).await;
    let slow = first_node(&site, &deployed).await;
    let path = format!("/v1/placements/{}", deployed["applied"]["placement_id"].as_str().unwrap());
    let planned = site.service.get(&path).await.json();
    let measured = measurements_of(&planned, 100.0, 1.0);
    let added = site.service.write("POST", &format!("{path}/measurements"), &[], &measured).await;
    assert_eq!(added.status, 201, "{added:?}");
    let degraded = site.until(&id, |it| it.get("proposed").is_some()).await;
    assert_eq!(degraded["condition"]["status"], "degraded");
    assert_eq!(degraded["condition"]["slowdown"]["measurement_id"], added.json()["id"]);
    assert_eq!(degraded["condition"]["slowdown"]["nodes"][0]["node_id"], slow.as_str());
    assert_eq!(degraded["proposed"]["reason"], "degraded");
    let moved = site.deploy(&id).await;
    assert_ne!(first_node(&site, &moved).await, slow);
    assert_eq!((&moved["condition"]["status"], moved["condition"].get("slowdown")), (&json!("healthy"), None));
    let events = follow(&site.service.router, "", "0", 5).await;
    let types: Vec<&str> = events.iter().map(|(_, event_type, _)| event_type.as_str()).collect();
    let after = ["deployment.degraded", "deployment.proposed", "deployment.applied"];
    assert_eq!(types, [&["deployment.proposed", "deployment.applied"][..], &after].concat());
}

async fn first_node(site: &Site, deployment: &Value) -> String {
    let placement = deployment["applied"]["placement_id"].as_str().unwrap();
    let placement = site.service.get(&format!("/v1/placements/{placement}")).await.json();
    placement["placement"]["pipelines"][0]["stages"][0]["node_id"].as_str().unwrap().to_owned()
}

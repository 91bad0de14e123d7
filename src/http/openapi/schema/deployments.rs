//! Examples of the schemas of deployments.

use serde_json::{Value, json};

const DEPLOYMENT_ID: &str = "dpl_01931e5e-1c2d-7e3f-8a4b-5c6d7e8f9a0b";
const OTHER_ID: &str = "dpl_01931e5e-2d3e-7f40-9b5c-6d7e8f9a0b1c";
const MODEL_ID: &str = "mdl_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90";
const CLUSTER_ID: &str = "cls_01931e5c-a1b0-7d42-9c11-6a0f3b2c4d5e";
const PLACEMENT_ID: &str = "plc_01931e5d-0a1b-7f24-a6c8-7d8e9f0a1b2c";
const TIME: &str = "2026-11-23T09:30:00.005Z";

/// Returns the example of the schema with this name, or `None` if it is about something else.
pub(crate) fn of(schema: &str) -> Option<Value> {
    let page = |item: Value| json!({"items": [item]});
    Some(match schema {
        "DeploymentRequest" => json!({"name": "roof-camera", "model_id": MODEL_ID, "cluster_id": CLUSTER_ID,
            "options": {"objective": {"kind": "max_throughput"}}, "labels": {"site": "roof"},
            "policy": {"max_period_ratio": 1.2}}),
        "DeploymentPatch" => json!({"policy": {"on_change": "notify"}}),
        "AppliedRequest" => json!({"placement_id": PLACEMENT_ID, "revision": 2}),
        "TogetherRequest" => json!({"deployment_ids": [DEPLOYMENT_ID, OTHER_ID], "time_limit_s": 2.0}),
        "Together" => json!({"order": [OTHER_ID, DEPLOYMENT_ID], "orders_tried": 2, "plans": [
            {"deployment_id": OTHER_ID, "placement_id": PLACEMENT_ID, "period_s": 0.02},
            {"deployment_id": DEPLOYMENT_ID,
             "failure": "It is proven that there is no placement beside those before it."}]}),
        "Deployment" => deployment(),
        "DeploymentPage" => page(deployment()),
        "HistoryPage" => page(json!({"sequence": 12, "kind": "proposed", "reason": "node_lost", "at": TIME,
            "placement_id": PLACEMENT_ID, "cluster_revision": 7, "period_s": 0.034, "shipped_bytes": 2_097_152})),
        "Resilience" => json!({"deployment_id": DEPLOYMENT_ID, "placement_id": PLACEMENT_ID, "cluster_revision": 7,
            "complete": true, "any_one_node_may_fail": true, "period_s": 0.041,
            "statement": "any one node may fail: period at most 0.041 s",
            "nodes": [{"node_id": "pi-1", "status": "ready", "placement_id": PLACEMENT_ID, "period_s": 0.041,
                "shipped_bytes": 1_048_576}]}),
        "ClusterPatch" => json!({"nodes": {"upsert": [{"id": "pi-1", "schedulable": false}]}}),
        "Impact" => json!({"cluster_revision": 7, "deployments": [{"deployment_id": DEPLOYMENT_ID,
            "name": "roof-camera", "before": "healthy", "condition": {"status": "broken", "since": TIME,
                "violations": [violation()]}}]}),
        "HeartbeatRequest" => json!({"node_ids": ["pi-1"]}),
        "Heartbeats" => json!({"nodes": [{"node_id": "pi-1", "seen_at": TIME}]}),
        "ClusterMessage" => {
            json!({"type": "cluster.changed", "timestamp": TIME, "data": super::sample::of("ClusterSummary")?})
        }
        "DeploymentMessage" => json!({"type": "deployment.broken", "timestamp": TIME, "data": deployment()}),
        _ => return None,
    })
}

fn violation() -> Value {
    json!({"code": "unknown_node", "stage_index": 0, "detail": "no node of the cluster has the id \"pi-1\"",
        "node_ids": ["pi-1"]})
}

fn deployment() -> Value {
    json!({"id": DEPLOYMENT_ID, "name": "roof-camera", "revision": 4, "model_id": MODEL_ID, "cluster_id": CLUSTER_ID,
        "options": {"objective": {"kind": "max_throughput"}}, "labels": {"site": "roof"},
        "policy": {"on_change": "automatic", "max_period_ratio": 1.2, "cool_down_s": 30.0,
            "max_proposals_per_hour": 12},
        "condition": {"status": "broken", "since": TIME, "cluster_revision": 7, "violations": [violation()]},
        "applied": {"placement_id": PLACEMENT_ID, "applied_at": TIME, "cluster_revision": 3, "period_s": 0.031,
            "latency_s": 0.05},
        "proposed": {"placement_id": PLACEMENT_ID, "reason": "node_lost", "proposed_at": TIME, "cluster_revision": 7,
            "period_s": 0.034, "latency_s": 0.06, "shipped_bytes": 2_097_152,
            "others": [{"deployment_id": OTHER_ID, "period_s": 0.05, "new_period_s": 0.055}]},
        "created_at": TIME, "changed_at": TIME})
}

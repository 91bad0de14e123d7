//! An example for each schema of a request or an answer.

use serde_json::{Value, json};

const MODEL_ID: &str = "mdl_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90";
const CLUSTER_ID: &str = "cls_01931e5c-a1b0-7d42-9c11-6a0f3b2c4d5e";
const JOB_ID: &str = "job_01931e5c-b7c8-7e03-8f5a-1b2c3d4e5f60";
const PLACEMENT_ID: &str = "plc_01931e5d-0a1b-7f24-a6c8-7d8e9f0a1b2c";
const WEBHOOK_ID: &str = "whk_01931e5d-1c2d-7a3b-8e4f-5a6b7c8d9e0f";
const MESSAGE_ID: &str = "msg_01931e5d-0a1c-7b2d-9c3e-4d5e6f708192";
const MEASUREMENT_ID: &str = "msr_01931e5d-2b3c-7d4e-8f50-617283940a1b";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Returns the example of the schema with this name, or `None` for schemas that occur only within others.
pub(crate) fn of(schema: &str) -> Option<Value> {
    Some(match schema {
        "ModelProfile" => model(),
        "ModelSummary" => model_summary(),
        "Model" => with(model_summary(), "profile", model()),
        "ModelPage" => page(model_summary()),
        "ClusterInventory" => cluster(),
        "ClusterSummary" => cluster_summary(),
        "Cluster" => with(cluster_summary(), "inventory", cluster()),
        "ClusterPage" => page(cluster_summary()),
        "ImportedModel" => with(model_summary(), "report", import_report("output_bytes", "conv")),
        "ImportedCluster" => with(cluster_summary(), "report", import_report("memory_bytes", "pi-1")),
        "LinksPatch" => json!({"links": [{"from": "pi-1", "to": "pi-2", "bandwidth_bps": 5.2e6, "latency_s": 0.004}]}),
        "NodePatch" => json!({"schedulable": false}),
        "JobRequest" => job_request(),
        "Job" => job(),
        "JobValidation" => validation(),
        "JobPage" => page(job()),
        "EvaluationRequest" => evaluation_request(),
        "Evaluation" => evaluation(),
        "PlacementRequest" => with(evaluation_request(), "labels", json!({"why": "the cook wants pi-1 free"})),
        "PlacementDocument" => placement_document(),
        "Placement" => placement(),
        "PlacementSummary" => placement_summary(),
        "PlacementPage" => page(placement_summary()),
        "Explanation" => with(explanation(), "measured", measurement_summary()),
        "Measurements" => measurements(),
        "CutStages" => stages_file(),
        "MeasurementSummary" => measurement_summary(),
        "Measurement" => with(measurement_summary(), "measured", measurements()),
        "MeasurementPage" => page(measurement_summary()),
        "PlacementDiff" => placement_diff(),
        "WebhookRequest" => json!({"url": "https://example.com/hooks/plans", "description": "tells the rollout"}),
        "WebhookPatch" => json!({"enabled": false}),
        "Webhook" => webhook(),
        "WebhookWithSecret" => json!({"webhook": webhook(), "secret": SECRET}),
        "WebhookPage" => page(webhook()),
        "WebhookMessage" => json!({"type": "job.finished", "timestamp": "2026-11-23T09:30:00.005Z", "data": job()}),
        "Delivery" => delivery(),
        "DeliveryPage" => page(delivery()),
        "ExampleList" => json!({"items": [
            {"name": "resnet50-radio-5", "kind": "request", "description": "ResNet50 on radio-5"}]}),
        "Health" => json!({"status": "ok", "version": "0.1.0"}),
        "ProblemDescription" => problem_description(),
        "ProblemList" => json!({"items": [problem_description()]}),
        _ => return super::deployments::of(schema),
    })
}

fn stages_file() -> Value {
    let tensor = |name: &str| json!([{"name": name, "type": "float32", "shape": [1, 1000], "bytes": 4000}]);
    json!({"model": "resnet50", "token": "6c9b1e0f7a2d4c58", "overlap": "full",
        "pipelines": [{"pipeline": 0, "rate_per_s": 12.5}],
        "stages": [{"index": 0, "pipeline": 0, "node_id": "pi-1", "file": "stage-0.onnx", "inputs": tensor("input"),
            "outputs": tensor("logits"), "receive_from": {"kind": "source"}, "send_to": {"kind": "sink"},
            "planned": {"compute_s": 0.08, "memory_bytes": 102_400_000}}]})
}

fn with(mut object: Value, name: &str, member: Value) -> Value {
    object[name] = member;
    object
}

fn import_report(figure: &str, of: &str) -> Value {
    json!({
        "sources": [
            {"figure": figure, "origin": "stated", "tool": "onnx", "files": ["body"], "count": 1, "of": [of]}],
        "warnings": [{"code": "dimensions_defaulted", "detail": "nothing says these dimensions, and they were set to 1",
            "action": "Set them, if a pass takes more", "about": ["batch"]}]
    })
}

fn page(item: Value) -> Value {
    json!({"items": [item], "next_cursor": "cGxjXzQy"})
}

fn model() -> Value {
    json!({
        "name": "tiny",
        "layers": [
            {"id": "input", "op": "Input", "param_bytes": 0, "output_bytes": 602112},
            {"id": "conv", "op": "Conv2D", "param_bytes": 37888, "output_bytes": 3211264, "flops": 236830720},
            {"id": "dense", "op": "Dense", "param_bytes": 8196000, "output_bytes": 4000, "flops": 4096000}
        ],
        "edges": [{"from": "input", "to": "conv"}, {"from": "conv", "to": "dense"}]
    })
}

fn model_summary() -> Value {
    json!({
        "id": MODEL_ID, "name": "tiny", "content_hash": HASH,
        "statistics": {"layers": 3, "edges": 2, "constant_layers": 0, "cut_points": 1, "more_cut_points": false,
            "single_tensor_cut_points": 1, "param_bytes": 8233888, "flops": 240926720, "input_bytes": 602112, "output_bytes": 4000},
        "created_at": "2026-11-23T09:30:00Z"
    })
}

fn cluster() -> Value {
    json!({
        "name": "lab",
        "nodes": [
            {"id": "pi-1", "memory_bytes": 4294967296_u64, "reserved_bytes": 536870912, "flops_per_s": 1.2e10,
                "device_class": "raspberry-pi-4", "labels": {"site": "roof"}},
            {"id": "pi-2", "memory_bytes": 4294967296_u64, "flops_per_s": 1.2e10}
        ],
        "links": [{"from": "pi-1", "to": "pi-2", "bandwidth_bps": 6.0e6, "latency_s": 0.003, "bidirectional": true}],
        "network": {"kind": "full_mesh", "bandwidth_bps": 1.0e8, "latency_s": 0.0005}
    })
}

fn cluster_summary() -> Value {
    json!({
        "id": CLUSTER_ID, "revision": 1, "name": "lab", "content_hash": HASH, "nodes": 2, "links": 1,
        "created_at": "2026-11-23T09:30:00Z", "revised_at": "2026-11-23T09:30:00Z"
    })
}

fn job_request() -> Value {
    json!({
        "model": model(), "cluster": cluster(),
        "objective": {"kind": "max_throughput"},
        "constraints": {"max_stages": 2},
        "cost_model": {"memory": "params_and_activations", "cuts": "any", "overlap": "full"},
        "solver": {"algorithm": "auto", "time_limit_s": 10.0, "gap": 0.0, "seed": 0},
        "labels": {"team": "vision"}
    })
}

fn job() -> Value {
    json!({
        "id": JOB_ID, "status": "succeeded", "termination": "optimal", "model_id": MODEL_ID,
        "cluster_id": CLUSTER_ID, "cluster_revision": 1, "placement_id": PLACEMENT_ID,
        "progress": {"elapsed_s": 0.004, "period_s": 0.0200772, "lower_bound_s": 0.0200772, "gap": 0.0},
        "labels": {"team": "vision"}, "created_at": "2026-11-23T09:30:00Z",
        "started_at": "2026-11-23T09:30:00.001Z", "finished_at": "2026-11-23T09:30:00.005Z"
    })
}

fn validation() -> Value {
    json!({
        "valid": true, "errors": [],
        "reasons": [{"code": "total_memory",
            "detail": "parameters and state need 7.85 MiB, the 2 largest eligible nodes have 4 MiB together",
            "figures": {"needed_bytes": 8233888.0, "free_bytes": 4194304.0}}]
    })
}

fn stage() -> Value {
    json!({"index": 0, "node_id": "pi-1", "layer_ids": ["input", "conv", "dense"], "param_bytes": 8233888,
        "memory_bytes": 12653376, "memory_capacity_bytes": 3758096384_u64, "compute_s": 0.0200772})
}

fn placement_document() -> Value {
    json!({
        "status": "optimal", "termination": "optimal", "algorithm": "auto", "seed": 0,
        "period_s": 0.0200772, "throughput_per_s": 49.8077, "inferences_per_s": 49.8077,
        "latency_s": 0.0200772, "lower_bound_s": 0.0200772, "gap": 0.0,
        "cuts": {"considered": 1, "count": 1, "more": false},
        "pipelines": [{"period_s": 0.0200772, "rate_per_s": 49.8077, "latency_s": 0.0200772,
            "bottleneck": {"kind": "stage", "stage_index": 0}, "stages": [stage()]}],
        "warnings": [], "solve_s": 0.003, "solver_version": "0.3.0"
    })
}

fn placement_summary() -> Value {
    json!({
        "id": PLACEMENT_ID, "job_id": JOB_ID, "model_id": MODEL_ID, "cluster_id": CLUSTER_ID, "cluster_revision": 1,
        "labels": {"team": "vision"}, "created_at": "2026-11-23T09:30:00.005Z",
        "status": "optimal", "termination": "optimal", "algorithm": "auto", "period_s": 0.0200772,
        "throughput_per_s": 49.807741, "inferences_per_s": 49.807741, "latency_s": 0.0200772,
        "lower_bound_s": 0.0200772, "gap": 0.0, "pipelines": 1, "stages": 1, "node_ids": ["pi-1"]
    })
}

fn placement() -> Value {
    json!({
        "id": PLACEMENT_ID, "job_id": JOB_ID, "model_id": MODEL_ID, "cluster_id": CLUSTER_ID, "cluster_revision": 1,
        "labels": {"team": "vision"}, "created_at": "2026-11-23T09:30:00.005Z", "placement": placement_document()
    })
}

fn explanation() -> Value {
    json!({
        "status": "optimal", "period_s": 0.0200772,
        "stages": [{"index": 0, "node_id": "pi-1", "time_s": 0.0200772, "slack_s": 0.0, "memory_bytes": 12653376,
            "memory_capacity_bytes": 3758096384_u64, "free_bytes": 3745443008_u64}],
        "transfers": [], "binding": [{"kind": "stage", "stage_index": 0}], "warnings": [],
        "upgrades": [{"kind": "node_twice_as_fast", "detail": "pi-1 twice as fast", "node_ids": ["pi-1"],
            "status": "optimal", "period_s": 0.0100386, "latency_s": 0.0100386, "stages": 1,
            "lower_bound_s": 0.0100386, "gain": 2.0, "gain_at_least": 2.0, "gain_at_most": 2.0}],
        "reasons": [], "repairs": [], "undecided": 0
    })
}

fn measurements() -> Value {
    json!({
        "version": 1, "model": "tiny", "warm_up_inferences": 14,
        "pipelines": [{
            "pipeline": 0, "overlap": "full", "period_s": 0.0205, "latency": {"mean_s": 0.0203, "count": 30},
            "latency_of": "one_at_a_time",
            "stages": [{"index": 0, "node_id": "pi-1", "counted": 186, "compute_s": 0.0205,
                "memory": {"peak_bytes": 98566144}, "alone": {"counted": 30, "compute_s": 0.0202}}],
            "hops": []
        }]
    })
}

fn measurement_summary() -> Value {
    let compared =
        |planned: f64, measured: f64| json!({"planned": planned, "measured": measured, "ratio": measured / planned});
    json!({
        "id": MEASUREMENT_ID, "placement_id": PLACEMENT_ID, "created_at": "2026-11-23T10:30:00.005Z",
        "comparison": {"pipelines": [{
            "period_s": compared(0.0200772, 0.0205), "latency_s": compared(0.0200772, 0.0203),
            "stages": [{"index": 0, "node_id": "pi-1", "compute_s": compared(0.0200772, 0.0205),
                "memory_bytes": compared(12653376.0, 98566144.0)}],
            "transfers": []
        }]}
    })
}

fn placement_diff() -> Value {
    json!({
        "moved_layers": [{"layer_id": "dense", "from_node_id": "pi-1", "to_node_id": "pi-2", "param_bytes": 8196000}],
        "shipped_bytes": 8196000, "estimated_s": 10.931, "unsourced_bytes": 0, "gained_node_ids": ["pi-2"],
        "lost_node_ids": [], "base_period_s": 0.0200772, "period_s": 0.0197358, "period_change_s": -0.0003414,
        "base_latency_s": 0.0200772, "latency_s": 0.0243, "latency_change_s": 0.0042228
    })
}

fn evaluation_request() -> Value {
    json!({
        "model": model(), "cluster": cluster(),
        "stages": [{"node_id": "pi-1", "layer_ids": ["input", "conv", "dense"]}]
    })
}

fn evaluation() -> Value {
    json!({
        "period_s": 0.0200772, "throughput_per_s": 49.8077, "inferences_per_s": 49.8077,
        "latency_s": 0.0200772, "stages": [stage()],
        "bottleneck": {"kind": "stage", "stage_index": 0}, "warnings": [], "violations": []
    })
}

/// A secret for examples, without randomness.
const SECRET: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn webhook() -> Value {
    json!({
        "id": WEBHOOK_ID, "url": "https://example.com/hooks/plans", "description": "tells the rollout",
        "enabled": true, "created_at": "2026-11-23T09:30:00Z"
    })
}

fn delivery() -> Value {
    json!({
        "message_id": MESSAGE_ID, "webhook_id": WEBHOOK_ID, "event_type": "job.finished", "job_id": JOB_ID,
        "status": "pending", "attempts": 1, "next_attempt_at": "2026-11-23T09:30:05.4Z",
        "last_attempt": {"at": "2026-11-23T09:30:00.006Z", "duration_s": 0.12, "outcome": "rejected",
            "status_code": 503, "detail": "try again later"},
        "created_at": "2026-11-23T09:30:00.005Z"
    })
}

fn problem_description() -> Value {
    json!({"type": "/problems/not-found", "status": 404, "title": "No resource has this path or id",
        "action": "Check the path and the id; /openapi.json lists every path."})
}

//! Every bad input is a problem with pointers, a status of 4xx, and no row.

use std::future::IntoFuture;

use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use serde_json::{Value, json};

use super::service::{Service, cluster, first_node, job, model};

/// A job with one place of it changed.
fn job_with(pointer: &str, value: Value) -> Value {
    let mut job = job();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match job.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.insert(name.to_owned(), value)),
        Value::Array(items) => items.push(value),
        other => panic!("{other} has no members"),
    }
    job
}

#[tokio::test]
async fn documents_with_faults_are_refused_with_their_places() {
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let cases: Vec<(Value, &[&str])> = vec![
        (json!([]), &[""]),
        (json!({}), &["/model", "/cluster"]),
        (job_with("/model", json!("ResNet50")), &["/model"]),
        (job_with("/model/name", json!(7)), &["/model/name"]),
        (job_with("/model/name", Value::Null), &["/model/name"]),
        (job_with("/priority", json!(1)), &["/priority"]),
        (job_with("/model/layer", json!([])), &["/model/layer"]),
        (job_with("/base_placement_id", json!(1)), &["/base_placement_id"]),
        (job_with("/occupied_by", json!(["plc_1", 2])), &["/occupied_by/1", "/occupied_by/0"]),
        (job_with("/occupant_rates_per_s", json!({"plc_1": 1})), &["/occupant_rates_per_s/plc_1"]),
        (job_with("/max_period_ratio", json!(2)), &["/max_period_ratio"]),
        (job_with("/model/edges/-", edge("b", "a")), &["/model/edges/1"]),
        (job_with("/model/edges/-", edge("b", "c")), &["/model/edges/2/to"]),
        (job_with("/model/edges/-", edge("a", "a")), &["/model/edges/2"]),
        (job_with("/model/layers/-", model()["layers"][0].clone()), &["/model/layers/3/id"]),
        (job_with("/cluster/nodes/-", cluster()["nodes"][0].clone()), &["/cluster/nodes/2/id"]),
        (job_with("/cluster/nodes", json!([])), &["/cluster/nodes"]),
        (job_with("/model/layers/0/param_bytes", json!(-1)), &["/model/layers/0/param_bytes"]),
        (job_with("/cluster/nodes/0/memory_bytes", json!(0.5)), &["/cluster/nodes/0/memory_bytes"]),
        (job_with("/constraints", json!({"source_node": "n3"})), &["/constraints/source_node"]),
        (
            job_with("/constraints", json!({"pins": [{"layer_id": "a", "node_id": "n9"}]})),
            &["/constraints/pins/0/node_id"],
        ),
        (job_with("/objective", json!({"kind": "min_cost"})), &["/objective/kind"]),
        (job_with("/solver", json!({"time_limit_s": 0})), &["/solver/time_limit_s"]),
        (job_with("/cluster_revision", json!(1)), &["/cluster_revision"]),
        (job_with("/model_id", json!("mdl_1")), &["/model_id"]),
        (job_with("/labels", json!({"a": 1})), &["/labels/a"]),
    ];
    let service = Service::start().await;
    for (body, pointers) in cases {
        let answer = service.post("/v1/jobs", &body).await;
        assert_eq!(answer.problem(422, "invalid-request"), pointers, "{body}");
    }
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn unknown_compute_is_a_fault_of_the_node_or_of_the_id_of_its_cluster() {
    let service = Service::start().await;
    let mut cluster = cluster();
    cluster["nodes"][0].as_object_mut().unwrap().remove("flops_per_s");
    cluster["nodes"][0]["device_class"] = json!("pi4");
    let inline = json!({"model": model(), "cluster": cluster});
    let answer = service.post("/v1/jobs", &inline).await;
    assert_eq!(answer.problem(422, "invalid-request"), ["/cluster/nodes/0/device_class"]);
    assert_eq!(answer.json()["errors"][0]["code"], "unknown_compute");

    let cluster_id = service.post("/v1/clusters", &cluster).await.text("id");
    let mut by_id = json!({"model": model(), "cluster_id": cluster_id});
    let answer = service.post("/v1/jobs", &by_id).await;
    assert_eq!(answer.problem(422, "invalid-request"), ["/cluster_id"]);
    assert_eq!(answer.json()["errors"][0]["node_id"], cluster["nodes"][0]["id"]);
    by_id["stages"] = json!([{"node_id": cluster["nodes"][0]["id"], "layer_ids": ["a"]}]);
    assert_eq!(service.post("/v1/evaluations", &by_id).await.problem(422, "invalid-request"), ["/cluster_id"]);

    by_id.as_object_mut().unwrap().remove("stages");
    by_id["cost_model"] = json!({"unknown_compute": "free"});
    assert_eq!(service.post("/v1/jobs", &by_id).await.status, 202);
}

#[tokio::test]
async fn every_fault_comes_at_once() {
    let service = Service::start().await;
    let body = json!({
        "model": {"name": "m", "layers": [{"id": "a", "param_bytes": -1, "output_bytes": 1}]},
        "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": "4 GiB"}]},
        "solver": {"gap": 2}, "constraints": {"sink_node": "x"}, "color": "red"
    });
    let answer = service.post("/v1/jobs", &body).await;
    let named = |pointer: &str, member: &str| {
        let errors = answer.json()["errors"].clone();
        let fault = errors.as_array().unwrap().iter().find(|fault| fault["pointer"] == pointer).unwrap().clone();
        fault.get(member).cloned()
    };
    assert_eq!(named("/model/layers/0/param_bytes", "layer_id"), Some(json!("a")));
    assert_eq!(named("/cluster/nodes/0/memory_bytes", "node_id"), Some(json!("n")));
    assert_eq!(named("/solver/gap", "layer_id").or(named("/solver/gap", "node_id")), None);
    let mut pointers = answer.problem(422, "invalid-request");
    pointers.sort();
    let places = [
        "/cluster/nodes/0/memory_bytes",
        "/color",
        "/constraints/sink_node",
        "/model/layers/0/param_bytes",
        "/solver/gap",
    ];
    assert_eq!(pointers, places);
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn text_that_is_not_json_is_refused() {
    let service = Service::start().await;
    let size = |number: &str| format!(r#"{{"model":{{"name":"m","layers":[{{"id":"a","param_bytes":{number}}}]}}}}"#);
    let place = "/model/layers/0/param_bytes";
    let cases = [
        (r#"{"model": "#.to_owned(), "/model"),
        ("{} {}".to_owned(), ""),
        (String::new(), ""),
        (size("NaN"), place),
        (size("Infinity"), place),
        (size("1e400"), place),
        ("[".repeat(10_000), ""),
        (format!("\u{feff}{}", job()), ""),
        ("\0{\0}".to_owned(), ""),
    ];
    for (text, pointer) in cases {
        for path in ["/v1/jobs", "/v1/models", "/v1/clusters", "/v1/evaluations"] {
            let answer = service.write_text("POST", path, &[], text.clone()).await;
            let pointers = answer.problem(400, "malformed-body");
            assert!(pointers.len() == 1 && pointers[0].starts_with(pointer), "{path} {pointers:?}");
        }
    }
    let too_deep = service.write_text("POST", "/v1/jobs", &[], "[".repeat(10_000)).await.json();
    assert_eq!(too_deep["errors"][0]["code"], "too_deep");
    let marked = service.write_text("POST", "/v1/jobs", &[], format!("\u{feff}{}", job())).await.json();
    let action = "Send UTF-8 without a byte-order mark (RFC 8259, section 8.1)";
    let fault = json!({"pointer": "", "code": "malformed", "detail": "the text begins with a byte-order mark", "action": action});
    assert_eq!(marked["errors"], json!([fault]));
    assert_eq!(marked["detail"], format!("the document: the text begins with a byte-order mark. {action}."));
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let service = Service::start().await;
    let body = format!("{{\"name\": \"{}\"}}", "x".repeat(33 << 20));
    service.write_text("POST", "/v1/models", &[], body).await.problem(413, "body-too-large");

    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let service = Service::with(first_node, QueueSettings::default(), limits).await;
    service.write_text("POST", "/v1/jobs", &[], " ".repeat(1001)).await.problem(413, "body-too-large");
    service.write_text("POST", "/v1/jobs", &[], " ".repeat(1000)).await.problem(400, "malformed-body");
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn a_client_that_sends_too_much_still_reads_the_answer() {
    let service = Service::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, service.router.clone()).into_future());
    let post = reqwest::Client::new().post(format!("http://{address}/v1/models"));
    let answer = post.header("content-type", "application/json").body(vec![b' '; 33 << 20]).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 413);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    server.abort();
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let service = Service::start().await;
    for header in [("content-type", "text/plain"), ("content-type", ""), ("x", "y")] {
        let request = super::service::request("POST", "/v1/jobs", &[header], job().to_string().into());
        service.send(request).await.problem(415, "unsupported-media-type");
    }
    let gzip = service.write("POST", "/v1/jobs", &[("content-encoding", "gzip")], &job()).await;
    gzip.problem(415, "unsupported-media-type");
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let service = Service::start().await;
    let uuid = "01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90";
    for id in [uuid, "x", "%2F"] {
        for path in ["models/mdl_", "clusters/cls_", "jobs/job_", "placements/plc_", "examples/"] {
            service.get(&format!("/v1/{path}{id}")).await.problem(404, "not-found");
        }
    }
    service.get(&format!("/v1/jobs/job_{uuid}/placement")).await.problem(404, "not-found");
    service.post(&format!("/v1/jobs/job_{uuid}/stop"), &json!({})).await.problem(404, "not-found");
    for path in ["models/mdl_", "clusters/cls_", "jobs/job_"] {
        service.delete(&format!("/v1/{path}{uuid}")).await.problem(404, "not-found");
    }
    let by_id = json!({"model_id": format!("mdl_{uuid}"), "cluster_id": "nonsense"});
    let pointers = service.post("/v1/jobs", &by_id).await.problem(404, "not-found");
    assert_eq!(pointers, ["/model_id", "/cluster_id"]);
    let faulty_too = json!({"model_id": format!("mdl_{uuid}"), "cluster": {}});
    let pointers = service.post("/v1/jobs", &faulty_too).await.problem(422, "invalid-request");
    assert_eq!(pointers, ["/cluster/name", "/cluster/nodes", "/model_id"]);
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn query_parameters_with_faults_are_named() {
    let service = Service::start().await;
    let cases: [(&str, &[&str]); 7] = [
        ("/v1/models?limit=0", &["/query/limit"]),
        ("/v1/models?limit=201&cursor=x", &["/query/limit", "/query/cursor"]),
        ("/v1/clusters?colour=red", &["/query/colour"]),
        ("/v1/jobs?status=done&created_from=today", &["/query/status", "/query/created_from"]),
        ("/v1/jobs?model_id=cls_1&label=x", &["/query/model_id", "/query/label"]),
        ("/v1/placements?latest=1&cluster_revision=0", &["/query/cluster_revision", "/query/latest"]),
        ("/v1/models?limit=1&limit=2", &["/query/limit"]),
    ];
    for (path, pointers) in cases {
        assert_eq!(service.get(path).await.problem(400, "invalid-parameter"), pointers, "{path}");
    }
}

#[tokio::test]
async fn a_reused_idempotency_key_is_refused() {
    let service = Service::start().await;
    let key = [("idempotency-key", "k-1")];
    let first = service.write("POST", "/v1/jobs", &key, &job()).await;
    let other = json!({"model": model(), "cluster": cluster(), "solver": {"seed": 1}});
    service.write("POST", "/v1/jobs", &key, &other).await.problem(422, "idempotency-key-reused");
    service.write("POST", "/v1/models", &key, &model()).await.problem(422, "idempotency-key-reused");
    let again = service.write("POST", "/v1/jobs", &key, &job()).await;
    assert_eq!(again.text("id"), first.text("id"));
    assert_eq!(service.rows().await[..3], [1, 1, 1]);
    let bad = service.write("POST", "/v1/jobs", &[("idempotency-key", "a b")], &job()).await;
    assert_eq!(bad.problem(400, "invalid-parameter"), ["/header/idempotency-key"]);
}

//! Placements as files of orchestrators and as drawings.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Answer, Service, job};

/// A service, and the path of the exports of a placement that it planned.
async fn planned() -> (Service, String) {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let path = format!("/v1/placements/{}/export", done.text("placement_id"));
    (service, path)
}

#[tokio::test]
async fn drawings_and_cuts_need_nothing_else() {
    let (service, path) = planned().await;
    let svg = service.get(&format!("{path}?format=svg")).await;
    assert_eq!((svg.status.as_u16(), svg.header("content-type")), (200, "image/svg+xml"));
    assert_eq!(svg.header("x-content-type-options"), "nosniff");
    assert_eq!(svg.header("content-security-policy"), "default-src 'none'; sandbox");
    let text = String::from_utf8(svg.bytes).unwrap();
    assert!(text.contains("<svg") && !text.contains("style"), "{text}");
    let dot = service.get(&format!("{path}?format=dot")).await;
    assert!(String::from_utf8(dot.bytes).unwrap().starts_with("digraph"));
    let cuts = service.get(&format!("{path}?format=cuts")).await;
    assert!(cuts.json().is_object(), "{cuts:?}");
    assert_eq!(service.get(&format!("{path}?format=svg")).await.bytes, text.as_bytes());
}

#[tokio::test]
async fn orchestrators_need_an_image_and_addresses() {
    let (service, path) = planned().await;
    for format in ["kubernetes", "nomad", "compose"] {
        let bare = service.get(&format!("{path}?format={format}")).await;
        assert_eq!(bare.problem(422, "invalid-request"), ["/query/image"]);
    }
    let kubernetes =
        service.get(&format!("{path}?format=kubernetes&image=registry.local/runner:1&namespace=edge")).await;
    assert_eq!((kubernetes.status.as_u16(), kubernetes.header("content-type")), (200, "application/yaml"));
    let text = String::from_utf8(kubernetes.bytes).unwrap();
    assert!(text.contains("kind: Deployment") && text.contains("registry.local/runner:1"), "{text}");
    let lost = service.get(&format!("{path}?format=nomad&image=runner:1")).await;
    assert_eq!(lost.problem(422, "invalid-request"), ["/query/address"]);
    let addresses = "address=n1%3D10.0.0.1:7101&address=n2%3D10.0.0.2:7101";
    let nomad = service.get(&format!("{path}?format=nomad&image=runner:1&{addresses}")).await;
    assert!(nomad.json()["Job"].is_object(), "{nomad:?}");
    let version_6 = "address=n1%3D[fe80::1]:7101&address=n2%3D[fe80::2]:7101";
    let nomad = service.get(&format!("{path}?format=nomad&image=runner:1&{version_6}")).await;
    let text = nomad.json().to_string();
    assert!(text.contains("[fe80::2]:7101"), "{text}");
    assert_eq!(nomad.json()["Job"]["ID"], "cutpoint");
    let compose = service.get(&format!("{path}?format=compose&image=runner:1&{addresses}")).await;
    assert_eq!(compose.header("content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(Cursor::new(compose.bytes)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let compose_file = names.iter().find(|name| name.ends_with("/compose.yaml")).unwrap_or_else(|| panic!("{names:?}"));
    let mut text = String::new();
    archive.by_name(compose_file).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("runner:1"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_with_its_place() {
    let (service, path) = planned().await;
    let wrong =
        service.get(&format!("{path}?format=pdf&address=n1&address=n2%3Dfe80::1:7101&feed=0&colour=blue")).await;
    let mut pointers = wrong.problem(400, "invalid-parameter");
    pointers.sort();
    assert_eq!(pointers, ["/query/address", "/query/address", "/query/colour", "/query/feed", "/query/format"]);
    assert_eq!(service.get(&path).await.problem(400, "invalid-parameter"), ["/query/format"]);
    let unknown = service.get(&format!("{path}?format=nomad&image=a&address=moon%3D10.0.0.1:7101")).await;
    assert_eq!(unknown.problem(422, "invalid-request"), ["/query/address"]);
    let unknown = service.get(&format!("{path}?format=nomad&image=a&node=moon%3Dpi-1")).await;
    assert_eq!(unknown.problem(422, "invalid-request"), ["/query/node"]);
    let mut impossible = job();
    impossible["cluster"]["nodes"].as_array_mut().unwrap().iter_mut().for_each(|node| node["memory_bytes"] = json!(1));
    let done: Value = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &impossible).await.json();
    let path = format!("/v1/placements/{}/export?format=svg", done["placement_id"].as_str().unwrap());
    assert_eq!(service.get(&path).await.problem(422, "invalid-request"), [""]);
}

/// The service with a plan of this cost model for nodes of 1 GiB; and the path of the exports of its placement.
async fn planned_with(cost_model: Value) -> (Service, String) {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let mut request = job();
    request["cost_model"] = cost_model;
    let nodes = request["cluster"]["nodes"].as_array_mut().unwrap();
    nodes.iter_mut().for_each(|node| node["memory_bytes"] = json!(1_u64 << 30));
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &request).await;
    let path = format!("/v1/placements/{}/export", done.text("placement_id"));
    (service, path)
}

/// The memory of each container of an export for Kubernetes with these parameters: of its stages, and of its sink.
async fn memory(service: &Service, path: &str, parameters: &str) -> (Vec<String>, String) {
    let answer = service.get(&format!("{path}?format=kubernetes&image=r:1{parameters}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = String::from_utf8(answer.bytes).unwrap();
    let limit = |document: &str| {
        let (_, limits) = document.split_once("limits:").unwrap();
        limits.split_once("memory: ").unwrap().1.lines().next().unwrap().trim_matches('"').to_owned()
    };
    let deployments = text.split("\n---\n").filter(|document| document.contains("kind: Deployment"));
    let (sinks, stages): (Vec<&str>, Vec<&str>) = deployments.partition(|document| document.contains("- sink\n"));
    (stages.into_iter().map(limit).collect(), limit(sinks[0]))
}

#[tokio::test]
async fn containers_get_the_memory_that_was_planned_or_asked_for() {
    let (service, path) = planned_with(json!({})).await;
    let (stages, sink) = memory(&service, &path, "").await;
    assert!(stages.iter().all(|memory| memory == "129Mi") && sink == "128Mi", "{stages:?} {sink}");
    let (stages, sink) = memory(&service, &path, "&memory_scale=1.5&memory_overhead_bytes=209715200").await;
    assert!(stages.iter().all(|memory| memory == "201Mi") && sink == "200Mi", "{stages:?} {sink}");
    // No plan counts what a sink takes.
    let (stages, sink) = memory(&service, &path, "&memory_scale=1&memory_overhead_bytes=0").await;
    assert!(stages.iter().all(|memory| memory == "1Mi") && sink == "128Mi", "{stages:?} {sink}");

    // A plan with these in it is not scaled again, unless that is asked for.
    let (service, path) = planned_with(json!({"memory_scale": 2.0, "memory_overhead_bytes": 10 << 20})).await;
    let (stages, sink) = memory(&service, &path, "").await;
    assert!(stages.iter().all(|memory| memory == "11Mi") && sink == "128Mi", "{stages:?} {sink}");
    let (stages, _) = memory(&service, &path, "&memory_overhead_bytes=1048576").await;
    assert!(stages.iter().all(|memory| memory == "12Mi"), "{stages:?}");

    let wrong = service.get(&format!("{path}?format=nomad&memory_scale=0.5&memory_overhead_bytes=-1&port=0")).await;
    let mut pointers = wrong.problem(400, "invalid-parameter");
    pointers.sort();
    assert_eq!(pointers, ["/query/memory_overhead_bytes", "/query/memory_scale", "/query/port"]);
}

/// What `cutpoint cut` would write for the placement of an export.
async fn stages_file(service: &Service, path: &str) -> Value {
    let placement = service.get(path.strip_suffix("/export").unwrap()).await.json();
    let stages = placement["placement"]["pipelines"][0]["stages"].as_array().unwrap().clone();
    let tensor = json!([{"name": "t", "type": "float32", "shape": [12], "bytes": 48}]);
    let entry = |(index, stage): (usize, &Value)| {
        json!({"index": index, "pipeline": 0, "node_id": stage["node_id"], "file": format!("stage-{index}.onnx"),
            "inputs": tensor, "outputs": tensor, "receive_from": {"kind": "source"}, "send_to": {"kind": "sink"}, "planned": {}})
    };
    let stages: Vec<Value> = stages.iter().enumerate().map(entry).collect();
    json!({"model": "Small Net", "token": "0123456789abcdef", "overlap": "full", "stages": stages})
}

fn unpacked(answer: Answer) -> BTreeMap<String, String> {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/zip"));
    let mut archive = zip::ZipArchive::new(Cursor::new(answer.bytes)).unwrap();
    let count = archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text)
    };
    (0..count).map(read).collect()
}

#[tokio::test]
async fn each_runner_gets_its_part_of_stages_json_and_the_token() {
    let (service, path) = planned_with(json!({})).await;
    let file = stages_file(&service, &path).await;
    let kubernetes = service.post(&format!("{path}?format=kubernetes&image=r:1"), &file).await;
    assert_eq!((kubernetes.status.as_u16(), kubernetes.header("content-type")), (200, "application/yaml"));
    let text = String::from_utf8(kubernetes.bytes).unwrap();
    for part in ["kind: Secret", "kind: ConfigMap", "stage-0.onnx", "small-net-", "float32"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let bare = service.get(&format!("{path}?format=kubernetes&image=r:1")).await;
    let bare = String::from_utf8(bare.bytes).unwrap();
    assert!(!bare.contains("kind: ConfigMap") && !bare.contains("kind: Secret"), "{bare}");

    let node = file["stages"][0]["node_id"].as_str().unwrap();
    let stages = file["stages"].as_array().unwrap().iter().enumerate();
    let addresses = stages
        .map(|(index, stage)| format!("&address={}%3D10.0.0.{}:7301", stage["node_id"].as_str().unwrap(), index + 1));
    let addresses = format!("sink_address=10.0.0.9:7102&health_port=7400{}", addresses.collect::<String>());
    // A job, and the variable with the token, which are sent to different places.
    let nomad = unpacked(service.post(&format!("{path}?format=nomad&image=r:1&{addresses}"), &file).await);
    assert_eq!(nomad.keys().collect::<Vec<_>>(), ["job.json", "token.json"]);
    assert!(nomad["token.json"].contains("0123456789abcdef") && !nomad["job.json"].contains("0123456789abcdef"));
    let job: Value = serde_json::from_str(&nomad["job.json"]).unwrap();
    let ports = &job["Job"]["TaskGroups"][0]["Networks"][0]["ReservedPorts"];
    assert_eq!((&ports[0]["Value"], &ports[1]["Value"]), (&json!(7301), &json!(7400)));
    assert!(nomad["job.json"].contains("10.0.0.9:7102"), "{nomad:?}");

    let compose = unpacked(service.post(&format!("{path}?format=compose&image=r:1&{addresses}"), &file).await);
    let own: Value = serde_json::from_str(&compose[&format!("{node}/stages.json")]).unwrap();
    assert_eq!(own["stages"][0]["receive_from"]["address"], "10.0.0.1:7301");
    assert_eq!(own["overlap"], "full");
    assert!(own.get("token").is_none() && compose[&format!("{node}/token")] == "0123456789abcdef\n");

    let named =
        service.get(&format!("{path}?format=kubernetes&image=r:1&node={node}%3Dboard&stage_files=claim:c")).await;
    let named = String::from_utf8(named.bytes).unwrap();
    assert!(named.contains("- board") && named.contains("claimName: c"), "{named}");
}

#[tokio::test]
async fn a_stages_json_of_another_cut_is_refused_with_its_place() {
    let (service, path) = planned_with(json!({})).await;
    let file = stages_file(&service, &path).await;
    let asked = format!("{path}?format=kubernetes&image=r:1");
    let refused = async |change: fn(&mut Value)| {
        let mut changed = file.clone();
        change(&mut changed);
        service.post(&asked, &changed).await.problem(422, "invalid-request")
    };
    assert_eq!(refused(|file| file["stages"][0]["node_id"] = json!("moon")).await, ["/stages"]);
    assert_eq!(refused(|file| file["stages"] = json!([])).await, ["/stages"]);
    assert_eq!(refused(|file| drop(file.as_object_mut().unwrap().remove("token"))).await, ["/token"]);
    assert_eq!(refused(|file| file["token"] = json!("short")).await, ["/token"]);
    assert_eq!(refused(|file| file["stages"] = json!(7)).await, [""]);
    assert_eq!(refused(|file| *file = json!([])).await, [""]);
    let twice = format!("{asked}&stage_files=image:/stage&stage_folder=/srv&sink_address=x&node=y");
    let mut pointers = service.post(&twice, &file).await.problem(400, "invalid-parameter");
    pointers.sort();
    assert_eq!(pointers, ["/query/node", "/query/sink_address", "/query/stage_folder"]);
    service.post("/v1/placements/plc_1/export?format=svg", &file).await.problem(404, "not-found");
}

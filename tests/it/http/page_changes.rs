//! What a visitor changes on the page: placements by hand, files, keys, webhooks; and what is refused under load.

use std::path::Path;
use std::time::Duration;

use cutpoint::domain::scope::Scope;
use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::json;

use super::page::{HOST, html, key, sign_in, submit, visit};
use super::service::{Answer, Service, cluster, first_node, job, model, request};

/// Sends a form with files: the name of the part, the name of the file (none for a text), and the bytes.
async fn send_form(service: &Service, path: &str, parts: &[(&str, Option<&str>, Vec<u8>)]) -> Answer {
    let mut body = Vec::new();
    for (part, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{part}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    let headers =
        [("host", HOST), ("origin", "http://127.0.0.1:8080"), ("content-type", "multipart/form-data; boundary=b")];
    service.send(request("POST", path, &headers, body.into())).await
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[tokio::test]
async fn an_override_is_evaluated_piece_by_piece_and_saved() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let planned = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let path = format!("/ui/placements/{}/override", planned.text("placement_id"));
    let as_planned = html(&visit(&service, &path, "").await);
    assert!(as_planned.contains("the placement as it was planned") && !as_planned.contains("Save as a placement"));
    let layers = model()["layers"].as_array().unwrap().len();
    let whole = format!("cut={layers}");
    let piece = request("GET", &format!("{path}?{whole}"), &[("host", HOST), ("x-piece", "1")], "".into());
    let piece = html(&service.send(piece).await);
    assert!(!piece.contains("<html") && piece.contains("keeps to every rule") && piece.contains("Save as a placement"));
    let broken = html(&visit(&service, &format!("{path}?node=n1&node=n1"), "").await);
    assert!(broken.contains("It breaks") && !broken.contains("Save as a placement"));

    assert_eq!(submit(&service, &path, "", "node=n1&node=n1").await.status, 422);
    let saved = submit(&service, &path, "", &whole).await;
    assert_eq!(saved.status, 303);
    let target = saved.header("location").to_owned();
    let text = html(&visit(&service, &target, "").await);
    assert!(text.contains("made by hand"), "{text}");
    assert_eq!(text.matches("<li class=\"stage").count(), 1);
    let stored = service.get(&target.replace("/ui/", "/v1/")).await.json();
    assert_eq!(stored["placement"]["termination"], "by_hand");
}

#[tokio::test]
async fn files_of_other_programs_come_through_forms() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let onnx = data("tests/data/small.onnx");
    let added = send_form(
        &service,
        "/ui/models/import?format=onnx",
        &[("dim", None, b"rows=3".to_vec()), ("file", Some("small.onnx"), onnx.clone())],
    )
    .await;
    assert_eq!(added.status, 303, "{added:?}");
    assert!(html(&visit(&service, added.header("location"), "").await).contains("MatMul"));

    let nodes = data("crates/import/tests/data/kubernetes.json");
    let parts = [("nodes", Some("nodes.json"), nodes)];
    let added = send_form(&service, "/ui/clusters/import?format=kubernetes", &parts).await;
    assert_eq!(added.status, 303, "{added:?}");
    assert_eq!(visit(&service, added.header("location"), "").await.status, 200);
    let refused =
        send_form(&service, "/ui/clusters/import?format=kubernetes", &[("nodes", Some("x"), b"{".to_vec())]).await;
    assert!(refused.status.is_client_error() && html(&refused).contains("<h1>"));

    // A model as ONNX and an inventory, planned in one go.
    let mut inventory = cluster();
    for node in inventory["nodes"].as_array_mut().unwrap() {
        node["memory_bytes"] = json!(1_000_000);
    }
    let parts = [
        ("dim", None, b"rows=3".to_vec()),
        ("model_file", Some("small.onnx"), onnx),
        ("cluster_file", Some("site.json"), inventory.to_string().into_bytes()),
        ("action", None, b"plan".to_vec()),
    ];
    let planned = send_form(&service, "/ui/plan", &parts).await;
    assert_eq!(planned.status, 303, "{}", String::from_utf8_lossy(&planned.bytes));
}

#[tokio::test]
async fn pins_and_groups_are_entered_line_by_line() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let registered = service.post("/v1/models", &model()).await.text("id");
    let on = service.post("/v1/clusters", &cluster()).await.text("id");
    let layer = model()["layers"][1]["id"].as_str().unwrap().to_owned();
    let text = |part, text: &str| (part, None, text.as_bytes().to_vec());
    let inputs = [text("model_id", &registered), text("cluster_id", &on), text("action", "plan")];
    let wrong = [&inputs[..], &[text("constraints.pins", "nobody -> n1")]].concat();
    let refused = send_form(&service, "/ui/plan", &wrong).await;
    assert_eq!(refused.status, 422);
    let page = html(&refused);
    let field = page.split("id=\"constraints-pins\"").nth(1).unwrap();
    assert!(field[..field.find("</div>").unwrap()].contains("class=\"fault\""), "{field}");
    let right =
        [&inputs[..], &[text("constraints.pins", &format!("{layer} -> n2")), text("labels", "who=me")]].concat();
    let planned = send_form(&service, "/ui/plan", &right).await;
    assert_eq!(planned.status, 303, "{}", html(&planned));
    let job = service.get("/v1/jobs?label=who%3Dme").await.json();
    assert_eq!(job["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repair_of_the_network_is_planned_on_a_cluster_of_its_own() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let job = json!({
        "model": {"name": "two", "layers": [
            {"id": "a", "param_bytes": 900, "output_bytes": 100, "flops": 100.0},
            {"id": "b", "param_bytes": 900, "output_bytes": 10, "flops": 100.0}], "edges": [{"from": "a", "to": "b"}]},
        "cluster": {"name": "house", "nodes": [
            {"id": "n1", "memory_bytes": 1200, "flops_per_s": 1000.0}, {"id": "n2", "memory_bytes": 1200, "flops_per_s": 1000.0}],
            "network": {"kind": "access_point", "medium": "wifi", "stations": [
                {"node_id": "n1", "bandwidth_bps": 8000.0}, {"node_id": "n2", "bandwidth_bps": 8000.0}], "wired": []}},
        "objective": {"kind": "min_nodes", "target_period_s": 0.15},
        // It uses no medium.
        "occupants": [{"id": "other", "rate_per_s": 0.1, "period_s": 1.0, "nodes": [{"node_id": "n1", "memory_bytes": 10}]}],
    });
    let planned = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job).await;
    assert_eq!(planned.text("status"), "infeasible", "{planned:?}");
    let path = format!("/ui/placements/{}", planned.text("placement_id"));
    // As the explanation writes those of a network.
    let of_network = [
        json!({"kind": "medium_twice_as_fast", "medium_id": "wifi", "detail": "wifi twice as fast"}),
        json!({"kind": "node_wired", "node_ids": ["n1"], "detail": "n1 wired to the access point"}),
    ];
    for repair in of_network {
        let chosen: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("repair", &repair.to_string()).finish();
        let planned = submit(&service, &format!("{path}/repair"), "", &chosen).await;
        assert_eq!(planned.status, 303, "{repair}: {}", String::from_utf8_lossy(&planned.bytes));
        let target = planned.header("location").to_owned();
        assert!(target.starts_with("/ui/placements/"), "{target}");
        let text = html(&visit(&service, &target, "").await);
        assert!(text.contains("house · "), "{text}");
    }
}

#[tokio::test]
async fn a_node_that_takes_no_stages_is_admitted() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let job = json!({
        "model": {"name": "two", "layers": [
            {"id": "a", "param_bytes": 900, "output_bytes": 100, "flops": 100.0},
            {"id": "b", "param_bytes": 900, "output_bytes": 10, "flops": 100.0}], "edges": [{"from": "a", "to": "b"}]},
        "cluster": {"name": "house", "nodes": [
            {"id": "n1", "memory_bytes": 1200, "flops_per_s": 1000.0},
            {"id": "n2", "memory_bytes": 1200, "flops_per_s": 1000.0, "schedulable": false}],
            "links": [{"from": "n1", "to": "n2", "bandwidth_bps": 8000.0, "bidirectional": true}]},
    });
    let planned = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job).await;
    assert_eq!(planned.text("status"), "infeasible", "{planned:?}");
    let path = format!("/ui/placements/{}", planned.text("placement_id"));
    let repair = json!({"kind": "admit_node", "node_ids": ["n2"], "detail": "n2 takes stages"});
    let chosen: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("repair", &repair.to_string()).finish();
    let planned = submit(&service, &format!("{path}/repair"), "", &chosen).await;
    assert_eq!(planned.status, 303, "{}", String::from_utf8_lossy(&planned.bytes));
    let target = planned.header("location").to_owned();
    let text = html(&visit(&service, &target, "").await);
    assert!(target.starts_with("/ui/placements/") && text.contains("n2"), "{target} {text}");
}

#[tokio::test]
async fn administrators_create_keys_and_look_after_webhooks() {
    let service = Service::start().await;
    let created = submit(&service, "/ui/keys", "", "name=the+%3Cfirst%3E&scope=admin").await;
    let text = html(&created);
    assert!(text.contains("the &lt;first&gt;"), "{text}");
    let first = text.split("<code>cpk_").nth(1).unwrap().split('<').next().unwrap();
    let first = format!("cpk_{first}");
    service.clock.advance(Duration::from_secs(2));
    // From now on everybody needs one.
    assert_eq!(visit(&service, "/ui/keys", "").await.status, 303);
    let cookie = sign_in(&service, &first).await;
    assert!(!html(&visit(&service, "/ui/keys", &cookie).await).contains(&first));
    for wrong in ["name=+&scope=read", "name=x&scope=everything"] {
        assert_eq!(submit(&service, "/ui/keys", &cookie, wrong).await.status, 422, "{wrong}");
    }
    let reader = sign_in(&service, &key(&service, "default", Scope::Read).await).await;
    assert_eq!(submit(&service, "/ui/keys", &reader, "name=x&scope=admin").await.status, 403);

    let added = submit(&service, "/ui/webhooks", &cookie, "url=https://receiver.example/&description=%3Cb%3E").await;
    assert!(html(&added).contains("whsec_"));
    let list = html(&visit(&service, "/ui/webhooks", &cookie).await);
    let path =
        format!("/ui/webhooks/whk_{}", list.split("/ui/webhooks/whk_").nth(1).unwrap().split('"').next().unwrap());
    assert_eq!(visit(&service, &path, &reader).await.status, 403);
    let shown = html(&visit(&service, &path, &cookie).await);
    assert!(shown.contains("&lt;b&gt;") && shown.contains(">Disable<"));
    let version = shown.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let disable = format!("enabled=false&version={version}");
    assert_eq!(submit(&service, &format!("{path}/state"), &cookie, &disable).await.status, 303);
    // It is another version now.
    assert_eq!(submit(&service, &format!("{path}/state"), &cookie, &disable).await.status, 412);
    assert!(html(&visit(&service, &path, &cookie).await).contains(">Enable<"));
    assert_eq!(submit(&service, &format!("{path}/delete"), &reader, "").await.status, 403);
    assert_eq!(submit(&service, &format!("{path}/delete"), &cookie, "").await.status, 303);
    assert_eq!(visit(&service, &path, &cookie).await.status, 404);
}

#[tokio::test]
async fn lists_are_filtered_by_names() {
    let service = Service::start().await;
    for (name, path, mut document) in [("100_%", "/v1/models", model()), ("Roof", "/v1/clusters", cluster())] {
        service.post(path, &document).await;
        document["name"] = json!(name);
        service.post(path, &document).await;
    }
    for (path, part, found, others) in
        [("models", "0_%25", "100_%", model()["name"].clone()), ("clusters", "roof", "Roof", cluster()["name"].clone())]
    {
        let text = html(&visit(&service, &format!("/ui/{path}?name={part}"), "").await);
        assert!(text.contains(&format!("<bdi>{found}</bdi>")), "{text}");
        assert!(!text.contains(&format!("<bdi>{}</bdi>", others.as_str().unwrap())), "{text}");
    }
}

#[tokio::test]
async fn pages_are_shed_like_every_request() {
    let limits = Limits { requests: 1, ..Limits::default() };
    let service = Service::with(first_node, QueueSettings { workers: 0, ..QueueSettings::default() }, limits).await;
    let (body, wait) = (job(), [("prefer", "wait=20")]);
    let waiting = service.write("POST", "/v1/jobs", &wait, &body);
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = visit(&service, "/ui/placements", "").await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
        assert!(html(&refused).contains("<h1>"));
        service.queue.shutdown().await;
    };
    tokio::join!(waiting, others);
    // A page that asks for several things counts as one request.
    assert_eq!(visit(&service, "/ui/", "").await.status, 200);
}

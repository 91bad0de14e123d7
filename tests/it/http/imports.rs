//! Models and clusters from files of other programs. tests/data/small.onnx multiplies batch × rows × 8 floats by 8 × 4
//! weights.

use std::path::Path;
use std::time::Duration;

use axum::body::{Body, Bytes};
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use futures::StreamExt;
use serde_json::{Value, json};

use super::service::{Answer, Service, first_node, request};

const BINARY: [(&str, &str); 1] = [("content-type", "application/octet-stream")];
const ONNX: &str = "/v1/models/import?format=onnx&dim.rows=3";

fn data(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("crates/import/tests/data").join(name)).unwrap()
}

fn small() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/small.onnx")).unwrap()
}

async fn upload(service: &Service, path: &str, content: impl Into<Body>) -> Answer {
    service.send(request("POST", path, &BINARY, content.into())).await
}

/// Sends files as parts: the name of the part, the name of the file, and its bytes.
async fn send_parts(service: &Service, path: &str, parts: &[(&str, &str, Vec<u8>)]) -> Answer {
    let mut body = Vec::new();
    for (part, file, content) in parts {
        let head = format!("--edge\r\ncontent-disposition: form-data; name=\"{part}\"; filename=\"{file}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    service.send(request("POST", path, &headers, body.into())).await
}

fn codes(answer: &Answer) -> Vec<String> {
    let warnings = answer.json()["report"]["warnings"].clone();
    warnings.as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_onnx_file_becomes_a_model_that_says_where_its_figures_come_from() {
    let service = Service::start().await;
    let made = upload(&service, ONNX, small()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("location"), format!("/v1/models/{}", made.text("id")));
    assert_eq!(codes(&made), ["dimensions_defaulted"]);
    let sources = made.json()["report"]["sources"].clone();
    let weights = sources.as_array().unwrap().iter().find(|source| source["figure"] == "param_bytes").unwrap().clone();
    assert_eq!((&weights["origin"], &weights["count"], &weights["of"]), (&json!("stated"), &json!(1), &json!(["w"])));
    let stored = service.get(made.header("location")).await.json();
    let description = stored["profile"]["description"].as_str().unwrap();
    assert!(description.contains("param_bytes: 1 stated by onnx in body"), "{description}");
    assert_eq!(stored["profile"]["layers"][3]["flops"], 12);
    // The same file is the same model; other dimensions are another.
    assert_eq!(upload(&service, "/v1/models/import?format=onnx&dim=rows%3D3", small()).await.status, 200);
    let other = upload(&service, "/v1/models/import?format=onnx&input=x%3D2x3x8&name=mine", small()).await;
    assert_eq!((other.status.as_u16(), other.text("name").as_str()), (201, "mine"));
}

#[tokio::test]
async fn what_a_model_lacks_is_told_with_the_parameter_that_gives_it() {
    let service = Service::start().await;
    let unset = upload(&service, "/v1/models/import?format=onnx", small()).await;
    assert_eq!(unset.problem(422, "invalid-request"), ["/query/dim"]);
    assert!(unset.json()["errors"][0]["action"].as_str().unwrap().contains("dim=rows=N"));
    let path = "/v1/models/import?format=onyx&dim=rows&input.x=1xa&colour=blue&batch_size=0";
    let mut pointers = upload(&service, path, small()).await.problem(400, "invalid-parameter");
    pointers.sort();
    assert_eq!(pointers, ["/query/batch_size", "/query/colour", "/query/dim", "/query/format", "/query/input"]);
    assert_eq!(
        upload(&service, "/v1/models/import", small()).await.problem(400, "invalid-parameter"),
        ["/query/format"]
    );
    let damaged = upload(&service, ONNX, small()[..60].to_vec()).await;
    assert_eq!(damaged.problem(422, "invalid-request"), [""]);
    let parts = send_parts(&service, ONNX, &[("model", "small.onnx", small())]).await;
    assert_eq!(parts.problem(422, "invalid-request"), [""]);
    assert_eq!(service.rows().await, [0; 4]);
}

/// A body of 1 KiB pieces, each after a pause.
fn pieces(count: usize, pause: Duration) -> Body {
    let piece = futures::stream::iter(0..count).then(move |_| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::io::Error>(Bytes::from_static(&[8; 1024]))
    });
    Body::from_stream(piece)
}

#[tokio::test]
async fn an_upload_has_limits() {
    let limits = Limits {
        import_bytes: 2048,
        body_bytes: 2048,
        body_timeout: Duration::from_millis(300),
        import_timeout: Duration::from_millis(600),
        ..Limits::default()
    };
    let service = Service::with(first_node, QueueSettings::default(), limits).await;
    // A whole message would be read without an end: the length of its weights is 4 MiB.
    let mut head = small();
    head.extend_from_slice(&[0x3a, 0x80, 0x80, 0x80, 0x02]);
    let large = Body::from_stream(futures::stream::iter([head.clone(), vec![0; 4096]]).map(Ok::<_, std::io::Error>));
    upload(&service, ONNX, large).await.problem(413, "body-too-large");
    let graph = "/v1/models/import?format=dnn-partitioning";
    upload(&service, graph, vec![b' '; 4096]).await.problem(413, "body-too-large");
    let paused = pieces(1, Duration::from_secs(2));
    upload(&service, ONNX, paused).await.problem(408, "request-timeout");
    let broken = futures::stream::iter([Ok(Bytes::from(head)), Err(std::io::Error::other("gone"))]);
    upload(&service, ONNX, Body::from_stream(broken)).await.problem(400, "malformed-body");
    assert_eq!(service.rows().await, [0; 4]);
    let none = Service::with(first_node, QueueSettings::default(), Limits { imports: 0, ..limits }).await;
    upload(&none, ONNX, small()).await.problem(503, "unavailable");
}

#[tokio::test]
async fn what_is_no_model_is_not_read_to_its_end() {
    // Whoever reads on meets the limit, and answers 413.
    let limits = Limits { import_bytes: 1 << 20, body_bytes: 2048, ..Limits::default() };
    let service = Service::with(first_node, QueueSettings::default(), limits).await;
    for headers in [&BINARY[..], &[BINARY[0], ("idempotency-key", "once")]] {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1024])));
        let sent = service.send(request("POST", ONNX, headers, Body::from_stream(endless))).await;
        assert_eq!(sent.problem(422, "invalid-request"), [""]);
    }
    assert_eq!(service.rows().await, [0; 4]);
}

#[tokio::test]
async fn a_retried_import_gets_its_answer_and_another_file_does_not() {
    let service = Service::start().await;
    let keyed = [BINARY[0], ("idempotency-key", "once")];
    let send = |path: &'static str, content: Vec<u8>| service.send(request("POST", path, &keyed, content.into()));
    let first = send(ONNX, small()).await;
    assert_eq!(first.status, 201);
    assert_eq!(send(ONNX, small()).await.text("id"), first.text("id"));
    let other = "/v1/models/import?format=onnx&dim.rows=4";
    send(other, small()).await.problem(422, "idempotency-key-reused");
    let site = "/v1/clusters/import?format=kubernetes";
    let site_key = [BINARY[0], ("idempotency-key", "site")];
    let nodes = || service.send(request("POST", site, &site_key, data("kubernetes.json").into()));
    let cluster = nodes().await;
    assert_eq!((cluster.status.as_u16(), nodes().await.text("id")), (201, cluster.text("id")));
    let nomad = service.send(request("POST", site, &site_key, data("nomad.json").into())).await;
    assert_eq!(nomad.status, 422);
    assert_eq!(service.rows().await, [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_site_is_joined_with_what_was_measured() {
    let service = Service::start().await;
    let parts: Vec<(&str, &str, Vec<u8>)> = vec![
        ("nodes", "nodes.json", data("kubernetes.json")),
        ("iperf3", "a-b.json", data("iperf3/a-b.json")),
        ("iperf3", "a-b-reverse.json", data("iperf3/a-b-reverse.json")),
    ];
    let path = "/v1/clusters/import?format=kubernetes&name=farm&medium=channel-36%3Dpi-1,pi-2";
    let made = send_parts(&service, path, &parts).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((made.text("name"), made.header("etag").is_empty()), ("farm".to_owned(), false));
    assert!(codes(&made).contains(&"pairs_unmeasured".to_owned()));
    let inventory = service.get(made.header("location")).await.json()["inventory"].clone();
    let links: Vec<&Value> = inventory["links"].as_array().unwrap().iter().map(|link| &link["medium"]).collect();
    assert_eq!(links, [&json!("channel-36"), &json!("channel-36")]);
    let unknown = send_parts(&service, "/v1/clusters/import?format=kubernetes&medium=a%3Dpi-1,moon", &parts).await;
    assert_eq!(unknown.problem(422, "invalid-request"), ["/query/medium"]);
    let misnamed = send_parts(&service, path, &[("node/~1", "nodes.json", data("kubernetes.json"))]).await;
    assert_eq!(misnamed.problem(422, "invalid-request"), ["/node~1~01"]);
    let torn = "/v1/clusters/import?format=kubernetes";
    let torn = send_parts(&service, torn, &[("nodes", "a/b.json", b"{\"items\": [{}, 1]}".to_vec())]).await;
    let pointers = torn.problem(422, "invalid-request");
    assert!(
        pointers.iter().all(|pointer| pointer.starts_with("/a~1b.json/items/")) && pointers.len() >= 2,
        "{pointers:?}"
    );
    let nomad = upload(&service, "/v1/clusters/import?format=nomad", data("nomad.json")).await;
    assert_eq!(nomad.status, 201);
    assert_eq!(service.rows().await, [0, 2, 0, 0]);
}

#[tokio::test]
async fn files_of_other_planners_are_imported() {
    let service = Service::start().await;
    let (models, types) = (data("pipeedge/models.yml"), data("pipeedge/device_types.yml"));
    let files = [("models", "models.yml", models), ("device_types", "device_types.yml", types.clone())];
    let several = send_parts(&service, "/v1/models/import?format=pipeedge", &files).await;
    several.problem(422, "invalid-request");
    let path = "/v1/models/import?format=pipeedge&batch_size=8";
    let chosen = send_parts(&service, path, &files).await;
    assert_eq!(chosen.status, 201, "{chosen:?}");
    assert_eq!(chosen.json()["report"]["cost_model"]["io_buffers"], 3);
    let devices = [("devices", "devices.yml", data("pipeedge/devices.yml")), ("device_types", "t.yml", types)];
    let cluster = send_parts(&service, "/v1/clusters/import?format=pipeedge", &devices).await;
    assert_eq!(cluster.status, 201, "{cluster:?}");
    let lonely = send_parts(&service, "/v1/clusters/import?format=pipeedge", &devices[..1]).await;
    assert_eq!(lonely.problem(422, "invalid-request"), ["/device_types"]);
    // What is no body of parts at all.
    let headers = [("content-type", "multipart/form-data")];
    let edgeless = service.send(request("POST", "/v1/clusters/import?format=nomad", &headers, "x".into())).await;
    edgeless.problem(400, "malformed-body");
    let misplaced = "/v1/clusters/import?format=pipeedge&medium=a%3Db,c";
    assert_eq!(send_parts(&service, misplaced, &devices).await.problem(400, "invalid-parameter"), ["/query/medium"]);
    let dimensions = "/v1/models/import?format=pipeedge&dim.batch=1&input=x%3D1x3";
    let refused = send_parts(&service, dimensions, &files).await;
    assert_eq!(refused.problem(400, "invalid-parameter"), ["/query/dim", "/query/input"]);
    let batches = "/v1/models/import?format=dnn-partitioning&batch_size=2&dim.batch=2";
    let refused = upload(&service, batches, data("dnn-partitioning.json")).await;
    assert_eq!(refused.problem(400, "invalid-parameter"), ["/query/batch_size", "/query/dim"]);
    for path in ["/v1/models/import?format=dnn-partitioning&name=tiny", "/v1/clusters/import?format=dnn-partitioning"] {
        assert_eq!(upload(&service, path, data("dnn-partitioning.json")).await.status, 201);
    }
    assert_eq!(service.rows().await, [2, 2, 0, 0]);
}

#[tokio::test]
async fn measured_times_make_a_new_model() {
    let service = Service::start().await;
    let profile: Value = serde_json::from_slice(&data("timings/magika-profile.json")).unwrap();
    let model = service.post("/v1/models", &profile).await.text("id");
    let path = format!("/v1/models/{model}/timings?device_class=pi-4&session_s=0.00847412");
    let times = data("timings/magika-onnxruntime.json");
    let timed = upload(&service, &path, times.clone()).await;
    assert_eq!(timed.status, 201, "{timed:?}");
    assert_ne!(timed.text("id"), model);
    let report = timed.json()["report"]["timings"].clone();
    assert_eq!((report["matched_share"].as_f64(), report["tool"].as_str()), (Some(1.0), Some("onnxruntime")));
    assert!((report["profile_s"].as_f64().unwrap() - 0.00847412).abs() < 1e-9);
    assert_eq!(upload(&service, &path, times.clone()).await.status, 200);
    // Nothing of another model matches: the faults name what was looked for.
    let other = upload(&service, ONNX, small()).await.text("id");
    let unmatched = upload(&service, &format!("/v1/models/{other}/timings?device_class=pi-4"), times.clone()).await;
    unmatched.problem(422, "invalid-request");
    let nameless = upload(&service, &format!("/v1/models/{model}/timings?session_s=-1&format=gprof"), times).await;
    let mut pointers = nameless.problem(400, "invalid-parameter");
    pointers.sort();
    assert_eq!(pointers, ["/query/device_class", "/query/format", "/query/session_s"]);
    let unknown = "/v1/models/mdl_01931e5c-9d2f-7c1a-b0c4-2f8d5e6a7b90/timings?device_class=a";
    upload(&service, unknown, "x").await.problem(404, "not-found");
}

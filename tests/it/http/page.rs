//! The page: its headers, sign-in, tenants, names that try to be more than text, and how large a large placement is.

use std::time::{Duration, Instant};

use axum::body::Body;
use cutpoint::domain::scope::Scope;
use cutpoint::domain::tenant::Tenant;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use cutpoint::store::NewKey;
use cutpoint_planner::domain::placement::{PlacementDocument, Send, Stage};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::{CheckFailure, Env};
use serde_json::{Value, json};

use super::service::{Answer, Service, cluster, first_node, job, model, request};

pub(crate) const HOST: &str = "127.0.0.1:8080";

pub(crate) async fn visit(service: &Service, path: &str, cookie: &str) -> Answer {
    service.send(request("GET", path, &[("host", HOST), ("cookie", cookie)], Body::empty())).await
}

pub(crate) async fn submit(service: &Service, path: &str, cookie: &str, form: &str) -> Answer {
    let headers = [
        ("host", HOST),
        ("cookie", cookie),
        ("origin", "http://127.0.0.1:8080"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    service.send(request("POST", path, &headers, form.to_owned().into())).await
}

pub(crate) fn html(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{answer:?}");
    String::from_utf8(answer.bytes.clone()).unwrap()
}

pub(crate) async fn key(service: &Service, tenant: &str, scope: Scope) -> String {
    let new = NewKey { tenant: Tenant::parse(tenant).unwrap(), name: "key".to_owned(), scope };
    let text = service.store.create_key(new).await.unwrap().1.reveal().to_owned();
    service.clock.advance(Duration::from_secs(2));
    text
}

/// Signs in and gives the cookie.
pub(crate) async fn sign_in(service: &Service, key: &str) -> String {
    let answer = submit(service, "/ui/sign-in", "", &format!("key={key}&next=/ui/jobs")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/ui/jobs"));
    let cookie = answer.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/ui"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

async fn placement_of(service: &Service, job: &Value) -> String {
    let answer = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], job).await;
    answer.text("placement_id")
}

#[tokio::test]
async fn every_page_is_strict_and_an_empty_service_explains_itself() {
    let service = Service::start().await;
    let root = visit(&service, "/", "").await;
    assert_eq!((root.status.as_u16(), root.header("location")), (303, "/ui/"));
    for path in
        ["/ui/", "/ui/placements", "/ui/jobs", "/ui/models", "/ui/clusters", "/ui/plan", "/ui/keys", "/ui/webhooks"]
    {
        let answer = visit(&service, path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'self';"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let text = html(&answer);
        assert!(!text.contains("style=") && !text.contains("<style") && !text.contains(" onclick"), "{path}");
    }
    let text = html(&visit(&service, "/ui/", "").await);
    assert_eq!(text.matches("class=\"lead\"").count(), 3);
    assert!(text.contains("resnet50-radio-5"));
    let unknown = visit(&service, "/ui/nothing", "").await;
    assert_eq!(unknown.status, 404);
    assert!(html(&unknown).contains("No resource has this path or id"));
}

#[tokio::test]
async fn without_keys_other_hosts_and_origins_are_refused() {
    let service = Service::start().await;
    let rebound = request("GET", "/ui/", &[("host", "rebind.example:8080")], Body::empty());
    assert_eq!(service.send(rebound).await.status, 403);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("host", HOST)];
    for origin in [None, Some(("origin", "http://evil.example")), Some(("sec-fetch-site", "cross-site"))] {
        let headers: Vec<_> = form.into_iter().chain(origin).collect();
        let forged = request("POST", "/ui/examples", &headers, "name=radio-5".into());
        assert_eq!(service.send(forged).await.status, 403, "{origin:?}");
    }
    assert_eq!(service.rows().await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn one_click_plans_an_example() {
    let service = Service::start().await;
    let planned = submit(&service, "/ui/examples", "", "name=resnet50-radio-5").await;
    let target = planned.header("location").to_owned();
    assert_eq!(planned.status, 303);
    assert!(target.starts_with("/ui/placements/plc_") || target.starts_with("/ui/jobs/job_"), "{target}");
    assert_eq!(visit(&service, &target, "").await.status, 200);
}

#[tokio::test]
async fn a_session_sees_its_tenant_alone_and_ends() {
    let service = Service::start().await;
    let placement = placement_of(&service, &job()).await;
    let path = format!("/ui/placements/{placement}");
    let admin = key(&service, "default", Scope::Admin).await;
    let other = key(&service, "other", Scope::Read).await;

    let stranger = visit(&service, &path, "").await;
    assert_eq!(stranger.header("location"), format!("/ui/sign-in?next={}", path.replace('/', "%2F")));
    assert_eq!(visit(&service, "/ui/keys", "").await.status, 303);
    assert_eq!(submit(&service, "/ui/sign-in", "", "key=cpk_wrong").await.status, 422);

    let (admin, other) = (sign_in(&service, &admin).await, sign_in(&service, &other).await);
    assert_eq!(visit(&service, &path, &admin).await.status, 200);
    for rest in ["", "/stages/0/0", "/explanation", "/override", "/export?format=svg"] {
        assert_eq!(visit(&service, &format!("{path}{rest}"), &other).await.status, 404, "{rest}");
    }
    assert!(!html(&visit(&service, "/ui/placements", &other).await).contains(&placement));
    // A key that may read neither plans nor administers.
    assert_eq!(submit(&service, "/ui/examples", &other, "name=radio-5").await.status, 403);
    assert_eq!(visit(&service, "/ui/keys", &other).await.status, 403);
    assert_eq!(visit(&service, "/ui/webhooks", &other).await.status, 403);

    let ended = submit(&service, "/ui/sign-out", &admin, "").await;
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(visit(&service, &path, &admin).await.status, 303);

    let keys = service.store.keys().await.unwrap().readable;
    let revoked = keys.iter().find(|key| key.tenant.as_str() == "other").unwrap();
    service.store.revoke_key(&revoked.id).await.unwrap();
    service.clock.advance(Duration::from_secs(2));
    assert_eq!(visit(&service, "/ui/", &other).await.status, 303);
}

#[tokio::test]
async fn hostile_names_are_shown_as_text() {
    let service = Service::start().await;
    let hostile = [
        "<script>alert(1)</script>".to_owned(),
        "\"'><img src=x onerror=alert(1)>".to_owned(),
        "\u{202e}\u{200f}right".to_owned(),
        "x".repeat(256),
    ];
    for name in &hostile {
        let mut job = job();
        job["model"]["name"] = json!(name);
        job["model"]["layers"][2]["id"] = json!(name);
        job["model"]["layers"][2]["op"] = json!(name);
        job["model"]["edges"][1]["to"] = json!(name);
        job["cluster"]["name"] = json!(name);
        job["cluster"]["nodes"][0]["id"] = json!(name);
        job["cluster"]["nodes"][0]["labels"] = json!({"site": name});
        job["cluster"]["nodes"][0]["device_class"] = json!(name);
        job["labels"] = json!({"who": name});
        let planned = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job).await;
        let (placement, job_id) = (planned.text("placement_id"), planned.text("id"));
        let (model, cluster) = (planned.text("model_id"), planned.text("cluster_id"));
        let webhook = json!({"url": "https://receiver.example/", "description": name});
        let webhook = service.post("/v1/webhooks", &webhook).await.json()["webhook"]["id"].as_str().unwrap().to_owned();
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let paths = [
            "/ui/".to_owned(),
            "/ui/placements".to_owned(),
            "/ui/jobs".to_owned(),
            "/ui/models".to_owned(),
            "/ui/clusters".to_owned(),
            "/ui/plan".to_owned(),
            format!("/ui/jobs/{job_id}"),
            format!("/ui/models/{model}"),
            format!("/ui/clusters/{cluster}"),
            format!("/ui/placements/{placement}"),
            format!("/ui/placements/{placement}/stages/0/0"),
            format!("/ui/placements/{placement}/override"),
            format!("/ui/clusters/{cluster}?off={encoded}"),
            format!("/ui/placements?label=who%3D{encoded}"),
            format!("/ui/plan?constraints.pins={encoded}"),
            "/ui/webhooks".to_owned(),
            format!("/ui/webhooks/{webhook}"),
        ];
        for path in paths {
            let answer = visit(&service, &path, "").await;
            let text = html(&answer);
            assert_eq!(answer.status, 200, "{path}: {text}");
            assert!(!text.contains("<script>") && !text.contains("<img"), "{path}");
            let shown = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            assert!(text.contains(&shown), "{path} does not show {name:?}");
        }
    }
}

#[tokio::test]
async fn faults_stand_at_their_field_and_a_check_plans_nothing() {
    let service = Service::start().await;
    let registered = service.post("/v1/models", &model()).await.text("id");
    let on = service.post("/v1/clusters", &cluster()).await.text("id");
    let form = |fields: &[(&str, &str)]| {
        let part = |(name, value): &(&str, &str)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        fields.iter().map(part).collect::<String>() + "--b--\r\n"
    };
    let send = async |fields: &[(&str, &str)]| {
        let headers =
            [("host", HOST), ("origin", "http://127.0.0.1:8080"), ("content-type", "multipart/form-data; boundary=b")];
        service.send(request("POST", "/ui/plan", &headers, form(fields).into())).await
    };
    let inputs = [("model_id", registered.as_str()), ("cluster_id", on.as_str())];
    let wrong = send(&[&inputs[..], &[("constraints.max_stages", "none"), ("action", "plan")]].concat()).await;
    assert_eq!(wrong.status, 422);
    let text = html(&wrong);
    let field = text.split("id=\"constraints-max_stages\"").nth(1).unwrap();
    let field = &field[..field.find("</div>").unwrap()];
    assert!(field.contains("aria-invalid=\"true\"") && field.contains("class=\"fault\""), "{field}");
    assert!(text.contains("value=\"none\""));

    let checked = send(&[&inputs[..], &[("action", "check")]].concat()).await;
    assert_eq!(checked.status, 200);
    assert!(html(&checked).contains("The request is in order"));
    assert_eq!(service.rows().await[2], 0);

    let planned = send(&[&inputs[..], &[("objective.kind", "min_latency"), ("action", "plan")]].concat()).await;
    assert_eq!(planned.status, 303);
    assert_eq!(service.rows().await[2], 1);
}

const LAYERS: usize = 2_000;
const STAGES: usize = 50;

/// Puts equally many layers on each node.
fn spread(request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    let mut document = first_node(request, env)?;
    let layers: Vec<&[_]> = request.model.layers.chunks(request.model.layers.len() / STAGES).collect();
    let nodes = &request.cluster.nodes;
    document.pipelines[0].stages = (0..STAGES)
        .map(|index| Stage {
            index: index as u64,
            node_id: nodes[index].id.clone(),
            layer_ids: layers[index].iter().map(|layer| layer.id.clone()).collect(),
            constant_layer_ids: Vec::new(),
            param_bytes: 1 << 20,
            memory_bytes: 3 << 20,
            memory_capacity_bytes: 5 << 20,
            compute_s: 0.25,
            compute_share: None,
            receive: None,
            send: (index + 1 < STAGES).then(|| Send {
                to_node_id: nodes[index + 1].id.clone(),
                tensor_layer_ids: Vec::new(),
                bytes: 123_456,
                transfer_s: 0.125,
                bandwidth_share: None,
                route: Vec::new(),
            }),
        })
        .collect();
    Ok(document)
}

#[tokio::test]
async fn a_large_placement_is_a_small_page() {
    let service = Service::with(spread, QueueSettings::default(), Limits::default()).await;
    let layers: Vec<Value> = (0..LAYERS)
        .map(|index| {
            json!({"id": format!("block_{}/conv_{index}", index / 10), "op": (["Conv", "Relu", "Add"][index % 3]),
            "param_bytes": 1000, "output_bytes": 1000, "flops": 1e6})
        })
        .collect();
    let edges: Vec<Value> =
        (1..LAYERS).map(|index| json!({"from": layers[index - 1]["id"], "to": layers[index]["id"]})).collect();
    let nodes: Vec<Value> = (0..STAGES)
        .map(|index| json!({"id": format!("node-{index:02}"), "memory_bytes": 1 << 23, "flops_per_s": 1e9, "device_class": "raspberry-pi-4"}))
        .collect();
    let job = json!({
        "model": {"name": "large", "layers": layers, "edges": edges},
        "cluster": {"name": "many", "nodes": nodes, "network": {"kind": "full_mesh", "bandwidth_bps": 1e8}},
    });
    let path = format!("/ui/placements/{}", placement_of(&service, &job).await);
    let mut times = Vec::new();
    let mut page = String::new();
    for _ in 0..21 {
        let began = Instant::now();
        page = html(&visit(&service, &path, "").await);
        times.push(began.elapsed());
    }
    times.sort();
    println!("{LAYERS} layers on {STAGES} stages: {} bytes of HTML, {:?} median", page.len(), times[times.len() / 2]);
    assert!(page.contains("node-49") && page.contains("40 layers"));
    assert!(page.len() <= 300_000, "{}", page.len());
    let mut beside = 0;
    for file in ["style.css", "page.js", "icon.svg"] {
        beside += visit(&service, &format!("/ui/assets/{file}"), "").await.bytes.len();
    }
    println!("{beside} bytes beside it");
    assert!(beside <= 100_000, "{beside}");
}

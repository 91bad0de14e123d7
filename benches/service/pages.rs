//! The page of a large placement, one after another: how long the service takes for it, and how large it is.

use std::time::Instant;

use axum::body::Bytes;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use serde_json::{Value, json};

use super::client::Client;
use super::figures::Times;
use super::target::Target;

const LAYERS: usize = 2_000;
const STAGES: usize = 50;
const VISITS: usize = 200;

/// A placement made by hand has as many stages as are wanted.
pub async fn measure() {
    let target = Target::start(QueueSettings::default(), Limits::default()).await;
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let stored = client.send("POST", "/v1/placements", &[], Bytes::from(large().to_string())).await;
    let stored: Value = serde_json::from_slice(&stored.body).expect("a placement");
    let path = format!("/ui/placements/{}", stored["id"].as_str().unwrap_or_else(|| panic!("{stored}")));
    let cookie = sign_in(&target).await;
    let (mut times, mut bytes) = (Vec::with_capacity(VISITS), 0);
    for _ in 0..VISITS {
        let began = Instant::now();
        let answer = client.send("GET", &path, &[("cookie", cookie.as_str())], Bytes::new()).await;
        times.push(began.elapsed());
        assert!(answer.body.windows(8).any(|part| part == b"node-049"), "the whole placement is shown");
        bytes = answer.body.len();
    }
    println!("  {LAYERS} layers on {STAGES} stages: {bytes} bytes of HTML, {VISITS} visits, {}", Times::new(times));
    target.stop().await;
}

/// Returns the cookie of a session of the key.
async fn sign_in(target: &Target) -> String {
    let keys = target.store.keys().await.expect("the database").readable;
    let token = target.store.start_session(&keys[0].id).await.expect("a session");
    format!("cutpoint_session={}", token.reveal())
}

fn large() -> Value {
    let id = |index: usize| format!("block_{}/conv_{index}", index / 10);
    let layers: Vec<Value> = (0..LAYERS)
        .map(|index| {
            let op = ["Conv", "Relu", "Add"][index % 3];
            json!({"id": id(index), "op": op, "param_bytes": 1000, "output_bytes": 1000, "flops": 1e6})
        })
        .collect();
    let edges: Vec<Value> = (1..LAYERS).map(|index| json!({"from": id(index - 1), "to": id(index)})).collect();
    let nodes: Vec<Value> = (0..STAGES)
        .map(|index| {
            let name = format!("node-{index:03}");
            json!({"id": name, "memory_bytes": 1 << 23, "flops_per_s": 1e9, "device_class": "raspberry-pi-4"})
        })
        .collect();
    let stage = |index: usize| {
        let layers: Vec<String> = (0..LAYERS / STAGES).map(|at| id(index * (LAYERS / STAGES) + at)).collect();
        json!({"node_id": format!("node-{index:03}"), "layer_ids": layers})
    };
    json!({
        "model": {"name": "large", "layers": layers, "edges": edges},
        "cluster": {"name": "many", "nodes": nodes, "network": {"kind": "full_mesh", "bandwidth_bps": 1e8}},
        "stages": (0..STAGES).map(stage).collect::<Vec<Value>>(),
    })
}

//! A stored placement, read by many at once, beside a bare route of the same framework that answers the same bytes.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;

use super::client::{Client, hammer};
use super::figures::{Times, median};
use super::target::{Target, small_job};

const ROUNDS: usize = 5;
const CLIENTS: usize = 32;

/// Both in turn, so that a machine whose speed drifts slows both.
pub async fn measure(length: Duration) {
    let target = Target::start(QueueSettings::default(), Limits::default()).await;
    let (path, bytes) = placement(&target).await;
    println!("  {path}: {} bytes, {CLIENTS} connections, {ROUNDS} rounds of {} s", bytes.len(), length.as_secs_f64());
    let bare = bare_route(bytes).await;
    let (mut ours, mut theirs, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let own = Times::new(hammer(target.address, Some(&target.key), &path, CLIENTS, length).await);
        let other = Times::new(hammer(bare, None, "/", CLIENTS, length).await);
        let per_second = |times: &Times| times.count() as f64 / length.as_secs_f64();
        println!("  service {:.0}/s, {own}; bare route {:.0}/s, {other}", per_second(&own), per_second(&other));
        ours.push(per_second(&own) / per_second(&other));
        theirs.push(own.quantile_ms(0.99) / other.quantile_ms(0.99));
        both.push(per_second(&own));
    }
    println!(
        "  medians of rounds: {:.0}/s, {:.2} of the bare route's requests per second, {:.2} times its p99",
        median(both),
        median(ours),
        median(theirs)
    );
    target.stop().await;
}

async fn placement(target: &Target) -> (String, Bytes) {
    let mut client = Client::connect(target.address, Some(&target.key)).await;
    let body = Bytes::from(small_job().to_string());
    let done = client.send("POST", "/v1/jobs", &[("prefer", "wait=60")], body).await;
    let job: serde_json::Value = serde_json::from_slice(&done.body).expect("a job");
    let path = format!("/v1/placements/{}", job["placement_id"].as_str().expect("a placement"));
    let answer = client.send("GET", &path, &[], Bytes::new()).await;
    (path, answer.body)
}

async fn bare_route(bytes: Bytes) -> SocketAddr {
    let answer = move || {
        let bytes = bytes.clone();
        async move { ([(CONTENT_TYPE, "application/json")], bytes) }
    };
    let router = Router::new().route("/", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

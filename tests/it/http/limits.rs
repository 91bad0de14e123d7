//! Limits: what is too much is refused at once, and slow clients are cut off.

use std::time::{Duration, Instant};

use cutpoint::http::{self, ConnectionLimits, Limits};
use cutpoint::jobs::QueueSettings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::service::{Service, cluster, first_node, job, model};

async fn with(limits: Limits) -> Service {
    Service::with(first_node, QueueSettings { workers: 0, ..QueueSettings::default() }, limits).await
}

#[tokio::test]
async fn requests_beyond_the_limit_are_turned_away_at_once() {
    let service = with(Limits { requests: 1, ..Limits::default() }).await;
    let wait = [("prefer", "wait=20")];
    let body = job();
    let waiting = service.write("POST", "/v1/jobs", &wait, &body);
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = service.get("/v1/jobs").await;
        refused.problem(503, "unavailable");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("ratelimit"), "\"requests\";r=0");
        assert_eq!(service.get("/healthz").await.status, 200);
        assert_eq!(service.get("/metrics").await.status, 200);
        service.queue.shutdown().await;
    };
    let (accepted, ()) = tokio::join!(waiting, others);
    assert_eq!(accepted.status, 202);
    let free = service.get("/v1/jobs").await;
    assert_eq!(free.header("ratelimit-policy"), "\"requests\";q=1;qu=\"concurrent-requests\"");
    assert_eq!(free.header("ratelimit"), "\"requests\";r=1");
}

#[tokio::test]
async fn a_job_is_told_how_much_room_the_queue_has() {
    let settings = QueueSettings { workers: 0, queue_limit: 2, ..QueueSettings::default() };
    let service = Service::with(first_node, settings, Limits::default()).await;
    for (status, room) in [(202, 1), (202, 0), (503, 0)] {
        let answer = service.post("/v1/jobs", &job()).await;
        assert_eq!(answer.status, status);
        let told: Vec<&str> = answer.headers.get_all("ratelimit").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(told.contains(&format!("\"queue\";r={room}").as_str()), "{told:?}");
    }
}

#[tokio::test]
async fn documents_beyond_the_limits_are_refused() {
    let service = with(Limits { layers: 2, nodes: 1, links: 0, time_limit_s: 5.0, ..Limits::default() }).await;
    let mut body = job();
    body["solver"] = json!({"time_limit_s": 6});
    let mut pointers = service.post("/v1/jobs", &body).await.problem(422, "invalid-request");
    pointers.sort();
    assert_eq!(pointers, ["/cluster/nodes", "/model/layers", "/solver/time_limit_s"]);
    assert_eq!(service.post("/v1/models", &model()).await.problem(422, "invalid-request"), ["/layers"]);
    assert_eq!(service.post("/v1/clusters", &cluster()).await.problem(422, "invalid-request"), ["/nodes"]);

    let service = with(Limits { links: 0, time_limit_s: 5.0, ..Limits::default() }).await;
    assert_eq!(service.post("/v1/jobs", &job()).await.status, 202);
    let first = service.post("/v1/clusters", &cluster()).await;
    let path = format!("/v1/clusters/{}/links", first.text("id"));
    let links = json!({"links": [{"from": "n1", "to": "n2", "bandwidth_bps": 1.0}]});
    let refused = service.write("PATCH", &path, &[("if-match", first.header("etag"))], &links).await;
    assert_eq!(refused.problem(422, "invalid-request"), ["/links"]);
}

/// Sends a text over a connection of its own, and reads until the service closes it.
async fn slow_client(service: &Service, text: &str) -> (String, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = CancellationToken::new();
    let limits = ConnectionLimits { header_timeout: Duration::from_millis(200), ..ConnectionLimits::default() };
    let server = tokio::spawn(http::serve(listener, service.router.clone(), limits, closing.clone()));
    let began = Instant::now();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    let elapsed = began.elapsed();
    closing.cancel();
    server.await.unwrap();
    (answer, elapsed)
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let service = with(Limits { body_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let (answer, elapsed) = slow_client(&service, "GET /healthz HTTP/1.1\r\nhost: ").await;
    assert!(!answer.contains("200 OK") && elapsed < Duration::from_secs(5), "{answer}");

    let head = "POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let (answer, elapsed) = slow_client(&service, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["type"], "/problems/request-timeout");

    let (answer, _) = slow_client(&service, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    let service = with(Limits::default()).await;
    let mut large = model();
    let name = "n".repeat(200);
    let layers =
        (0..20_000).map(|number| json!({"id": format!("{name}{number}"), "param_bytes": 1, "output_bytes": 1}));
    large["layers"] = layers.collect();
    large["edges"] = json!([]);
    let path = service.post("/v1/models", &large).await.header("location").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = CancellationToken::new();
    let limits = ConnectionLimits { write_timeout: Duration::from_millis(200), ..ConnectionLimits::default() };
    let server = tokio::spawn(http::serve(listener, service.router.clone(), limits, closing.clone()));
    let mut client = TcpStream::connect(address).await.unwrap();
    // Answers pile up until nothing more fits between the two.
    for _ in 0..10 {
        client.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    }
    // The service ends, though the client has not read: the connection was closed, and nothing waits for it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    closing.cancel();
    server.await.unwrap();
    let mut answer = Vec::new();
    // Whole answers would be ten times as much; the close may come as a reset.
    let read = client.read_to_end(&mut answer).await;
    assert!(answer.len() < 10 * 20_000 * name.len(), "{} bytes, {read:?}", answer.len());
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let service = with(Limits::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = CancellationToken::new();
    let limits = ConnectionLimits { most: 1, ..ConnectionLimits::default() };
    let server = tokio::spawn(http::serve(listener, service.router.clone(), limits, closing.clone()));
    let ask = async |client: &mut TcpStream| {
        client.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        let mut answer = [0; 15];
        client.read_exact(&mut answer).await.map(|_| answer)
    };
    let mut first = TcpStream::connect(address).await.unwrap();
    assert_eq!(&ask(&mut first).await.unwrap(), b"HTTP/1.1 200 OK");
    let mut second = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut second).await.is_err());
    assert_eq!(service.get("/metrics").await.status, 200);
    closing.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn a_body_that_nobody_reads_costs_neither_the_answer_nor_the_connection() {
    let service = with(Limits::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let closing = CancellationToken::new();
    let serving = http::serve(listener, service.router.clone(), ConnectionLimits::default(), closing.clone());
    let server = tokio::spawn(serving);
    let answer = async |client: &mut TcpStream| {
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        // The rest of it is there, or comes before the next request is written.
        let mut rest = Vec::new();
        while !rest.ends_with(b"}") {
            rest.push(client.read_u8().await.unwrap());
        }
        String::from_utf8(answer.to_vec()).unwrap()
    };
    let head = |more: &str| {
        let bytes = 8 << 20;
        format!(
            "POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: {bytes}\r\n{more}\r\n"
        )
    };
    for _ in 0..2 {
        client.write_all(head("").as_bytes()).await.unwrap();
        // More than fits between the two: this ends only where the service takes it.
        client.write_all(&vec![b' '; 8 << 20]).await.unwrap();
        assert_eq!(answer(&mut client).await, "HTTP/1.1 415");
    }
    // Whoever asks first does not have to send it: the answer comes without.
    client.write_all(head("expect: 100-continue\r\n").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 415");
    closing.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn lists_that_cost_more_than_their_length_are_short() {
    let service = with(Limits { nodes: 3, ..Limits::default() }).await;
    let labels: Value =
        (0..65).map(|number| (format!("l{number}"), json!("x"))).collect::<serde_json::Map<_, _>>().into();
    let ids: Value = (0..101).map(|number| json!(format!("plc_{number}"))).collect();
    for (member, value, pointer) in [
        ("labels", labels, "/labels"),
        ("occupied_by", ids, "/occupied_by"),
        ("constraints", json!({"exclude_nodes": ["n1", "n1", "n1", "n1"]}), "/constraints/exclude_nodes"),
    ] {
        let mut job = job();
        job[member] = value;
        assert_eq!(service.post("/v1/jobs", &job).await.problem(422, "invalid-request"), [pointer]);
    }
    let labels = |count: usize| vec!["label=a%3Db"; count].join("&");
    assert_eq!(service.get(&format!("/v1/jobs?{}", labels(64))).await.status, 200);
    for path in ["/v1/jobs", "/v1/placements"] {
        service.get(&format!("{path}?{}", labels(65))).await.problem(400, "invalid-parameter");
    }
}

//! Connections that send one request after the other, and time each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    key: Option<String>,
}

/// An answer and how long it took.
pub struct Timed {
    pub status: StatusCode,
    pub retry_after: bool,
    pub body: Bytes,
    pub took: Duration,
}

impl Client {
    pub async fn connect(address: SocketAddr, key: Option<&str>) -> Self {
        let stream = TcpStream::connect(address).await.expect("the service accepts");
        stream.set_nodelay(true).expect("loopback");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self { sender, host: address.to_string(), key: key.map(|key| format!("Bearer {key}")) }
    }

    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Timed {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        if let Some(key) = &self.key {
            request = request.header("authorization", key);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::new(body)).expect("a request");
        let began = Instant::now();
        self.sender.ready().await.expect("the connection is open");
        let answer = self.sender.send_request(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        let retry_after = head.headers.contains_key("retry-after");
        Timed { status: head.status, retry_after, body, took: began.elapsed() }
    }
}

/// Sends the same request over so many connections until the time is over; gives every duration.
pub async fn hammer(
    address: SocketAddr,
    key: Option<&str>,
    path: &str,
    clients: usize,
    length: Duration,
) -> Vec<Duration> {
    let until = Instant::now() + length;
    let failed = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let mut client = Client::connect(address, key).await;
        let (path, failed) = (path.to_owned(), Arc::clone(&failed));
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let answer = client.send("GET", &path, &[], Bytes::new()).await;
                if answer.status != StatusCode::OK {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                times.push(answer.took);
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a client ends"));
    }
    assert_eq!(failed.load(Ordering::Relaxed), 0, "answers other than 200");
    times
}

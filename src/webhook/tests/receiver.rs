//! A receiver on loopback that records requests and sends given answers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

/// The received requests.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

type Answers = Box<dyn Fn(usize) -> Response<Body> + Send + Sync>;

struct Shared {
    got: Mutex<Vec<Got>>,
    answer: Answers,
}

pub(super) struct Receiver {
    pub(super) port: u16,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

impl Receiver {
    /// `answer` gets the number of earlier requests.
    pub(super) async fn start(answer: impl Fn(usize) -> Response<Body> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { got: Mutex::default(), answer: Box::new(answer) });
        let router = Router::new().fallback(receive).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, shared, _task: AbortOnDropHandle::new(task) }
    }

    /// Starts a receiver that answers every request alike.
    pub(super) async fn answering(status: u16) -> Self {
        Self::start(move |_| status_answer(status)).await
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks?of=plans", self.port)
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }
}

pub(super) fn status_answer(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::from(format!("this is {status}"))).unwrap()
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let got =
        Got { path: head.uri.to_string(), headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() };
    let before = {
        let mut all = shared.got.lock().unwrap();
        all.push(got);
        all.len() - 1
    };
    (shared.answer)(before)
}

//! Reads and discards the rest of a request's body before the answer is sent. Closing a connection with unread bytes
//! resets it, and a client that writes its whole request first would never see the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;

use crate::http::api::Api;

/// How long a client may take to send the discarded rest.
const LONGEST: Duration = Duration::from_secs(10);

/// Answers a request after reading the rest of its body: at most twice the limit of a body, for at most ten seconds.
/// Beyond that the connection closes with the answer.
pub(crate) async fn drain(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let began = api.clock.monotonic();
    let most = api.limits.body_bytes.saturating_mul(2);
    // A client that sends `Expect` waits for a status before it sends the body (RFC 9110, section 10.1.1).
    let waits = request.headers().contains_key(EXPECT);
    let left = Arc::new(Mutex::new(None));
    let request = request.map(|body| Body::new(Lent { body, touched: false, left: Arc::clone(&left) }));
    let response = next.run(request).await;
    let body = left.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Left { body, touched }) = body
        && (touched || !waits)
        && body.size_hint().lower() <= most as u64
    {
        let time_left = api.limits.body_timeout.saturating_sub(api.clock.monotonic().saturating_sub(began));
        // The answer is sent even if the rest of the body does not arrive in time.
        let _ = timeout(time_left.min(LONGEST), drop_at_most(body, most)).await;
    }
    response
}

async fn drop_at_most(body: Body, limit: usize) {
    let mut chunks = body.into_data_stream();
    let mut dropped = 0_usize;
    while dropped <= limit
        && let Some(Ok(chunk)) = chunks.next().await
    {
        dropped = dropped.saturating_add(chunk.len());
    }
}

/// A body that a handler returned, and whether the handler had started to read it.
struct Left {
    body: Body,
    touched: bool,
}

/// A body that is returned when its handler drops it.
struct Lent {
    body: Body,
    touched: bool,
    left: Arc<Mutex<Option<Left>>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.touched = true;
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let left = Left { body: std::mem::take(&mut self.body), touched: self.touched };
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        }
    }
}

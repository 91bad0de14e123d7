//! One attempt: sends a POST to a receiver and reads the beginning of its answer. It follows no redirects, reuses no
//! connections and uses no proxy, so that messages go only to addresses that the guard has judged.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio_rustls::rustls::{self, RootCertStore};
use tokio_util::task::AbortOnDropHandle;
use url::{Position, Url};

use super::connect::{Connection, Connector, Failure};
use super::guard::Guard;
use super::resolver::Resolve;
use super::{sign, target};
use crate::store::{AttemptOutcome, ClaimedDelivery};

/// The most bytes of an answer's body that are read and stored.
pub const KEPT_ANSWER_BYTES: usize = 1024;
/// The most bytes of an answer's head.
const LARGEST_HEAD_BYTES: usize = 64 * 1024;

/// A receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How the attempt ended.
    pub outcome: AttemptOutcome,
    /// The HTTP status.
    pub status_code: u16,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
    /// The beginning of the body, if there is one.
    pub excerpt: Option<String>,
}

/// Sends messages. Clones share their configuration.
#[derive(Clone)]
pub struct Sender {
    connector: Connector,
    timeout: Duration,
}

impl Sender {
    /// Creates a sender that trusts these certificates and whose attempts take no longer than `timeout`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        guard: Guard,
        resolver: Arc<dyn Resolve>,
        roots: RootCertStore,
        timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { connector: Connector::new(guard, resolver, roots)?, timeout })
    }

    /// Signs a message and sends it once.
    ///
    /// # Errors
    /// Returns the reason why there is no answer.
    pub async fn send(&self, delivery: &ClaimedDelivery, now: Timestamp) -> Result<Answer, Failure> {
        match tokio::time::timeout(self.timeout, self.exchange(delivery, now)).await {
            Ok(result) => result,
            Err(_) => {
                let detail = format!("no answer within {} s", self.timeout.as_secs_f64());
                Err(Failure::new(AttemptOutcome::TimedOut, detail))
            }
        }
    }

    async fn exchange(&self, delivery: &ClaimedDelivery, now: Timestamp) -> Result<Answer, Failure> {
        // The configuration may have changed since the registration.
        let url = target::judge(&delivery.url, self.connector.guard()).map_err(|faults| {
            let details: Vec<String> = faults.into_iter().map(|fault| fault.detail).collect();
            Failure::new(AttemptOutcome::AddressRefused, details.join("; "))
        })?;
        let request = request(&url, delivery, now)?;
        let connection = self.connector.connect(&url).await?;
        let (response, _connection) = post(connection, request).await?;
        Ok(read(response, now).await)
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn request(url: &Url, delivery: &ClaimedDelivery, now: Timestamp) -> Result<Request<Full<Bytes>>, Failure> {
    let (id, timestamp_s) = (delivery.message_id.as_str(), now.as_second());
    let signatures = sign::signatures(&delivery.secrets, id, timestamp_s, &delivery.payload);
    Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, concat!("cutpoint/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header(sign::ID, id)
        .header(sign::TIMESTAMP, timestamp_s)
        .header(sign::SIGNATURE, signatures)
        .body(Full::from(delivery.payload.clone()))
        .map_err(broken_off)
}

/// Returns the answer's head and the task of the connection, which must not be dropped while the body is read.
async fn post(
    connection: Box<dyn Connection>,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, AbortOnDropHandle<()>), Failure> {
    let handshake = http1::Builder::new().max_buf_size(LARGEST_HEAD_BYTES).handshake(TokioIo::new(connection)).await;
    let (mut sender, connection) = handshake.map_err(broken_off)?;
    let driven = AbortOnDropHandle::new(tokio::spawn(async move {
        // The request reports the same error.
        let _ = connection.await;
    }));
    let response = sender.send_request(request).await.map_err(broken_off)?;
    Ok((response, driven))
}

fn broken_off(error: impl std::error::Error) -> Failure {
    Failure::new(AttemptOutcome::BrokenOff, error.to_string())
}

/// Reads the part of the body that is stored. An aborted body does not change the outcome.
async fn read(response: Response<Incoming>, now: Timestamp) -> Answer {
    let status = response.status();
    let outcome = match status.as_u16() {
        200..=299 => AttemptOutcome::Delivered,
        300..=399 => AttemptOutcome::Redirected,
        410 => AttemptOutcome::Gone,
        _ => AttemptOutcome::Rejected,
    };
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
    let mut body = response.into_body();
    let mut kept = Vec::new();
    while kept.len() < KEPT_ANSWER_BYTES {
        let Some(Ok(frame)) = body.frame().await else { break };
        kept.extend(frame.into_data().unwrap_or_default());
    }
    kept.truncate(KEPT_ANSWER_BYTES);
    // SQLite ends texts at a zero byte.
    let text = String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}");
    let excerpt = Some(text).filter(|text| !text.is_empty());
    Answer { outcome, status_code: status.as_u16(), retry_after, excerpt }
}

/// Parses `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until_s = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    until_s.checked_sub(u64::try_from(now.as_second()).ok()?).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Thu, 01 Jan 2026 00:01:00 GMT", now), Some(Duration::from_secs(60)));
        for nothing in ["", "soon", "-1", "1.5", "Wed, 31 Dec 2025 00:00:00 GMT"] {
            assert_eq!(retry_after(nothing, now), None, "{nothing:?}");
        }
    }
}

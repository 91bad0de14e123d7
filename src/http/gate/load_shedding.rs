//! Load shedding: limits concurrent requests and immediately refuses further ones.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::unit::counted;
use metrics::counter;

use crate::domain::id::Id;
use crate::http::api::Api;
use crate::http::problem::{Problem, ProblemType};
use crate::telemetry::metric;

/// The draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Paths that are answered even under overload, for monitoring.
pub(crate) const ALWAYS_ANSWERED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The key of a request, for middleware that runs before and after the handler.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShownKey(pub(crate) Arc<OnceLock<Id>>);

/// Passes a request on if a permit is free.
pub(crate) async fn shed(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    if ALWAYS_ANSWERED.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let key = ShownKey::default();
    request.extensions_mut().insert(key.clone());
    let mut response = match Arc::clone(&api.requests).try_acquire_owned() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            refuse("requests", format!("the service answers {} already", counted(api.limits.requests, "request")))
        }
    };
    let free = api.requests.available_permits();
    write_rate_limit(response.headers_mut(), "requests", "concurrent-requests", api.limits.requests, free);
    if let Some(key) = key.0.get() {
        let (quota, free) = api.keyring.quota(key);
        write_rate_limit(response.headers_mut(), "requests-per-key", "concurrent-requests", quota, free);
    }
    response
}

/// Returns the answer to a request beyond the service's capacity, and counts it under `cause`.
pub(crate) fn refuse(cause: &'static str, detail: String) -> Response {
    turn_away(ProblemType::Unavailable, cause, detail).into_response()
}

/// Returns the problem of a key that has reached a limit, and counts it under `cause`.
pub(crate) fn refuse_key(cause: &'static str, detail: String) -> Problem {
    turn_away(ProblemType::TooManyRequests, cause, detail)
}

fn turn_away(problem_type: ProblemType, cause: &'static str, detail: String) -> Problem {
    counter!(metric::SHED, "cause" => cause).increment(1);
    Problem::new(problem_type, detail)
}

/// Writes the headers about a quota and how much of it is free.
pub(crate) fn write_rate_limit(headers: &mut HeaderMap, policy: &str, unit: &str, quota: usize, free: usize) {
    let policy_text = format!("\"{policy}\";q={quota};qu=\"{unit}\"");
    let limit_text = format!("\"{policy}\";r={free}");
    for (name, text) in [(POLICY, policy_text), (LIMIT, limit_text)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(name, value);
        }
    }
}

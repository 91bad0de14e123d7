//! What bodies of every kind have in common: headers, lengths, and the problems of those that are too large or late.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, header};
use cutpoint_planner::domain::unit::counted;
use futures::StreamExt;

use crate::http::problem::{Problem, ProblemType};

/// The most bytes that are allocated for a body before they arrive.
const MOST_SET_ASIDE_BYTES: usize = 1 << 20;

/// Reads the whole body, at most `limit` bytes.
///
/// # Errors
/// 413 for a body that is larger, and 400 for one that breaks off.
pub(super) async fn collect(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    let announced = announced(headers, limit)?;
    // A client can announce any length at no cost, so the initial allocation is limited.
    let mut content = Vec::with_capacity(announced.unwrap_or(0).min(MOST_SET_ASIDE_BYTES));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(broken)?;
        if chunk.len() > limit - content.len() {
            return Err(too_large(limit));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.into())
}

/// Returns the length that a body announces.
///
/// # Errors
/// 413 for one above `limit` bytes.
pub(super) fn announced(headers: &HeaderMap, limit: usize) -> Result<Option<usize>, Problem> {
    let announced = header_text(headers, header::CONTENT_LENGTH).parse::<usize>().ok();
    if announced.is_some_and(|announced| announced > limit) { Err(too_large(limit)) } else { Ok(announced) }
}

/// Returns the media type of a body without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    header_text(headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
}

/// Refuses a body that is encoded.
///
/// # Errors
/// 415 for any encoding but `identity`.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let encoding = header_text(headers, header::CONTENT_ENCODING);
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        return Ok(());
    }
    let detail = format!("the Content-Encoding is {encoding:?}, but must be absent");
    Err(Problem::new(ProblemType::UnsupportedMediaType, detail))
}

/// Returns the problem of a body above the limit.
pub(super) fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemType::BodyTooLarge, format!("a body may have {}", counted(limit, "byte")))
}

/// Returns the problem of a body that does not arrive in time.
pub(super) fn late(limit: Duration) -> Problem {
    Problem::new(ProblemType::RequestTimeout, format!("the body took longer than {} s", limit.as_secs_f64()))
}

/// Returns the problem of a body that breaks off.
pub(super) fn broken(error: axum::Error) -> Problem {
    Problem::malformed_body(Vec::new()).with_detail(format!("the body broke off: {error}"))
}

/// Returns the text of a header; empty if it is absent or no text.
fn header_text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

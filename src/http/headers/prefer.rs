//! `Prefer: wait=N` (RFC 7240, section 4.3): how long the client wants to wait for an answer.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

/// The longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Returns the wait that the caller prefers, at most [`LONGEST_WAIT`], or `None` without a preference. Invalid
/// preferences are ignored, as the standard requires.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    let seconds = preferences.find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let named_wait = name.trim().eq_ignore_ascii_case("wait");
        named_wait.then(|| value.trim().trim_matches('"').parse::<u64>().ok()).flatten()
    })?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Adds the header that confirms a wait to an answer.
pub fn applied(wait: Option<Duration>, mut response: Response) -> Response {
    if let Some(wait) = wait
        && let Ok(value) = HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
    {
        response.headers_mut().insert("preference-applied", value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_of(value: &str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(axum::http::HeaderName::from_static("prefer"), value.parse().unwrap())]);
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_found_among_preferences_and_capped() {
        assert_eq!(wait_of("wait=10"), Some(10));
        assert_eq!(wait_of("respond-async, Wait = 3; foo=1"), Some(3));
        assert_eq!(wait_of("wait=100000"), Some(120));
        assert_eq!(wait_of("wait=-1"), None);
        assert_eq!(wait_of("handling=lenient"), None);
    }
}

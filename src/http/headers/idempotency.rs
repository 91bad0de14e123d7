//! `Idempotency-Key`: a retry of a creating request gets the answer of the first one.

use axum::http::HeaderMap;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::hash::content_hash;
use serde::Serialize;

use crate::http::problem::Problem;
use crate::store::Idempotency;

/// The largest length of a key.
const LONGEST: usize = 255;

/// Returns the caller's key.
///
/// # Errors
/// 400 for a key that is empty, too long or not visible ASCII, and for more than one.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all("idempotency-key").into_iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.as_bytes();
    let fits = (1..=LONGEST).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic) && keys.next().is_none();
    match std::str::from_utf8(key) {
        Ok(key) if fits => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid_parameters(vec![Fault::new(
            "/header/idempotency-key",
            FaultCode::OutOfRange,
            "this is not an idempotency key",
            format!("Give one key of 1 to {LONGEST} visible ASCII characters without spaces, such as a UUID"),
        )])),
    }
}

/// Returns the key with the fingerprint of the request: a hash of its operation and of what stands for its body. That of a
/// JSON value does not depend on whitespace and the order of members.
pub fn of(key: String, operation: &str, body: &impl Serialize) -> Idempotency {
    Idempotency { key, fingerprint: content_hash(&(operation, body)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_short_visible_keys_are_taken() {
        let key_of = |value: &str| {
            let headers: HeaderMap = [(axum::http::HeaderName::from_static("idempotency-key"), value.parse().unwrap())]
                .into_iter()
                .collect();
            key(&headers).map_err(|problem| problem.status)
        };
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(key_of("abc-1"), Ok(Some("abc-1".to_owned())));
        assert_eq!(key_of(""), Err(400));
        assert_eq!(key_of("a b"), Err(400));
        assert_eq!(key_of(&"k".repeat(256)), Err(400));
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_the_operation_does() {
        let fingerprint = |operation: &str, text: &str| {
            of("k".to_owned(), operation, &serde_json::from_str::<serde_json::Value>(text).unwrap()).fingerprint
        };
        assert_eq!(fingerprint("POST /a", r#"{"x":1,"y":2}"#), fingerprint("POST /a", r#"{ "y": 2, "x": 1 }"#));
        assert_ne!(fingerprint("POST /a", "{}"), fingerprint("POST /b", "{}"));
        assert_ne!(of("k".into(), "POST /a", &json!(1)).fingerprint, of("k".into(), "POST /a", &json!(2)).fingerprint);
    }
}

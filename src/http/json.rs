//! JSON answers, including stored JSON text that is sent without parsing it.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::problem::Problem;

/// Returns an answer with this JSON text.
pub fn text(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = (status, text.into()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns an answer with a value's JSON.
pub fn value(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(json) => text(status, json),
        Err(error) => Problem::internal(format!("an answer could not be written: {error}")).into_response(),
    }
}

/// Serialises an object and adds a member whose value is JSON text.
///
/// # Errors
/// `object` cannot be serialised.
pub fn with_member(object: &impl Serialize, name: &str, member: &str) -> Result<String, Problem> {
    let mut json = serde_json::to_string(object).map_err(Problem::internal)?;
    json.pop();
    json.reserve(name.len() + member.len() + 5);
    if json.len() > 1 {
        json.push(',');
    }
    json.push('"');
    json.push_str(name);
    json.push_str("\":");
    json.push_str(member);
    json.push('}');
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_is_added_to_an_object() {
        assert_eq!(with_member(&json!({"a": 1}), "b", "[2]").unwrap(), r#"{"a":1,"b":[2]}"#);
        assert_eq!(with_member(&json!({}), "b", "2").unwrap(), r#"{"b":2}"#);
    }
}

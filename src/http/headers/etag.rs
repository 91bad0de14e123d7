//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::problem::{Problem, ProblemType};

/// A strong entity tag: a resource with the same tag has the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// Creates a tag from this text. Only letters, digits, `.`, `_` and `-` are kept.
    pub fn new(opaque: impl std::fmt::Display) -> Self {
        let mut text = opaque.to_string();
        text.retain(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        Self(format!("\"{text}\""))
    }

    /// Returns the tag as a header value.
    pub fn header(&self) -> HeaderValue {
        // Quotes and the characters that `new` keeps are visible ASCII, which header values allow.
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// Returns `true` if `If-None-Match` contains this tag. The comparison is weak, as the standard requires.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        let known = tags(headers, header::IF_NONE_MATCH);
        known.iter().any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }

    /// Checks that `If-Match` is present and contains this tag.
    ///
    /// # Errors
    /// 428 without the header, 412 if it names another version.
    pub fn must_match(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !headers.contains_key(header::IF_MATCH) {
            let detail = "send the ETag of the version that you mean to change in If-Match";
            return Err(Problem::new(ProblemType::PreconditionRequired, detail));
        }
        let wanted = tags(headers, header::IF_MATCH);
        if wanted.iter().any(|tag| tag == "*" || *tag == self.0) {
            return Ok(());
        }
        Err(Problem::new(ProblemType::PreconditionFailed, format!("the ETag is now {}", self.0)))
    }

    /// Checks `If-Match` if it is present. Returns whether it is.
    ///
    /// # Errors
    /// 412 if it names another version.
    pub fn may_match(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let is_there = headers.contains_key(header::IF_MATCH);
        if is_there {
            self.must_match(headers)?;
        }
        Ok(is_there)
    }

    /// Returns the answer 304 for a caller that has the content already.
    pub fn not_modified(&self) -> Response {
        self.on(StatusCode::NOT_MODIFIED.into_response())
    }

    /// Adds the tag to an answer.
    pub fn on(&self, mut response: Response) -> Response {
        response.headers_mut().insert(header::ETAG, self.header());
        response
    }
}

fn tags(headers: &HeaderMap, name: header::HeaderName) -> Vec<String> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_known_tag_is_recognised_weak_or_strong() {
        let tag = ETag::new("7");
        for (value, known) in [("\"7\"", true), ("W/\"7\"", true), ("\"6\", \"7\"", true), ("*", true), ("7", false)] {
            assert_eq!(tag.is_known(&headers(header::IF_NONE_MATCH, value)), known, "{value}");
        }
    }

    #[test]
    fn a_change_must_name_the_present_version() {
        let tag = ETag::new("7");
        let status = |headers: &HeaderMap| tag.must_match(headers).map_err(|problem| problem.status);
        assert_eq!(status(&HeaderMap::new()), Err(428));
        assert_eq!(status(&headers(header::IF_MATCH, "\"6\"")), Err(412));
        assert_eq!(status(&headers(header::IF_MATCH, "W/\"7\"")), Err(412));
        assert_eq!(status(&headers(header::IF_MATCH, "\"7\"")), Ok(()));
    }
}

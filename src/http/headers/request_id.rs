//! Request ids: taken from the caller if they are valid in a problem's `instance`, else generated.

use axum::http::{HeaderName, HeaderValue, Request};
use tower_http::request_id::{MakeRequestId, RequestId};

/// The header that carries the id, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Generates the id of a request without one.
#[derive(Clone)]
pub struct MakeId<F>(pub F);

impl<F: FnMut() -> String + Clone> MakeRequestId for MakeId<F> {
    fn make_request_id<B>(&mut self, _request: &Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&(self.0)()).ok().map(RequestId::new)
    }
}

/// Removes an id unless it consists of 1 to 128 unreserved characters of a URI (RFC 3986), since it is written to
/// `instance` and to log lines.
pub fn drop_unfit_id<B>(mut request: Request<B>) -> Request<B> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    if let Some(id) = request.headers().get(&X_REQUEST_ID) {
        let id = id.as_bytes();
        if id.is_empty() || id.len() > 128 || !id.iter().all(fits) {
            request.headers_mut().remove(&X_REQUEST_ID);
        }
    }
    request
}

/// Returns the text of an id.
pub fn text(id: &RequestId) -> String {
    id.header_value().to_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_can_stand_in_a_uri_are_kept() {
        for (id, kept) in [("a-1._~Z", true), ("a b", false), ("a/b", false), ("", false), (&"x".repeat(129), false)] {
            let request = Request::builder().header(&X_REQUEST_ID, id).body(()).unwrap();
            assert_eq!(drop_unfit_id(request).headers().contains_key(&X_REQUEST_ID), kept, "{id:?}");
        }
    }
}

//! Problems as pages.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use maud::html;

use super::guard::secure;
use super::layout::{View, frame};
use super::parts::{faults, name};
use super::text::sentence;
use crate::http::problem::Problem;

/// Returns `true` if a path belongs to the page, so that people read its problems.
pub(crate) fn is_of_page(path: &str) -> bool {
    path == "/ui" || path.starts_with("/ui/")
}

/// Writes a problem as a page into an answer that has its status.
pub(crate) fn write(response: &mut Response, problem: &Problem) {
    let body = html! {
        h1 { (problem.title) }
        // Of one fault the detail says the same.
        @if problem.errors.len() != 1 { p.lead { (name(&sentence(&problem.detail))) } }
        (faults(problem))
        p.muted.after { "Status " (problem.status) ", request " code { (problem.instance) } }
        p.after { a.button href="/ui/" { "To the first page" } }
    };
    let page = frame(&View::new(problem.title, body), None).into_string();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    // A browser would ask for a password.
    headers.remove(header::WWW_AUTHENTICATE);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    secure(headers);
    *response.body_mut() = Body::from(page);
}

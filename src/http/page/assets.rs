//! The stylesheet, the script and the icon, which are the same for everybody.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use cutpoint_planner::domain::hash::content_hash;

use super::Page;

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/page.js");
const ICON: &str = include_str!("assets/icon.svg");

/// An address names the content: a browser keeps it until it changes.
static STYLE_PATH: LazyLock<String> = LazyLock::new(|| versioned("/ui/assets/style.css", STYLE));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| versioned("/ui/assets/page.js", SCRIPT));

pub(super) fn routes() -> Router<Page> {
    Router::new()
        .route("/ui/assets/style.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/ui/assets/page.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/ui/assets/icon.svg", get(|| async { file("image/svg+xml", ICON) }))
}

/// Returns the address of the stylesheet.
pub(super) fn style() -> &'static str {
    &STYLE_PATH
}

/// Returns the address of the script.
pub(super) fn script() -> &'static str {
    &SCRIPT_PATH
}

fn versioned(path: &str, content: &str) -> String {
    let hash = content_hash(&content);
    format!("{path}?v={}", hash.get(..12).unwrap_or(&hash))
}

fn file(media_type: &'static str, content: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
    ];
    (headers, content)
}

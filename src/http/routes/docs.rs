//! `/openapi.json`, `/openapi-3.0.json` and `/docs`: the API as a document and as a page, both served without external
//! resources.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use cutpoint_planner::domain::hash::content_hash;
use utoipa_swagger_ui::Config;

use crate::http::api::Api;
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;

/// Allows the page to load only from this service. Swagger UI needs inline styles and `data:` images.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

pub(crate) fn routes(document: String, document_3_0: String) -> Router<Api> {
    let config = Arc::new(Config::from("/openapi.json").validator_url("none").display_operation_id(true));
    let file = move |Path(path): Path<String>| async move { file(&path, config) };
    let index = file.clone();
    Router::new()
        .route("/openapi.json", fixed(document))
        .route("/openapi-3.0.json", fixed(document_3_0))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(move || index(Path("index.html".to_owned()))))
        .route("/docs/{*path}", get(file))
}

/// Returns a route for a document that does not change while the service runs.
fn fixed(document: String) -> MethodRouter<Api> {
    let etag = ETag::new(content_hash(&document));
    let document: Arc<str> = document.into();
    get(move |headers: HeaderMap| {
        let (etag, document) = (etag.clone(), Arc::clone(&document));
        async move {
            if etag.is_known(&headers) {
                return etag.not_modified();
            }
            etag.on(json::text(StatusCode::OK, document.to_string()))
        }
    })
}

fn file(path: &str, config: Arc<Config<'static>>) -> Result<Response, Problem> {
    let file = utoipa_swagger_ui::serve(path, config).map_err(Problem::internal)?;
    let file = file.ok_or_else(|| Problem::not_found("page", path))?;
    let content_type = HeaderValue::from_str(&file.content_type).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600")),
    ];
    Ok((headers, file.bytes.into_owned()).into_response())
}

//! The router: all routes, the middleware, and the OpenAPI document.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::field::Empty;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::clock::Ids;
use crate::http::api::Api;
use crate::http::gate::drain_body;
use crate::http::gate::load_shedding;
use crate::http::headers::encoding;
use crate::http::headers::request_id::{self, MakeId, X_REQUEST_ID};
use crate::http::openapi::{older, schema};
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::routes::cluster_changes;
use crate::http::routes::cluster_imports;
use crate::http::routes::clusters;
use crate::http::routes::deliveries;
use crate::http::routes::deployment_actions;
use crate::http::routes::deployments;
use crate::http::routes::diffs;
use crate::http::routes::docs;
use crate::http::routes::evaluations;
use crate::http::routes::events;
use crate::http::routes::examples;
use crate::http::routes::explanations;
use crate::http::routes::exports;
use crate::http::routes::front;
use crate::http::routes::health;
use crate::http::routes::heartbeats;
use crate::http::routes::jobs;
use crate::http::routes::links;
use crate::http::routes::measurements;
use crate::http::routes::metrics;
use crate::http::routes::model_imports;
use crate::http::routes::models;
use crate::http::routes::nodes;
use crate::http::routes::placements;
use crate::http::routes::problems;
use crate::http::routes::tenant_events;
use crate::http::routes::timings;
use crate::http::routes::validation;
use crate::http::routes::webhooks;
use crate::http::shapes::webhook::{ClusterMessage, DeploymentMessage, WebhookMessage};
use crate::telemetry::continue_trace;

/// The head of the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Cutpoint",
        description = "Where to cut a neural network and which edge device runs which piece, for the most inferences \
            per second of one pipeline, or of several on devices of their own, with a proof. A device runs one stage. \
            All values have SI units, which are part of the names. Errors are problem details (RFC 9457) from a \
            closed list of types, with every fault of a request at once.",
        contact(name = "Cutpoint"),
    ),
    tags(
        (name = "models", description = "Model profiles: immutable, identified by their content."),
        (name = "clusters", description = "Cluster inventories, with revisions."),
        (name = "jobs", description = "Planning jobs."),
        (name = "placements", description = "The results of jobs."),
        (name = "evaluations", description = "Scores of proposed placements."),
        (name = "deployments", description = "What runs, what is proposed when the site changes, and the events about both."),
        (name = "webhooks", description = "Signed messages when a job ends, and about deployments (Standard Webhooks)."),
        (name = "examples", description = "Example bodies for planning jobs."),
        (name = "service", description = "The service itself."),
    ),
    components(schemas(Problem, WebhookMessage, ClusterMessage, DeploymentMessage)),
)]
struct Head;

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Head::openapi())
        .merge(models::routes())
        .merge(model_imports::routes())
        .merge(timings::routes())
        .merge(clusters::routes())
        .merge(cluster_imports::routes())
        .merge(cluster_changes::routes())
        .merge(heartbeats::routes())
        .merge(nodes::routes())
        .merge(links::routes())
        .merge(jobs::routes())
        .merge(validation::routes())
        .merge(events::routes())
        .merge(placements::routes())
        .merge(explanations::routes())
        .merge(diffs::routes())
        .merge(front::routes())
        .merge(exports::routes())
        .merge(measurements::routes())
        .merge(evaluations::routes())
        .merge(deployments::routes())
        .merge(deployment_actions::routes())
        .merge(tenant_events::routes())
        .merge(webhooks::routes())
        .merge(deliveries::routes())
        .merge(examples::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(problems::routes())
}

/// Returns the OpenAPI document.
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    let mut document = routes().into_openapi();
    schema::finish(&mut document);
    document
}

/// Returns the text of `openapi/openapi.json`.
pub fn openapi_json() -> String {
    // The document consists of texts, numbers and maps with text keys, so serialising it cannot fail.
    let mut text = openapi_document().to_pretty_json().expect("the document is JSON");
    text.push('\n');
    text
}

/// Returns the text of `openapi/openapi-3.0.json`.
pub fn openapi_3_0_json() -> String {
    older::openapi_3_0_json(&openapi_document())
}

/// Returns the router of the service.
pub fn router(api: Api) -> Router {
    let (ids, clock) = (Arc::clone(&api.ids), Arc::clone(&api.clock));
    let inner = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(api.clone(), drain_body::drain))
        .layer(middleware::from_fn_with_state(clock, metrics::measure))
        .layer(middleware::from_fn_with_state(api.clone(), load_shedding::shed));
    let (router, _) = routes().split_for_parts();
    let page = page::routes(&api, router.clone().with_state(api.clone()));
    let router = router
        .merge(page)
        .merge(docs::routes(openapi_json(), openapi_3_0_json()))
        .fallback(unknown_path)
        .layer(inner)
        .with_state(api);
    surround(router, ids)
}

/// Adds the middleware. The outermost layer sets the request's id, the innermost catches panics.
fn surround(router: Router, ids: Arc<dyn Ids>) -> Router {
    let around = ServiceBuilder::new()
        .map_request(request_id::drop_unfit_id::<Body>)
        .layer(SetRequestIdLayer::new(X_REQUEST_ID, MakeId(move || ids.uuid().to_string())))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(log_answer).on_failure(()))
        .layer(PropagateRequestIdLayer::new(X_REQUEST_ID))
        .map_request(encoding::drop_refusals::<Body>)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn(write_problem))
        .layer(CatchPanicLayer::custom(answer_panic));
    router.layer(around)
}

fn span(request: &Request) -> tracing::Span {
    let request_id = request.extensions().get::<RequestId>().map(request_id::text);
    let span = tracing::info_span!("request", method = %request.method(), path = request.uri().path(), request_id,
        status = Empty, job_id = Empty, otel.kind = "server");
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(traceparent) = header("traceparent") {
        continue_trace(&span, traceparent, header("tracestate"));
    }
    span
}

/// Logs answers at debug level, including 503. A full queue concerns the caller, and failures are logged with their
/// cause where they occur.
fn log_answer<B>(response: &axum::http::Response<B>, latency: Duration, span: &tracing::Span) {
    span.record("status", response.status().as_u16());
    tracing::debug!(status = response.status().as_u16(), latency_s = latency.as_secs_f64(), "answered");
}

async fn unknown_path(request: Request) -> Problem {
    Problem::not_found("path", request.uri().path())
}

fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::internal(format!("a handler panicked: {}", text.unwrap_or("without a text"))).into_response()
}

/// Writes the body of every error with the request's id, including errors of the framework (a wrong method, a path that
/// is not UTF-8).
async fn write_problem(request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let is_head = request.method() == Method::HEAD;
    let is_of_page = page::is_of_page(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_of_page && is_html(&response) => return response,
        None if status.is_client_error() || status.is_server_error() => Problem::of_framework(status),
        None => return response,
    };
    let instance = request_id.as_ref().map(request_id::text).unwrap_or_default();
    let problem = Problem { instance, ..problem };
    if is_of_page && !is_head {
        page::write_problem(&mut response, &problem);
        return response;
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    *response.body_mut() = if is_head { Body::empty() } else { Body::from(body) };
    response
}

/// Returns `true` if an answer is a page already, such as a form with faults.
fn is_html(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::CountingIds;
    use axum::routing::get;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_keeps_its_secret() {
        async fn panics() {
            panic!("the secret");
        }
        let router = surround(Router::new().route("/", get(panics)), Arc::new(CountingIds::default()));
        let request = Request::builder().uri("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], "/problems/internal");
        assert_eq!(problem["instance"], "00000000-0000-0000-0000-000000000001");
        assert!(!problem.to_string().contains("secret"));
    }
}

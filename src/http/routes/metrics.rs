//! `/metrics`: the metrics of the service for Prometheus, and the middleware that measures requests.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{gauge, histogram};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::domain::named::Named;
use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::problem::responses::{Internal, Unavailable};
use crate::telemetry::{Metrics, metric};

const EXAMPLE: &str = "# TYPE cutpoint_workers_busy gauge\ncutpoint_workers_busy 1\n";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_metrics))
}

/// Read the metrics
///
/// Returns the metrics in the text format of Prometheus. docs/operations.md lists their names.
#[utoipa::path(
    get, path = "/metrics", tag = "service",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "text/plain",
            example = json!(EXAMPLE)),
        Internal, Unavailable,
    )
)]
async fn get_metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let backlog = api.store.backlog().await?;
    gauge!(metric::JOBS, "status" => "queued").set(backlog.queued as f64);
    gauge!(metric::JOBS, "status" => "running").set(backlog.running as f64);
    gauge!(metric::QUEUE_AGE).set(backlog.oldest.unwrap_or_default().as_secs_f64());
    gauge!(metric::DELIVERIES_PENDING).set(backlog.deliveries as f64);
    for (condition, count) in api.store.count_deployments().await? {
        gauge!(metric::DEPLOYMENTS, "condition" => condition.name()).set(count as f64);
    }
    api.store.measure();
    let full = api.store.shortage().await?.is_some();
    gauge!(metric::STORE_FULL).set(if full { 1.0 } else { 0.0 });
    let mut response = Body::from(Metrics::of_process().text()).into_response();
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

/// Measures the time from a request to the beginning of its answer.
pub(crate) async fn measure(State(clock): State<Arc<dyn Clock>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_name(request.method().as_str());
    let started = clock.monotonic();
    gauge!(metric::REQUESTS).increment(1);
    let running = Running;
    let response = next.run(request).await;
    drop(running);
    let elapsed = clock.monotonic().saturating_sub(started);
    let status = response.status().as_u16().to_string();
    histogram!(metric::REQUEST_DURATION, "method" => method, "route" => route, "status" => status).record(elapsed);
    response
}

/// Returns a name for known methods only, since any other method would add a series.
fn method_name(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

/// Counts a request that is being answered until it is dropped, which also happens when the client disconnects.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        gauge!(metric::REQUESTS).decrement(1);
    }
}

//! `/healthz` and `/readyz`, for monitoring.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::Api;
use crate::http::json;
use crate::http::problem::responses::{Internal, Unavailable};
use crate::http::problem::{Problem, ProblemType};
use crate::store::Shortage;

/// The health of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It works.
    Ok,
}

/// The status of the service.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; otherwise the answer is a problem.
    pub status: HealthStatus,
    /// The version of Cutpoint.
    pub version: &'static str,
}

const HEALTH: Health = Health { status: HealthStatus::Ok, version: env!("CARGO_PKG_VERSION") };

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(check_health)).routes(routes!(check_readiness))
}

/// Check whether the process answers
#[utoipa::path(
    get, path = "/healthz", tag = "service",
    responses((status = 200, description = "It answers.", body = Health), Internal)
)]
async fn check_health() -> Response {
    json::value(StatusCode::OK, &HEALTH)
}

/// Check whether the service accepts jobs
///
/// After a write has failed for lack of space, the service is not ready until more space is free than at that time.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses((status = 200, description = "It accepts jobs.", body = Health), Internal, Unavailable)
)]
async fn check_readiness(State(api): State<Api>) -> Result<Response, Problem> {
    if !api.queue.is_accepting() {
        return Err(Problem::new(ProblemType::Unavailable, "the service is shutting down"));
    }
    if let Some(shortage) = api.store.shortage().await? {
        let Shortage { room_bytes, failed_at_bytes } = shortage;
        let detail = format!(
            "a write failed for lack of space when {failed_at_bytes} bytes were free, and {room_bytes} are free now: free more"
        );
        return Err(Problem::new(ProblemType::Unavailable, detail));
    }
    if let Err(error) = api.store.check().await {
        tracing::error!(%error, "the store is not ready");
        return Err(Problem::new(ProblemType::Unavailable, "the store is not ready"));
    }
    Ok(json::value(StatusCode::OK, &HEALTH))
}

//! `/healthz` and `/readyz`, for whoever watches over the process.

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

/// What the service says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It works.
    Ok,
}

/// That the service works.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`: a service that does not work answers a problem.
    pub status: HealthStatus,
    /// The version of Cutpoint.
    pub version: &'static str,
}

const HEALTH: Health = Health { status: HealthStatus::Ok, version: env!("CARGO_PKG_VERSION") };

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(check_health)).routes(routes!(check_readiness))
}

/// Whether the process answers
#[utoipa::path(
    get, path = "/healthz", tag = "service",
    responses((status = 200, description = "It answers.", body = Health), Internal)
)]
async fn check_health() -> Response {
    json::value(StatusCode::OK, &HEALTH)
}

/// Whether the service takes jobs
///
/// Once a write has failed for lack of space it is not ready, until there is more space than there was then.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses((status = 200, description = "It takes jobs.", body = Health), Internal, Unavailable)
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

//! `/v1/placements/{id}/explanation`: what limits a placement, and what would improve it.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::Api;
use crate::http::gate::caller::MayRead;
use crate::http::json;
use crate::http::problem::responses::{BadParameter, Conflict, Internal, NotFound, Refused, Unavailable};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::query::Parameters;
use crate::http::routes::placements::placement_id;
use crate::http::shapes::joined::MeasuredExplanation;
use crate::jobs::ExplainError;

/// Seconds that an explanation may take by default, and at most.
const DEFAULT_LIMIT_S: f64 = 2.0;
const MOST_LIMIT_S: f64 = 10.0;

/// How long an explanation may take.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExplanationParameters {
    /// Seconds for all solves together.
    #[param(nullable = false, default = 2.0, exclusive_minimum = 0.0, maximum = 10.0)]
    pub time_limit_s: Option<f64>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_explanation))
}

/// Explain a placement
///
/// Returns what limits the placement, its slack, and the gain of single upgrades for its one pipeline, or for all of
/// several together, proven by solving again, and the newest measurements beside what was planned. For a proof that there
/// is no placement: the single changes that make one possible.
#[utoipa::path(
    get, path = "/v1/placements/{id}/explanation", tag = "placements", security(("key" = ["read"])),
    params(("id" = String, Path, description = "The placement."), ExplanationParameters),
    responses(
        (status = 200, description = "The explanation.", body = MeasuredExplanation),
        BadParameter, NotFound, Conflict, Refused, Internal, Unavailable,
    )
)]
async fn get_explanation(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let limit_s = query.seconds("time_limit_s", MOST_LIMIT_S).unwrap_or(DEFAULT_LIMIT_S);
    query.finish()?;
    let placement = api.store.placement(&caller.tenant, &placement_id(&id)?).await?;
    let explanation = api.queue.explain(&placement, Duration::from_secs_f64(limit_s)).await?;
    let measured = api.store.newest_measurement(&placement.summary.id).await?;
    Ok(json::value(StatusCode::OK, &MeasuredExplanation { explanation, measured }))
}

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Busy | ExplainError::Closing | ExplainError::NoThread(_) => {
                Self::new(ProblemType::Unavailable, error.to_string())
            }
            ExplainError::JobDeleted(_) => Self::new(ProblemType::Conflict, error.to_string()),
            ExplainError::Store(error) => error.into(),
            ExplainError::Unreadable(_) | ExplainError::Refused(_) | ExplainError::Panicked(_) => Self::internal(error),
        }
    }
}

//! `/v1/jobs/validate`: checks the document of a job without creating one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::placement::Reason;
use cutpoint_planner::{Stop, StopReason, infeasibility};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::http::api::Api;
use crate::http::compute::compute_apart;
use crate::http::gate::caller::MayRead;
use crate::http::json;
use crate::http::problem::responses::{BadBody, Internal, Refused, Slow, TooLarge, Unavailable, WrongMedia};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::body::Document;
use crate::http::request::job_request::JobRequest;

/// The time limit of the search for proofs.
const LONGEST: Duration = Duration::from_secs(2);

/// The result of the checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobValidation {
    /// Whether a job can be created from the document.
    pub valid: bool,
    /// Every fault of the document, including unknown ids.
    pub errors: Vec<Fault>,
    /// For a valid document: cheap proofs that it has no placement. An empty list does not mean that there is a
    /// placement.
    pub reasons: Vec<Reason>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(validate_job))
}

/// Check a job
///
/// The document is that of `POST /v1/jobs`. Nothing is stored, and there is no search. The answer names every fault,
/// and every proof of infeasibility that needs no search and at most two seconds.
#[utoipa::path(
    post, path = "/v1/jobs/validate", tag = "jobs", security(("key" = ["read"])),
    request_body = JobRequest,
    responses(
        (status = 200, description = "The result of the checks.", body = JobValidation),
        BadBody, Slow, TooLarge, WrongMedia, Refused, Internal, Unavailable,
    )
)]
async fn validate_job(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    document: Document,
) -> Result<Response, Problem> {
    let validation = match JobRequest::read(&api, &caller, document).await {
        Ok((_, (request, _))) => {
            let deadline = Deadline { at: api.clock.monotonic() + LONGEST, clock: Arc::clone(&api.clock) };
            let reasons = compute_apart(move || infeasibility(&request, &deadline)).await;
            JobValidation { valid: true, errors: Vec::new(), reasons: reasons.unwrap_or_default() }
        }
        Err(problem) if matches!(problem.problem_type, ProblemType::InvalidRequest | ProblemType::NotFound) => {
            JobValidation { valid: false, errors: problem.errors, reasons: Vec::new() }
        }
        Err(problem) => return Err(problem),
    };
    Ok(json::value(StatusCode::OK, &validation))
}

/// Stops the search for proofs at its time limit.
struct Deadline {
    clock: Arc<dyn Clock>,
    at: Duration,
}

impl Stop for Deadline {
    fn reason(&self) -> Option<StopReason> {
        (self.clock.monotonic() >= self.at).then_some(StopReason::TimeLimit)
    }
}

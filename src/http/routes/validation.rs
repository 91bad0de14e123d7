//! `/v1/jobs/validate`: what is wrong with a job, and whether it can have a placement at all, without a job.

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

/// How long proofs are looked for.
const LONGEST: Duration = Duration::from_secs(2);

/// What a job would be told.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobValidation {
    /// Whether the document is one that a job can be made of.
    pub valid: bool,
    /// Every fault of the document, ids that are not stored among them.
    pub errors: Vec<Fault>,
    /// Of a valid document: proofs that it has no placement, as far as they are cheap. None is no promise.
    pub reasons: Vec<Reason>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(validate_job))
}

/// Check a job
///
/// The document is that of `POST /v1/jobs`. Nothing is stored and nothing is searched: the answer names every fault, and
/// every proof that there is no placement that takes no search and at most two seconds.
#[utoipa::path(
    post, path = "/v1/jobs/validate", tag = "jobs", security(("key" = ["read"])),
    request_body = JobRequest,
    responses(
        (status = 200, description = "What a job would be told.", body = JobValidation),
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

/// Ends the look for proofs in time.
struct Deadline {
    clock: Arc<dyn Clock>,
    at: Duration,
}

impl Stop for Deadline {
    fn reason(&self) -> Option<StopReason> {
        (self.clock.monotonic() >= self.at).then_some(StopReason::TimeLimit)
    }
}

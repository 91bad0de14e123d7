//! `/v1/jobs`: planning jobs.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::hash::content_hash;
use cutpoint_planner::domain::placement::PlacementDocument;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::{Id, IdKind};
use crate::http::api::Api;
use crate::http::gate::caller::{MayAdminister, MayPlan, MayRead};
use crate::http::gate::load_shedding::{refuse, refuse_key};
use crate::http::gate::queue_slot::{QueueSlot, with_quota};
use crate::http::headers::etag::ETag;
use crate::http::headers::prefer;
use crate::http::json;
use crate::http::problem::responses::{
    BadBody, BadParameter, Conflict, Internal, InvalidOrReused, NoPlacement, NotFound, Refused, Slow, StorageFull,
    TooLarge, Unavailable, WrongMedia,
};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::body::Document;
use crate::http::request::job_request::JobRequest;
use crate::http::request::paging::{self, PageParameters};
use crate::http::request::query::{NoParameters, Parameters};
use crate::http::shapes::page::JobPage;
use crate::store::{BestSoFar, Job, JobFilter, JobStatus, Registered, StoreError};

/// A filter of jobs.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobParameters {
    /// Jobs with this status. Repeatable: with one of them.
    #[param(nullable = false)]
    pub status: Option<Vec<JobStatus>>,
    /// Jobs of this model.
    #[param(nullable = false)]
    pub model_id: Option<String>,
    /// Jobs on this cluster.
    #[param(nullable = false)]
    pub cluster_id: Option<String>,
    /// Jobs with this label, as `name=value`. Repeatable: with all of them.
    #[param(nullable = false)]
    pub label: Option<Vec<String>>,
    /// Jobs created at this time or later.
    #[param(nullable = false, format = DateTime)]
    pub created_from: Option<String>,
    /// Jobs created before this time.
    #[param(nullable = false, format = DateTime)]
    pub created_before: Option<String>,
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_job, list_jobs))
        .routes(routes!(get_job, delete_job))
        .routes(routes!(stop_job))
        .routes(routes!(get_job_placement))
}

/// Plan a placement
///
/// The job is stored before it is accepted, and survives a restart. With `Prefer: wait=N` the answer waits up to N
/// seconds (at most 120) for the job's end. Inline models and clusters are registered.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", security(("key" = ["plan"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key returns the same job."),
        ("Prefer" = Option<String>, Header, nullable = false, description = "`wait=N`: answer when the job has ended, or after N seconds."),
    ),
    request_body = JobRequest,
    responses(
        (status = 202, description = "The job is accepted.", body = Job, headers(("Location" = String), ("ETag" = String))),
        (status = 200, description = "The job has ended within the wait.", body = Job,
            headers(("Location" = String), ("ETag" = String))),
        BadBody, Slow, NotFound, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn create_job(
    State(api): State<Api>,
    QueueSlot { caller, slot }: QueueSlot,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let (job, request) = JobRequest::read(&api, &caller, document).await?;
    let mut job = match api.queue.submit(job, request, slot).await {
        Ok(registered) => accepted(registered),
        Err(error @ StoreError::QueueFull { .. }) => {
            return Ok(with_quota(&api, refuse("queue", error.to_string())));
        }
        Err(error @ StoreError::QuotaUsed { .. }) => return Err(refuse_key("jobs_per_key", error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let wait = prefer::wait(&headers);
    if let Some(wait) = wait.filter(|_| !job.is_finished()) {
        job = api.queue.wait_until_finished(&job, wait).await?;
    }
    let status = if wait.is_some() && job.is_finished() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/v1/jobs/{}", job.id);
    let response = ([(header::LOCATION, location)], prefer::applied(wait, answer(status, job))).into_response();
    Ok(with_quota(&api, response))
}

/// List jobs
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", security(("key" = ["read"])), params(JobParameters, PageParameters),
    responses(
        (status = 200, description = "A page of jobs, newest first.", body = JobPage),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn list_jobs(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let filter = JobFilter {
        statuses: query.choices("status"),
        model_id: query.id("model_id", IdKind::Model),
        cluster_id: query.id("cluster_id", IdKind::Cluster),
        labels: query.labels("label"),
        created_from: query.time("created_from"),
        created_before: query.time("created_before"),
    };
    let page = paging::page(&mut query, IdKind::Job);
    query.finish()?;
    let listed = api.store.jobs(&caller.tenant, filter, page).await?;
    Ok(json::value(StatusCode::OK, &JobPage::from(listed)))
}

/// Read a job
///
/// With `Prefer: wait=N` the answer waits up to N seconds (at most 120) for the job's end. With the last ETag in
/// `If-None-Match` too, it waits for any change, and is 304 if there is none. If the job has changed already, the
/// answer is immediate.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The job."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
        ("Prefer" = Option<String>, Header, nullable = false, description = "`wait=N`: answer when the job has ended, with If-None-Match when it has changed, or after N seconds."),
    ),
    responses(
        (status = 200, description = "The job.", body = Job, headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn get_job(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let mut job = api.store.job(&caller.tenant, &job_id(&id)?).await?;
    let wait = prefer::wait(&headers);
    if let Some(wait) = wait.filter(|_| !job.is_finished()) {
        if !headers.contains_key(header::IF_NONE_MATCH) {
            job = api.queue.wait_until_finished(&job, wait).await?;
        } else if ETag::new(job.version).is_known(&headers) {
            job = api.queue.wait_for_change(&job, wait).await?;
        }
    }
    let etag = ETag::new(job.version);
    let known = etag.is_known(&headers);
    Ok(prefer::applied(wait, if known { etag.not_modified() } else { answer(StatusCode::OK, job) }))
}

/// Delete a finished job
///
/// Its placement stays. A job that has not ended is not deleted: 409. Stop it first.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "jobs", security(("key" = ["admin"])),
    params(("id" = String, Path, description = "The job.")),
    responses((status = 204, description = "Deleted."), BadParameter, NotFound, Conflict, Refused, Internal, Unavailable, StorageFull)
)]
async fn delete_job(
    State(api): State<Api>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    _: NoParameters,
) -> Result<Response, Problem> {
    api.store.delete_job(&caller.tenant, &job_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Stop a job
///
/// The job ends now with its best placement so far. Stopping it again, or stopping an ended job, has no effect. With
/// `Prefer: wait=N` the answer waits up to N seconds (at most 120) for the end.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/stop", tag = "jobs", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The job."),
        ("Prefer" = Option<String>, Header, nullable = false, description = "`wait=N`: answer when the job has ended, or after N seconds."),
    ),
    responses(
        (status = 200, description = "The job; it may still be running for a moment.", body = Job,
            headers(("ETag" = String))),
        BadParameter, NotFound, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn stop_job(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let mut job = api.queue.stop(&caller.tenant, &job_id(&id)?).await?;
    let wait = prefer::wait(&headers);
    if let Some(wait) = wait.filter(|_| !job.is_finished()) {
        job = api.queue.wait_until_finished(&job, wait).await?;
    }
    Ok(prefer::applied(wait, answer(StatusCode::OK, job)))
}

/// Read a job's best placement so far
///
/// Returns only the document. The placement of a finished job is also stored under `placement_id`.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/placement", tag = "jobs", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The job."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "The ETag of a known version."),
    ),
    responses(
        (status = 200, description = "The best placement so far, or the proof that there is none.", body = PlacementDocument,
            headers(("ETag" = String))),
        (status = 304, description = "Not modified."),
        BadParameter, NotFound, NoPlacement, Refused, Internal, Unavailable,
    )
)]
async fn get_job_placement(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let id = job_id(&id)?;
    let (etag, document) = match api.store.best_placement(&caller.tenant, &id).await? {
        BestSoFar::Stored(placement) => (ETag::new(&placement.summary.id), placement.document),
        BestSoFar::Incumbent(document) => (ETag::new(content_hash(&document)), document),
        BestSoFar::Deleted(placement_id) => {
            let detail = format!("{id} ended with {placement_id}, which was deleted");
            return Err(Problem::new(ProblemType::NotFound, detail));
        }
        BestSoFar::Nothing => {
            return Err(Problem::new(ProblemType::NoPlacement, format!("{id} has none, or none yet")));
        }
    };
    Ok(if etag.is_known(&headers) { etag.not_modified() } else { etag.on(json::text(StatusCode::OK, document)) })
}

/// Parses the id of a request's job and adds it to the request's span for the log.
fn accepted(Registered { row, replayed, .. }: Registered<Job>) -> Job {
    tracing::Span::current().record("job_id", tracing::field::display(&row.id));
    if !replayed {
        tracing::info!("job queued");
    }
    row
}

/// Returns an answer with a job and its tag.
fn answer(status: StatusCode, job: Job) -> Response {
    ETag::new(job.version).on(json::value(status, &job))
}

/// Parses the id in a path.
pub(crate) fn job_id(text: &str) -> Result<Id, Problem> {
    Id::parse(IdKind::Job, text).ok_or_else(|| Problem::not_found("job", text))
}

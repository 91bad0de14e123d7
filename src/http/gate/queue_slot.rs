//! Reserves a slot of the queue before a body is read, so that refusing a request is cheap.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::unit::counted;

use crate::http::api::Api;
use crate::http::gate::caller::{Caller, MayPlan};
use crate::http::gate::load_shedding::{refuse, write_rate_limit};
use crate::http::headers::idempotency;
use crate::http::problem::{Problem, ProblemType};
use crate::jobs::Slot;

/// A caller that submits a job, with a queue slot for it.
#[derive(Debug)]
pub(crate) struct QueueSlot {
    /// The caller.
    pub(crate) caller: Caller,
    /// `None` for a retry of an answered request, which is answered again even if the queue is full.
    pub(crate) slot: Option<Slot>,
}

impl FromRequestParts<Api> for QueueSlot {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let MayPlan(caller) = MayPlan::from_request_parts(parts, api).await.map_err(Problem::into_response)?;
        if !api.queue.is_accepting() {
            return Err(Problem::new(ProblemType::Unavailable, "the service is shutting down").into_response());
        }
        let slot = api.queue.reserve_slot().await.map_err(|error| Problem::from(error).into_response())?;
        if slot.is_none() && !is_known(parts, api, &caller).await.map_err(Problem::into_response)? {
            let (quota, _) = api.queue.quota();
            let detail = format!("the queue has {} already, including those being submitted", counted(quota, "job"));
            return Err(with_quota(api, refuse("queue", detail)));
        }
        Ok(Self { caller, slot })
    }
}

/// Returns `true` if the caller has used the idempotency key of this request before.
async fn is_known(parts: &Parts, api: &Api, caller: &Caller) -> Result<bool, Problem> {
    match idempotency::key(&parts.headers)? {
        Some(key) => Ok(api.store.knows_key(&caller.tenant, &key).await?),
        None => Ok(false),
    }
}

/// Adds the headers about the queue's quota to an answer.
pub(crate) fn with_quota(api: &Api, mut response: Response) -> Response {
    let (quota, free) = api.queue.quota();
    write_rate_limit(response.headers_mut(), "queue", "jobs", quota, free);
    response
}

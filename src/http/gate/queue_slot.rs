//! Room in the queue, asked for before a body is read: what must be refused then costs next to nothing.

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

/// Who wants a job planned, and a place in the queue for it.
#[derive(Debug)]
pub(crate) struct QueueSlot {
    /// Who asks.
    pub(crate) caller: Caller,
    /// None for a retry of a request that was answered: it is answered again, however full the queue is.
    pub(crate) place: Option<Slot>,
}

impl FromRequestParts<Api> for QueueSlot {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let MayPlan(caller) = MayPlan::from_request_parts(parts, api).await.map_err(Problem::into_response)?;
        if !api.queue.is_accepting() {
            return Err(Problem::new(ProblemType::Unavailable, "the service is shutting down").into_response());
        }
        let place = api.queue.place().await.map_err(|error| Problem::from(error).into_response())?;
        if place.is_none() && !is_known(parts, api, &caller).await.map_err(Problem::into_response)? {
            let (quota, _) = api.queue.quota();
            let detail = format!("the queue has {} already, those on their way among them", counted(quota, "job"));
            return Err(with_quota(api, refuse("queue", detail)));
        }
        Ok(Self { caller, place })
    }
}

/// Whether the caller has given the idempotency key of this request before.
async fn is_known(parts: &Parts, api: &Api, caller: &Caller) -> Result<bool, Problem> {
    match idempotency::key(&parts.headers)? {
        Some(key) => Ok(api.store.knows_key(&caller.tenant, &key).await?),
        None => Ok(false),
    }
}

/// An answer that says how much room the queue has.
pub(crate) fn with_quota(api: &Api, mut response: Response) -> Response {
    let (quota, room) = api.queue.quota();
    write_rate_limit(response.headers_mut(), "queue", "jobs", quota, room);
    response
}

//! Room in the queue, asked for before a body is read: what must be refused then costs next to nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::api::Api;
use super::problem::{Problem, ProblemType};
use super::shed::{refuse, say_room};
use crate::jobs::Place;

/// A place in the queue.
#[derive(Debug)]
pub(super) struct QueueRoom {
    /// None where only the insert can tell.
    pub(super) place: Option<Place>,
}

impl FromRequestParts<Api> for QueueRoom {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        if !api.queue.is_accepting() {
            return Err(Problem::new(ProblemType::Unavailable, "the service is shutting down").into_response());
        }
        // A retry of a request that was answered is answered again, however full the queue is.
        if parts.headers.contains_key("idempotency-key") {
            return Ok(Self { place: None });
        }
        match api.queue.place().await {
            Ok(Some(place)) => Ok(Self { place: Some(place) }),
            Ok(None) => {
                let (quota, _) = api.queue.quota();
                Err(with_quota(api, refuse("queue", format!("{quota} jobs are waiting already, or on their way"))))
            }
            Err(error) => Err(Problem::from(error).into_response()),
        }
    }
}

/// An answer that says how much room the queue has.
pub(super) fn with_quota(api: &Api, mut response: Response) -> Response {
    let (quota, room) = api.queue.quota();
    say_room(response.headers_mut(), "queue", "jobs", quota, room);
    response
}

//! `/v1/jobs/{id}/events`: the events of a job, as server-sent events.
//!
//! Events are not stored individually. A job's row stores the version at which each kind of event last happened. A
//! stream sends the newest event of each kind after the caller's `Last-Event-ID`, in the order in which they happened.
//! So a stream can continue after a restart, a slow reader needs no buffer, and of several incumbents between two reads
//! only the last is sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::unit::counted;
use metrics::gauge;
use tokio::sync::OwnedSemaphorePermit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::Id;
use crate::http::api::Api;
use crate::http::gate::caller::MayRead;
use crate::http::gate::load_shedding::{refuse, refuse_key};
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Internal, NotFound, Refused, Unavailable};
use crate::http::request::query::NoParameters;
use crate::http::routes::jobs::job_id;
use crate::store::Job;
use crate::telemetry::metric;

/// The interval of keep-alive comments on a stream without events.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a stream waits for a change before it reads the job again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

const EXAMPLE: &str = "event: queued\nid: 1-queued\ndata: {\"id\":\"job_01931e5c-b7c8-7e03-8f5a-1b2c3d4e5f60\", …}\n\n";

/// The kinds of event. Events at the same version are sent in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Queued,
    Started,
    Incumbent,
    Bound,
    Finished,
}

/// An event of a job. Its id is such as `7-incumbent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct JobEvent {
    version: u64,
    kind: Kind,
}

impl Kind {
    const NAMED: [(&'static str, Self); 5] = [
        ("queued", Self::Queued),
        ("started", Self::Started),
        ("incumbent", Self::Incumbent),
        ("bound", Self::Bound),
        ("finished", Self::Finished),
    ];

    fn name(self) -> &'static str {
        Self::NAMED[self as usize].0
    }
}

impl std::fmt::Display for JobEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.version, self.kind.name())
    }
}

impl FromStr for JobEvent {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (version, name) = text.split_once('-').ok_or(())?;
        let (_, kind) = Kind::NAMED.into_iter().find(|(known, _)| *known == name).ok_or(())?;
        Ok(Self { version: version.parse().map_err(|_| ())?, kind })
    }
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stream_job_events))
}

/// Follow a job
///
/// Sends server-sent events: `queued`, `started`, `incumbent` (a better placement), `bound` (a better bound) and
/// `finished`, which ends the stream. The `data` of each event is the job at the time of sending, as `GET
/// /v1/jobs/{id}` returns it. A stream sends the newest event of each kind. With `Last-Event-ID` it sends only later
/// ones, also after a restart of the service. The answer is 204 for a client that has seen `finished`, so that it does
/// not reconnect.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", tag = "jobs", security(("key" = ["read"])),
    params(
        ("id" = String, Path, description = "The job."),
        ("Last-Event-ID" = Option<String>, Header, nullable = false, description = "The id of the last received event."),
    ),
    responses(
        (status = 200, description = "The events.", body = String, content_type = "text/event-stream", example = json!(EXAMPLE)),
        (status = 204, description = "The job has ended, and the caller has received `finished`."),
        BadParameter, NotFound, Refused, Internal, Unavailable,
    )
)]
async fn stream_job_events(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let seen = last_seen(&headers)?;
    let job = api.store.job(&caller.tenant, &job_id(&id)?).await?;
    // The id is newer than the job, for example after the database was restored from a backup: all events are sent
    // again.
    let seen = seen.filter(|seen| seen.version <= job.version);
    let unseen = unseen(&job, seen);
    if unseen.is_empty() && job.is_finished() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let Ok(permit) = Arc::clone(&api.streams).try_acquire_owned() else {
        return Ok(refuse(
            "streams",
            format!("the service has {} of events open already", counted(api.limits.streams, "stream")),
        ));
    };
    let permit_of_key = match &caller.key_id {
        Some(key) => Some(api.keyring.stream(key).ok_or_else(|| {
            let most = api.keyring.most().streams;
            refuse_key("streams_per_key", format!("this key has {} of events open already", counted(most, "stream")))
        })?),
        None => None,
    };
    let follower = Follower { api, job, seen, unseen, key_id: caller.key_id, _open: Open::new(permit, permit_of_key) };
    let events = futures::stream::unfold(follower, Follower::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<JobEvent>, Problem> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(None) };
    let event = value.to_str().ok().and_then(|text| text.parse().ok());
    event.map(Some).ok_or_else(|| {
        Problem::invalid_parameters(vec![Fault::new(
            "/header/last-event-id",
            FaultCode::UnknownValue,
            "this is not the id of an event",
            "Give the id of the last event unchanged, or leave it out for all events",
        )])
    })
}

/// Returns the events of a job after the last received one, in order.
fn unseen(job: &Job, seen: Option<JobEvent>) -> VecDeque<JobEvent> {
    let happened = job.happened;
    let mut events: Vec<JobEvent> = [
        (Some(happened.queued), Kind::Queued),
        (happened.started, Kind::Started),
        (happened.incumbent, Kind::Incumbent),
        (happened.bound, Kind::Bound),
        (job.is_finished().then_some(job.version), Kind::Finished),
    ]
    .into_iter()
    .filter_map(|(version, kind)| version.map(|version| JobEvent { version, kind }))
    .filter(|event| seen.is_none_or(|seen| *event > seen))
    .collect();
    events.sort_unstable();
    events.into()
}

/// A client that follows a job.
struct Follower {
    api: Api,
    job: Job,
    seen: Option<JobEvent>,
    unseen: VecDeque<JobEvent>,
    /// Its key, which may be revoked meanwhile.
    key_id: Option<Id>,
    _open: Open,
}

/// Counts an open stream until it is dropped.
pub(crate) struct Open {
    _permit: OwnedSemaphorePermit,
    _permit_of_key: Option<OwnedSemaphorePermit>,
}

impl Open {
    pub(crate) fn new(permit: OwnedSemaphorePermit, permit_of_key: Option<OwnedSemaphorePermit>) -> Self {
        gauge!(metric::STREAMS).increment(1);
        Self { _permit: permit, _permit_of_key: permit_of_key }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(metric::STREAMS).decrement(1);
    }
}

impl Follower {
    /// Returns the next event. Returns `None` after the job's end, on shutdown, or if the job was deleted or the key
    /// revoked. A client that reconnects gets the reason.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        while self.unseen.is_empty() {
            if self.job.is_finished() || !self.api.queue.is_accepting() {
                return None;
            }
            let changed = self.api.queue.wait_for_change(&self.job, LOOK_AGAIN).await;
            if let Some(key_id) = &self.key_id
                && !self.api.keyring.is_valid(key_id).await.ok()?
            {
                return None;
            }
            self.job = changed.ok()?;
            self.unseen = unseen(&self.job, self.seen);
        }
        let event = self.unseen.pop_front()?;
        self.seen = Some(event);
        let job = serde_json::to_string(&self.job).ok()?;
        Some((Ok(Event::default().event(event.kind.name()).id(event.to_string()).data(job)), self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        for (_, kind) in Kind::NAMED {
            let event = JobEvent { version: 12, kind };
            assert_eq!(event.to_string().parse(), Ok(event));
        }
        for text in ["", "12", "x-queued", "12-done", "-queued", "12-"] {
            assert_eq!(text.parse::<JobEvent>(), Err(()), "{text}");
        }
    }
}

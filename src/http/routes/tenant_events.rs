//! `/v1/events`: the events of a tenant's clusters and deployments, as server-sent events.
//!
//! The id of an event is its number in the store. So a stream continues after a restart, on any server.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::unit::counted;
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::http::api::Api;
use crate::http::gate::caller::MayRead;
use crate::http::gate::load_shedding::{refuse, refuse_key};
use crate::http::problem::Problem;
use crate::http::problem::responses::{BadParameter, Internal, Refused, Unavailable};
use crate::http::request::query::NoParameters;
use crate::http::routes::events::Open;
use crate::store;

/// The interval of keep-alive comments on a stream without events.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a stream waits for news before it looks.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How many events are read at once.
const AT_ONCE: u32 = 100;

const EXAMPLE: &str = "id: 42\nevent: cluster.changed\ndata: {\"type\":\"cluster.changed\",\"timestamp\":\"2026-11-23T09:30:00.005Z\",\"data\":{…}}\n\n";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stream_events))
}

/// Follow clusters and deployments
///
/// Sends the events of the tenant, as messages to webhooks have them. With `Last-Event-ID` the stream continues after that
/// event; with 0 it begins with the oldest that is kept; without it, now.
#[utoipa::path(
    get, path = "/v1/events", tag = "deployments", security(("key" = ["read"])),
    params(("Last-Event-ID" = Option<String>, Header, nullable = false, description = "The id of the last received event.")),
    responses(
        (status = 200, description = "The events.", body = String, content_type = "text/event-stream", example = json!(EXAMPLE)),
        BadParameter, Refused, Internal, Unavailable,
    )
)]
async fn stream_events(
    State(api): State<Api>,
    MayRead(caller): MayRead,
    headers: HeaderMap,
    _: NoParameters,
) -> Result<Response, Problem> {
    let news = api.store.site_changes();
    let after = match last_seen(&headers)? {
        Some(after) => after,
        None => api.store.last_event().await?,
    };
    let Ok(permit) = Arc::clone(&api.streams).try_acquire_owned() else {
        let open = counted(api.limits.streams, "stream");
        return Ok(refuse("streams", format!("the service has {open} of events open already")));
    };
    let permit_of_key = match &caller.key_id {
        Some(key) => Some(api.keyring.stream(key).ok_or_else(|| {
            let most = api.keyring.most().streams;
            refuse_key("streams_per_key", format!("this key has {} of events open already", counted(most, "stream")))
        })?),
        None => None,
    };
    let (tenant, key_id) = (caller.tenant, caller.key_id);
    let unsent = VecDeque::new();
    let follower = Follower { api, tenant, key_id, after, unsent, news, _open: Open::new(permit, permit_of_key) };
    let events = futures::stream::unfold(follower, Follower::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
        Problem::invalid_parameters(vec![Fault::new(
            "/header/last-event-id",
            FaultCode::UnknownValue,
            "this is not the id of an event",
            "Give the id of the last event unchanged, 0 for all events, or leave it out for those from now on",
        )])
    })
}

/// A client that follows a tenant.
struct Follower {
    api: Api,
    tenant: Tenant,
    /// Its key, which may be revoked meanwhile.
    key_id: Option<Id>,
    after: u64,
    unsent: VecDeque<store::Event>,
    news: watch::Receiver<()>,
    _open: Open,
}

impl Follower {
    /// Returns the next event. Returns `None` on shutdown, or if the key was revoked.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.unsent.pop_front() {
                self.after = event.sequence;
                let sent = Event::default().id(event.sequence.to_string()).event(event.event_type).data(event.payload);
                return Some((Ok(sent), self));
            }
            if !self.api.queue.is_accepting() {
                return None;
            }
            if let Some(key_id) = &self.key_id
                && !self.api.keyring.is_valid(key_id).await.ok()?
            {
                return None;
            }
            self.news.mark_unchanged();
            self.unsent = self.api.store.events_after(&self.tenant, self.after, AT_ONCE).await.ok()?.into();
            if self.unsent.is_empty() {
                tokio::select! {
                    changed = self.news.changed() => changed.ok()?,
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = self.api.queue.closed() => return None,
                }
            }
        }
    }
}

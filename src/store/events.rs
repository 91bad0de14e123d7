//! Events: what has happened to clusters and deployments, numbered in the order of commits. Each is written in the
//! transaction that causes it, into the stream of its tenant and into the outbox of its webhooks.

use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;
use serde::Serialize;

use super::deployments::Deployment;
use super::news::News;
use super::row::Reading;
use super::{ClusterSummary, Connection, Store, StoreError, outbox, sql};
use crate::domain::deployment::ConditionStatus;
use crate::domain::named::{Named, named};
use crate::domain::tenant::Tenant;

named! {
    /// The type of an event.
    pub enum EventType {
        /// A job has ended. Only webhooks hear of it; a job has a stream of its own.
        JobFinished = "job.finished",
        /// A cluster has a new revision.
        ClusterChanged = "cluster.changed",
        /// A placement was proposed.
        DeploymentProposed = "deployment.proposed",
        /// A placement was applied.
        DeploymentApplied = "deployment.applied",
        /// What is applied became slower than its policy allows.
        DeploymentDegraded = "deployment.degraded",
        /// What is applied became invalid.
        DeploymentBroken = "deployment.broken",
        /// What is applied is valid and fast enough again.
        DeploymentRecovered = "deployment.recovered",
    }
}

/// The body of an event: the envelope of Standard Webhooks.
#[derive(Serialize)]
struct Payload<'d, T> {
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: Timestamp,
    data: &'d T,
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number, which grows.
    pub sequence: u64,
    /// The name of its type.
    pub event_type: String,
    /// Its body, JSON text.
    pub payload: String,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    sequence: i64,
    event_type: String,
    payload: String,
}

impl Store {
    /// Returns the events of a tenant after a number, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn events_after(&self, tenant: &Tenant, after: u64, most: u32) -> Result<Vec<Event>, StoreError> {
        let select = sql::query_as(
            "SELECT sequence, event_type, payload FROM events WHERE tenant = $1 AND sequence > $2
             ORDER BY sequence LIMIT $3",
        );
        let select = select.bind(tenant.as_str()).bind(i64::try_from(after).unwrap_or(i64::MAX)).bind(i64::from(most));
        let rows: Vec<EventRow> = select.fetch_all(&mut self.read().await?).await?;
        let event = |row: EventRow| {
            let sequence = Reading { id: "an event" }.count("sequence", row.sequence)?;
            Ok(Event { sequence, event_type: row.event_type, payload: row.payload })
        };
        rows.into_iter().map(event).collect()
    }

    /// Returns the number of the last event of all tenants, or 0.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_event(&self) -> Result<u64, StoreError> {
        let last: i64 = sql::query_scalar("SELECT last FROM event_numbers").fetch_one(&mut self.read().await?).await?;
        Reading { id: "the events" }.count("last", last)
    }

    /// Deletes the events before a time. Returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let delete = sql::query("DELETE FROM events WHERE created_at < $1").bind(before.as_microsecond());
                Ok(delete.execute(connection).await?)
            })
        })
        .await
    }
}

/// Returns `true` if nothing is to be done about a deployment in this condition.
pub(super) fn is_well(status: ConditionStatus) -> bool {
    matches!(status, ConditionStatus::Healthy | ConditionStatus::Pending)
}

/// Writes an event about a deployment as it is now. Returns `true` if a webhook is to be told.
pub(super) async fn of_deployment(
    connection: &mut Connection,
    store: &Store,
    event_type: EventType,
    deployment: &Deployment,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let payload = json_text(&Payload { event_type: event_type.name(), timestamp: now, data: deployment });
    record(connection, &deployment.tenant, event_type, &payload, now).await?;
    tell_webhooks(connection, store, &deployment.tenant, event_type, payload, now).await
}

/// Writes the event of a new revision of a cluster. Webhooks are told if the cluster has deployments. Returns `true` if one
/// is to be told.
pub(super) async fn of_cluster(
    connection: &mut Connection,
    store: &Store,
    tenant: &Tenant,
    cluster: &ClusterSummary,
    has_deployments: bool,
) -> Result<bool, StoreError> {
    let (event_type, now) = (EventType::ClusterChanged, cluster.revised_at);
    let payload = json_text(&Payload { event_type: event_type.name(), timestamp: now, data: cluster });
    record(connection, tenant, event_type, &payload, now).await?;
    if !has_deployments {
        return Ok(false);
    }
    tell_webhooks(connection, store, tenant, event_type, payload, now).await
}

async fn record(
    connection: &mut Connection,
    tenant: &Tenant,
    event_type: EventType,
    payload: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let next = sql::query_scalar("UPDATE event_numbers SET last = last + 1 RETURNING last");
    let sequence: i64 = next.fetch_one(&mut *connection).await?;
    let insert = sql::query(
        "INSERT INTO events (sequence, tenant, event_type, created_at, payload) VALUES ($1, $2, $3, $4, $5)",
    );
    let insert = insert.bind(sequence).bind(tenant.as_str()).bind(event_type.name()).bind(now.as_microsecond());
    insert.bind(payload).execute(&mut *connection).await?;
    connection.tell(News::Site);
    Ok(())
}

async fn tell_webhooks(
    connection: &mut Connection,
    store: &Store,
    tenant: &Tenant,
    event_type: EventType,
    payload: String,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let message = outbox::Message { tenant, event_type: event_type.name(), job_id: None, payload };
    outbox::send(connection, &*store.ids, message, now, store.steady.now()).await
}

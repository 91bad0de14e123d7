//! The outbox: messages to webhooks, written in the transaction that causes them.

use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;
use serde::Serialize;

use super::news::News;
use super::sql;
use super::{Connection, Job, StoreError};
use crate::clock::Ids;
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::domain::webhook::JOB_FINISHED;

/// The body of a message: the envelope of Standard Webhooks.
#[derive(Serialize)]
struct Payload<'j> {
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: Timestamp,
    data: &'j Job,
}

/// A message to all webhooks of a tenant.
pub(super) struct Message<'m> {
    pub(super) tenant: &'m Tenant,
    pub(super) event_type: &'static str,
    /// The job that it is about, if it is about one.
    pub(super) job_id: Option<&'m Id>,
    /// The body, JSON text.
    pub(super) payload: String,
}

/// Writes the message of a job that ends in this transaction, and a delivery for each enabled webhook of its tenant,
/// due now by the steady clock. Returns `true` if there is a delivery.
pub(super) async fn announce(
    connection: &mut Connection,
    ids: &dyn Ids,
    job: &Job,
    now: Timestamp,
    due: Timestamp,
) -> Result<bool, StoreError> {
    super::deployments::counters::job_ended(connection, &job.id).await?;
    let message = Message {
        tenant: &job.tenant,
        event_type: JOB_FINISHED,
        job_id: Some(&job.id),
        payload: json_text(&Payload { event_type: JOB_FINISHED, timestamp: job.finished_at.unwrap_or(now), data: job }),
    };
    send(connection, ids, message, now, due).await
}

/// Writes a message and a delivery for each enabled webhook of its tenant. Returns `true` if there is a delivery.
pub(super) async fn send(
    connection: &mut Connection,
    ids: &dyn Ids,
    message: Message<'_>,
    now: Timestamp,
    due: Timestamp,
) -> Result<bool, StoreError> {
    let select = sql::query_scalar("SELECT id FROM webhooks WHERE tenant = $1 AND disabled_at IS NULL");
    let webhooks: Vec<String> = select.bind(message.tenant.as_str()).fetch_all(&mut *connection).await?;
    if webhooks.is_empty() {
        return Ok(false);
    }
    let message_id = ids.id(IdKind::Message);
    sql::query(
        "INSERT INTO webhook_messages (id, event_type, job_id, created_at, payload) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(message_id.as_str())
    .bind(message.event_type)
    // The column is unique with the type. A message that is about no job names itself.
    .bind(message.job_id.unwrap_or(&message_id).as_str())
    .bind(now.as_microsecond())
    .bind(message.payload)
    .execute(&mut *connection)
    .await?;
    for webhook_id in webhooks {
        sql::query(
            "INSERT INTO webhook_deliveries (webhook_id, message_id, status, next_attempt_at, created_at, sequence)
             VALUES ($1, $2, 'pending', $3, $4, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM webhook_deliveries))",
        )
        .bind(webhook_id)
        .bind(message_id.as_str())
        .bind(due.as_microsecond())
        .bind(now.as_microsecond())
        .execute(&mut *connection)
        .await?;
    }
    connection.tell(News::Deliveries);
    Ok(true)
}

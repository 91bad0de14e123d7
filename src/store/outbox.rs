//! The outbox: the messages about the ends of jobs, written in the transaction that ends the job.

use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;
use serde::Serialize;

use super::news::News;
use super::sql;
use super::{Connection, Job, StoreError};
use crate::clock::Ids;
use crate::domain::id::IdKind;
use crate::domain::webhook::JOB_FINISHED;

/// The body of a message: the envelope of Standard Webhooks.
#[derive(Serialize)]
struct Payload<'j> {
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: Timestamp,
    data: &'j Job,
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
    let select = sql::query_scalar("SELECT id FROM webhooks WHERE tenant = $1 AND disabled_at IS NULL");
    let webhooks: Vec<String> = select.bind(job.tenant.as_str()).fetch_all(&mut *connection).await?;
    if webhooks.is_empty() {
        return Ok(false);
    }
    let message_id = ids.id(IdKind::Message);
    sql::query(
        "INSERT INTO webhook_messages (id, event_type, job_id, created_at, payload) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(message_id.as_str())
    .bind(JOB_FINISHED)
    .bind(job.id.as_str())
    .bind(now.as_microsecond())
    .bind(payload(job, now))
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

fn payload(job: &Job, now: Timestamp) -> String {
    json_text(&Payload { event_type: JOB_FINISHED, timestamp: job.finished_at.unwrap_or(now), data: job })
}

//! The outbox: what a job's end tells to webhooks, written in the transaction that ends the job.

use std::collections::BTreeMap;

use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::placement::Termination;
use jiff::Timestamp;
use serde::Serialize;

use super::row::Named;
use super::{Connection, Job, StoreError};
use crate::clock::Ids;
use crate::domain::id::{Id, IdKind};
use crate::domain::webhook::JOB_FINISHED;

/// A message as it is sent: the envelope of Standard Webhooks.
#[derive(Serialize)]
struct Payload<'j> {
    #[serde(rename = "type")]
    event_type: &'static str,
    timestamp: Timestamp,
    data: FinishedJob<'j>,
}

/// A finished job, member for member as the API answers it. A test compares the two.
#[derive(Serialize)]
struct FinishedJob<'j> {
    id: &'j Id,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination: Option<Termination>,
    model_id: &'j Id,
    cluster_id: &'j Id,
    cluster_revision: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    placement_id: Option<&'j Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailedJob<'j>>,
    labels: &'j BTreeMap<String, String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Progress {
    elapsed_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    period_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_bound_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_bound_nodes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<f64>,
}

#[derive(Serialize)]
struct FailedJob<'j> {
    code: &'static str,
    detail: &'j str,
}

/// Writes the message of a job that ends in this transaction, and a delivery for each webhook of its tenant that is
/// enabled, due now by the steady clock; says whether there is any.
pub(super) async fn announce(
    connection: &mut Connection,
    ids: &dyn Ids,
    job: &Job,
    now: Timestamp,
    due: Timestamp,
) -> Result<bool, StoreError> {
    let select = sqlx::query_scalar("SELECT id FROM webhooks WHERE tenant = $1 AND disabled_at IS NULL");
    let webhooks: Vec<String> = select.bind(job.tenant.as_str()).fetch_all(&mut *connection).await?;
    if webhooks.is_empty() {
        return Ok(false);
    }
    let message_id = ids.id(IdKind::Message);
    sqlx::query(
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
        sqlx::query(
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
    Ok(true)
}

fn payload(job: &Job, now: Timestamp) -> String {
    let progress = job.progress().map(|progress| Progress {
        elapsed_s: progress.elapsed_s,
        period_s: progress.period_s,
        lower_bound_s: progress.lower_bound_s,
        lower_bound_nodes: progress.lower_bound_nodes,
        gap: progress.gap,
    });
    let error = job.error.as_ref().map(|error| FailedJob { code: error.code.name(), detail: &error.detail });
    let data = FinishedJob {
        id: &job.id,
        status: job.status.name(),
        termination: job.termination,
        model_id: &job.model_id,
        cluster_id: &job.cluster_id,
        cluster_revision: job.cluster_revision,
        placement_id: job.placement_id.as_ref(),
        progress,
        error,
        labels: &job.labels,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
    };
    json_text(&Payload { event_type: JOB_FINISHED, timestamp: job.finished_at.unwrap_or(now), data })
}

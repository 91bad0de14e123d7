//! The types of a delivery (one message to one webhook) and its row.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::page::Keyed;
use super::row::Reading;
use super::{PageKey, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::named;
use crate::domain::webhook::WebhookSecret;

named! {
    /// The status of a delivery.
    pub enum DeliveryStatus {
        /// Another attempt will be made.
        Pending = "pending",
        /// The receiver has accepted it.
        Delivered = "delivered",
        /// No attempt will be made unless a client requests one.
        Failed = "failed",
    }
}

named! {
    /// How an attempt ended.
    pub enum AttemptOutcome {
        /// The receiver answered 2xx.
        Delivered = "delivered",
        /// The receiver answered 410: its webhook is disabled.
        Gone = "gone",
        /// The receiver answered 3xx, which is not followed.
        Redirected = "redirected",
        /// The receiver answered with another status.
        Rejected = "rejected",
        /// The guard refused the address.
        AddressRefused = "address_refused",
        /// The host's name has no address.
        NotResolved = "not_resolved",
        /// No connection could be established.
        NotConnected = "not_connected",
        /// The receiver's certificate, or the TLS connection, is not valid.
        TlsFailed = "tls_failed",
        /// The attempt timed out.
        TimedOut = "timed_out",
        /// The connection ended before an answer, or the answer was not HTTP.
        BrokenOff = "broken_off",
    }
}

/// An ended attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryAttempt {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How long it took, seconds.
    #[serde(rename = "duration_s", serialize_with = "seconds")]
    #[schema(value_type = f64, minimum = 0)]
    pub duration: Duration,
    /// Its outcome.
    pub outcome: AttemptOutcome,
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 100, maximum = 999)]
    pub status_code: Option<u16>,
    /// The beginning of the receiver's answer, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// A delivery: one message to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delivery {
    /// The message's id, the same at every attempt: the header `webhook-id`.
    #[schema(value_type = String)]
    pub message_id: Id,
    /// The webhook.
    #[schema(value_type = String)]
    pub webhook_id: Id,
    /// The type of the event, such as `job.finished`.
    pub event_type: String,
    /// The job of the event, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub job_id: Option<Id>,
    /// Its status.
    pub status: DeliveryStatus,
    /// The number of started attempts.
    pub attempts: u64,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// The last ended attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_attempt: Option<DeliveryAttempt>,
    /// When the message was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Its position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
}

/// A due delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// The webhook.
    pub webhook_id: Id,
    /// The message.
    pub message_id: Id,
}

/// A claimed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The webhook.
    pub webhook_id: Id,
    /// The message.
    pub message_id: Id,
    /// The number of the attempt, from 1. It is the token with which the outcome is stored.
    pub attempt: u64,
    /// Its number in the schedule, from 1. It restarts when a client requests the delivery again.
    pub try_number: u64,
    /// The URL of the receiver.
    pub url: String,
    /// The secrets that sign it, the newest first.
    pub secrets: Vec<WebhookSecret>,
    /// The body.
    pub payload: String,
}

/// The state of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is delivered.
    Delivered,
    /// Another attempt is due at this time of [`crate::store::Store::steady_now`].
    Again(Timestamp),
    /// It has failed.
    Failed,
    /// It has failed, and its webhook is disabled: the receiver answered 410.
    Gone,
}

impl Keyed for Delivery {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Message, sequence: self.sequence }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
    id: String,
    webhook_id: String,
    job_id: String,
    event_type: String,
    status: String,
    attempts: i64,
    next_attempt_at: Option<i64>,
    created_at: i64,
    sequence: i64,
    last_attempt_at: Option<i64>,
    last_duration_us: Option<i64>,
    last_outcome: Option<String>,
    last_status_code: Option<i64>,
    last_detail: Option<String>,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let next_attempt_at = row.next_attempt_at.map(|time| reading.time("next_attempt_at", time)).transpose()?;
        let last_attempt = match (row.last_attempt_at, row.last_duration_us, &row.last_outcome) {
            (Some(at), Some(duration_us), Some(outcome)) => Some(DeliveryAttempt {
                at: reading.time("last_attempt_at", at)?,
                duration: Duration::from_micros(reading.count("last_duration_us", duration_us)?),
                outcome: reading.named("last_outcome", outcome)?,
                status_code: row.last_status_code.map(|code| status_code(reading, code)).transpose()?,
                detail: row.last_detail,
            }),
            _ => None,
        };
        Ok(Self {
            message_id: reading.id("message_id", IdKind::Message, &row.id)?,
            webhook_id: reading.id("webhook_id", IdKind::Webhook, &row.webhook_id)?,
            // A message that is about no job names itself.
            job_id: match row.job_id == row.id {
                true => None,
                false => Some(reading.id("job_id", IdKind::Job, &row.job_id)?),
            },
            status: reading.named("status", &row.status)?,
            attempts: reading.count("attempts", row.attempts)?,
            next_attempt_at,
            last_attempt,
            created_at: reading.time("created_at", row.created_at)?,
            sequence: reading.count("sequence", row.sequence)?,
            event_type: row.event_type,
        })
    }
}

fn status_code(reading: Reading<'_>, code: i64) -> Result<u16, StoreError> {
    u16::try_from(code).map_err(|_| reading.unreadable("last_status_code", code))
}

//! A delivery's types and its row: one message to one webhook.

use std::time::Duration;

use jiff::Timestamp;

use super::page::Keyed;
use super::row::{Named, Reading};
use super::{PageKey, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::webhook::WebhookSecret;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Another attempt will be made.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// No attempt will be made unless somebody asks.
    Failed,
}

/// How an attempt ended, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// The receiver answered 2xx.
    Delivered,
    /// The receiver answered 410: it wants nothing more.
    Gone,
    /// The receiver answered 3xx, which is not followed.
    Redirected,
    /// The receiver answered with another status.
    Rejected,
    /// The address is one that messages may not go to.
    AddressRefused,
    /// The host's name has no address.
    NotResolved,
    /// No connection came about.
    NotConnected,
    /// The receiver's certificate, or the TLS connection, is not valid.
    TlsFailed,
    /// It took too long.
    TimedOut,
    /// The connection ended before an answer, or the answer was not HTTP.
    BrokenOff,
}

/// An attempt that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The HTTP status, where there was one.
    pub status_code: Option<u16>,
    /// The beginning of the receiver's answer, or what went wrong.
    pub detail: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message_id: Id,
    /// The webhook.
    pub webhook_id: Id,
    /// The job that the message is about.
    pub job_id: Id,
    /// The message's type.
    pub event_type: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts that have begun.
    pub attempts: u64,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt that has ended.
    pub last_attempt: Option<Attempt>,
    /// When the message was made.
    pub created_at: Timestamp,
    /// Its place in the order of inserts.
    pub sequence: u64,
}

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// The webhook.
    pub webhook_id: Id,
    /// The message.
    pub message_id: Id,
}

/// A delivery that an attempt has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The webhook.
    pub webhook_id: Id,
    /// The message.
    pub message_id: Id,
    /// The number of the attempt, from 1: the token that its end is written with.
    pub attempt: u64,
    /// Its place in the schedule, from 1: it starts anew when a delivery is asked for again.
    pub try_number: u64,
    /// Where it goes.
    pub url: String,
    /// What signs it, the newest first.
    pub secrets: Vec<WebhookSecret>,
    /// What is sent.
    pub payload: String,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is delivered.
    Delivered,
    /// Another attempt is due then, by [`crate::store::Store::steady_now`].
    Again(Timestamp),
    /// It has failed.
    Failed,
    /// It has failed, and its webhook is disabled: the receiver answered 410.
    Gone,
}

impl AttemptOutcome {
    /// Every outcome.
    pub fn all() -> &'static [Self] {
        Self::ALL
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Named::name(self)
    }
}

impl Keyed for Delivery {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Message, sequence: self.sequence }
    }
}

impl Named for DeliveryStatus {
    const ALL: &'static [Self] = &[Self::Pending, Self::Delivered, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl Named for AttemptOutcome {
    const ALL: &'static [Self] = &[
        Self::Delivered,
        Self::Gone,
        Self::Redirected,
        Self::Rejected,
        Self::AddressRefused,
        Self::NotResolved,
        Self::NotConnected,
        Self::TlsFailed,
        Self::TimedOut,
        Self::BrokenOff,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Redirected => "redirected",
            Self::Rejected => "rejected",
            Self::AddressRefused => "address_refused",
            Self::NotResolved => "not_resolved",
            Self::NotConnected => "not_connected",
            Self::TlsFailed => "tls_failed",
            Self::TimedOut => "timed_out",
            Self::BrokenOff => "broken_off",
        }
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
            (Some(at), Some(duration_us), Some(outcome)) => Some(Attempt {
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
            job_id: reading.id("job_id", IdKind::Job, &row.job_id)?,
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

//! Webhooks and deliveries as clients see them, and what they are sent.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::Id;
use crate::http::shapes::job::Job;
use crate::store;

/// A webhook to make.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookRequest {
    /// Where messages go: an https URL of a receiver on the open Internet, or in a net that the service's configuration
    /// allows (there http too).
    #[schema(min_length = 1, max_length = 2048, format = "uri")]
    pub url: String,
    /// For people.
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub description: Option<String>,
}

impl WebhookRequest {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 2] = ["url", "description"];
}

/// Changes of a webhook: a field that is given takes the place of the webhook's, the others stay.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPatch {
    /// Where messages go.
    #[schema(nullable = false, min_length = 1, max_length = 2048, format = "uri")]
    pub url: Option<String>,
    /// For people.
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub description: Option<String>,
    /// Whether it gets messages. What waits to be delivered when it is disabled fails, and can be sent again once it is
    /// enabled.
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
}

impl WebhookPatch {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 3] = ["url", "description", "enabled"];
}

/// Why a webhook gets no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody asked for it.
    Asked,
    /// The receiver answered 410.
    Gone,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Where messages go.
    pub url: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// Whether it gets messages.
    pub enabled: bool,
    /// Why it gets none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when it gets none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A webhook with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// What its messages are signed with (Standard Webhooks). It is shown here alone.
    pub secret: String,
    /// Until when the secret before this one signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub previous_secret_expires_at: Option<Timestamp>,
}

/// A page of webhooks, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPage {
    /// The webhooks.
    pub items: Vec<Webhook>,
    /// Give it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Ids of what stands in this part of the list and is damaged in the database; reading one says what is wrong. Absent
    /// where all of it can be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unreadable: Vec<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Another attempt will be made.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// No attempt will be made unless somebody asks.
    Failed,
}

impl DeliveryStatus {
    /// Every status under its name.
    pub const NAMED: [(&'static str, store::DeliveryStatus); 3] = [
        ("pending", store::DeliveryStatus::Pending),
        ("delivered", store::DeliveryStatus::Delivered),
        ("failed", store::DeliveryStatus::Failed),
    ];
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The receiver answered 2xx.
    Delivered,
    /// The receiver answered 410: its webhook is disabled.
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
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryAttempt {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How long it took, seconds.
    #[schema(minimum = 0)]
    pub duration_s: f64,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The HTTP status, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 100, maximum = 999)]
    pub status_code: Option<u16>,
    /// The beginning of the receiver's answer, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// A delivery: one message to one webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// The message, the same at every attempt: the header `webhook-id`.
    #[schema(value_type = String)]
    pub message_id: Id,
    /// The webhook.
    #[schema(value_type = String)]
    pub webhook_id: Id,
    /// What happened: `job.finished`.
    pub event_type: String,
    /// The job that it happened to.
    #[schema(value_type = String)]
    pub job_id: Id,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts that have begun.
    pub attempts: u64,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_attempt: Option<DeliveryAttempt>,
    /// When the message was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryPage {
    /// The deliveries.
    pub items: Vec<Delivery>,
    /// Give it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Ids of what stands in this part of the list and is damaged in the database; reading one says what is wrong. Absent
    /// where all of it can be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unreadable: Vec<String>,
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum EventType {
    /// A job has ended.
    #[serde(rename = "job.finished")]
    JobFinished,
}

/// What webhooks are sent: the body of a message. It is written with the job's end; this is its shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMessage {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The job, as `GET /v1/jobs/{id}` answers it.
    pub data: Job,
}

impl From<store::Webhook> for Webhook {
    fn from(webhook: store::Webhook) -> Self {
        let disabled = webhook.disabled;
        Self {
            id: webhook.id,
            url: webhook.url,
            description: webhook.description,
            enabled: disabled.is_none(),
            disabled_reason: disabled.map(|disabled| disabled.reason.into()),
            disabled_at: disabled.map(|disabled| disabled.at),
            created_at: webhook.created_at,
        }
    }
}

impl WebhookWithSecret {
    /// A stored webhook with what signs its messages now.
    pub fn new(webhook: store::Webhook, now: Timestamp) -> Self {
        Self {
            secret: webhook.secret.reveal(),
            previous_secret_expires_at: webhook.previous_at(now).map(|previous| previous.expires_at),
            webhook: webhook.into(),
        }
    }
}

impl From<store::DisabledReason> for DisabledReason {
    fn from(reason: store::DisabledReason) -> Self {
        match reason {
            store::DisabledReason::Asked => Self::Asked,
            store::DisabledReason::Gone => Self::Gone,
        }
    }
}

impl From<store::DeliveryStatus> for DeliveryStatus {
    fn from(status: store::DeliveryStatus) -> Self {
        match status {
            store::DeliveryStatus::Pending => Self::Pending,
            store::DeliveryStatus::Delivered => Self::Delivered,
            store::DeliveryStatus::Failed => Self::Failed,
        }
    }
}

impl From<store::AttemptOutcome> for AttemptOutcome {
    fn from(outcome: store::AttemptOutcome) -> Self {
        match outcome {
            store::AttemptOutcome::Delivered => Self::Delivered,
            store::AttemptOutcome::Gone => Self::Gone,
            store::AttemptOutcome::Redirected => Self::Redirected,
            store::AttemptOutcome::Rejected => Self::Rejected,
            store::AttemptOutcome::AddressRefused => Self::AddressRefused,
            store::AttemptOutcome::NotResolved => Self::NotResolved,
            store::AttemptOutcome::NotConnected => Self::NotConnected,
            store::AttemptOutcome::TlsFailed => Self::TlsFailed,
            store::AttemptOutcome::TimedOut => Self::TimedOut,
            store::AttemptOutcome::BrokenOff => Self::BrokenOff,
        }
    }
}

impl From<store::Attempt> for DeliveryAttempt {
    fn from(attempt: store::Attempt) -> Self {
        let store::Attempt { at, duration, outcome, status_code, detail } = attempt;
        Self { at, duration_s: duration.as_secs_f64(), outcome: outcome.into(), status_code, detail }
    }
}

impl From<store::Delivery> for Delivery {
    fn from(delivery: store::Delivery) -> Self {
        Self {
            message_id: delivery.message_id,
            webhook_id: delivery.webhook_id,
            event_type: delivery.event_type,
            job_id: delivery.job_id,
            status: delivery.status.into(),
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_attempt: delivery.last_attempt.map(DeliveryAttempt::from),
            created_at: delivery.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_store() {
        for (name, status) in DeliveryStatus::NAMED {
            assert_eq!(serde_json::to_value(DeliveryStatus::from(status)).unwrap(), name);
        }
        for outcome in store::AttemptOutcome::all() {
            assert_eq!(serde_json::to_value(AttemptOutcome::from(*outcome)).unwrap(), outcome.name());
        }
    }
}

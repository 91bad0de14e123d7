//! Webhooks as clients see them, and what they are sent.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::Id;
use crate::http::request::body::document;
use crate::store::{self, DisabledReason, Job};

document! {
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
}

document! {
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
            disabled_reason: disabled.map(|disabled| disabled.reason),
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

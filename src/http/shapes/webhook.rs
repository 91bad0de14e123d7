//! Webhooks and their messages in JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::Id;
use crate::http::request::body::document;
use crate::store::{self, ClusterSummary, Deployment, DisabledReason, Job};

document! {
    /// A webhook to create.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct WebhookRequest {
        /// The URL that messages go to: https for a receiver on the public Internet, https or http for one in a network
        /// that the service's configuration allows.
        #[schema(min_length = 1, max_length = 2048, format = "uri")]
        pub url: String,
        /// A description, for people.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub description: Option<String>,
    }
}

document! {
    /// Changes of a webhook. A given field replaces the webhook's; others stay.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct WebhookPatch {
        /// The URL that messages go to.
        #[schema(nullable = false, min_length = 1, max_length = 2048, format = "uri")]
        pub url: Option<String>,
        /// A description, for people.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub description: Option<String>,
        /// Whether it is enabled. Disabling it fails its pending deliveries, which can be sent again once it is
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
    /// The URL that messages go to.
    pub url: String,
    /// A description, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled_reason: Option<DisabledReason>,
    /// When it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A webhook with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret that signs its messages (Standard Webhooks). Only this answer contains it.
    pub secret: String,
    /// Until when the previous secret signs too.
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

/// The body of a message to webhooks about a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMessage {
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The time of the event.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The job, as `GET /v1/jobs/{id}` returns it.
    pub data: Job,
}

/// The type of a message about a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum ClusterEventType {
    /// The cluster has a new revision.
    #[serde(rename = "cluster.changed")]
    ClusterChanged,
}

/// The body of a message about a cluster that has deployments. The stream of events has it for every cluster.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClusterMessage {
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: ClusterEventType,
    /// The time of the event.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The new revision, as `GET /v1/clusters` lists it.
    pub data: ClusterSummary,
}

/// The type of a message about a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum DeploymentEventType {
    /// A placement was proposed.
    #[serde(rename = "deployment.proposed")]
    DeploymentProposed,
    /// A placement was applied.
    #[serde(rename = "deployment.applied")]
    DeploymentApplied,
    /// What is applied became slower than its policy allows.
    #[serde(rename = "deployment.degraded")]
    DeploymentDegraded,
    /// What is applied became invalid.
    #[serde(rename = "deployment.broken")]
    DeploymentBroken,
    /// What is applied is valid and fast enough again.
    #[serde(rename = "deployment.recovered")]
    DeploymentRecovered,
}

/// The body of a message about a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeploymentMessage {
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: DeploymentEventType,
    /// The time of the event.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The deployment, as `GET /v1/deployments/{id}` returns it.
    pub data: Deployment,
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
    /// Returns a stored webhook with its current secret.
    pub fn new(webhook: store::Webhook, now: Timestamp) -> Self {
        Self {
            secret: webhook.secret.reveal(),
            previous_secret_expires_at: webhook.previous_at(now).map(|previous| previous.expires_at),
            webhook: webhook.into(),
        }
    }
}

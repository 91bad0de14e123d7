//! A webhook's types and its row.

use jiff::Timestamp;

use super::page::Keyed;
use super::row::Reading;
use super::{PageKey, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::named;
use crate::domain::tenant::Tenant;
use crate::domain::webhook::WebhookSecret;

/// A webhook to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where its messages go.
    pub url: String,
    /// For people.
    pub description: Option<String>,
}

/// What changes about a webhook; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookChange {
    /// Where its messages go.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether it gets messages.
    pub enabled: Option<bool>,
}

named! {
    /// Why a webhook gets no messages.
    pub enum DisabledReason {
        /// Somebody asked for it.
        Asked = "asked",
        /// The receiver answered 410.
        Gone = "gone",
    }
}

/// Since when a webhook gets no messages, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: DisabledReason,
}

/// A secret that was rotated and still signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// Until when it signs.
    pub expires_at: Timestamp,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: Id,
    /// Whose it is.
    pub tenant: Tenant,
    /// Where its messages go.
    pub url: String,
    /// For people.
    pub description: Option<String>,
    /// What signs its messages.
    pub secret: WebhookSecret,
    /// What signed them before the last rotation. It may have expired.
    pub previous: Option<PreviousSecret>,
    /// Where it gets no messages.
    pub disabled: Option<Disabled>,
    /// Grows with every change: what an ETag is made of.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its place in the order of inserts.
    pub sequence: u64,
}

impl Webhook {
    /// The secret before the last rotation, where it still signs.
    pub fn previous_at(&self, now: Timestamp) -> Option<PreviousSecret> {
        self.previous.filter(|previous| previous.expires_at > now)
    }

    /// What signs a message now, the newest first.
    pub fn secrets_at(&self, now: Timestamp) -> Vec<WebhookSecret> {
        std::iter::once(self.secret).chain(self.previous_at(now).map(|previous| previous.secret)).collect()
    }
}

impl Keyed for Webhook {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Webhook, sequence: self.sequence }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct WebhookRow {
    id: String,
    tenant: String,
    url: String,
    description: Option<String>,
    secret: String,
    previous_secret: Option<String>,
    previous_secret_expires_at: Option<i64>,
    disabled_at: Option<i64>,
    disabled_reason: Option<String>,
    version: i64,
    created_at: i64,
    sequence: i64,
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        // An error names no secret.
        let secret = |column, text: &str| {
            WebhookSecret::parse(text).ok_or_else(|| reading.unreadable(column, "not a secret of this service"))
        };
        let previous = match (&row.previous_secret, row.previous_secret_expires_at) {
            (Some(text), Some(time)) => Some(PreviousSecret {
                secret: secret("previous_secret", text)?,
                expires_at: reading.time("previous_secret_expires_at", time)?,
            }),
            _ => None,
        };
        let disabled = match (row.disabled_at, &row.disabled_reason) {
            (Some(time), Some(reason)) => Some(Disabled {
                at: reading.time("disabled_at", time)?,
                reason: reading.named("disabled_reason", reason)?,
            }),
            _ => None,
        };
        Ok(Self {
            id: reading.id("id", IdKind::Webhook, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            secret: secret("secret", &row.secret)?,
            previous,
            disabled,
            version: reading.count("version", row.version)?,
            created_at: reading.time("created_at", row.created_at)?,
            sequence: reading.count("sequence", row.sequence)?,
            url: row.url,
            description: row.description,
        })
    }
}

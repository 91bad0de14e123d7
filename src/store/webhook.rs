//! The types of a webhook and its row.

use jiff::Timestamp;

use super::page::Keyed;
use super::row::Reading;
use super::{PageKey, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::named;
use crate::domain::tenant::Tenant;
use crate::domain::webhook::WebhookSecret;

/// A webhook to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// The URL that its messages go to.
    pub url: String,
    /// A description, for people.
    pub description: Option<String>,
}

/// Changes of a webhook. `None` leaves a field unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookChange {
    /// The URL that its messages go to.
    pub url: Option<String>,
    /// A description, for people.
    pub description: Option<String>,
    /// Whether it is enabled.
    pub enabled: Option<bool>,
}

named! {
    /// The reason why a webhook is disabled.
    pub enum DisabledReason {
        /// A client disabled it.
        Asked = "asked",
        /// The receiver answered 410.
        Gone = "gone",
    }
}

/// The time and reason of disabling a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// The time.
    pub at: Timestamp,
    /// The reason.
    pub reason: DisabledReason,
}

/// A rotated secret that still signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: Id,
    /// The tenant that owns it.
    pub tenant: Tenant,
    /// The URL that its messages go to.
    pub url: String,
    /// A description, for people.
    pub description: Option<String>,
    /// The secret that signs its messages.
    pub secret: WebhookSecret,
    /// The secret before the last rotation. It may have expired.
    pub previous: Option<PreviousSecret>,
    /// Whether, since when and why it is disabled.
    pub disabled: Option<Disabled>,
    /// Increases with every change. The ETag is made from it.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its position in the order of inserts.
    pub sequence: u64,
}

impl Webhook {
    /// Returns the secret before the last rotation if it still signs.
    pub fn previous_at(&self, now: Timestamp) -> Option<PreviousSecret> {
        self.previous.filter(|previous| previous.expires_at > now)
    }

    /// Returns the secrets that sign a message now, the newest first.
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
        // Errors must not contain secrets.
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

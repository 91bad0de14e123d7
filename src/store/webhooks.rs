//! Webhooks: create, read, change and delete them, and rotate their secrets. Deliveries are in `deliveries`.

use std::time::Duration;

use jiff::Timestamp;

use super::deliveries::fail_pending;
use super::idempotency::{forget_resource, recall, remember};
use super::sql::{self, QueryBuilder};
use super::webhook::{DisabledReason, NewWebhook, Webhook, WebhookChange, WebhookRow};
use super::{Connection, Idempotency, Listed, Page, Registered, Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;
use crate::domain::webhook::WebhookSecret;

/// The most webhooks of a tenant. Each adds a delivery to every job of the tenant.
pub const MOST_WEBHOOKS: u32 = 50;

/// How long a secret still signs after a rotation.
pub const PREVIOUS_SECRET_VALID: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// Creates a webhook with its own secret.
    ///
    /// # Errors
    /// [`StoreError::TooManyWebhooks`], [`StoreError::KeyReused`], or the database failed.
    pub async fn register_webhook(
        &self,
        tenant: &Tenant,
        webhook: NewWebhook,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<Webhook>, StoreError> {
        let (store, tenant) = (self.clone(), tenant.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let since = store.keys_since();
                if let Some(known) = recall(connection, &tenant, idempotency.as_ref(), since).await? {
                    let row = find(connection, &tenant, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                check_count(connection, &tenant).await?;
                let secret = WebhookSecret::new(store.ids.secret_bytes());
                let insert = sql::query_as(
                    "INSERT INTO webhooks (id, tenant, url, description, secret, created_at, sequence)
                     VALUES ($1, $2, $3, $4, $5, $6, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM webhooks))
                     RETURNING *",
                );
                let id = store.ids.id(IdKind::Webhook);
                let insert = insert.bind(id.as_str()).bind(tenant.as_str()).bind(webhook.url);
                let insert = insert.bind(webhook.description).bind(secret.reveal()).bind(now.as_microsecond());
                let row: WebhookRow = insert.fetch_one(&mut *connection).await?;
                remember(connection, &tenant, idempotency, &id, true, store.steady.now()).await?;
                Ok(Registered { row: row.try_into()?, created: true, replayed: false })
            })
        })
        .await
    }

    /// Returns a webhook.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn webhook(&self, tenant: &Tenant, id: &Id) -> Result<Webhook, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, tenant, id.as_str()).await
    }

    /// Returns a tenant's webhooks in the order of inserts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn webhooks(&self, tenant: &Tenant, page: Page) -> Result<Listed<Webhook>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM webhooks WHERE tenant = ");
        query.push_bind(tenant.as_str().to_owned());
        let mut connection = self.read().await?;
        page.read::<WebhookRow, Webhook>(&mut connection, "webhooks", query).await
    }

    /// Changes a webhook whose version is `expected_version`. Disabling it fails its pending deliveries.
    ///
    /// # Errors
    /// [`StoreError::RevisionChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn change_webhook(
        &self,
        tenant: &Tenant,
        id: &Id,
        expected_version: u64,
        change: WebhookChange,
    ) -> Result<Webhook, StoreError> {
        let (tenant, id, now) = (tenant.clone(), id.clone(), self.clock.now());
        self.write(move |connection| {
            Box::pin(async move {
                let present = find(connection, &tenant, id.as_str()).await?;
                if present.version != expected_version {
                    let (expected, current) = (expected_version, present.version);
                    return Err(StoreError::RevisionChanged { id, expected, current });
                }
                let disabled_at = match change.enabled {
                    Some(true) => None,
                    Some(false) => Some(present.disabled.map_or(now, |disabled| disabled.at)),
                    None => present.disabled.map(|disabled| disabled.at),
                };
                let reason = present.disabled.map_or(DisabledReason::Asked, |disabled| disabled.reason);
                let update = sql::query_as(
                    "UPDATE webhooks SET url = $2, description = $3, disabled_at = $4, disabled_reason = $5,
                            version = version + 1
                     WHERE id = $1 RETURNING *",
                );
                let update = update.bind(id.as_str()).bind(change.url.unwrap_or(present.url));
                let update = update.bind(change.description.or(present.description));
                let update = update.bind(disabled_at.map(Timestamp::as_microsecond));
                let update = update.bind(disabled_at.map(|_| reason.name()));
                let row: WebhookRow = update.fetch_one(&mut *connection).await?;
                if disabled_at.is_some() {
                    fail_pending(connection, &id).await?;
                }
                row.try_into()
            })
        })
        .await
    }

    /// Deletes a webhook with its deliveries, if its version is the expected one, if given.
    ///
    /// # Errors
    /// [`StoreError::RevisionChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn delete_webhook(&self, tenant: &Tenant, id: &Id, expected: Option<u64>) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let current = find(connection, &tenant, id.as_str()).await?.version;
                if let Some(expected) = expected.filter(|expected| *expected != current) {
                    return Err(StoreError::RevisionChanged { id, expected, current });
                }
                let delete = sql::query("DELETE FROM webhooks WHERE id = $1").bind(id.as_str());
                delete.execute(&mut *connection).await?;
                forget_resource(connection, &id).await
            })
        })
        .await
    }

    /// Gives a webhook a new secret. The previous one still signs for [`PREVIOUS_SECRET_VALID`], and earlier ones no
    /// longer do. A retry with the same idempotency key does not rotate again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::KeyReused`], or the database failed.
    pub async fn rotate_secret(
        &self,
        tenant: &Tenant,
        id: &Id,
        idempotency: Option<Idempotency>,
    ) -> Result<Webhook, StoreError> {
        let (store, tenant, id) = (self.clone(), tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let present = find(connection, &tenant, id.as_str()).await?;
                if recall(connection, &tenant, idempotency.as_ref(), store.keys_since()).await?.is_some() {
                    return Ok(present);
                }
                let secret = WebhookSecret::new(store.ids.secret_bytes());
                let expires_at = now.checked_add(PREVIOUS_SECRET_VALID).unwrap_or(Timestamp::MAX);
                let update = sql::query_as(
                    "UPDATE webhooks SET previous_secret = secret, previous_secret_expires_at = $2, secret = $3,
                            version = version + 1
                     WHERE id = $1 RETURNING *",
                );
                let update = update.bind(id.as_str()).bind(expires_at.as_microsecond()).bind(secret.reveal());
                let row: WebhookRow = update.fetch_one(&mut *connection).await?;
                remember(connection, &tenant, idempotency, &id, false, store.steady.now()).await?;
                row.try_into()
            })
        })
        .await
    }
}

/// Reads a tenant's webhook by its id.
pub(super) async fn find(connection: &mut Connection, tenant: &Tenant, id: &str) -> Result<Webhook, StoreError> {
    let select = sql::query_as("SELECT * FROM webhooks WHERE id = $1 AND tenant = $2").bind(id).bind(tenant.as_str());
    let row: Option<WebhookRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| missing(id))?.try_into()
}

fn missing(id: &str) -> StoreError {
    StoreError::NotFound { kind: IdKind::Webhook, id: id.to_owned() }
}

async fn check_count(connection: &mut Connection, tenant: &Tenant) -> Result<(), StoreError> {
    let count = sql::query_scalar("SELECT COUNT(*) FROM webhooks WHERE tenant = $1").bind(tenant.as_str());
    let count: i64 = count.fetch_one(connection).await?;
    if count < i64::from(MOST_WEBHOOKS) { Ok(()) } else { Err(StoreError::TooManyWebhooks { limit: MOST_WEBHOOKS }) }
}

//! Idempotency keys. One transaction stores the key, the request's fingerprint and the created row.
//!
//! Writes in turn run one after the other on all servers, so of two requests with the same key the second sees either
//! nothing of the first or its committed row. A request is never "in flight" for another.

use jiff::Timestamp;

use super::sql;
use super::{Connection, Store, StoreError};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;

/// An idempotency key with the fingerprint of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// A hash of the request's method, path and body.
    pub fingerprint: String,
}

/// The result of a request that creates a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered<T> {
    /// The row.
    pub row: T,
    /// Whether the first request with this key (or this one, without a key) created the row: 201, else 200.
    pub created: bool,
    /// Whether this repeats the answer to an earlier request.
    pub replayed: bool,
}

/// The stored request of a key.
pub(super) struct Remembered {
    pub(super) resource_id: String,
    pub(super) created: bool,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    fingerprint: String,
    resource_id: String,
    created: bool,
}

/// Returns the stored request of a key that was used at `since` or later.
pub(super) async fn recall(
    connection: &mut Connection,
    tenant: &Tenant,
    idempotency: Option<&Idempotency>,
    since: Timestamp,
) -> Result<Option<Remembered>, StoreError> {
    let Some(Idempotency { key, fingerprint }) = idempotency else { return Ok(None) };
    let row: Option<KeyRow> = sql::query_as(
        "SELECT fingerprint, resource_id, created FROM idempotency_keys
         WHERE tenant = $1 AND idempotency_key = $2 AND created_at >= $3",
    )
    .bind(tenant.as_str())
    .bind(key)
    .bind(since.as_microsecond())
    .fetch_optional(connection)
    .await?;
    match row {
        None => Ok(None),
        Some(row) if row.fingerprint != *fingerprint => Err(StoreError::KeyReused { key: key.clone() }),
        Some(KeyRow { resource_id, created, .. }) => Ok(Some(Remembered { resource_id, created })),
    }
}

/// Stores a key. An expired use of it is replaced.
pub(super) async fn remember(
    connection: &mut Connection,
    tenant: &Tenant,
    idempotency: Option<Idempotency>,
    resource_id: &Id,
    created: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(Idempotency { key, fingerprint }) = idempotency else { return Ok(()) };
    sql::query(
        "INSERT INTO idempotency_keys (tenant, idempotency_key, fingerprint, resource_id, created, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant, idempotency_key) DO UPDATE SET fingerprint = excluded.fingerprint,
             resource_id = excluded.resource_id, created = excluded.created, created_at = excluded.created_at",
    )
    .bind(tenant.as_str())
    .bind(key)
    .bind(fingerprint)
    .bind(resource_id.as_str())
    .bind(created)
    .bind(now.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes the keys of a deleted row, so that the same request creates another.
pub(super) async fn forget_resource(connection: &mut Connection, resource_id: &Id) -> Result<(), StoreError> {
    let delete = sql::query("DELETE FROM idempotency_keys WHERE resource_id = $1").bind(resource_id.as_str());
    delete.execute(connection).await?;
    Ok(())
}

impl Store {
    /// Returns the time since which keys are valid. Setting the clock forward must not expire keys, since a retry would
    /// then repeat the work.
    pub(super) fn keys_since(&self) -> Timestamp {
        self.steady.now().checked_sub(self.remember_keys).unwrap_or(Timestamp::MIN)
    }

    /// Returns `true` if a tenant has used this key and it has not expired.
    ///
    /// # Errors
    /// The database failed.
    pub async fn knows_key(&self, tenant: &Tenant, key: &str) -> Result<bool, StoreError> {
        let since = self.keys_since().as_microsecond();
        let select = sql::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM idempotency_keys
                            WHERE tenant = $1 AND idempotency_key = $2 AND created_at >= $3)",
        );
        Ok(select.bind(tenant.as_str()).bind(key).bind(since).fetch_one(&mut self.read().await?).await?)
    }

    /// Deletes expired keys and returns how many. A key with a later time, from before the clock was set back and the
    /// service restarted, gets the current time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn forget_expired_keys(&self) -> Result<u64, StoreError> {
        let (since, now) = (self.keys_since().as_microsecond(), self.steady.now().as_microsecond());
        self.write(move |connection| {
            Box::pin(async move {
                let ahead = sql::query("UPDATE idempotency_keys SET created_at = $1 WHERE created_at > $1").bind(now);
                ahead.execute(&mut *connection).await?;
                let delete = sql::query("DELETE FROM idempotency_keys WHERE created_at < $1").bind(since);
                Ok(delete.execute(connection).await?)
            })
        })
        .await
    }
}

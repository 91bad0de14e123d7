//! API keys. A revoked key keeps its row.

use jiff::Timestamp;

use super::row::{self, Reading, leave_out};
use super::sql;
use super::{Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::key::{KeyHash, KeyText};
use crate::domain::named::Named;
use crate::domain::scope::Scope;
use crate::domain::tenant::Tenant;

/// A key to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// Its name, for people.
    pub name: String,
    /// Its scope.
    pub scope: Scope,
}

/// A stored key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub id: Id,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// Its name, for people.
    pub name: String,
    /// Its scope.
    pub scope: Scope,
    /// The SHA-256 of its text.
    pub hash: KeyHash,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// All keys, including revoked ones.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The readable keys.
    pub readable: Vec<Key>,
    /// The ids of keys whose rows are damaged. They grant no access.
    pub unreadable: Vec<String>,
}

impl Keys {
    /// Returns `true` if no key was ever created.
    pub fn is_empty(&self) -> bool {
        self.readable.is_empty() && self.unreadable.is_empty()
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
    tenant: String,
    name: String,
    scope: String,
    key_hash: String,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<KeyRow> for Key {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let hash = KeyHash::parse(&row.key_hash);
        Ok(Self {
            id: reading.id("id", IdKind::Key, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            scope: reading.named("scope", &row.scope)?,
            hash: hash.ok_or_else(|| reading.unreadable("key_hash", "not a hash"))?,
            created_at: reading.time("created_at", row.created_at)?,
            revoked_at: row.revoked_at.map(|time| reading.time("revoked_at", time)).transpose()?,
            name: row.name,
        })
    }
}

impl Store {
    /// Creates a key and returns its text, which is not stored.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_key(&self, key: NewKey) -> Result<(Key, KeyText), StoreError> {
        let text = KeyText::new(self.ids.uuid(), self.ids.secret_bytes());
        let NewKey { tenant, name, scope } = key;
        let (id, hash, created_at) = (text.id(), text.hash(), self.clock.now());
        let row = Key { id, tenant, name, scope, hash, created_at, revoked_at: None };
        let written = row.clone();
        self.write(move |connection| {
            Box::pin(async move {
                sql::query(
                    "INSERT INTO api_keys (id, tenant, name, scope, key_hash, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(written.id.as_str())
                .bind(written.tenant.as_str())
                .bind(&written.name)
                .bind(Named::name(written.scope))
                .bind(written.hash.to_string())
                .bind(written.created_at.as_microsecond())
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await?;
        Ok((row, text))
    }

    /// Returns all keys, including revoked ones, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keys(&self) -> Result<Keys, StoreError> {
        let rows =
            sql::query("SELECT * FROM api_keys ORDER BY created_at, id").fetch_all(&mut self.read().await?).await?;
        let mut keys = Keys { readable: Vec::with_capacity(rows.len()), unreadable: Vec::new() };
        for row in &rows {
            match row::read::<KeyRow, Key>(row) {
                Ok(key) => keys.readable.push(key),
                Err(StoreError::Unreadable { id, column, .. }) => {
                    leave_out("api_keys", &id, &column);
                    keys.unreadable.push(id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    /// Revokes a key. Revoking it again has no effect.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn revoke_key(&self, id: &Id) -> Result<Key, StoreError> {
        let (id, now) = (id.clone(), self.clock.now());
        self.write(move |connection| {
            Box::pin(async move {
                let revoke = sql::query_as(
                    "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1 RETURNING *",
                );
                let revoke = revoke.bind(id.as_str()).bind(now.as_microsecond());
                let row: Option<KeyRow> = revoke.fetch_optional(connection).await?;
                let missing = || StoreError::NotFound { kind: IdKind::Key, id: id.as_str().to_owned() };
                row.ok_or_else(missing)?.try_into()
            })
        })
        .await
    }
}

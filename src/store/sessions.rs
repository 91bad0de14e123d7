//! Sessions of the page: who has signed in with which API key, and until when.

use std::time::Duration;

use jiff::Timestamp;

use super::row::Reading;
use super::sql::{query, query_as};
use super::{Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::session::SessionToken;

/// How long a session is valid.
pub const SESSION_VALID: Duration = Duration::from_secs(12 * 60 * 60);

impl Store {
    /// Starts a session for the holder of a key, and forgets sessions that have expired. The token is not stored.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start_session(&self, key_id: &Id) -> Result<SessionToken, StoreError> {
        let token = SessionToken::new(self.ids.secret_bytes());
        let (hash, key_id, now) = (token.hash(), key_id.clone(), self.steady.now());
        let expires_at = now.checked_add(SESSION_VALID).unwrap_or(Timestamp::MAX);
        self.write(move |connection| {
            Box::pin(async move {
                let forget = query("DELETE FROM sessions WHERE expires_at <= $1");
                forget.bind(now.as_microsecond()).execute(&mut *connection).await?;
                query("INSERT INTO sessions (token_hash, key_id, created_at, expires_at) VALUES ($1, $2, $3, $4)")
                    .bind(hash)
                    .bind(key_id.as_str())
                    .bind(now.as_microsecond())
                    .bind(expires_at.as_microsecond())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await?;
        Ok(token)
    }

    /// Returns the key of a session that has not expired, or `None`. Whether the key is still valid is another question.
    ///
    /// # Errors
    /// The database failed.
    pub async fn session_key(&self, token: &SessionToken) -> Result<Option<Id>, StoreError> {
        let hash = token.hash();
        let find = query_as("SELECT key_id FROM sessions WHERE token_hash = $1 AND expires_at > $2");
        let find = find.bind(&hash).bind(self.steady.now().as_microsecond());
        let row: Option<(String,)> = find.fetch_optional(&mut self.read().await?).await?;
        row.map(|(key_id,)| Reading { id: &hash }.id("key_id", IdKind::Key, &key_id)).transpose()
    }

    /// Ends a session. Ending it again has no effect.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_session(&self, token: &SessionToken) -> Result<(), StoreError> {
        let hash = token.hash();
        self.write(move |connection| {
            Box::pin(async move {
                query("DELETE FROM sessions WHERE token_hash = $1").bind(hash).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }
}

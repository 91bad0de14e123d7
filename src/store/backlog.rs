//! Figures of the store: the number of jobs and deliveries that have not ended, and the gauges of the engine.

use std::time::Duration;

use metrics::gauge;

use super::engine::Engine;
use super::row::Reading;
use super::sql;
use super::{Store, StoreError};
use crate::telemetry::metric;

/// Jobs that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// The number of waiting jobs.
    pub queued: u64,
    /// The number of running jobs.
    pub running: u64,
    /// The number of pending deliveries to webhooks.
    pub deliveries: u64,
    /// How long the oldest waiting job has been queued, measured by the monotonic clock.
    pub oldest: Option<Duration>,
}

#[derive(sqlx::FromRow)]
struct BacklogRow {
    queued: i64,
    running: i64,
    deliveries: i64,
    oldest: Option<i64>,
}

impl Store {
    /// Jobs that have not ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let row: BacklogRow = sql::query_as(
            "SELECT (SELECT COUNT(*) FROM jobs WHERE status = 'queued') AS queued,
                    (SELECT COUNT(*) FROM jobs WHERE status = 'running') AS running,
                    (SELECT COUNT(*) FROM webhook_deliveries WHERE status = 'pending') AS deliveries,
                    (SELECT MIN(COALESCE(waits_since, created_at)) FROM jobs WHERE status = 'queued') AS oldest",
        )
        .fetch_one(&mut self.read().await?)
        .await?;
        let reading = Reading { id: "the backlog" };
        let since = row.oldest.map(|time| reading.time("oldest", time)).transpose()?;
        Ok(Backlog {
            queued: reading.count("queued", row.queued)?,
            running: reading.count("running", row.running)?,
            deliveries: reading.count("deliveries", row.deliveries)?,
            oldest: since.map(|since| Duration::try_from(self.steady.now().duration_since(since)).unwrap_or_default()),
        })
    }

    /// Sets the gauges of the engine: the size of SQLite's write-ahead log, or the connections to PostgreSQL.
    pub fn measure(&self) {
        match &self.engine {
            Engine::Sqlite(engine) => gauge!(metric::WAL_BYTES).set(engine.wal_bytes() as f64),
            Engine::Postgres(engine) => engine.measure(),
        }
    }
}

//! The store: all SQL, with one file for each aggregate, over two engines.
//!
//! [`Store`] is what the rest of the service knows. Nothing outside of this folder knows which engine runs:
//!
//! - **SQLite** (`sqlite/`): one file, one server. One connection writes; many read.
//! - **PostgreSQL** (`postgres/`): one database, any number of servers, each with a pool.
//!
//! Both store the same rows in the same form (microseconds, JSON text, names), and both take `$1` placeholders. So
//! operations and their statements are written once, in the file of their aggregate, over a `Connection` of either
//! engine and the statements of `sql.rs`. The few statements that differ stand side by side (`Connection::pick`). The
//! folder of an engine has what only it does: opening, migrations, transactions, and for SQLite locks, backups and free
//! space, for PostgreSQL notifications. Migrations of the same number make the same schema.
//!
//! An operation that writes runs in one of two ways. `Store::write` runs in turn: after every such operation before it
//! and before every one after it, on all servers. Operations that number rows, count them or depend on several rows need
//! it. `Store::write_row` is for claims and heartbeats, which change single rows and decide by their columns: with
//! PostgreSQL they do not wait for those in turn. Both commit before the caller gets the result, and both are fenced
//! by tokens. With SQLite, one writer runs them all in groups; with PostgreSQL, a writer in each server runs those in
//! turn in groups under one lock.
//!
//! Deadlines (leases, retries, idempotency keys) are times of [`Store::steady_now`]: the steady clock of the process with
//! SQLite, and the database's clock with PostgreSQL, so that all servers agree.

mod backlog;
pub mod by_hand;
pub mod clusters;
mod connection;
mod copy;
mod damaged;
pub mod deliveries;
pub mod delivery;
pub mod deployments;
mod engine;
mod error;
pub mod events;
mod heartbeats;
pub mod idempotency;
pub mod job;
pub mod jobs;
pub mod keys;
pub mod leases;
pub mod measurements;
pub mod models;
mod news;
mod outbox;
pub mod page;
pub mod placements;
mod postgres;
pub mod retention;
mod row;
pub mod sessions;
mod sql;
mod sqlite;
#[cfg(test)]
pub(crate) mod tests;
mod turns;
pub mod webhook;
pub mod webhooks;
mod writer;

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

pub use backlog::Backlog;
pub use by_hand::NewPlacement;
pub use clusters::{ClusterDocument, ClusterSummary};
pub use copy::CopiedTable;
pub use delivery::{AttemptOutcome, ClaimedDelivery, Delivery, DeliveryAttempt, DeliveryStatus, DueDelivery, Verdict};
pub use deployments::{Deployment, DeploymentChange, DeploymentFilter, NewApplication, NewDeployment, Planning};
pub use engine::{NewsOfOthers, ServerLock, Standing, advice, backup, shown_url, standing};
pub use error::StoreError;
pub use events::{Event, EventType};
pub use heartbeats::Heartbeat;
pub use idempotency::{Idempotency, Registered};
pub use job::{Happened, Job, JobCluster, JobError, JobErrorCode, JobModel, JobProgress, JobStatus, NewJob};
pub use jobs::{JobFilter, QueueLimits, Stopped};
pub use keys::{Key, Keys, NewKey};
pub use leases::{Abandoned, Claimed, Ending, Figures, Found, Incumbent, Lease, Recovered};
pub use measurements::{MeasurementSummary, NewMeasurement};
pub use models::{ModelDocument, ModelStatistics, ModelSummary};
pub use news::News;
pub use page::{Listed, Order, Page, PageKey};
pub use placements::{BestSoFar, Placement, PlacementFilter, PlacementSummary};
pub use retention::{Retention, Swept};
pub use row::termination_name;
pub use sqlite::{APPLICATION_ID, FileSystem, Shortage, Space};
pub use webhook::{Disabled, DisabledReason, NewWebhook, PreviousSecret, Webhook, WebhookChange};
pub use webhooks::{MOST_WEBHOOKS, PREVIOUS_SECRET_VALID};

use self::connection::Connection;
use self::engine::Engine;
use crate::clock::{Clock, Ids, SteadyClock};
use crate::telemetry::Metrics;

/// Options for opening a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite://` and a path, or `postgres://` and a database.
    pub database_url: String,
    /// Whether a missing file or schema is created; default `true`.
    pub create: bool,
    /// SQLite: connections that only read; default 4.
    pub readers: u32,
    /// PostgreSQL: connections of the pool. Two more write and listen. Default 16.
    pub connections: u32,
    /// PostgreSQL: how long an operation waits for a connection; default 5 s.
    pub wait: Duration,
    /// PostgreSQL: how long a statement may take; default 30 s.
    pub statement_timeout: Duration,
    /// PostgreSQL: whether deadlines are times of the database's clock; default `true`.
    pub follow_database_clock: bool,
    /// The most operations in one commit; default 256.
    pub group_limit: usize,
    /// SQLite: the most pages of 4 KiB in the database. Writes beyond it fail for lack of space. The default is SQLite's limit.
    pub most_pages: Option<u32>,
    /// How long an idempotency key is valid; default a day.
    pub remember_keys: Duration,
}

impl StoreSettings {
    /// Returns the default options for this database.
    pub fn new(database_url: impl Into<String>) -> Self {
        Self {
            database_url: database_url.into(),
            create: true,
            readers: 4,
            connections: 16,
            wait: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            follow_database_clock: true,
            group_limit: 256,
            most_pages: None,
            remember_keys: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    clock: Arc<dyn Clock>,
    /// The clock for deadlines.
    steady: SteadyClock,
    ids: Arc<dyn Ids>,
    remember_keys: Duration,
    /// An estimate of the number of waiting jobs.
    waiting: Arc<AtomicU32>,
    /// The tenant that this server served last.
    served: Arc<Mutex<String>>,
    /// Notified of new deliveries.
    outbox: Arc<Notify>,
    /// Notified of changes of clusters and deployments, and of events.
    site: watch::Sender<()>,
    /// The number of deletions of placements.
    deletions: Arc<AtomicU64>,
}

impl Store {
    /// Opens a database, creates its schema if it is missing and the options allow it, and migrates it.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] or [`StoreError::Newer`], before anything is written; or the database cannot be opened.
    pub async fn open(settings: &StoreSettings, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self, StoreError> {
        Self::open_with(settings, None, clock, ids).await
    }

    /// Opens a database as [`Store::open`] does; `space` measures how much a file of SQLite can grow.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub async fn open_on(
        settings: &StoreSettings,
        space: Arc<dyn Space>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, StoreError> {
        Self::open_with(settings, Some(space), clock, ids).await
    }

    async fn open_with(
        settings: &StoreSettings,
        space: Option<Arc<dyn Space>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, StoreError> {
        // Counts before the metrics are set up would be lost, and the store opens before everything else.
        Metrics::of_process();
        standing(&settings.database_url).await?;
        let steady = SteadyClock::new(clock.clone());
        let (site, _) = watch::channel(());
        let engine = Engine::open(settings, space, clock.clone(), steady.clone(), &*ids, site.clone()).await?;
        let store = Self {
            engine,
            clock,
            steady,
            ids,
            remember_keys: settings.remember_keys,
            waiting: Arc::default(),
            served: Arc::default(),
            outbox: Arc::default(),
            site,
            deletions: Arc::default(),
        };
        store.hear_of_others();
        Ok(store)
    }

    /// Checks that the database can be read and written.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn check(&self) -> Result<(), StoreError> {
        sql::query("SELECT 1").fetch_one(&mut self.read().await?).await?;
        self.write(|connection| {
            Box::pin(async move {
                sql::query("SELECT 1").fetch_one(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns the time for deadlines. It does not change when the wall clock is set.
    pub fn steady_now(&self) -> Timestamp {
        self.steady.now()
    }

    /// Returns the lack of space that a write has failed for, until more space is free than at that time. PostgreSQL does
    /// not tell how much is free.
    ///
    /// # Errors
    /// The database failed.
    pub async fn shortage(&self) -> Result<Option<Shortage>, StoreError> {
        Ok(self.engine.shortage().await?)
    }

    /// Returns what changes when something about clusters with deployments changes, or when there are new events.
    pub fn site_changes(&self) -> watch::Receiver<()> {
        self.site.subscribe()
    }

    /// Finishes pending writes and closes the database.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Returns a connection for reading.
    async fn read(&self) -> Result<Connection, StoreError> {
        Ok(self.engine.read().await?)
    }

    /// Runs an operation in turn.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.engine.writer().write(work).await
    }

    /// Runs an operation that changes a single row and decides by its columns.
    async fn write_row<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.writer.write(work).await,
            Engine::Postgres(engine) => engine.write_beside(work).await,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

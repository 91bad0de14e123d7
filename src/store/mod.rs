//! The store: all SQL, with one file for each aggregate. One writer commits operations in groups; many connections
//! read.

mod backlog;
mod backup;
pub mod clusters;
mod damaged;
pub mod deliveries;
pub mod delivery;
mod error;
pub mod idempotency;
pub mod job;
pub mod jobs;
pub mod keys;
pub mod leases;
mod lock;
pub mod measurements;
mod migrate;
pub mod models;
mod outbox;
mod owner;
pub mod page;
pub mod placements;
pub mod retention;
mod row;
pub mod sessions;
pub mod space;
#[cfg(test)]
pub(crate) mod tests;
pub mod webhook;
pub mod webhooks;
mod writer;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Pool};
use tokio::sync::Notify;

pub use backlog::Backlog;
pub use backup::backup;
pub use clusters::{ClusterDocument, ClusterSummary};
pub use delivery::{AttemptOutcome, ClaimedDelivery, Delivery, DeliveryAttempt, DeliveryStatus, DueDelivery, Verdict};
pub use error::StoreError;
pub use idempotency::{Idempotency, Registered};
pub use job::{Happened, Job, JobCluster, JobError, JobErrorCode, JobModel, JobProgress, JobStatus, NewJob};
pub use jobs::{JobFilter, QueueLimits, Stopped};
pub use keys::{Key, Keys, NewKey};
pub use leases::{Abandoned, Claimed, Ending, Figures, Found, Incumbent, Lease, Recovered};
pub use lock::ServerLock;
pub use measurements::{MeasurementSummary, NewMeasurement};
pub use models::{ModelDocument, ModelStatistics, ModelSummary};
pub use owner::{APPLICATION_ID, Standing, standing};
pub use page::{Listed, Order, Page, PageKey};
pub use placements::{BestSoFar, Placement, PlacementFilter, PlacementSummary};
pub use retention::{Retention, Swept};
pub use row::termination_name;
pub use space::{FileSystem, Shortage, Space};
pub use webhook::{Disabled, DisabledReason, NewWebhook, PreviousSecret, Webhook, WebhookChange};
pub use webhooks::{MOST_WEBHOOKS, PREVIOUS_SECRET_VALID};

use self::migrate::migrate;
use self::space::FreeSpace;
use self::writer::Writer;
use crate::clock::{Clock, Ids, SteadyClock};
use crate::telemetry::Metrics;

/// The database engine.
type Database = sqlx::Sqlite;
/// A connection to the database.
type Connection = sqlx::SqliteConnection;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long a statement waits for a lock that another process holds, for instance a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The size to which a larger write-ahead log is truncated.
const WAL_KEPT_BYTES: &str = "67108864";

/// Options for opening a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite://` and a path.
    pub database_url: String,
    /// Whether a missing file is created; default `true`.
    pub create: bool,
    /// Connections that only read; default 4.
    pub readers: u32,
    /// The most operations in one commit; default 256.
    pub group_limit: usize,
    /// The most pages of 4 KiB in the database. Writes beyond it fail for lack of space. The default is SQLite's limit.
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
            group_limit: 256,
            most_pages: None,
            remember_keys: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Pool<Database>,
    clock: Arc<dyn Clock>,
    /// The clock for deadlines.
    steady: SteadyClock,
    ids: Arc<dyn Ids>,
    remember_keys: Duration,
    wal_file: Arc<Path>,
    free_space: FreeSpace,
    /// An estimate of the number of waiting jobs.
    waiting: Arc<AtomicU32>,
    /// Notified of new deliveries.
    outbox: Arc<Notify>,
    /// The number of deletions of placements.
    deletions: Arc<AtomicU64>,
}

impl Store {
    /// Opens a database, creates it if it is missing and the options allow it, and migrates its schema.
    ///
    /// The database is SQLite in WAL mode with `synchronous=FULL`: committed data survives a power failure.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] or [`StoreError::Newer`], before anything is written; or the database cannot be opened.
    pub async fn open(settings: &StoreSettings, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(&settings.database_url)?;
        let folder = options.get_filename().parent().filter(|folder| !folder.as_os_str().is_empty());
        let space = FileSystem::of(folder.unwrap_or(Path::new(".")));
        Self::open_on(settings, Arc::new(space), clock, ids).await
    }

    /// Opens a database as [`Store::open`] does; `space` measures how much it can grow.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub async fn open_on(
        settings: &StoreSettings,
        space: Arc<dyn Space>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, StoreError> {
        // Counts before the metrics are set up would be lost, and the store opens before everything else.
        Metrics::of_process();
        standing(&settings.database_url).await?;
        let options = SqliteConnectOptions::from_str(&settings.database_url)?
            .create_if_missing(settings.create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", WAL_KEPT_BYTES);
        let mut wal_file = options.get_filename().as_os_str().to_owned();
        wal_file.push("-wal");
        migrate(&MIGRATIONS, options.clone()).await?;
        let limit = settings.most_pages.map(|pages| ("max_page_count", pages.to_string()));
        let writing = limit.into_iter().fold(options.clone(), |options, (name, pages)| options.pragma(name, pages));
        let connection = Connection::connect_with(&writing).await?;
        let free_space = FreeSpace::new(space);
        let pool = SqlitePoolOptions::new().max_connections(settings.readers.max(1));
        let readers = pool.connect_with(options.create_if_missing(false).read_only(true)).await?;
        let writer = Writer::start(connection, settings.group_limit, clock.clone(), free_space.clone());
        let steady = SteadyClock::new(clock.clone());
        Ok(Self {
            writer,
            readers,
            clock,
            steady,
            ids,
            remember_keys: settings.remember_keys,
            wal_file: Arc::from(Path::new(&wal_file)),
            free_space,
            waiting: Arc::default(),
            outbox: Arc::default(),
            deletions: Arc::default(),
        })
    }

    /// Checks that the database can be read and written.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        self.write(|connection| {
            Box::pin(async move {
                sqlx::query("SELECT 1").execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Returns the time for deadlines. It does not change when the wall clock is set.
    pub fn steady_now(&self) -> Timestamp {
        self.steady.now()
    }

    /// Finishes pending writes and closes the database, which leaves a single file.
    pub async fn close(&self) {
        // The last connection checkpoints the write-ahead log. It must be the writing one, since readers cannot.
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.writer.write(work).await
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

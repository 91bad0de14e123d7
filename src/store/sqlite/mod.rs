//! The engine SQLite: one file, one server, one writing connection.

mod backup;
mod lock;
mod migrate;
mod owner;
mod space;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Pool, SqliteConnection};
use tokio::sync::watch;

pub(super) use self::backup::backup;
pub use self::lock::ServerLock;
#[cfg(test)]
pub(super) use self::migrate::migrate;
pub use self::owner::APPLICATION_ID;
pub(super) use self::owner::standing;
#[cfg(test)]
pub(super) use self::space::FreeSpace;
pub use self::space::{FileSystem, Shortage, Space};
use super::connection::Connection;
use super::writer::{Transactions, Writer};
use super::{StoreError, StoreSettings};
use crate::clock::Clock;

/// The migrations of SQLite.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a statement waits for a lock that another process holds, for instance a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The size to which a larger write-ahead log is truncated.
const WAL_KEPT_BYTES: &str = "67108864";

/// An open database file.
#[derive(Clone)]
pub(super) struct Sqlite {
    pub(super) writer: Writer,
    readers: Pool<sqlx::Sqlite>,
    wal_file: Arc<Path>,
    free_space: space::FreeSpace,
}

impl Sqlite {
    /// Opens a file in WAL mode with `synchronous=FULL`: committed data survives a power failure. `space` measures how
    /// much the file can grow; `None` asks its file system.
    pub(super) async fn open(
        settings: &StoreSettings,
        space: Option<Arc<dyn Space>>,
        clock: Arc<dyn Clock>,
        site: watch::Sender<()>,
    ) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(&settings.database_url)?
            .create_if_missing(settings.create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", WAL_KEPT_BYTES);
        let space = space.unwrap_or_else(|| {
            let folder = options.get_filename().parent().filter(|folder| !folder.as_os_str().is_empty());
            Arc::new(FileSystem::of(folder.unwrap_or(Path::new("."))))
        });
        let mut wal_file = options.get_filename().as_os_str().to_owned();
        wal_file.push("-wal");
        migrate::migrate(&MIGRATIONS, options.clone()).await?;
        let limit = settings.most_pages.map(|pages| ("max_page_count", pages.to_string()));
        let writing = limit.into_iter().fold(options.clone(), |options, (name, pages)| options.pragma(name, pages));
        let connection = SqliteConnection::connect_with(&writing).await?;
        let free_space = space::FreeSpace::new(space);
        let pool = SqlitePoolOptions::new().max_connections(settings.readers.max(1));
        let readers = pool.connect_with(options.create_if_missing(false).read_only(true)).await?;
        let transactions = FileTransactions { connection: Some(connection.into()), free_space: free_space.clone() };
        let writer = Writer::start(transactions, settings.group_limit, clock, site);
        Ok(Self { writer, readers, wal_file: Arc::from(Path::new(&wal_file)), free_space })
    }

    pub(super) async fn read(&self) -> Result<Connection, sqlx::Error> {
        Ok(self.readers.acquire().await?.into())
    }

    pub(super) async fn shortage(&self) -> Result<Option<Shortage>, sqlx::Error> {
        let mut connection = self.read().await?;
        Ok(self.free_space.shortage(&mut connection).await)
    }

    /// Returns the size of the write-ahead log, or 0 if there is none.
    pub(super) fn wal_bytes(&self) -> u64 {
        std::fs::metadata(&*self.wal_file).map_or(0, |file| file.len())
    }

    /// Finishes pending writes and closes the database, which leaves a single file.
    pub(super) async fn close(&self) {
        // The last connection checkpoints the write-ahead log. It must be the writing one, since readers cannot.
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The transactions of the only writing connection.
struct FileTransactions {
    /// `None` during a transaction.
    connection: Option<Connection>,
    free_space: space::FreeSpace,
}

impl Transactions for FileTransactions {
    async fn begin(&mut self) -> Result<Connection, sqlx::Error> {
        let mut connection = self.connection.take().ok_or(sqlx::Error::PoolClosed)?;
        if let Err(error) = connection.run("BEGIN IMMEDIATE; SAVEPOINT operation").await {
            if let Err(error) = connection.run("ROLLBACK").await {
                tracing::debug!(%error, "nothing to roll back");
            }
            if self.lacks_space(&error) {
                self.ran_out(&mut connection).await;
            }
            self.connection = Some(connection);
            return Err(error);
        }
        Ok(connection)
    }

    async fn commit(&self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        connection.run("RELEASE operation; COMMIT").await
    }

    async fn release(&mut self, connection: Connection, _committed: bool) {
        self.connection = Some(connection);
    }

    fn lacks_space(&self, error: &sqlx::Error) -> bool {
        self.free_space.lacks(error)
    }

    async fn ran_out(&self, connection: &mut Connection) {
        self.free_space.ran_out(connection).await;
    }

    async fn close(self) {
        let Some(connection) = self.connection else { return };
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}

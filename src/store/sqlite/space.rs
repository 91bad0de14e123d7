//! Free space for writes: tracks whether a write has failed for lack of space, and whether there is more since.
//!
//! Free space is that on the file system plus that within the database. That of the write-ahead log does not count,
//! since the log is reused.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::connection::Connection;
use crate::store::sql;

/// Measures how much a database can grow.
pub trait Space: Send + Sync + 'static {
    /// Returns the bytes that can still be written, or `None` if the system cannot tell.
    fn free_bytes(&self) -> Option<u64>;
}

/// The file system of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    folder: PathBuf,
}

impl FileSystem {
    /// The file system that a file of this folder is made on.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl Space for FileSystem {
    #[cfg(unix)]
    fn free_bytes(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(&self.folder).ok()?;
        // Some file systems do not count files. If they do and none is left, nothing can be written.
        let no_file_left = found.f_files > 0 && found.f_favail == 0;
        Some(if no_file_left { 0 } else { found.f_bavail.saturating_mul(found.f_frsize) })
    }

    #[cfg(not(unix))]
    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

/// A lack of space that persists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// Free space now, bytes.
    pub room_bytes: u64,
    /// Free space when a write failed, bytes. More must become free.
    pub failed_at_bytes: u64,
}

/// Below this free space, an unspecific error of the file system counts as lack of space. SQLite allocates shared
/// memory in units of 32 KiB.
const SCARCE_BYTES: u64 = 64 << 10;
/// SQLite's result codes. Their last byte is the primary code (<https://www.sqlite.org/rescode.html>).
const SQLITE_FULL: u32 = 13;
const SQLITE_IOERR: u32 = 10;
const SQLITE_CANTOPEN: u32 = 14;

/// The state of free space, shared by the writer and the health check.
#[derive(Clone)]
pub(in crate::store) struct FreeSpace {
    space: Arc<dyn Space>,
    /// Free space when a write last failed for lack of it, until there is more.
    failed_at: Arc<Mutex<Option<u64>>>,
}

impl FreeSpace {
    pub(in crate::store) fn new(space: Arc<dyn Space>) -> Self {
        Self { space, failed_at: Arc::default() }
    }

    /// Returns `true` if an operation failed for lack of space.
    pub(in crate::store) fn lacks(&self, error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(SQLITE_FULL) => true,
            // A full disk causes various errors, and a broken disk causes the same ones.
            Some(SQLITE_IOERR | SQLITE_CANTOPEN) => self.space.free_bytes().is_some_and(|free| free < SCARCE_BYTES),
            _ => false,
        }
    }

    /// Records that a write has failed for lack of space. If the system cannot tell the free space, nothing is
    /// recorded, since nothing could end the state.
    pub(in crate::store) async fn ran_out(&self, connection: &mut Connection) {
        let Some(free_space) = self.measure(connection).await else { return };
        let mut failed_at = self.failed_at();
        // Of two failed writes, the one with more free space needed more.
        let before = *failed_at;
        *failed_at = before.max(Some(free_space));
        if before.is_none() {
            tracing::error!(room_bytes = free_space, "a write failed for lack of space; more must be free");
        }
    }

    pub(in crate::store) async fn shortage(&self, connection: &mut Connection) -> Option<Shortage> {
        if self.failed_at().is_none() {
            return None;
        }
        let room_bytes = self.measure(connection).await?;
        let mut failed_at = self.failed_at();
        let failed_at_bytes = (*failed_at)?;
        if room_bytes > failed_at_bytes {
            *failed_at = None;
            tracing::info!(room_bytes, "there is more space than when a write failed for lack of it");
            return None;
        }
        Some(Shortage { room_bytes, failed_at_bytes })
    }

    async fn measure(&self, connection: &mut Connection) -> Option<u64> {
        let free = self.space.free_bytes()?;
        let pages = sql::query_scalar("PRAGMA freelist_count").fetch_one(&mut *connection).await;
        let size = sql::query_scalar("PRAGMA page_size").fetch_one(connection).await;
        let within = match (pages, size) {
            (Ok(pages), Ok(size)) => u64::saturating_mul(to_count(pages), to_count(size)),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "it is not known what is free within the database");
                0
            }
        };
        Some(free.saturating_add(within))
    }

    fn failed_at(&self) -> MutexGuard<'_, Option<u64>> {
        self.failed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

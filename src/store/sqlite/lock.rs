//! A lock that allows one server for each database. A server recovers the running jobs of other processes at its start,
//! so two servers on one file would take each other's jobs.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

use crate::store::StoreError;

/// The right to serve a database, until it is dropped or the process ends.
///
/// It is a lock of the operating system on an empty file, named after the database with the suffix `-lock`.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`StoreError::Served`] if another process holds it; the URL names no file, or the file cannot be created.
    pub fn take(database_url: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(database_url)?;
        let database = options.get_filename();
        // Links are resolved, as SQLite does for its own files. A file that does not exist yet is not a link.
        let mut path = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned()).into_os_string();
        path.push("-lock");
        let path = PathBuf::from(path);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| StoreError::Lock { path: path.clone(), error })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Served { path }),
            Err(TryLockError::Error(error)) => Err(StoreError::Lock { path, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let first = ServerLock::take(&url).unwrap();
        assert!(matches!(ServerLock::take(&url), Err(StoreError::Served { .. })));
        let other = format!("sqlite://{}", folder.path().join("b.db").display());
        ServerLock::take(&other).unwrap();
        drop(first);
        let first = ServerLock::take(&url).unwrap();
        drop(first);
    }

    #[cfg(unix)]
    #[test]
    fn a_database_has_one_lock_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.db"), folder.path().join("link.db"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let [file, link] = [file, link].map(|path| format!("sqlite://{}", path.display()));
        let _first = ServerLock::take(&file).unwrap();
        assert!(matches!(ServerLock::take(&link), Err(StoreError::Served { .. })));
    }
}

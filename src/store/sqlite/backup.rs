//! Copies a database while other connections read and write it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use super::{BUSY_TIMEOUT, standing};
use crate::store::{Standing, StoreError};

/// Copies a database to a file that must not exist yet, and returns the copy's size in bytes. The copy holds everything
/// that was committed before the call. The schema is not migrated.
///
/// The copy is written under a temporary name in the same folder and checked. It is renamed once it is on the disk. A
/// failure leaves no file.
///
/// # Errors
/// [`StoreError::Missing`], [`StoreError::Foreign`] or [`StoreError::Newer`] for the original, [`StoreError::Exists`]
/// for the copy, [`StoreError::DamagedCopy`], or the database or the file system failed.
pub(in crate::store) async fn backup(database_url: &str, copy: &Path) -> Result<u64, StoreError> {
    let original = SqliteConnectOptions::from_str(database_url)?;
    if standing(database_url).await? != Standing::Ours {
        return Err(StoreError::Missing { database: original.get_filename().display().to_string() });
    }
    let exists = || StoreError::Exists { path: copy.to_owned() };
    if copy.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let failed = |error| StoreError::File { path: copy.to_owned(), error };
    let folder = copy.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder).map_err(failed)?;
    let unfinished = tempfile::Builder::new().prefix(".cutpoint-").suffix(".backup").tempfile_in(&folder);
    let unfinished = unfinished.map_err(failed)?;
    write(original, unfinished.path()).await?;
    check(unfinished.path()).await?;
    unfinished.as_file().sync_all().map_err(failed)?;
    let bytes = unfinished.as_file().metadata().map_err(failed)?.len();
    unfinished.persist_noclobber(copy).map_err(|refused| match refused.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(),
        _ => failed(refused.error),
    })?;
    sync_folder(&folder).map_err(failed)?;
    Ok(bytes)
}

/// Writes a consistent snapshot of a database to an empty file. Writers are not blocked.
async fn write(original: SqliteConnectOptions, file: &Path) -> Result<(), StoreError> {
    // The connection is not read-only: if it is the last one, it must remove the -wal and -shm files.
    let options = original.create_if_missing(false).busy_timeout(BUSY_TIMEOUT);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let name = file.to_str().ok_or_else(|| StoreError::File {
        path: PathBuf::from(file),
        error: std::io::Error::new(std::io::ErrorKind::InvalidFilename, "the name is not UTF-8"),
    })?;
    let written = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut connection).await;
    connection.close().await?;
    written?;
    Ok(())
}

async fn check(file: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(&mut connection).await?;
    connection.close().await?;
    match found.into_iter().find(|line| line != "ok") {
        None => Ok(()),
        Some(words) => Err(StoreError::DamagedCopy { words }),
    }
}

/// Syncs the folder, so that the name of a new file survives a power failure.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Other systems cannot open a folder as a file.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

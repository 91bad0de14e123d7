//! Detects which program a database file belongs to, before anything is written to it.
//!
//! A database of Cutpoint has [`APPLICATION_ID`] in its header, which SQLite keeps for this. Those of version 0.2.0 and
//! before have none: they are known by the checksums of their migrations.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

use super::MIGRATIONS;
use crate::store::{Standing, StoreError};

/// The application id in the header of Cutpoint's databases: "cutp".
pub const APPLICATION_ID: i32 = 0x6375_7470;

/// The first bytes of every SQLite file that is not empty.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// Inspects the path of a database without changing anything.
///
/// # Errors
/// [`StoreError::Foreign`] or [`StoreError::Newer`] if this program may not write to it, or it cannot be read.
pub(in crate::store) async fn standing(database_url: &str) -> Result<Standing, StoreError> {
    let options = SqliteConnectOptions::from_str(database_url)?;
    let Some(path) = begins_as_sqlite(options.get_filename())? else { return Ok(Standing::Missing) };
    let Some(path) = path else { return Ok(Standing::Empty) };
    let found = look(&path).await?;
    found.judge(&path, &MIGRATIONS)
}

/// Returns the resolved path of a SQLite database. The inner `None` means an empty file, the outer a missing one.
fn begins_as_sqlite(path: &Path) -> Result<Option<Option<PathBuf>>, StoreError> {
    let unreadable = |error| StoreError::File { path: path.to_owned(), error };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let foreign = |what: &str| StoreError::Foreign { database: path.display().to_string(), what: what.to_owned() };
    if !metadata.is_file() {
        return Err(foreign("not a regular file"));
    }
    let mut head = Vec::with_capacity(MAGIC.len());
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(unreadable)?;
    if head.is_empty() {
        return Ok(Some(None));
    }
    if head != MAGIC {
        return Err(foreign("not an SQLite database"));
    }
    std::fs::canonicalize(path).map(|path| Some(Some(path))).map_err(unreadable)
}

/// What identifies the owner of a database.
#[derive(Debug, Default)]
struct Found {
    application_id: i32,
    /// A table, view or index other than the table of migrations.
    other: Option<String>,
    /// The checksums of the applied migrations by version, or `None` without a table of migrations.
    migrations: Option<BTreeMap<i64, Vec<u8>>>,
}

/// Reads what identifies the owner of a database, without creating files.
async fn look(path: &Path) -> Result<Found, StoreError> {
    let log = with_suffix(path, "-wal");
    let log_bytes = std::fs::metadata(&log).map_or(0, |log| log.len());
    let options = SqliteConnectOptions::new().read_only(true);
    // The database is in use or was left by a crash, so the files that SQLite needs for reading exist.
    if log_bytes > 0 && with_suffix(path, "-shm").exists() {
        return read(options.filename(path)).await;
    }
    // Without `immutable`, SQLite would create the -wal and -shm files.
    let found = read(options.clone().filename(path).immutable(true)).await?;
    if log_bytes == 0 || !found.is_blank() {
        return Ok(found);
    }
    // All data is in the write-ahead log. Reading it would create a file, so a copy is read.
    let unreadable = |error| StoreError::File { path: path.to_owned(), error };
    let folder = tempfile::tempdir().map_err(unreadable)?;
    let copy = folder.path().join("copy");
    std::fs::copy(path, &copy).map_err(unreadable)?;
    std::fs::copy(&log, with_suffix(&copy, "-wal")).map_err(unreadable)?;
    read(options.filename(&copy)).await
}

async fn read(options: SqliteConnectOptions) -> Result<Found, StoreError> {
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let found = read_from(&mut connection).await;
    connection.close().await?;
    found
}

async fn read_from(connection: &mut SqliteConnection) -> Result<Found, StoreError> {
    let application_id = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
            .fetch_all(&mut *connection)
            .await?;
    let (migrations, other): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name == "_sqlx_migrations");
    let mut found = Found { application_id, other: other.into_iter().next(), migrations: None };
    if !migrations.is_empty() {
        let select = sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations");
        let rows: Vec<(i64, Vec<u8>)> = select.fetch_all(connection).await?;
        found.migrations = Some(rows.into_iter().collect());
    }
    Ok(found)
}

impl Found {
    /// Returns `true` if nothing was ever stored.
    fn is_blank(&self) -> bool {
        self.application_id == 0 && self.other.is_none() && self.migrations.is_none()
    }

    fn judge(self, path: &Path, known: &Migrator) -> Result<Standing, StoreError> {
        let foreign = |what: String| Err(StoreError::Foreign { database: path.display().to_string(), what });
        if self.application_id != 0 && self.application_id != APPLICATION_ID {
            return foreign(format!("a database of another program, whose application_id is {}", self.application_id));
        }
        let applied = self.migrations.unwrap_or_default();
        let newest = known.iter().map(|migration| migration.version).max().unwrap_or(0);
        if self.application_id == 0 {
            if let Some(other) = &self.other
                && applied.is_empty()
            {
                return foreign(format!("a database of another program, which has a table {other:?}"));
            }
            let of_another = known.iter().any(|migration| {
                applied.get(&migration.version).is_some_and(|checksum| *checksum != *migration.checksum)
            });
            let of_none =
                !applied.is_empty() && !known.iter().any(|migration| applied.contains_key(&migration.version));
            if of_another || of_none {
                return foreign("a database of another program, which has migrations of its own".to_owned());
            }
        }
        match applied.keys().next_back() {
            Some(&schema) if schema > newest => {
                Err(StoreError::Newer { database: path.display().to_string(), schema, known: newest })
            }
            None if self.other.is_none() => Ok(Standing::Empty),
            _ => Ok(Standing::Ours),
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

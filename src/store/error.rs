//! The errors of the store.

use std::path::PathBuf;

use cutpoint_planner::domain::unit::counted;

use crate::domain::id::{Id, IdKind};

/// An error of the store. A failed write is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row.
    #[error("there is no {} {id}", .kind.name())]
    NotFound {
        /// The kind of the resource.
        kind: IdKind,
        /// Its id. For a cluster's revision, `cls_…` followed by `revision N`.
        id: String,
    },
    /// A row cannot be deleted while others refer to it.
    #[error("{id} is in use by {by}")]
    InUse {
        /// The row to delete.
        id: Id,
        /// The row that refers to it.
        by: Id,
    },
    /// A cluster has another revision than the caller expected.
    #[error("{id} is at revision {current}, not {expected}")]
    RevisionChanged {
        /// The cluster.
        id: Id,
        /// The caller's revision.
        expected: u64,
        /// The revision that it has.
        current: u64,
    },
    /// A deployment has another revision than the caller saw.
    #[error("{id} is at revision {current}, not {expected}")]
    DeploymentChanged {
        /// The deployment.
        id: Id,
        /// The caller's revision.
        expected: u64,
        /// The revision that it has.
        current: u64,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key {key:?} was used for another request")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// The queue is full.
    #[error("the queue has {} already", counted(.limit, "job"))]
    QueueFull {
        /// The limit of waiting jobs.
        limit: u32,
    },
    /// The key has reached its limit of jobs that have not ended.
    #[error("this key has {} open already", counted(.limit, "job"))]
    QuotaUsed {
        /// The limit of the key's jobs that have not ended.
        limit: u32,
    },
    /// The tenant has reached the limit of webhooks.
    #[error("the tenant has {} already", counted(.limit, "webhook"))]
    TooManyWebhooks {
        /// The limit of webhooks.
        limit: u32,
    },
    /// The operation requires an enabled webhook.
    #[error("{id} is disabled")]
    WebhookDisabled {
        /// The webhook.
        id: Id,
    },
    /// The operation requires a finished job.
    #[error("{id} is not finished")]
    NotFinished {
        /// The job.
        id: Id,
    },
    /// The worker no longer holds the job; nothing was written.
    #[error("the lease of {id} is lost")]
    LeaseLost {
        /// The job.
        id: Id,
    },
    /// A row holds a value that no version of this program writes.
    #[error("column {column} of {id} is not readable: {value:?}")]
    Unreadable {
        /// The row.
        id: String,
        /// Its column.
        column: String,
        /// The value.
        value: String,
    },
    /// A number that the database cannot hold.
    #[error("{what} is too large for the database: {value}")]
    TooLarge {
        /// A description of it.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// Another process serves this database.
    #[error("another server uses {path}: only one server can use a database", path = path.display())]
    Served {
        /// The file that it has locked.
        path: PathBuf,
    },
    /// The lock of the database cannot be taken.
    #[error("cannot lock {path}: {error}", path = path.display())]
    Lock {
        /// The file that is locked.
        path: PathBuf,
        /// The message of the system.
        error: std::io::Error,
    },
    /// The file belongs to another program. It was not changed.
    #[error("{database} is {what}, and was not changed: name another database with --database-url")]
    Foreign {
        /// The file, or the URL without its password.
        database: String,
        /// A description of it.
        what: String,
    },
    /// A newer version of this program has changed the schema. The database was not changed.
    #[error(
        "{database} was written by a newer version of Cutpoint (its schema is {schema}, this version knows {known}): start \
         that version or a newer one, or restore a backup from before"
    )]
    Newer {
        /// The file, or the URL without its password.
        database: String,
        /// The newest migration that it has.
        schema: i64,
        /// The newest migration of this version.
        known: i64,
    },
    /// The schema needs a migration that servers of an older version cannot live with, and some are connected.
    #[error(
        "servers of an older version use {database} (they know the schema {known}): migration {migration} would break \
         them, so stop them first, and start this version then"
    )]
    OlderServers {
        /// The URL without its password.
        database: String,
        /// The newest migration that the oldest of them knows.
        known: i64,
        /// The migration.
        migration: i64,
    },
    /// There is no database, or nothing was ever stored in it.
    #[error("there is no database of Cutpoint at {database}")]
    Missing {
        /// The path of the missing file, or the URL without its password.
        database: String,
    },
    /// The database is not a file.
    #[error(
        "{database} is not a file: copy it with the tools of PostgreSQL (pg_dump) or with `cutpoint database copy`"
    )]
    NoFile {
        /// The URL without its password.
        database: String,
    },
    /// A copy between databases of one engine.
    #[error(
        "both databases are of the same engine: copy a file of SQLite with `cutpoint backup`, and a database of \
         PostgreSQL with pg_dump"
    )]
    SameEngine,
    /// The database to fill has rows.
    #[error("the database to fill is not empty: its table {table} has rows")]
    NotEmpty {
        /// The first table that has some.
        table: &'static str,
    },
    /// A value has another type than its column.
    #[error("column {column} of the row {row} of {table} cannot be copied: {words}")]
    Uncopied {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// The row's id, or its place.
        row: String,
        /// The message of the database.
        words: String,
    },
    /// The file exists and is not overwritten.
    #[error("{path} already exists and is not overwritten: give another name", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The copy is damaged, because the database is.
    #[error("the copy is damaged, as the database must be: {words}")]
    DamagedCopy {
        /// The message of SQLite.
        words: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The message of the system.
        error: std::io::Error,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A write operation panicked: a defect of Cutpoint. It was rolled back.
    #[error("a write operation panicked")]
    Panicked,
    /// The commit of a group of operations failed. All of them were rolled back.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// There is no space for the write, on the disk or in the database. The operation can be retried once there is.
    #[error("there is no space for this write: {0}")]
    NoSpace(String),
    /// The database cannot be reached, is overloaded, or ended the statement. Nothing is known to be written. The operation
    /// can be retried.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database's schema could not be migrated.
    #[error("the database could not be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Rows refer to missing rows.
    #[error("the database has {} that refer to missing rows: it is damaged, restore a backup", counted(.rows, "row"))]
    BrokenReferences {
        /// How many.
        rows: usize,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            // The caller knows which row it requested, so the error need not name it.
            sqlx::Error::ColumnDecode { index, source } => Self::Unreadable {
                id: "the row".to_owned(),
                column: index.trim_matches('"').to_owned(),
                value: source.to_string(),
            },
            error if is_full(&error) => Self::NoSpace(error.to_string()),
            error if is_unavailable(&error) => Self::Unavailable(error.to_string()),
            error => Self::Database(error),
        }
    }
}

/// The classes and codes of SQLSTATE that end when the database is available again
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>): connection exceptions, rolled-back transactions,
/// insufficient resources, operator intervention, idle transactions, a standby, locks.
const TRANSIENT: [&str; 7] = ["08", "40", "53", "57", "25P03", "25006", "55P03"];

/// Returns `true` if the database may serve the same operation later.
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => state(error).is_some_and(|state| TRANSIENT.iter().any(|code| state.starts_with(code))),
    }
}

/// Returns `true` if PostgreSQL has no space on its disk. SQLite's errors depend on the file system.
fn is_full(error: &sqlx::Error) -> bool {
    state(error).is_some_and(|state| state == "53100")
}

/// Returns the SQLSTATE of an error of PostgreSQL.
fn state(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.code())
}

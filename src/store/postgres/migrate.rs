//! Migrates a schema of PostgreSQL, and detects which program it belongs to.
//!
//! Servers of two versions may serve one database while a fleet is upgraded, as long as the newer one only adds to the
//! schema. A migration that older versions cannot live with is listed in [`BREAKING`] and raises
//! `cutpoint_schema.oldest`: it waits for no server of an older version, and those do not start afterwards.

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use crate::store::{Standing, StoreError, shown_url};

/// The migrations of PostgreSQL.
pub(in crate::store) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// Migrations that servers of older versions cannot live with.
const BREAKING: &[i64] = &[];

/// The beginning of the name that servers connect under. The newest migration that they know follows.
pub(super) const APPLICATION: &str = "cutpoint/";

/// Returns the newest migration.
pub(super) fn newest(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What identifies the owner of a schema.
struct Found {
    standing: Standing,
    /// The newest applied migration.
    schema: i64,
}

/// Inspects a database without changing anything.
///
/// # Errors
/// [`StoreError::Foreign`] or [`StoreError::Newer`], or the database cannot be reached.
pub(in crate::store) async fn standing(database_url: &str) -> Result<Standing, StoreError> {
    let mut connection = PgConnection::connect_with(&super::connect_options(database_url)?).await?;
    let found = look(&mut connection, database_url, newest(&MIGRATIONS)).await;
    connection.close().await?;
    Ok(found?.standing)
}

/// Migrates the schema. Servers that start at once wait for each other.
pub(in crate::store) async fn migrate(
    migrations: &Migrator,
    breaking: &[i64],
    database_url: &str,
    options: &PgConnectOptions,
    create: bool,
) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect_with(options).await?;
    let known = newest(migrations);
    let found = look(&mut connection, database_url, known).await?;
    if found.standing == Standing::Empty && !create {
        return Err(StoreError::Missing { database: shown_url(database_url) });
    }
    if found.schema < known {
        if let Some(migration) = breaking.iter().copied().find(|migration| *migration > found.schema) {
            refuse_beside_older(&mut connection, database_url, migration).await?;
        }
        // A newer version may have added migrations that this one does not know.
        let migrations =
            Migrator { migrations: migrations.migrations.clone(), ignore_missing: true, ..Migrator::DEFAULT };
        migrations.run_direct(None, &mut connection, false).await?;
    }
    Ok(connection.close().await?)
}

/// Migrates with the migrations of this version.
pub(super) async fn migrate_to_this(
    database_url: &str,
    options: &PgConnectOptions,
    create: bool,
) -> Result<(), StoreError> {
    migrate(&MIGRATIONS, BREAKING, database_url, options, create).await
}

async fn look(connection: &mut PgConnection, database_url: &str, known: i64) -> Result<Found, StoreError> {
    let marked: bool =
        sqlx::query_scalar("SELECT to_regclass('cutpoint_schema') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !marked {
        // A first start that was interrupted has left the table of migrations alone, as one that runs now does.
        let other = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations' LIMIT 1";
        let other: Option<String> = sqlx::query_scalar(other).fetch_optional(connection).await?;
        return match other {
            None => Ok(Found { standing: Standing::Empty, schema: 0 }),
            Some(table) => Err(StoreError::Foreign {
                database: shown_url(database_url),
                what: format!("a schema of another program, which has a table {table:?}"),
            }),
        };
    }
    let select =
        "SELECT (SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success), oldest FROM cutpoint_schema";
    let (schema, oldest): (i64, i64) = sqlx::query_as(select).fetch_one(connection).await?;
    if oldest > known {
        return Err(StoreError::Newer { database: shown_url(database_url), schema, known });
    }
    Ok(Found { standing: Standing::Ours, schema })
}

/// Refuses a migration while servers that do not know it are connected.
async fn refuse_beside_older(
    connection: &mut PgConnection,
    database_url: &str,
    migration: i64,
) -> Result<(), StoreError> {
    let select = "SELECT DISTINCT application_name FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'cutpoint/%'";
    let names: Vec<String> = sqlx::query_scalar(select).fetch_all(connection).await?;
    let known = names.iter().filter_map(|name| name.strip_prefix(APPLICATION)?.parse::<i64>().ok());
    match known.filter(|known| *known < migration).min() {
        None => Ok(()),
        Some(known) => Err(StoreError::OlderServers { database: shown_url(database_url), known, migration }),
    }
}

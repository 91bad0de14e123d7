//! From the schema of an older version to that of now, and what no statement of SQL can do of it.

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _};

use super::models::count_cuts;
use super::{APPLICATION_ID, Connection, StoreError};

/// The migration that reads inside of stored placements, which stops at one that is no JSON.
const READS_PLACEMENTS: i64 = 5;

/// Brings the schema up to date. Foreign keys are not enforced meanwhile, so that a migration can make a table anew, and
/// are checked in the end: <https://www.sqlite.org/lang_altertable.html#otheralter>.
pub(super) async fn migrate(migrations: &Migrator, options: SqliteConnectOptions) -> Result<(), StoreError> {
    let mut connection = Connection::connect_with(&options.foreign_keys(false)).await?;
    mark(&mut connection).await?;
    set_damaged_aside(&mut connection).await?;
    migrations.run(&mut connection).await?;
    put_damaged_back(&mut connection).await?;
    count_cuts(&mut connection).await?;
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await?.len();
    connection.close().await?;
    if broken > 0 { Err(StoreError::BrokenReferences { rows: broken }) } else { Ok(()) }
}

/// Says in the database's header whose it is.
async fn mark(connection: &mut Connection) -> Result<(), StoreError> {
    let present: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    if present != APPLICATION_ID {
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::query(AssertSqlSafe(mark)).execute(connection).await?;
    }
    Ok(())
}

/// Puts documents of placements that are no JSON where [`put_damaged_back`] finds them, also at a later start, and an empty
/// one in their place.
async fn set_damaged_aside(connection: &mut Connection) -> Result<(), StoreError> {
    if !has_table(connection, "_sqlx_migrations").await? || !has_table(connection, "placements").await? {
        return Ok(());
    }
    let newest = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success");
    let newest: i64 = newest.fetch_one(&mut *connection).await?;
    if newest >= READS_PLACEMENTS {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    for statement in [
        "CREATE TABLE IF NOT EXISTS damaged_placements (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
        "INSERT OR IGNORE INTO damaged_placements SELECT id, document FROM placements WHERE NOT json_valid(document)",
        "UPDATE placements SET document = '{}' WHERE id IN (SELECT id FROM damaged_placements)",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Puts damaged documents back as they were, to be told of when they are read. Lists name those placements as unreadable.
async fn put_damaged_back(connection: &mut Connection) -> Result<(), StoreError> {
    if !has_table(connection, "damaged_placements").await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    for statement in [
        "UPDATE placements SET figures = '', document = damaged_placements.document
             FROM damaged_placements WHERE damaged_placements.id = placements.id",
        "DROP TABLE damaged_placements",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

async fn has_table(connection: &mut Connection, name: &str) -> Result<bool, StoreError> {
    let select = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)");
    Ok(select.bind(name).fetch_one(connection).await?)
}

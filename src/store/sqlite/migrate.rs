//! Migrates the schema of an older version, including the steps that SQL cannot express.

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::APPLICATION_ID;
use crate::store::StoreError;
use crate::store::models::statistics_of;
use crate::store::row::integer;

/// The migration that reads stored placements as JSON. SQLite would abort it at a document that is not JSON.
const READS_PLACEMENTS: i64 = 5;

/// Migrates the schema. Foreign keys are not enforced during migrations, so that one can recreate a table, and are
/// checked at the end: <https://www.sqlite.org/lang_altertable.html#otheralter>.
pub(in crate::store) async fn migrate(migrations: &Migrator, options: SqliteConnectOptions) -> Result<(), StoreError> {
    let mut connection = SqliteConnection::connect_with(&options.foreign_keys(false)).await?;
    mark(&mut connection).await?;
    set_damaged_aside(&mut connection).await?;
    migrations.run(&mut connection).await?;
    put_damaged_back(&mut connection).await?;
    count_cuts(&mut connection).await?;
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await?.len();
    connection.close().await?;
    if broken > 0 { Err(StoreError::BrokenReferences { rows: broken }) } else { Ok(()) }
}

/// Counts the cuts of models that an older version stored, with one transaction for each, so that the next start
/// continues an interrupted one. A profile that cannot be read keeps its old counts.
async fn count_cuts(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let uncounted = sqlx::query_scalar("SELECT id FROM models WHERE more_cut_points IS NULL ORDER BY id");
    let ids: Vec<String> = uncounted.fetch_all(&mut *connection).await?;
    for id in ids {
        let select = sqlx::query_scalar("SELECT document FROM models WHERE id = $1").bind(&id);
        let document: String = select.fetch_one(&mut *connection).await?;
        let Some(statistics) = statistics_of(document).await else { continue };
        sqlx::query(
            "UPDATE models SET constant_layers = $2, cut_points = $3, more_cut_points = $4, single_tensor_cut_points = $5
             WHERE id = $1",
        )
        .bind(&id)
        .bind(integer("constant_layers", statistics.constant_layers)?)
        .bind(integer("cut_points", statistics.cut_points)?)
        .bind(statistics.more_cut_points)
        .bind(integer("single_tensor_cut_points", statistics.single_tensor_cut_points)?)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes the application id into the database's header.
async fn mark(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let present: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    if present != APPLICATION_ID {
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::query(AssertSqlSafe(mark)).execute(connection).await?;
    }
    Ok(())
}

/// Moves documents of placements that are not JSON to a table and leaves an empty document. [`put_damaged_back`]
/// restores them, at a later start if this one is interrupted.
async fn set_damaged_aside(connection: &mut SqliteConnection) -> Result<(), StoreError> {
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

/// Restores damaged documents, so that reading them reports the damage. Lists name those placements as unreadable.
async fn put_damaged_back(connection: &mut SqliteConnection) -> Result<(), StoreError> {
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

async fn has_table(connection: &mut SqliteConnection, name: &str) -> Result<bool, StoreError> {
    let select = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)");
    Ok(select.bind(name).fetch_one(connection).await?)
}

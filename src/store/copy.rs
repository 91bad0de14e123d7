//! Copies a database of one engine into an empty one of the other, row by row, in one transaction.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::AssertSqlSafe;

use super::connection::{Connection, Link};
use super::engine::Engine;
use super::sql::{self, Query, Row, Value};
use super::{Store, StoreError};

/// The tables, each after those that it refers to.
pub(super) const TABLES: [&str; 26] = [
    "api_keys",
    "sessions",
    "models",
    "clusters",
    "cluster_revisions",
    "jobs",
    "job_labels",
    "incumbents",
    "placements",
    "placement_nodes",
    "placement_labels",
    "named_placements",
    "measurements",
    "idempotency_keys",
    "webhooks",
    "webhook_messages",
    "webhook_deliveries",
    "deployments",
    "deployment_labels",
    "deployment_history",
    "deployment_jobs",
    "deployment_fallbacks",
    "deployment_clusters",
    "events",
    COUNTER,
    "heartbeats",
];

/// The table whose only row a migration inserts.
const COUNTER: &str = "event_numbers";

/// Begins to read PostgreSQL at one moment, without limits of time.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0";

/// A table of which every row was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
}

/// The type of a column.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Integer,
    Real,
    Boolean,
}

struct Column {
    name: String,
    kind: Kind,
}

impl Store {
    /// Copies everything that this store holds into an empty one of the other engine, or nothing. `progress` is called
    /// after each table. No server may use either database; leases of running jobs end in the copy as they would here.
    ///
    /// # Errors
    /// [`StoreError::SameEngine`]; [`StoreError::NotEmpty`] for the other store; [`StoreError::Uncopied`] if a value has
    /// not its column's type; or a database failed.
    pub async fn copy_to(
        &self,
        other: &Self,
        mut progress: impl FnMut(CopiedTable) + Send + 'static,
    ) -> Result<(), StoreError> {
        if self.engine.is_shared() == other.engine.is_shared() {
            return Err(StoreError::SameEngine);
        }
        // Only PostgreSQL names the types of columns in a table that both can be asked for.
        let mut typed =
            if matches!(self.engine, Engine::Postgres(_)) { self.read().await? } else { other.read().await? };
        let mut tables = Vec::with_capacity(TABLES.len());
        for name in TABLES {
            tables.push((name, columns(&mut typed, name).await?));
        }
        drop(typed);
        let mut source = self.read().await?;
        source.run(source.pick("BEGIN", SNAPSHOT)).await?;
        let copied = other.write(move |target| {
            Box::pin(async move {
                let copied = copy_tables(&mut source, target, &tables, &mut progress).await;
                // The connection goes back to its pool. What the copy says comes first.
                let ended = source.run("ROLLBACK").await;
                copied?;
                Ok(ended?)
            })
        });
        copied.await
    }
}

async fn copy_tables(
    source: &mut Connection,
    target: &mut Connection,
    tables: &[(&'static str, Vec<Column>)],
    progress: &mut (impl FnMut(CopiedTable) + Send),
) -> Result<(), StoreError> {
    for (name, _) in tables.iter().filter(|(name, _)| *name != COUNTER) {
        refuse_rows(target, name).await?;
    }
    sql::query("DELETE FROM event_numbers").execute(target).await?;
    for (name, columns) in tables {
        let rows = copy_table(source, target, name, columns).await?;
        progress(CopiedTable { name, rows });
    }
    Ok(())
}

async fn columns(connection: &mut Connection, table: &str) -> Result<Vec<Column>, StoreError> {
    let select = "SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
    let rows: Vec<(String, String)> = sql::query_as(select).bind(table).fetch_all(connection).await?;
    let column = |(name, data_type): (String, String)| {
        let kind = match data_type.as_str() {
            "bigint" => Kind::Integer,
            "double precision" => Kind::Real,
            "boolean" => Kind::Boolean,
            _ => Kind::Text,
        };
        Column { name, kind }
    };
    Ok(rows.into_iter().map(column).collect())
}

async fn refuse_rows(target: &mut Connection, table: &'static str) -> Result<(), StoreError> {
    let select = AssertSqlSafe(format!("SELECT 1 FROM {table} LIMIT 1"));
    match sql::query(select).fetch_optional(target).await? {
        Some(_) => Err(StoreError::NotEmpty { table }),
        None => Ok(()),
    }
}

async fn copy_table(
    source: &mut Connection,
    target: &mut Connection,
    table: &'static str,
    columns: &[Column],
) -> Result<u64, StoreError> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let names = names.join(", ");
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    let insert = format!("INSERT INTO {table} ({names}) VALUES ({})", places.join(", "));
    let mut rows = rows(source, format!("SELECT {names} FROM {table}"));
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        let mut insert: Query = sql::query(AssertSqlSafe(insert.clone()));
        for column in columns {
            let value = value(&row, column).map_err(|error| StoreError::Uncopied {
                table,
                column: column.name.clone(),
                row: row.try_get::<String>("id").unwrap_or_else(|_| format!("number {}", count + 1)),
                words: error.to_string(),
            })?;
            insert = insert.bind(value);
        }
        insert.execute(&mut *target).await?;
        count += 1;
    }
    Ok(count)
}

fn value(row: &Row, column: &Column) -> Result<Value, sqlx::Error> {
    let name = column.name.as_str();
    Ok(match column.kind {
        Kind::Text => Value::Text(row.try_get(name)?),
        Kind::Integer => Value::Integer(row.try_get(name)?),
        Kind::Real => Value::Real(row.try_get(name)?),
        Kind::Boolean => Value::Boolean(row.try_get(name)?),
    })
}

/// Returns the rows of a statement one by one, since a table may not fit into memory.
fn rows(connection: &mut Connection, select: String) -> BoxStream<'_, Result<Row, sqlx::Error>> {
    let select = AssertSqlSafe(select);
    match connection.link() {
        Link::Sqlite(link) => sqlx::query(select).fetch(link).map_ok(Row::Sqlite).boxed(),
        Link::Postgres(server) => sqlx::query(select).fetch(server.unlimited()).map_ok(Row::Postgres).boxed(),
    }
}

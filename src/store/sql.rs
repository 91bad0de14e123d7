//! Statements and rows of both engines.
//!
//! A statement is written once, with `$1` placeholders, and carries its values until it meets a connection. Rows are read
//! into the same structs, since both engines store times as microseconds, documents as JSON text and names as text.
//! The functions have the names of sqlx's, so that a query reads as it would there.

use std::fmt::{Display, Write as _};
use std::marker::PhantomData;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Decode, FromRow, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite, Type};

use super::connection::{Connection, Link};

/// A value of a placeholder. An absent one has a type, which PostgreSQL needs.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
    Boolean(Option<bool>),
}

/// Makes values from the types that the store binds.
macro_rules! values {
    ($($from:ty => $variant:ident, $convert:expr;)+) => {
        $(
            impl From<$from> for Value {
                fn from(value: $from) -> Self {
                    Self::$variant(Some($convert(value)))
                }
            }

            impl From<Option<$from>> for Value {
                fn from(value: Option<$from>) -> Self {
                    Self::$variant(value.map($convert))
                }
            }
        )+
    };
}

values! {
    &str => Text, str::to_owned;
    String => Text, std::convert::identity;
    &String => Text, String::clone;
    i64 => Integer, std::convert::identity;
    f64 => Real, std::convert::identity;
    bool => Boolean, std::convert::identity;
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

/// A row of either engine.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A type that a column of both engines can be read into.
pub(super) trait Scalar:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Scalar for T where T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> {}

/// A type that a row of both engines can be read into, such as one with `#[derive(sqlx::FromRow)]`.
pub(super) trait Record: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {
    fn of(row: &Row) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => Self::from_row(row),
            Row::Postgres(row) => Self::from_row(row),
        }
    }
}

impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl Row {
    /// Reads a column.
    pub(super) fn try_get<T: Scalar>(&self, column: &str) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// A statement with its values.
pub(super) struct Query {
    sql: SqlStr,
    values: Vec<Value>,
}

/// Creates a statement.
pub(super) fn query(sql: impl SqlSafeStr) -> Query {
    Query { sql: sql.into_sql_str(), values: Vec::new() }
}

/// Creates a statement whose rows are read into a struct or a tuple.
pub(super) fn query_as<T: Record>(sql: impl SqlSafeStr) -> QueryAs<T> {
    QueryAs { query: query(sql), read: PhantomData }
}

/// Creates a statement whose rows have one column.
pub(super) fn query_scalar<T: Scalar>(sql: impl SqlSafeStr) -> QueryScalar<T> {
    QueryScalar { query: query(sql), read: PhantomData }
}

impl Query {
    /// Binds the next placeholder.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs the statement and returns the number of affected rows.
    pub(super) async fn execute(self, connection: &mut Connection) -> Result<u64, sqlx::Error> {
        match connection.link() {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(self.sql, for_sqlite(self.values)?);
                Ok(query.execute(link).await?.rows_affected())
            }
            Link::Postgres(server) => {
                let query = sqlx::query_with(self.sql, for_postgres(self.values)?);
                Ok(server.ask(async |link| query.execute(link).await).await?.rows_affected())
            }
        }
    }

    pub(super) async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<Row>, sqlx::Error> {
        match connection.link() {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(self.sql, for_sqlite(self.values)?);
                Ok(query.fetch_optional(link).await?.map(Row::Sqlite))
            }
            Link::Postgres(server) => {
                let query = sqlx::query_with(self.sql, for_postgres(self.values)?);
                Ok(server.ask(async |link| query.fetch_optional(link).await).await?.map(Row::Postgres))
            }
        }
    }

    pub(super) async fn fetch_one(self, connection: &mut Connection) -> Result<Row, sqlx::Error> {
        self.fetch_optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }

    pub(super) async fn fetch_all(self, connection: &mut Connection) -> Result<Vec<Row>, sqlx::Error> {
        match connection.link() {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(self.sql, for_sqlite(self.values)?);
                Ok(query.fetch_all(link).await?.into_iter().map(Row::Sqlite).collect())
            }
            Link::Postgres(server) => {
                let query = sqlx::query_with(self.sql, for_postgres(self.values)?);
                Ok(server.ask(async |link| query.fetch_all(link).await).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// A statement whose rows are read into `T`.
pub(super) struct QueryAs<T> {
    query: Query,
    read: PhantomData<fn() -> T>,
}

impl<T: Record> QueryAs<T> {
    pub(super) fn bind(self, value: impl Into<Value>) -> Self {
        Self { query: self.query.bind(value), ..self }
    }

    pub(super) async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<T>, sqlx::Error> {
        self.query.fetch_optional(connection).await?.as_ref().map(T::of).transpose()
    }

    pub(super) async fn fetch_one(self, connection: &mut Connection) -> Result<T, sqlx::Error> {
        T::of(&self.query.fetch_one(connection).await?)
    }

    pub(super) async fn fetch_all(self, connection: &mut Connection) -> Result<Vec<T>, sqlx::Error> {
        self.query.fetch_all(connection).await?.iter().map(T::of).collect()
    }
}

/// A statement whose rows have one column.
pub(super) struct QueryScalar<T> {
    query: Query,
    read: PhantomData<fn() -> T>,
}

impl<T: Scalar> QueryScalar<T> {
    pub(super) fn bind(self, value: impl Into<Value>) -> Self {
        Self { query: self.query.bind(value), ..self }
    }

    pub(super) async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<T>, sqlx::Error> {
        self.query.fetch_optional(connection).await?.as_ref().map(first).transpose()
    }

    pub(super) async fn fetch_one(self, connection: &mut Connection) -> Result<T, sqlx::Error> {
        first(&self.query.fetch_one(connection).await?)
    }

    pub(super) async fn fetch_all(self, connection: &mut Connection) -> Result<Vec<T>, sqlx::Error> {
        self.query.fetch_all(connection).await?.iter().map(first).collect()
    }
}

fn first<T: Scalar>(row: &Row) -> Result<T, sqlx::Error> {
    match row {
        Row::Sqlite(row) => row.try_get(0),
        Row::Postgres(row) => row.try_get(0),
    }
}

fn for_sqlite(values: Vec<Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Text(value) => arguments.add(value),
            Value::Integer(value) => arguments.add(value),
            Value::Real(value) => arguments.add(value),
            Value::Boolean(value) => arguments.add(value),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn for_postgres(values: Vec<Value>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Text(value) => arguments.add(value.map(without_nul)),
            Value::Integer(value) => arguments.add(value),
            Value::Real(value) => arguments.add(value),
            Value::Boolean(value) => arguments.add(value),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Replaces U+0000, which PostgreSQL does not store, by the symbol for it (U+2400). Documents are JSON text, which
/// escapes it, so that only names and labels beside them are affected.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{2400}") } else { text }
}

/// A statement that is built from parts.
#[derive(Clone)]
pub(super) struct QueryBuilder {
    sql: String,
    values: Vec<Value>,
}

impl QueryBuilder {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    pub(super) fn push(&mut self, sql: impl Display) -> &mut Self {
        // Writing to a string does not fail.
        let _ = write!(self.sql, "{sql}");
        self
    }

    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        self.push(format_args!("${number}"))
    }

    /// Adds values with commas between them.
    pub(super) fn push_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    pub(super) fn build(self) -> Query {
        Query { sql: AssertSqlSafe(self.sql).into_sql_str(), values: self.values }
    }

    pub(super) fn build_query_as<T: Record>(self) -> QueryAs<T> {
        QueryAs { query: self.build(), read: PhantomData }
    }

    pub(super) fn build_query_scalar<T: Scalar>(self) -> QueryScalar<T> {
        QueryScalar { query: self.build(), read: PhantomData }
    }
}

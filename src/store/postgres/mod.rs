//! The engine PostgreSQL: one database, any number of servers.
//!
//! Writes that number rows, count them or depend on other rows run one after the other over all servers, as with SQLite:
//! the writer of each server takes an advisory lock for the transaction of a group. So lists are in the order of commits,
//! and limits, idempotency keys and deletion rules hold without conflicts that would have to be repeated. Writes to a
//! single row, such as claims and heartbeats, run beside them on connections of the pool.

mod listener;
mod migrate;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use metrics::gauge;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

#[cfg(test)]
pub(super) use self::migrate::migrate;
pub(super) use self::migrate::{MIGRATIONS, standing};
use super::connection::{Connection, Link};
use super::news::{self, News};
use super::writer::{Transactions, Writer, write_beside};
use super::{StoreError, StoreSettings};
use crate::clock::{Clock, Ids, SteadyClock};
use crate::telemetry::metric;

/// The most operations in one commit. Other servers wait for the whole group.
const GROUP_LIMIT: usize = 64;
/// How long a connection may do nothing in an open transaction. It bounds how long a server that stands still delays the
/// others.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);
/// How long a connection may be idle before it is tested when it is next used.
const TESTED_AFTER: Duration = Duration::from_secs(1);
/// How many items of news a receiver may be behind before it is told [`News::Anything`].
const NEWS_KEPT: usize = 1024;

/// An open database.
#[derive(Clone)]
pub(super) struct Postgres {
    pub(super) writer: Writer,
    pool: PgPool,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    news: broadcast::Sender<News>,
    is_listening: Arc<AtomicBool>,
    closing: CancellationToken,
}

/// What the transactions of a server have in common.
struct Shared {
    /// Names this server in its news.
    server: String,
    /// The object id of a table. It makes locks and channels those of this schema.
    schema: i64,
    /// The clock for deadlines, which follows that of the database.
    steady: SteadyClock,
    /// Whether it does; tests set their own time.
    follows: bool,
    /// How long an answer of the database is waited for: longer than it lets a statement run.
    answer_limit: Duration,
}

impl Shared {
    fn channel(&self) -> String {
        format!("cutpoint_{}", self.schema)
    }

    /// Begins a transaction and sets the clock. A transaction in turn waits for those of other servers.
    async fn begin(&self, connection: &mut Connection, in_turn: bool) -> Result<(), sqlx::Error> {
        const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
        let lock = if in_turn {
            // The lock takes two 32-bit numbers. Object ids are unsigned.
            #[allow(clippy::cast_possible_truncation)]
            let schema = self.schema as i32;
            format!(" FROM pg_advisory_xact_lock({schema}, 1)")
        } else {
            String::new()
        };
        // Statements after the lock see what others wrote before it, whatever isolation the database has by default.
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT {NOW}{lock}; SAVEPOINT operation");
        let Link::Postgres(server) = connection.link() else { return Err(sqlx::Error::PoolClosed) };
        let rows = server.ask(async |link| sqlx::raw_sql(AssertSqlSafe(begin)).fetch_all(link).await).await?;
        let now = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        if self.follows
            && let Ok(now) = Timestamp::from_microsecond(now)
        {
            self.steady.follow(now);
        }
        Ok(())
    }
}

impl Postgres {
    /// Opens a database and migrates its schema.
    pub(super) async fn open(
        settings: &StoreSettings,
        clock: Arc<dyn Clock>,
        steady: SteadyClock,
        ids: &dyn Ids,
        site: watch::Sender<()>,
    ) -> Result<Self, StoreError> {
        let options = connect_options(&settings.database_url)?;
        migrate::migrate_to_this(&settings.database_url, &options, settings.create).await?;
        let pool = pool(settings, settings.connections, &options);
        let schema = sqlx::query_scalar("SELECT CAST(CAST(CAST('jobs' AS regclass) AS oid) AS BIGINT)");
        let schema = schema.fetch_one(&pool).await?;
        let shared = Arc::new(Shared {
            server: ids.uuid().to_string(),
            schema,
            steady,
            follows: settings.follow_database_clock,
            answer_limit: settings.statement_timeout.saturating_add(settings.wait),
        });
        let mut first = Connection::to_server(pool.acquire().await?, shared.answer_limit);
        shared.begin(&mut first, false).await?;
        first.run("ROLLBACK").await?;
        drop(first);
        let in_turn =
            ServerTransactions { pool: pool_of_one(settings, &options), shared: shared.clone(), in_turn: true };
        let writer = Writer::start(in_turn, settings.group_limit.min(GROUP_LIMIT), clock.clone(), site);
        let (news, _) = broadcast::channel(NEWS_KEPT);
        let is_listening = Arc::new(AtomicBool::new(false));
        let closing = CancellationToken::new();
        let (own_settings, own_options) = (settings.clone(), options.clone());
        let listener = listener::Listener {
            own: move || pool_of_one(&own_settings, &own_options),
            pool: pool.clone(),
            server: shared.server.clone(),
            channel: shared.channel(),
            news: news.clone(),
            is_listening: is_listening.clone(),
        };
        let until = closing.clone();
        tokio::spawn(async move { until.run_until_cancelled_owned(listener.listen()).await });
        Ok(Self { writer, pool, shared, clock, news, is_listening, closing })
    }

    pub(super) async fn read(&self) -> Result<Connection, sqlx::Error> {
        Ok(Connection::to_server(self.pool.acquire().await?, self.shared.answer_limit))
    }

    /// Runs an operation on a single row in a transaction of its own.
    pub(super) async fn write_beside<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let beside = ServerTransactions { pool: self.pool.clone(), shared: self.shared.clone(), in_turn: false };
        write_beside(beside, self.clock.clone(), work).await
    }

    /// Returns the news of other servers from now on.
    pub(super) fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Returns what is cancelled when the database is closed.
    pub(super) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Sets the gauges of this engine.
    pub(super) fn measure(&self) {
        let (all, idle) = (f64::from(self.pool.size()), self.pool.num_idle() as f64);
        gauge!(metric::CONNECTIONS, "state" => "idle").set(idle);
        gauge!(metric::CONNECTIONS, "state" => "used").set((all - idle).max(0.0));
        gauge!(metric::LISTENING).set(if self.is_listening.load(Ordering::Relaxed) { 1.0 } else { 0.0 });
    }

    /// Finishes pending writes and closes the connections.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.writer.close().await;
        self.pool.close().await;
    }
}

/// Transactions on connections of a pool.
struct ServerTransactions {
    pool: PgPool,
    shared: Arc<Shared>,
    /// Whether they wait for those of other servers.
    in_turn: bool,
}

impl ServerTransactions {
    async fn try_begin(&self) -> Result<Connection, sqlx::Error> {
        let mut connection = Connection::to_server(self.pool.acquire().await?, self.shared.answer_limit);
        match self.shared.begin(&mut connection, self.in_turn).await {
            Ok(()) => Ok(connection),
            Err(error) => {
                connection.discard();
                Err(error)
            }
        }
    }
}

impl Transactions for ServerTransactions {
    async fn begin(&mut self) -> Result<Connection, sqlx::Error> {
        match self.try_begin().await {
            // The connection was closed while it was idle, for instance by a restart of the database.
            Err(error) if is_lost(&error) => self.try_begin().await,
            begun => begun,
        }
    }

    async fn commit(&self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let news = connection.take_news();
        if news.is_empty() {
            return connection.run("RELEASE operation; COMMIT").await;
        }
        // The text consists of ids and fixed words.
        let text = news::write(&self.shared.server, &news);
        let channel = self.shared.channel();
        let commit = format!("RELEASE operation; SELECT pg_notify('{channel}', '{text}'); COMMIT");
        connection.run(AssertSqlSafe(commit)).await
    }

    async fn release(&mut self, connection: Connection, committed: bool) {
        if !committed {
            connection.discard();
        }
    }

    fn lacks_space(&self, _error: &sqlx::Error) -> bool {
        // The database says so itself, in `StoreError::from`.
        false
    }

    async fn ran_out(&self, _connection: &mut Connection) {}

    async fn close(self) {
        if self.in_turn {
            self.pool.close().await;
        }
    }
}

/// Returns `true` if the connection was lost, or the database was shut down (SQLSTATE 57P01 and 57P02).
fn is_lost(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(error, sqlx::Error::Io(_)) || code.is_some_and(|code| ["57P01", "57P02"].contains(&&*code))
}

/// Reads a URL. The application name says which schema this version knows, which a migration asks for.
fn connect_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url)?;
    Ok(options.application_name(&format!("{}{}", migrate::APPLICATION, migrate::newest(&MIGRATIONS))))
}

fn pool_of_one(settings: &StoreSettings, options: &PgConnectOptions) -> PgPool {
    pool(settings, 1, options)
}

fn pool(settings: &StoreSettings, connections: u32, options: &PgConnectOptions) -> PgPool {
    let (statement, idle) = (settings.statement_timeout.as_millis(), IDLE_IN_TRANSACTION.as_millis());
    // Set after connecting, since PgBouncer refuses parameters of the start that it does not know.
    let limits = format!("SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {idle}");
    PgPoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(settings.wait)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TESTED_AFTER {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let limits = AssertSqlSafe(limits.clone());
            Box::pin(async move { sqlx::raw_sql(limits).execute(connection).await.map(|_| ()) })
        })
        .connect_lazy_with(options.clone())
}

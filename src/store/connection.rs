//! A connection of either engine.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, SqlSafeStr, Sqlite, SqliteConnection};

use super::news::News;

/// A connection to the database.
pub(super) struct Connection {
    held: Held,
    /// What the operations of the open transaction tell other servers.
    news: Vec<News>,
    /// Whether this process is to hear of a change of a cluster with deployments.
    site: bool,
}

enum Held {
    SqliteWriter(SqliteConnection),
    SqliteReader(PoolConnection<Sqlite>),
    Postgres(Borrowed),
}

/// A connection of a pool to PostgreSQL.
struct Borrowed {
    connection: PoolConnection<Postgres>,
    /// How long the server may take for an answer.
    limit: Duration,
    /// Whether it took longer, or its transaction is in an unknown state: nothing is sent to it any more.
    is_lost: bool,
}

impl Borrowed {
    /// Makes the pool close the connection in place of using it again.
    fn lose(&mut self) {
        self.is_lost = true;
        self.connection.close_on_drop();
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if !self.is_lost {
            // The pool asks the database once more before it takes a connection back, and has no limit of its own.
            tokio::spawn(tokio::time::timeout(self.limit, self.connection.return_to_pool()));
        }
    }
}

/// The connection of sqlx.
pub(super) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(Server<'c>),
}

/// A connection to PostgreSQL whose answers are not waited for without end. The database limits statements, but a host
/// that is gone ends nothing.
pub(super) struct Server<'c>(&'c mut Borrowed);

impl<'c> Server<'c> {
    /// Returns the connection without the limit, for rows that are read one by one.
    pub(super) fn unlimited(self) -> &'c mut PgConnection {
        &mut self.0.connection
    }

    /// Returns the answer to what is asked. A connection that did not answer in time is closed when it is dropped.
    ///
    /// # Errors
    /// There was no answer in time, or the database failed.
    pub(super) async fn ask<T>(
        self,
        question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let no_answer = || sqlx::Error::Protocol("the database did not answer in time".to_owned());
        if self.0.is_lost {
            return Err(no_answer());
        }
        let answer = tokio::time::timeout(self.0.limit, question(&mut self.0.connection)).await;
        answer.unwrap_or_else(|_| {
            self.0.lose();
            Err(no_answer())
        })
    }
}

impl Connection {
    /// Returns a connection to PostgreSQL whose answers may take so long.
    pub(super) fn to_server(connection: PoolConnection<Postgres>, limit: Duration) -> Self {
        Self { held: Held::Postgres(Borrowed { connection, limit, is_lost: false }), news: Vec::new(), site: false }
    }

    pub(super) fn link(&mut self) -> Link<'_> {
        match &mut self.held {
            Held::SqliteWriter(connection) => Link::Sqlite(connection),
            Held::SqliteReader(connection) => Link::Sqlite(connection),
            Held::Postgres(borrowed) => Link::Postgres(Server(borrowed)),
        }
    }

    /// Runs statements without values, which may be several with semicolons between them.
    pub(super) async fn run(&mut self, sql: impl SqlSafeStr) -> Result<(), sqlx::Error> {
        match self.link() {
            Link::Sqlite(link) => sqlx::query(sql).execute(link).await.map(|_| ()),
            Link::Postgres(server) => server.ask(async |link| sqlx::raw_sql(sql).execute(link).await.map(|_| ())).await,
        }
    }

    /// Returns the statement of this connection's engine, for the few that differ.
    pub(super) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.held {
            Held::SqliteWriter(_) | Held::SqliteReader(_) => sqlite,
            Held::Postgres(_) => postgres,
        }
    }

    /// Tells the servers of this database something once the transaction is committed. One file of SQLite has one
    /// server, which knows already.
    pub(super) fn tell(&mut self, news: News) {
        self.site |= news == News::Site;
        if matches!(self.held, Held::Postgres(_)) && !self.news.contains(&news) {
            self.news.push(news);
        }
    }

    /// Returns how much there is to tell.
    pub(super) fn told(&self) -> usize {
        self.news.len()
    }

    /// Forgets the news of an operation that was rolled back: all but the first.
    pub(super) fn untell(&mut self, kept: usize) {
        self.news.truncate(kept);
    }

    /// Returns whether a cluster with deployments was changed, once.
    pub(super) fn take_site(&mut self) -> bool {
        std::mem::take(&mut self.site)
    }

    /// Takes the news of the transaction.
    pub(super) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Closes the connection, which waits until SQLite has written its log into the database.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        match self.held {
            Held::SqliteWriter(connection) => sqlx::Connection::close(connection).await,
            Held::SqliteReader(connection) => connection.close().await,
            Held::Postgres(mut borrowed) => {
                borrowed.lose();
                Ok(())
            }
        }
    }

    /// Makes the pool close the connection in place of using it again: its transaction is in an unknown state.
    pub(super) fn discard(mut self) {
        if let Held::Postgres(borrowed) = &mut self.held {
            borrowed.lose();
        }
    }
}

impl From<SqliteConnection> for Connection {
    fn from(connection: SqliteConnection) -> Self {
        Self { held: Held::SqliteWriter(connection), news: Vec::new(), site: false }
    }
}

impl From<PoolConnection<Sqlite>> for Connection {
    fn from(connection: PoolConnection<Sqlite>) -> Self {
        Self { held: Held::SqliteReader(connection), news: Vec::new(), site: false }
    }
}

//! A connection of either engine.

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
    Postgres(PoolConnection<Postgres>),
}

/// The connection of sqlx.
pub(super) enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    pub(super) fn link(&mut self) -> Link<'_> {
        match &mut self.held {
            Held::SqliteWriter(connection) => Link::Sqlite(connection),
            Held::SqliteReader(connection) => Link::Sqlite(connection),
            Held::Postgres(connection) => Link::Postgres(connection),
        }
    }

    /// Runs statements without values, which may be several with semicolons between them.
    pub(super) async fn run(&mut self, sql: impl SqlSafeStr) -> Result<(), sqlx::Error> {
        match self.link() {
            Link::Sqlite(link) => sqlx::query(sql).execute(link).await.map(|_| ()),
            Link::Postgres(link) => sqlx::raw_sql(sql).execute(link).await.map(|_| ()),
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
            Held::Postgres(connection) => connection.close().await,
        }
    }

    /// Makes the pool close the connection in place of using it again: its transaction is in an unknown state.
    pub(super) fn discard(mut self) {
        if let Held::Postgres(connection) = &mut self.held {
            connection.close_on_drop();
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

impl From<PoolConnection<Postgres>> for Connection {
    fn from(connection: PoolConnection<Postgres>) -> Self {
        Self { held: Held::Postgres(connection), news: Vec::new(), site: false }
    }
}

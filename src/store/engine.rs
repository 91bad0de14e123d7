//! The choice of an engine by the URL of the database.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use url::Url;

use super::connection::Connection;
use super::news::News;
use super::postgres::{self, Postgres};
use super::sqlite::{self, Shortage, Space, Sqlite};
use super::writer::Writer;
use super::{Store, StoreError, StoreSettings};
use crate::clock::{Clock, Ids, SteadyClock};

/// An open database of either engine.
#[derive(Clone)]
pub(super) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Returns `true` if a URL names a database of PostgreSQL.
fn is_postgres(database_url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme))
}

/// What exists under the URL of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No file.
    Missing,
    /// A file or schema without any data.
    Empty,
    /// A database of this program.
    Ours,
}

/// Inspects a database without changing anything.
///
/// # Errors
/// [`StoreError::Foreign`] or [`StoreError::Newer`] if this program may not write to it, or it cannot be read.
pub async fn standing(database_url: &str) -> Result<Standing, StoreError> {
    if is_postgres(database_url) {
        postgres::standing(database_url).await
    } else {
        sqlite::standing(database_url).await
    }
}

/// The right to serve a database, until it is dropped or the process ends. Only one server may serve a file of SQLite; any
/// number may serve a database of PostgreSQL.
#[derive(Debug)]
pub struct ServerLock {
    _file: Option<sqlite::ServerLock>,
}

impl ServerLock {
    /// Takes the right.
    ///
    /// # Errors
    /// [`StoreError::Served`] if another process has it; the URL names no file, or the file of the lock cannot be created.
    pub fn take(database_url: &str) -> Result<Self, StoreError> {
        let file = if is_postgres(database_url) { None } else { Some(sqlite::ServerLock::take(database_url)?) };
        Ok(Self { _file: file })
    }
}

/// Copies a database file, see `sqlite::backup`. A database of PostgreSQL has tools of its own for that.
///
/// # Errors
/// [`StoreError::NoFile`] for PostgreSQL; [`StoreError::Missing`], [`StoreError::Foreign`] or [`StoreError::Newer`] for the
/// original, [`StoreError::Exists`] for the copy, [`StoreError::DamagedCopy`], or the database or the file system failed.
pub async fn backup(database_url: &str, copy: &Path) -> Result<u64, StoreError> {
    if is_postgres(database_url) {
        return Err(StoreError::NoFile { database: shown_url(database_url) });
    }
    sqlite::backup(database_url, copy).await
}

/// Returns a URL as it may be shown: without its password.
pub fn shown_url(database_url: &str) -> String {
    if !is_postgres(database_url) {
        return database_url.to_owned();
    }
    // It may have a password, whose characters made it unreadable.
    let Ok(mut url) = Url::parse(database_url) else { return "postgres://… (not a valid URL)".to_owned() };
    let has_password = url.password().is_some() && url.set_password(Some("…")).is_ok();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "password")
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    if url.query().is_some() && kept.len() < url.query_pairs().count() {
        url.query_pairs_mut().clear().extend_pairs(kept);
    } else if !has_password {
        return database_url.to_owned();
    }
    url.into()
}

/// Returns what a database must be that cannot be opened.
pub fn advice(database_url: &str) -> &'static str {
    if is_postgres(database_url) {
        "which must be a PostgreSQL database that can be reached and in which this user may create tables"
    } else {
        "which must be a SQLite file in a folder that can be written to"
    }
}

impl Engine {
    pub(super) async fn open(
        settings: &StoreSettings,
        space: Option<Arc<dyn Space>>,
        clock: Arc<dyn Clock>,
        steady: SteadyClock,
        ids: &dyn Ids,
        site: watch::Sender<()>,
    ) -> Result<Self, StoreError> {
        if is_postgres(&settings.database_url) {
            Postgres::open(settings, clock, steady, ids, site).await.map(Self::Postgres)
        } else {
            Sqlite::open(settings, space, clock, site).await.map(Self::Sqlite)
        }
    }

    /// Returns `true` if other servers may use the database too.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(super) async fn read(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(engine) => engine.read().await,
            Self::Postgres(engine) => engine.read().await,
        }
    }

    pub(super) fn writer(&self) -> &Writer {
        match self {
            Self::Sqlite(engine) => &engine.writer,
            Self::Postgres(engine) => &engine.writer,
        }
    }

    pub(super) async fn shortage(&self) -> Result<Option<Shortage>, sqlx::Error> {
        match self {
            Self::Sqlite(engine) => engine.shortage().await,
            Self::Postgres(_) => Ok(None),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::Postgres(engine) => engine.close().await,
        }
    }
}

/// The news of other servers of the database, from when it was made.
#[derive(Debug)]
pub struct NewsOfOthers(Option<tokio::sync::broadcast::Receiver<News>>);

impl NewsOfOthers {
    /// Waits for the next item. Without other servers, and after the store is closed, there is none.
    pub async fn next(&mut self) -> News {
        let Some(receiver) = &mut self.0 else { return std::future::pending().await };
        match receiver.recv().await {
            Ok(news) => news,
            Err(RecvError::Lagged(_)) => News::Anything,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Store {
    /// Returns the news of other servers of the database from now on.
    pub fn news_of_others(&self) -> NewsOfOthers {
        match &self.engine {
            Engine::Sqlite(_) => NewsOfOthers(None),
            Engine::Postgres(engine) => NewsOfOthers(Some(engine.news())),
        }
    }

    /// Passes news on that concern the store itself: deliveries, and placements that caches may still hold.
    pub(super) fn hear_of_others(&self) {
        let Engine::Postgres(engine) = &self.engine else { return };
        let (mut news, outbox, deletions) = (self.news_of_others(), self.outbox.clone(), self.deletions.clone());
        let site = self.site.clone();
        let closing = engine.closing();
        let pass_on = async move {
            loop {
                let item = news.next().await;
                if matches!(item, News::Deliveries | News::Anything) {
                    outbox.notify_one();
                }
                if matches!(item, News::Site | News::Anything) {
                    site.send_replace(());
                }
                if matches!(item, News::Deleted | News::Anything) {
                    deletions.fetch_add(1, std::sync::atomic::Ordering::Release);
                }
            }
        };
        tokio::spawn(async move { closing.run_until_cancelled_owned(pass_on).await });
    }
}

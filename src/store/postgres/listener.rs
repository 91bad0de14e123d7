//! Hears the news of other servers: one connection listens, and the news are passed on in this process.
//!
//! A pooler such as PgBouncer may accept LISTEN and deliver nothing. So the listener sends itself a notification first,
//! and again when it has heard nothing for a while. Where none comes, it says at short intervals that anything may have
//! happened, so that everyone looks into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use crate::store::connection::Connection;
use crate::store::news::{self, News};
use crate::store::sql;

/// How long a notification may take.
const ARRIVES: Duration = Duration::from_secs(2);
/// How long the listener hears nothing before it tests the connection.
const SILENCE: Duration = Duration::from_secs(20);
/// The interval of looking where nothing can be heard.
const POLL: Duration = Duration::from_millis(500);
/// How many polls pass before it tries to listen again.
const POLLS: u32 = 60;

/// The listener of a server.
pub(super) struct Listener<P> {
    /// Makes the pool of the connection that listens.
    pub(super) own: P,
    /// The pool for its own notifications.
    pub(super) pool: PgPool,
    pub(super) server: String,
    pub(super) channel: String,
    pub(super) news: broadcast::Sender<News>,
    pub(super) is_listening: Arc<AtomicBool>,
}

impl<P: Fn() -> PgPool> Listener<P> {
    /// Listens until it is dropped.
    pub(super) async fn listen(self) {
        loop {
            let own = (self.own)();
            match self.connect(&own).await {
                Ok(Some(listener)) => {
                    self.say_listening(true);
                    let error = self.hear(listener).await;
                    self.say_listening(false);
                    tracing::warn!(%error, "the connection that listens to other servers is lost");
                    self.tell(News::Anything);
                    tokio::time::sleep(POLL).await;
                }
                Ok(None) => {
                    tracing::warn!("notifications do not arrive, as behind a pooler: looking at intervals instead");
                    for _ in 0..POLLS {
                        self.tell(News::Anything);
                        tokio::time::sleep(POLL).await;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot listen to other servers");
                    self.tell(News::Anything);
                    tokio::time::sleep(POLL).await;
                }
            }
            // A connection whose other end is gone may not close.
            let _ = tokio::time::timeout(ARRIVES, own.close()).await;
        }
    }

    /// Listens and waits for a notification of its own. Returns `None` if it does not arrive.
    async fn connect(&self, own: &PgPool) -> Result<Option<PgListener>, sqlx::Error> {
        let mut listener = PgListener::connect_with(own).await?;
        listener.eager_reconnect(false);
        let listened = tokio::time::timeout(ARRIVES, listener.listen(&self.channel)).await;
        listened.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
        Ok(self.is_heard(&mut listener).await?.then_some(listener))
    }

    /// Passes the news on until the connection is lost. Returns the reason.
    async fn hear(&self, mut listener: PgListener) -> sqlx::Error {
        // What happened before is not heard.
        self.tell(News::Anything);
        loop {
            match tokio::time::timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => self.pass_on(notification.payload()),
                Ok(Ok(None)) => return sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()),
                Ok(Err(error)) => return error,
                Err(_) => match self.is_heard(&mut listener).await {
                    Ok(true) => {}
                    Ok(false) => return sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
                    Err(error) => return error,
                },
            }
        }
    }

    /// Sends a notification and returns `true` once anything arrives.
    async fn is_heard(&self, listener: &mut PgListener) -> Result<bool, sqlx::Error> {
        let mut connection = Connection::to_server(self.pool.acquire().await?, ARRIVES);
        let notify = sql::query("SELECT pg_notify($1, $2)").bind(&self.channel).bind(&self.server);
        notify.execute(&mut connection).await?;
        drop(connection);
        match tokio::time::timeout(ARRIVES, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                self.pass_on(notification.payload());
                Ok(true)
            }
            Ok(Ok(None)) | Err(_) => Ok(false),
            Ok(Err(error)) => Err(error),
        }
    }

    fn pass_on(&self, payload: &str) {
        news::read(&self.server, payload).into_iter().for_each(|news| self.tell(news));
    }

    fn tell(&self, news: News) {
        // Nobody may be subscribed.
        let _ = self.news.send(news);
    }

    fn say_listening(&self, is_listening: bool) {
        self.is_listening.store(is_listening, Ordering::Relaxed);
    }
}

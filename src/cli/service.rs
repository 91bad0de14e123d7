//! The whole service in this process: store, queue and HTTP, from start to shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Ids, RandomIds, SystemClock};
use crate::config::Settings;
use crate::http::{self, Api, Limits};
use crate::jobs::{Planner, Queue, QueueSettings};
use crate::store::{Store, StoreSettings};

/// A running service.
pub(super) struct Service {
    address: SocketAddr,
    store: Store,
    queue: Queue,
    closing: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
    shutdown: Duration,
}

impl Service {
    /// Opens the database, takes up the jobs that it holds, and listens.
    pub(super) async fn start(settings: &Settings) -> anyhow::Result<Self> {
        // First of all: a port that is taken must not leave a database behind.
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}; --listen takes another address", settings.listen))?;
        let address = listener.local_addr().context("the listening socket has no address")?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ids: Arc<dyn Ids> = Arc::new(RandomIds::default());
        let store = Store::open(&StoreSettings::new(&settings.database_url), clock.clone(), ids.clone())
            .await
            .with_context(|| {
                let url = &settings.database_url;
                format!(
                    "cannot open the database {url}, which must be a SQLite file in a folder that can be written to"
                )
            })?;
        let queue =
            Queue::start(store.clone(), clock.clone(), ids.clone(), queue_settings(settings), Arc::new(Planner))
                .await
                .context("cannot take up the jobs of the database")?;
        let body_bytes = usize::try_from(settings.max_body_bytes).unwrap_or(usize::MAX);
        let limits = Limits { body_bytes, ..Limits::default() };
        let api = Api::new(store.clone(), queue.clone(), clock, ids, limits);
        let closing = CancellationToken::new();
        let serving =
            axum::serve(listener, http::router(api)).with_graceful_shutdown(closing.clone().cancelled_owned());
        let server = tokio::spawn(serving.into_future());
        let shutdown = Duration::from_secs_f64(settings.shutdown_s);
        Ok(Self { address, store, queue, closing, server, shutdown })
    }

    /// The address that it listens on, its real port included.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the service ends by itself, which is a failure.
    pub(super) async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.server).await {
            Ok(Ok(())) => anyhow::anyhow!("the server ended by itself"),
            Ok(Err(error)) => anyhow::Error::new(error).context("the server failed"),
            Err(error) => anyhow::Error::new(error).context("the server panicked"),
        }
    }

    /// Stops accepting, puts running jobs back into the queue with their incumbents, lets open requests end within
    /// the limit, and closes the database.
    pub(super) async fn shut_down(mut self) {
        self.closing.cancel();
        let drained = async { tokio::join!(self.queue.shutdown(), &mut self.server) };
        if tokio::time::timeout(self.shutdown, drained).await.is_err() {
            tracing::warn!(limit_s = self.shutdown.as_secs_f64(), "requests still open at the limit are cut off");
            self.server.abort();
        }
        self.store.close().await;
    }
}

fn queue_settings(settings: &Settings) -> QueueSettings {
    QueueSettings {
        workers: settings.workers,
        threads_per_job: settings.threads_per_job,
        heartbeat: Duration::from_secs_f64(settings.heartbeat_s),
        lease: Duration::from_secs_f64(settings.lease_s),
        queue_limit: settings.queue_limit,
        grace: Duration::from_secs_f64(settings.shutdown_s),
        ..QueueSettings::default()
    }
}

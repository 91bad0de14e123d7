//! The service in this process: starts and shuts down store, queue, webhooks and HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Ids, RandomIds, SystemClock};
use crate::config::Settings;
use crate::deployments::Deployments;
use crate::http::{self, Api, ConnectionLimits};
use crate::jobs::{Planner, Queue};
use crate::store::{self, ServerLock, Standing, Store, StoreSettings};
use crate::telemetry::Metrics;
use crate::webhook::connect::trusted_roots;
use crate::webhook::{Dispatcher, Guard, Sender, SystemResolver};

/// A running service.
pub(super) struct Service {
    address: SocketAddr,
    store: Store,
    queue: Queue,
    dispatcher: Dispatcher,
    deployments: Deployments,
    closing: CancellationToken,
    server: JoinHandle<()>,
    shutdown: Duration,
    _lock: ServerLock,
}

impl Service {
    /// Opens the database, resumes its jobs, and listens.
    pub(super) async fn start(settings: &Settings) -> anyhow::Result<Self> {
        // The socket is bound first, so that an occupied port does not leave a new database behind.
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}; --listen takes another address", settings.listen))?;
        let address = listener.local_addr().context("the listening socket has no address")?;
        let guard = Guard::new(settings.webhook_allow_nets.iter().copied());
        let cannot_open = || {
            let (url, advice) = (store::shown_url(&settings.database_url), store::advice(&settings.database_url));
            format!("cannot open the database {url}, {advice}")
        };
        let anonymous = settings.listen.ip().is_loopback() || settings.allow_anonymous;
        // A refused start creates no database and no lock, and changes no file of another program.
        let standing = store::standing(&settings.database_url).await.with_context(cannot_open)?;
        if standing != Standing::Ours && !anonymous {
            return Err(no_key(address));
        }
        let sender = sender(guard.clone()).await?;
        let lock = ServerLock::take(&settings.database_url).with_context(cannot_open)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ids: Arc<dyn Ids> = Arc::new(RandomIds::default());
        let store =
            Store::open(&store_settings(settings), clock.clone(), ids.clone()).await.with_context(cannot_open)?;
        judge_keys(&store, anonymous, address).await?;
        let queue = Queue::start(store.clone(), clock.clone(), ids.clone(), settings.into(), Arc::new(Planner))
            .await
            .context("cannot resume the jobs of the database")?;
        let dispatcher = Dispatcher::start(store.clone(), clock.clone(), ids.clone(), sender, settings.into())
            .await
            .context("cannot resume the deliveries of the database")?;
        let deployments = Deployments::start(store.clone(), queue.clone(), clock.clone(), ids.clone())
            .await
            .context("cannot resume the deployments of the database")?;
        let api = Api::new(store.clone(), queue.clone(), clock, ids, settings.into(), guard, anonymous);
        let api = api.with_page_hosts(settings.page_hosts.clone());
        let closing = CancellationToken::new();
        let connections = ConnectionLimits::from(settings);
        let server = tokio::spawn(http::serve(listener, http::router(api), connections, closing.clone()));
        tokio::spawn(fold_metrics(closing.clone()));
        let shutdown = Duration::from_secs_f64(settings.shutdown_s);
        Ok(Self { address, store, queue, dispatcher, deployments, closing, server, shutdown, _lock: lock })
    }

    /// Returns the address that the service listens on, with the actual port.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server ends without a shutdown, which is a failure.
    pub(super) async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.server).await {
            Ok(()) => anyhow::anyhow!("the server ended by itself"),
            Err(error) => anyhow::Error::new(error).context("the server panicked"),
        }
    }

    /// Stops accepting connections, puts running jobs back into the queue with their incumbents, waits up to the limit
    /// for open requests and deliveries, and closes the database.
    pub(super) async fn shut_down(mut self) {
        self.closing.cancel();
        let drained = async {
            tokio::join!(
                self.queue.shutdown(),
                self.dispatcher.shutdown(),
                self.deployments.shutdown(),
                &mut self.server
            )
        };
        if tokio::time::timeout(self.shutdown, drained).await.is_err() {
            tracing::warn!(limit_s = self.shutdown.as_secs_f64(), "open requests are aborted at the time limit");
            self.server.abort();
        }
        self.store.close().await;
    }
}

/// Warns if callers need no key. Refuses to start if the address can be reached from other machines and no key exists.
async fn judge_keys(store: &Store, anonymous: bool, address: SocketAddr) -> anyhow::Result<()> {
    if !store.keys().await.context("cannot read the keys of the database")?.is_empty() {
        return Ok(());
    }
    if !anonymous {
        return Err(no_key(address));
    }
    tracing::warn!(%address, "there is no key yet: everyone who can reach this address has full access");
    Ok(())
}

fn no_key(address: SocketAddr) -> anyhow::Error {
    anyhow::anyhow!(
        "{address} can be reached from other machines, and there is no key yet: create one with `cutpoint key create`, \
         listen on 127.0.0.1, or accept callers without a key with --allow-anonymous"
    )
}

/// Returns the options of the store.
pub(super) fn store_settings(settings: &Settings) -> StoreSettings {
    StoreSettings {
        connections: settings.database_connections,
        wait: Duration::from_secs_f64(settings.database_wait_s),
        statement_timeout: Duration::from_secs_f64(settings.database_statement_timeout_s),
        ..StoreSettings::new(&settings.database_url)
    }
}

/// How often histograms are aggregated.
const FOLD: Duration = Duration::from_secs(5);

async fn fold_metrics(closing: CancellationToken) {
    let metrics = Metrics::of_process();
    while closing.run_until_cancelled(tokio::time::sleep(FOLD)).await.is_some() {
        metrics.fold();
    }
}

/// How long an attempt to deliver to a webhook may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

async fn sender(guard: Guard) -> anyhow::Result<Sender> {
    // `trusted_roots` reads files, which blocks.
    let roots = tokio::task::spawn_blocking(trusted_roots).await.context("cannot read the trusted certificates")?;
    Sender::new(guard, Arc::new(SystemResolver), roots, ATTEMPT_TIMEOUT).context("cannot set up TLS")
}

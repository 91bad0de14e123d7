//! The shared state of all handlers, and their limits.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::{Clock, Ids};
use crate::config::Settings;
use crate::deployments::Deployments;
use crate::http::keyring::{Keyring, Rates};
use crate::http::placement_cache::PlacementCache;
use crate::jobs::Queue;
use crate::store::Store;
use crate::webhook::Guard;

/// Limits on requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The largest body.
    pub body_bytes: usize,
    /// The most concurrent streams of events.
    pub streams: usize,
    /// The most concurrent requests.
    pub requests: usize,
    /// The most concurrent requests of one key.
    pub requests_per_key: usize,
    /// The most concurrent streams of events of one key.
    pub streams_per_key: usize,
    /// The most layers of a model.
    pub layers: usize,
    /// The most nodes of a cluster.
    pub nodes: usize,
    /// The most listed links of a cluster.
    pub links: usize,
    /// The longest time limit of a solve, seconds.
    pub time_limit_s: f64,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// The largest file that is imported while it arrives.
    pub import_bytes: usize,
    /// The most concurrent imports.
    pub imports: usize,
    /// How long an imported file may take to arrive.
    pub import_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            body_bytes: settings.max_body_bytes,
            streams: settings.max_streams,
            requests: settings.max_requests,
            requests_per_key: settings.max_requests_per_key,
            streams_per_key: settings.max_streams_per_key,
            layers: settings.max_layers,
            nodes: settings.max_nodes,
            links: settings.max_links,
            time_limit_s: settings.max_time_limit_s,
            body_timeout: Duration::from_secs_f64(settings.body_timeout_s),
            import_bytes: settings.max_import_bytes,
            imports: settings.max_imports,
            import_timeout: Duration::from_secs_f64(settings.import_timeout_s),
        }
    }
}

/// The state of all handlers. Clones share it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// The shared parts.
pub struct Shared {
    /// The store.
    pub store: Store,
    /// The queue of jobs.
    pub queue: Queue,
    /// The deployments.
    pub deployments: Deployments,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of request ids.
    pub ids: Arc<dyn Ids>,
    /// The limits on requests.
    pub limits: Limits,
    /// The API keys.
    pub keyring: Keyring,
    /// The guard of webhook addresses.
    pub guard: Guard,
    /// A cache of placements.
    pub cache: PlacementCache,
    /// Permits for streams of events.
    pub streams: Arc<Semaphore>,
    /// Permits for imports.
    pub imports: Arc<Semaphore>,
    /// Permits for requests.
    pub requests: Arc<Semaphore>,
    /// Names under which the page answers if no key is needed, besides those that nobody else can own.
    pub page_hosts: Vec<String>,
}

impl Api {
    /// Creates the state. `anonymous` accepts callers without a key, as the tenant `default`, if no key was ever
    /// created.
    pub fn new(
        store: Store,
        queue: Queue,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        limits: Limits,
        guard: Guard,
        anonymous: bool,
    ) -> Self {
        let room = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let (streams, imports, requests) = (room(limits.streams), room(limits.imports), room(limits.requests));
        let rates = Rates { requests: limits.requests_per_key, streams: limits.streams_per_key };
        let keyring = Keyring::new(store.clone(), Arc::clone(&clock), anonymous, rates);
        let cache = PlacementCache::default();
        let page_hosts = Vec::new();
        let deployments = Deployments::idle(store.clone(), queue.clone(), Arc::clone(&clock), Arc::clone(&ids));
        let shared = Shared {
            store,
            queue,
            deployments,
            clock,
            ids,
            limits,
            keyring,
            guard,
            cache,
            streams,
            imports,
            requests,
            page_hosts,
        };
        Self(Arc::new(shared))
    }

    /// Sets the names under which the page answers if no key is needed. It has no effect on a state that was cloned.
    #[must_use]
    pub fn with_page_hosts(mut self, page_hosts: Vec<String>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.0) {
            shared.page_hosts = page_hosts;
        }
        self
    }
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

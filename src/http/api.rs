//! What every handler is given, and its limits.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::{Clock, Ids};
use crate::config::Settings;
use crate::http::gate::keyring::{Keyring, Rates};
use crate::http::placement_cache::PlacementCache;
use crate::jobs::Queue;
use crate::store::Store;
use crate::webhook::Guard;

/// Limits of what a request may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The largest body.
    pub body_bytes: usize,
    /// The most streams of events at once.
    pub streams: usize,
    /// The most requests that are answered at once.
    pub requests: usize,
    /// The most requests of one key that are answered at once.
    pub requests_per_key: usize,
    /// The most streams of events of one key at once.
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
        }
    }
}

/// What every handler is given; clones share it.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// What all share.
pub struct Shared {
    /// What is read and registered.
    pub store: Store,
    /// Where jobs go.
    pub queue: Queue,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub ids: Arc<dyn Ids>,
    /// What a request may be.
    pub limits: Limits,
    /// The keys that callers show.
    pub keyring: Keyring,
    /// Where webhooks may lead.
    pub guard: Guard,
    /// Placements that were read lately.
    pub cache: PlacementCache,
    /// Room for streams of events.
    pub streams: Arc<Semaphore>,
    /// Room for requests.
    pub requests: Arc<Semaphore>,
}

impl Api {
    /// An API within these limits. `anonymous` lets callers without a key in, as the tenant `default`, where no key was
    /// ever made.
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
        let (streams, requests) = (room(limits.streams), room(limits.requests));
        let rates = Rates { requests: limits.requests_per_key, streams: limits.streams_per_key };
        let keyring = Keyring::new(store.clone(), Arc::clone(&clock), anonymous, rates);
        let cache = PlacementCache::default();
        Self(Arc::new(Shared { store, queue, clock, ids, limits, keyring, guard, cache, streams, requests }))
    }
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

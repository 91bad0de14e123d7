//! What every handler is given, and its limits.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::clock::{Clock, Ids};
use crate::jobs::Queue;
use crate::store::Store;

/// Limits of what a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body; default 32 MiB.
    pub body_bytes: usize,
    /// The most streams of events at once; default 256.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 32 << 20, streams: 256 }
    }
}

/// What every handler is given; clones share it.
#[derive(Clone)]
pub struct Api {
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
    /// Room for streams of events.
    pub streams: Arc<Semaphore>,
}

impl Api {
    /// An API within these limits.
    pub fn new(store: Store, queue: Queue, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, limits: Limits) -> Self {
        let streams = Arc::new(Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS)));
        Self { store, queue, clock, ids, limits, streams }
    }
}

//! A cache of the API keys. It is reloaded once it is a second old, so that keys created or revoked on the command line
//! take effect within a second and requests rarely wait for the database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

use crate::clock::Clock;
use crate::domain::id::Id;
use crate::domain::key::KeyText;
use crate::store::{Key, Store, StoreError};

/// How long the cached keys are valid.
const FRESH: Duration = Duration::from_secs(1);

/// The keys and their usage.
pub struct Keyring {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Whether callers without a key are accepted if no key was ever created.
    anonymous: bool,
    known: RwLock<Option<Known>>,
    permits: Mutex<FxHashMap<Id, Permits>>,
    most: Rates,
}

/// The limits of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// The most concurrent requests.
    pub requests: usize,
    /// The most concurrent streams of events.
    pub streams: usize,
}

/// The free permits of a key.
#[derive(Clone)]
struct Permits {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

struct Known {
    read_at: Duration,
    keys: Arc<StoredKeys>,
}

/// All keys that were ever created.
struct StoredKeys {
    none: bool,
    readable: FxHashMap<Id, Arc<Key>>,
}

/// The identity of a caller, by its key or the lack of one.
pub enum Identity {
    /// No key is required.
    Anonymous,
    /// The caller presented this key.
    Known(Arc<Key>),
    /// A key is required, and the caller presented none.
    Missing,
    /// The caller presented an invalid or revoked key.
    Wrong,
}

impl Keyring {
    /// Creates a cache of a store's keys.
    pub fn new(store: Store, clock: Arc<dyn Clock>, anonymous: bool, most: Rates) -> Self {
        Self { store, clock, anonymous, known: RwLock::default(), permits: Mutex::default(), most }
    }

    /// Returns the identity of a caller that presents `shown`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn identify(&self, shown: Option<&str>) -> Result<Identity, StoreError> {
        let keys = self.keys().await?;
        if keys.none && self.anonymous {
            return Ok(Identity::Anonymous);
        }
        let Some(shown) = shown else { return Ok(Identity::Missing) };
        let Some(text) = KeyText::parse(shown) else { return Ok(Identity::Wrong) };
        let found = keys.readable.get(&text.id()).filter(|key| key.hash.is_of(&text) && key.revoked_at.is_none());
        Ok(found.cloned().map_or(Identity::Wrong, Identity::Known))
    }

    /// Returns `true` if a key is still valid.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_valid(&self, key: &Id) -> Result<bool, StoreError> {
        Ok(self.keys().await?.readable.get(key).is_some_and(|key| key.revoked_at.is_none()))
    }

    /// Returns a key that is still valid.
    ///
    /// # Errors
    /// The database failed.
    pub async fn valid(&self, key: &Id) -> Result<Option<Arc<Key>>, StoreError> {
        Ok(self.keys().await?.readable.get(key).filter(|key| key.revoked_at.is_none()).cloned())
    }

    /// Acquires a permit for a request of a key, or `None` if the key has reached its limit.
    pub fn request(&self, key: &Id) -> Option<OwnedSemaphorePermit> {
        self.permits(key).requests.try_acquire_owned().ok()
    }

    /// Acquires a permit for a stream of a key, or `None` if the key has reached its limit.
    pub fn stream(&self, key: &Id) -> Option<OwnedSemaphorePermit> {
        self.permits(key).streams.try_acquire_owned().ok()
    }

    /// Returns the limit of concurrent requests of a key and the number of free permits.
    pub fn quota(&self, key: &Id) -> (usize, usize) {
        (self.most.requests, self.permits(key).requests.available_permits())
    }

    /// The limits of one key.
    pub fn most(&self) -> Rates {
        self.most
    }

    fn permits(&self, key: &Id) -> Permits {
        let limited = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let of_key = permits.entry(key.clone());
        of_key
            .or_insert_with(|| Permits { requests: limited(self.most.requests), streams: limited(self.most.streams) })
            .clone()
    }

    async fn keys(&self) -> Result<Arc<StoredKeys>, StoreError> {
        if let Some(known) = self.fresh(self.known.read().await.as_ref()) {
            return Ok(known);
        }
        // One caller reloads the keys; the others wait for the lock and find them fresh.
        let mut known = self.known.write().await;
        if let Some(known) = self.fresh(known.as_ref()) {
            return Ok(known);
        }
        let read_at = self.clock.monotonic();
        let keys = self.store.keys().await?;
        let none = keys.is_empty();
        let readable = keys.readable.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        let keys = Arc::new(StoredKeys { none, readable });
        *known = Some(Known { read_at, keys: Arc::clone(&keys) });
        Ok(keys)
    }

    fn fresh(&self, known: Option<&Known>) -> Option<Arc<StoredKeys>> {
        let known = known.filter(|known| self.clock.monotonic() < known.read_at + FRESH)?;
        Some(Arc::clone(&known.keys))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

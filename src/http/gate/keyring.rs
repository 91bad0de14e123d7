//! The keys as the service knows them: read from the store again when they are a second old, so that a key that was made
//! or revoked from the command line counts at once, and a request seldom waits for the database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

use crate::clock::Clock;
use crate::domain::id::Id;
use crate::domain::key::KeyText;
use crate::store::{Key, Store, StoreError};

/// How old what is known of the keys may be.
const FRESH: Duration = Duration::from_secs(1);

/// The keys, and what each is using.
pub struct Keyring {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Whether callers without a key are let in where no key was ever made.
    anonymous: bool,
    known: RwLock<Option<Known>>,
    rooms: Mutex<FxHashMap<Id, Rooms>>,
    most: Rates,
}

/// What one key may use at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Requests that are answered.
    pub requests: usize,
    /// Streams of events that are open.
    pub streams: usize,
}

/// What a key has left.
#[derive(Clone)]
struct Rooms {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

struct Known {
    read_at: Duration,
    keys: Arc<Made>,
}

/// The keys that were ever made.
struct Made {
    none: bool,
    readable: FxHashMap<Id, Arc<Key>>,
}

/// What a caller is, by the key that it shows or does not show.
pub enum Identity {
    /// No key is needed here.
    Anonymous,
    /// It has shown this key.
    Known(Arc<Key>),
    /// It has shown none, and one is needed.
    Missing,
    /// What it has shown is no key, or one that was revoked.
    Wrong,
}

impl Keyring {
    /// The keys of a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>, anonymous: bool, most: Rates) -> Self {
        Self { store, clock, anonymous, known: RwLock::default(), rooms: Mutex::default(), most }
    }

    /// Who shows this, or nothing.
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

    /// Whether a key that was shown is still valid.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_valid(&self, key: &Id) -> Result<bool, StoreError> {
        Ok(self.keys().await?.readable.get(key).is_some_and(|key| key.revoked_at.is_none()))
    }

    /// Room for a request of a key; none where it has used what it may.
    pub fn request(&self, key: &Id) -> Option<OwnedSemaphorePermit> {
        self.rooms(key).requests.try_acquire_owned().ok()
    }

    /// Room for a stream of a key; none where it has used what it may.
    pub fn stream(&self, key: &Id) -> Option<OwnedSemaphorePermit> {
        self.rooms(key).streams.try_acquire_owned().ok()
    }

    /// How many requests of a key may be answered at once, and how many more may.
    pub fn quota(&self, key: &Id) -> (usize, usize) {
        (self.most.requests, self.rooms(key).requests.available_permits())
    }

    /// What one key may use at once.
    pub fn most(&self) -> Rates {
        self.most
    }

    fn rooms(&self, key: &Id) -> Rooms {
        let room = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let of_key = rooms.entry(key.clone());
        of_key.or_insert_with(|| Rooms { requests: room(self.most.requests), streams: room(self.most.streams) }).clone()
    }

    async fn keys(&self) -> Result<Arc<Made>, StoreError> {
        if let Some(known) = self.fresh(self.known.read().await.as_ref()) {
            return Ok(known);
        }
        // Of those who find it old, one reads; the others wait here and find it fresh.
        let mut known = self.known.write().await;
        if let Some(known) = self.fresh(known.as_ref()) {
            return Ok(known);
        }
        let read_at = self.clock.monotonic();
        let keys = self.store.keys().await?;
        let none = keys.is_empty();
        let readable = keys.readable.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        let keys = Arc::new(Made { none, readable });
        *known = Some(Known { read_at, keys: Arc::clone(&keys) });
        Ok(keys)
    }

    fn fresh(&self, known: Option<&Known>) -> Option<Arc<Made>> {
        let known = known.filter(|known| self.clock.monotonic() < known.read_at + FRESH)?;
        Some(Arc::clone(&known.keys))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

//! Reservation of queue slots. A slot is reserved before a request is read, so that no request is read for which the
//! queue has no capacity.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Queue;
use crate::store::StoreError;

/// How long a full queue counts as full without a query. Claims and cancellations by this process are known without
/// one.
const QUERY_INTERVAL: Duration = Duration::from_millis(100);

/// The reserved slots.
#[derive(Debug, Default)]
pub(super) struct Admission {
    reserved: Arc<AtomicU32>,
    /// The monotonic time of the last query.
    last_query: Mutex<Option<Duration>>,
}

/// A reserved slot in the queue for a job that is not yet inserted. Dropping it frees the slot; an inserted job
/// occupies the slot itself.
#[derive(Debug)]
pub struct Slot(Arc<AtomicU32>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    /// Reserves a slot if one is free. The insert of the job counts again and decides.
    ///
    /// # Errors
    /// The database failed.
    pub async fn reserve_slot(&self) -> Result<Option<Slot>, StoreError> {
        let (store, admission, limit) = (&self.inner.store, &self.inner.admission, self.inner.settings.queue_limit);
        if let Some(slot) = admission.reserve(store.waiting_jobs(), limit) {
            return Ok(Some(slot));
        }
        if !admission.may_query(self.inner.clock.monotonic()) {
            return Ok(None);
        }
        let waiting = store.count_waiting(limit).await?;
        Ok(admission.reserve(waiting, limit))
    }
}

impl Admission {
    /// Returns how many slots are reserved.
    pub(super) fn reserved(&self) -> u32 {
        self.reserved.load(Ordering::Relaxed)
    }

    pub(super) fn reserve(&self, waiting: u32, limit: u32) -> Option<Slot> {
        let one_more = |reserved: u32| (reserved.saturating_add(waiting) < limit).then(|| reserved + 1);
        self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Slot(Arc::clone(&self.reserved)))
    }

    /// Limits the queries: all callers share one per interval.
    fn may_query(&self, now: Duration) -> bool {
        let mut last_query = self.last_query.lock().unwrap_or_else(PoisonError::into_inner);
        let may_query = last_query.is_none_or(|before| now.saturating_sub(before) >= QUERY_INTERVAL);
        if may_query {
            *last_query = Some(now);
        }
        may_query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_slots_are_reserved_than_are_free() {
        let admission = Admission::default();
        let first = admission.reserve(8, 10).unwrap();
        let _second = admission.reserve(8, 10).unwrap();
        assert!(admission.reserve(8, 10).is_none());
        // The job of the first slot is inserted now, and another job was claimed.
        drop(first);
        assert!(admission.reserve(9, 10).is_none());
        assert!(admission.reserve(8, 10).is_some());
        assert!(admission.reserve(0, 0).is_none());
    }

    #[test]
    fn the_database_is_asked_once_in_a_while() {
        let admission = Admission::default();
        let at = Duration::from_millis;
        let asked = [at(0), at(1), at(99), at(100), at(150), at(200)].map(|now| admission.may_query(now));
        assert_eq!(asked, [true, false, false, true, false, true]);
    }
}

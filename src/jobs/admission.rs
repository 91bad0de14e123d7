//! Reservation of queue slots. A slot is reserved before a request is read, so that no request is read for which the
//! queue has no capacity.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Queue;
use crate::store::StoreError;

/// How long a full queue counts as full without a query. Claims and cancellations by this process are known without
/// one.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The reserved slots.
#[derive(Debug, Default)]
pub(super) struct Admission {
    promised: Arc<AtomicU32>,
    /// The monotonic time of the last query.
    looked: Mutex<Option<Duration>>,
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
    pub async fn place(&self) -> Result<Option<Slot>, StoreError> {
        let (store, admission, limit) = (&self.inner.store, &self.inner.admission, self.inner.settings.queue_limit);
        if let Some(place) = admission.promise(store.waiting_jobs(), limit) {
            return Ok(Some(place));
        }
        if !admission.is_time_to_look(self.inner.clock.monotonic()) {
            return Ok(None);
        }
        let waiting = store.count_waiting(limit).await?;
        Ok(admission.promise(waiting, limit))
    }
}

impl Admission {
    /// Returns how many slots are reserved.
    pub(super) fn promised(&self) -> u32 {
        self.promised.load(Ordering::Relaxed)
    }

    pub(super) fn promise(&self, waiting: u32, limit: u32) -> Option<Slot> {
        let one_more = |promised: u32| (promised.saturating_add(waiting) < limit).then(|| promised + 1);
        self.promised.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Slot(Arc::clone(&self.promised)))
    }

    /// Limits the queries: all callers share one per interval.
    fn is_time_to_look(&self, now: Duration) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked.is_none_or(|before| now.saturating_sub(before) >= LOOK_AGAIN);
        if is_time {
            *looked = Some(now);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_promised_than_there_is_room_for() {
        let admission = Admission::default();
        let first = admission.promise(8, 10).unwrap();
        let _second = admission.promise(8, 10).unwrap();
        assert!(admission.promise(8, 10).is_none());
        // The job of the first slot is inserted now, and another job was claimed.
        drop(first);
        assert!(admission.promise(9, 10).is_none());
        assert!(admission.promise(8, 10).is_some());
        assert!(admission.promise(0, 0).is_none());
    }

    #[test]
    fn the_database_is_asked_once_in_a_while() {
        let admission = Admission::default();
        let at = Duration::from_millis;
        let asked = [at(0), at(1), at(99), at(100), at(150), at(200)].map(|now| admission.is_time_to_look(now));
        assert_eq!(asked, [true, false, false, true, false, true]);
    }
}

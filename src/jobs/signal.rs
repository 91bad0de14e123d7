//! The signal that ends one search: a stop, a shutdown, a lost lease, or the deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use cutpoint_planner::explain::Slices;
use cutpoint_planner::{Stop, StopReason};

use crate::clock::Clock;

/// The reason why a search was told to end before its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A caller asked to stop the job and keep the best placement so far.
    Asked,
    /// The service is shutting down; the job will run again.
    Shutdown,
    /// Another worker may hold the job, so the result of this search is discarded.
    LeaseLost,
}

const CAUSES: [Cause; 3] = [Cause::Asked, Cause::Shutdown, Cause::LeaseLost];
const NO_DEADLINE: u64 = u64::MAX;

/// A signal that a search shares with those who may end it.
pub(crate) struct Signal {
    clock: Arc<dyn Clock>,
    /// 0, or the index of the cause plus one.
    cause: AtomicU8,
    deadline_us: AtomicU64,
}

impl Signal {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, cause: AtomicU8::new(0), deadline_us: AtomicU64::new(NO_DEADLINE) }
    }

    /// Sets the deadline, relative to now.
    pub(crate) fn end_within(&self, limit: Duration) {
        let deadline = self.clock.monotonic().saturating_add(limit).as_micros();
        self.deadline_us.store(u64::try_from(deadline).unwrap_or(NO_DEADLINE), Ordering::Relaxed);
    }

    /// Ends the search. Later causes are ignored.
    pub(crate) fn end(&self, cause: Cause) {
        let number = CAUSES.iter().zip(1..).find_map(|(known, number)| (*known == cause).then_some(number));
        // The search already has a cause.
        let _ = self.cause.compare_exchange(0, number.unwrap_or(1), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Returns why the search was told to end, if it was.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let number = usize::from(self.cause.load(Ordering::Relaxed));
        number.checked_sub(1).and_then(|index| CAUSES.get(index)).copied()
    }
}

impl Stop for Signal {
    fn reason(&self) -> Option<StopReason> {
        // Reading the flag is almost free. Reading the clock takes about 25 ns and no cache line that another thread
        // writes.
        if self.cause.load(Ordering::Relaxed) != 0 {
            return Some(StopReason::Stopped);
        }
        let deadline_us = self.deadline_us.load(Ordering::Relaxed);
        let over = deadline_us != NO_DEADLINE && self.clock.monotonic().as_micros() >= u128::from(deadline_us);
        over.then_some(StopReason::TimeLimit)
    }
}

impl Slices for Signal {
    fn slice(&self, part: f64) -> Box<dyn Stop + '_> {
        let deadline_us = self.deadline_us.load(Ordering::Relaxed);
        if deadline_us == NO_DEADLINE {
            return Box::new(Slice { signal: self, deadline_us });
        }
        let now_us = u64::try_from(self.clock.monotonic().as_micros()).unwrap_or(NO_DEADLINE);
        let left_us = deadline_us.saturating_sub(now_us);
        let share_us = (left_us as f64 * part.clamp(0.0, 1.0)) as u64;
        Box::new(Slice { signal: self, deadline_us: now_us.saturating_add(share_us) })
    }
}

/// A signal with a share of the remaining time of another.
struct Slice<'a> {
    signal: &'a Signal,
    deadline_us: u64,
}

impl Stop for Slice<'_> {
    fn reason(&self) -> Option<StopReason> {
        let whole = self.signal.reason();
        if whole.is_some() || self.deadline_us == NO_DEADLINE {
            return whole;
        }
        let over = self.signal.clock.monotonic().as_micros() >= u128::from(self.deadline_us);
        over.then_some(StopReason::TimeLimit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn the_deadline_and_the_first_cause_stand() {
        let clock = Arc::new(ManualClock::new());
        let signal = Signal::new(clock.clone());
        assert_eq!(signal.reason(), None);

        signal.end_within(Duration::from_millis(5));
        clock.advance(Duration::from_micros(4999));
        assert_eq!(signal.reason(), None);
        clock.advance(Duration::from_micros(1));
        assert_eq!(signal.reason(), Some(StopReason::TimeLimit));

        signal.end(Cause::Shutdown);
        signal.end(Cause::Asked);
        assert_eq!(signal.cause(), Some(Cause::Shutdown));
        assert_eq!(signal.reason(), Some(StopReason::Stopped));
    }

    #[test]
    fn a_slice_ends_with_its_part_or_with_the_whole() {
        let clock = Arc::new(ManualClock::new());
        let signal = Signal::new(clock.clone());
        assert_eq!(signal.slice(0.1).reason(), None);
        signal.end_within(Duration::from_secs(4));
        let (quarter, all) = (signal.slice(0.25), signal.slice(1.0));
        clock.advance(Duration::from_secs(1));
        assert_eq!((quarter.reason(), all.reason()), (Some(StopReason::TimeLimit), None));
        // A third of the remaining three seconds.
        let third = signal.slice(1.0 / 3.0);
        clock.advance(Duration::from_millis(999));
        assert_eq!(third.reason(), None);
        clock.advance(Duration::from_millis(2));
        assert_eq!(third.reason(), Some(StopReason::TimeLimit));
        signal.end(Cause::Asked);
        assert_eq!(all.reason(), Some(StopReason::Stopped));
    }
}

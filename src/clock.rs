//! Clocks, and generators of ids and secrets. No other module reads the time or random numbers.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use uuid::{ContextV7, NoContext, Uuid};

use crate::domain::id::{Id, IdKind};

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the Coordinated Universal Time in whole microseconds, the resolution of the store.
    fn now(&self) -> Timestamp;

    /// Returns the time since a fixed moment. It never goes back, and a call is cheap enough for a solver's loops
    /// (about 25 ns).
    fn monotonic(&self) -> Duration;
}

/// A source of identifiers and secrets.
pub trait Ids: Send + Sync + 'static {
    /// Returns a new UUIDv7 (RFC 9562). Later ones are larger.
    fn uuid(&self) -> Uuid;

    /// Returns unpredictable bytes from the system's random number generator.
    fn secret_bytes(&self) -> [u8; 32];

    /// Returns a new identifier of this kind.
    fn id(&self, kind: IdKind) -> Id {
        Id::new(kind, self.uuid())
    }
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Creates the clock. Its monotonic time starts now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        whole_microseconds(Timestamp::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

fn whole_microseconds(time: Timestamp) -> Timestamp {
    // The microseconds come from a timestamp, so they are in range.
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A clock that reads the wall clock once and then advances with the monotonic time. Deadlines are stored in its time,
/// so that setting the wall clock neither hastens nor delays them. Boards without a battery-backed clock set theirs
/// after boot.
#[derive(Clone)]
pub struct SteadyClock {
    clock: Arc<dyn Clock>,
    wall: Timestamp,
    monotonic: Duration,
    /// The offset to the clock that it follows. Clones share it.
    offset_us: Arc<AtomicI64>,
}

/// How far back a followed clock must be set before the steady clock goes back too, microseconds.
const SET_BACK_US: i64 = 1_000_000;

impl SteadyClock {
    /// Creates a clock that agrees with the wall clock now.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic(), clock, offset_us: Arc::default() }
    }

    /// Returns its time in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_micros(self.offset_us.load(Ordering::Relaxed));
        self.own().checked_add(offset).unwrap_or(Timestamp::MAX)
    }

    /// Sets the clock to that of another machine, which has just answered with this time. An answer takes a while, so that
    /// the latest of several times is the best one, unless the other clock was set back.
    pub fn follow(&self, time: Timestamp) {
        let offset_us = time.as_microsecond().saturating_sub(self.own().as_microsecond());
        let known = self.offset_us.load(Ordering::Relaxed);
        if offset_us > known || known - offset_us > SET_BACK_US {
            self.offset_us.store(offset_us, Ordering::Relaxed);
        }
    }

    /// Returns the time of this machine.
    fn own(&self) -> Timestamp {
        let passed = self.clock.monotonic().saturating_sub(self.monotonic);
        whole_microseconds(self.wall.checked_add(passed).unwrap_or(Timestamp::MAX))
    }

    /// Converts a time of this clock to the time of the wall clock as it is set now. The offset is rounded to whole
    /// seconds, since the two clocks cannot be read at the same moment.
    pub fn to_wall_time(&self, time: Timestamp) -> Timestamp {
        let offset_ms = self.clock.now().duration_since(self.now()).as_millis();
        let offset_s = i64::try_from((offset_ms + 500).div_euclid(1000)).unwrap_or(0);
        time.checked_add(SignedDuration::from_secs(offset_s)).unwrap_or(time)
    }
}

/// Random UUIDv7s that increase within this process, even within one millisecond.
#[derive(Debug, Default)]
pub struct RandomIds {
    context: Mutex<ContextV7>,
}

impl Ids for RandomIds {
    fn uuid(&self) -> Uuid {
        match self.context.lock() {
            Ok(context) => Uuid::new_v7(uuid::Timestamp::now(&*context)),
            // A thread panicked while it held the counter: only the order within the millisecond is lost.
            Err(_) => Uuid::new_v7(uuid::Timestamp::now(NoContext)),
        }
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // Without random numbers neither secrets nor ids are safe.
        getrandom::fill(&mut bytes).expect("the system gives random numbers");
        bytes
    }
}

/// A clock for tests that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    elapsed_us: AtomicU64,
    /// The offset by which the wall clock was set.
    turned_us: AtomicI64,
}

impl ManualClock {
    /// Creates a clock that stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        let start = Timestamp::constant(1_767_225_600, 0);
        Self { start, elapsed_us: AtomicU64::new(0), turned_us: AtomicI64::new(0) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by_us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.elapsed_us.fetch_add(by_us, Ordering::SeqCst);
    }

    /// Sets the wall clock forward or back without advancing the monotonic time.
    pub fn turn(&self, by: SignedDuration) {
        let by_us = i64::try_from(by.as_micros()).unwrap_or(0);
        self.turned_us.fetch_add(by_us, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let turned = SignedDuration::from_micros(self.turned_us.load(Ordering::SeqCst));
        let now = self.start.checked_add(self.monotonic()).and_then(|now| now.checked_add(turned));
        now.unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.elapsed_us.load(Ordering::SeqCst))
    }
}

/// Identifiers for tests: 1, 2, 3 and so on.
#[derive(Debug, Default)]
pub struct CountingIds {
    last: AtomicU64,
}

impl Ids for CountingIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.last.fetch_add(1, Ordering::SeqCst)) + 1)
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        std::array::from_fn(|index| number.to_be_bytes()[index % 8])
    }
}

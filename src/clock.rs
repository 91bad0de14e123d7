//! Clock and Ids: the only callers of now() and of random ids.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use uuid::{ContextV7, NoContext, Uuid};

use crate::domain::id::{Id, IdKind};

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// Coordinated universal time in whole microseconds, which is what the store keeps.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back, and cheap enough to ask in a solver's loops (about 25 ns).
    fn monotonic(&self) -> Duration;
}

/// Where new identifiers come from.
pub trait Ids: Send + Sync + 'static {
    /// A number that was never given before, a UUIDv7 (RFC 9562): later ones are larger.
    fn uuid(&self) -> Uuid;

    /// Bytes that nobody can guess, from the system's random number generator.
    fn secret_bytes(&self) -> [u8; 32];

    /// A new identifier of this kind.
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
    /// The clock, whose monotonic time starts now.
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
    // The microseconds of a timestamp are in the range of timestamps.
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A wall clock that nobody turns: it is read once, and goes on with the monotonic time. Deadlines are kept in its time, so
/// that none comes early or late when the wall clock is set, as on a board without a clock of its own.
#[derive(Clone)]
pub struct SteadyClock {
    clock: Arc<dyn Clock>,
    wall: Timestamp,
    monotonic: Duration,
}

impl SteadyClock {
    /// A clock that agrees with the wall clock now.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { wall: clock.now(), monotonic: clock.monotonic(), clock }
    }

    /// Its time, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let passed = self.clock.monotonic().saturating_sub(self.monotonic);
        whole_microseconds(self.wall.checked_add(passed).unwrap_or(Timestamp::MAX))
    }

    /// What the wall clock, as it goes now, will show or has shown at a time of this clock. In whole seconds the same where
    /// nobody turned it: two clocks are not read at the same moment.
    pub fn on_the_wall(&self, time: Timestamp) -> Timestamp {
        let turned_ms = self.clock.now().duration_since(self.now()).as_millis();
        let turned_s = i64::try_from((turned_ms + 500).div_euclid(1000)).unwrap_or(0);
        time.checked_add(SignedDuration::from_secs(turned_s)).unwrap_or(time)
    }
}

/// Random UUIDv7s that increase within this process, also within one millisecond.
#[derive(Debug, Default)]
pub struct RandomIds {
    context: Mutex<ContextV7>,
}

impl Ids for RandomIds {
    fn uuid(&self) -> Uuid {
        match self.context.lock() {
            Ok(context) => Uuid::new_v7(uuid::Timestamp::now(&*context)),
            // Somebody panicked with the counter in hand: order within the millisecond is lost, nothing else.
            Err(_) => Uuid::new_v7(uuid::Timestamp::now(NoContext)),
        }
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // A system without random numbers is no place for secrets, nor for the ids above.
        getrandom::fill(&mut bytes).expect("the system gives random numbers");
        bytes
    }
}

/// A clock for tests that stands until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    elapsed_us: AtomicU64,
    /// How far the wall clock was turned.
    turned_us: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        let start = Timestamp::constant(1_767_225_600, 0);
        Self { start, elapsed_us: AtomicU64::new(0), turned_us: AtomicI64::new(0) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by_us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.elapsed_us.fetch_add(by_us, Ordering::SeqCst);
    }

    /// Turns the wall clock forward or back; no time passes.
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

//! Plans one request with a deadline, and lets an interrupt end it early with the best so far.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::placement::PlacementDocument;
use crate::domain::request::PlanRequest;
use crate::domain::unit::seconds_text;
use crate::planner::{self, CheckFailure, Env, Progress, Stop, StopReason};

/// Plans a request within its time limit; `solve_s` of the answer says how long it took.
pub(super) fn solve(
    request: &PlanRequest,
    clock: &dyn Clock,
    threads: usize,
    interrupted: &AtomicBool,
    show: &(dyn Fn(&str) + Sync),
) -> Result<PlacementDocument, CheckFailure> {
    let solver = &request.options.solver;
    let start = clock.monotonic();
    let stop = Deadline { clock, end: start + Duration::from_secs_f64(solver.time_limit_s), interrupted };
    let progress = Shown { show, last: Mutex::default() };
    let env = Env { seed: solver.seed, threads, stop: &stop, progress: &progress };
    let mut placement = planner::plan(request, &env)?;
    placement.solve_s = (clock.monotonic() - start).as_secs_f64();
    Ok(placement)
}

struct Deadline<'a> {
    clock: &'a dyn Clock,
    end: Duration,
    interrupted: &'a AtomicBool,
}

impl Stop for Deadline<'_> {
    fn reason(&self) -> Option<StopReason> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Some(StopReason::Stopped);
        }
        (self.clock.monotonic() >= self.end).then_some(StopReason::TimeLimit)
    }
}

struct Shown<'a> {
    show: &'a (dyn Fn(&str) + Sync),
    last: Mutex<(Option<f64>, f64)>,
}

impl Shown<'_> {
    fn update(&self, change: impl FnOnce(&mut (Option<f64>, f64))) {
        // A poisoned lock means that another thread panicked while it only copied two numbers: they are still good.
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut last);
        let (period_s, bound) = *last;
        match period_s {
            Some(period_s) => (self.show)(&format!("period {}, bound {bound:.4}", seconds_text(period_s))),
            None => (self.show)(&format!("no placement yet, bound {bound:.4}")),
        }
    }
}

impl Progress for Shown<'_> {
    fn incumbent(&self, placement: &PlacementDocument) {
        self.update(|last| last.0 = placement.period_s);
    }

    fn lower_bound(&self, bound: f64) {
        self.update(|last| last.1 = bound);
    }
}

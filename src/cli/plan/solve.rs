//! Plans one request within its time limit, reports progress, and explains the answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cutpoint_planner::domain::explanation::Explanation;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::seconds_text;
use cutpoint_planner::explain::{self, ExplainEnv};
use cutpoint_planner::{self as planner, CheckFailure, Env, Progress};

use crate::clock::Clock;
use crate::jobs::Signal;

/// Plans a request and sets `solve_s` of the answer. The signal ends the search early with the best placement so far.
pub(super) fn solve(
    request: &PlanRequest,
    clock: &dyn Clock,
    threads: usize,
    signal: &Signal,
    show: &(dyn Fn(&str) + Sync),
) -> Result<PlacementDocument, CheckFailure> {
    let solver = &request.options.solver;
    let start = clock.monotonic();
    signal.end_within(Duration::from_secs_f64(solver.time_limit_s));
    let progress = Shown { show, last: Mutex::default() };
    let env = Env { seed: solver.seed, threads, stop: signal, progress: &progress };
    let mut placement = planner::plan(request, &env)?;
    placement.solve_s = clock.monotonic().saturating_sub(start).as_secs_f64();
    Ok(placement)
}

/// Explains an answer within a time limit. An interrupt ends it with what is known by then.
pub(super) fn explain(
    request: &PlanRequest,
    placement: &PlacementDocument,
    threads: usize,
    signal: &Signal,
    limit_s: f64,
) -> Result<Explanation, CheckFailure> {
    signal.end_within(Duration::from_secs_f64(limit_s));
    explain::explain(request, placement, &ExplainEnv { threads, slices: signal })
}

#[derive(Clone, Copy, Default)]
struct Figures {
    period_s: Option<f64>,
    bound: f64,
}

struct Shown<'a> {
    show: &'a (dyn Fn(&str) + Sync),
    last: Mutex<Figures>,
}

impl Shown<'_> {
    fn update(&self, change: impl FnOnce(&mut Figures)) {
        // A panic of another thread cannot leave these two numbers inconsistent.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut last);
        let Figures { period_s, bound } = *last;
        match period_s {
            Some(period_s) => (self.show)(&format!("period {}, bound {bound:.4}", seconds_text(period_s))),
            None => (self.show)(&format!("no placement yet, bound {bound:.4}")),
        }
    }
}

impl Progress for Shown<'_> {
    fn incumbent(&self, placement: &PlacementDocument) {
        self.update(|last| last.period_s = placement.period_s);
    }

    fn lower_bound(&self, bound: f64) {
        self.update(|last| last.bound = bound);
    }
}

//! The progress of a search, collected until a heartbeat stores it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutpoint_planner::Progress;
use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::placement::PlacementDocument;

use crate::clock::Clock;
use crate::store::leases::{Claimed, Figures, Found, Incumbent};

/// Collects the progress of a search from its threads.
pub(super) struct Tracker {
    clock: Arc<dyn Clock>,
    started: Duration,
    objective: Objective,
    state: Mutex<State>,
}

struct State {
    /// The objective of the best placement, including one of an interrupted run.
    best: Option<f64>,
    figures: Figures,
    incumbent: Option<PlacementDocument>,
    /// The number of reports so far.
    now: u64,
    /// The number of the report with the incumbent.
    incumbent_at: u64,
    /// The number of the last stored report.
    stored: u64,
}

impl Tracker {
    /// Creates a tracker that continues an interrupted run of the job.
    pub(super) fn new(clock: Arc<dyn Clock>, objective: Objective, claimed: &Claimed) -> Self {
        let figures = Figures::of(&claimed.job);
        let best = claimed.incumbent.as_ref().map(|incumbent| incumbent.objective);
        let state = State { best, figures, incumbent: None, now: 0, incumbent_at: 0, stored: 0 };
        Self { started: clock.monotonic(), clock, objective, state: Mutex::new(state) }
    }

    /// Returns the seconds since the search started.
    pub(super) fn elapsed_s(&self) -> f64 {
        self.clock.monotonic().saturating_sub(self.started).as_secs_f64()
    }

    /// Returns the progress that is not stored yet, if any, with the mark to pass to [`Tracker::stored`].
    pub(super) fn unstored(&self) -> Option<(Found, u64)> {
        let state = self.state();
        if state.now == state.stored {
            return None;
        }
        let fresh = state.incumbent.as_ref().filter(|_| state.incumbent_at > state.stored);
        let incumbent = fresh.zip(state.best).map(|(document, objective)| {
            let document = json_text(document);
            Incumbent { objective, document }
        });
        Some((Found { figures: state.figures, incumbent }, state.now))
    }

    /// Marks everything up to the mark as stored.
    pub(super) fn stored(&self, mark: u64) {
        self.state().stored = mark;
    }

    /// Returns the current figures.
    pub(super) fn figures(&self) -> Figures {
        self.state().figures
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A solver that panicked cannot have left the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Tracker {
    fn incumbent(&self, placement: &PlacementDocument) {
        let Some(value) = self.objective.value_of(placement) else { return };
        let mut state = self.state();
        if state.best.is_some_and(|best| best <= value) {
            return;
        }
        let document = PlacementDocument { solve_s: self.elapsed_s(), ..placement.clone() };
        state.best = Some(value);
        state.figures.period_s = document.period_s;
        if let Some(bound) = lower_bound(self.objective, &document) {
            state.raise_bound(self.objective, bound);
        }
        state.incumbent = Some(document);
        state.heard(self.objective);
        state.incumbent_at = state.now;
    }

    fn lower_bound(&self, bound: f64) {
        // An infinite bound proves that there is no placement. The answer reports that with its reasons.
        if !bound.is_finite() {
            return;
        }
        let mut state = self.state();
        state.raise_bound(self.objective, bound);
        state.heard(self.objective);
    }
}

impl State {
    fn raise_bound(&mut self, objective: Objective, bound: f64) {
        match objective {
            Objective::MinNodes { .. } => {
                // Numbers of nodes are whole, so a bound can be rounded up.
                let nodes = bound.max(0.0).ceil() as u64;
                self.figures.lower_bound_nodes = self.figures.lower_bound_nodes.max(Some(nodes));
            }
            Objective::MaxThroughput | Objective::MinLatency | Objective::Tradeoff => {
                let known = self.figures.lower_bound_s.unwrap_or(bound);
                self.figures.lower_bound_s = Some(known.max(bound));
            }
        }
    }

    fn heard(&mut self, objective: Objective) {
        self.now += 1;
        let bound = match objective {
            Objective::MinNodes { .. } => self.figures.lower_bound_nodes.map(|nodes| nodes as f64),
            Objective::MaxThroughput | Objective::MinLatency | Objective::Tradeoff => self.figures.lower_bound_s,
        };
        self.figures.gap = self.best.zip(bound).map(|(best, bound)| gap(best, bound));
    }
}

/// Returns (objective − bound) / objective, from 0 to 1.
pub(super) fn gap(objective: f64, bound: f64) -> f64 {
    if objective <= bound { 0.0 } else { ((objective - bound) / objective).clamp(0.0, 1.0) }
}

/// Returns the bound of a document in the objective's unit.
fn lower_bound(objective: Objective, document: &PlacementDocument) -> Option<f64> {
    match objective {
        Objective::MinNodes { .. } => document.lower_bound_nodes.map(|nodes| nodes as f64),
        Objective::MaxThroughput | Objective::MinLatency | Objective::Tradeoff => document.lower_bound_s,
    }
}

/// Returns the figures of a document.
pub(super) fn figures_of(document: &PlacementDocument) -> Figures {
    Figures {
        period_s: document.period_s,
        lower_bound_s: document.lower_bound_s,
        lower_bound_nodes: document.lower_bound_nodes,
        gap: document.gap,
    }
}

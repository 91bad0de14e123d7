//! Finds out whether a request has a placement: takes the first one that the planner finds and
//! checks it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::value::{pipelines, proposals};
use crate::check::{Evaluation, evaluate, evaluate_pipelines};
use crate::check_failure::CheckFailure;
use crate::domain::options::{Algorithm, Objective, Overlap};
use crate::domain::placement::{PlacementDocument, Status};
use crate::domain::request::PlanRequest;
use crate::env::{Env, NoProgress, Progress, Stop, StopReason};
use crate::plan;

/// Whether a request has a placement.
pub(super) enum Answer {
    /// It has this placement, which has passed the checker.
    Feasible(Box<Evaluation>),
    /// It has none. This is proven.
    Infeasible,
    /// The search ended before it found a placement or a proof.
    Unknown,
}

/// Searches for any placement of a request.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub(super) fn find(request: &PlanRequest, stop: &dyn Stop) -> Result<Answer, CheckFailure> {
    let question = question(request);
    let first = First { stop, found: AtomicBool::new(false) };
    let env = Env { seed: question.options.solver.seed, threads: 1, stop: &first, progress: &first };
    judged(request, &plan(&question, &env)?)
}

/// Solves a request without ending at the first placement.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub(super) fn solve(request: &PlanRequest, stop: &dyn Stop) -> Result<PlacementDocument, CheckFailure> {
    plan(request, &Env { seed: request.options.solver.seed, threads: 1, stop, progress: &NoProgress })
}

/// Checks a document's placement under a request. Returns [`CheckFailure`] if the checker refuses
/// it.
pub(super) fn judged(request: &PlanRequest, document: &PlacementDocument) -> Result<Answer, CheckFailure> {
    match document.status {
        Status::Infeasible => Ok(Answer::Infeasible),
        Status::Unknown => Ok(Answer::Unknown),
        Status::Optimal | Status::Feasible => {
            let mut evaluation = evaluate(request, &proposals(document.stages()));
            if document.pipelines.len() > 1 {
                // The figures are those of all pipelines together.
                let all = evaluate_pipelines(request, &pipelines(document));
                (evaluation.period_s, evaluation.latency_s) = (all.period_s, all.latency_s);
                evaluation.violations = all.violations;
            }
            if evaluation.violations.is_empty() {
                return Ok(Answer::Feasible(Box::new(evaluation)));
            }
            Err(CheckFailure { violations: evaluation.violations.iter().map(ToString::to_string).collect() })
        }
    }
}

/// Returns a request with the same placements of which the first is found, or refuted, fastest.
/// Without a limit of the period, the objective, the overlap and the base exclude no placement, so
/// they are replaced, and one pipeline is as good as several. With one, fewest nodes within that period are as good a
/// question.
pub(super) fn question(request: &PlanRequest) -> PlanRequest {
    let mut question = request.clone();
    let options = &mut question.options;
    (options.base, options.max_period_ratio) = (None, None);
    (options.solver.algorithm, options.solver.gap, options.solver.tolerance) = (Algorithm::Auto, 0.0, 0.0);
    if let Some(target_period_s) = options.constraints.max_period_s.take() {
        options.objective = Objective::MinNodes { target_period_s };
    }
    if !matches!(options.objective, Objective::MinNodes { .. }) {
        options.objective = Objective::MaxThroughput;
        options.cost_model.overlap = Overlap::Full;
        options.pipelines = None;
    }
    question
}

/// Ends a search at its first placement.
struct First<'a> {
    stop: &'a dyn Stop,
    found: AtomicBool,
}

impl Stop for First<'_> {
    fn reason(&self) -> Option<StopReason> {
        if self.found.load(Ordering::Relaxed) { Some(StopReason::Stopped) } else { self.stop.reason() }
    }
}

impl Progress for First<'_> {
    fn incumbent(&self, _placement: &PlacementDocument) {
        self.found.store(true, Ordering::Relaxed);
    }

    fn lower_bound(&self, _bound: f64) {}
}

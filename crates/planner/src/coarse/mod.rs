//! Plans large models: first placements among some of the cuts, and bounds over all of them; then a
//! search over all cuts if its tables hold them.
//!
//! A first fit over all cuts gives a placement where one is easy to find. The search then considers
//! some hundred cuts, spread by memory and work, and continues with cuts closer to those of its
//! best placement. A bound proven among some cuts is not claimed: the bound of the answer comes
//! from `bounds`, which holds for every cut.

mod better;
mod closed;
mod first_fit;
#[cfg(test)]
mod tests;

use self::better::Better;
pub use self::closed::relaxation;
use super::bounds::size::{affordable_cuts, is_too_large};
use super::bounds::{Bounds, EveryCut, GridBounds, some_cuts};
use super::check_failure::CheckFailure;
use super::cost::Assignment;
use super::cuts::Closed;
use super::env::Env;
use super::goals::{refine, search};
use super::incumbent::Incumbent;
use super::instance::{Instance, most_sets, weights};
use super::stopped::Stopped;
use super::{feasible, pinned};
use crate::domain::placement::PlacementDocument;
use crate::domain::request::PlanRequest;
use crate::index::{Index, Position};

/// The most closed cuts that are searched in place of all cuts.
const MOST_CLOSED: usize = 2_500;

/// The most useful cuts that are searched after the closed cuts.
const MOST_OPENED: usize = 4_095;

/// The most searches among some cuts, each closer to the best placement of the one before.
const ROUNDS: usize = 4;

/// Plans a request whose instance is large.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub fn plan(request: &PlanRequest, whole: &Instance, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    if !whole.cuts.are_all() {
        let stop = || env.stop.reason().is_some();
        let policy = (request.options.cost_model.cuts, request.options.constraints.colocate.as_slice());
        let weights = weights(request);
        let at_most = MOST_CLOSED.min(most_sets(whole.hosts.len()));
        let closed = Closed::new(&request.model, policy, &weights, whole.cuts.count, at_most, &stop);
        if let Ok(Some(closed)) = closed {
            return closed::plan(request, whole, (&closed, &weights, MOST_OPENED), env);
        }
    }
    plan_among(request, whole, affordable_cuts(whole), env)
}

/// Plans a request with about `most` cuts at a time.
fn plan_among(
    request: &PlanRequest,
    whole: &Instance,
    most: usize,
    env: &Env<'_>,
) -> Result<PlacementDocument, CheckFailure> {
    let stop = || env.stop.reason().is_some();
    let nothing_known = || Incumbent::among(request, whole, whole.cuts.count, env);
    match feasible::reasons(request, whole, &stop) {
        Err(Stopped) => return nothing_known().conclude(),
        Ok(reasons) if !reasons.is_empty() => return Ok(nothing_known().infeasible(reasons)),
        Ok(_) => {}
    }
    let mut best = first_fit::first_fit(whole, &stop);
    let mut kept = some_cuts::spread(whole, most);
    let grid: Box<dyn Bounds> =
        if whole.cuts.are_all() { Box::new(GridBounds::new(whole, &kept)) } else { Box::new(EveryCut::new(whole)) };
    let mut proven = None;
    let mut round = 1;
    loop {
        if let Some(best) = &best {
            kept = some_cuts::joined(&kept, best.stages.iter().map(|&(end, _)| end));
        }
        let some = whole.with_cuts_at(&kept);
        let incumbent = Incumbent::among(request, &some, whole.cuts.count, env);
        if let Some(best) = best.take() {
            incumbent.offer(renumbered(&best, |end| Position::nth(kept.partition_point(|&cut| cut < end))));
        }
        match proven {
            Some(bound) => incumbent.raise_for_all_cuts(bound),
            None => {
                // If it is stopped, the round ends with the bounds known so far.
                if let Ok(Some(reason)) = feasible::raise_bounds(&incumbent, &*grid, &stop) {
                    return Ok(incumbent.infeasible(vec![reason]));
                }
            }
        }
        proven = Some(incumbent.claimed_bound());
        let before = incumbent.objective();
        search(&incumbent);
        let improves = round == 1 || incumbent.objective() < before;
        let ends = round == ROUNDS || !improves || stop() || incumbent.claimed_bound() >= incumbent.objective();
        match incumbent.best() {
            Some(found) if !ends => {
                let found = renumbered(&found, |end| kept[end.number()]);
                kept = some_cuts::around(whole, &kept, &found, most);
                best = Some(found);
                round += 1;
            }
            found => {
                let bound = incumbent.claimed_bound();
                if incumbent.has_claimed_enough() || stop() || !whole.cuts.are_all() || is_too_large(whole) {
                    refine(&incumbent);
                    return incumbent.conclude();
                }
                let progress = Better::than(&incumbent, env.progress);
                let found = found.map(|found| renumbered(&found, |end| kept[end.number()]));
                return over_all_cuts(request, whole, found, bound, &Env { progress: &progress, ..*env });
            }
        }
    }
}

/// Searches all cuts, starting from the placement and the bound found among some.
fn over_all_cuts(
    request: &PlanRequest,
    whole: &Instance,
    found: Option<Assignment>,
    bound: f64,
    env: &Env<'_>,
) -> Result<PlacementDocument, CheckFailure> {
    let incumbent = Incumbent::new(request, whole, env);
    incumbent.raise(bound);
    if let Some(found) = found {
        incumbent.offer(found);
    }
    search(&incumbent);
    if incumbent.bound() == f64::INFINITY {
        return Ok(incumbent.infeasible(vec![pinned::exhausted(request, whole, env)]));
    }
    refine(&incumbent);
    incumbent.conclude()
}

/// Returns the same stages with their ends numbered among other cuts.
fn renumbered(assignment: &Assignment, number: impl Fn(Position) -> Position) -> Assignment {
    Assignment { stages: assignment.stages.iter().map(|&(end, host)| (number(end), host)).collect() }
}

//! Plans models that have many cuts because of small layers between large ones. The search
//! considers the closed cuts, and a relaxation of it gives a bound for all cuts.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::better::Better;
use super::first_fit::first_fit;
use crate::bounds;
use crate::check_failure::CheckFailure;
use crate::cuts::{Closed, Weights};
use crate::domain::options::Objective;
use crate::domain::placement::PlacementDocument;
use crate::domain::request::PlanRequest;
use crate::env::{Env, NoProgress};
use crate::exact::useful::useful_cuts;
use crate::goals::{refine, search};
use crate::incumbent::Incumbent;
use crate::index::Position;
use crate::instance::{Instance, most_sets};
use crate::stopped::Stopped;
use crate::{feasible, pinned};

/// The most useful cuts that are all searched.
const MOST_OPENED: usize = 4_095;

/// Plans a request. `whole` has some of its cuts, along a chain.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub fn plan(
    request: &PlanRequest,
    whole: &Instance,
    (closed, weights): (&Closed, &Weights),
    env: &Env<'_>,
) -> Result<PlacementDocument, CheckFailure> {
    let stop = || env.stop.reason().is_some();
    let along = Incumbent::new(request, whole, env);
    match feasible::reasons(request, whole, &stop) {
        Err(Stopped) => return along.conclude(),
        Ok(reasons) if !reasons.is_empty() => return Ok(along.infeasible(reasons)),
        Ok(_) => {}
    }
    // If it is stopped, the search below ends with the bounds known so far.
    if let Ok(Some(reason)) = feasible::raise_bounds(&along, &*bounds::of(whole), &stop) {
        return Ok(along.infeasible(vec![reason]));
    }
    if let Some(found) = first_fit(whole, &stop) {
        along.offer(found);
    }
    search(&along);
    let Ok(instance) = Instance::between(request, closed.cuts.clone(), &stop) else { return along.conclude() };
    let silent = Env { progress: &NoProgress, ..*env };
    let relaxed = instance.clone().relaxed(request, &closed.slack);
    let bounding = Incumbent::relaxed(request, &relaxed, &silent);
    bounding.raise(along.claimed_bound());
    // Searches with shared media take long: the bound comes first then.
    let bounds_first = instance.shared_media.is_some() && instance.objective != Objective::MinLatency;
    if bounds_first {
        search(&bounding);
    }
    let progress = Better::than(&along, env.progress);
    let better = Env { progress: &progress, ..*env };
    let among = Incumbent::among(request, &instance, whole.cuts.count, &better);
    among.raise_for_all_cuts(bounding.bound().min(along.objective()));
    search(&among);
    let best = if among.objective() <= along.objective() { &among } else { &along };
    if instance.objective == Objective::MinLatency {
        refine(best);
        return best.conclude();
    }
    if !bounds_first {
        bounding.raise(among.claimed_bound());
        search(&bounding);
    }
    if bounding.bound() == f64::INFINITY {
        return Ok(along.infeasible(vec![pinned::exhausted(request, &instance, env)]));
    }
    best.raise_for_all_cuts(bounding.bound().min(best.objective()));
    let decided_by_period = instance.objective == Objective::MaxThroughput && request.options.base.is_none();
    if decided_by_period && best.best().is_some() && !best.has_claimed_enough() {
        // If it is stopped, the plan ends with the best known so far.
        if let Ok(Some(opened)) = opened(request, (closed, weights), &relaxed, best.objective(), &stop) {
            return over_opened(request, (&opened, best.objective()), best, env);
        }
    }
    refine(best);
    best.conclude()
}

/// Returns the instance with all cuts that a placement within a period can have, or `None` if there
/// are too many.
fn opened(
    request: &PlanRequest,
    (closed, weights): (&Closed, &Weights),
    relaxed: &Instance,
    period_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Instance>, Stopped> {
    let Some(useful) = useful_cuts(relaxed, period_s, stop)? else { return Ok(None) };
    let constraints = &request.options.constraints;
    let scale = request.options.cost_model.transfer_scale;
    let loads = RefCell::new(FxHashMap::default());
    let is_carried = |load_bits: f64| {
        let hosts = relaxed.hosts.indices();
        hosts.clone().any(|from| hosts.clone().any(|to| relaxed.link(from, to).transfer_s(load_bits) <= period_s))
    };
    let carries =
        |bytes: u64| *loads.borrow_mut().entry(bytes).or_insert_with(|| is_carried(8.0 * (bytes as f64 * scale)));
    let at_most = most_sets(relaxed.hosts.len()).min(MOST_OPENED);
    let is_useful = |position: Position| useful.binary_search(&position).is_ok();
    let cuts = closed.opened(&request.model, &constraints.colocate, weights, (&is_useful, &carries), at_most, stop)?;
    cuts.map(|cuts| Instance::between(request, cuts, stop)).transpose()
}

/// Searches all cuts that are useful up to a period in seconds, starting from the best placement so
/// far.
fn over_opened(
    request: &PlanRequest,
    (opened, up_to_s): (&Instance, f64),
    best: &Incumbent<'_>,
    env: &Env<'_>,
) -> Result<PlacementDocument, CheckFailure> {
    let progress = Better::than(best, env.progress);
    let better = Env { progress: &progress, ..*env };
    let incumbent = Incumbent::of_useful(request, opened, up_to_s, &better);
    incumbent.raise(best.claimed_bound());
    search(&incumbent);
    if incumbent.objective() <= best.objective() {
        refine(&incumbent);
        return incumbent.conclude();
    }
    best.raise_for_all_cuts(incumbent.bound().min(best.objective()));
    refine(best);
    best.conclude()
}

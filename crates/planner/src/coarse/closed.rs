//! Plans models that have many cuts because of small layers between large ones. The search
//! considers the closed cuts, and a relaxation of it gives a bound for all cuts.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::better::Better;
use super::first_fit::first_fit;
use crate::bits::for_width;
use crate::bounds;
use crate::check_failure::CheckFailure;
use crate::cuts::{Closed, Useful, Weights};
use crate::domain::options::{Objective, Overlap};
use crate::domain::placement::PlacementDocument;
use crate::domain::request::PlanRequest;
use crate::env::{Env, NoProgress};
use crate::exact::kinds::Kinds;
use crate::exact::useful::useful_cuts;
use crate::goals::{refine, search};
use crate::incumbent::Incumbent;
use crate::instance::{Instance, most_sets, weights};
use crate::stopped::Stopped;
use crate::{feasible, pinned};

/// Plans a request. `whole` has some of its cuts, along a chain. At most `most_opened` useful cuts
/// are searched after the closed cuts.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub fn plan(
    request: &PlanRequest,
    whole: &Instance,
    (closed, weights, most_opened): (&Closed, &Weights, usize),
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
    let relaxed = relaxed(request, &instance, closed);
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
        return among_finer(request, (closed, weights, most_opened), &relaxed, best, env);
    }
    refine(best);
    best.conclude()
}

/// Returns the relaxation that bounds all cuts which closed cuts stand for.
fn relaxed(request: &PlanRequest, instance: &Instance, closed: &Closed) -> Instance {
    let sets_suffice = instance.objective.minimises_period() && instance.overlap == Overlap::Full;
    let words = for_width!(instance.blocks() + 1, W => Some(W), else None);
    let empty_stages = sets_suffice
        && instance.shared_media.is_none()
        && instance.cuts.sets().is_some()
        && words.is_some_and(|words| Kinds::new(instance, words).is_some());
    instance.clone().relaxed(request, &closed.slack, empty_stages)
}

/// Returns a relaxation of a request with at most `most` closed cuts, where no host is used without a stage: what is proven of it
/// holds for all cuts. Returns `None` if there are no so few closed cuts.
pub fn relaxation(
    request: &PlanRequest,
    whole: &Instance,
    most: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Instance>, Stopped> {
    let policy = (request.options.cost_model.cuts, request.options.constraints.colocate.as_slice());
    let closed = Closed::new(&request.model, policy, &weights(request), whole.cuts.count, most, stop)?;
    let Some(closed) = closed else { return Ok(None) };
    let instance = Instance::between(request, closed.cuts.clone(), stop)?;
    Ok(Some(instance.relaxed(request, &closed.slack, false)))
}

/// Continues with cuts of less slack that a better placement than the best can have, until these
/// are all such cuts, or too many of them remain.
fn among_finer(
    request: &PlanRequest,
    (closed, weights, most_opened): (&Closed, &Weights, usize),
    relaxation: &Instance,
    best: &Incumbent<'_>,
    env: &Env<'_>,
) -> Result<PlacementDocument, CheckFailure> {
    let stop = || env.stop.reason().is_some();
    let end = || {
        refine(best);
        best.conclude()
    };
    let finer = finer(request, (closed, weights, most_opened), relaxation, best.objective(), &stop);
    // If it is stopped, the plan ends with the best known so far.
    let Ok(Some((finer, instance))) = finer else { return end() };
    if finer.has_no_slack() {
        return over_opened(request, (&instance, best.objective()), best, env);
    }
    let progress = Better::than(best, env.progress);
    let better = Env { progress: &progress, ..*env };
    let silent = Env { progress: &NoProgress, ..*env };
    let among = Incumbent::among(request, &instance, instance.cuts.count, &better);
    among.raise_for_all_cuts(best.claimed_bound());
    search(&among);
    let relaxation = relaxed(request, &instance, &finer);
    let bounding = Incumbent::relaxed(request, &relaxation, &silent);
    bounding.raise(best.claimed_bound());
    search(&bounding);
    // Cuts were judged for the best placement before, so nothing is proven of longer periods.
    let proven = bounding.bound().min(best.objective());
    let best = if among.objective() < best.objective() { &among } else { best };
    best.raise_for_all_cuts(proven.min(best.objective()));
    if best.has_claimed_enough() || stop() {
        refine(best);
        return best.conclude();
    }
    among_finer(request, (&finer, weights, most_opened), &relaxation, best, env)
}

/// Returns cuts of less slack than closed cuts have, with all that a placement within a period can
/// have, and their instance. Returns `None` if there are too many.
fn finer(
    request: &PlanRequest,
    (closed, weights, most_opened): (&Closed, &Weights, usize),
    relaxed: &Instance,
    period_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<(Closed, Instance)>, Stopped> {
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
    let at_most = most_sets(relaxed.hosts.len()).min(most_opened);
    let useful = Useful { position: &|position| useful.binary_search(&position).is_ok(), boundary: &carries };
    let finer = closed.finer(&request.model, &constraints.colocate, weights, &useful, at_most, stop)?;
    let Some(finer) = finer else { return Ok(None) };
    let instance = Instance::between(request, finer.cuts.clone(), stop)?;
    Ok(Some((finer, instance)))
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

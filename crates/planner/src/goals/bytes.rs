//! Replanning: the fewest bytes shipped among the placements whose period is at most the allowed
//! multiple of the least period.
//!
//! The search is that for the least sum, with bytes in place of seconds, at the largest period
//! allowed. With the effort for ties, it then looks for a smaller period and a smaller latency for
//! the same bytes.

use super::least_sum::{Listener, close_in};
use crate::bits::for_width;
use crate::cost::{Assignment, costs};
use crate::domain::request::PlanRequest;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::instance::Instance;
use crate::resource_constrained::shipping::Shipping;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Sums, Tables};
use crate::search::Effort;
use crate::search::bisect::bisect;
use crate::search::effort::TIE_BISECTIONS;
use crate::stopped::Stopped;

/// Searches for the placement that ships the fewest bytes, and records it in the incumbent. Does
/// nothing if the request has no base.
pub fn search<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.env.stop.reason().is_some();
    let Some(shipping) = Shipping::new(incumbent.request, instance) else { return Ok(()) };
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let ratio = incumbent.request.options.max_period_ratio.unwrap_or(1.0);
    while let Some(best) = incumbent.best() {
        let period_s = incumbent.objective().max(ratio * incumbent.claimed_bound());
        let cheapest = fewest_bytes_within(incumbent, &stage_ends, &shipping, (best, period_s), &stop)?;
        // If the least period was not proven, the search may have found a smaller period. The limit
        // is then smaller, and the search is repeated.
        if costs(instance, &cheapest).period_s <= incumbent.objective().max(ratio * incumbent.claimed_bound()) {
            incumbent.choose(cheapest.clone());
            let better = smaller_period(incumbent, &stage_ends, &shipping, cheapest, &stop)?;
            incumbent.choose(better);
            break;
        }
    }
    Ok(())
}

/// Returns the placement with the fewest shipped bytes that the effort finds within a period in
/// seconds. `cheapest` is a known placement within it.
fn fewest_bytes_within<const W: usize>(
    incumbent: &Incumbent<'_>,
    stage_ends: &StageEnds<W>,
    shipping: &Shipping,
    (mut cheapest, period_s): (Assignment, f64),
    stop: &dyn Fn() -> bool,
) -> Result<Assignment, Stopped> {
    let instance = incumbent.instance;
    let high = bytes(shipping, &cheapest);
    let tables = Tables::new(instance, stage_ends, Sums::of_bytes(shipping), period_s, stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut listener = Listener {
        placement: &mut |found| {
            // The period may be smaller than that of the best placement.
            incumbent.offer(found.clone());
            cheapest = found;
        },
        bound: &|bytes| incumbent.prove(|proofs| proofs.fewest_bytes = proofs.fewest_bytes.max(bytes as u64)),
        stop,
    };
    let wanted = (Goal::Bytes, Limits::of_latency(instance.max_latency_s));
    let effort = Effort::of_proofs(incumbent, BYTES_PER_LABEL);
    let (shipped, proven) = close_in(&tables, &mut neighbourhoods, wanted, high, effort, &mut listener)?;
    if proven {
        incumbent.prove(|proofs| proofs.fewest_bytes = proofs.fewest_bytes.max(shipped as u64));
    }
    Ok(cheapest)
}

/// Returns a placement that ships few bytes among those with a period of at most `period_s` seconds, as far as an effort
/// finds one.
pub fn few_bytes_within(
    request: &PlanRequest,
    instance: &Instance,
    period_s: f64,
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Assignment>, Stopped> {
    for_width!(few instance.blocks() + 1, W => few_bytes_on::<W>(request, instance, period_s, effort, stop), else Ok(None))
}

fn few_bytes_on<const W: usize>(
    request: &PlanRequest,
    instance: &Instance,
    period_s: f64,
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Assignment>, Stopped> {
    let Some(shipping) = Shipping::new(request, instance) else { return Ok(None) };
    let stage_ends = StageEnds::<W>::new(instance, stop)?;
    let tables = Tables::new(instance, &stage_ends, Sums::of_bytes(&shipping), period_s, stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut best = None;
    let mut listener = Listener { placement: &mut |found| best = Some(found), bound: &|_| {}, stop };
    // No placement ships more: each host has each layer once at most.
    let all: f64 = request.model.layers.iter().map(|layer| layer.param_bytes as f64).sum();
    let high = all * instance.hosts.len() as f64 + 1.0;
    let wanted = (Goal::Bytes, Limits::of_latency(instance.max_latency_s));
    close_in(&tables, &mut neighbourhoods, wanted, high, effort, &mut listener)?;
    Ok(best)
}

fn bytes(shipping: &Shipping, assignment: &Assignment) -> f64 {
    assignment.spans().map(|(start, end, host)| shipping.bytes(host, start, end)).sum()
}

/// Returns a placement that ships no more bytes than `best`. Its period or latency is smaller if a
/// small effort finds such a placement.
fn smaller_period<const W: usize>(
    incumbent: &Incumbent<'_>,
    stage_ends: &StageEnds<W>,
    shipping: &Shipping,
    mut best: Assignment,
    stop: &dyn Fn() -> bool,
) -> Result<Assignment, Stopped> {
    let instance = incumbent.instance;
    let limits = Limits { latency_s: instance.max_latency_s, shipped_bytes: bytes(shipping, &best) };
    let effort = Effort::of_ties(instance.hosts.len(), BYTES_PER_LABEL);
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut has_smaller = |best: &mut Assignment, period_s: f64| {
        let tables = Tables::new(instance, stage_ends, Sums::of_bytes(shipping), period_s, stop)?;
        let decision = tables.decide(limits, Goal::Stages, &mut neighbourhoods, effort.first, stop);
        let is_found = decision.placement.is_some();
        decision.placement.into_iter().for_each(|(better, _)| *best = better);
        Ok(is_found)
    };
    let reached = |best: &Assignment| Some(costs(instance, best).period_s).filter(|_| !stop());
    let period_s = costs(instance, &best).period_s;
    // The limit right below the period comes first. If nothing is better, no bisection is needed.
    if period_s > incumbent.objective() && !stop() && has_smaller(&mut best, period_s.next_down())? {
        bisect(&mut best, (incumbent.objective(), TIE_BISECTIONS), reached, has_smaller)?;
    }
    let costs = costs(instance, &best);
    let tables = Tables::new(instance, stage_ends, Sums::of_bytes(shipping), costs.period_s, stop)?;
    let mut listener = Listener { placement: &mut |found| best = found, bound: &|_| {}, stop };
    close_in(&tables, &mut neighbourhoods, (Goal::Latency, limits), costs.latency_s, effort, &mut listener)?;
    Ok(best)
}

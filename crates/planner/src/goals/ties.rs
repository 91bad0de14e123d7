//! The choice among placements that are nearly as fast as the fastest one: the least latency, then
//! the fewest stages.
//!
//! With P the least period found and B its bound, periods of up to max(P, (1 + tolerance) · B) are
//! allowed. The search is that for the least latency within this limit. On small clusters it has
//! the full effort. On larger ones it has a small effort, so that a proven answer is not delayed.
//! The document says whether the choice is proven.

use super::least_sum::{Listener, close_in};
use crate::cost::{Assignment, Costs, ROUNDING, costs};
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Sums, Tables};
use crate::search::Effort;
use crate::stopped::Stopped;

/// The number of hosts from which on the search is left out: its tables alone would take too long.
const MANY_HOSTS: usize = 300;

/// Chooses the answer, and records whether the choice is proven. If it is told to stop, the answer
/// is the best that was found.
pub fn choose<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let Some(fastest) = incumbent.best().filter(|_| instance.hosts.len() < MANY_HOSTS) else { return Ok(()) };
    let stop = || incumbent.env.stop.reason().is_some();
    let limit_s = largest_period_s(incumbent);
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let tables = Tables::new(instance, &stage_ends, Sums::LATENCY, limit_s, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let effort = Effort::of_choice(incumbent, BYTES_PER_LABEL);
    let high_s = costs(instance, &fastest).latency_s;
    // By descending latency.
    let mut found = vec![fastest];
    let mut listener = Listener {
        placement: &mut |quicker| {
            // If the least period is not proven, this one may also be faster.
            incumbent.offer(quicker.clone());
            found.push(quicker);
        },
        bound: &|_| {},
        stop: &stop,
    };
    let wanted = (Goal::Latency, Limits::of_latency(f64::INFINITY));
    let closed = close_in(&tables, &mut neighbourhoods, wanted, high_s, effort, &mut listener);
    let quickest = found.len() - 1;
    // If a faster placement was found, the limit is now smaller.
    let limit_s = largest_period_s(incumbent);
    let is_allowed = |at: &usize| costs(instance, &found[*at]).period_s <= limit_s;
    let Some(best) = (0..found.len()).rev().find(is_allowed) else { return Ok(()) };
    let is_least = best == quickest && closed.is_ok_and(|(_, proven)| proven);
    let (chosen, is_simplest) = fewest_stages(&tables, &mut neighbourhoods, found.swap_remove(best), effort, incumbent);
    if costs(instance, &chosen).period_s <= limit_s {
        incumbent.choose(chosen);
        let is_proven = is_least && is_simplest && incumbent.considers_all_cuts_within(limit_s);
        incumbent.prove(|proofs| proofs.latency_is_least = is_proven);
    }
    Ok(())
}

/// Returns the largest period, in seconds, that the tolerance allows.
fn largest_period_s(incumbent: &Incumbent<'_>) -> f64 {
    let tolerance = incumbent.request.options.period_tolerance();
    incumbent.objective().max((1.0 + tolerance) * incumbent.claimed_bound())
}

/// Returns a placement with the fewest stages that the effort finds among those of the same latency,
/// and whether no such placement has fewer. With a tolerance, latencies are the same up to rounding.
fn fewest_stages<const W: usize>(
    tables: &Tables<'_, W>,
    neighbourhoods: &mut Neighbourhoods,
    quickest: Assignment,
    effort: Effort,
    incumbent: &Incumbent<'_>,
) -> (Assignment, bool) {
    let stages = quickest.stages.len();
    if tables.least(Goal::Stages) >= stages as f64 {
        return (quickest, true);
    }
    let instance = incumbent.instance;
    let rounding = if incumbent.request.options.period_tolerance() > 0.0 { ROUNDING } else { 0.0 };
    let latency_s = costs(instance, &quickest).latency_s * (1.0 + rounding);
    let limits = Limits::of_latency(latency_s.min(instance.max_latency_s));
    let stop = || incumbent.env.stop.reason().is_some();
    for labels in effort.rising() {
        let decision = tables.decide(limits, Goal::Stages, neighbourhoods, labels, &stop);
        match decision.placement {
            Some((simpler, _)) if simpler.stages.len() < stages => return (simpler, decision.decided),
            _ if decision.decided => return (quickest, true),
            _ if stop() => break,
            _ => {}
        }
    }
    (quickest, false)
}

/// Searches for a smaller latency than that of the best placement, which has the given costs,
/// without a larger period. Returns `true` if no smaller latency exists, proven.
pub fn least_latency<const W: usize>(
    incumbent: &Incumbent<'_>,
    Costs { period_s, latency_s }: Costs,
    effort: Effort,
) -> Result<bool, Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.env.stop.reason().is_some();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let tables = Tables::new(instance, &stage_ends, Sums::LATENCY, period_s, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut listener = Listener { placement: &mut |found| incumbent.offer(found), bound: &|_| {}, stop: &stop };
    let wanted = (Goal::Latency, Limits::of_latency(f64::INFINITY));
    Ok(close_in(&tables, &mut neighbourhoods, wanted, latency_s, effort, &mut listener)?.1)
}

//! The front of period and latency: the placements that no other dominates in both.
//!
//! The search starts at the least latency of all and goes down in period (the ε-constraint method,
//! Haimes, Lasdon and Wismer 1971). It finds the least latency within a period, then the least
//! latency within a period that is smaller by more than rounding, until it reaches the least
//! period. It takes one search for each point, and one for each further placement of equal latency.
//!
//! Two points differ by more than [`ROUNDING`] in both values. For each placement that is left out,
//! some point of the front is no worse in both values, up to rounding.

use super::least_sum::{Listener, close_in};
use super::ties;
use crate::cost::ROUNDING;
use crate::cost::{Assignment, Costs, costs};
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Sums, Tables};
use crate::search::Effort;
use crate::stopped::Stopped;

/// Finds the points of the front whose period is larger than the least, and records them in the
/// incumbent.
pub fn points<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.env.stop.reason().is_some();
    let period_is_least = incumbent.bound() == incumbent.objective();
    let effort = Effort::of_proofs(incumbent, BYTES_PER_LABEL);
    let Some(costs_found) = incumbent.costs() else { return Ok(()) };
    ties::least_latency::<W>(incumbent, costs_found, effort)?;
    let last = incumbent.costs().unwrap_or(costs_found);
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let limits = Limits::of_latency(instance.max_latency_s);
    let mut found: Vec<(Costs, Assignment)> = Vec::new();
    let mut period_s = f64::MAX;
    let mut whole = period_is_least;
    while period_s >= last.period_s {
        let tables = Tables::new(instance, &stage_ends, Sums::LATENCY, period_s, &stop);
        let Ok(tables) = tables else {
            whole = false;
            break;
        };
        let mut best = None;
        let mut listener = Listener { placement: &mut |better| best = Some(better), bound: &|_| {}, stop: &stop };
        let wanted = (Goal::Latency, limits);
        let high_s = less(last.latency_s);
        let (_, proven) = close_in(&tables, &mut neighbourhoods, wanted, high_s, effort, &mut listener)?;
        whole &= proven;
        let Some(point) = best else { break };
        // The point can be better than the best placement if the latter is not proven to have the
        // least period and the least latency at it.
        incumbent.offer(point.clone());
        let at = costs(instance, &point);
        period_s = less(at.period_s);
        found.push((at, point));
    }
    let first = incumbent.costs().unwrap_or(last);
    if let Some((at, point)) = found.last()
        && at.latency_s < less(first.latency_s)
        && first.period_s > less(at.period_s)
    {
        // The period of the point is the least up to rounding, and its latency is smaller by more
        // than rounding.
        incumbent.replace(point.clone());
    }
    let points = undominated(found, incumbent.costs().unwrap_or(first));
    incumbent.prove(|proofs| {
        proofs.front = points;
        proofs.front_is_whole = whole;
    });
    Ok(())
}

/// Returns `seconds` reduced by the relative margin [`ROUNDING`], and at least to the next smaller
/// number.
fn less(seconds: f64) -> f64 {
    (seconds * (1.0 - ROUNDING)).min(seconds.next_down())
}

/// Returns the points that no other point and not `first` dominate up to rounding, by ascending
/// period. `first` has the least period.
fn undominated(mut found: Vec<(Costs, Assignment)>, first: Costs) -> Vec<Assignment> {
    found.sort_by(|(a, _), (b, _)| a.period_s.total_cmp(&b.period_s).then(a.latency_s.total_cmp(&b.latency_s)));
    let mut least_s = first.latency_s;
    found.retain(|(at, _)| {
        let better = first.period_s <= less(at.period_s) && at.latency_s < less(least_s);
        if better {
            least_s = at.latency_s;
        }
        better
    });
    found.into_iter().map(|(_, point)| point).collect()
}

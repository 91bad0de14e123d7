//! The secondary goal of the least latency among the placements with the least period.
//!
//! The search is that for the least latency at the proven period. On small clusters it has the full
//! effort. On larger ones it has a small effort, so that a proven answer is not delayed. The
//! document says whether the latency is proven to be the least.

use super::least_sum::{Listener, close_in};
use crate::cost::Costs;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Sums, Tables};
use crate::search::Effort;
use crate::stopped::Stopped;

/// The number of hosts from which on the search is left out: its tables alone would take too long.
const MANY_HOSTS: usize = 300;

/// Searches for a smaller latency at the period of the best placement, and records whether the
/// latency is proven to be the least.
pub fn least_latency_at<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let hosts = incumbent.instance.hosts.len();
    if hosts >= MANY_HOSTS {
        return Ok(());
    }
    let Some(costs) = incumbent.costs() else { return Ok(()) };
    let proven = least_latency::<W>(incumbent, costs, Effort::of_ties(hosts, BYTES_PER_LABEL))?;
    incumbent.prove(|proofs| proofs.latency_is_least = proven);
    Ok(())
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

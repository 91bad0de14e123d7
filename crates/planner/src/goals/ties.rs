//! Among the placements with the least period, the one with the least latency.
//!
//! The search for the least latency at the proven period. Exact on small clusters; beyond, within an effort that does
//! not keep a proven answer waiting, and the document says whether it was enough.

use super::least_sum::{Listener, close_in};
use crate::cost::Costs;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Tables};
use crate::search::Effort;
use crate::stopped::Stopped;

/// From so many hosts on, the tables alone would take longer than what they decide is worth.
const MANY_HOSTS: usize = 300;

/// Lowers the latency of the best placement at its period.
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

/// Lowers the latency of the best placement, which has these costs, without a larger period. Returns whether it is proven
/// that no latency is smaller.
pub fn least_latency<const W: usize>(
    incumbent: &Incumbent<'_>,
    Costs { period_s, latency_s }: Costs,
    effort: Effort,
) -> Result<bool, Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.env.stop.reason().is_some();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let tables = Tables::new(instance, &stage_ends, None, period_s, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut listener = Listener { placement: &mut |found| incumbent.offer(found), bound: &|_| {}, stop: &stop };
    let wanted = (Goal::Latency, Limits::of_latency(f64::INFINITY));
    Ok(close_in(&tables, &mut neighbourhoods, wanted, latency_s, effort, &mut listener)?.1)
}

//! Among the placements with the least period, the one with the least latency.
//!
//! The search for the least latency at the proven period. Exact on small clusters; beyond, within an effort that does
//! not keep a proven answer waiting, and the document says whether it was enough.

use super::decide::Tables;
use super::effort::Effort;
use super::least_latency::{Heard, close_in};
use super::limits::{Goal, Limits};
use crate::cost::Costs;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;

/// From so many hosts on, the tables alone would take longer than what they decide is worth.
const MANY_HOSTS: usize = 300;

/// Lowers the latency of the best placement at its period. `None` when told to stop.
pub fn least_latency_at<const W: usize>(incumbent: &Incumbent<'_>) -> Option<()> {
    let hosts = incumbent.problem.hosts.len();
    if hosts >= MANY_HOSTS {
        return Some(());
    }
    let proven = least_latency::<W>(incumbent, Effort::of_ties(hosts))?;
    incumbent.prove(|proofs| proofs.latency_is_least = proven);
    Some(())
}

/// Lowers the latency of the best placement without a larger period; whether it is proven that none is smaller.
pub fn least_latency<const W: usize>(incumbent: &Incumbent<'_>, effort: Effort) -> Option<bool> {
    let problem = incumbent.problem;
    let stop = || incumbent.env.stop.reason().is_some();
    let Costs { period_s, latency_s } = incumbent.costs()?;
    let stage_ends = StageEnds::<W>::new(problem, &stop)?;
    let tables = Tables::new(problem, &stage_ends, None, period_s, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(problem.hosts.len());
    let mut heard = Heard { placement: &mut |found| incumbent.offer(found), bound: &mut |_| {}, stop: &stop };
    let wanted = (Goal::Latency, Limits::of_latency(f64::INFINITY));
    Some(close_in(&tables, &mut neighbourhoods, wanted, latency_s, effort, &mut heard).1)
}

//! The objective of the least latency, perhaps within a period.

use super::least_sum::{Listener, close_in};
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Sums, Tables};
use crate::search::Effort;
use crate::stopped::Stopped;

/// Closes the gap between bound and latency until the stop hook ends the search or the effort is
/// spent.
pub fn search<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let period_s = instance.max_period_s.min(f64::MAX);
    let tables = Tables::new(instance, &stage_ends, Sums::LATENCY, period_s, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut listener = Listener {
        placement: &mut |found| incumbent.offer(found),
        bound: &|bound_s| incumbent.raise(bound_s),
        stop: &stop,
    };
    let wanted = (Goal::Latency, Limits::of_latency(instance.max_latency_s));
    let high_s = incumbent.objective().min(instance.max_latency_s.next_up());
    let effort = Effort::of_proofs(incumbent, BYTES_PER_LABEL);
    let (_, proven) = close_in(&tables, &mut neighbourhoods, wanted, high_s, effort, &mut listener)?;
    if proven && incumbent.best().is_none() {
        incumbent.raise(f64::INFINITY);
    }
    Ok(())
}

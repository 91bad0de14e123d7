//! The published algorithms, for a first answer and for comparison.
//!
//! They consider only hops, and count for each host the smallest free memory of all hosts. They
//! ignore source, sink, pins and limits. Each result is scored under the whole cost model, and
//! dropped if the request forbids it. A baseline that finds nothing proves nothing.

mod colour_coding;
mod greedy;
mod kpath;
mod partition;
mod random;

pub use greedy::greedy;
pub use kpath::kpath;
pub use random::random;

use super::cost::Assignment;
use super::incumbent::Incumbent;
use super::instance::Instance;
use crate::index::{Host, Position};

/// The most hosts for which the k-path matching is run as a cheap baseline.
const CHEAP_KPATH_HOSTS: usize = 24;

/// Offers the placements of the deterministic baselines that are cheap for this instance.
pub fn offer_cheap(incumbent: &Incumbent<'_>) {
    greedy(incumbent);
    if incumbent.instance.hosts.len() <= CHEAP_KPATH_HOSTS {
        kpath(incumbent);
    }
}

/// Returns the pieces on these hosts as an assignment. Returns `None` if a piece does not fit its
/// host or if a layer is pinned to another host.
fn permitted(instance: &Instance, ends: &[Position], hosts: &[Host]) -> Option<Assignment> {
    let assignment = Assignment { stages: ends.iter().copied().zip(hosts.iter().copied()).collect() };
    let fits = assignment.spans().all(|(start, end, host)| {
        let mut found = false;
        instance.ends_in_memory(instance.group_of[host], start, |fitting| found |= fitting == end);
        found
    });
    fits.then_some(assignment)
}

#[cfg(test)]
mod tests;

//! The published algorithms, for a first answer and for comparison.
//!
//! They see hops only, count the smallest free memory of all hosts for each, and know neither source nor sink, pins
//! nor limits. What they find is scored under the whole cost model, and dropped where the request forbids it. That one
//! of them finds nothing proves nothing.

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

/// The most hosts for which the k-path matching is cheap.
const CHEAP_KPATH_HOSTS: usize = 24;

/// Offers what the deterministic baselines find, as far as that is cheap.
pub fn offer_cheap(incumbent: &Incumbent<'_>) {
    greedy(incumbent);
    if incumbent.instance.hosts.len() <= CHEAP_KPATH_HOSTS {
        kpath(incumbent);
    }
}

/// Pieces on hosts as an assignment; `None` where a piece does not fit its host or a pinned layer is elsewhere.
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

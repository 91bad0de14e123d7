//! `greedy`: the min-sum partition on the best nearest-neighbour walk.
//!
//! Source: the greedy baseline of Parthasarathy and Krishnamachari, ITNAC 2022, doi
//! 10.1109/ITNAC55475.2022.9998427. A walk starts at each host and follows the fastest hop to an
//! unused host. The walk whose slowest hop is fastest wins; of equal walks the one with the better
//! placement. There is no guarantee. The walks take O(k n²) for k stages, in addition to the
//! partition.

use super::partition::least_sum;
use super::permitted;
use crate::cost::{Assignment, Score, score};
use crate::incumbent::Incumbent;
use crate::index::{Host, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Offers the placement of the best walk.
pub fn greedy(incumbent: &Incumbent<'_>) {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let Ok(Some(ends)) = least_sum(instance, &stop) else { return };
    let mut best: Option<(f64, Score, Assignment)> = None;
    for first in instance.hosts.indices().take_while(|_| !stop()) {
        let slowest_allowed_s = best.as_ref().map_or(f64::MAX, |(slowest_s, _, _)| *slowest_s);
        let walk = walk_from(instance, first, &ends, slowest_allowed_s, &stop);
        let Ok(Some((slowest_s, hosts))) = walk else { continue };
        let Some(assignment) = permitted(instance, &ends, &hosts) else { continue };
        let Some(score) = score(instance, &assignment) else { continue };
        let is_better = |(best_s, best, _): &(f64, Score, Assignment)| (slowest_s, score) < (*best_s, *best);
        if best.as_ref().is_none_or(is_better) {
            best = Some((slowest_s, score, assignment));
        }
    }
    if let Some((_, _, assignment)) = best {
        incumbent.offer(assignment);
    }
}

/// Returns the time of the slowest hop and the hosts of a walk. Returns `None` if no link leads on
/// to an unused host, or if a hop is slower than `slowest_allowed_s`.
fn walk_from(
    instance: &Instance,
    first: Host,
    ends: &[Position],
    slowest_allowed_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<(f64, Vec<Host>)>, Stopped> {
    let mut used = instance.by_host(false);
    let mut hosts = vec![first];
    let mut slowest_s = 0.0_f64;
    let mut at = first;
    for &end in &ends[..ends.len() - 1] {
        if stop() {
            return Err(Stopped);
        }
        used[at] = true;
        let unused = used.indices().filter(|&host| !used[host]);
        // Small loads can make hops equally fast; the link with more bandwidth is taken then.
        let hops = unused.map(|host| (instance.hop_s(at, host, end), -instance.link(at, host).bandwidth_bps, host));
        let fastest = hops.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let Some((hop_s, _, next)) = fastest else { return Ok(None) };
        if hop_s > slowest_allowed_s {
            return Ok(None);
        }
        slowest_s = slowest_s.max(hop_s);
        hosts.push(next);
        at = next;
    }
    Ok(Some((slowest_s, hosts)))
}

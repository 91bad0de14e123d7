//! Proven lower bounds by the walk relaxation: neighbouring stages are on different hosts, but a
//! host may be used again.
//!
//! Every placement is such a walk, so the best walk is a lower bound of the best placement. It is
//! found by a dynamic programme over positions in O(m n² + n m²) time and O(m n) memory.

use super::Bounds;
use crate::index::{Grid, GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Bounds by walks over all cuts.
pub struct Walks<'p>(pub &'p Instance);

impl Bounds for Walks<'_> {
    fn least_period(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        best_walk(self.0, f64::max, stop)
    }

    fn least_latency(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        best_walk(self.0, |before, time| before + time, stop)
    }
}

/// Returns the least cost of a walk. `join` combines two times and must never decrease in either
/// argument.
fn best_walk(
    instance: &Instance,
    join: impl Fn(f64, f64) -> f64 + Copy,
    stop: &dyn Fn() -> bool,
) -> Result<f64, Stopped> {
    // By host, then position: the least cost until a stage ends there. It is filled forwards from
    // each start.
    let mut ended = Grid::<Host, Position, f64>::filled(f64::INFINITY, instance.hosts.len(), instance.blocks() + 1);
    let mut starting = instance.input_s.clone();
    let mut stages: IndexVec<GroupIndex, Vec<(Position, f64)>> = instance.by_group(Vec::new());
    for position in instance.starts() {
        if position > Position::FIRST {
            let before = instance.hosts.indices().map(|host| ended[(host, position)]).collect();
            starting = hop(instance, &before, position, join, stop)?;
        }
        for group in instance.groups.indices() {
            let stages = &mut stages[group];
            stages.clear();
            instance.ends_in_memory(group, position, |end| {
                stages.push((end, instance.compute_s(group, position, end)));
            });
        }
        for host in instance.hosts.indices().filter(|&host| starting[host].is_finite()) {
            let mut row = ended.row_mut(host);
            for &(end, compute_s) in &stages[instance.group_of[host]] {
                row[end] = row[end].min(join(starting[host], compute_s));
            }
        }
        if stop() {
            return Err(Stopped);
        }
    }
    let finished = instance.hosts.indices().map(|host| join(ended[(host, instance.last())], instance.output_s[host]));
    Ok(finished.fold(f64::INFINITY, f64::min))
}

/// Returns, for each host, the least cost at which a stage can start on it. `before` holds the
/// costs at which stages ended.
fn hop(
    instance: &Instance,
    before: &IndexVec<Host, f64>,
    position: Position,
    join: impl Fn(f64, f64) -> f64,
    stop: &dyn Fn() -> bool,
) -> Result<IndexVec<Host, f64>, Stopped> {
    let mut starting = IndexVec::filled(f64::INFINITY, before.len());
    for (from, &before) in before.iter_indexed().filter(|(_, before)| before.is_finite()) {
        if from.number() % 256 == 0 && stop() {
            return Err(Stopped);
        }
        // A host has no link to itself, so two stages in a row are never on the same host.
        instance.links.for_each_transfer(from, instance.load_bits[position], |to, hop_s| {
            starting[to] = starting[to].min(join(before, hop_s));
        });
    }
    Ok(starting)
}

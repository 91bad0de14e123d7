//! The values that a period can have under full overlap: stage times and hop times. If cuts are
//! sets, the list also has times between two cuts of which neither contains the other. These extra
//! candidates take time but do not change the proof.

use super::at_period::distinct_loads;
use crate::index::Position;
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The candidates of a range.
pub enum Listed {
    /// All candidates, distinct and in ascending order.
    All(Vec<f64>),
    /// There are more candidates than can be listed.
    TooMany,
}

/// Lists the candidates, in seconds, from `least` (included) to `below` (excluded). Returns
/// [`Listed::TooMany`] if there are more than about `most`. It takes O(n² log r + g m log m) to
/// find them, and O(c log c) to sort c of them.
pub fn candidates(
    instance: &Instance,
    least: f64,
    below: f64,
    most: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Listed, Stopped> {
    let last = instance.last();
    let mut found = Vec::new();
    let loads = distinct_loads(instance);
    for from in instance.hosts.indices() {
        if stop() {
            return Err(Stopped);
        }
        for to in instance.hosts.indices() {
            let link = instance.link(from, to);
            let first = loads.partition_point(|&load_bits| link.transfer_s(load_bits) < least);
            let times = loads[first..].iter().map(|&load_bits| link.transfer_s(load_bits));
            found.extend(times.take_while(|&hop_s| hop_s < below));
        }
        if too_many(&mut found, most) {
            return Ok(Listed::TooMany);
        }
    }
    for group in instance.groups.indices() {
        if stop() {
            return Err(Stopped);
        }
        for start in instance.starts() {
            if !instance.compute_is_sorted(group) {
                let times = (start + 1).through(last).map(|end| instance.compute_s(group, start, end));
                found.extend(times.filter(|compute_s| (least..below).contains(compute_s)));
                continue;
            }
            let first = first_end(start, last, |end| instance.compute_s(group, start, end) >= least);
            let times = first.through(last).map(|end| instance.compute_s(group, start, end));
            found.extend(times.take_while(|&compute_s| compute_s < below));
        }
        if too_many(&mut found, most) {
            return Ok(Listed::TooMany);
        }
    }
    let ends_s = instance.input_s.iter().chain(&instance.output_s);
    found.extend(ends_s.copied().filter(|end_s| (least..below).contains(end_s)));
    keep_distinct(&mut found);
    Ok(Listed::All(found))
}

/// Returns `true` if there are too many distinct numbers. This is so from half of `most` on, so
/// that the list is not sorted again after each few additions.
fn too_many(found: &mut Vec<f64>, most: usize) -> bool {
    if found.len() <= most {
        return false;
    }
    keep_distinct(found);
    found.len() > most / 2
}

fn keep_distinct(found: &mut Vec<f64>) {
    found.sort_unstable_by(f64::total_cmp);
    found.dedup();
}

/// Returns the smallest candidate above a period, in seconds. It is infinite if there is none. It
/// takes O(n² log r + g m log m).
pub fn next_candidate(instance: &Instance, period_s: f64, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
    let last = instance.last();
    let loads = distinct_loads(instance);
    let ends_s = instance.input_s.iter().chain(&instance.output_s).copied();
    let mut next = ends_s.filter(|&end_s| end_s > period_s).fold(f64::INFINITY, f64::min);
    for from in instance.hosts.indices() {
        if stop() {
            return Err(Stopped);
        }
        for to in instance.hosts.indices() {
            let link = instance.link(from, to);
            let first = loads.partition_point(|&load_bits| link.transfer_s(load_bits) <= period_s);
            next = loads.get(first).map_or(next, |&load_bits| next.min(link.transfer_s(load_bits)));
        }
    }
    for group in instance.groups.indices() {
        if stop() {
            return Err(Stopped);
        }
        for start in instance.starts() {
            if !instance.compute_is_sorted(group) {
                let times = (start + 1).through(last).map(|end| instance.compute_s(group, start, end));
                next = times.filter(|&compute_s| compute_s > period_s).fold(next, f64::min);
                continue;
            }
            let end = first_end(start, last, |end| instance.compute_s(group, start, end) > period_s);
            if end <= last {
                next = next.min(instance.compute_s(group, start, end));
            }
        }
    }
    Ok(next)
}

/// Returns the first end after a start for which a monotone condition holds, or m + 1 if there is
/// none.
fn first_end(start: Position, last: Position, holds: impl Fn(Position) -> bool) -> Position {
    let (mut fails, mut first) = (start, last + 1);
    while fails + 1 < first {
        let middle = fails.middle(first);
        if holds(middle) { first = middle } else { fails = middle }
    }
    first
}

//! A placement by first fit: each host takes as much of the model as its memory holds, and the host
//! with the fastest hop continues.
//!
//! A walk begins at each of some hosts, those with the most memory first. The placement with the
//! best score is kept. There is no guarantee. It takes O(s (m + k n)) for s walks of k stages.

use crate::cost::{Assignment, Score, score};
use crate::index::{Host, Position};
use crate::instance::Instance;

/// The most hosts at which a walk begins.
const WALKS: usize = 32;

/// Returns the best placement of the walks. Returns `None` if no walk tried before a stop holds the
/// whole model.
pub fn first_fit(instance: &Instance, stop: &dyn Fn() -> bool) -> Option<Assignment> {
    let mut firsts: Vec<Host> = instance.hosts.indices().filter(|&host| instance.input_s[host].is_finite()).collect();
    firsts.sort_by_key(|&host| std::cmp::Reverse(instance.groups[instance.group_of[host]].free_bytes));
    let mut best: Option<(Score, Assignment)> = None;
    for first in firsts.into_iter().take(WALKS) {
        if stop() {
            break;
        }
        let Some(assignment) = walk_from(instance, first) else { continue };
        let Some(score) = score(instance, &assignment) else { continue };
        if best.as_ref().is_none_or(|(best, _)| score < *best) {
            best = Some((score, assignment));
        }
    }
    best.map(|(_, assignment)| assignment)
}

fn walk_from(instance: &Instance, first: Host) -> Option<Assignment> {
    let mut used = instance.by_host(false);
    let mut stages: Vec<(Position, Host)> = Vec::new();
    let (mut at, mut start) = (first, Position::FIRST);
    loop {
        used[at] = true;
        let mut furthest = None;
        instance.ends_in_memory(instance.group_of[at], start, |end| furthest = Some(end));
        start = furthest?;
        stages.push((start, at));
        if start == instance.last() {
            return instance.output_s[at].is_finite().then_some(Assignment { stages });
        }
        if stages.len() == instance.most_stages {
            return None;
        }
        let goes_on = |&host: &Host| {
            !used[host] && instance.link(at, host).exists() && instance.fits(instance.group_of[host], start, start + 1)
        };
        at =
            instance.hosts.indices().filter(goes_on).min_by(|&a, &b| {
                instance.hop_s(at, a, start).total_cmp(&instance.hop_s(at, b, start)).then(a.cmp(&b))
            })?;
    }
}

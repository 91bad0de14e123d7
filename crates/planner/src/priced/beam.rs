//! Beam search for placements within limits: the most promising labels of each layer, each with its whole set of hosts.
//!
//! Labels are ranked by their completion bounds, or where no latency counts as in the beam of the plain search: the fewest
//! stages still needed, then half by the furthest start, half by how open the hosts are that they leave. No host is visited twice, so what ends is a placement; what does not end proves
//! nothing. O(w n m) for each layer of w labels.

use rustc_hash::FxHashMap;

use super::cover::Cover;
use super::entry::{Entry, merge};
use super::limits::Goal;
use super::steps::{BEGINNING, Steps};
use super::ways::{Ended, Ways};
use crate::bits::Bits;
use crate::cost::Assignment;

/// Labels of a layer before the best are chosen: wider beams are narrowed to that.
const MOST_CANDIDATES: usize = 400_000;

/// Labels judged by their cover between two looks at the stop hook.
const LABELS_PER_STOP: usize = 1_000;

/// A host, and the set of hosts visited so far as words.
type Key = (usize, Vec<u64>);

struct Label {
    host: usize,
    visited: Vec<u64>,
    /// How open the hosts visited are together.
    openness: u64,
    entries: Vec<Entry>,
}

impl Label {
    /// Takes away the starts from which the hosts that are left cannot cover the rest; whether any remain.
    fn is_covered<const W: usize>(&mut self, ways: &Ways<'_, W>, cover: &Cover, stages_before: usize) -> bool {
        let mut starts = Bits::<W>::EMPTY;
        self.entries.iter().for_each(|entry| starts.insert(entry.position as usize));
        let words = self.visited.iter().enumerate();
        let visited = words
            .flat_map(|(word, &bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit));
        let stages_after = ways.instance.most_stages - stages_before - 1;
        let admitted = cover.admitted(ways.instance, self.host, visited, stages_after, starts);
        if admitted != starts {
            self.entries.retain(|entry| admitted.contains(entry.position as usize));
        }
        !self.entries.is_empty()
    }
}

/// The best placement that a beam of so many labels finds. With [`Goal::Stages`] the first.
pub fn placement<const W: usize>(
    ways: &mut Ways<'_, W>,
    cover: &Cover,
    width: usize,
    stop: &dyn Fn() -> bool,
) -> Option<(Assignment, f64)> {
    let hosts = ways.instance.hosts.len();
    let width = width.min(MOST_CANDIDATES / hosts.max(1)).max(1);
    let mut steps = Steps::default();
    let mut best = None;
    let openness: Vec<u64> = (0..hosts).map(|host| ways.tables.openness(host)).collect();
    let mut layer = first_labels(ways, &openness, &mut steps);
    for stages in 1..=ways.instance.most_stages {
        for label in &layer {
            if let Some((value, step)) = ways.finished(label.host, &label.entries) {
                best = Some((steps.walk(step, ways.instance.blocks()), value));
                ways.limits = ways.goal.below(ways.limits, value);
            }
        }
        let enough = best.is_some() && ways.goal == Goal::Stages;
        if enough || stages == ways.instance.most_stages {
            break;
        }
        let mut next: Vec<Label> = Vec::new();
        let mut at: FxHashMap<Key, usize> = FxHashMap::default();
        let mut ended = Ended::new(ways.instance.blocks());
        let mut arrived = Vec::new();
        for label in &layer {
            if stop() {
                return best;
            }
            ways.end_stages(label.host, &label.entries, &mut ended);
            for to in (0..hosts).filter(|&to| !contains(&label.visited, to)) {
                let stages_left = ways.instance.most_stages - stages;
                let starts = ways.starts_on(label.host, to, &ended, stages_left);
                arrived.clear();
                ways.hop((label.host, to), stages_left, &ended, &starts, &mut arrived);
                if arrived.is_empty() {
                    continue;
                }
                let visited = with(&label.visited, to);
                let at = *at.entry((to, visited.clone())).or_insert(next.len());
                if at == next.len() {
                    let openness = label.openness + openness[to];
                    next.push(Label { host: to, visited, openness, entries: Vec::new() });
                }
                merge(&mut next[at].entries, &arrived);
            }
        }
        if !cover.is_irrelevant() {
            let (mut judged, mut stopped) = (0, false);
            next.retain_mut(|label| {
                judged += 1;
                stopped |= judged % LABELS_PER_STOP == 0 && stop();
                !stopped && label.is_covered(ways, cover, stages)
            });
            if stopped {
                return best;
            }
        }
        layer = most_promising(ways, next, width);
        for label in &mut layer {
            for entry in &mut label.entries {
                entry.step = steps.add(entry.step, label.host, entry.position);
            }
        }
        if layer.is_empty() {
            break;
        }
    }
    best
}

fn first_labels<const W: usize>(ways: &Ways<'_, W>, openness: &[u64], steps: &mut Steps) -> Vec<Label> {
    let nobody = vec![0; ways.instance.hosts.len().div_ceil(64)];
    let mut first = Vec::new();
    for host in ways.tables.first_hosts() {
        if let Some(spent) = ways.begun(host) {
            let entry = Entry { position: 0, step: steps.add(BEGINNING, host, 0), spent };
            let visited = with(&nobody, host);
            first.push(Label { host, visited, openness: openness[host], entries: vec![entry] });
        }
    }
    first
}

fn contains(visited: &[u64], host: usize) -> bool {
    visited[host / 64] >> (host % 64) & 1 == 1
}

fn with(visited: &[u64], host: usize) -> Vec<u64> {
    let mut with = visited.to_vec();
    with[host / 64] |= 1 << (host % 64);
    with
}

/// The labels with the smallest ranks: half of them by the one, the rest by the other.
fn most_promising<const W: usize>(ways: &Ways<'_, W>, labels: Vec<Label>, width: usize) -> Vec<Label> {
    if labels.len() <= width {
        return labels;
    }
    let mut ranked: Vec<([f64; 3], Label)> = labels.into_iter().map(|label| (rank(ways, &label), label)).collect();
    let by = |second: usize, third: usize| {
        move |(a, _): &([f64; 3], Label), (b, _): &([f64; 3], Label)| {
            a[0].total_cmp(&b[0]).then(a[second].total_cmp(&b[second])).then(a[third].total_cmp(&b[third]))
        }
    };
    ranked.sort_by(by(1, 2));
    ranked[width / 2..].sort_by(by(2, 1));
    ranked.truncate(width);
    ranked.into_iter().map(|(_, label)| label).collect()
}

/// What a label promises, smaller first, then two ways to break ties: how far it is, and how open the hosts are that it
/// has used.
fn rank<const W: usize>(ways: &Ways<'_, W>, label: &Label) -> [f64; 3] {
    let used = label.openness as f64;
    match ways.goal {
        Goal::Latency | Goal::Bytes => {
            let least = |entry: &Entry| {
                let (host, start) = (label.host, entry.position as usize);
                match ways.goal {
                    Goal::Bytes => ways.fewest_bytes(host, start, host, &entry.spent),
                    _ => ways.least_latency_s(host, start, host, &entry.spent),
                }
            };
            [label.entries.iter().map(least).fold(f64::INFINITY, f64::min), 0.0, used]
        }
        Goal::Stages => {
            let mut starts = Bits::<W>::EMPTY;
            label.entries.iter().for_each(|entry| starts.insert(entry.position as usize));
            let fewest = ways.fewest_stages(label.host, &label.entries, &starts).unwrap_or(usize::MAX);
            [fewest as f64, -(starts.last().unwrap_or(0) as f64), used]
        }
    }
}

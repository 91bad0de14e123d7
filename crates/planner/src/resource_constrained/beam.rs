//! Beam search for placements within limits.
//!
//! A bucket holds the labels of one host and one set of visited hosts. Each layer has one more
//! stage than the one before, and keeps the most promising buckets. No host is visited twice, so a
//! finished walk is a placement. If a beam finds no placement, nothing is proven.
//!
//! If the goal is latency or bytes, buckets are ranked by their completion bounds. Otherwise they
//! are ranked by the fewest stages still needed. Ties are broken in two ways: half of the layer
//! goes to the buckets with the furthest start, the other half to those whose unused hosts have the
//! most links that carry the loads. O(w n m) for each layer of w buckets.

use rustc_hash::FxHashMap;

use super::capacity::ResourceCapacity;
use super::extensions::{Ended, Extensions};
use super::label::{Label, merge};
use super::limits::Goal;
use super::steps::{BEGINNING, Steps};
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::index::{Host, Index, IndexVec, Position};

/// The most buckets of a layer before the best are chosen. Wider beams are narrowed to keep to it.
const MOST_CANDIDATES: usize = 400_000;

/// Buckets tested against the capacity bounds between two calls of the stop hook.
const BUCKETS_PER_STOP: usize = 1_000;

/// A host, and the set of hosts visited so far, in words of 64 bits.
type Key = (Host, Vec<u64>);

/// The labels of one host and one set of visited hosts.
struct BeamBucket {
    host: Host,
    visited: Vec<u64>,
    /// The sum of the openness of all visited hosts.
    openness: u64,
    labels: Vec<Label>,
}

impl BeamBucket {
    /// Drops the labels whose start the capacity bounds exclude. Returns `true` if any label
    /// remains.
    fn keep_admitted<const W: usize>(
        &mut self,
        extensions: &Extensions<'_, W>,
        capacity: &ResourceCapacity,
        stages_before: usize,
    ) -> bool {
        let mut starts = Bits::<W>::EMPTY;
        self.labels.iter().for_each(|label| starts.insert(label.position));
        let words = self.visited.iter().enumerate();
        let visited = words.flat_map(|(word, &bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| Host::nth(word * 64 + bit))
        });
        let stages_after = extensions.within.instance.most_stages - stages_before - 1;
        let admitted = capacity.admitted(extensions.within.instance, self.host, visited, stages_after, starts);
        if admitted != starts {
            self.labels.retain(|label| admitted.contains(label.position));
        }
        !self.labels.is_empty()
    }
}

/// Returns the best placement that a beam of `width` buckets finds, with its value of the goal.
/// With [`Goal::Stages`] it returns the first. If it is told to stop, it returns the best so far.
pub fn placement<const W: usize>(
    extensions: &mut Extensions<'_, W>,
    capacity: &ResourceCapacity,
    width: usize,
    stop: &dyn Fn() -> bool,
) -> Option<(Assignment, f64)> {
    let hosts = extensions.within.instance.hosts.len();
    let width = width.min(MOST_CANDIDATES / hosts.max(1)).max(1);
    let mut steps = Steps::default();
    let mut best = None;
    let openness = extensions.tables.openness_of_all();
    let mut layer = first_buckets(extensions, &openness, &mut steps);
    for stages in 1..=extensions.within.instance.most_stages {
        for bucket in &layer {
            if let Some((value, step)) = extensions.finished(bucket.host, &bucket.labels) {
                best = Some((steps.walk(step, extensions.within.instance.last()), value));
                extensions.within.limits = extensions.goal.below(extensions.within.limits, value);
            }
        }
        let enough = best.is_some() && extensions.goal == Goal::Stages;
        if enough || stages == extensions.within.instance.most_stages {
            break;
        }
        let mut next: Vec<BeamBucket> = Vec::new();
        let mut at: FxHashMap<Key, usize> = FxHashMap::default();
        let mut ended = Ended::new(extensions.within.instance);
        let mut arrived = Vec::new();
        for bucket in &layer {
            if stop() {
                return best;
            }
            extensions.end_stages(bucket.host, &bucket.labels, &mut ended);
            let is_next = |&to: &Host| {
                !contains(&bucket.visited, to) && extensions.is_next(to, |before| contains(&bucket.visited, before))
            };
            for to in extensions.within.instance.hosts.indices().filter(is_next) {
                let stages_left = extensions.within.instance.most_stages - stages;
                let starts = extensions.starts_on(bucket.host, to, &ended, stages_left);
                arrived.clear();
                extensions.hop((bucket.host, to), stages_left, &ended, &starts, &mut arrived);
                if arrived.is_empty() {
                    continue;
                }
                let visited = with(&bucket.visited, to);
                let at = *at.entry((to, visited.clone())).or_insert(next.len());
                if at == next.len() {
                    let openness = bucket.openness + openness[to];
                    next.push(BeamBucket { host: to, visited, openness, labels: Vec::new() });
                }
                merge(&mut next[at].labels, &arrived);
            }
        }
        if !capacity.is_ample() {
            let (mut judged, mut stopped) = (0, false);
            next.retain_mut(|bucket| {
                judged += 1;
                stopped |= judged % BUCKETS_PER_STOP == 0 && stop();
                !stopped && bucket.keep_admitted(extensions, capacity, stages)
            });
            if stopped {
                return best;
            }
        }
        layer = most_promising(extensions, next, width);
        for bucket in &mut layer {
            for label in &mut bucket.labels {
                label.step = steps.add(label.step, bucket.host, label.position);
            }
        }
        if layer.is_empty() {
            break;
        }
    }
    best
}

fn first_buckets<const W: usize>(
    extensions: &Extensions<'_, W>,
    openness: &IndexVec<Host, u64>,
    steps: &mut Steps,
) -> Vec<BeamBucket> {
    let nobody = vec![0; extensions.within.instance.hosts.len().div_ceil(64)];
    let mut first = Vec::new();
    for host in extensions.tables.first_hosts().filter(|&host| extensions.is_next(host, |_| false)) {
        if let Some(resources) = extensions.begun(host) {
            let label =
                Label { position: Position::FIRST, step: steps.add(BEGINNING, host, Position::FIRST), resources };
            let visited = with(&nobody, host);
            first.push(BeamBucket { host, visited, openness: openness[host], labels: vec![label] });
        }
    }
    first
}

fn contains(visited: &[u64], host: Host) -> bool {
    visited[host.number() / 64] >> (host.number() % 64) & 1 == 1
}

fn with(visited: &[u64], host: Host) -> Vec<u64> {
    let mut with = visited.to_vec();
    with[host.number() / 64] |= 1 << (host.number() % 64);
    with
}

/// Keeps the buckets of smallest rank: half of them by one tie-break, the rest by the other.
fn most_promising<const W: usize>(
    extensions: &Extensions<'_, W>,
    buckets: Vec<BeamBucket>,
    width: usize,
) -> Vec<BeamBucket> {
    if buckets.len() <= width {
        return buckets;
    }
    let mut ranked: Vec<([f64; 3], BeamBucket)> =
        buckets.into_iter().map(|bucket| (rank(extensions, &bucket), bucket)).collect();
    let by = |second: usize, third: usize| {
        move |(a, _): &([f64; 3], BeamBucket), (b, _): &([f64; 3], BeamBucket)| {
            a[0].total_cmp(&b[0]).then(a[second].total_cmp(&b[second])).then(a[third].total_cmp(&b[third]))
        }
    };
    ranked.sort_by(by(1, 2));
    ranked[width / 2..].sort_by(by(2, 1));
    ranked.truncate(width);
    ranked.into_iter().map(|(_, bucket)| bucket).collect()
}

/// Returns the rank of a bucket and two tie-breaks. Smaller is better. For [`Goal::Stages`] the
/// tie-breaks are the furthest start and the openness of the visited hosts.
fn rank<const W: usize>(extensions: &Extensions<'_, W>, bucket: &BeamBucket) -> [f64; 3] {
    let used = bucket.openness as f64;
    match extensions.goal {
        Goal::Latency | Goal::Bytes | Goal::Occupation => {
            let least = |label: &Label| extensions.least_value(bucket.host, label);
            [bucket.labels.iter().map(least).fold(f64::INFINITY, f64::min), 0.0, used]
        }
        Goal::Stages => {
            let mut starts = Bits::<W>::EMPTY;
            bucket.labels.iter().for_each(|label| starts.insert(label.position));
            let fewest = extensions.fewest_stages(bucket.host, &bucket.labels, &starts).unwrap_or(usize::MAX);
            [fewest as f64, -(starts.last().unwrap_or(Position::FIRST).number() as f64), used]
        }
    }
}

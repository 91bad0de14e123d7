//! Label search within limits: all walks that the ng-neighbourhoods allow, in layers with one more
//! stage each.
//!
//! A bucket holds the labels of one host and one memory, for each start those that no other
//! dominates. A label is dropped if another on the same host and start has a memory that is a
//! subset, no more stages and no larger resources. It is also dropped if a completion bound shows
//! that the limits cannot be kept. What is left at the end includes every walk that could be the
//! best.
//!
//! Sources: those of `neighbourhood`, and Desrochers and Soumis (1988) for resource-constrained
//! labels. The effort is exponential in the sizes of the neighbourhoods, and bounded by the labels
//! allowed.

use rustc_hash::FxHashMap;

use super::capacity::ResourceCapacity;
use super::extensions::{Ended, Extensions};
use super::label::{Label, drop_dominated, merge};
use super::limits::Goal;
use super::steps::{BEGINNING, Steps};
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::index::{Host, Position};
use crate::stopped::Stopped;

/// Bytes that a label takes, with its step and its part of a bucket.
pub const BYTES_PER_LABEL: usize = 104;

/// Comparisons of buckets between two calls of the stop hook.
const COMPARISONS_PER_STOP: usize = 100_000;

/// Buckets tested against the capacity bounds between two calls of the stop hook.
const BUCKETS_PER_STOP: usize = 1_000;

/// The most walks with cycles that a search returns.
const MOST_WALKS: usize = 16;

/// Why a label search ended before all labels were extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It needs more labels than allowed.
    TooManyLabels,
    /// It was told to stop.
    Stopped,
}

impl From<Stopped> for Unfinished {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// The finished walks that a label search found.
#[derive(Debug, Default)]
pub struct Walks {
    /// The best walk that visits no host twice, with its value of the goal.
    pub placement: Option<(f64, Assignment)>,
    /// Walks that visit a host twice and have smaller values than `placement`, with these values,
    /// best first. At most [`MOST_WALKS`].
    pub cyclic: Vec<(f64, Assignment)>,
}

/// The labels of one host and one memory.
struct Bucket<const W: usize> {
    host: Host,
    memory: u64,
    starts: Bits<W>,
    labels: Vec<Label>,
}

/// The state of a label search.
pub struct LabelSearch<'s, const W: usize> {
    extensions: Extensions<'s, W>,
    capacity: &'s ResourceCapacity,
    neighbourhoods: &'s Neighbourhoods,
    most_labels: usize,
    stop: &'s dyn Fn() -> bool,
    buckets: Vec<Bucket<W>>,
    /// For each host that is different from all before, the indices of its buckets and of those of
    /// hosts that it can be exchanged for.
    seen: Vec<Vec<usize>>,
    steps: Steps,
    found: Walks,
}

impl<'s, const W: usize> LabelSearch<'s, W> {
    /// Searches with at most `most_labels` labels in all, and adds the number of labels that it
    /// keeps to `used_labels`. Returns [`Unfinished`] if these do not suffice or the search is told
    /// to stop.
    pub fn run(
        extensions: Extensions<'s, W>,
        capacity: &'s ResourceCapacity,
        neighbourhoods: &'s Neighbourhoods,
        most_labels: usize,
        used_labels: &mut usize,
        stop: &'s dyn Fn() -> bool,
    ) -> Result<Walks, Unfinished> {
        let seen = vec![Vec::new(); extensions.within.instance.hosts.len()];
        let (buckets, steps) = (Vec::new(), Steps::default());
        let found = Walks::default();
        let mut search = Self { extensions, capacity, neighbourhoods, most_labels, stop, buckets, seen, steps, found };
        search.layers(used_labels)?;
        Ok(search.found)
    }

    fn layers(&mut self, used_labels: &mut usize) -> Result<(), Unfinished> {
        let most_stages = self.extensions.within.instance.most_stages;
        let mut first = Candidates::default();
        let is_next = |host: &Host| self.extensions.is_next(*host, |_| false);
        for host in self.extensions.tables.first_hosts().filter(is_next) {
            if let Some(begun) = self.extensions.begun(host) {
                first.add(host, 0, &[Label { position: Position::FIRST, step: BEGINNING, resources: begun }]);
            }
        }
        let mut layer = self.keep_undominated(first, 0, used_labels)?;
        for stages in 1.. {
            self.finish(layer.clone());
            let found = self.found.placement.is_some() || !self.found.cyclic.is_empty();
            let enough = found && self.extensions.goal == Goal::Stages;
            if layer.is_empty() || stages == most_stages || enough {
                break;
            }
            let next = self.extend(layer, most_stages - stages, *used_labels)?;
            layer = self.keep_undominated(next, stages, used_labels)?;
        }
        self.found.cyclic.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.found.cyclic.truncate(MOST_WALKS);
        Ok(())
    }

    /// Records the best finished walk of each bucket of a layer.
    fn finish(&mut self, layer: std::ops::Range<usize>) {
        for at in layer {
            let bucket = &self.buckets[at];
            let Some((value, step)) = self.extensions.finished(bucket.host, &bucket.labels) else { continue };
            let walk = self.steps.walk(step, self.extensions.within.instance.last());
            if walk.has_cycle() {
                self.found.cyclic.push((value, walk));
                continue;
            }
            if self.found.placement.as_ref().is_none_or(|(least, _)| value < *least) {
                self.found.placement = Some((value, walk));
            }
            self.extensions.within.limits = self.extensions.goal.below(self.extensions.within.limits, value);
        }
        if let Some((least, _)) = self.found.placement {
            self.found.cyclic.retain(|&(value, _)| value < least);
        }
    }

    /// Returns the candidates for the buckets of the next layer.
    fn extend(
        &mut self,
        layer: std::ops::Range<usize>,
        stages_left: usize,
        used_labels: usize,
    ) -> Result<Candidates<W>, Unfinished> {
        let mut next = Candidates::default();
        let mut ended = Ended::new(self.extensions.within.instance);
        let mut arrived = Vec::new();
        for bucket in &self.buckets[layer] {
            if (self.stop)() {
                return Err(Unfinished::Stopped);
            }
            if used_labels + next.labels > self.most_labels {
                return Err(Unfinished::TooManyLabels);
            }
            let from = bucket.host;
            self.extensions.end_stages(from, &bucket.labels, &mut ended);
            for to in self.extensions.within.instance.hosts.indices().filter(|&to| to != from) {
                let starts = self.extensions.starts_on(from, to, &ended, stages_left);
                if starts.is_empty() || self.neighbourhoods.remembers(from, bucket.memory, to) {
                    continue;
                }
                let is_used = |node| node == from || self.neighbourhoods.remembers(from, bucket.memory, node);
                if !self.extensions.is_next(to, is_used) {
                    continue;
                }
                arrived.clear();
                self.extensions.hop((from, to), stages_left, &ended, &starts, &mut arrived);
                if !arrived.is_empty() {
                    next.add(to, self.neighbourhoods.moved(from, bucket.memory, to), &arrived);
                }
            }
        }
        Ok(next)
    }

    /// Drops the labels that others dominate or that the capacity bounds exclude, and keeps the
    /// rest as a layer. `used` is the number of hosts visited before the buckets' own.
    fn keep_undominated(
        &mut self,
        candidates: Candidates<W>,
        used: usize,
        used_labels: &mut usize,
    ) -> Result<std::ops::Range<usize>, Unfinished> {
        let first = self.buckets.len();
        let mut candidates = candidates.buckets;
        if !self.capacity.is_ample() {
            for (done, bucket) in candidates.iter_mut().enumerate() {
                if done % BUCKETS_PER_STOP == 0 && (self.stop)() {
                    return Err(Unfinished::Stopped);
                }
                self.cut(bucket, used);
            }
        }
        candidates.sort_by_key(|bucket| (bucket.memory.count_ones(), bucket.host, bucket.memory));
        let mut compared = 0;
        for mut bucket in candidates {
            let host = bucket.host;
            let kind = self.extensions.kind_of(host);
            let step = |label: &mut Label, steps: &mut Steps| {
                label.step = steps.add(label.step, host, label.position);
            };
            for &other in &self.seen[kind] {
                let other = &self.buckets[other];
                if other.memory & !bucket.memory == 0 && other.starts.meets(&bucket.starts) {
                    drop_dominated(&mut bucket.labels, &other.labels);
                    bucket.starts = starts_of(&bucket.labels);
                    compared += bucket.labels.len();
                }
                compared += 1;
                if bucket.labels.is_empty() {
                    break;
                }
            }
            if compared > COMPARISONS_PER_STOP {
                compared = 0;
                if (self.stop)() {
                    return Err(Unfinished::Stopped);
                }
            }
            if !bucket.labels.is_empty() {
                *used_labels += bucket.labels.len();
                bucket.labels.iter_mut().for_each(|label| step(label, &mut self.steps));
                self.seen[kind].push(self.buckets.len());
                self.buckets.push(bucket);
            }
        }
        if *used_labels > self.most_labels {
            return Err(Unfinished::TooManyLabels);
        }
        Ok(first..self.buckets.len())
    }

    /// Drops the labels whose start the capacity bounds exclude. In a placement all `used` hosts
    /// are different, so each of them has spent a stage even if the bucket does not remember it.
    fn cut(&self, bucket: &mut Bucket<W>, used: usize) {
        let instance = self.extensions.within.instance;
        let host = bucket.host;
        let visited = self.neighbourhoods.remembered(host, bucket.memory);
        let admitted = self.capacity.admitted(instance, host, visited, instance.most_stages - used - 1, bucket.starts);
        if admitted != bucket.starts {
            bucket.starts = admitted;
            bucket.labels.retain(|label| admitted.contains(label.position));
        }
    }
}

/// Buckets of the next layer, merged by host and memory, in the order of their creation.
struct Candidates<const W: usize> {
    buckets: Vec<Bucket<W>>,
    at: FxHashMap<(Host, u64), usize>,
    labels: usize,
}

impl<const W: usize> Default for Candidates<W> {
    fn default() -> Self {
        Self { buckets: Vec::new(), at: FxHashMap::default(), labels: 0 }
    }
}

impl<const W: usize> Candidates<W> {
    fn add(&mut self, host: Host, memory: u64, labels: &[Label]) {
        let at = *self.at.entry((host, memory)).or_insert(self.buckets.len());
        if at == self.buckets.len() {
            self.buckets.push(Bucket { host, memory, starts: Bits::EMPTY, labels: Vec::new() });
        }
        let bucket = &mut self.buckets[at];
        let before = bucket.labels.len();
        merge(&mut bucket.labels, labels);
        self.labels = self.labels + bucket.labels.len() - before;
        bucket.starts = bucket.starts.or(&starts_of(labels));
    }
}

fn starts_of<const W: usize>(labels: &[Label]) -> Bits<W> {
    let mut starts = Bits::EMPTY;
    for label in labels {
        starts.insert(label.position);
    }
    starts
}

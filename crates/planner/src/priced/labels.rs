//! The label search within limits: every walk that ng-neighbourhoods allow, layer by layer, one more stage each.
//!
//! A label stands for the partial walks on one host with one memory; for each start it has the undominated sums. An
//! entry goes where another on the same host and start was there before with a memory that is a subset, no more stages
//! and no larger sums; and where a completion bound says that the limits cannot be kept. What is left at the end is
//! every walk that could be the best. Sources as in the file on neighbourhoods; resource-constrained labels after
//! Desrochers and Soumis 1988. Exponential in the sizes of the neighbourhoods; bounded by the entries allowed.

use rustc_hash::FxHashMap;

use super::cover::Cover;
use super::entry::{Entry, drop_dominated, merge};
use super::limits::Goal;
use super::steps::{BEGINNING, Steps, has_cycle};
use super::ways::{Ended, Ways};
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::stopped::Stopped;

/// Bytes of an entry, with its step and its part of a label.
pub const BYTES_PER_ENTRY: usize = 104;

/// Comparisons of labels between two looks at the stop hook.
const COMPARISONS_PER_STOP: usize = 100_000;

/// Labels judged by their capacity between two looks at the stop hook.
const LABELS_PER_STOP: usize = 1_000;

/// The most walks with cycles that a search returns to learn from.
const MOST_WALKS: usize = 16;

/// Why a label search ended before it had gone through everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It needs more entries than allowed.
    TooManyEntries,
    /// It was told to stop.
    Stopped,
}

impl From<Stopped> for Unfinished {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// What lies within the limits.
#[derive(Debug, Default)]
pub struct Walks {
    /// The best walk that visits no host twice, with its value.
    pub placement: Option<(f64, Assignment)>,
    /// Better walks that do, best first, some of them with their values.
    pub cyclic: Vec<(f64, Assignment)>,
}

struct Label<const W: usize> {
    host: u32,
    memory: u64,
    starts: Bits<W>,
    entries: Vec<Entry>,
}

/// One search.
pub struct Search<'s, const W: usize> {
    ways: Ways<'s, W>,
    cover: &'s Cover,
    neighbourhoods: &'s Neighbourhoods,
    most_entries: usize,
    stop: &'s dyn Fn() -> bool,
    labels: Vec<Label<W>>,
    /// For each host its labels.
    seen: Vec<Vec<usize>>,
    steps: Steps,
    found: Walks,
}

impl<'s, const W: usize> Search<'s, W> {
    /// Searches with at most `most_entries` entries in all; `spent` counts them up.
    pub fn run(
        ways: Ways<'s, W>,
        cover: &'s Cover,
        neighbourhoods: &'s Neighbourhoods,
        most_entries: usize,
        spent: &mut usize,
        stop: &'s dyn Fn() -> bool,
    ) -> Result<Walks, Unfinished> {
        let seen = vec![Vec::new(); ways.instance.hosts.len()];
        let (labels, steps) = (Vec::new(), Steps::default());
        let found = Walks::default();
        let mut search = Self { ways, cover, neighbourhoods, most_entries, stop, labels, seen, steps, found };
        search.layers(spent)?;
        Ok(search.found)
    }

    fn layers(&mut self, spent: &mut usize) -> Result<(), Unfinished> {
        let most_stages = self.ways.instance.most_stages;
        let mut first = Candidates::default();
        for host in self.ways.tables.first_hosts() {
            if let Some(begun) = self.ways.begun(host) {
                first.add(host, 0, &[Entry { position: 0, step: BEGINNING, spent: begun }]);
            }
        }
        let mut layer = self.settle(first, 0, spent)?;
        for stages in 1.. {
            self.finish(layer.clone());
            let found = self.found.placement.is_some() || !self.found.cyclic.is_empty();
            let enough = found && self.ways.goal == Goal::Stages;
            if layer.is_empty() || stages == most_stages || enough {
                break;
            }
            let next = self.extend(layer, most_stages - stages, *spent)?;
            layer = self.settle(next, stages, spent)?;
        }
        self.found.cyclic.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.found.cyclic.truncate(MOST_WALKS);
        Ok(())
    }

    /// Notes the walks of a layer that end.
    fn finish(&mut self, layer: std::ops::Range<usize>) {
        for at in layer {
            let label = &self.labels[at];
            let Some((value, step)) = self.ways.finished(label.host as usize, &label.entries) else { continue };
            let walk = self.steps.walk(step, self.ways.instance.blocks());
            if has_cycle(&walk) {
                self.found.cyclic.push((value, walk));
                continue;
            }
            if self.found.placement.as_ref().is_none_or(|(least, _)| value < *least) {
                self.found.placement = Some((value, walk));
            }
            self.ways.limits = self.ways.goal.below(self.ways.limits, value);
        }
        if let Some((least, _)) = self.found.placement {
            self.found.cyclic.retain(|&(value, _)| value < least);
        }
    }

    /// The next layer's labels.
    fn extend(
        &mut self,
        layer: std::ops::Range<usize>,
        stages_left: usize,
        spent: usize,
    ) -> Result<Candidates<W>, Unfinished> {
        let hosts = self.ways.instance.hosts.len();
        let mut next = Candidates::default();
        let mut ended = Ended::new(self.ways.instance.blocks());
        let mut arrived = Vec::new();
        for label in &self.labels[layer] {
            if (self.stop)() {
                return Err(Unfinished::Stopped);
            }
            if spent + next.entries > self.most_entries {
                return Err(Unfinished::TooManyEntries);
            }
            let from = label.host as usize;
            self.ways.end_stages(from, &label.entries, &mut ended);
            for to in (0..hosts).filter(|&to| to != from) {
                let starts = self.ways.starts_on(from, to, &ended, stages_left);
                if starts.is_empty() || self.neighbourhoods.remembers(from, label.memory, to) {
                    continue;
                }
                arrived.clear();
                self.ways.hop((from, to), stages_left, &ended, &starts, &mut arrived);
                if !arrived.is_empty() {
                    next.add(to, self.neighbourhoods.moved(from, label.memory, to), &arrived);
                }
            }
        }
        Ok(next)
    }

    /// Drops what others dominate or what the hosts that are left cannot cover, and keeps the rest as a layer. `used`
    /// hosts were visited before the labels' own.
    fn settle(
        &mut self,
        candidates: Candidates<W>,
        used: usize,
        spent: &mut usize,
    ) -> Result<std::ops::Range<usize>, Unfinished> {
        let first = self.labels.len();
        let mut candidates = candidates.labels;
        if !self.cover.is_irrelevant() {
            for (done, label) in candidates.iter_mut().enumerate() {
                if done % LABELS_PER_STOP == 0 && (self.stop)() {
                    return Err(Unfinished::Stopped);
                }
                self.cut(label, used);
            }
        }
        candidates.sort_by_key(|label| (label.memory.count_ones(), label.host, label.memory));
        let mut compared = 0;
        for mut label in candidates {
            let host = label.host as usize;
            let step = |entry: &mut Entry, steps: &mut Steps| {
                entry.step = steps.add(entry.step, host, entry.position);
            };
            for &other in &self.seen[host] {
                let other = &self.labels[other];
                if other.memory & !label.memory == 0 && other.starts.meets(&label.starts) {
                    drop_dominated(&mut label.entries, &other.entries);
                    label.starts = starts_of(&label.entries);
                    compared += label.entries.len();
                }
                compared += 1;
                if label.entries.is_empty() {
                    break;
                }
            }
            if compared > COMPARISONS_PER_STOP {
                compared = 0;
                if (self.stop)() {
                    return Err(Unfinished::Stopped);
                }
            }
            if !label.entries.is_empty() {
                *spent += label.entries.len();
                label.entries.iter_mut().for_each(|entry| step(entry, &mut self.steps));
                self.seen[host].push(self.labels.len());
                self.labels.push(label);
            }
        }
        if *spent > self.most_entries {
            return Err(Unfinished::TooManyEntries);
        }
        Ok(first..self.labels.len())
    }

    /// Takes away the starts from which the hosts that a label does not remember cannot cover the rest; all that were
    /// visited are different in a placement, whether remembered or not.
    fn cut(&self, label: &mut Label<W>, used: usize) {
        let instance = self.ways.instance;
        let host = label.host as usize;
        let visited = self.neighbourhoods.remembered(host, label.memory);
        let admitted = self.cover.admitted(instance, host, visited, instance.most_stages - used - 1, label.starts);
        if admitted != label.starts {
            label.starts = admitted;
            label.entries.retain(|entry| admitted.contains(entry.position as usize));
        }
    }
}

/// Labels of the next layer, merged by host and memory, in the order in which they came up.
struct Candidates<const W: usize> {
    labels: Vec<Label<W>>,
    at: FxHashMap<(u32, u64), usize>,
    entries: usize,
}

impl<const W: usize> Default for Candidates<W> {
    fn default() -> Self {
        Self { labels: Vec::new(), at: FxHashMap::default(), entries: 0 }
    }
}

impl<const W: usize> Candidates<W> {
    fn add(&mut self, host: usize, memory: u64, entries: &[Entry]) {
        let at = *self.at.entry((host as u32, memory)).or_insert(self.labels.len());
        if at == self.labels.len() {
            self.labels.push(Label { host: host as u32, memory, starts: Bits::EMPTY, entries: Vec::new() });
        }
        let label = &mut self.labels[at];
        let before = label.entries.len();
        merge(&mut label.entries, entries);
        self.entries = self.entries + label.entries.len() - before;
        label.starts = label.starts.or(&starts_of(entries));
    }
}

fn starts_of<const W: usize>(entries: &[Entry]) -> Bits<W> {
    let mut starts = Bits::EMPTY;
    for entry in entries {
        starts.insert(entry.position as usize);
    }
    starts
}

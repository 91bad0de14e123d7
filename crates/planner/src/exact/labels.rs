//! The label search at a period: all walks that the ng-neighbourhoods allow, with one set of starts
//! for each memory.
//!
//! A label stands for all partial walks that end on one host with one memory. It holds the
//! positions at which the host's stage may start. Each layer has one more stage. Dominance removes
//! from a label the starts that another label on the same host had before with a subset of its
//! memory, because that label forbids less and used no more stages. If no label reaches the end, no
//! placement exists within the period. The sources are those of `neighbourhood`; the sets of
//! positions as bits are our own.

use rustc_hash::FxHashMap;

use super::at_period::AtPeriod;
use super::capacity::Capacity;
use super::neighbourhood::Neighbourhoods;
use super::weighted_capacity::Remaining;
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::index::{Host, IndexVec, Position};
use crate::stopped::Stopped;

/// The result of a label search.
#[derive(Debug)]
pub enum LabelOutcome {
    /// There is no walk, so no placement within the period exists.
    NoWalk,
    /// Some walks to the end, at most one for each last host. They may use hosts again.
    Walks(Vec<Assignment>),
    /// More labels are needed than allowed.
    TooManyLabels,
}

/// The most comparisons of labels between two calls of the stop hook.
const COMPARISONS_PER_STOP: usize = 1_000_000;

/// A search returns one walk for this many hosts, from 1 to 64 walks. Large clusters have many
/// cycles, which are far apart. On small clusters each further memory makes the next search harder.
const HOSTS_PER_WALK: usize = 32;

#[derive(Debug, Clone, Copy)]
struct BitsetLabel<const W: usize> {
    host: Host,
    memory: u64,
    starts: Bits<W>,
}

/// Returns the bytes of one label: itself, and its share of the table of seen starts.
pub fn bytes_per_label<const W: usize>() -> usize {
    size_of::<BitsetLabel<W>>() + size_of::<(u64, Bits<W>)>()
}

/// Searches with at most `most_labels` labels, and adds the labels used to `spent`.
pub fn search<const W: usize>(
    tables: &AtPeriod<'_, W>,
    capacity: Option<&Capacity<W>>,
    neighbourhoods: &Neighbourhoods,
    most_labels: usize,
    spent: &mut usize,
    stop: &dyn Fn() -> bool,
) -> Result<LabelOutcome, Stopped> {
    let hosts = tables.instance.hosts.len();
    let most_stages = tables.instance.most_stages;
    let beginning = Bits::single(Position::FIRST);
    let first = tables.first_hosts().map(|host| BitsetLabel { host, memory: 0, starts: beginning });
    let mut layers: Vec<Vec<BitsetLabel<W>>> = vec![first.collect()];
    let mut seen: IndexVec<Host, Vec<(u64, Bits<W>)>> = tables.instance.by_host(Vec::new());
    loop {
        let stages = layers.len();
        let layer = &layers[stages - 1];
        let finishes = |label: &&BitsetLabel<W>| tables.finishing(label.host, 1).meets(&label.starts);
        let mut last: Vec<&BitsetLabel<W>> = layer.iter().filter(finishes).collect();
        if !last.is_empty() {
            // Labels are in the order of their memories. The first label on a host remembers the
            // least, so most can be learned from its walk.
            last.sort_by_key(|label| label.host);
            last.dedup_by_key(|label| label.host);
            let step = last.len().div_ceil((hosts / HOSTS_PER_WALK).clamp(1, 64));
            let last = last.into_iter().step_by(step);
            let walks = last.filter_map(|last| walk_to(tables, neighbourhoods, &layers, last));
            return Ok(LabelOutcome::Walks(walks.collect()));
        }
        if layer.is_empty() || stages == most_stages {
            return Ok(LabelOutcome::NoWalk);
        }
        let mut next = Candidates::default();
        for (done, label) in layer.iter().enumerate() {
            if done % 16 == 0 && stop() {
                return Err(Stopped);
            }
            extend(tables, neighbourhoods, label, most_stages - stages, &mut next);
            if *spent + next.labels.len() > most_labels {
                return Ok(LabelOutcome::TooManyLabels);
            }
        }
        if let Some(capacity) = capacity {
            next.cut_by(capacity, tables, neighbourhoods, stages);
        }
        let undominated = next.undominated(&mut seen, stop)?;
        *spent += undominated.len();
        layers.push(undominated);
    }
}

/// The labels of the next layer, merged by host and memory, in the order in which they were found.
#[derive(Default)]
struct Candidates<const W: usize> {
    labels: Vec<BitsetLabel<W>>,
    at: FxHashMap<(Host, u64), usize>,
}

impl<const W: usize> Candidates<W> {
    fn add(&mut self, host: Host, memory: u64, starts: Bits<W>) {
        let at = *self.at.entry((host, memory)).or_insert(self.labels.len());
        match self.labels.get_mut(at) {
            Some(label) => label.starts = label.starts.or(&starts),
            None => self.labels.push(BitsetLabel { host, memory, starts }),
        }
    }

    /// Removes the starts from which the hosts that a label does not remember cannot cover the rest
    /// of the model. `used` is the number of hosts before the label's own. In a placement all these
    /// are different, even if they are not remembered.
    fn cut_by(
        &mut self,
        capacity: &Capacity<W>,
        tables: &AtPeriod<'_, W>,
        neighbourhoods: &Neighbourhoods,
        used: usize,
    ) {
        let instance = tables.instance;
        let mut remaining = Remaining::all(instance);
        remaining.stages = instance.most_stages - used - 1;
        for label in &mut self.labels {
            let host = label.host;
            let group = instance.group_of[host];
            remaining.by_group[group] -= 1;
            for node in neighbourhoods.remembered(host, label.memory).filter(|&node| node != host) {
                remaining.by_group[instance.group_of[node]] -= 1;
            }
            label.starts = capacity.admitted(group, label.starts, &remaining);
            for node in neighbourhoods.remembered(host, label.memory).filter(|&node| node != host) {
                remaining.by_group[instance.group_of[node]] += 1;
            }
            remaining.by_group[group] += 1;
        }
        self.labels.retain(|label| !label.starts.is_empty());
    }

    /// Returns the labels without the starts that were seen with a subset of their memory. Smaller
    /// memories come first.
    fn undominated(
        mut self,
        seen: &mut IndexVec<Host, Vec<(u64, Bits<W>)>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<BitsetLabel<W>>, Stopped> {
        self.labels.sort_by_key(|label| (label.memory.count_ones(), label.host, label.memory));
        let (mut compared, mut stopped) = (0, false);
        self.labels.retain_mut(|label| {
            let seen = &mut seen[label.host];
            compared += seen.len();
            if stopped || compared > COMPARISONS_PER_STOP {
                compared = 0;
                stopped = stopped || stop();
            }
            if stopped {
                return false;
            }
            let mut same = None;
            for (index, (memory, starts)) in seen.iter().enumerate() {
                if memory & !label.memory == 0 {
                    label.starts = label.starts.minus(starts);
                    if label.starts.is_empty() {
                        return false;
                    }
                    if *memory == label.memory {
                        same = Some(index);
                    }
                }
            }
            match same {
                Some(index) => seen[index].1 = seen[index].1.or(&label.starts),
                None => seen.push((label.memory, label.starts)),
            }
            true
        });
        if stopped { Err(Stopped) } else { Ok(self.labels) }
    }
}

fn extend<const W: usize>(
    tables: &AtPeriod<'_, W>,
    neighbourhoods: &Neighbourhoods,
    label: &BitsetLabel<W>,
    stages_left: usize,
    next: &mut Candidates<W>,
) {
    let from = label.host;
    let ends = tables.ends(from, &label.starts);
    for to in tables.instance.hosts.indices() {
        if to == from {
            continue;
        }
        let starts = ends.and(tables.carried(from, to)).and(&tables.finishing(to, stages_left));
        if !starts.is_empty() && !neighbourhoods.remembers(from, label.memory, to) {
            next.add(to, neighbourhoods.moved(from, label.memory, to), starts);
        }
    }
}

/// Reads the walk back from a label of the last layer. Each step takes the first label and start
/// that lead to the current one. `None` would mean that a label has no origin.
fn walk_to<const W: usize>(
    tables: &AtPeriod<'_, W>,
    neighbourhoods: &Neighbourhoods,
    layers: &[Vec<BitsetLabel<W>>],
    last: &BitsetLabel<W>,
) -> Option<Assignment> {
    let mut stages = vec![(tables.instance.last(), last.host)];
    let finishing = tables.finishing(last.host, 1);
    let (mut host, mut memory) = (last.host, last.memory);
    let mut start = last.starts.and(&finishing).last()?;
    for layer in layers[..layers.len() - 1].iter().rev() {
        let (label, before) = layer.iter().find_map(|label| {
            let from = label.host;
            let leads_here = from != host
                && tables.carried(from, host).contains(start)
                && !neighbourhoods.remembers(from, label.memory, host)
                && neighbourhoods.moved(from, label.memory, host) == memory;
            let ends_here = |&before: &Position| tables.ends(from, &Bits::single(before)).contains(start);
            leads_here.then(|| label.starts.iter().find(ends_here)).flatten().map(|before| (label, before))
        })?;
        stages.push((start, label.host));
        (host, memory, start) = (label.host, label.memory, before);
    }
    stages.reverse();
    (start == Position::FIRST).then_some(Assignment { stages })
}

//! Extension of labels within limits: by a first host, a stage, a hop, and the last stage with the
//! output.

use super::label::{Label, insert};
use super::limits::Goal;
use super::resources::{Hop, Resource, Resources, Stage, Start, Within};
use crate::bits::Bits;
use crate::exact::at_period::AtPeriod;
use crate::exact::kinds::InTurn;
use crate::index::{Host, Index, IndexVec, Position};
use crate::instance::Instance;

/// The extensions of labels that are possible within limits.
pub struct Extensions<'t, const W: usize> {
    /// The tables of the walk relaxation with full overlap, which is a relaxation for overlap
    /// `none` too.
    pub tables: &'t AtPeriod<'t, W>,
    /// The limits on the extensions. The tables are of the same period.
    pub within: Within<'t>,
    /// The order in which hosts that can be exchanged are used. Labels then remember all hosts.
    pub in_turn: Option<&'t InTurn>,
    /// The value to be minimised.
    pub goal: Goal,
}

/// The undominated labels at the ends of one host's stage, by end.
pub struct Ended<const W: usize> {
    by_end: IndexVec<Position, Vec<Label>>,
    ends: Bits<W>,
}

impl<const W: usize> Ended<W> {
    /// Returns empty lists for an instance.
    pub fn new(instance: &Instance) -> Self {
        Self { by_end: instance.by_position(Vec::new()), ends: Bits::EMPTY }
    }

    fn clear(&mut self) {
        for end in self.ends.iter() {
            self.by_end[end].clear();
        }
        self.ends = Bits::EMPTY;
    }
}

impl<const W: usize> Extensions<'_, W> {
    /// Returns the resources consumed when the input has reached the first host, or `None` if
    /// completion bounds prove that no walk from there keeps to the limits.
    pub fn begun(&self, host: Host) -> Option<Resources> {
        let resources = Resources::begin(&self.within, host);
        let stages_left = self.within.instance.most_stages;
        resources
            .admits(&self.within, &Start { host, position: Position::FIRST, before: host, stages_left })
            .then_some(resources)
    }

    /// Returns `true` if a walk may go on to a host: those that it can be exchanged for and that come
    /// before it are used.
    #[inline]
    pub fn is_next(&self, host: Host, is_used: impl FnOnce(Host) -> bool) -> bool {
        self.in_turn.is_none_or(|in_turn| in_turn.is_next(host, is_used))
    }

    /// Returns the number of a host among those that are different.
    #[inline]
    pub fn kind_of(&self, host: Host) -> usize {
        self.in_turn.map_or(host.number(), |in_turn| in_turn.kind_of[host])
    }

    /// Extends the labels of a host by its stage, to each possible end. Replaces the contents of
    /// `ended`.
    pub fn end_stages(&self, host: Host, labels: &[Label], ended: &mut Ended<W>) {
        ended.clear();
        let instance = self.within.instance;
        let group = instance.group_of[host];
        let is_sorted = instance.is_chain() && instance.compute_is_sorted(group);
        for label in labels {
            let start = label.position;
            for end in self.tables.ends(host, &Bits::single(start)).iter() {
                let stage = Stage { host, start, end, compute_s: instance.compute_s(group, start, end) };
                let mut resources = label.resources;
                if !resources.stage(&self.within, &stage) {
                    if is_sorted {
                        // On a chain, a stage to a later end breaks the limit too.
                        break;
                    }
                    continue;
                }
                ended.ends.insert(end);
                insert(&mut ended.by_end[end], 0, Label { position: end, step: label.step, resources });
            }
        }
    }

    /// Returns the starts on another host that the ended stages can reach, and from which
    /// `stages_left` stages, that host's own included, can reach the end.
    #[inline]
    pub fn starts_on(&self, from: Host, to: Host, ended: &Ended<W>, stages_left: usize) -> Bits<W> {
        ended.ends.and(self.tables.carried(from, to)).and(&self.tables.finishing(to, stages_left))
    }

    /// Extends ended stages by a hop to another host. Appends the labels to `arrived`, sorted by
    /// position.
    pub fn hop(
        &self,
        (from, to): (Host, Host),
        stages_left: usize,
        ended: &Ended<W>,
        starts: &Bits<W>,
        arrived: &mut Vec<Label>,
    ) {
        let instance = self.within.instance;
        let link = instance.link(from, to);
        for position in starts.iter() {
            let hop = Hop { from, to, position, seconds: link.transfer_s(instance.load_bits[position]) };
            let start = Start { host: to, position, before: from, stages_left };
            let first = arrived.len();
            for label in &ended.by_end[position] {
                let mut resources = label.resources;
                if resources.hop(&self.within, &hop) && resources.admits(&self.within, &start) {
                    insert(arrived, first, Label { resources, ..*label });
                }
            }
        }
    }

    /// Returns the fewest stages with which one of the labels of a host reaches the end, the host's
    /// own included. Returns `None` if no label does.
    pub fn fewest_stages(&self, host: Host, labels: &[Label], starts: &Bits<W>) -> Option<usize> {
        match self.within.loads.filter(|loads| loads.counts_stages()) {
            None => self.tables.fewest_stages(host, starts),
            Some(loads) => {
                let of = |label: &Label| loads.fewest_stages(host, label.position, host, label.resources.load.load_s);
                labels.iter().filter_map(of).min()
            }
        }
    }

    /// Returns the least value of the goal that extensions of a label of a host can have.
    pub fn least_value(&self, host: Host, label: &Label) -> f64 {
        let start = Start { host, position: label.position, before: host, stages_left: usize::MAX };
        match self.goal {
            Goal::Latency => label.resources.latency.least(&self.within, &start),
            Goal::Bytes => label.resources.shipped.fewest(&self.within, &start),
            Goal::Occupation => label.resources.occupied.least(&self.within, &start),
            Goal::Stages => 0.0,
        }
    }

    /// Returns the least value of the goal among the labels whose walk can end on a host, with the
    /// label's step. Returns `None` if no walk can end there.
    pub fn finished(&self, host: Host, labels: &[Label]) -> Option<(f64, u32)> {
        let mut best: Option<(f64, u32)> = None;
        for label in labels {
            let Some(resources) = self.delivered(host, label) else { continue };
            let value = match self.goal {
                Goal::Latency => resources.latency.0,
                Goal::Bytes => resources.shipped.0,
                Goal::Occupation => resources.occupied.most(),
                Goal::Stages => 0.0,
            };
            if best.is_none_or(|(least, _)| value < least) {
                best = Some((value, label.step));
            }
        }
        best
    }

    /// Returns the resources with the last stage and the transfer of the output, or `None` if a
    /// limit is broken.
    fn delivered(&self, host: Host, label: &Label) -> Option<Resources> {
        let (instance, start) = (self.within.instance, label.position);
        if !self.tables.finishing(host, 1).contains(start) {
            return None;
        }
        let end = instance.last();
        let stage = Stage { host, start, end, compute_s: instance.compute_s(instance.group_of[host], start, end) };
        let mut resources = label.resources;
        resources.end(&self.within, &stage).then_some(resources)
    }
}

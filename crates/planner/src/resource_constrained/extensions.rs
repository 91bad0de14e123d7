//! Extension of labels within limits by a first host, a stage, a hop and the end, in the exact arithmetic of the cost
//! model.

use super::completion_bounds::{CompletionBounds, ROUNDING};
use super::label::{Label, Resources, insert};
use super::limits::{Counted, Goal, Limits};
use super::loads::Loads;
use super::shipping::Shipping;
use crate::bits::Bits;
use crate::exact::at_period::AtPeriod;
use crate::instance::Instance;

/// The extensions of labels that are possible within limits.
pub struct Extensions<'t, const W: usize> {
    /// The instance.
    pub instance: &'t Instance,
    /// The walk relaxation with full overlap, which holds without overlap too.
    pub tables: &'t AtPeriod<'t, W>,
    /// Completion bounds at the same period.
    pub completion_bounds: &'t CompletionBounds,
    /// Completion bounds of loads, where loads count.
    pub loads: Option<&'t Loads>,
    /// The largest period.
    pub period_s: f64,
    /// The other limits.
    pub limits: Limits,
    /// What is to be least.
    pub goal: Goal,
    shipping: Option<&'t Shipping>,
    counted: Counted,
}

/// The undominated labels at the ends of one host's stage, by end.
pub struct Ended<const W: usize> {
    by_end: Vec<Vec<Label>>,
    ends: Bits<W>,
}

impl<const W: usize> Ended<W> {
    /// Room for an instance with so many blocks.
    pub fn new(blocks: usize) -> Self {
        Self { by_end: vec![Vec::new(); blocks + 1], ends: Bits::EMPTY }
    }

    fn clear(&mut self) {
        for end in self.ends.iter() {
            self.by_end[end].clear();
        }
        self.ends = Bits::EMPTY;
    }
}

impl<'t, const W: usize> Extensions<'t, W> {
    /// The extensions within limits. The tables must be of the same period.
    pub fn new(
        tables: &'t AtPeriod<'t, W>,
        (completion_bounds, loads): (&'t CompletionBounds, Option<&'t Loads>),
        shipping: Option<&'t Shipping>,
        period_s: f64,
        limits: Limits,
        goal: Goal,
    ) -> Self {
        let instance = tables.instance;
        let counted = Counted::new(instance, period_s, &limits, goal);
        Self { instance, tables, completion_bounds, loads, period_s, limits, goal, shipping, counted }
    }

    /// The resources consumed when the input has reached the first host; `None` if no walk from there keeps to the limits.
    pub fn begun(&self, host: usize) -> Option<Resources> {
        let input_s = self.instance.input_s[host];
        let Counted { latency, loads, source, .. } = self.counted;
        let counts = |counted: bool| if counted { input_s } else { 0.0 };
        let resources = Resources {
            latency_s: counts(latency),
            load_s: counts(loads),
            source_s: counts(source),
            ..Resources::default()
        };
        self.admits((host, 0), host, self.instance.most_stages, &resources).then_some(resources)
    }

    /// Extends the labels of a host by its stage, to each end that is possible.
    pub fn end_stages(&self, host: usize, labels: &[Label], ended: &mut Ended<W>) {
        ended.clear();
        let group = self.instance.group_of[host];
        for label in labels {
            let start = label.position as usize;
            for end in self.tables.ends(host, &Bits::single(start)).iter() {
                let compute_s = self.instance.compute_s(group, start, end);
                let mut resources = label.resources;
                if self.counted.latency {
                    resources.latency_s += compute_s;
                }
                if self.counted.loads {
                    resources.load_s += compute_s;
                    if resources.load_s > self.period_s {
                        // Compute never decreases with the end.
                        break;
                    }
                }
                resources.shipped_bytes += self.shipped_bytes(host, start, end);
                if resources.latency_s > self.limits.latency_s || resources.shipped_bytes > self.limits.shipped_bytes {
                    break;
                }
                ended.ends.insert(end);
                insert(&mut ended.by_end[end], 0, Label { position: end as u32, step: label.step, resources });
            }
        }
    }

    /// The starts on another host that the ended stages can reach with `stages_left` stages, that host's own included.
    #[inline]
    pub fn starts_on(&self, from: usize, to: usize, ended: &Ended<W>, stages_left: usize) -> Bits<W> {
        ended.ends.and(self.tables.carried(from, to)).and(&self.tables.finishing(to, stages_left))
    }

    /// Extends ended stages by a hop to another host. Appends the labels to `arrived`, sorted by position.
    pub fn hop(
        &self,
        (from, to): (usize, usize),
        stages_left: usize,
        ended: &Ended<W>,
        starts: &Bits<W>,
        arrived: &mut Vec<Label>,
    ) {
        let link = self.instance.link(from, to);
        for position in starts.iter() {
            let hop_s = link.transfer_s(self.instance.load_bits[position]);
            let first = arrived.len();
            for label in &ended.by_end[position] {
                if let Some(resources) = self.hopped(from, hop_s, label.resources)
                    && self.admits((to, position), from, stages_left, &resources)
                {
                    insert(arrived, first, Label { resources, ..*label });
                }
            }
        }
    }

    /// The resources after a hop; `None` if the sender's load is above the period.
    #[inline]
    fn hopped(&self, from: usize, hop_s: f64, mut resources: Resources) -> Option<Resources> {
        if self.counted.latency {
            resources.latency_s += hop_s;
        }
        if self.counted.loads {
            let load_s = resources.load_s + hop_s;
            let is = |end: Option<usize>| end == Some(from);
            let as_source_s = if is(self.instance.source_host) { resources.source_s } else { 0.0 };
            if load_s + as_source_s > self.period_s {
                return None;
            }
            if is(self.instance.sink_host) && self.counted.sink {
                resources.sink_s = load_s;
            } else if is(self.instance.source_host) && !self.instance.one_end {
                // Its load is final: what it sends as the source matters no more.
                resources.source_s = 0.0;
            }
            resources.load_s = hop_s;
        }
        Some(resources)
    }

    /// Returns `false` if the completion bounds prove that a walk that comes from `before` and starts on a host cannot keep
    /// to the limits with `stages_left` stages, that host's own included.
    #[inline]
    fn admits(&self, (host, start): (usize, usize), before: usize, stages_left: usize, resources: &Resources) -> bool {
        let within = |loads: &Loads| loads.admits(host, start, before, stages_left, resources.load_s);
        self.loads.is_none_or(within)
            && (!self.counted.latency || self.least_latency_s(host, start, before, resources) <= self.limits.latency_s)
            && (!self.counted.bytes || self.fewest_bytes(host, start, before, resources) <= self.limits.shipped_bytes)
    }

    /// The fewest stages with which one of the labels of a host reaches the end, the host's own included.
    pub fn fewest_stages(&self, host: usize, labels: &[Label], starts: &Bits<W>) -> Option<usize> {
        match self.loads.filter(|loads| loads.counts_stages()) {
            None => self.tables.fewest_stages(host, starts),
            Some(loads) => {
                let of =
                    |label: &Label| loads.fewest_stages(host, label.position as usize, host, label.resources.load_s);
                labels.iter().filter_map(of).min()
            }
        }
    }

    /// Bytes that a stage ships, where they count.
    #[inline]
    fn shipped_bytes(&self, host: usize, start: usize, end: usize) -> f64 {
        let shipping = self.shipping.filter(|_| self.counted.bytes);
        shipping.map_or(0.0, |shipping| shipping.bytes(host, start, end))
    }

    /// The fewest bytes that a walk ships in all.
    #[inline]
    pub fn fewest_bytes(&self, host: usize, start: usize, before: usize, resources: &Resources) -> f64 {
        resources.shipped_bytes + self.completion_bounds.shipped_bytes(host, start, before)
    }

    /// The least latency to which a walk can lead.
    #[inline]
    pub fn least_latency_s(&self, host: usize, start: usize, before: usize, resources: &Resources) -> f64 {
        (resources.latency_s + self.completion_bounds.latency_s(host, start, before)) * (1.0 - ROUNDING)
    }

    /// The label whose walk ends on a host with the least value of the goal: that value and the label's step.
    pub fn finished(&self, host: usize, labels: &[Label]) -> Option<(f64, u32)> {
        let mut best: Option<(f64, u32)> = None;
        for label in labels {
            let Some((latency_s, shipped_bytes)) = self.delivered(host, label) else { continue };
            let value = match self.goal {
                Goal::Latency => latency_s,
                Goal::Bytes => shipped_bytes,
                Goal::Stages => 0.0,
            };
            if best.is_none_or(|(least, _)| value < least) {
                best = Some((value, label.step));
            }
        }
        best
    }

    /// The latency with the last stage and the output's transfer, and all bytes shipped; `None` if a limit is broken.
    fn delivered(&self, host: usize, label: &Label) -> Option<(f64, f64)> {
        let (start, blocks) = (label.position as usize, self.instance.blocks());
        if !self.tables.finishing(host, 1).contains(start) {
            return None;
        }
        let output_s = self.instance.output_s[host];
        let compute_s = self.instance.compute_s(self.instance.group_of[host], start, blocks);
        let Resources { latency_s, shipped_bytes, load_s, source_s, sink_s } = label.resources;
        let shipped_bytes = shipped_bytes + self.shipped_bytes(host, start, blocks);
        let latency_s = if self.counted.latency { latency_s + compute_s + output_s } else { 0.0 };
        if self.counted.loads {
            let is = |end: Option<usize>| end == Some(host);
            let as_source_s = if is(self.instance.source_host) { source_s } else { 0.0 };
            let as_sink_s = if is(self.instance.sink_host) { output_s } else { 0.0 };
            let load_s = load_s + compute_s + output_s + (as_source_s + as_sink_s);
            let end_s = if self.instance.one_end { source_s } else { 0.0 };
            let behind_s = if is(self.instance.sink_host) { 0.0 } else { sink_s + (end_s + output_s) };
            if load_s > self.period_s || self.matters(behind_s) {
                return None;
            }
        }
        let within = latency_s <= self.limits.latency_s && shipped_bytes <= self.limits.shipped_bytes;
        within.then_some((latency_s, shipped_bytes))
    }

    /// Whether the load of the sink, or of a node that is both ends, is above the period.
    fn matters(&self, end_load_s: f64) -> bool {
        (self.counted.sink || self.instance.one_end) && end_load_s > self.period_s
    }
}

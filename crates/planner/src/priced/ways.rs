//! How partial walks go on within limits: beginnings, stages, hops and ends, in the exact arithmetic of the cost model.

use super::entry::{Entry, Spent, insert};
use super::limits::{Counted, Goal, Limits};
use super::loads::Loads;
use super::shipping::Shipping;
use super::to_go::{ROUNDING, ToGo};
use crate::bits::Bits;
use crate::exact::at_period::AtPeriod;
use crate::instance::Instance;

/// What is possible within limits.
pub struct Ways<'t, const W: usize> {
    /// The instance.
    pub instance: &'t Instance,
    /// The walk relaxation with full overlap, which holds without overlap too.
    pub tables: &'t AtPeriod<'t, W>,
    /// Completion bounds at the same period.
    pub to_go: &'t ToGo,
    /// Those of loads, where they count.
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

/// Partial walks at the ends of one host's stage: by end, the undominated ones.
pub struct Ended<const W: usize> {
    by_end: Vec<Vec<Entry>>,
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

impl<'t, const W: usize> Ways<'t, W> {
    /// The ways within limits; the tables must be of the period.
    pub fn new(
        tables: &'t AtPeriod<'t, W>,
        (to_go, loads): (&'t ToGo, Option<&'t Loads>),
        shipping: Option<&'t Shipping>,
        period_s: f64,
        limits: Limits,
        goal: Goal,
    ) -> Self {
        let instance = tables.instance;
        let counted = Counted::new(instance, period_s, &limits, goal);
        Self { instance, tables, to_go, loads, period_s, limits, goal, shipping, counted }
    }

    /// What a placement has spent when its input has reached the first host; `None` where it leads nowhere.
    pub fn begun(&self, host: usize) -> Option<Spent> {
        let input_s = self.instance.input_s[host];
        let Counted { latency, loads, source, .. } = self.counted;
        let counts = |counted: bool| if counted { input_s } else { 0.0 };
        let spent =
            Spent { latency_s: counts(latency), load_s: counts(loads), source_s: counts(source), ..Spent::default() };
        self.admits((host, 0), host, self.instance.most_stages, &spent).then_some(spent)
    }

    /// Ends the stages of a host that start as the entries say.
    pub fn end_stages(&self, host: usize, entries: &[Entry], ended: &mut Ended<W>) {
        ended.clear();
        let group = self.instance.group_of[host];
        for entry in entries {
            let start = entry.position as usize;
            for end in self.tables.ends(host, &Bits::single(start)).iter() {
                let compute_s = self.instance.compute_s(group, start, end);
                let mut spent = entry.spent;
                if self.counted.latency {
                    spent.latency_s += compute_s;
                }
                if self.counted.loads {
                    spent.load_s += compute_s;
                    if spent.load_s > self.period_s {
                        // Compute never decreases with the end.
                        break;
                    }
                }
                spent.shipped_bytes += self.shipped_bytes(host, start, end);
                if spent.latency_s > self.limits.latency_s || spent.shipped_bytes > self.limits.shipped_bytes {
                    break;
                }
                ended.ends.insert(end);
                insert(&mut ended.by_end[end], 0, Entry { position: end as u32, step: entry.step, spent });
            }
        }
    }

    /// The starts to which the ended stages can hop on another host with so many stages left, that one included.
    #[inline]
    pub fn starts_on(&self, from: usize, to: usize, ended: &Ended<W>, stages_left: usize) -> Bits<W> {
        ended.ends.and(self.tables.carried(from, to)).and(&self.tables.finishing(to, stages_left))
    }

    /// Appends the walks that hop from ended stages to starts on another host with so many stages left, by position.
    pub fn hop(
        &self,
        (from, to): (usize, usize),
        stages_left: usize,
        ended: &Ended<W>,
        starts: &Bits<W>,
        arrived: &mut Vec<Entry>,
    ) {
        let link = self.instance.link(from, to);
        for position in starts.iter() {
            let hop_s = link.transfer_s(self.instance.load_bits[position]);
            let first = arrived.len();
            for entry in &ended.by_end[position] {
                if let Some(spent) = self.hopped(from, hop_s, entry.spent)
                    && self.admits((to, position), from, stages_left, &spent)
                {
                    insert(arrived, first, Entry { spent, ..*entry });
                }
            }
        }
    }

    /// What is spent once the hop has been made; `None` where the sender's load is above the period.
    #[inline]
    fn hopped(&self, from: usize, hop_s: f64, mut spent: Spent) -> Option<Spent> {
        if self.counted.latency {
            spent.latency_s += hop_s;
        }
        if self.counted.loads {
            let load_s = spent.load_s + hop_s;
            let is = |end: Option<usize>| end == Some(from);
            let as_source_s = if is(self.instance.source_host) { spent.source_s } else { 0.0 };
            if load_s + as_source_s > self.period_s {
                return None;
            }
            if is(self.instance.sink_host) && self.counted.sink {
                spent.sink_s = load_s;
            } else if is(self.instance.source_host) && !self.instance.one_end {
                // Its load is final: what it sends as the source matters no more.
                spent.source_s = 0.0;
            }
            spent.load_s = hop_s;
        }
        Some(spent)
    }

    /// Whether a walk that comes from `before` may start on a host with so many stages left, that one included: what is
    /// left of the limits suffices for the end.
    #[inline]
    fn admits(&self, (host, start): (usize, usize), before: usize, stages_left: usize, spent: &Spent) -> bool {
        let within = |loads: &Loads| loads.admits(host, start, before, stages_left, spent.load_s);
        self.loads.is_none_or(within)
            && (!self.counted.latency || self.least_latency_s(host, start, before, spent) <= self.limits.latency_s)
            && (!self.counted.bytes || self.fewest_bytes(host, start, before, spent) <= self.limits.shipped_bytes)
    }

    /// The fewest stages with which walks that start on a host as the entries say reach the end, the host's own included.
    pub fn fewest_stages(&self, host: usize, entries: &[Entry], starts: &Bits<W>) -> Option<usize> {
        match self.loads.filter(|loads| loads.counts_stages()) {
            None => self.tables.fewest_stages(host, starts),
            Some(loads) => {
                let of = |entry: &Entry| loads.fewest_stages(host, entry.position as usize, host, entry.spent.load_s);
                entries.iter().filter_map(of).min()
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
    pub fn fewest_bytes(&self, host: usize, start: usize, before: usize, spent: &Spent) -> f64 {
        spent.shipped_bytes + self.to_go.shipped_bytes(host, start, before)
    }

    /// The least latency to which a walk can lead.
    #[inline]
    pub fn least_latency_s(&self, host: usize, start: usize, before: usize, spent: &Spent) -> f64 {
        (spent.latency_s + self.to_go.latency_s(host, start, before)) * (1.0 - ROUNDING)
    }

    /// The walk that ends on a host with all blocks done, with the least of what is the goal; with its value.
    pub fn finished(&self, host: usize, entries: &[Entry]) -> Option<(f64, u32)> {
        let mut best: Option<(f64, u32)> = None;
        for entry in entries {
            let Some((latency_s, shipped_bytes)) = self.delivered(host, entry) else { continue };
            let value = match self.goal {
                Goal::Latency => latency_s,
                Goal::Bytes => shipped_bytes,
                Goal::Stages => 0.0,
            };
            if best.is_none_or(|(least, _)| value < least) {
                best = Some((value, entry.step));
            }
        }
        best
    }

    /// The latency with the last stage and the output's transfer, and all bytes shipped; `None` where that is above a
    /// limit.
    fn delivered(&self, host: usize, entry: &Entry) -> Option<(f64, f64)> {
        let (start, blocks) = (entry.position as usize, self.instance.blocks());
        if !self.tables.finishing(host, 1).contains(start) {
            return None;
        }
        let output_s = self.instance.output_s[host];
        let compute_s = self.instance.compute_s(self.instance.group_of[host], start, blocks);
        let Spent { latency_s, shipped_bytes, load_s, source_s, sink_s } = entry.spent;
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

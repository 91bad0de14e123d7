//! Exchanges of pipelines for ones that ship less, where not all pipelines can be listed.

use super::super::classes::Classes;
use super::super::column::Column;
use super::fewest::{Effort, fewest_bytes};
use crate::cost::Assignment;
use crate::goals::bytes::few_bytes_within;
use crate::index::Host;
use crate::pipelines::Packings;
use crate::pipelines::left::Left;
use crate::resource_constrained::shipping::Shipping;
use crate::search::Effort as Labels;
use crate::stopped::Stopped;

/// The labels of the search for one pipeline.
const LABELS: Labels = Labels { first: 20_000, last: 20_000 };

/// Into how many pipelines a missing sum of rates is divided.
const MOST_PARTS: usize = 4;

/// The most sweeps over all pipelines.
const MOST_SWEEPS: usize = 20;

/// The most pipelines of a choice among known ones.
const MOST_KNOWN: usize = 400;

/// Nodes of a tree over the known pipelines.
const NODES_OF_KNOWN: usize = 200;

/// The state of the exchanges.
pub struct Exchange<'x, 'p> {
    packings: &'x Packings<'p>,
    shipping: &'x Shipping,
    /// The pipelines of the base that are still valid.
    kept: Vec<Assignment>,
    /// Pipelines that were found.
    known: Vec<Assignment>,
}

impl<'x, 'p> Exchange<'x, 'p> {
    /// Creates the state, with the pipelines of the base that are still valid.
    pub fn new(packings: &'x Packings<'p>, shipping: &'x Shipping, kept: Vec<Assignment>) -> Self {
        Self { packings, shipping, known: kept.clone(), kept }
    }

    /// Makes the chosen packing ship less, as long as an exchange does, with a sum of rates of at least `needed_per_s`.
    pub fn improve(mut self, needed_per_s: f64, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        if !needed_per_s.is_finite() {
            return Ok(());
        }
        // The base keeps running, and what it lacks is added.
        let kept = self.kept.clone();
        self.complete(&kept, needed_per_s, stop)?;
        for _ in 0..MOST_SWEEPS {
            let is_better = self.sweep(needed_per_s, stop)?;
            let is_chosen = self.choose_among_known(needed_per_s, stop)?;
            if !is_better && !is_chosen {
                break;
            }
        }
        Ok(())
    }

    fn chosen(&self) -> Vec<Assignment> {
        let chosen = self.packings.cheapest().map(|(packing, _)| packing.pipelines).unwrap_or_default();
        chosen.into_iter().map(|it| it.assignment).collect()
    }

    fn bytes(&self) -> u64 {
        self.packings.cheapest().map_or(0, |(_, bytes)| bytes)
    }

    /// Exchanges each pipeline that ships bytes, alone and with each other one. Returns `true` if that made the packing ship
    /// less.
    fn sweep(&mut self, needed_per_s: f64, stop: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        let before = self.bytes();
        let chosen = self.chosen();
        self.known.extend(chosen.iter().cloned());
        let bytes = |it: &Assignment| self.packings.shipped_bytes([it]);
        let mut shipping: Vec<usize> = (0..chosen.len()).filter(|&at| bytes(&chosen[at]) > 0).collect();
        shipping.sort_by_key(|&at| std::cmp::Reverse(bytes(&chosen[at])));
        let alone = shipping.iter().map(|&at| (at, at));
        let pairs = shipping.iter().flat_map(|&at| (0..chosen.len()).map(move |other| (at, other)));
        for (at, other) in alone.chain(pairs.filter(|(at, other)| at != other)) {
            let rest = chosen.iter().enumerate().filter(|&(index, _)| index != at && index != other);
            self.complete(&rest.map(|(_, it)| it.clone()).collect::<Vec<_>>(), needed_per_s, stop)?;
            if self.bytes() < before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Completes some pipelines by such that ship little, until their sum of rates is large enough: with one that has the
    /// rate that is missing, or with several that have a part of it.
    fn complete(&mut self, some: &[Assignment], needed_per_s: f64, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        for parts in 1..=MOST_PARTS {
            let mut all = some.to_vec();
            let first_missing = needed_per_s - self.rate_of(&all);
            while all.len() < self.packings.most_pipelines() {
                let missing = needed_per_s - self.rate_of(&all);
                if missing <= 0.0 {
                    break;
                }
                let rate_per_s = missing.min(first_missing / parts as f64);
                let used: Vec<Host> = all.iter().flat_map(Assignment::hosts).collect();
                let Some(left) = Left::by(self.packings, &used) else { break };
                let found = few_bytes_within(&left.request, &left.instance, 1.0 / rate_per_s, LABELS, stop)?;
                let Some(found) = found.and_then(|found| left.in_whole(&found)) else { break };
                self.known.push(found.clone());
                all.push(found);
            }
            self.packings.choose(all);
        }
        Ok(())
    }

    fn rate_of(&self, pipelines: &[Assignment]) -> f64 {
        if pipelines.is_empty() {
            return 0.0;
        }
        self.packings.packing_of_any_sum(pipelines.to_vec()).map_or(0.0, |packing| packing.rate_per_s)
    }

    /// Chooses among all pipelines that were found. Returns `true` if that made the packing ship less.
    fn choose_among_known(&mut self, needed_per_s: f64, stop: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        let before = self.bytes();
        let classes = Classes::of_single_hosts(self.packings.instance);
        let mut columns: Vec<Column> = Vec::new();
        // The latest are kept.
        let surplus = self.known.len().saturating_sub(MOST_KNOWN);
        self.known.drain(..surplus);
        for assignment in &self.known {
            let Some(column) = Column::new(self.packings.instance, &classes, assignment) else { continue };
            let spans = assignment.spans();
            let bytes = spans.map(|(start, end, host)| self.shipping.bytes(host, start, end)).sum();
            let column = Column { bytes, ..column };
            if !columns.iter().any(|other| other.dominates(&column)) {
                columns.push(column);
            }
        }
        let effort = Effort { nodes: NODES_OF_KNOWN, proves: false };
        fewest_bytes(self.packings, &classes, &columns, needed_per_s, effort, stop)?;
        Ok(self.bytes() < before)
    }
}

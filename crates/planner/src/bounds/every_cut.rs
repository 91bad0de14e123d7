//! Bounds that hold for every cut of a model, however many there are. They use only work and
//! memory.
//!
//! Wherever the cuts are, each block runs on some host. Within a period a host can compute only so
//! much, and hold only so much in its memory. The most weight that a host can take is a fractional
//! knapsack over the blocks (Dantzig 1957), by compute and by memory. This takes O(g L log L) for g
//! groups of hosts, and O(g log L) for each period tried.

use super::Bounds;
use crate::index::{Block, GroupIndex, Host, Index, IndexVec};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The bisection of a period ends at this relative width.
const WIDTH: f64 = 1e-9;

/// Sums of doubles are rounded: a test counts as failed only if it fails by more than this relative
/// error.
const ROUNDING: f64 = 1e-9;

/// The bounds of an instance of which only some cuts are considered. They are 0 if a block may lie
/// in several stages.
pub struct EveryCut<'p> {
    instance: &'p Instance,
    /// For each block, the bytes of its parameters and state.
    bytes: Vec<f64>,
}

/// The most weight that a limited budget takes. Holds prefix sums over blocks, ordered by cost for
/// each unit of weight.
struct Knapsack {
    costs: Vec<f64>,
    weights: Vec<f64>,
}

impl<'p> EveryCut<'p> {
    /// The bounds of an instance along a chain.
    pub fn new(instance: &'p Instance) -> Self {
        let bytes = instance.cuts.blocks().map(|block| instance.own_bytes(block) as f64).collect();
        Self { instance, bytes }
    }

    /// Returns the seconds that each block takes on a host of a group.
    fn seconds(&self, group: GroupIndex) -> Vec<f64> {
        // Along a chain each block lies between neighbouring positions.
        self.instance.starts().map(|start| self.instance.compute_s(group, start, start + 1)).collect()
    }

    /// Returns, for each group, the seconds that each block takes.
    fn seconds_by_group(&self) -> IndexVec<GroupIndex, Vec<f64>> {
        self.instance.groups.indices().map(|group| self.seconds(group)).collect()
    }

    /// Returns the time of the slowest block, in seconds, if each block runs on the host that is
    /// fastest for it. It is infinite if no host may run a block.
    fn slowest_block_s(&self, seconds: &IndexVec<GroupIndex, Vec<f64>>) -> f64 {
        let least = |block: usize| {
            let may = |&group: &GroupIndex| {
                self.instance.pins_allow(group, Block::nth(block))
                    && self.instance.groups[group].most_bytes.is_some_and(|most| self.bytes[block] <= most as f64)
            };
            seconds.indices().filter(may).map(|group| seconds[group][block]).fold(f64::INFINITY, f64::min)
        };
        (0..self.bytes.len()).map(least).fold(0.0, f64::max)
    }

    /// Returns a period, in seconds, below which the hosts together cannot take all blocks. Blocks
    /// are weighed by `weights`. Returns `low_s` if this proves nothing more.
    fn capacity_s(
        &self,
        weights: &[f64],
        seconds: &IndexVec<GroupIndex, Vec<f64>>,
        low_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<f64, Stopped> {
        let instance = self.instance;
        let total: f64 = weights.iter().sum();
        let mut by_time = Vec::with_capacity(seconds.len());
        let mut in_memory = Vec::with_capacity(seconds.len());
        for (group, seconds) in seconds.iter_indexed() {
            if stop() {
                return Err(Stopped);
            }
            by_time.push(Knapsack::new(weights, seconds));
            let in_bytes = Knapsack::new(weights, &self.bytes);
            in_memory.push(instance.groups[group].most_bytes.map_or(0.0, |most| in_bytes.most(most as f64)));
        }
        let suffices = |period_s: f64| {
            let most: IndexVec<GroupIndex, f64> = by_time
                .iter()
                .zip(&in_memory)
                .map(|(by_time, in_memory)| by_time.most(period_s).min(*in_memory))
                .collect();
            let mut taken: Vec<f64> = instance.group_of.iter().map(|&group| most[group]).collect();
            taken.sort_unstable_by(|a, b| b.total_cmp(a));
            taken.iter().take(instance.most_stages).sum::<f64>() >= total * (1.0 - ROUNDING)
        };
        let whole_s = seconds.iter().map(|seconds| seconds.iter().sum::<f64>()).fold(low_s, f64::max);
        if suffices(low_s) || !suffices(whole_s) {
            // If it fails without a limit of time, it fails because of memory, which is explained
            // elsewhere.
            return Ok(low_s);
        }
        let (mut low, mut high) = (low_s, whole_s);
        while high - low > WIDTH * high {
            let middle = low + (high - low) / 2.0;
            if suffices(middle) { high = middle } else { low = middle }
        }
        Ok(low)
    }
}

impl Bounds for EveryCut<'_> {
    fn least_period(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        if !self.instance.cuts.keep_blocks_whole() {
            return Ok(0.0);
        }
        let seconds = self.seconds_by_group();
        let mut bound_s = self.slowest_block_s(&seconds);
        if !bound_s.is_finite() {
            return Ok(bound_s);
        }
        let mut classes: Vec<usize> = Vec::new();
        for group in seconds.indices() {
            let class = self.instance.groups[group].class();
            if !classes.contains(&class) && seconds[group].iter().any(|&seconds| seconds > 0.0) {
                classes.push(class);
                bound_s = self.capacity_s(&seconds[group], &seconds, bound_s, stop)?;
            }
        }
        Ok(bound_s)
    }

    fn least_latency(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        if stop() {
            return Err(Stopped);
        }
        if !self.instance.cuts.keep_blocks_whole() {
            return Ok(0.0);
        }
        let seconds = self.seconds_by_group();
        let least = |block: usize| seconds.iter().map(|seconds| seconds[block]).fold(f64::INFINITY, f64::min);
        let compute_s: f64 = (0..self.bytes.len()).map(least).sum();
        let least_of = |all: &IndexVec<Host, f64>| all.iter().copied().fold(f64::INFINITY, f64::min);
        Ok((least_of(&self.instance.input_s) + compute_s + least_of(&self.instance.output_s)) * (1.0 - ROUNDING))
    }
}

impl Knapsack {
    fn new(weights: &[f64], costs: &[f64]) -> Self {
        let mut blocks: Vec<usize> = (0..weights.len()).filter(|&block| weights[block] > 0.0).collect();
        // The least cost for a unit of weight comes first.
        blocks.sort_by(|&a, &b| (costs[a] / weights[a]).total_cmp(&(costs[b] / weights[b])));
        let mut knapsack = Self { costs: vec![0.0], weights: vec![0.0] };
        let (mut cost, mut weight) = (0.0, 0.0);
        for block in blocks {
            cost += costs[block];
            weight += weights[block];
            knapsack.costs.push(cost);
            knapsack.weights.push(weight);
        }
        knapsack
    }

    /// Returns the most weight within a budget. The last block counts in part if it does not fit
    /// whole.
    fn most(&self, budget: f64) -> f64 {
        let beyond = self.costs.partition_point(|&cost| cost <= budget);
        let Some(&next) = self.costs.get(beyond) else { return self.weights[self.weights.len() - 1] };
        let (cost, weight) = (self.costs[beyond - 1], self.weights[beyond - 1]);
        weight + (self.weights[beyond] - weight) * (budget - cost) / (next - cost)
    }
}

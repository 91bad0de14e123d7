//! The best cuts for hosts in a given order.
//!
//! They are found by a dynamic programme over (stage, end): O(k m²) for k hosts. It is exact for
//! the period, and for the latency among placements within a period, with both overlaps: if the
//! order of hosts is fixed, the load of a stage depends only on its own start and end.

use super::cost::{Assignment, own_transfers};
use super::instance::Instance;
use super::stopped::Stopped;
use crate::domain::options::{Objective, Overlap};
use crate::index::{Host, Index, IndexVec, Position};

/// Returns the same hosts with the cuts that are best for the objective, or `None` if the hosts
/// cannot hold the model in this order.
pub fn repartition(
    instance: &Instance,
    hosts: &[Host],
    stop: &dyn Fn() -> bool,
) -> Result<Option<Assignment>, Stopped> {
    let order = Order::new(instance, hosts, stop);
    if instance.objective == Objective::MinLatency {
        return order.least_latency(instance.max_period_s);
    }
    let Some(period_s) = order.least_period()? else { return Ok(None) };
    order.least_latency(period_s)
}

/// For each end of a stage, the least cost, and the start that gives it.
type Best = IndexVec<Position, (f64, Position)>;

struct Order<'a> {
    instance: &'a Instance,
    hosts: &'a [Host],
    own_transfers: Vec<f64>,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Order<'a> {
    fn new(instance: &'a Instance, hosts: &'a [Host], stop: &'a dyn Fn() -> bool) -> Self {
        let stages = hosts.iter().map(|&host| (Position::FIRST, host)).collect();
        let whole = Assignment { stages };
        let own_transfers = hosts.iter().map(|&host| own_transfers(instance, &whole, host)).collect();
        Self { instance, hosts, own_transfers, stop }
    }

    /// Returns the seconds that a stage receives, computes and sends.
    fn times(&self, stage: usize, start: Position, end: Position) -> [f64; 3] {
        let host = self.hosts[stage];
        let receive = match stage {
            0 => self.instance.input_s[host],
            _ => self.instance.hop_s(self.hosts[stage - 1], host, start),
        };
        let send = match self.hosts.get(stage + 1) {
            None => self.instance.output_s[host],
            Some(&next) => self.instance.hop_s(host, next, end),
        };
        [receive, self.instance.compute_s(self.instance.group_of[host], start, end), send]
    }

    fn load(&self, stage: usize, [receive, compute, send]: [f64; 3]) -> f64 {
        match self.instance.overlap {
            Overlap::Full => receive.max(compute).max(send),
            Overlap::None => receive + compute + send + self.own_transfers[stage],
        }
    }

    fn least_period(&self) -> Result<Option<f64>, Stopped> {
        let best = self.programme(|before, stage, times| before.max(self.load(stage, times)))?;
        let period_s = best.last().map(|row| row[self.instance.last()].0);
        Ok(period_s.filter(|period_s| period_s.is_finite()))
    }

    fn least_latency(&self, period_s: f64) -> Result<Option<Assignment>, Stopped> {
        let best = self.programme(|before, stage, times| {
            let [receive, compute, send] = times;
            let allowed = self.load(stage, times) <= period_s;
            let arriving = if stage == 0 { receive } else { 0.0 };
            if allowed { before + arriving + compute + send } else { f64::INFINITY }
        })?;
        let mut end = self.instance.last();
        let mut stages = Vec::with_capacity(self.hosts.len());
        for stage in (0..self.hosts.len()).rev() {
            let (cost, start) = best[stage][end];
            if !cost.is_finite() {
                return Ok(None);
            }
            stages.push((end, self.hosts[stage]));
            end = start;
        }
        stages.reverse();
        Ok(Some(Assignment { stages }))
    }

    /// Returns the table of the dynamic programme for each stage.
    fn programme(&self, cost: impl Fn(f64, usize, [f64; 3]) -> f64) -> Result<Vec<Best>, Stopped> {
        let nothing = self.instance.by_position((f64::INFINITY, Position::FIRST));
        let mut beginning = nothing.clone();
        beginning[Position::FIRST].0 = 0.0;
        let mut best: Vec<Best> = Vec::with_capacity(self.hosts.len());
        for (stage, &host) in self.hosts.iter().enumerate() {
            let mut row = nothing.clone();
            let before = best.last().unwrap_or(&beginning);
            let starts = self.instance.starts().map(|start| (start, before[start].0));
            for (start, before) in starts.filter(|(_, before)| before.is_finite()) {
                if start.number() % 64 == 0 && (self.stop)() {
                    return Err(Stopped);
                }
                self.instance.ends_in_memory(self.instance.group_of[host], start, |end| {
                    let cost = cost(before, stage, self.times(stage, start, end));
                    if cost < row[end].0 {
                        row[end] = (cost, start);
                    }
                });
            }
            best.push(row);
        }
        Ok(best)
    }
}

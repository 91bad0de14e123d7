//! Loads of the walk relaxation where a node does one thing at a time: what a host must receive, compute and send at
//! least, within a period.
//!
//! Backwards, for each start the least that the stage there computes and sends so that the rest is possible, also with
//! a limit on the stages that are left; forwards, the least that a host receives. Walks do not come back to a host by
//! the next step but one. Both together say which stages a host can have at all. O(m n² + n m²) time, for k limits on
//! stages k times that.
//!
//! Sums are associated in another order than in the cost model, so they are used with [`ROUNDING`].

use super::best_two::{BestTwo, NOWHERE};
use super::completion_bounds::ROUNDING;
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Steps that tables by stages left may take; where they would take more, there are none.
const MOST_STEPS: usize = 1 << 25;

/// The bounds of one period, by position, then host.
#[derive(Debug)]
pub struct Loads {
    hosts: usize,
    /// The hosts of each group.
    members: Vec<Vec<usize>>,
    /// The period with room for roundings.
    within_s: f64,
    /// What a stage that starts there computes and sends, by the host that is sent to.
    rest: Vec<BestTwo>,
    /// What a stage that ends there sends, likewise.
    hops: Vec<BestTwo>,
    /// The same with at most 1, 2, ... stages; with more it is as without a limit, or the table is not kept.
    rest_by_stages: Vec<Vec<BestTwo>>,
}

impl Loads {
    /// Tabulates an instance at a period.
    pub fn new(instance: &Instance, period_s: f64, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let (hosts, blocks) = (instance.hosts.len(), instance.blocks());
        let within_s = period_s * (1.0 + ROUNDING);
        let mut members = vec![Vec::new(); instance.groups.len()];
        instance.group_of.iter().enumerate().for_each(|(host, &group)| members[group].push(host));
        let nothing = vec![BestTwo::NONE; (blocks + 1) * hosts];
        let (rest, hops) = (nothing.clone(), nothing);
        let mut loads = Self { hosts, members, within_s, rest, hops, rest_by_stages: Vec::new() };
        for start in (0..blocks).rev() {
            for host in 0..hosts {
                if host % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                loads.hops[(start + 1) * hosts + host] = loads.shortest_hops(instance, host, start + 1, &loads.rest);
            }
            let row = loads.starts_at(instance, start, &loads.hops);
            loads.rest[start * hosts..(start + 1) * hosts].copy_from_slice(&row);
        }
        Ok(loads)
    }

    /// Adds the tables by stages left, where they are quickly made.
    pub fn count_stages(&mut self, instance: &Instance, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let size = self.rest.len();
        if self.steps(instance).saturating_mul(instance.most_stages) > MOST_STEPS {
            return Ok(());
        }
        let mut fewer = vec![BestTwo::NONE; size];
        while self.rest_by_stages.len() < instance.most_stages {
            let mut hops = vec![BestTwo::NONE; size];
            let mut rest = vec![BestTwo::NONE; size];
            for start in (0..instance.blocks()).rev() {
                for host in 0..self.hosts {
                    if host % 64 == 0 && stop() {
                        return Err(Stopped);
                    }
                    let at = (start + 1) * self.hosts + host;
                    hops[at] = self.shortest_hops(instance, host, start + 1, &fewer);
                }
                let row = self.starts_at(instance, start, &hops);
                rest[start * self.hosts..(start + 1) * self.hosts].copy_from_slice(&row);
            }
            if rest == fewer {
                break;
            }
            fewer.clone_from(&rest);
            self.rest_by_stages.push(rest);
        }
        Ok(())
    }

    /// The hops and the stages of one table.
    fn steps(&self, instance: &Instance) -> usize {
        let mut steps = self.rest.len() * self.hosts;
        for (group, members) in self.members.iter().enumerate() {
            for start in 0..instance.blocks() {
                instance.ends_in_memory(group, start, |_| steps += members.len());
            }
        }
        steps
    }

    /// The shortest hops from a host where its stage ends, to two hosts from which the rest is possible.
    fn shortest_hops(&self, instance: &Instance, host: usize, end: usize, rest: &[BestTwo]) -> BestTwo {
        let mut shortest = BestTwo::NONE;
        if end == instance.blocks() {
            shortest.add(instance.output_s[host], NOWHERE);
            return shortest;
        }
        let row = &rest[end * self.hosts..(end + 1) * self.hosts];
        instance.links.for_each_transfer(host, instance.load_bits[end], |to, hop_s| {
            if hop_s + row[to].avoiding(host) <= self.within_s {
                shortest.add(hop_s, to as u32);
            }
        });
        shortest
    }

    /// For each host what a stage from a start on computes and sends at least.
    fn starts_at(&self, instance: &Instance, start: usize, hops: &[BestTwo]) -> Vec<BestTwo> {
        let mut row = vec![BestTwo::NONE; self.hosts];
        for (group, members) in self.members.iter().enumerate() {
            instance.ends_in_memory(group, start, |end| {
                let compute_s = instance.compute_s(group, start, end);
                if compute_s <= self.within_s {
                    for &host in members {
                        row[host].follow(compute_s, &hops[end * self.hosts + host]);
                    }
                }
            });
        }
        row
    }

    /// Whether there are tables by stages left.
    pub fn counts_stages(&self) -> bool {
        !self.rest_by_stages.is_empty()
    }

    /// Whether there is any walk at all.
    pub fn admit_any(&self, instance: &Instance) -> bool {
        let begins = |host: usize| self.admits(host, 0, host, instance.most_stages, instance.input_s[host]);
        (0..self.hosts).any(begins)
    }

    /// Whether a host may receive so long what starts there, and with so many stages, its own included, the rest is
    /// possible. The walk came from `before`.
    #[inline]
    pub fn admits(&self, host: usize, start: usize, before: usize, stages: usize, receive_s: f64) -> bool {
        let rest = match self.rest_by_stages.get(stages.wrapping_sub(1)) {
            Some(rest) => rest,
            None => &self.rest,
        };
        receive_s + rest[start * self.hosts + host].avoiding(before) <= self.within_s
    }

    /// Whether a stage that takes so long to compute can end there on a host at all.
    #[inline]
    pub fn admits_stage(&self, host: usize, end: usize, compute_s: f64) -> bool {
        compute_s + self.hops[end * self.hosts + host].least <= self.within_s
    }

    /// The fewest stages with which the rest is possible, the host's own included; `None` where it is not, or where
    /// stages were not counted.
    pub fn fewest_stages(&self, host: usize, start: usize, before: usize, receive_s: f64) -> Option<usize> {
        let at = start * self.hosts + host;
        let enough = |rest: &Vec<BestTwo>| receive_s + rest[at].avoiding(before) <= self.within_s;
        Some(self.rest_by_stages.partition_point(|rest| !enough(rest)) + 1)
            .filter(|&stages| stages <= self.rest_by_stages.len())
    }

    /// For each host and start the furthest end of a stage that some walk has there; the start itself where none has.
    pub fn furthest_ends(&self, instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Vec<usize>, Stopped> {
        let (hosts, blocks) = (self.hosts, instance.blocks());
        let mut receives = vec![BestTwo::NONE; (blocks + 1) * hosts];
        let mut ended = vec![BestTwo::NONE; (blocks + 1) * hosts];
        let mut furthest: Vec<usize> = (0..hosts).flat_map(|_| 0..blocks).collect();
        for (host, received) in receives.iter_mut().enumerate().take(hosts) {
            if self.admits(host, 0, host, usize::MAX, instance.input_s[host]) {
                received.add(instance.input_s[host], NOWHERE);
            }
        }
        for start in 0..blocks {
            for from in (0..hosts).filter(|_| start > 0) {
                if from % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let ended = ended[start * hosts + from];
                instance.links.for_each_transfer(from, instance.load_bits[start], |to, hop_s| {
                    let carried = hop_s + ended.avoiding(to) <= self.within_s;
                    if carried && self.admits(to, start, from, usize::MAX, hop_s) {
                        receives[start * hosts + to].add(hop_s, from as u32);
                    }
                });
            }
            for (group, members) in self.members.iter().enumerate() {
                instance.ends_in_memory(group, start, |end| {
                    let compute_s = instance.compute_s(group, start, end);
                    for &host in members {
                        let received = &receives[start * hosts + host];
                        let at = end * hosts + host;
                        if received.and(&self.hops[at]) + compute_s <= self.within_s {
                            ended[at].follow(compute_s, received);
                            furthest[host * blocks + start] = furthest[host * blocks + start].max(end);
                        }
                    }
                });
            }
        }
        Ok(furthest)
    }
}

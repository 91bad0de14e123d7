//! Loads of the walk relaxation for overlap `none`: the least that a host receives, computes and
//! sends, within a period.
//!
//! A backward pass finds, for each start, the least that the stage there computes and sends if the
//! rest is possible, also with a limit on the stages that are left. A forward pass finds the least
//! that a host receives. Walks do not return to a host at the next stage but one. Both passes
//! together tell which stages a host can have at all. O(m n² + n m²) time, and k times that for k
//! limits on stages.
//!
//! Seconds are summed in another order than in the cost model, so they are compared with the margin
//! [`ROUNDING`].

use super::best_two::BestTwo;
use crate::cost::ROUNDING;
use crate::index::{Grid, GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The most steps for tables by stages left. If more were needed, there are no such tables.
const MOST_STEPS: usize = 1 << 25;

/// The least loads at one period, by position, then host.
#[derive(Debug)]
pub struct Loads {
    /// The hosts of each group.
    members: IndexVec<GroupIndex, Vec<Host>>,
    /// The period in seconds, with a margin for rounding.
    within_s: f64,
    /// The least that a stage that starts there computes and sends, by the host that it sends to.
    rest: Grid<Position, Host, BestTwo>,
    /// The least that a stage that ends there sends, by the host that it sends to.
    hops: Grid<Position, Host, BestTwo>,
    /// `rest` for at most 1, 2, ... stages. For more stages than there are tables, `rest` holds.
    rest_by_stages: Vec<Grid<Position, Host, BestTwo>>,
}

impl Loads {
    /// Tabulates an instance at a period in seconds, without tables by stages left.
    pub fn new(instance: &Instance, period_s: f64, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let (hosts, blocks) = (instance.hosts.len(), instance.blocks());
        let within_s = period_s * (1.0 + ROUNDING);
        let mut members = instance.by_group(Vec::new());
        instance.group_of.iter_indexed().for_each(|(host, &group)| members[group].push(host));
        let nothing = Grid::filled(BestTwo::NONE, blocks + 1, hosts);
        let (rest, hops) = (nothing.clone(), nothing);
        let mut loads = Self { members, within_s, rest, hops, rest_by_stages: Vec::new() };
        for start in instance.starts().rev() {
            for host in instance.hosts.indices() {
                if host.number() % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                loads.hops[(start + 1, host)] = loads.shortest_hops(instance, host, start + 1, &loads.rest);
            }
            let row = loads.starts_at(instance, start, &loads.hops);
            loads.rest.set_row(start, row);
        }
        Ok(loads)
    }

    /// Adds the tables by stages left, unless they would take more than [`MOST_STEPS`] steps.
    pub fn count_stages(&mut self, instance: &Instance, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let nothing = Grid::filled(BestTwo::NONE, instance.blocks() + 1, instance.hosts.len());
        if self.steps(instance).saturating_mul(instance.most_stages) > MOST_STEPS {
            return Ok(());
        }
        let mut fewer = nothing.clone();
        while self.rest_by_stages.len() < instance.most_stages {
            let mut hops = nothing.clone();
            let mut rest = nothing.clone();
            for start in instance.starts().rev() {
                for host in instance.hosts.indices() {
                    if host.number() % 64 == 0 && stop() {
                        return Err(Stopped);
                    }
                    hops[(start + 1, host)] = self.shortest_hops(instance, host, start + 1, &fewer);
                }
                let row = self.starts_at(instance, start, &hops);
                rest.set_row(start, row);
            }
            if rest == fewer {
                break;
            }
            fewer.clone_from(&rest);
            self.rest_by_stages.push(rest);
        }
        Ok(())
    }

    /// Returns the number of hops and stages that one table takes.
    fn steps(&self, instance: &Instance) -> usize {
        let mut steps = self.rest.cells().len() * instance.hosts.len();
        for (group, members) in self.members.iter_indexed() {
            for start in instance.starts() {
                instance.ends_in_memory(group, start, |_| steps += members.len());
            }
        }
        steps
    }

    /// Returns the two shortest hops from a host where its stage ends, to two hosts from which the
    /// rest is possible.
    fn shortest_hops(
        &self,
        instance: &Instance,
        host: Host,
        end: Position,
        rest: &Grid<Position, Host, BestTwo>,
    ) -> BestTwo {
        let mut shortest = BestTwo::NONE;
        if end == instance.last() {
            shortest.add(instance.output_s[host], Host::NOWHERE);
            return shortest;
        }
        let row = rest.row(end);
        instance.links.for_each_transfer(host, instance.load_bits[end], |to, hop_s| {
            if hop_s + row[to].avoiding(host) <= self.within_s {
                shortest.add(hop_s, to);
            }
        });
        shortest
    }

    /// Returns for each host the least that a stage from a start on computes and sends.
    fn starts_at(
        &self,
        instance: &Instance,
        start: Position,
        hops: &Grid<Position, Host, BestTwo>,
    ) -> IndexVec<Host, BestTwo> {
        let mut row = instance.by_host(BestTwo::NONE);
        for (group, members) in self.members.iter_indexed() {
            instance.ends_in_memory(group, start, |end| {
                let compute_s = instance.compute_s(group, start, end);
                if compute_s <= self.within_s {
                    for &host in members {
                        row[host].follow(compute_s, &hops[(end, host)]);
                    }
                }
            });
        }
        row
    }

    /// Returns `true` if there are tables by stages left.
    pub fn counts_stages(&self) -> bool {
        !self.rest_by_stages.is_empty()
    }

    /// Returns `true` if there is any walk within the period.
    pub fn admit_any(&self, instance: &Instance) -> bool {
        let begins =
            |host: Host| self.admits(host, Position::FIRST, host, instance.most_stages, instance.input_s[host]);
        instance.hosts.indices().any(begins)
    }

    /// Returns `true` if a host that receives for `receive_s` seconds can start a stage at `start`
    /// such that the rest is possible with `stages` stages, its own included. The walk came from
    /// `before`.
    #[inline]
    pub fn admits(&self, host: Host, start: Position, before: Host, stages: usize, receive_s: f64) -> bool {
        let rest = match self.rest_by_stages.get(stages.wrapping_sub(1)) {
            Some(rest) => rest,
            None => &self.rest,
        };
        receive_s + rest[(start, host)].avoiding(before) <= self.within_s
    }

    /// Returns `true` if a stage that computes for `compute_s` seconds can end there on a host.
    #[inline]
    pub fn admits_stage(&self, host: Host, end: Position, compute_s: f64) -> bool {
        compute_s + self.hops[(end, host)].least <= self.within_s
    }

    /// Returns the fewest stages with which the rest is possible, the host's own included. Returns
    /// `None` if it is not possible or if there are no tables by stages left.
    pub fn fewest_stages(&self, host: Host, start: Position, before: Host, receive_s: f64) -> Option<usize> {
        let enough =
            |rest: &Grid<Position, Host, BestTwo>| receive_s + rest[(start, host)].avoiding(before) <= self.within_s;
        Some(self.rest_by_stages.partition_point(|rest| !enough(rest)) + 1)
            .filter(|&stages| stages <= self.rest_by_stages.len())
    }

    /// Returns for each host and start the furthest end of a stage that a walk can have there, or
    /// the start if there is none.
    pub fn furthest_ends(
        &self,
        instance: &Instance,
        stop: &dyn Fn() -> bool,
    ) -> Result<Grid<Host, Position, Position>, Stopped> {
        let blocks = instance.blocks();
        let mut receives = Grid::<Position, Host, _>::filled(BestTwo::NONE, blocks + 1, instance.hosts.len());
        let mut ended = receives.clone();
        let mut furthest = Grid::of_cells(instance.hosts.iter().flat_map(|_| instance.starts()).collect(), blocks);
        for host in instance.hosts.indices() {
            if self.admits(host, Position::FIRST, host, usize::MAX, instance.input_s[host]) {
                receives[(Position::FIRST, host)].add(instance.input_s[host], Host::NOWHERE);
            }
        }
        for start in instance.starts() {
            for from in instance.hosts.indices().filter(|_| start > Position::FIRST) {
                if from.number() % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let ended = ended[(start, from)];
                instance.links.for_each_transfer(from, instance.load_bits[start], |to, hop_s| {
                    let carried = hop_s + ended.avoiding(to) <= self.within_s;
                    if carried && self.admits(to, start, from, usize::MAX, hop_s) {
                        receives[(start, to)].add(hop_s, from);
                    }
                });
            }
            for (group, members) in self.members.iter_indexed() {
                instance.ends_in_memory(group, start, |end| {
                    let compute_s = instance.compute_s(group, start, end);
                    for &host in members {
                        let received = &receives[(start, host)];
                        if received.and(&self.hops[(end, host)]) + compute_s <= self.within_s {
                            ended[(end, host)].follow(compute_s, received);
                            furthest[(host, start)] = end.max(furthest[(host, start)]);
                        }
                    }
                });
            }
        }
        Ok(furthest)
    }
}

//! Completion bounds: the least resources that the walk relaxation needs from a start on a host to
//! the end, within a period.
//!
//! They are computed by a backward dynamic programme over positions. A walk may return to a host,
//! but not at the next stage but one: cycles of two hosts are excluded (Houck, Picard, Queyranne
//! and Vemuganti 1980), since otherwise the best walks go to and fro on the fastest link. O(m n² +
//! n m²) time, O(m n) memory.
//!
//! Seconds are summed backwards here and forwards in the cost model, so bounds of latency are used
//! with the margin [`ROUNDING`].

use super::best_two::BestTwo;
use super::loads::Loads;
use super::shipping::Shipping;
use crate::cost::ROUNDING;
use crate::index::{Grid, GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The completion bounds at one period, by position, then host.
#[derive(Debug)]
pub struct CompletionBounds {
    latency: Grid<Position, Host, BestTwo>,
    bytes: Option<Grid<Position, Host, BestTwo>>,
    /// Whether a walk can begin on a host.
    begins: IndexVec<Host, bool>,
    period_s: f64,
}

/// The least sums that follow a stage's end, by position, then host: the next hop and the rest.
struct Behind {
    latency: Grid<Position, Host, BestTwo>,
    bytes: Grid<Position, Host, BestTwo>,
}

impl Behind {
    fn new(hosts: usize, blocks: usize) -> Self {
        let nothing = Grid::filled(BestTwo::NONE, blocks + 1, hosts);
        Self { latency: nothing.clone(), bytes: nothing }
    }
}

impl CompletionBounds {
    /// Tabulates an instance at a period in seconds. `loads` are given if a node does one thing at
    /// a time.
    pub fn new(
        instance: &Instance,
        shipping: Option<&Shipping>,
        loads: Option<&Loads>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let (hosts, blocks) = (instance.hosts.len(), instance.blocks());
        let mut completion_bounds = Self {
            latency: Grid::filled(BestTwo::NONE, blocks + 1, hosts),
            bytes: shipping.map(|_| Grid::filled(BestTwo::NONE, blocks + 1, hosts)),
            begins: instance
                .hosts
                .indices()
                .map(|host| {
                    let input_s = instance.input_s[host];
                    let admitted =
                        |loads: &Loads| loads.admits(host, Position::FIRST, host, instance.most_stages, input_s);
                    input_s <= period_s && loads.is_none_or(admitted)
                })
                .collect(),
            period_s,
        };
        let mut behind = Behind::new(hosts, blocks);
        for start in instance.starts().rev() {
            for host in instance.hosts.indices() {
                if host.number() % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                completion_bounds.go_on((instance, loads), host, start + 1, &mut behind);
            }
            completion_bounds.start_at((instance, loads), shipping, start, &behind, stop)?;
        }
        Ok(completion_bounds)
    }

    /// Returns the least latency in seconds from a start on a host to the end, the host's own stage
    /// included. The walk came from `before` and does not return there next. Infinite if there is
    /// no such walk.
    #[inline]
    pub fn latency_s(&self, host: Host, start: Position, before: Host) -> f64 {
        self.latency[(start, host)].avoiding(before)
    }

    /// Returns the fewest bytes that such a walk ships from there to the end; 0 without a base.
    #[inline]
    pub fn shipped_bytes(&self, host: Host, start: Position, before: Host) -> f64 {
        self.bytes.as_ref().map_or(0.0, |bytes| bytes[(start, host)].avoiding(before))
    }

    /// Returns a lower bound in seconds of the latency of all walks within the period; infinite if
    /// there is no walk.
    pub fn least_latency_s(&self, instance: &Instance) -> f64 {
        let from = |host: Host| {
            let input_s = instance.input_s[host] + instance.input_delay_s[host];
            input_s + self.latency[(Position::FIRST, host)].least
        };
        self.first_hosts().map(from).fold(f64::INFINITY, f64::min) * (1.0 - ROUNDING)
    }

    /// Returns the fewest bytes that a walk within the period ships; 0 without a base.
    pub fn fewest_bytes(&self) -> f64 {
        let Some(bytes) = &self.bytes else { return 0.0 };
        self.first_hosts().map(|host| bytes[(Position::FIRST, host)].least).fold(f64::INFINITY, f64::min)
    }

    fn first_hosts(&self) -> impl Iterator<Item = Host> {
        self.begins.indices().filter(|&host| self.begins[host])
    }

    /// Computes the least sums that follow a stage's end on a host.
    fn go_on(&self, (instance, loads): (&Instance, Option<&Loads>), host: Host, end: Position, behind: &mut Behind) {
        let (mut latency, mut bytes) = (BestTwo::NONE, BestTwo::NONE);
        if end == instance.last() {
            let output_s = instance.output_s[host];
            if output_s <= self.period_s {
                latency.add(output_s + instance.output_delay_s[host], Host::NOWHERE);
                bytes.add(0.0, Host::NOWHERE);
            }
        } else {
            let bytes_row = self.bytes.as_ref().map(|bytes| bytes.row(end));
            let row = self.latency.row(end);
            instance.links.for_each_transfer(host, instance.load_bits[end], |to, hop_s| {
                let rest_s = row[to].avoiding(host);
                let admitted = loads.is_none_or(|loads| loads.admits(to, end, host, usize::MAX, hop_s));
                if hop_s <= self.period_s && admitted && rest_s.is_finite() {
                    latency.add(hop_s + instance.delays.get(host, to) + rest_s, to);
                    if let Some(row) = bytes_row {
                        bytes.add(row[to].avoiding(host), to);
                    }
                }
            });
        }
        (behind.latency[(end, host)], behind.bytes[(end, host)]) = (latency, bytes);
    }

    fn start_at(
        &mut self,
        (instance, loads): (&Instance, Option<&Loads>),
        shipping: Option<&Shipping>,
        start: Position,
        behind: &Behind,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        let mut ends: IndexVec<GroupIndex, Vec<(Position, f64)>> = instance.by_group(Vec::new());
        for group in instance.groups.indices() {
            let ends = &mut ends[group];
            instance.ends_in_memory(group, start, |end| {
                let compute_s = instance.compute_s(group, start, end);
                if compute_s <= self.period_s {
                    ends.push((end, compute_s));
                }
            });
        }
        for host in instance.hosts.indices() {
            if host.number() % 64 == 0 && stop() {
                return Err(Stopped);
            }
            for &(end, compute_s) in &ends[instance.group_of[host]] {
                if loads.is_some_and(|loads| !loads.admits_stage(host, end, compute_s)) {
                    continue;
                }
                self.latency[(start, host)].follow(compute_s, &behind.latency[(end, host)]);
                if let (Some(bytes), Some(shipping)) = (&mut self.bytes, shipping) {
                    let shipped = shipping.bytes(host, start, end);
                    bytes[(start, host)].follow(shipped, &behind.bytes[(end, host)]);
                }
            }
        }
        Ok(())
    }
}

//! Completion bounds: what the walk relaxation needs at least from a start on a host to the end, within a period.
//!
//! A backward dynamic programme over positions in which a walk may come back to a host, but not by the next step but
//! one: cycles of two hosts are left out (Houck, Picard, Queyranne and Vemuganti 1980), since the fastest link tempts
//! every walk to go to and fro. With overlap `none` it also says how much a host may receive at most so that the rest
//! is possible. O(m n² + n m²) time, O(m n) memory.
//!
//! Sums are associated backwards here and forwards in the cost model, so a bound is used with [`ROUNDING`].

use super::shipping::Shipping;
use crate::domain::options::Overlap;
use crate::planner::problem::Problem;

/// More than the relative difference between two orders of summing a pipeline's times.
pub const ROUNDING: f64 = 1e-12;

/// No next host: the walk ends.
const NOWHERE: u32 = u32::MAX;

/// The bounds, by position, then host.
#[derive(Debug)]
pub struct ToGo {
    hosts: usize,
    latency: Vec<Two>,
    bytes: Option<Vec<Two>>,
    /// With overlap `none`: the most seconds in which the host may receive.
    receive_s: Option<Vec<f64>>,
    period_s: f64,
}

/// The least sum, the host behind it, and the least sum with another host there.
#[derive(Debug, Clone, Copy)]
struct Two {
    least: f64,
    next: u32,
    other: f64,
    other_next: u32,
}

impl Two {
    const NONE: Self = Self { least: f64::INFINITY, next: NOWHERE, other: f64::INFINITY, other_next: NOWHERE };

    #[inline]
    fn add(&mut self, sum: f64, next: u32) {
        if sum < self.least {
            if next != self.next {
                (self.other, self.other_next) = (self.least, self.next);
            }
            (self.least, self.next) = (sum, next);
        } else if sum < self.other && next != self.next {
            (self.other, self.other_next) = (sum, next);
        }
    }

    /// Adds what comes of a stage in front of two ways to go on.
    #[inline]
    fn follow(&mut self, stage: f64, ways: &Self) {
        self.add(stage + ways.least, ways.next);
        if ways.other.is_finite() {
            self.add(stage + ways.other, ways.other_next);
        }
    }

    #[inline]
    fn avoiding(&self, host: usize) -> f64 {
        if self.next as usize == host { self.other } else { self.least }
    }
}

/// What follows an end on a host, by position, then host: the rest with its first hop, and the shortest first hop.
struct Behind {
    latency: Vec<Two>,
    bytes: Vec<Two>,
    shortest_s: Vec<f64>,
}

impl Behind {
    fn new(hosts: usize, blocks: usize) -> Self {
        let ways = vec![Two::NONE; (blocks + 1) * hosts];
        Self { latency: ways.clone(), bytes: ways, shortest_s: vec![f64::INFINITY; (blocks + 1) * hosts] }
    }
}

impl ToGo {
    /// Tabulates a problem at a period; `None` when told to stop.
    pub fn new(problem: &Problem, shipping: Option<&Shipping>, period_s: f64, stop: &dyn Fn() -> bool) -> Option<Self> {
        let (hosts, blocks) = (problem.hosts.len(), problem.blocks());
        let one_at_a_time = problem.overlap == Overlap::None && period_s < f64::MAX;
        let mut to_go = Self {
            hosts,
            latency: vec![Two::NONE; (blocks + 1) * hosts],
            bytes: shipping.map(|_| vec![Two::NONE; (blocks + 1) * hosts]),
            receive_s: one_at_a_time.then(|| vec![f64::NEG_INFINITY; (blocks + 1) * hosts]),
            period_s,
        };
        let mut behind = Behind::new(hosts, blocks);
        for start in (0..blocks).rev() {
            for host in 0..hosts {
                if host % 64 == 0 && stop() {
                    return None;
                }
                to_go.go_on(problem, host, start + 1, &mut behind);
            }
            to_go.start_at(problem, shipping, start, &behind, stop)?;
        }
        Some(to_go)
    }

    /// The least latency from a start on a host to the end, the host's own stage included; infinite where there is no
    /// way. The walk came from `before`.
    #[inline]
    pub fn latency_s(&self, host: usize, start: usize, before: usize) -> f64 {
        self.latency[start * self.hosts + host].avoiding(before)
    }

    /// The fewest bytes that are still to be shipped, likewise.
    #[inline]
    pub fn shipped_bytes(&self, host: usize, start: usize, before: usize) -> f64 {
        self.bytes.as_ref().map_or(0.0, |bytes| bytes[start * self.hosts + host].avoiding(before))
    }

    /// The most seconds in which a host may receive what starts there.
    #[inline]
    pub fn most_receive_s(&self, host: usize, start: usize) -> f64 {
        self.receive_s.as_ref().map_or(f64::INFINITY, |most| most[start * self.hosts + host])
    }

    /// The least latency of all walks within the period; infinite where there is none.
    pub fn least_latency_s(&self, problem: &Problem) -> f64 {
        let from = |host: usize| problem.input_s[host] + self.latency[host].least;
        self.first_hosts(problem).map(from).fold(f64::INFINITY, f64::min) * (1.0 - ROUNDING)
    }

    /// The fewest bytes that a walk within the period ships; 0 without a base.
    pub fn fewest_bytes(&self, problem: &Problem) -> f64 {
        let Some(bytes) = &self.bytes else { return 0.0 };
        self.first_hosts(problem).map(|host| bytes[host].least).fold(f64::INFINITY, f64::min)
    }

    fn first_hosts(&self, problem: &Problem) -> impl Iterator<Item = usize> {
        (0..self.hosts).filter(|&host| {
            let input_s = problem.input_s[host];
            input_s <= self.period_s && input_s <= self.most_receive_s(host, 0)
        })
    }

    /// What follows a stage that ends on a host.
    fn go_on(&self, problem: &Problem, host: usize, end: usize, behind: &mut Behind) {
        let at = end * self.hosts + host;
        let (mut latency, mut bytes, mut shortest_s) = (Two::NONE, Two::NONE, f64::INFINITY);
        if end == problem.blocks() {
            shortest_s = problem.output_s[host];
            if shortest_s <= self.period_s {
                latency.add(shortest_s, NOWHERE);
                bytes.add(0.0, NOWHERE);
            }
        } else {
            let row = end * self.hosts..(end + 1) * self.hosts;
            let bytes_row = self.bytes.as_ref().map(|bytes| &bytes[row.clone()]);
            let row = &self.latency[row];
            problem.links.for_each_transfer(host, problem.load_bits[end], |to, hop_s| {
                let rest_s = row[to].avoiding(host);
                if hop_s <= self.period_s && hop_s <= self.most_receive_s(to, end) && rest_s.is_finite() {
                    latency.add(hop_s + rest_s, to as u32);
                    if let Some(row) = bytes_row {
                        bytes.add(row[to].avoiding(host), to as u32);
                    }
                    shortest_s = shortest_s.min(hop_s);
                }
            });
        }
        (behind.latency[at], behind.bytes[at], behind.shortest_s[at]) = (latency, bytes, shortest_s);
    }

    fn start_at(
        &mut self,
        problem: &Problem,
        shipping: Option<&Shipping>,
        start: usize,
        behind: &Behind,
        stop: &dyn Fn() -> bool,
    ) -> Option<()> {
        let slack_s = self.period_s * ROUNDING;
        let mut ends: Vec<Vec<(usize, f64)>> = vec![Vec::new(); problem.groups.len()];
        for (group, ends) in ends.iter_mut().enumerate() {
            problem.ends_in_memory(group, start, |end| {
                let compute_s = problem.compute_s(group, start, end);
                if compute_s <= self.period_s {
                    ends.push((end, compute_s));
                }
            });
        }
        for host in 0..self.hosts {
            if host % 64 == 0 && stop() {
                return None;
            }
            let at = start * self.hosts + host;
            for &(end, compute_s) in &ends[problem.group_of[host]] {
                let after = end * self.hosts + host;
                if let Some(most) = &mut self.receive_s {
                    let left_s = self.period_s - compute_s - behind.shortest_s[after] + slack_s;
                    if left_s < 0.0 {
                        continue;
                    }
                    most[at] = most[at].max(left_s);
                }
                self.latency[at].follow(compute_s, &behind.latency[after]);
                if let (Some(bytes), Some(shipping)) = (&mut self.bytes, shipping) {
                    bytes[at].follow(shipping.bytes(host, start, end), &behind.bytes[after]);
                }
            }
        }
        Some(())
    }
}

//! Completion bounds: what the walk relaxation needs at least from a start on a host to the end, within a period.
//!
//! A backward dynamic programme over positions in which a walk may come back to a host, but not by the next step but
//! one: cycles of two hosts are left out (Houck, Picard, Queyranne and Vemuganti 1980), since the fastest link tempts
//! every walk to go to and fro. With overlap `none` it also says how much a host may receive at most so that the rest
//! is possible. O(m n² + n m²) time, O(m n) memory.
//!
//! Sums are associated backwards here and forwards in the cost model, so a bound is used with [`ROUNDING`].

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

    #[inline]
    fn avoiding(&self, host: usize) -> f64 {
        if self.next as usize == host { self.other } else { self.least }
    }
}

impl ToGo {
    /// Tabulates a problem at a period; `None` when told to stop.
    pub fn new(problem: &Problem, period_s: f64, stop: &dyn Fn() -> bool) -> Option<Self> {
        let (hosts, blocks) = (problem.hosts.len(), problem.blocks());
        let one_at_a_time = problem.overlap == Overlap::None && period_s < f64::MAX;
        let mut to_go = Self {
            hosts,
            latency: vec![Two::NONE; (blocks + 1) * hosts],
            receive_s: one_at_a_time.then(|| vec![f64::NEG_INFINITY; (blocks + 1) * hosts]),
            period_s,
        };
        // Behind an end: the rest of the latency with its first hop, and the shortest first hop.
        let mut behind = vec![Two::NONE; (blocks + 1) * hosts];
        let mut shortest_s = vec![f64::INFINITY; (blocks + 1) * hosts];
        for start in (0..blocks).rev() {
            let end = start + 1;
            for host in 0..hosts {
                if host % 64 == 0 && stop() {
                    return None;
                }
                let at = end * hosts + host;
                (behind[at], shortest_s[at]) = to_go.behind(problem, host, end);
            }
            to_go.start_at(problem, start, &behind, &shortest_s, stop)?;
        }
        Some(to_go)
    }

    /// The least latency from a start on a host to the end, the host's own stage included; infinite where there is no
    /// way. The walk came from `before`.
    #[inline]
    pub fn latency_s(&self, host: usize, start: usize, before: usize) -> f64 {
        self.latency[start * self.hosts + host].avoiding(before)
    }

    /// The most seconds in which a host may receive what starts there.
    #[inline]
    pub fn most_receive_s(&self, host: usize, start: usize) -> f64 {
        self.receive_s.as_ref().map_or(f64::INFINITY, |most| most[start * self.hosts + host])
    }

    /// The least latency of all walks within the period; infinite where there is none.
    pub fn least_latency_s(&self, problem: &Problem) -> f64 {
        let from = |host: usize| {
            let input_s = problem.input_s[host];
            let possible = input_s <= self.period_s && input_s <= self.most_receive_s(host, 0);
            if possible { input_s + self.latency[host].least } else { f64::INFINITY }
        };
        (0..self.hosts).map(from).fold(f64::INFINITY, f64::min) * (1.0 - ROUNDING)
    }

    fn behind(&self, problem: &Problem, host: usize, end: usize) -> (Two, f64) {
        let mut two = Two::NONE;
        if end == problem.blocks() {
            let output_s = problem.output_s[host];
            if output_s <= self.period_s {
                two.add(output_s, NOWHERE);
            }
            return (two, output_s);
        }
        let mut shortest_s = f64::INFINITY;
        let row = &self.latency[end * self.hosts..(end + 1) * self.hosts];
        problem.links.for_each_transfer(host, problem.load_bits[end], |to, hop_s| {
            let rest_s = row[to].avoiding(host);
            if hop_s <= self.period_s && hop_s <= self.most_receive_s(to, end) && rest_s.is_finite() {
                two.add(hop_s + rest_s, to as u32);
                shortest_s = shortest_s.min(hop_s);
            }
        });
        (two, shortest_s)
    }

    fn start_at(
        &mut self,
        problem: &Problem,
        start: usize,
        behind: &[Two],
        shortest_s: &[f64],
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
                    let left_s = self.period_s - compute_s - shortest_s[after] + slack_s;
                    if left_s < 0.0 {
                        continue;
                    }
                    most[at] = most[at].max(left_s);
                }
                let Two { least, next, other, other_next } = behind[after];
                self.latency[at].add(compute_s + least, next);
                if other.is_finite() {
                    self.latency[at].add(compute_s + other, other_next);
                }
            }
        }
        Some(())
    }
}

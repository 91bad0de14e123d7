//! What the hosts that are left can still cover: the weighted capacity bounds, by kinds of host, or where nodes do one
//! thing at a time by single hosts, since each then has stages of its own that its links leave it time for.

use super::loads::Loads;
use crate::planner::bits::Bits;
use crate::planner::exact::at_period::AtPeriod;
use crate::planner::exact::capacity::{Capacity, Remaining, Verdict};
use crate::planner::problem::Problem;

/// The bounds at one period.
#[derive(Debug)]
pub enum Cover {
    /// The hosts together cannot cover the model.
    Impossible,
    /// They can, barely enough for the bounds to be of use.
    ByGroup(Capacity),
    /// Likewise, counted host by host.
    ByHost(Capacity),
    /// They can many times over.
    Irrelevant,
}

impl Cover {
    /// Judges the whole model. Where it is barely covered, stages are scarce: the loads are then counted by stages left.
    /// `None` when told to stop.
    pub fn new<const W: usize>(
        walks: &AtPeriod<'_, W>,
        loads: Option<&mut Loads>,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let problem = walks.problem;
        let by_group = match Capacity::judge(walks, stop)? {
            Verdict::Impossible => return Some(Self::Impossible),
            Verdict::Irrelevant => return Some(Self::Irrelevant),
            Verdict::Useful(by_group) => by_group,
        };
        let Some(loads) = loads else { return Some(Self::ByGroup(by_group)) };
        loads.count_stages(problem, stop)?;
        let furthest = loads.furthest_ends(problem, stop)?;
        Some(match Capacity::judge_kinds(problem, &furthest, &each_host(problem), stop)? {
            Verdict::Impossible => Self::Impossible,
            Verdict::Useful(by_host) => Self::ByHost(by_host),
            Verdict::Irrelevant => Self::ByGroup(by_group),
        })
    }

    /// Of starts on a host those from which the hosts that are left can cover the rest; `visited` are not left, nor is
    /// the host, and so many stages may follow.
    pub fn admitted<const W: usize>(
        &self,
        problem: &Problem,
        host: usize,
        visited: impl Iterator<Item = usize>,
        stages: usize,
        starts: Bits<W>,
    ) -> Bits<W> {
        let (capacity, mut remaining) = match self {
            Self::Impossible => return Bits::EMPTY,
            Self::Irrelevant => return starts,
            Self::ByGroup(capacity) => (capacity, Remaining::all(problem)),
            Self::ByHost(capacity) => (capacity, each_host(problem)),
        };
        let kind = |host: usize| if matches!(self, Self::ByHost(_)) { host } else { problem.group_of[host] };
        remaining.stages = stages;
        remaining.by_group[kind(host)] -= 1;
        for node in visited.filter(|&node| node != host) {
            remaining.by_group[kind(node)] -= 1;
        }
        capacity.admitted(kind(host), starts, &remaining)
    }

    /// Whether it takes no start away from anyone.
    pub fn is_irrelevant(&self) -> bool {
        matches!(self, Self::Irrelevant)
    }
}

fn each_host(problem: &Problem) -> Remaining {
    Remaining { by_group: vec![1; problem.hosts.len()], stages: problem.most_stages }
}

//! What a placement must keep to, what is to be least, and which sums a partial walk must therefore carry.

use crate::domain::options::Overlap;
use crate::planner::problem::Problem;

/// Limits of a decision; infinite, or `f64::MAX` for the period, where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The largest period.
    pub period_s: f64,
    /// The largest latency.
    pub latency_s: f64,
}

/// What is to be least within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The latency.
    Latency,
    /// The number of stages.
    Stages,
}

/// Which sums decide between two partial walks; the others stay 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The latency has a limit or is the goal.
    pub latency: bool,
    /// A node does one thing at a time, and the period has a limit.
    pub loads: bool,
    /// The source may host a stage or is the sink too: what it sends is remembered.
    pub source: bool,
    /// The sink may host a stage: the load of that stage is remembered until the output's transfer is known.
    pub sink: bool,
}

impl Counted {
    /// What counts within limits.
    pub fn new(problem: &Problem, limits: &Limits, goal: Goal) -> Self {
        let loads = problem.overlap == Overlap::None && limits.period_s < f64::MAX;
        Self {
            latency: goal == Goal::Latency || limits.latency_s.is_finite(),
            loads,
            source: loads && (problem.source_host.is_some() || problem.one_end),
            sink: loads && problem.sink_host.is_some(),
        }
    }
}

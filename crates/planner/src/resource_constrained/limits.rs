//! What a placement must keep to, what is to be least, and which sums a partial walk must therefore carry.

use crate::domain::options::Overlap;
use crate::instance::Instance;

/// Limits of a decision; infinite where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The largest latency.
    pub latency_s: f64,
    /// The most bytes shipped.
    pub shipped_bytes: f64,
}

impl Limits {
    /// A limit of latency alone.
    pub fn of_latency(latency_s: f64) -> Self {
        Self { latency_s, shipped_bytes: f64::INFINITY }
    }
}

/// What is to be least within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The latency.
    Latency,
    /// The bytes shipped.
    Bytes,
    /// The number of stages.
    Stages,
}

impl Goal {
    /// The limits under which only values up to this one are left.
    pub fn at_most(self, limits: Limits, value: f64) -> Limits {
        match self {
            Self::Latency => Limits { latency_s: limits.latency_s.min(value), ..limits },
            Self::Bytes => Limits { shipped_bytes: limits.shipped_bytes.min(value), ..limits },
            Self::Stages => limits,
        }
    }

    /// The limits under which only values below this one are left. Bytes are whole numbers.
    pub fn below(self, limits: Limits, value: f64) -> Limits {
        self.at_most(limits, if self == Self::Bytes { value - 1.0 } else { value.next_down() })
    }
}

/// Which sums decide between two partial walks; the others stay 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The latency has a limit or is the goal.
    pub latency: bool,
    /// The bytes shipped have a limit or are the goal.
    pub bytes: bool,
    /// A node does one thing at a time, and the period has a limit.
    pub loads: bool,
    /// The source may host a stage or is the sink too: what it sends is remembered.
    pub source: bool,
    /// The sink may host a stage: the load of that stage is remembered until the output's transfer is known.
    pub sink: bool,
}

impl Counted {
    /// What counts within limits.
    pub fn new(instance: &Instance, period_s: f64, limits: &Limits, goal: Goal) -> Self {
        let loads = instance.overlap == Overlap::None && period_s < f64::MAX;
        Self {
            latency: goal == Goal::Latency || limits.latency_s.is_finite(),
            bytes: goal == Goal::Bytes || limits.shipped_bytes.is_finite(),
            loads,
            source: loads && (instance.source_host.is_some() || instance.one_end),
            sink: loads && instance.sink_host.is_some(),
        }
    }
}

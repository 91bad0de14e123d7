//! What a placement must keep to, and what is to be least.

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

//! Limits on placements, and the goal that is minimised within them.

/// The limits of a decision. A limit is infinite if there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The largest latency allowed, in seconds.
    pub latency_s: f64,
    /// The most bytes that may be shipped.
    pub shipped_bytes: f64,
}

impl Limits {
    /// Returns limits with a largest latency in seconds, and no limit on shipped bytes.
    pub fn of_latency(latency_s: f64) -> Self {
        Self { latency_s, shipped_bytes: f64::INFINITY }
    }
}

/// What is minimised within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The latency in seconds.
    Latency,
    /// The bytes shipped.
    Bytes,
    /// The number of stages.
    Stages,
    /// The seconds for which the busiest medium in play is occupied. Only for beams: nothing is proven about it.
    Occupation,
}

impl Goal {
    /// Returns the limits narrowed to values of at most `value`. For [`Goal::Stages`] they are
    /// unchanged: the number of stages is not among the limits.
    pub fn at_most(self, limits: Limits, value: f64) -> Limits {
        match self {
            Self::Latency => Limits { latency_s: limits.latency_s.min(value), ..limits },
            Self::Bytes => Limits { shipped_bytes: limits.shipped_bytes.min(value), ..limits },
            Self::Stages | Self::Occupation => limits,
        }
    }

    /// Returns the limits narrowed to values below `value`. Bytes are whole numbers.
    pub fn below(self, limits: Limits, value: f64) -> Limits {
        self.at_most(limits, if self == Self::Bytes { value - 1.0 } else { value.next_down() })
    }
}

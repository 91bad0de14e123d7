//! The resource latency: seconds since the input left the source.

use super::{Hop, Resource, Stage, Start, Within};
use crate::cost::ROUNDING;
use crate::index::Host;
use crate::instance::Instance;
use crate::resource_constrained::limits::{Goal, Limits};

/// Seconds since the input left the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency(pub f64);

impl Latency {
    /// Returns a lower bound in seconds of the latency of all walks that continue this one.
    #[inline]
    pub fn least(self, within: &Within<'_>, start: &Start) -> f64 {
        let bounds = within.completion_bounds;
        let rest_s = bounds.map_or(0.0, |bounds| bounds.latency_s(start.host, start.position, start.before));
        (self.0 + rest_s) * (1.0 - ROUNDING)
    }
}

impl Resource for Latency {
    type Counted = bool;

    fn counted(_instance: &Instance, _period_s: f64, limits: &Limits, goal: Goal) -> bool {
        goal == Goal::Latency || limits.latency_s.is_finite()
    }

    fn begin(within: &Within<'_>, host: Host) -> Self {
        let instance = within.instance;
        Self(if within.counted.latency { instance.input_s[host] + instance.input_delay_s[host] } else { 0.0 })
    }

    #[inline]
    fn stage(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        if within.counted.latency {
            self.0 += stage.compute_s;
        }
        self.0 <= within.limits.latency_s
    }

    #[inline]
    fn hop(&mut self, within: &Within<'_>, hop: &Hop) -> bool {
        if within.counted.latency {
            self.0 += hop.seconds + within.instance.delays.get(hop.from, hop.to);
        }
        true
    }

    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        self.stage(within, stage);
        if within.counted.latency {
            self.0 += within.instance.output_s[stage.host] + within.instance.output_delay_s[stage.host];
        }
        self.0 <= within.limits.latency_s
    }

    #[inline]
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool {
        !within.counted.latency || self.least(within, start) <= within.limits.latency_s
    }

    #[inline]
    fn no_worse(&self, other: &Self) -> bool {
        self.0 <= other.0
    }
}

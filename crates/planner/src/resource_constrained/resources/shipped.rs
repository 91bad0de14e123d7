//! The resource of shipped bytes: parameters shipped to the hosts visited.

use super::{Resource, Stage, Start, Within};
use crate::index::Host;
use crate::instance::Instance;
use crate::resource_constrained::limits::{Goal, Limits};

/// Bytes shipped to the hosts visited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shipped(pub f64);

impl Shipped {
    /// Returns the fewest bytes that any walk that continues this one ships in all.
    #[inline]
    pub fn fewest(self, within: &Within<'_>, start: &Start) -> f64 {
        let bounds = within.completion_bounds;
        self.0 + bounds.map_or(0.0, |bounds| bounds.shipped_bytes(start.host, start.position, start.before))
    }
}

impl Resource for Shipped {
    type Counted = bool;

    fn counted(_instance: &Instance, _period_s: f64, limits: &Limits, goal: Goal) -> bool {
        goal == Goal::Bytes || limits.shipped_bytes.is_finite()
    }

    fn begin(_within: &Within<'_>, _host: Host) -> Self {
        Self(0.0)
    }

    #[inline]
    fn stage(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        if let Some(shipping) = within.shipping.filter(|_| within.counted.shipped) {
            self.0 += shipping.bytes(stage.host, stage.start, stage.end);
        }
        self.0 <= within.limits.shipped_bytes
    }

    #[inline]
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool {
        !within.counted.shipped || self.fewest(within, start) <= within.limits.shipped_bytes
    }

    #[inline]
    fn no_worse(&self, other: &Self) -> bool {
        self.0 <= other.0
    }
}

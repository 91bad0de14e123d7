//! The seconds for which the walk's last host has occupied the medium that only its own transfers use, such as a half-duplex
//! port. Their limit is the period.

use super::{Hop, Resource, Stage, Start, Within};
use crate::index::{Host, Position};
use crate::instance::Instance;
use crate::resource_constrained::limits::{Goal, Limits};
use crate::shared_media::OwnMedia;

/// Seconds for which the last host's own medium is occupied by what it received.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OwnMedium(f64);

#[inline]
fn own<'t>(within: &Within<'t>) -> Option<&'t OwnMedia> {
    let media = within.instance.shared_media.as_deref().filter(|_| within.counted.own_medium)?;
    media.own.as_ref()
}

impl Resource for OwnMedium {
    type Counted = bool;

    fn counted(instance: &Instance, period_s: f64, _limits: &Limits, _goal: Goal) -> bool {
        period_s < f64::MAX && instance.shared_media.as_ref().is_some_and(|media| media.own.is_some())
    }

    fn begin(within: &Within<'_>, host: Host) -> Self {
        let received = |own: &OwnMedia| within.instance.load_bits[Position::FIRST] / own.input_bps[host];
        Self(own(within).map_or(0.0, received))
    }

    #[inline]
    fn stage(&mut self, _within: &Within<'_>, _stage: &Stage) -> bool {
        true
    }

    #[inline]
    fn hop(&mut self, within: &Within<'_>, hop: &Hop) -> bool {
        let Some(own) = own(within) else { return true };
        let load_bits = within.instance.load_bits[hop.position];
        let occupied_s = self.0 + load_bits / own.sent_bps[(hop.from, hop.to)];
        self.0 = load_bits / own.received_bps[(hop.from, hop.to)];
        occupied_s <= within.period_s
    }

    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        let Some(own) = own(within) else { return true };
        self.0 + within.instance.load_bits[stage.end] / own.output_bps[stage.host] <= within.period_s
    }

    #[inline]
    fn admits(&self, within: &Within<'_>, _start: &Start) -> bool {
        self.0 <= within.period_s
    }

    #[inline]
    fn no_worse(&self, other: &Self) -> bool {
        self.0 <= other.0
    }
}

//! The seconds for which a medium in play is occupied, and the prices of the hosts that the walk uses. A placement pays at
//! most one price of each host, so their limit is the period and the sum of all prices.

use super::{Hop, Occupation, Resource, Stage, Start, Within};
use crate::cost::ROUNDING;
use crate::index::{Host, Position};
use crate::instance::Instance;
use crate::resource_constrained::limits::{Goal, Limits};

/// Seconds of occupation and of prices.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Priced(f64);

#[inline]
fn keeps(within: &Within<'_>, occupation: &Occupation, seconds: f64) -> bool {
    seconds * (1.0 - ROUNDING) <= within.period_s + occupation.all_prices_s
}

impl Resource for Priced {
    type Counted = bool;

    fn counted(instance: &Instance, period_s: f64, _limits: &Limits, _goal: Goal) -> bool {
        instance.shared_media.is_some() && period_s < f64::MAX
    }

    fn begin(within: &Within<'_>, host: Host) -> Self {
        let load_bits = within.instance.load_bits[Position::FIRST];
        Self(within.priced.map_or(0.0, |it| load_bits / it.medium.input_bps[host] + it.prices[host]))
    }

    #[inline]
    fn stage(&mut self, _within: &Within<'_>, _stage: &Stage) -> bool {
        true
    }

    #[inline]
    fn hop(&mut self, within: &Within<'_>, hop: &Hop) -> bool {
        if let Some(it) = within.priced {
            let load_bits = within.instance.load_bits[hop.position];
            self.0 += load_bits / it.medium.hop_bps[(hop.from, hop.to)] + it.prices[hop.to];
        }
        true
    }

    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        let Some(it) = within.priced else { return true };
        self.0 += within.instance.load_bits[stage.end] / it.medium.output_bps[stage.host];
        keeps(within, it, self.0)
    }

    #[inline]
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool {
        let Some(it) = within.priced else { return true };
        keeps(within, it, self.0 + it.completion_s(start.host, start.position, start.before))
    }

    #[inline]
    fn no_worse(&self, other: &Self) -> bool {
        self.0 <= other.0
    }
}

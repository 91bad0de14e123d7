//! The seconds for which media in play are occupied, by all transfers of the walk. Their limit is the period.

use super::{Hop, Resource, Stage, Start, Within};
use crate::cost::ROUNDING;
use crate::index::{Host, Position};
use crate::instance::Instance;
use crate::resource_constrained::limits::{Goal, Limits};
use crate::shared_media::MOST_IN_PLAY;

/// Seconds for which each medium in play is occupied.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Occupied([f64; MOST_IN_PLAY]);

impl Occupied {
    /// The seconds of the busiest medium.
    pub fn most(self) -> f64 {
        self.0.into_iter().fold(0.0, f64::max)
    }

    /// The least seconds of the busiest medium to which a walk can lead.
    pub fn least(self, within: &Within<'_>, start: &Start) -> f64 {
        let least = |(seconds, occupation): (f64, &super::Occupation)| {
            seconds + occupation.completion_s(start.host, start.position, start.before)
        };
        self.0.into_iter().zip(within.occupations).map(least).fold(0.0, f64::max) * (1.0 - ROUNDING)
    }
}

impl Resource for Occupied {
    type Counted = bool;

    fn counted(instance: &Instance, period_s: f64, _limits: &Limits, goal: Goal) -> bool {
        instance.shared_media.is_some() && (period_s < f64::MAX || goal == Goal::Occupation)
    }

    fn begin(within: &Within<'_>, host: Host) -> Self {
        let mut occupied = Self::default();
        if within.counted.occupied {
            let load_bits = within.instance.load_bits[Position::FIRST];
            for (seconds, occupation) in occupied.0.iter_mut().zip(within.occupations) {
                *seconds += load_bits / occupation.medium.input_bps[host];
            }
        }
        occupied
    }

    #[inline]
    fn stage(&mut self, _within: &Within<'_>, _stage: &Stage) -> bool {
        true
    }

    #[inline]
    fn hop(&mut self, within: &Within<'_>, hop: &Hop) -> bool {
        if !within.counted.occupied {
            return true;
        }
        let load_bits = within.instance.load_bits[hop.position];
        for (seconds, occupation) in self.0.iter_mut().zip(within.occupations) {
            *seconds += load_bits / occupation.medium.hop_bps[(hop.from, hop.to)];
        }
        true
    }

    fn end(&mut self, within: &Within<'_>, stage: &Stage) -> bool {
        if !within.counted.occupied {
            return true;
        }
        let load_bits = within.instance.load_bits[stage.end];
        let mut keeps = true;
        for (seconds, occupation) in self.0.iter_mut().zip(within.occupations) {
            *seconds += load_bits / occupation.medium.output_bps[stage.host];
            keeps &= *seconds <= within.period_s;
        }
        keeps
    }

    #[inline]
    fn admits(&self, within: &Within<'_>, start: &Start) -> bool {
        if !within.counted.occupied {
            return true;
        }
        self.0.iter().zip(within.occupations).all(|(seconds, occupation)| {
            let rest_s = occupation.completion_s(start.host, start.position, start.before);
            (seconds + rest_s) * (1.0 - ROUNDING) <= within.period_s
        })
    }

    #[inline]
    fn no_worse(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, other)| own <= other)
    }
}

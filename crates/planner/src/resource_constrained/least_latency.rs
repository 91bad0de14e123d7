//! The least latency, or the fewest bytes shipped, within a period: bound and best placement close in on each other with rising effort.
//!
//! First a search right below the best known: where that is the best already, one proof ends all. Where it takes more
//! than the effort allows, searches with smaller limits, in growing steps up from the bound: they are cheaper, raise the
//! bound and teach what walks must remember. Then all again with more effort.

use super::decide::{Tables, WIDTH};
use super::effort::{Effort, beam_width};
use super::limits::{Goal, Limits};
use crate::cost::Assignment;
use crate::exact::neighbourhood::Neighbourhoods;

/// The parts of the gap in which the first step is made, and within which undecided limits are left alone.
const STEPS: f64 = 64.0;

/// Receives what a search finds.
pub struct Listener<'h> {
    /// Called with a placement within the limits whose value is smaller than all before.
    pub placement: &'h mut dyn FnMut(Assignment),
    /// Called with a value that no placement within the limits is below.
    pub bound: &'h mut dyn FnMut(f64),
    /// When to end.
    pub stop: &'h dyn Fn() -> bool,
}

/// Looks for placements within limits with a value below `high`. Returns the best value (`high` where there is none)
/// and whether it is proven that none is smaller.
pub fn close_in<const W: usize>(
    tables: &Tables<'_, W>,
    neighbourhoods: &mut Neighbourhoods,
    (goal, limits): (Goal, Limits),
    high: f64,
    effort: Effort,
    listener: &mut Listener<'_>,
) -> (f64, bool) {
    let mut gap = Gap { tables, goal, limits, low: 0.0, high, listener };
    gap.raise(tables.least(goal));
    let mut width = WIDTH;
    for most_labels in effort.rising() {
        if gap.is_closed() || (gap.listener.stop)() {
            break;
        }
        gap.beam(width);
        width = beam_width(most_labels);
        // What a hard search makes walks remember would slow the easier ones down.
        let before = neighbourhoods.clone();
        if !gap.search_below(gap.high, neighbourhoods, most_labels) {
            *neighbourhoods = before;
            gap.climb(neighbourhoods, most_labels);
        }
    }
    (gap.high, gap.is_closed())
}

struct Gap<'g, 'h, 't, const W: usize> {
    tables: &'g Tables<'t, W>,
    goal: Goal,
    limits: Limits,
    low: f64,
    high: f64,
    listener: &'g mut Listener<'h>,
}

impl<const W: usize> Gap<'_, '_, '_, W> {
    fn is_closed(&self) -> bool {
        self.low >= self.high
    }

    fn raise(&mut self, bound: f64) {
        let bound = self.goal.rounded_up(bound);
        if bound > self.low {
            self.low = bound.min(self.high);
            (self.listener.bound)(self.low);
        }
    }

    fn lower(&mut self, (placement, value): (Assignment, f64)) {
        self.high = value;
        (self.listener.placement)(placement);
    }

    fn beam(&mut self, width: usize) {
        let limits = self.goal.below(self.limits, self.high);
        if let Some(found) = self.tables.beam(limits, self.goal, width, self.listener.stop) {
            self.lower(found);
        }
    }

    /// Searches for placements with a smaller value than `below`. Returns `true` if that was decided.
    fn search_below(&mut self, below: f64, neighbourhoods: &mut Neighbourhoods, most_labels: usize) -> bool {
        let limits = self.goal.below(self.limits, below);
        let decision = self.tables.decide(limits, self.goal, neighbourhoods, most_labels, self.listener.stop);
        let least = decision.placement.as_ref().map_or(below, |(_, value)| *value);
        if let Some(found) = decision.placement {
            self.lower(found);
        }
        self.raise(if decision.decided { least } else { decision.bound });
        decision.decided
    }

    fn climb(&mut self, neighbourhoods: &mut Neighbourhoods, most_labels: usize) {
        let mut undecided = self.high;
        let whole = if self.high.is_finite() { self.high - self.low } else { self.low.max(1e-6) };
        let mut step = whole / STEPS;
        while !self.is_closed() && !(self.listener.stop)() && undecided - self.low > whole / STEPS {
            let mut below = self.low + step;
            if below >= undecided {
                below = self.low + (undecided - self.low) / 2.0;
            }
            if below <= self.low {
                return;
            }
            if self.search_below(below, neighbourhoods, most_labels) {
                step *= 2.0;
            } else {
                undecided = below.min(self.high);
                step = (undecided - self.low) / 2.0;
            }
        }
    }
}

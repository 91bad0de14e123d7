//! The least latency within a period: bound and best placement close in on each other with rising effort.
//!
//! First a search right below the best known: where that is the best already, one proof ends all. Where it takes more
//! than the effort allows, searches with smaller limits, in growing steps up from the bound: they are cheaper, raise the
//! bound and teach what walks must remember. Then all again with more effort.

use super::decide::Tables;
use super::effort::Effort;
use super::limits::Goal;
use crate::planner::cost::Assignment;
use crate::planner::exact::neighbourhood::Neighbourhoods;

/// The parts of the gap in which the first step is made, and within which undecided limits are left alone.
const STEPS: f64 = 64.0;

/// Who hears of what is found.
pub struct Heard<'h> {
    /// A placement within the period with a latency below all before.
    pub placement: &'h mut dyn FnMut(Assignment),
    /// No placement within the period has a smaller latency.
    pub bound: &'h mut dyn FnMut(f64),
    /// When to end.
    pub stop: &'h dyn Fn() -> bool,
}

/// Looks for placements with a latency below `high_s`. Returns the best latency (`high_s` where there is none) and
/// whether it is proven that none is smaller.
pub fn close_in<const W: usize>(
    tables: &Tables<'_, W>,
    neighbourhoods: &mut Neighbourhoods,
    high_s: f64,
    effort: Effort,
    heard: &mut Heard<'_>,
) -> (f64, bool) {
    let mut gap = Gap { tables, low_s: 0.0, high_s, heard };
    gap.raise(tables.least_latency_s());
    gap.beam();
    for most_entries in effort.rising() {
        if gap.is_closed() || (gap.heard.stop)() {
            break;
        }
        // What a hard search makes walks remember would slow the easier ones down.
        let before = neighbourhoods.clone();
        if !gap.search_below(gap.high_s, neighbourhoods, most_entries) {
            *neighbourhoods = before;
            gap.climb(neighbourhoods, most_entries);
        }
    }
    (gap.high_s, gap.is_closed())
}

struct Gap<'g, 'h, 't, const W: usize> {
    tables: &'g Tables<'t, W>,
    low_s: f64,
    high_s: f64,
    heard: &'g mut Heard<'h>,
}

impl<const W: usize> Gap<'_, '_, '_, W> {
    fn is_closed(&self) -> bool {
        self.low_s >= self.high_s
    }

    fn raise(&mut self, bound_s: f64) {
        if bound_s > self.low_s {
            self.low_s = bound_s.min(self.high_s);
            (self.heard.bound)(self.low_s);
        }
    }

    fn lower(&mut self, (placement, latency_s): (Assignment, f64)) {
        self.high_s = latency_s;
        (self.heard.placement)(placement);
    }

    fn beam(&mut self) {
        if let Some(found) = self.tables.beam(self.high_s.next_down(), Goal::Latency, self.heard.stop) {
            self.lower(found);
        }
    }

    /// Searches what is below a latency; whether that was decided.
    fn search_below(&mut self, below_s: f64, neighbourhoods: &mut Neighbourhoods, most_entries: usize) -> bool {
        let limit_s = below_s.next_down();
        let decision = self.tables.decide(limit_s, Goal::Latency, neighbourhoods, most_entries, self.heard.stop);
        let least_s = decision.placement.as_ref().map_or(below_s, |(_, latency_s)| *latency_s);
        if let Some(found) = decision.placement {
            self.lower(found);
        }
        self.raise(if decision.decided { least_s } else { decision.bound });
        decision.decided
    }

    fn climb(&mut self, neighbourhoods: &mut Neighbourhoods, most_entries: usize) {
        let mut undecided_s = self.high_s;
        let whole_s = if self.high_s.is_finite() { self.high_s - self.low_s } else { self.low_s.max(1e-6) };
        let mut step_s = whole_s / STEPS;
        while !self.is_closed() && !(self.heard.stop)() && undecided_s - self.low_s > whole_s / STEPS {
            let mut below_s = self.low_s + step_s;
            if below_s >= undecided_s {
                below_s = self.low_s + (undecided_s - self.low_s) / 2.0;
            }
            if below_s <= self.low_s {
                return;
            }
            if self.search_below(below_s, neighbourhoods, most_entries) {
                step_s *= 2.0;
            } else {
                undecided_s = below_s.min(self.high_s);
                step_s = (undecided_s - self.low_s) / 2.0;
            }
        }
    }
}

//! Search for the least latency, or the fewest bytes shipped, within a period.
//!
//! The goal of each decision is a resource that labels sum.

use std::cell::Cell;

use crate::cost::Assignment;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::resource_constrained::{Goal, Limits, Tables};
use crate::search::effort::{QUICK_WIDTH, beam_width};
use crate::search::{Effort, Gap, Oracle, Pace, Scale, close};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Receives the results of a search while it runs.
pub struct Listener<'h> {
    /// Called with each placement within the limits whose value is smaller than all before.
    pub placement: &'h mut dyn FnMut(Assignment),
    /// Called with each raised bound: no placement within the limits has a smaller value.
    pub bound: &'h dyn Fn(f64),
    /// Returns `true` if the search must end.
    pub stop: &'h dyn Fn() -> bool,
}

/// Searches for placements within limits whose value is below `high`. Values are in seconds or
/// bytes, as the goal says.
///
/// Returns the best value found, or `high` if there is none, and whether it is proven that no
/// placement within the limits has a smaller value.
pub fn close_in<const W: usize>(
    tables: &Tables<'_, W>,
    neighbourhoods: &mut Neighbourhoods,
    (goal, limits): (Goal, Limits),
    high: f64,
    effort: Effort,
    listener: &mut Listener<'_>,
) -> Result<(f64, bool), Stopped> {
    let mut sum = LeastSum { tables, neighbourhoods, goal, limits, low: Cell::new(0.0), high, listener };
    sum.raise(tables.least(goal));
    if !sum.has_ended() {
        sum.beam(QUICK_WIDTH);
    }
    close(&mut sum, effort)?;
    Ok((sum.high, sum.bound() >= sum.high))
}

struct LeastSum<'g, 'h, 't, const W: usize> {
    tables: &'g Tables<'t, W>,
    neighbourhoods: &'g mut Neighbourhoods,
    goal: Goal,
    limits: Limits,
    low: Cell<f64>,
    high: f64,
    listener: &'g mut Listener<'h>,
}

impl<const W: usize> LeastSum<'_, '_, '_, W> {
    fn lower(&mut self, found: Option<(Assignment, f64)>) {
        if let Some((placement, value)) = found {
            self.high = value;
            (self.listener.placement)(placement);
        }
    }

    fn beam(&mut self, width: usize) {
        let limits = self.goal.below(self.limits, self.high);
        let found = self.tables.beam(limits, self.goal, width, self.listener.stop);
        self.lower(found);
    }
}

impl<const W: usize> Gap for LeastSum<'_, '_, '_, W> {
    fn bound(&self) -> f64 {
        self.low.get()
    }

    fn value(&self) -> f64 {
        self.high
    }

    fn must_end(&self) -> bool {
        (self.listener.stop)()
    }

    fn raise(&self, bound: f64) {
        let bound = if self.goal == Goal::Bytes { bound.ceil() } else { bound };
        if bound > self.low.get() {
            self.low.set(bound.min(self.high));
            (self.listener.bound)(self.low.get());
        }
    }
}

impl<const W: usize> Oracle for LeastSum<'_, '_, '_, W> {
    type Learnt = Neighbourhoods;

    const PACE: Pace = Pace::SUMS;

    fn gap(&self) -> &dyn Gap {
        self
    }

    fn learnt(&mut self) -> &mut Neighbourhoods {
        self.neighbourhoods
    }

    fn scale(&mut self, _labels: usize) -> Result<Scale, Stopped> {
        Ok(if self.goal == Goal::Bytes { Scale::Whole } else { Scale::Reals })
    }

    /// Searches for the least value within the limit. If the search completes, that value is the
    /// new bound.
    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped> {
        let limits = self.goal.at_most(self.limits, limit);
        let decision = self.tables.decide(limits, self.goal, self.neighbourhoods, labels, self.listener.stop);
        let verdict = match &decision.placement {
            _ if !decision.decided => Verdict::Unknown,
            Some(_) => Verdict::Feasible,
            None => Verdict::Infeasible,
        };
        self.lower(decision.placement);
        match verdict {
            Verdict::Feasible => self.raise(self.high),
            Verdict::Unknown => self.raise(decision.bound),
            Verdict::Infeasible => {}
        }
        Ok(verdict)
    }

    fn improve(&mut self, labels: usize) -> Result<(), Stopped> {
        self.beam(beam_width(labels));
        Ok(())
    }
}

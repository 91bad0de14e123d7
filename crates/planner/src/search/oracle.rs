//! The interface between the controller and an objective.

use super::effort::Pace;
use super::scale::Scale;
use crate::incumbent::Incumbent;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// A proven bound and the best known value.
pub trait Gap {
    /// Returns the proven bound: no placement has a smaller value.
    fn bound(&self) -> f64;

    /// Returns the value of the best placement so far; infinite without one.
    fn value(&self) -> f64;

    /// Returns `true` if the search must end: the gap is small enough, or it was told to stop.
    fn must_end(&self) -> bool;

    /// Raises the bound. The caller has proven that no placement has a smaller value.
    fn raise(&self, bound: f64);

    /// Returns `true` if the bound has reached the value or the search must end.
    fn has_ended(&self) -> bool {
        self.bound() >= self.value() || self.must_end()
    }
}

impl Gap for Incumbent<'_> {
    fn bound(&self) -> f64 {
        self.bound()
    }

    fn value(&self) -> f64 {
        self.objective()
    }

    fn must_end(&self) -> bool {
        self.must_end()
    }

    fn raise(&self, bound: f64) {
        self.raise(bound);
    }
}

/// An objective whose limits can be decided: whether a placement exists whose value is at most a
/// limit.
///
/// An oracle offers each placement that it finds, which lowers the value of its gap. Efforts are
/// counted in labels.
pub trait Oracle {
    /// What decisions learn and the next ones use.
    type Learnt: Clone;

    /// How the limits of a round rise from the bound.
    const PACE: Pace;

    /// Returns the gap to be closed.
    fn gap(&self) -> &dyn Gap;

    /// Returns what has been learnt so far.
    fn learnt(&mut self) -> &mut Self::Learnt;

    /// Decides a limit with at most `labels` labels. If that is 0, heuristics and relaxations alone
    /// decide.
    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped>;

    /// Returns the values that the objective can have. If there are too many to be listed, it may
    /// decide some limits first.
    fn scale(&mut self, _labels: usize) -> Result<Scale, Stopped> {
        Ok(Scale::Reals)
    }

    /// Returns a limit that excludes no placement.
    fn largest(&self) -> f64 {
        f64::MAX
    }

    /// Searches for better placements after a round of decisions with `labels` labels. Proves
    /// nothing.
    fn improve(&mut self, _labels: usize) -> Result<(), Stopped> {
        Ok(())
    }
}

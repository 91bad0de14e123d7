//! What a controller asks of an objective.

use super::effort::Pace;
use super::scale::Scale;
use crate::incumbent::Incumbent;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// A proven bound and the best known value.
pub trait Gap {
    /// No placement has a smaller value.
    fn bound(&self) -> f64;

    /// The value of the best placement so far; infinite without one.
    fn value(&self) -> f64;

    /// Returns `true` if the search must end: the gap is small enough, or it was told to stop.
    fn must_end(&self) -> bool;

    /// Raises the bound. Every value below it is refuted.
    fn raise(&self, bound: f64);

    /// Returns `true` if nothing is left to search.
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

/// An objective that can be decided: whether a placement exists whose value is at most a limit.
///
/// An oracle offers each placement that it finds, so that the value of its gap falls. Efforts are counted in labels.
pub trait Oracle {
    /// What decisions teach the next ones.
    type Learnt: Clone;

    /// How limits rise from the bound.
    const PACE: Pace;

    /// The gap that is to be closed.
    fn gap(&self) -> &dyn Gap;

    /// What has been learnt so far.
    fn learnt(&mut self) -> &mut Self::Learnt;

    /// Decides a limit with at most so many labels; without labels, by heuristics and relaxations alone.
    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped>;

    /// The values that there can be. May decide some limits first, if there are too many values to be listed.
    fn scale(&mut self, _labels: usize) -> Result<Scale, Stopped> {
        Ok(Scale::Reals)
    }

    /// The limit that excludes no placement.
    fn largest(&self) -> f64 {
        f64::MAX
    }

    /// Looks for better placements after a round of decisions with so many labels. Proves nothing.
    fn improve(&mut self, _labels: usize) -> Result<(), Stopped> {
        Ok(())
    }
}

//! Who hears of a search that goes on where another one ended.

use crate::domain::options::Objective;
use crate::domain::placement::PlacementDocument;
use crate::env::Progress;
use crate::incumbent::Incumbent;

/// Passes on what is better than what the search before has told.
pub struct Better<'p> {
    /// Who hears of it.
    progress: &'p dyn Progress,
    /// What values are values of.
    objective: Objective,
    /// The value of the best placement before.
    value: f64,
    /// The bound before.
    bound: f64,
}

impl<'p> Better<'p> {
    /// Hears of what is better than the best so far.
    pub fn than(best: &Incumbent<'_>, progress: &'p dyn Progress) -> Self {
        let objective = best.instance.objective;
        Self { progress, objective, value: best.objective(), bound: best.claimed_bound() }
    }
}

impl Progress for Better<'_> {
    fn incumbent(&self, placement: &PlacementDocument) {
        if self.objective.value_of(placement).is_some_and(|value| value < self.value) {
            self.progress.incumbent(placement);
        }
    }

    fn lower_bound(&self, bound: f64) {
        if bound > self.bound {
            self.progress.lower_bound(bound);
        }
    }
}

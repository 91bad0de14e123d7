//! Progress of a search that continues another one.

use crate::domain::options::Objective;
use crate::domain::placement::PlacementDocument;
use crate::env::Progress;
use crate::incumbent::Incumbent;

/// Passes on only what is better than the best of the search before.
pub struct Better<'p> {
    /// The receiver of progress.
    progress: &'p dyn Progress,
    /// The objective of the values.
    objective: Objective,
    /// The value of the best placement of the search before.
    value: f64,
    /// The bound of the search before.
    bound: f64,
}

impl<'p> Better<'p> {
    /// Creates a receiver that passes on what is better than `best`.
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

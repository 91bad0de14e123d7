//! The effort of searches, counted in labels so that the same request gives the same answer on every machine.

use super::label_search::BYTES_PER_LABEL;
use crate::incumbent::Incumbent;

/// Labels that a search may use at first, and the factor by which that rises.
const FIRST_LABELS: usize = 20_000;
const MORE_LABELS: usize = 8;

/// A search of so many labels is worth one bucket in each layer of a beam.
const LABELS_PER_WIDTH: usize = 100;

/// A search of so many labels is worth one move of annealing; and the fewest moves.
const LABELS_PER_MOVE: usize = 2;
const FIRST_MOVES: usize = 20_000;

/// Bytes that the labels of a search may take.
const MOST_BYTES: usize = 768 << 20;

/// Up to so many hosts, secondary goals are searched to the end.
const FEW_HOSTS: usize = 12;

/// The most labels of the hardest search.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    most_labels: usize,
}

/// The width of the beam that goes with a search of so many labels.
pub fn beam_width(most_labels: usize) -> usize {
    most_labels / LABELS_PER_WIDTH
}

/// The moves of the annealing that goes with a search of so many labels.
pub fn annealing_moves(most_labels: usize) -> usize {
    (most_labels / LABELS_PER_MOVE).max(FIRST_MOVES)
}

impl Effort {
    /// As much as memory allows.
    pub const ALL: Self = Self { most_labels: MOST_BYTES / BYTES_PER_LABEL };

    /// For a search that closes the gap. A proof among some of the cuts claims nothing, so it gets little.
    pub fn of_proofs(incumbent: &Incumbent<'_>) -> Self {
        if incumbent.considers_all_cuts() { Self::ALL } else { Self { most_labels: FIRST_LABELS } }
    }

    /// For secondary goals: all on small clusters, little beyond, so that a proven answer does not wait long.
    pub fn of_ties(hosts: usize) -> Self {
        if hosts <= FEW_HOSTS { Self::ALL } else { Self { most_labels: FIRST_LABELS } }
    }

    /// The smallest allowance.
    pub fn first(self) -> usize {
        FIRST_LABELS.min(self.most_labels)
    }

    /// Allowances from the smallest to the largest.
    pub fn rising(self) -> impl Iterator<Item = usize> {
        let most = self.most_labels;
        let next = move |labels: &usize| (*labels < most).then(|| labels.saturating_mul(MORE_LABELS).min(most));
        std::iter::successors(Some(self.first()), next)
    }
}

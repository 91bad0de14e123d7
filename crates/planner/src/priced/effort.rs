//! How much searches may spend, counted in entries of labels so that the same request gives the same answer.

use super::labels::BYTES_PER_ENTRY;
use crate::incumbent::Incumbent;

/// Entries that a search may use at first, and the factor by which that rises.
const FIRST_ENTRIES: usize = 20_000;
const MORE_ENTRIES: usize = 8;

/// Entries of a search for each label of a beam's layer beside it.
const ENTRIES_PER_WIDTH: usize = 100;

/// Entries of a search for each move of an annealing beside it, and the moves of the first.
const ENTRIES_PER_MOVE: usize = 2;
const FIRST_MOVES: usize = 20_000;

/// Bytes that the labels of a search may take.
const MOST_BYTES: usize = 768 << 20;

/// Up to so many hosts what comes second is searched to the end.
const FEW_HOSTS: usize = 12;

/// The most entries of the hardest search.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    most_entries: usize,
}

/// The labels of a layer of a beam that is worth it beside a search of so many entries.
pub fn width_beside(most_entries: usize) -> usize {
    most_entries / ENTRIES_PER_WIDTH
}

/// The moves of an annealing that is worth it beside a search of so many entries.
pub fn moves_beside(most_entries: usize) -> usize {
    (most_entries / ENTRIES_PER_MOVE).max(FIRST_MOVES)
}

impl Effort {
    /// As much as memory allows.
    pub const ALL: Self = Self { most_entries: MOST_BYTES / BYTES_PER_ENTRY };

    /// For a search that closes the gap: a proof among some of the cuts would claim nothing, and gets little.
    pub fn of_proofs(incumbent: &Incumbent<'_>) -> Self {
        if incumbent.considers_all_cuts() { Self::ALL } else { Self { most_entries: FIRST_ENTRIES } }
    }

    /// For what comes second: all on small clusters, little beyond, so that a proven answer does not wait long.
    pub fn of_ties(hosts: usize) -> Self {
        if hosts <= FEW_HOSTS { Self::ALL } else { Self { most_entries: FIRST_ENTRIES } }
    }

    /// The smallest allowance.
    pub fn first(self) -> usize {
        FIRST_ENTRIES.min(self.most_entries)
    }

    /// Allowances from the smallest to the largest.
    pub fn rising(self) -> impl Iterator<Item = usize> {
        let most = self.most_entries;
        let next = move |entries: &usize| (*entries < most).then(|| entries.saturating_mul(MORE_ENTRIES).min(most));
        std::iter::successors(Some(self.first()), next)
    }
}

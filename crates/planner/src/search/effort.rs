//! The efforts of searches.
//!
//! Efforts are counted in labels, so that a request has the same answer on every machine.

use crate::incumbent::Incumbent;

/// The most labels of the first round.
pub const FIRST_LABELS: usize = 20_000;
/// The factor by which the most labels rise from round to round.
const MORE_LABELS: usize = 8;

/// The most labels of the last round.
const MOST_LABELS: usize = 20_000_000;
/// The most bytes that the labels of a round take.
const MOST_LABEL_BYTES: usize = 768 << 20;

/// The most labels for a proof right below the best value if the next decisions are cheap.
const PROBE_LABELS: usize = 3_000;

/// Beams that search for better placements between two rounds.
pub const BEAMS_PER_ROUND: usize = 8;
/// The width of the first beam on a thread of its own.
pub const FIRST_WIDTH: usize = 128;
/// The width of the widest beam on a thread of its own.
pub const MOST_WIDTH: usize = 1 << 16;

/// Buckets of a layer of a quick beam.
pub const QUICK_WIDTH: usize = 48;
/// Labels of a search for each bucket in the width of the beam that goes with it.
const LABELS_PER_WIDTH: usize = 100;

/// Annealings that may fail between two rounds.
pub const FAILED_ANNEALINGS: usize = 4;
/// The part of the gap by which the period of an annealing is below the best.
pub const ANNEALED_PART: f64 = 0.02;

/// Labels of a search for each move of the annealing that goes with it.
const LABELS_PER_MOVE: usize = 2;
/// The fewest moves of an annealing.
const FIRST_MOVES: usize = 20_000;

/// The most hosts for which the search for secondary goals has the full effort.
const FEW_HOSTS: usize = 12;

/// Multiples of the bound at which dives search first.
pub const DIVE_FACTORS: [f64; 9] = [1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0, f64::INFINITY];
/// How often dives halve the range after that.
pub const DIVE_BISECTIONS: usize = 4;
/// Multiples of the bound at which beams search first.
pub const BEAM_FACTORS: [f64; 8] = [1.0, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0];

/// How often the range of periods is halved in the search for a smaller period with the same
/// shipped bytes.
pub const TIE_BISECTIONS: usize = 16;

/// The most candidates that are listed.
pub const MOST_LISTED: usize = 4_000_000;

/// A gap of at most this part of the value is bisected at once.
pub const SMALL_GAP: f64 = 1e-3;
/// With a gap of at most this part of the value, steps down from the best come first.
pub const NEAR_GAP: f64 = 1e-6;
/// With a gap of at most this part of the value, there are only steps down from the best.
pub const TINY_GAP: f64 = 1e-9;

/// Replaces a bound of 0 while no placement is known, so that steps up from it are not 0 too.
pub const LEAST_BOUND: f64 = 1e-6;

/// How the limits of a round rise from the bound to the best value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The number of parts of the gap, one of which is the size of the first steps.
    pub parts: f64,
    /// The most labels of the first proof, right below the best value; 0 if there is no such proof.
    pub labels_below_best: usize,
    /// Whether that proof is tried again after steps up from the bound.
    pub comes_back: bool,
}

impl Pace {
    /// For periods that sets of starts decide: proofs far below the optimum are cheap.
    pub const LISTED_PERIODS: Self = Self { parts: 256.0, labels_below_best: PROBE_LABELS, comes_back: false };

    /// For periods that labels with resources decide: each proof is hard.
    pub const PERIODS: Self = Self { parts: 256.0, labels_below_best: usize::MAX, comes_back: true };

    /// For sums that are the goal of labels: a feasible decision has found the least sum, and
    /// closes the gap.
    pub const SUMS: Self = Self { parts: 64.0, labels_below_best: usize::MAX, comes_back: false };

    /// For few whole numbers: they are decided one after the other, up from the bound.
    pub const FEW_NUMBERS: Self = Self { parts: f64::INFINITY, labels_below_best: 0, comes_back: false };
}

/// The most labels of the first round and of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The most labels of the first round.
    pub first: usize,
    /// The most labels of the last round.
    pub last: usize,
}

impl Effort {
    /// A single round.
    const LITTLE: Self = Self { first: FIRST_LABELS, last: FIRST_LABELS };

    /// Returns the full effort: as many labels as fit the memory, if each takes `bytes_per_label`
    /// bytes.
    pub fn all(bytes_per_label: usize) -> Self {
        Self { first: FIRST_LABELS, last: MOST_LABELS.min(MOST_LABEL_BYTES / bytes_per_label) }
    }

    /// Returns the effort of a search that closes the gap. A proof among only some of the cuts
    /// allows no claim, so it has a single small round.
    pub fn of_proofs(incumbent: &Incumbent<'_>, bytes_per_label: usize) -> Self {
        if incumbent.considers_all_cuts() { Self::all(bytes_per_label) } else { Self::LITTLE }
    }

    /// Returns the effort for secondary goals: the full effort on small clusters, a single small
    /// round on larger ones, so that a proven answer is not delayed.
    pub fn of_ties(hosts: usize, bytes_per_label: usize) -> Self {
        if hosts <= FEW_HOSTS { Self::all(bytes_per_label) } else { Self::LITTLE }
    }

    /// Returns the effort for a choice among placements of nearly the least period. A choice among
    /// only some of the cuts allows no claim, so it has a single small round.
    pub fn of_choice(incumbent: &Incumbent<'_>, bytes_per_label: usize) -> Self {
        if incumbent.considers_all_cuts() {
            Self::of_ties(incumbent.instance.hosts.len(), bytes_per_label)
        } else {
            Self::LITTLE
        }
    }

    /// Returns the most labels of each round.
    pub fn rising(self) -> impl Iterator<Item = usize> {
        let next = move |labels: &usize| (*labels < self.last).then(|| (labels * MORE_LABELS).min(self.last));
        std::iter::successors(Some(self.first), next)
    }
}

/// Returns the width of the beam that goes with a search of `labels` labels.
pub fn beam_width(labels: usize) -> usize {
    labels / LABELS_PER_WIDTH
}

/// Returns the number of moves of the annealing that goes with a search of `labels` labels.
pub fn annealing_moves(labels: usize) -> usize {
    (labels / LABELS_PER_MOVE).max(FIRST_MOVES)
}

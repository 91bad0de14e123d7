//! The efforts of searches. They are counted in labels, so that the same request gives the same answer on every machine.

use crate::incumbent::Incumbent;

/// Labels that a round may use at first, and the factor by which that rises.
pub const FIRST_LABELS: usize = 20_000;
const MORE_LABELS: usize = 8;

/// What a round may use at most: labels, and the bytes that they take.
const MOST_LABELS: usize = 20_000_000;
const MOST_LABEL_BYTES: usize = 768 << 20;

/// Labels for a proof right below the best if the next decisions are cheap.
const PROBE_LABELS: usize = 3_000;

/// Beams that look for better placements between two rounds, and the first and the widest on a thread of their own.
pub const BEAMS_PER_ROUND: usize = 8;
pub const FIRST_WIDTH: usize = 128;
pub const MOST_WIDTH: usize = 1 << 16;

/// Buckets of a layer of a quick beam. A search of so many labels is worth one bucket more.
pub const QUICK_WIDTH: usize = 48;
const LABELS_PER_WIDTH: usize = 100;

/// Annealings that may fail between two rounds, and by which part of the gap they go below the best.
pub const FAILED_ANNEALINGS: usize = 4;
pub const ANNEALED_PART: f64 = 0.02;

/// A search of so many labels is worth one move of annealing; and the fewest moves.
const LABELS_PER_MOVE: usize = 2;
const FIRST_MOVES: usize = 20_000;

/// Up to so many hosts, secondary goals are searched to the end.
const FEW_HOSTS: usize = 12;

/// Multiples of the bound that are tried first: by dives, and how often the rest is halved after that; by beams.
pub const DIVE_FACTORS: [f64; 9] = [1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0, f64::INFINITY];
pub const DIVE_BISECTIONS: usize = 4;
pub const BEAM_FACTORS: [f64; 8] = [1.0, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0];

/// How often the range of periods is halved for the same bytes.
pub const TIE_BISECTIONS: usize = 16;

/// Values that are listed at once.
pub const MOST_LISTED: usize = 4_000_000;

/// Parts of a value: a gap that is bisected at once, one in which steps down from the best come first, and one that ends
/// by such steps alone.
pub const SMALL_GAP: f64 = 1e-3;
pub const NEAR_GAP: f64 = 1e-6;
pub const TINY_GAP: f64 = 1e-9;

/// What stands for a bound of zero while no placement is known, so that steps up from there are not zero too.
pub const LEAST_BOUND: f64 = 1e-6;

/// How limits rise from the bound to the best value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The parts of the gap in which the first steps are made.
    pub parts: f64,
    /// The most labels of the first proof, right below the best value; 0 to leave it out.
    pub labels_below_best: usize,
    /// Whether that proof is tried again after steps up from the bound.
    pub comes_back: bool,
}

impl Pace {
    /// Periods that sets of starts decide: proofs far below the optimum are cheap.
    pub const LISTED_PERIODS: Self = Self { parts: 256.0, labels_below_best: PROBE_LABELS, comes_back: false };

    /// Periods that labels with resources decide: each proof is hard.
    pub const PERIODS: Self = Self { parts: 256.0, labels_below_best: usize::MAX, comes_back: true };

    /// Sums that are the labels' own goal: a feasible decision has found the least, and closes the gap.
    pub const SUMS: Self = Self { parts: 64.0, labels_below_best: usize::MAX, comes_back: false };

    /// Few whole numbers: one after the other, up from the bound.
    pub const FEW_NUMBERS: Self = Self { parts: f64::INFINITY, labels_below_best: 0, comes_back: false };
}

/// The labels of the first round and of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The fewest.
    pub first: usize,
    /// The most.
    pub last: usize,
}

impl Effort {
    /// A single round.
    const LITTLE: Self = Self { first: FIRST_LABELS, last: FIRST_LABELS };

    /// As much as memory allows for labels of so many bytes.
    pub fn all(bytes_per_label: usize) -> Self {
        Self { first: FIRST_LABELS, last: MOST_LABELS.min(MOST_LABEL_BYTES / bytes_per_label) }
    }

    /// For a search that closes the gap. A proof among some of the cuts claims nothing, so it gets little.
    pub fn of_proofs(incumbent: &Incumbent<'_>, bytes_per_label: usize) -> Self {
        if incumbent.considers_all_cuts() { Self::all(bytes_per_label) } else { Self::LITTLE }
    }

    /// For secondary goals: all on small clusters, little beyond, so that a proven answer does not wait long.
    pub fn of_ties(hosts: usize, bytes_per_label: usize) -> Self {
        if hosts <= FEW_HOSTS { Self::all(bytes_per_label) } else { Self::LITTLE }
    }

    /// The labels of each round.
    pub fn rising(self) -> impl Iterator<Item = usize> {
        let next = move |labels: &usize| (*labels < self.last).then(|| (labels * MORE_LABELS).min(self.last));
        std::iter::successors(Some(self.first), next)
    }
}

/// The width of the beam that goes with a search of so many labels.
pub fn beam_width(labels: usize) -> usize {
    labels / LABELS_PER_WIDTH
}

/// The moves of the annealing that goes with a search of so many labels.
pub fn annealing_moves(labels: usize) -> usize {
    (labels / LABELS_PER_MOVE).max(FIRST_MOVES)
}

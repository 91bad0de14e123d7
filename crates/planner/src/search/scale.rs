//! The values that an objective can have, and the steps between them.

use super::effort::{LEAST_BOUND, NEAR_GAP, SMALL_GAP, TINY_GAP};

/// The values that an objective can have.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Any real number.
    Reals,
    /// Whole numbers.
    Whole,
    /// Listed numbers: all values from the bound to an end.
    Listed {
        /// The numbers, ascending.
        values: Vec<f64>,
        /// The end of the list, excluded. Values from here on are not better than the best, or are
        /// left undecided.
        end: f64,
    },
}

/// The sizes of the steps up from a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stride {
    /// The first step.
    pub first: f64,
    /// The least size of each further step. Each is also at least twice as large as the one before.
    pub part: f64,
    /// An undecided range of at most this width is not decided further.
    pub left_alone: f64,
}

impl Scale {
    /// Returns the end of the scale, excluded; infinite if it has no end.
    pub fn end(&self) -> f64 {
        match self {
            Self::Reals | Self::Whole => f64::INFINITY,
            Self::Listed { end, .. } => *end,
        }
    }

    /// Returns the largest value below a number, or `None` if the scale has none.
    pub fn below(&self, number: f64) -> Option<f64> {
        match self {
            Self::Reals => Some(number.next_down()),
            Self::Whole => Some(number.ceil() - 1.0),
            Self::Listed { values, .. } => self.index(number).checked_sub(1).map(|at| values[at]),
        }
    }

    /// Returns the smallest value above a refuted limit.
    pub fn above(&self, limit: f64) -> f64 {
        match self {
            Self::Reals => limit.next_up(),
            Self::Whole => limit.floor() + 1.0,
            Self::Listed { values, end } => {
                let next = values.partition_point(|&value| value <= limit);
                values.get(next).copied().unwrap_or(*end)
            }
        }
    }

    /// Returns the distance from the bound to a number: the number of listed values between them,
    /// or else the difference.
    pub fn width(&self, bound: f64, number: f64) -> f64 {
        match self {
            Self::Reals | Self::Whole => number - bound,
            Self::Listed { .. } => self.index(number).saturating_sub(self.index(bound)) as f64,
        }
    }

    /// Returns the sizes of the steps from a bound up to a number, if the gap is divided into
    /// `parts` parts.
    pub fn stride(&self, bound: f64, number: f64, parts: f64) -> Stride {
        if let Self::Listed { values, .. } = self {
            let part = (values.len() as f64 / parts).ceil();
            return Stride { first: 1.0, part, left_alone: 0.0 };
        }
        // Without a placement the gap has no finite width.
        let whole = if number < f64::MAX { number - bound } else { bound.max(LEAST_BOUND) };
        let part = whole / parts;
        // In a small gap, steps up from the bound are as hard as a proof right below the best
        // value.
        let first = if *self == Self::Reals && whole <= SMALL_GAP * number { whole / 2.0 } else { part };
        Stride { first, part, left_alone: part }
    }

    /// Returns the limit one step above the bound. Returns the one halfway to `undecided` if there
    /// is no step or the step is too large.
    pub fn ahead(&self, bound: f64, undecided: f64, step: Option<f64>) -> f64 {
        if let Self::Listed { values, .. } = self {
            let (low, high) = (self.index(bound), self.index(undecided));
            let middle = low + high.saturating_sub(low) / 2;
            let at = step.map_or(middle, |step| middle.min(low + step as usize - 1));
            return values.get(at).copied().unwrap_or(bound);
        }
        // Without a placement there is no middle. Twice the bound takes its place, as long as it is
        // finite.
        let width =
            if undecided < f64::MAX { undecided - bound } else { (2.0 * bound.max(LEAST_BOUND)).min(f64::MAX - bound) };
        let step = step.filter(|&step| step < width).unwrap_or(width / 2.0);
        let limit = if *self == Self::Whole { (bound + step).floor() } else { bound + step };
        // Between neighbouring doubles, the middle may be rounded up to `undecided`.
        if limit < undecided { limit } else { bound }
    }

    /// Returns `true` if the gap of real numbers is so small that steps down from the best value
    /// gain more than steps up from the bound.
    pub fn is_near(&self, bound: f64, value: f64) -> bool {
        *self == Self::Reals && bound >= value * (1.0 - NEAR_GAP)
    }

    /// Returns `true` if the gap of real numbers is so small that bisecting it would take long.
    pub fn is_tiny(&self, bound: f64, value: f64) -> bool {
        *self == Self::Reals && bound >= value * (1.0 - TINY_GAP)
    }

    fn index(&self, number: f64) -> usize {
        match self {
            Self::Reals | Self::Whole => 0,
            Self::Listed { values, .. } => values.partition_point(|&value| value < number),
        }
    }
}

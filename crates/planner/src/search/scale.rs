//! The values that an objective can have, and the steps between them.

use super::effort::{LEAST_BOUND, NEAR_GAP, SMALL_GAP, TINY_GAP};

/// The values that an objective can have.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Any real number.
    Reals,
    /// Whole numbers.
    Whole,
    /// All that there are from the bound to an end.
    Listed {
        /// The numbers, ascending.
        values: Vec<f64>,
        /// The first number that is left out: at and above it nothing is to be gained, or nothing was decided.
        end: f64,
    },
}

/// The first step up from a bound, and the least by which it grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stride {
    /// The first step.
    pub first: f64,
    /// The next is at least so large, and at least twice as large as the one before.
    pub part: f64,
    /// An undecided range that is so small is left alone.
    pub left_alone: f64,
}

impl Scale {
    /// Where the scale ends.
    pub fn end(&self) -> f64 {
        match self {
            Self::Reals | Self::Whole => f64::INFINITY,
            Self::Listed { end, .. } => *end,
        }
    }

    /// The largest value below a number; `None` if the scale has none.
    pub fn below(&self, number: f64) -> Option<f64> {
        match self {
            Self::Reals => Some(number.next_down()),
            Self::Whole => Some(number.ceil() - 1.0),
            Self::Listed { values, .. } => self.index(number).checked_sub(1).map(|at| values[at]),
        }
    }

    /// The smallest value above a refuted limit.
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

    /// How far it is from the bound to a number: values of a list, else the difference.
    pub fn width(&self, bound: f64, number: f64) -> f64 {
        match self {
            Self::Reals | Self::Whole => number - bound,
            Self::Listed { .. } => self.index(number).saturating_sub(self.index(bound)) as f64,
        }
    }

    /// The steps from a bound up to a number, if the gap has so many parts.
    pub fn stride(&self, bound: f64, number: f64, parts: f64) -> Stride {
        if let Self::Listed { values, .. } = self {
            let part = (values.len() as f64 / parts).ceil();
            return Stride { first: 1.0, part, left_alone: 0.0 };
        }
        // Without a placement the gap has no width.
        let whole = if number < f64::MAX { number - bound } else { bound.max(LEAST_BOUND) };
        let part = whole / parts;
        // Steps up from the bound would be as hard as a proof right below the best.
        let first = if *self == Self::Reals && whole <= SMALL_GAP * number { whole / 2.0 } else { part };
        Stride { first, part, left_alone: part }
    }

    /// The limit one step above the bound. Halfway to `undecided` if there is no step, or if it leads too far.
    pub fn ahead(&self, bound: f64, undecided: f64, step: Option<f64>) -> f64 {
        if let Self::Listed { values, .. } = self {
            let (low, high) = (self.index(bound), self.index(undecided));
            let middle = low + high.saturating_sub(low) / 2;
            let at = step.map_or(middle, |step| middle.min(low + step as usize - 1));
            return values.get(at).copied().unwrap_or(bound);
        }
        // Without a placement the middle is at infinity: twice the bound is as good, as long as that is a number.
        let width =
            if undecided < f64::MAX { undecided - bound } else { (2.0 * bound.max(LEAST_BOUND)).min(f64::MAX - bound) };
        let step = step.filter(|&step| step < width).unwrap_or(width / 2.0);
        let limit = if *self == Self::Whole { (bound + step).floor() } else { bound + step };
        // Between neighbouring doubles the middle may be rounded up.
        if limit < undecided { limit } else { bound }
    }

    /// Returns `true` if steps down from the best value are worth more than steps up from the bound.
    pub fn is_near(&self, bound: f64, value: f64) -> bool {
        *self == Self::Reals && bound >= value * (1.0 - NEAR_GAP)
    }

    /// Returns `true` if so little is left of a gap of real numbers that halving it would take long to end.
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

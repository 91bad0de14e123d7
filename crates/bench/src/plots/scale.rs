//! An axis with chosen ticks, linear or logarithmic.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::Ranged;

/// The scale of an axis.
#[derive(Clone)]
pub(super) struct Scale {
    pub(super) is_logarithmic: bool,
    pub(super) range: Range<f64>,
    /// Values with a label, and with a line if the chart has lines.
    pub(super) ticks: Vec<f64>,
    pub(super) label: fn(f64) -> String,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        if self.is_logarithmic { value.max(self.range.start).log10() } else { value }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.place(self.range.start)..self.place(self.range.end)).map(&self.place(*value), limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        (self.label)(*value)
    }
}

/// Returns 1, 2 and 5 times the powers of ten within a range.
pub(super) fn ticks_125(range: &Range<f64>) -> Vec<f64> {
    let decades = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade)));
    // The powers are rounded, so a tick on the edge may be slightly beyond it.
    all.filter(|tick| (range.start * 0.999..=range.end * 1.001).contains(tick)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_within_their_range() {
        assert_eq!(ticks_125(&(1.0..20.0)), [1.0, 2.0, 5.0, 10.0, 20.0]);
        assert_eq!(ticks_125(&(0.3..3.0)), [0.5, 1.0, 2.0]);
    }

    #[test]
    fn decades_are_equally_high_and_zero_is_no_fall_through_the_floor() {
        let range = 1.0..100.0;
        let scale = Scale { is_logarithmic: true, ticks: ticks_125(&range), range, label: |value| value.to_string() };
        // Pixels count downwards.
        assert_eq!([1.0, 10.0, 100.0].map(|value| scale.map(&value, (200, 0))), [200, 100, 0]);
        assert_eq!(scale.map(&0.0, (200, 0)), 200);
    }
}

//! What tools measured between two addresses.

use super::address::Address;

/// A bit rate from one address to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measurement {
    pub(super) from: Address,
    pub(super) to: Address,
    /// Bits per second that arrived.
    pub(super) bits_per_second: f64,
    /// Least round-trip time, seconds.
    pub(super) round_trip_s: Option<f64>,
    /// Both directions were measured at once. The two have the same `test`.
    pub(super) is_both_ways: bool,
    /// Counts tests over all files.
    pub(super) test: usize,
    pub(super) file: String,
}

/// Returns the median, or `None` of no numbers. Of an even number it is the mean of the middle two.
pub(super) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[sorted.len() / 2 - 1] + upper) / 2.0 })
}

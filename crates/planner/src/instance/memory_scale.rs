//! The bytes that a stage takes of its node for those that it needs by the profile, and back.
//!
//! Searches and bounds count the bytes that a stage needs, and compare them with the most that fits
//! into a node's free memory, so that sums over layers stay sums. Only figures of documents and
//! messages are scaled.

use crate::domain::options::CostModel;

/// The number of whole parts of a scale of 1: scaled bytes are exact, and 1 changes nothing.
const PARTS: u128 = 1_000_000;

/// The scale and the overhead of a cost model.
#[derive(Debug, Clone, Copy)]
pub struct MemoryScale {
    millionths: u128,
    overhead_bytes: u64,
}

impl MemoryScale {
    /// Reads the scale to the nearest millionth.
    pub fn new(cost_model: &CostModel) -> Self {
        Self {
            millionths: (cost_model.memory_scale * PARTS as f64).round() as u128,
            overhead_bytes: cost_model.memory_overhead_bytes,
        }
    }

    /// Returns what `bytes` take, at most [`u64::MAX`]. A part of a byte counts as a whole byte.
    pub fn scaled(&self, bytes: u64) -> u64 {
        let scaled = (u128::from(bytes) * self.millionths).div_ceil(PARTS);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    /// Returns what a stage takes that needs `bytes`, at most [`u64::MAX`].
    pub fn taken(&self, bytes: u64) -> u64 {
        self.scaled(bytes).saturating_add(self.overhead_bytes)
    }

    /// Returns what each stage takes beside its scaled bytes.
    pub fn overhead_bytes(&self) -> u64 {
        self.overhead_bytes
    }

    /// Returns the most bytes that a stage may need to fit into `free_bytes`, or `None` if not even
    /// a stage that needs none fits.
    pub fn most_within(&self, free_bytes: u64) -> Option<u64> {
        let left = free_bytes.checked_sub(self.overhead_bytes)?;
        let most = u128::from(left) * PARTS / self.millionths;
        // `u64::MAX` is the need of stages that do not exist: nothing holds them.
        Some(u64::try_from(most).map_or(u64::MAX - 1, |most| most.min(u64::MAX - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(memory_scale: f64, memory_overhead_bytes: u64) -> MemoryScale {
        MemoryScale::new(&CostModel { memory_scale, memory_overhead_bytes, ..CostModel::default() })
    }

    #[test]
    fn one_changes_nothing() {
        for bytes in [0, 1, 999_999, (1 << 53) + 1, u64::MAX - 1] {
            assert_eq!((scale(1.0, 0).taken(bytes), scale(1.0, 0).most_within(bytes)), (bytes, Some(bytes)));
        }
    }

    #[test]
    fn parts_of_bytes_count_whole_and_decimals_are_what_they_say() {
        assert_eq!(scale(1.1, 0).taken(110), 121);
        assert_eq!(scale(1.1, 7).taken(111), 123 + 7);
        assert_eq!(scale(0.3, 0).taken(1), 1);
        assert_eq!(scale(1e6, 5).taken(u64::MAX / 2), u64::MAX);
    }

    #[test]
    fn what_free_memory_is_worth_is_the_most_that_fits() {
        for memory_scale in [1e-6, 0.3, 0.999_999, 1.0, 1.000_001, 2.3, 1e6] {
            for overhead in [0, 1, 60] {
                let scale = scale(memory_scale, overhead);
                for free_bytes in (0..500).chain([(1 << 53) - 1]) {
                    match scale.most_within(free_bytes) {
                        Some(most) => {
                            assert!(scale.taken(most) <= free_bytes, "{memory_scale} {overhead} {free_bytes}");
                            let is_all = most == u64::MAX - 1;
                            assert!(
                                is_all || scale.taken(most + 1) > free_bytes,
                                "{memory_scale} {overhead} {free_bytes}"
                            );
                        }
                        None => assert!(scale.taken(0) > free_bytes),
                    }
                }
            }
        }
    }
}

//! From the bytes that the profile says a stage needs to those that it takes of its node, and back.
//!
//! Searches and bounds count the profile's bytes and compare them with what a node's free memory is worth in them, so that
//! sums of stages stay sums. Only what is told is scaled.

use crate::domain::options::CostModel;

/// Whole parts that the scale is made of: figures are exact, and 1 changes nothing.
const PARTS: u128 = 1_000_000;

/// How many bytes of a node a stage takes.
#[derive(Debug, Clone, Copy)]
pub struct MemoryScale {
    millionths: u128,
    overhead_bytes: u64,
}

impl MemoryScale {
    /// That of a cost model.
    pub fn new(cost_model: &CostModel) -> Self {
        Self {
            millionths: (cost_model.memory_scale * PARTS as f64).round() as u128,
            overhead_bytes: cost_model.memory_overhead_bytes,
        }
    }

    /// What so many bytes of the profile take; as many as there are where that is more than can be counted.
    pub fn scaled(&self, bytes: u64) -> u64 {
        let scaled = (u128::from(bytes) * self.millionths).div_ceil(PARTS);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    /// What a stage takes that needs so many bytes by the profile.
    pub fn taken(&self, bytes: u64) -> u64 {
        self.scaled(bytes).saturating_add(self.overhead_bytes)
    }

    /// What a stage takes beside its scaled bytes.
    pub fn overhead_bytes(&self) -> u64 {
        self.overhead_bytes
    }

    /// The most bytes of the profile that a stage may need in so much free memory. `None` where not even a stage that needs
    /// nothing fits.
    pub fn most_within(&self, free_bytes: u64) -> Option<u64> {
        let left = free_bytes.checked_sub(self.overhead_bytes)?;
        let most = u128::from(left) * PARTS / self.millionths;
        // The largest number stands for stages that do not exist.
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

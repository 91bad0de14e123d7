//! Partitions into pieces that fit on every host: the min-sum partition, and random ones.
//!
//! The min-sum partition is the first step of Parthasarathy and Krishnamachari (ITNAC 2022,
//! doi 10.1109/ITNAC55475.2022.9998427): a shortest path over pieces. Exact for the sum of boundary bytes with at
//! most k pieces. O(k m²) time and O(k m) memory; two neighbouring pieces of a shortest path do not fit together, so
//! where k is large pieces are short, and the time is nearer to O(m²).

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::instance::Instance;
use crate::stopped::Stopped;

const UNREACHED: usize = usize::MAX;

/// The ends of the pieces that have the least sum of boundary bytes, the fewest among equals; `None` where the model
/// has no partition into so few pieces.
pub fn least_sum(instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Option<Vec<usize>>, Stopped> {
    let blocks = instance.blocks();
    let Some(free_bytes) = least_free_bytes(instance) else { return Ok(None) };
    let bytes_at = |end: usize| if end == blocks { 0 } else { u128::from(instance.cuts.boundary_bytes[end]) };
    let mut least = vec![u128::MAX; blocks + 1];
    // For each number of pieces, the start of the last piece for each end that this number improves.
    let mut last_starts: Vec<Vec<usize>> = Vec::new();
    let mut improved = vec![(0, 0)];
    while !improved.is_empty() && last_starts.len() < instance.most_stages {
        let mut starts = vec![UNREACHED; blocks + 1];
        for (start, sum) in improved {
            if stop() {
                return Err(Stopped);
            }
            instance.ends_within(free_bytes, start, |end| {
                let sum = sum + bytes_at(end);
                if sum < least[end] {
                    least[end] = sum;
                    starts[end] = start;
                }
            });
        }
        improved = (0..blocks).filter(|&end| starts[end] != UNREACHED).map(|end| (end, least[end])).collect();
        last_starts.push(starts);
    }
    let Some(last_piece) = last_starts.iter().rposition(|starts| starts[blocks] != UNREACHED) else { return Ok(None) };
    let pieces = last_piece + 1;
    let mut ends = vec![blocks; pieces];
    for piece in (1..pieces).rev() {
        ends[piece - 1] = last_starts[piece][ends[piece]];
    }
    Ok(Some(ends))
}

/// Draws partitions into at most so many pieces as there can be stages.
pub struct RandomPartition<'p> {
    instance: &'p Instance,
    free_bytes: u64,
    /// For each start, the fewest pieces to the end.
    fewest: Vec<usize>,
}

impl<'p> RandomPartition<'p> {
    /// Prepares draws, O(m²). Returns `None` if there is no partition.
    pub fn new(instance: &'p Instance, stop: &dyn Fn() -> bool) -> Result<Option<Self>, Stopped> {
        let blocks = instance.blocks();
        let Some(free_bytes) = least_free_bytes(instance) else { return Ok(None) };
        let mut fewest = vec![UNREACHED; blocks + 1];
        fewest[blocks] = 0;
        for start in (0..blocks).rev() {
            if stop() {
                return Err(Stopped);
            }
            let mut rest = UNREACHED;
            instance.ends_within(free_bytes, start, |end| rest = rest.min(fewest[end]));
            fewest[start] = rest.saturating_add(1);
        }
        Ok((fewest[0] <= instance.most_stages).then_some(Self { instance, free_bytes, fewest }))
    }

    /// From the front, each end uniformly among those from which the pieces left suffice.
    pub fn draw(&self, rng: &mut Pcg64Mcg) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut start = 0;
        let mut allowed = Vec::new();
        while start < self.instance.blocks() {
            let left = self.instance.most_stages - ends.len() - 1;
            allowed.clear();
            self.instance.ends_within(self.free_bytes, start, |end| {
                if self.fewest[end] <= left {
                    allowed.push(end);
                }
            });
            start = allowed[rng.random_range(0..allowed.len())];
            ends.push(start);
        }
        ends
    }
}

fn least_free_bytes(instance: &Instance) -> Option<u64> {
    instance.groups.iter().map(|group| group.free_bytes).min()
}

//! Partitions into pieces that fit on every host: the min-sum partition, and random ones.
//!
//! The min-sum partition is the first step of Parthasarathy and Krishnamachari (ITNAC 2022, doi
//! 10.1109/ITNAC55475.2022.9998427): a shortest path over pieces. It is exact for the sum of
//! boundary bytes with at most k pieces. It takes O(k m²) time and O(k m) memory. Two neighbouring
//! pieces of a shortest path do not fit together on one host. Pieces are therefore short where k is
//! large, and the time is then nearer to O(m²).

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::index::{IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Returns the ends of the pieces whose sum of boundary bytes is least. Of equal sums it takes the
/// one with the fewest pieces. Returns `None` if the model has no partition into at most
/// `most_stages` pieces.
pub fn least_sum(instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Option<Vec<Position>>, Stopped> {
    let last = instance.last();
    let Some(most_bytes) = most_bytes(instance) else { return Ok(None) };
    let bytes_at = |end: Position| if end == last { 0 } else { u128::from(instance.cuts.boundary_bytes[end]) };
    let mut least = instance.by_position(u128::MAX);
    // For each number of pieces, the start of the last piece for each end that this number improves.
    let mut last_starts: Vec<IndexVec<Position, Option<Position>>> = Vec::new();
    let mut improved = vec![(Position::FIRST, 0)];
    while !improved.is_empty() && last_starts.len() < instance.most_stages {
        let mut starts = instance.by_position(None);
        for (start, sum) in improved {
            if stop() {
                return Err(Stopped);
            }
            instance.ends_within(most_bytes, start, |end| {
                let sum = sum + bytes_at(end);
                if sum < least[end] {
                    least[end] = sum;
                    starts[end] = Some(start);
                }
            });
        }
        improved = instance.starts().filter(|&end| starts[end].is_some()).map(|end| (end, least[end])).collect();
        last_starts.push(starts);
    }
    let Some(last_piece) = last_starts.iter().rposition(|starts| starts[last].is_some()) else { return Ok(None) };
    let mut ends = vec![last];
    for starts in last_starts[1..=last_piece].iter().rev() {
        ends.extend(starts[ends[ends.len() - 1]]);
    }
    ends.reverse();
    Ok(Some(ends))
}

/// Draws random partitions into at most `most_stages` pieces.
pub struct RandomPartition<'p> {
    instance: &'p Instance,
    most_bytes: u64,
    /// For each start, the fewest pieces from there to the end of the model.
    fewest: IndexVec<Position, usize>,
}

impl<'p> RandomPartition<'p> {
    /// Prepares the draws in O(m²). Returns `None` if there is no partition.
    pub fn new(instance: &'p Instance, stop: &dyn Fn() -> bool) -> Result<Option<Self>, Stopped> {
        let Some(most_bytes) = most_bytes(instance) else { return Ok(None) };
        let mut fewest = instance.by_position(usize::MAX);
        fewest[instance.last()] = 0;
        for start in instance.starts().rev() {
            if stop() {
                return Err(Stopped);
            }
            let mut rest = usize::MAX;
            instance.ends_within(most_bytes, start, |end| rest = rest.min(fewest[end]));
            fewest[start] = rest.saturating_add(1);
        }
        Ok((fewest[Position::FIRST] <= instance.most_stages).then_some(Self { instance, most_bytes, fewest }))
    }

    /// Draws the ends of the pieces from the front. Each end is drawn uniformly from those from
    /// which the pieces that are left reach the end of the model.
    pub fn draw(&self, rng: &mut Pcg64Mcg) -> Vec<Position> {
        let mut ends = Vec::new();
        let mut start = Position::FIRST;
        let mut allowed = Vec::new();
        while start < self.instance.last() {
            let left = self.instance.most_stages - ends.len() - 1;
            allowed.clear();
            self.instance.ends_within(self.most_bytes, start, |end| {
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

/// What every host can hold.
fn most_bytes(instance: &Instance) -> Option<u64> {
    instance.groups.iter().map(|group| group.most_bytes).min().flatten()
}

//! The memory that a model needs: its largest block, and the least with which a number of equal
//! nodes holds it.

use cutpoint_planner::domain::chain::Chain;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::CutPolicy;

/// The bytes of parameters and state of each block of a model.
pub(super) struct Pieces(Vec<u64>);

impl Pieces {
    pub(super) fn new(model: &ModelProfile, cuts: CutPolicy) -> Self {
        let positions = Chain::new(model, cuts, &[]).positions;
        let param_bytes =
            |ends: &[usize]| model.layers[ends[0]..ends[1]].iter().map(|layer| layer.param_bytes + layer.state_bytes);
        Self(positions.windows(2).map(|ends| param_bytes(ends).sum()).collect())
    }

    /// Returns the bytes of the whole model.
    pub(super) fn total_bytes(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns the bytes of the largest block. Every placement needs as much on one node.
    pub(super) fn largest_bytes(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Returns the least memory in bytes with which this number of equal nodes holds the model. It
    /// is found by bisection over first-fit cuts, which need the fewest nodes.
    pub(super) fn least_bytes(&self, nodes: usize) -> u64 {
        let (mut least, mut enough) = (self.largest_bytes(), self.total_bytes());
        while least < enough {
            let middle = least + (enough - least) / 2;
            if self.fewest_nodes(middle) <= nodes { enough = middle } else { least = middle + 1 }
        }
        enough
    }

    /// Returns how many nodes of this memory are needed. The memory is at least that of the largest
    /// block.
    fn fewest_nodes(&self, memory_bytes: u64) -> usize {
        let mut nodes = 1;
        let mut used_bytes = 0;
        for &bytes in &self.0 {
            if used_bytes + bytes > memory_bytes {
                nodes += 1;
                used_bytes = 0;
            }
            used_bytes += bytes;
        }
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_memory_is_that_of_the_best_cuts() {
        let pieces = Pieces(vec![4, 1, 1, 5, 2, 3]);
        let least: Vec<u64> = (1..=7).map(|nodes| pieces.least_bytes(nodes)).collect();
        // 4 1 1 | 5 2 3, then 4 1 1 | 5 | 2 3, then 4 1 | 1 | 5 | 2 3.
        assert_eq!(least, [16, 10, 6, 5, 5, 5, 5]);
        assert_eq!((pieces.total_bytes(), pieces.largest_bytes()), (16, 5));
    }
}

//! How much memory a model asks for: its largest block, and the least with which so many nodes hold it.

use cutpoint_planner::domain::chain::Chain;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::CutPolicy;

/// The parameters of a model, block by block.
pub(super) struct Pieces(Vec<u64>);

impl Pieces {
    pub(super) fn new(model: &ModelProfile, cuts: CutPolicy) -> Self {
        let positions = Chain::new(model, cuts, &[]).positions;
        let param_bytes =
            |ends: &[usize]| model.layers[ends[0]..ends[1]].iter().map(|layer| layer.param_bytes + layer.state_bytes);
        Self(positions.windows(2).map(|ends| param_bytes(ends).sum()).collect())
    }

    /// What the whole model needs.
    pub(super) fn total_bytes(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What every placement needs on one node at least.
    pub(super) fn largest_bytes(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The least memory with which so many equal nodes hold the model, by bisection over first-fit cuts, which need
    /// the fewest nodes.
    pub(super) fn least_bytes(&self, nodes: usize) -> u64 {
        let (mut least, mut enough) = (self.largest_bytes(), self.total_bytes());
        while least < enough {
            let middle = least + (enough - least) / 2;
            if self.fewest_nodes(middle) <= nodes { enough = middle } else { least = middle + 1 }
        }
        enough
    }

    /// How many nodes of this memory are needed; it is at least that of the largest block.
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

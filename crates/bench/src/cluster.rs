//! The paper's clusters: nodes placed uniformly in a square, with radio between every two of them.

use anyhow::anyhow;
use cutpoint_planner::domain::cluster::{ClusterInventory, Position};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::json;

pub(super) const SQUARE_M: std::ops::RangeInclusive<f64> = 1.0..=150.0;
pub(super) const BANDWIDTH_HZ: f64 = 1e6;
pub(super) const SNR_AT_1M: f64 = 283_230.0;

/// The places of the nodes of all clusters. They are the same for all models, memories and
/// algorithms. The nodes of a smaller cluster are the first nodes of the larger.
pub(super) struct Places(Vec<Vec<Position>>);

impl Places {
    /// Draws the places. Those of a cluster depend only on the seed and the cluster's number, not
    /// on the numbers of clusters and nodes.
    pub(super) fn draw(seed: u64, clusters: usize, nodes: usize) -> Self {
        let mut seeds = Pcg64Mcg::seed_from_u64(seed);
        let mut cluster = || {
            let mut rng = Pcg64Mcg::from_rng(&mut seeds);
            (0..nodes).map(|_| Position { x: rng.random_range(SQUARE_M), y: rng.random_range(SQUARE_M) }).collect()
        };
        Self((0..clusters).map(|_| cluster()).collect())
    }

    /// Returns an inventory with the first nodes of a cluster, each with this memory.
    pub(super) fn inventory(&self, cluster: usize, nodes: usize, memory_mib: u64) -> anyhow::Result<ClusterInventory> {
        let node = |(index, position): (usize, &Position)| json!({ "id": format!("n{index}"), "memory_bytes": memory_mib << 20, "position_m": position });
        let document = json!({
            "name": format!("square-{cluster}"),
            "nodes": self.0[cluster].iter().take(nodes).enumerate().map(node).collect::<Vec<_>>(),
            "network": { "kind": "radio", "bandwidth_hz": BANDWIDTH_HZ, "snr_at_1m": SNR_AT_1M, "latency_s": 0 },
        });
        ClusterInventory::from_json(&document).map_err(|faults| anyhow!("cluster {cluster} cannot be used: {faults:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_the_same_whatever_their_number_and_size() {
        let few = Places::draw(7, 2, 5);
        let many = Places::draw(7, 4, 50);
        assert_eq!(few.0[1][..], many.0[1][..5]);
        assert_ne!(many.0[0][0], many.0[1][0]);
        assert_ne!(Places::draw(8, 1, 1).0[0][0], few.0[0][0]);
        assert!(many.0.iter().flatten().all(|place| SQUARE_M.contains(&place.x) && SQUARE_M.contains(&place.y)));
        let inventory = many.inventory(3, 20, 64).unwrap();
        assert_eq!(inventory.nodes.len(), 20);
        assert!(inventory.nodes.iter().all(|node| node.free_bytes() == 64 << 20));
    }
}

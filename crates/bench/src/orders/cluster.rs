//! Clusters for models of all sizes: the memory of nodes depends on the model, and their speed on
//! the number of the node.

use clap::ValueEnum;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;
use serde_json::{Value, json};

use super::refused;
use crate::cluster::{BANDWIDTH_HZ, SNR_AT_1M, SQUARE_M};

/// How nodes are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Network {
    /// The paper's rule in its square.
    Radio,
    /// 100 Mbit/s and 0.5 ms between every two nodes.
    Mesh,
}

/// The speeds of nodes, in turn.
const FLOPS_PER_S: [f64; 4] = [1e9, 2e9, 4e9, 8e9];
/// The memory of a node in addition to half of the model's parameters.
const ROOM_BYTES: u64 = 1 << 30;

/// Returns an inventory of `nodes` nodes, each with memory for half of the model's parameters. The
/// nodes of a smaller cluster are the first nodes of a larger one.
pub(super) fn inventory(
    model: &ModelProfile,
    network: Network,
    nodes: usize,
    seed: u64,
) -> anyhow::Result<ClusterInventory> {
    let param_bytes = model.layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.param_bytes));
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let node = |index: usize| {
        json!({
            "id": format!("n{index}"),
            "memory_bytes": ROOM_BYTES + param_bytes / 2,
            "flops_per_s": FLOPS_PER_S[index % FLOPS_PER_S.len()],
            "position_m": { "x": rng.random_range(SQUARE_M), "y": rng.random_range(SQUARE_M) },
        })
    };
    let nodes: Vec<Value> = (0..nodes).map(node).collect();
    let network = match network {
        Network::Radio => json!({ "kind": "radio", "bandwidth_hz": BANDWIDTH_HZ, "snr_at_1m": SNR_AT_1M }),
        Network::Mesh => json!({ "kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0005 }),
    };
    let document = json!({ "name": "orders", "nodes": nodes, "network": network });
    ClusterInventory::from_json(&document).map_err(|faults| refused("the cluster", faults))
}

//! The clusters of the families: devices in the paper's square, with its radio rule or with links listed one by one.

use std::f64::consts::TAU;

use cutpoint_planner::domain::cluster::Position;
use rand::{Rng, RngExt};
use serde_json::{Value, json};

use crate::cluster::{BANDWIDTH_HZ, SNR_AT_1M, SQUARE_M};

/// What a node can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    pub(super) memory_bytes: u64,
    pub(super) flops_per_s: Option<f64>,
}

/// How links are drawn that follow distance only roughly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fading {
    /// Standard deviation of the bandwidth's logarithm, decibels.
    pub(super) deviation_db: f64,
    /// The share of links that are there.
    pub(super) presence: f64,
    /// Whether both directions of a pair are the same.
    pub(super) is_symmetric: bool,
    /// The largest latency, seconds; each link's is uniform from 0.
    pub(super) latency_s: f64,
}

/// A family's network.
#[derive(Debug, Clone, Copy)]
pub(super) enum Air {
    /// The paper's rule, for every pair.
    Clear,
    /// A listed link for every pair that has one.
    Fading(Fading),
}

/// A node's name.
pub(super) fn node_id(index: usize) -> String {
    format!("n{index}")
}

/// Places devices uniformly and links them: a cluster inventory's document.
pub(super) fn cluster(name: &str, devices: &[Device], air: Air, rng: &mut impl Rng) -> Value {
    let mut place = || Position { x: rng.random_range(SQUARE_M), y: rng.random_range(SQUARE_M) };
    let places: Vec<Position> = devices.iter().map(|_| place()).collect();
    let nodes: Vec<Value> = devices.iter().zip(&places).enumerate().map(node).collect();
    match air {
        Air::Clear => {
            let network = json!({ "kind": "radio", "bandwidth_hz": BANDWIDTH_HZ, "snr_at_1m": SNR_AT_1M });
            json!({ "name": name, "nodes": nodes, "network": network })
        }
        Air::Fading(fading) => json!({ "name": name, "nodes": nodes, "links": links(&places, fading, rng) }),
    }
}

fn node((index, (device, position)): (usize, (&Device, &Position))) -> Value {
    let mut node = json!({ "id": node_id(index), "memory_bytes": device.memory_bytes, "position_m": position });
    if let Some(flops_per_s) = device.flops_per_s {
        node["flops_per_s"] = json!(flops_per_s);
    }
    node
}

fn links(places: &[Position], fading: Fading, rng: &mut impl Rng) -> Vec<Value> {
    let mut links = Vec::new();
    for (first, here) in places.iter().enumerate() {
        for (second, there) in places.iter().enumerate().skip(first + 1) {
            let ways = [(first, second), (second, first)];
            for &(from, to) in &ways[..if fading.is_symmetric { 1 } else { 2 }] {
                if !rng.random_bool(fading.presence) {
                    continue;
                }
                let shadow_db = fading.deviation_db * normal(rng);
                links.push(json!({
                    "from": node_id(from),
                    "to": node_id(to),
                    "bandwidth_bps": radio_bps(here, there) * 10_f64.powf(shadow_db / 10.0),
                    "latency_s": fading.latency_s * rng.random::<f64>(),
                    "bidirectional": fading.is_symmetric,
                }));
            }
        }
    }
    links
}

/// The paper's rule.
fn radio_bps(here: &Position, there: &Position) -> f64 {
    let square_m2 = (here.x - there.x).powi(2) + (here.y - there.y).powi(2);
    BANDWIDTH_HZ * (1.0 + SNR_AT_1M / square_m2).log2()
}

/// A normal variate (Box and Muller, Annals of Mathematical Statistics 29, 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    // From (0, 1]: its logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

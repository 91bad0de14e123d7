//! The clusters of the families: devices in the paper's square, with its radio rule or with listed
//! links.

use std::f64::consts::TAU;

use cutpoint_planner::domain::cluster::Position;
use rand::{Rng, RngExt};
use serde_json::{Value, json};

use crate::cluster::{BANDWIDTH_HZ, SNR_AT_1M, SQUARE_M};

/// The memory and the speed of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    pub(super) memory_bytes: u64,
    pub(super) flops_per_s: Option<f64>,
}

/// The parameters of links whose bandwidth depends on distance and chance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fading {
    /// Standard deviation of the bandwidth's logarithm, in decibels.
    pub(super) deviation_db: f64,
    /// The share of links that exist.
    pub(super) presence: f64,
    /// Whether both directions of a pair are the same.
    pub(super) is_symmetric: bool,
    /// The largest latency, in seconds. That of each link is uniform from 0 to this.
    pub(super) latency_s: f64,
}

/// The network of a family.
#[derive(Debug, Clone, Copy)]
pub(super) enum Air {
    /// The paper's radio rule, for every pair.
    Clear,
    /// Listed links.
    Fading(Fading),
}

/// Returns a node's id.
pub(super) fn node_id(index: usize) -> String {
    format!("n{index}")
}

/// Places devices uniformly in the square and links them. Returns the document of the inventory.
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

/// Returns the bandwidth between two positions by the paper's rule, in bits per second.
fn radio_bps(here: &Position, there: &Position) -> f64 {
    let square_m2 = (here.x - there.x).powi(2) + (here.y - there.y).powi(2);
    BANDWIDTH_HZ * (1.0 + SNR_AT_1M / square_m2).log2()
}

/// Draws a standard normal variate (Box and Muller, Annals of Mathematical Statistics 29, 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    // The argument of the logarithm is in (0, 1], so the logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

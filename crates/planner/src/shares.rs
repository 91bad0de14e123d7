//! The shares of nodes and links that occupants leave to a new placement.
//!
//! Nodes and links are shared max-min fairly (Bertsekas and Gallager, Data Networks, section 6.5):
//! none gets more than its demand while another with a larger demand gets less.

use std::collections::BTreeMap;

use crate::domain::occupant::Occupant;
use crate::domain::request::PlanRequest;
use crate::routes::{Medium, Routes};

/// A directed pair of nodes, by their places in the inventory.
pub type Pair = (usize, usize);

/// What occupants leave to a new placement whose demand is unlimited.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// For each node of the inventory, the bytes that occupants hold.
    pub taken_bytes: Vec<u64>,
    /// For each node of the inventory, the share of its time that is left.
    pub of_node: Vec<f64>,
    /// For each directed pair that occupants use, the share of its bandwidth that is left.
    pub of_link: BTreeMap<Pair, f64>,
    /// For each medium that occupants name the share of its time.
    pub of_medium: BTreeMap<Medium, f64>,
}

impl Shares {
    /// Computes the shares in a request's cluster.
    pub fn new(request: &PlanRequest) -> Self {
        let cluster = &request.cluster;
        let mut taken_bytes = vec![0_u64; cluster.nodes.len()];
        for node in request.options.occupants.iter().flat_map(|occupant| &occupant.nodes) {
            if let Some(at) = cluster.node_index(&node.node_id) {
                taken_bytes[at] = taken_bytes[at].saturating_add(node.memory_bytes);
            }
        }
        let demands = Demands::of_occupants(request);
        let mut of_node = vec![1.0; cluster.nodes.len()];
        for (node, asked) in demands.of_node {
            of_node[node] = newcomer_share(asked);
        }
        let of_link = demands.of_link.into_iter().map(|(pair, asked)| (pair, newcomer_share(asked))).collect();
        let of_medium = demands.of_medium.into_iter().map(|(medium, asked)| (medium, newcomer_share(asked))).collect();
        Self { taken_bytes, of_node, of_link, of_medium }
    }

    /// Returns the share of a directed pair's bandwidth; 1 if no occupant uses it.
    pub fn link_share(&self, from: usize, to: usize) -> f64 {
        self.of_link.get(&(from, to)).copied().unwrap_or(1.0)
    }
}

/// Demands on the time of nodes and links, as shares of it.
#[derive(Default)]
pub struct Demands {
    /// For each node of the inventory, the demand of each user.
    pub of_node: BTreeMap<usize, Vec<f64>>,
    /// For each directed pair, the demand of each user.
    pub of_link: BTreeMap<Pair, Vec<f64>>,
    /// For each medium what each one asks for.
    pub of_medium: BTreeMap<Medium, Vec<f64>>,
}

impl Demands {
    /// Returns the demands of a request's occupants.
    pub fn of_occupants(request: &PlanRequest) -> Self {
        let mut demands = Self::default();
        for occupant in &request.options.occupants {
            for (node, asked) in node_demands(request, occupant) {
                demands.of_node.entry(node).or_default().push(asked);
            }
            for (pair, asked) in link_demands(request, occupant) {
                demands.of_link.entry(pair).or_default().push(asked);
            }
            for (medium, asked) in medium_demands(request, occupant) {
                demands.of_medium.entry(medium).or_default().push(asked);
            }
        }
        demands
    }
}

/// Returns the demand of an occupant on each of its nodes that the cluster has.
pub fn node_demands(request: &PlanRequest, occupant: &Occupant) -> Vec<(usize, f64)> {
    let known = |id: &str| request.cluster.node_index(id);
    let nodes = occupant.nodes.iter().filter_map(|node| Some((known(&node.node_id)?, node.compute_s)));
    nodes.map(|(node, compute_s)| (node, asked(compute_s, occupant.rate_per_s))).collect()
}

/// Returns the demand of an occupant on each of its links whose nodes the cluster has.
pub fn link_demands(request: &PlanRequest, occupant: &Occupant) -> Vec<(Pair, f64)> {
    let known = |id: &str| request.cluster.node_index(id);
    let pair = |from: &str, to: &str| Some((known(from)?, known(to)?));
    let hops = occupant.hops.iter().filter_map(|hop| Some((pair(&hop.from_node_id, &hop.to_node_id)?, hop.transfer_s)));
    hops.map(|(pair, transfer_s)| (pair, asked(transfer_s, occupant.rate_per_s))).collect()
}

/// What an occupant asks for of each of its media.
pub fn medium_demands(request: &PlanRequest, occupant: &Occupant) -> Vec<(Medium, f64)> {
    if occupant.media.is_empty() {
        return Vec::new();
    }
    let occupied_s: BTreeMap<&str, f64> = occupant.media.iter().map(|it| (it.id.as_str(), it.occupied_s)).collect();
    let known = Routes::new(&request.cluster).of_ids(occupied_s.keys().copied());
    known.into_iter().map(|(id, medium)| (medium, asked(occupied_s[id], occupant.rate_per_s))).collect()
}

/// Nobody can ask for more than all of the time.
fn asked(seconds: f64, rate_per_s: f64) -> f64 {
    (seconds * rate_per_s).min(1.0)
}

/// Returns the share of a user whose demand is unlimited.
fn newcomer_share(mut asked: Vec<f64>) -> f64 {
    asked.push(f64::INFINITY);
    fair_level(asked)
}

/// Returns the level up to which all demands are met; 1 if all can be met in full. The smallest
/// demands are met first, and the others share the rest.
pub fn fair_level(mut asked: Vec<f64>) -> f64 {
    asked.sort_unstable_by(f64::total_cmp);
    let mut left = 1.0;
    for (served, &demand) in asked.iter().enumerate() {
        let level = left / (asked.len() - served) as f64;
        if demand > level {
            return level;
        }
        left -= demand;
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_law() {
        assert_eq!(newcomer_share(vec![]), 1.0);
        assert_eq!(newcomer_share(vec![1.0]), 0.5);
        assert_eq!(newcomer_share(vec![0.25]), 0.75);
        assert_eq!(newcomer_share(vec![1.0, 0.25]), 0.375);
        assert_eq!(newcomer_share(vec![1.0, 1.0, 1.0]), 0.25);
        assert_eq!(fair_level(vec![0.5, 0.5]), 1.0);
        assert_eq!(fair_level(vec![0.25, 1.0]), 0.75);
    }
}

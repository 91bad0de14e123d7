//! The links that a placement uses, and the time that a transfer takes on each.

use std::collections::BTreeMap;

use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::network::{Network, Radio};

/// A directed link between two nodes.
#[derive(Clone, Copy)]
pub(super) struct Route {
    bandwidth_bps: f64,
    latency_s: f64,
}

impl Route {
    /// Returns the seconds that a transfer of this many bytes takes.
    pub(super) fn transfer_s(&self, bytes: u64, transfer_scale: f64) -> f64 {
        self.load_s(bytes, transfer_scale) + self.latency_s
    }

    /// Returns the seconds of it in which the link is busy.
    pub(super) fn load_s(&self, bytes: u64, transfer_scale: f64) -> f64 {
        8.0 * (bytes as f64 * transfer_scale) / self.bandwidth_bps
    }

    /// Returns the same link with a share of its bandwidth.
    pub(super) fn shared(self, share: f64) -> Self {
        Self { bandwidth_bps: self.bandwidth_bps * share, ..self }
    }
}

/// Finds the links of directed pairs of nodes. Other links are not read, because a cluster has many
/// more.
pub(super) fn routes<'a>(
    cluster: &'a ClusterInventory,
    pairs: &[(&'a Node, &'a Node)],
) -> BTreeMap<(&'a str, &'a str), Route> {
    let mut found: BTreeMap<(&str, &str), Option<Route>> =
        pairs.iter().map(|(from, to)| ((from.id.as_str(), to.id.as_str()), None)).collect();
    for link in &cluster.links {
        let route = Route { bandwidth_bps: link.bandwidth_bps, latency_s: link.latency_s };
        if let Some(wanted) = found.get_mut(&(link.from.as_str(), link.to.as_str())) {
            *wanted = Some(route);
        }
        if link.bidirectional
            && let Some(wanted) = found.get_mut(&(link.to.as_str(), link.from.as_str()))
        {
            *wanted = Some(route);
        }
    }
    if let Some(network) = &cluster.network {
        let rows = matrix_rows(network);
        for (from, to) in pairs {
            let route = found.entry((from.id.as_str(), to.id.as_str())).or_default();
            *route = route.or_else(|| by_network(network, &rows, from, to));
        }
    }
    found.into_iter().filter_map(|(pair, route)| Some((pair, route?))).collect()
}

/// Returns the link that the network's rule gives a pair. A bit rate of zero means that there is no
/// link.
fn by_network(network: &Network, rows: &BTreeMap<&str, usize>, from: &Node, to: &Node) -> Option<Route> {
    let (bandwidth_bps, latency_s) = match network {
        Network::FullMesh(mesh) => (mesh.bandwidth_bps, mesh.latency_s),
        Network::Radio(radio) => (radio_bps(radio, from, to)?, radio.latency_s),
        Network::Matrix(matrix) => {
            let (row, column) = (*rows.get(from.id.as_str())?, *rows.get(to.id.as_str())?);
            (*matrix.bandwidth_bps.get(row)?.get(column)?, matrix.latency_s.between(row, column))
        }
        Network::AccessPoint(_) | Network::Topology(_) => return None,
    };
    (from.id != to.id && bandwidth_bps > 0.0).then_some(Route { bandwidth_bps, latency_s })
}

fn radio_bps(radio: &Radio, from: &Node, to: &Node) -> Option<f64> {
    let (from, to) = (from.position_m?, to.position_m?);
    let (east, north) = (from.x - to.x, from.y - to.y);
    Some(radio.bandwidth_hz * (1.0 + radio.snr_at_1m / (east * east + north * north)).log2())
}

/// Returns the row and column of each node in a matrix. The result is empty for other kinds of
/// network.
fn matrix_rows(network: &Network) -> BTreeMap<&str, usize> {
    let Network::Matrix(matrix) = network else { return BTreeMap::new() };
    matrix.node_ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect()
}

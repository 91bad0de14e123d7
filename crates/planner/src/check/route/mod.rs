//! The routes that the transfers of a placement take, and the media on them.

mod access_point;
mod direct;
mod medium;
mod topology;

pub(super) use self::medium::{Medium, media_of};

use std::collections::BTreeMap;

use self::medium::Way;
use self::topology::Map;
use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::network::Network;

/// A directed pair of nodes as their ids.
pub(super) type Ends<'a> = (&'a str, &'a str);

/// Directed pairs of nodes.
type Pairs<'a> = BTreeMap<Ends<'a>, (&'a Node, &'a Node)>;

/// A part of a route: a medium, and the bits per second at which a transfer passes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) medium: Medium<'a>,
    pub(super) bandwidth_bps: f64,
}

/// The route of transfers from one node to another.
#[derive(Debug)]
pub(super) struct Route<'a> {
    /// In the order in which a transfer passes them. A medium can occur several times.
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) latency_s: f64,
    /// The ids of the vertices on the route, both ends included; empty if it passes no other vertex.
    pub(super) vertices: Vec<&'a str>,
}

/// Finds the routes of directed pairs of nodes. Other pairs are not read, because a cluster has many
/// more.
pub(super) fn routes<'a>(
    cluster: &'a ClusterInventory,
    pairs: &[(&'a Node, &'a Node)],
) -> BTreeMap<Ends<'a>, Route<'a>> {
    let pairs = pairs.iter().map(|&(from, to)| ((from.id.as_str(), to.id.as_str()), (from, to)));
    let pairs: Pairs<'_> = pairs.filter(|(_, (from, to))| from.id != to.id).collect();
    let mut found = direct::listed(cluster, &pairs);
    if let Some(network) = &cluster.network {
        let mut unlisted = pairs.clone();
        unlisted.retain(|ends, _| !found.contains_key(ends));
        found.extend(by_network(cluster, network, &unlisted));
    }
    for (ends, route) in &mut found {
        let (from, to) = pairs[ends];
        route.turns.splice(0..0, port(from, Way::Out));
        route.turns.extend(port(to, Way::In));
    }
    found
}

/// Returns the routes that the network's rule gives pairs.
fn by_network<'a>(
    cluster: &'a ClusterInventory,
    network: &'a Network,
    pairs: &Pairs<'a>,
) -> BTreeMap<Ends<'a>, Route<'a>> {
    let each = |find: &dyn Fn(&'a Node, &'a Node) -> Option<Route<'a>>| {
        pairs.iter().filter_map(|(ends, (from, to))| Some((*ends, find(from, to)?))).collect()
    };
    match network {
        Network::FullMesh(mesh) => each(&|from, to| Some(direct::of_mesh(mesh, from, to))),
        Network::Radio(radio) => each(&|from, to| direct::of_radio(radio, from, to)),
        Network::Matrix(matrix) => {
            let rows = direct::rows(matrix);
            each(&|from, to| direct::of_matrix(matrix, &rows, from, to))
        }
        Network::AccessPoint(point) => each(&|from, to| access_point::route(point, from, to)),
        Network::Topology(topology) => Map::new(cluster, topology).routes(pairs),
    }
}

/// Returns the turn on a node's port, or `None` if the port has no limit.
fn port(node: &Node, way: Way) -> Option<Turn<'_>> {
    Some(Turn { medium: Medium::port(node, way), bandwidth_bps: node.port_bps? })
}

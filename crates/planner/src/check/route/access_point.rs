//! Transfers through an access point: stations on its channel, and nodes on wires of their own.

use super::{Medium, Route, Turn, Way};
use crate::domain::cluster::Node;
use crate::domain::network::{AccessPoint, Station};

/// Returns the route of two nodes, or `None` if one of them is neither a station nor wired.
pub(super) fn route<'a>(point: &'a AccessPoint, from: &'a Node, to: &'a Node) -> Option<Route<'a>> {
    let turns = vec![turn(point, &from.id, Way::Out)?, turn(point, &to.id, Way::In)?];
    Some(Route { turns, latency_s: point.latency_s, vertices: Vec::new() })
}

/// Returns what a transfer occupies between a node and the access point.
fn turn<'a>(point: &'a AccessPoint, node_id: &'a str, way: Way) -> Option<Turn<'a>> {
    let find = |stations: &[Station]| {
        stations.iter().find(|station| station.node_id == node_id).map(|station| station.bandwidth_bps)
    };
    if let Some(bandwidth_bps) = find(&point.stations) {
        return Some(Turn { medium: Medium::Named(&point.medium), bandwidth_bps });
    }
    find(&point.wired).map(|bandwidth_bps| Turn { medium: Medium::Wire(node_id, way), bandwidth_bps })
}

/// Returns all media of an access point.
pub(super) fn media(point: &AccessPoint) -> Vec<Medium<'_>> {
    let wires = point.wired.iter().flat_map(|it| [Way::Out, Way::In].map(|way| Medium::Wire(&it.node_id, way)));
    wires.chain([Medium::Named(&point.medium)]).collect()
}

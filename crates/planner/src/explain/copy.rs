//! One more node like another: the cluster with a copy of a node, which has the same links.

use std::f64::consts::TAU;

use super::on_cluster;
use crate::domain::cluster::{ClusterInventory, Link, Position};
use crate::domain::network::{AccessPoint, Matrix, MatrixLatency, Network, Segment, Station, Topology};
use crate::domain::request::PlanRequest;
use crate::links::Link as Found;
use crate::routes::Routes;

/// Returns the request on a cluster with a copy of the node at this place of the inventory.
pub(super) fn with_copy_of(request: &PlanRequest, original: usize) -> PlanRequest {
    let best = best_link(&request.cluster, original);
    on_cluster(request, |cluster| {
        let mut copy = cluster.nodes[original].clone();
        let original_id = std::mem::replace(&mut copy.id, free_id(cluster, original));
        copy.position_m = copy.position_m.map(|place| free_position_near(cluster, place));
        copy_links(cluster, &original_id, &copy.id);
        let bridged = match &mut cluster.network {
            Some(Network::FullMesh(_) | Network::Radio(_)) => true,
            Some(Network::Matrix(matrix)) => {
                copy_row(matrix, &original_id, &copy.id);
                false
            }
            Some(Network::AccessPoint(access_point)) => copy_station(access_point, &original_id, &copy.id),
            Some(Network::Topology(topology)) => copy_segments(topology, &original_id, &copy.id),
            None => false,
        };
        if let Some(best) = best.filter(|_| !bridged) {
            let (from, to) = (original_id, copy.id.clone());
            let (bandwidth_bps, latency_s) = (best.bandwidth_bps, best.latency_s);
            cluster.links.push(Link { from, to, bandwidth_bps, latency_s, bidirectional: true, medium: None });
        }
        cluster.add_node(copy);
    })
}

fn free_id(cluster: &ClusterInventory, original: usize) -> String {
    let mut id = format!("{}-copy", cluster.nodes[original].id);
    while cluster.node_index(&id).is_some() {
        id.push_str("-copy");
    }
    id
}

/// Returns a position 1 m away at which there is no node. There is one more direction than nodes,
/// so one is free.
fn free_position_near(cluster: &ClusterInventory, place: Position) -> Position {
    let directions = cluster.nodes.len() + 1;
    let at = |direction: usize| {
        let angle = TAU * direction as f64 / directions as f64;
        Position { x: place.x + angle.cos(), y: place.y + angle.sin() }
    };
    let is_free = |at: &Position| cluster.nodes.iter().all(|node| node.position_m != Some(*at));
    (0..directions).map(at).find(is_free).unwrap_or_else(|| at(0))
}

fn copy_links(cluster: &mut ClusterInventory, original: &str, copy: &str) {
    let renamed = |id: &String| if id == original { copy.to_owned() } else { id.clone() };
    let touching = cluster.links.iter().filter(|link| link.from == original || link.to == original);
    let copies: Vec<Link> =
        touching.map(|link| Link { from: renamed(&link.from), to: renamed(&link.to), ..link.clone() }).collect();
    cluster.links.extend(copies);
}

fn copy_row(matrix: &mut Matrix, original: &str, copy: &str) {
    let Some(place) = matrix.node_ids.iter().position(|id| id == original) else { return };
    copy_cells(&mut matrix.bandwidth_bps, place);
    if let MatrixLatency::Rows(rows) = &mut matrix.latency_s {
        copy_cells(rows, place);
    }
    // The diagonal is no link: between the two a listed one holds, if any.
    let last = matrix.node_ids.len();
    for (row, column) in [(place, last), (last, place), (last, last)] {
        matrix.bandwidth_bps[row][column] = 0.0;
    }
    matrix.node_ids.push(copy.to_owned());
}

/// Adds a column and a row like those of a place.
fn copy_cells(rows: &mut Vec<Vec<f64>>, place: usize) {
    for row in rows.iter_mut() {
        row.push(row[place]);
    }
    rows.push(rows[place].clone());
}

/// Returns `true` if the original is at the access point.
fn copy_station(access_point: &mut AccessPoint, original: &str, copy: &str) -> bool {
    for stations in [&mut access_point.stations, &mut access_point.wired] {
        if let Some(station) = stations.iter().find(|station| station.node_id == original) {
            let bandwidth_bps = station.bandwidth_bps;
            stations.push(Station { node_id: copy.to_owned(), bandwidth_bps });
            return true;
        }
    }
    false
}

/// Returns `true` if the original has a segment.
fn copy_segments(topology: &mut Topology, original: &str, copy: &str) -> bool {
    let renamed = |id: &String| if id == original { copy.to_owned() } else { id.clone() };
    let touching = topology.segments.iter().filter(|segment| segment.a == original || segment.b == original);
    let copies: Vec<Segment> =
        touching.map(|segment| Segment { a: renamed(&segment.a), b: renamed(&segment.b), ..segment.clone() }).collect();
    let has_any = !copies.is_empty();
    topology.segments.extend(copies);
    has_any
}

/// The largest bandwidth of the links that leave or reach a node, of equals that with the smallest latency.
fn best_link(cluster: &ClusterInventory, node: usize) -> Option<Found> {
    let routes = Routes::new(cluster);
    let others = (0..cluster.nodes.len()).filter(|&other| other != node);
    let links = others.flat_map(|other| [routes.link(node, other), routes.link(other, node)]);
    links.filter(|link| link.exists()).reduce(|best, link| {
        let better = link.bandwidth_bps > best.bandwidth_bps
            || (link.bandwidth_bps == best.bandwidth_bps && link.latency_s < best.latency_s);
        if better { link } else { best }
    })
}

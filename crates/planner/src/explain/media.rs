//! Clusters whose shared media are faster, or that have one wireless node less.

use crate::domain::cluster::ClusterInventory;
use crate::domain::network::{Network, Station};
use crate::domain::request::PlanRequest;
use crate::routes::{Part, Routes};

/// Bits per second of a new wire where the cluster has none to take the measure from.
const NEW_WIRE_BPS: f64 = 9.4e8;

/// Returns the request with a medium twice as fast.
pub(super) fn with_faster_medium(request: &PlanRequest, id: &str) -> PlanRequest {
    let mut upgraded = super::on_cluster(request, |cluster| double_medium(cluster, id));
    let media = upgraded.options.occupants.iter_mut().flat_map(|occupant| &mut occupant.media);
    media.filter(|occupied| occupied.id == id).for_each(|occupied| occupied.occupied_s /= 2.0);
    upgraded
}

/// Makes all that a medium carries twice as fast, as the repair `medium_twice_as_fast` does.
pub fn double_medium(cluster: &mut ClusterInventory, id: &str) {
    let part = {
        let routes = Routes::new(cluster);
        routes.of_ids(std::iter::once(id)).first().map(|&(_, medium)| routes.media.part(medium))
    };
    match part {
        Some(Part::Named(_)) => double_named(cluster, id),
        Some(Part::Port(node, _)) => double(&mut cluster.nodes[node].port_bps),
        Some(Part::Wire(node, _)) => {
            let node_id = cluster.nodes[node].id.clone();
            if let Some(Network::AccessPoint(access_point)) = &mut cluster.network {
                let wired = access_point.wired.iter_mut().filter(|wired| wired.node_id == node_id);
                wired.for_each(|wired| wired.bandwidth_bps *= 2.0);
            }
        }
        Some(Part::Segment(segment, _)) => {
            if let Some(Network::Topology(topology)) = &mut cluster.network {
                topology.segments[segment].bandwidth_bps *= 2.0;
            }
        }
        Some(Part::Pair(..)) | None => {}
    }
}

fn double(bits_per_s: &mut Option<f64>) {
    *bits_per_s = bits_per_s.map(|bits_per_s| 2.0 * bits_per_s);
}

/// Doubles the bit rates of all that a named medium carries.
fn double_named(cluster: &mut ClusterInventory, name: &str) {
    let is_it = |medium: &Option<String>| medium.as_deref() == Some(name);
    cluster.links.iter_mut().filter(|link| is_it(&link.medium)).for_each(|link| link.bandwidth_bps *= 2.0);
    match &mut cluster.network {
        Some(Network::FullMesh(mesh)) if is_it(&mesh.medium) => mesh.bandwidth_bps *= 2.0,
        Some(Network::Radio(radio)) if is_it(&radio.medium) => radio.bandwidth_hz *= 2.0,
        Some(Network::Matrix(matrix)) if is_it(&matrix.medium) => {
            matrix.bandwidth_bps.iter_mut().flatten().for_each(|bandwidth_bps| *bandwidth_bps *= 2.0);
        }
        Some(Network::AccessPoint(access_point)) if access_point.medium == name => {
            access_point.stations.iter_mut().for_each(|station| station.bandwidth_bps *= 2.0);
        }
        Some(Network::Topology(topology)) => {
            let segments = topology.segments.iter_mut().filter(|segment| is_it(&segment.medium));
            segments.for_each(|segment| segment.bandwidth_bps *= 2.0);
        }
        _ => {}
    }
}

/// Returns `true` if a node is on the channel of an access point.
pub(super) fn is_station(cluster: &ClusterInventory, node: usize) -> bool {
    match &cluster.network {
        Some(Network::AccessPoint(access_point)) => {
            access_point.stations.iter().any(|station| station.node_id == cluster.nodes[node].id)
        }
        _ => false,
    }
}

/// Returns the request with a station wired to its access point: as fast as the fastest wire there is.
pub(super) fn with_wire(request: &PlanRequest, node: usize) -> PlanRequest {
    let node_id = &request.cluster.nodes[node].id;
    super::on_cluster(request, |cluster| wire(cluster, node_id))
}

/// Wires a station to its access point, as the repair `node_wired` does.
pub fn wire(cluster: &mut ClusterInventory, node_id: &str) {
    if let Some(Network::AccessPoint(access_point)) = &mut cluster.network {
        let fastest = access_point.wired.iter().map(|wired| wired.bandwidth_bps).reduce(f64::max);
        access_point.stations.retain(|station| station.node_id != node_id);
        let bandwidth_bps = fastest.unwrap_or(NEW_WIRE_BPS);
        access_point.wired.push(Station { node_id: node_id.to_owned(), bandwidth_bps });
    }
}

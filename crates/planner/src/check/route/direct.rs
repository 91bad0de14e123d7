//! Links that lead directly from one node to another: listed ones, and those of a mesh, a radio or a
//! matrix.

use std::collections::BTreeMap;

use super::{Ends, Medium, Pairs, Route, Turn};
use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::network::{FullMesh, Matrix, MatrixLatency, Radio};

fn link<'a>(name: &'a Option<String>, (from, to): Ends<'a>, bandwidth_bps: f64, latency_s: f64) -> Route<'a> {
    let medium = name.as_deref().map_or(Medium::Link(from, to), Medium::Named);
    Route { turns: vec![Turn { medium, bandwidth_bps }], latency_s, vertices: Vec::new() }
}

/// Returns the listed links of pairs.
pub(super) fn listed<'a>(cluster: &'a ClusterInventory, pairs: &Pairs<'a>) -> BTreeMap<Ends<'a>, Route<'a>> {
    let mut found = BTreeMap::new();
    for it in &cluster.links {
        let (there, back) = ((it.from.as_str(), it.to.as_str()), (it.to.as_str(), it.from.as_str()));
        for ends in [Some(there), it.bidirectional.then_some(back)].into_iter().flatten() {
            if pairs.contains_key(&ends) {
                found.insert(ends, link(&it.medium, ends, it.bandwidth_bps, it.latency_s));
            }
        }
    }
    found
}

/// Returns the link of two nodes of a mesh.
pub(super) fn of_mesh<'a>(mesh: &'a FullMesh, from: &'a Node, to: &'a Node) -> Route<'a> {
    link(&mesh.medium, (&from.id, &to.id), mesh.bandwidth_bps, mesh.latency_s)
}

/// Returns the link of two nodes at their distance, or `None` if they are so far apart that no bit
/// arrives.
pub(super) fn of_radio<'a>(radio: &'a Radio, from: &'a Node, to: &'a Node) -> Option<Route<'a>> {
    let (here, there) = (from.position_m?, to.position_m?);
    let (east, north) = (here.x - there.x, here.y - there.y);
    let bandwidth_bps = radio.bandwidth_hz * (1.0 + radio.snr_at_1m / (east * east + north * north)).log2();
    (bandwidth_bps > 0.0).then(|| link(&radio.medium, (&from.id, &to.id), bandwidth_bps, radio.latency_s))
}

/// Returns the row and column of each node in a matrix.
pub(super) fn rows(matrix: &Matrix) -> BTreeMap<&str, usize> {
    matrix.node_ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect()
}

/// Returns the link of two nodes of a matrix, or `None` if their bit rate is zero.
pub(super) fn of_matrix<'a>(
    matrix: &'a Matrix,
    rows: &BTreeMap<&str, usize>,
    from: &'a Node,
    to: &'a Node,
) -> Option<Route<'a>> {
    let (row, column) = (*rows.get(from.id.as_str())?, *rows.get(to.id.as_str())?);
    let bandwidth_bps = *matrix.bandwidth_bps.get(row)?.get(column)?;
    let latency_s = match &matrix.latency_s {
        MatrixLatency::Common(latency_s) => *latency_s,
        MatrixLatency::Rows(rows) => *rows.get(row)?.get(column)?,
    };
    (bandwidth_bps > 0.0).then(|| link(&matrix.medium, (&from.id, &to.id), bandwidth_bps, latency_s))
}

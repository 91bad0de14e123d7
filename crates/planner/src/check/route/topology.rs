//! Routes over the segments of a topology.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Ends, Medium, Pairs, Route, Turn, Way, port};
use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::network::{Duplex, Segment, Topology};

/// A vertex: the nodes in the order of the inventory, then the switches in their order.
type Vertex = usize;

/// Vertices and the segments between them.
pub(super) struct Map<'a> {
    nodes: &'a [Node],
    ids: Vec<&'a str>,
    vertex_of: BTreeMap<&'a str, Vertex>,
    /// For each vertex, the vertices that a segment joins it to, ascending.
    neighbours: Vec<BTreeMap<Vertex, &'a Segment>>,
}

/// The way that is ahead of a vertex, up to the end of a route.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    cost: u128,
    /// The number of vertices that were reached before it. Routes lead to lower ranks only, so that they
    /// end.
    rank: usize,
}

impl<'a> Map<'a> {
    pub(super) fn new(cluster: &'a ClusterInventory, topology: &'a Topology) -> Self {
        let switches = topology.switches.iter().map(String::as_str);
        let ids: Vec<&str> = cluster.nodes.iter().map(|node| node.id.as_str()).chain(switches).collect();
        let vertex_of: BTreeMap<&str, Vertex> = ids.iter().enumerate().map(|(vertex, id)| (*id, vertex)).collect();
        let mut neighbours = vec![BTreeMap::new(); ids.len()];
        for segment in &topology.segments {
            if let (Some(&a), Some(&b)) = (vertex_of.get(segment.a.as_str()), vertex_of.get(segment.b.as_str())) {
                neighbours[a].insert(b, segment);
                neighbours[b].insert(a, segment);
            }
        }
        Self { nodes: &cluster.nodes, ids, vertex_of, neighbours }
    }

    /// Returns the routes of those pairs that have one.
    pub(super) fn routes(&self, pairs: &Pairs<'a>) -> BTreeMap<Ends<'a>, Route<'a>> {
        let mut ahead_of: BTreeMap<Vertex, Vec<Option<Ahead>>> = BTreeMap::new();
        let mut found = BTreeMap::new();
        for &(from, to) in pairs.keys() {
            let (Some(&sender), Some(&receiver)) = (self.vertex_of.get(from), self.vertex_of.get(to)) else { continue };
            let ahead = ahead_of.entry(receiver).or_insert_with(|| self.ahead(receiver));
            if let Some(path) = self.path(sender, receiver, ahead) {
                found.insert((from, to), self.route(&path));
            }
        }
        found
    }

    /// Returns the way ahead of each vertex, or `None` if no segments lead to the receiver (Dijkstra
    /// 1959).
    fn ahead(&self, receiver: Vertex) -> Vec<Option<Ahead>> {
        let mut ahead = vec![None; self.ids.len()];
        let mut next = BinaryHeap::from([Reverse((0_u128, receiver))]);
        let mut rank = 0;
        while let Some(Reverse((cost, vertex))) = next.pop() {
            if ahead[vertex].is_some() {
                continue;
            }
            ahead[vertex] = Some(Ahead { cost, rank });
            rank += 1;
            for (&neighbour, segment) in self.neighbours[vertex].iter().filter(|(it, _)| ahead[**it].is_none()) {
                next.push(Reverse((cost.saturating_add(weight(segment)), neighbour)));
            }
        }
        ahead
    }

    /// Returns the vertices of a route: after each the first of those that lie on a route of least cost.
    fn path(&self, sender: Vertex, receiver: Vertex, ahead: &[Option<Ahead>]) -> Option<Vec<Vertex>> {
        let mut path = vec![sender];
        let mut vertex = sender;
        while vertex != receiver {
            let here = ahead[vertex]?;
            let is_next = |(neighbour, segment): &(&Vertex, &&Segment)| {
                ahead[**neighbour].is_some_and(|there| {
                    there.rank < here.rank && there.cost.saturating_add(weight(segment)) == here.cost
                })
            };
            vertex = *self.neighbours[vertex].iter().find(is_next)?.0;
            path.push(vertex);
        }
        Some(path)
    }

    /// Returns the route of a path. A node that forwards receives through its port and then sends.
    fn route(&self, path: &[Vertex]) -> Route<'a> {
        let (mut turns, mut latency_s) = (Vec::new(), 0.0);
        for (place, pair) in path.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            if let Some(node) = self.nodes.get(from).filter(|_| place > 0) {
                turns.extend([Way::In, Way::Out].into_iter().filter_map(|way| port(node, way)));
            }
            let Some(segment) = self.neighbours[from].get(&to) else { continue };
            let medium = medium(segment, self.ids[from], self.ids[to]);
            turns.push(Turn { medium, bandwidth_bps: segment.bandwidth_bps });
            latency_s += segment.latency_s;
        }
        let passes_others = path.len() > 2;
        let vertices = path.iter().filter(|_| passes_others).map(|&vertex| self.ids[vertex]).collect();
        Route { turns, latency_s, vertices }
    }
}

/// Returns what a segment adds to the cost of a route.
fn weight(segment: &Segment) -> u128 {
    ((1e21 / segment.bandwidth_bps).floor() as u128).clamp(1, 1 << 96)
}

/// Returns the medium of a segment in a direction.
fn medium<'a>(segment: &'a Segment, from: &'a str, to: &'a str) -> Medium<'a> {
    match (&segment.medium, segment.duplex) {
        (Some(name), _) => Medium::Named(name),
        (None, Duplex::Half) => Medium::HalfSegment(&segment.a, &segment.b),
        (None, Duplex::Full) => Medium::Segment(from, to),
    }
}

/// Returns the media of a segment in both directions.
pub(super) fn media(segment: &Segment) -> [Medium<'_>; 2] {
    [medium(segment, &segment.a, &segment.b), medium(segment, &segment.b, &segment.a)]
}

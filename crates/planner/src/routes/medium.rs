//! Media of a cluster, and their ids.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::cluster::ClusterInventory;
use crate::domain::network::{Duplex, Network};

/// A medium: carries one transfer at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Medium(usize);

/// A direction, seen from a node or from the first end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Away.
    Out,
    /// Back.
    In,
}

/// Numbers for all media of a cluster: the named ones in the order of their names, then ports, wires of an access point,
/// segments, and directed pairs of nodes.
#[derive(Debug)]
pub struct Media<'c> {
    cluster: &'c ClusterInventory,
    names: Vec<&'c str>,
}

/// A medium by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What a name was given to, by its place among the names.
    Named(usize),
    /// A direction of a node's port.
    Port(usize, Direction),
    /// A direction of the wire between a node and the access point.
    Wire(usize, Direction),
    /// A direction of a segment.
    Segment(usize, Direction),
    /// What carries nothing but transfers from one node to another.
    Pair(usize, usize),
}

impl<'c> Media<'c> {
    /// The media of a cluster.
    pub fn new(cluster: &'c ClusterInventory) -> Self {
        let listed = cluster.links.iter().filter_map(|link| link.medium.as_deref());
        let mut names: BTreeSet<&str> = listed.collect();
        match &cluster.network {
            None => {}
            Some(Network::FullMesh(mesh)) => names.extend(mesh.medium.as_deref()),
            Some(Network::Radio(radio)) => names.extend(radio.medium.as_deref()),
            Some(Network::Matrix(matrix)) => names.extend(matrix.medium.as_deref()),
            Some(Network::AccessPoint(access_point)) => {
                names.insert(&access_point.medium);
            }
            Some(Network::Topology(topology)) => {
                names.extend(topology.segments.iter().filter_map(|segment| segment.medium.as_deref()));
            }
        }
        Self { cluster, names: names.into_iter().collect() }
    }

    /// The medium of a name that the cluster gives.
    pub fn named(&self, name: &str) -> Option<Medium> {
        self.names.binary_search(&name).ok().map(Medium)
    }

    /// Returns `true` if the cluster names it.
    pub fn is_named(&self, medium: Medium) -> bool {
        medium.0 < self.names.len()
    }

    /// A direction of a node's port; both are one medium where it is half-duplex.
    pub fn port(&self, node: usize, direction: Direction) -> Medium {
        let one = self.cluster.nodes[node].port_duplex == Duplex::Half;
        Medium(self.names.len() + 2 * node + usize::from(!one && direction == Direction::In))
    }

    /// A direction of the wire between a node and the access point.
    pub fn wire(&self, node: usize, direction: Direction) -> Medium {
        let first = self.names.len() + 2 * self.cluster.nodes.len();
        Medium(first + 2 * node + usize::from(direction == Direction::In))
    }

    /// A direction of a segment that is not named; both are one medium where it is half-duplex.
    pub fn segment(&self, segment: usize, duplex: Duplex, direction: Direction) -> Medium {
        let first = self.names.len() + 4 * self.cluster.nodes.len();
        Medium(first + 2 * segment + usize::from(duplex == Duplex::Full && direction == Direction::In))
    }

    /// What carries nothing but transfers from one node to another.
    pub fn pair(&self, from: usize, to: usize) -> Medium {
        Medium(self.first_pair() + from * self.cluster.nodes.len() + to)
    }

    /// Returns `true` if a medium carries nothing but transfers from one node to another.
    pub fn is_pair(&self, medium: Medium) -> bool {
        medium.0 >= self.first_pair()
    }

    fn segments(&self) -> usize {
        match &self.cluster.network {
            Some(Network::Topology(topology)) => topology.segments.len(),
            _ => 0,
        }
    }

    fn first_pair(&self) -> usize {
        self.names.len() + 4 * self.cluster.nodes.len() + 2 * self.segments()
    }

    /// Returns what a medium is.
    pub fn part(&self, Medium(number): Medium) -> Part {
        let nodes = self.cluster.nodes.len();
        let direction = |number: usize| if number.is_multiple_of(2) { Direction::Out } else { Direction::In };
        let Some(number) = number.checked_sub(self.names.len()) else { return Part::Named(number) };
        let Some(wire) = number.checked_sub(2 * nodes) else { return Part::Port(number / 2, direction(number)) };
        let Some(segment) = wire.checked_sub(2 * nodes) else { return Part::Wire(wire / 2, direction(wire)) };
        match segment.checked_sub(2 * self.segments()) {
            None => Part::Segment(segment / 2, direction(segment)),
            Some(pair) => Part::Pair(pair / nodes, pair % nodes),
        }
    }

    /// The id of a medium in documents.
    pub fn id(&self, medium: Medium) -> String {
        let node = |node: usize| self.cluster.nodes[node].id.as_str();
        let way = |direction: Direction| if direction == Direction::Out { "out" } else { "in" };
        match self.part(medium) {
            Part::Named(name) => self.names[name].to_owned(),
            Part::Port(at, _) if self.cluster.nodes[at].port_duplex == Duplex::Half => format!("{} port", node(at)),
            Part::Port(at, direction) => format!("{} port {}", node(at), way(direction)),
            Part::Wire(at, direction) => format!("{} wire {}", node(at), way(direction)),
            Part::Segment(segment, direction) => match &self.cluster.network {
                Some(Network::Topology(topology)) => {
                    let segment = &topology.segments[segment];
                    match (segment.duplex, direction) {
                        (Duplex::Half, _) => format!("{} -- {}", segment.a, segment.b),
                        (Duplex::Full, Direction::Out) => format!("{} -> {}", segment.a, segment.b),
                        (Duplex::Full, Direction::In) => format!("{} -> {}", segment.b, segment.a),
                    }
                }
                _ => String::new(),
            },
            Part::Pair(from, to) => format!("{} -> {}", node(from), node(to)),
        }
    }

    /// The media of some ids; those that the cluster does not have are left out.
    pub(super) fn of_ids<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Vec<(&'i str, Medium)> {
        let mut unnamed: BTreeMap<String, Medium> = BTreeMap::new();
        let mut found = Vec::new();
        for id in ids {
            if let Some(medium) = self.named(id) {
                found.push((id, medium));
                continue;
            }
            if unnamed.is_empty() {
                // Of two directions with one id, as of a half-duplex port, the first is the medium.
                let known = (self.names.len()..self.first_pair()).rev().map(Medium);
                unnamed = known.map(|medium| (self.id(medium), medium)).collect();
            }
            let of_pair = || {
                let splits = id.match_indices(" -> ").map(|(at, arrow)| (&id[..at], &id[at + arrow.len()..]));
                let nodes = splits.filter_map(|(from, to)| {
                    self.cluster.node_index(from).zip(self.cluster.node_index(to)).map(|(from, to)| self.pair(from, to))
                });
                nodes.into_iter().next()
            };
            found.extend(unnamed.get(id).copied().or_else(of_pair).map(|medium| (id, medium)));
        }
        found
    }
}

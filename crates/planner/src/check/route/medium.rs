//! Media and their ids.

use std::collections::{BTreeMap, BTreeSet};

use super::{access_point, routes, topology};
use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::network::{Duplex, Network};

/// What carries one transfer at a time. Vertices are given by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) enum Medium<'a> {
    /// A medium that the cluster names, wherever the name stands.
    Named(&'a str),
    /// What a node sends or receives.
    Port(&'a str, Way),
    /// One direction of the wire between a node and the access point.
    Wire(&'a str, Way),
    /// A segment, from one vertex to another.
    Segment(&'a str, &'a str),
    /// A half-duplex segment, in both directions.
    HalfSegment(&'a str, &'a str),
    /// A direct link, from one node to another.
    Link(&'a str, &'a str),
}

/// The direction of a port or a wire, as seen from its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) enum Way {
    Out,
    In,
    /// Both directions, one at a time.
    Both,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Out => " out",
            Self::In => " in",
            Self::Both => "",
        }
    }
}

impl<'a> Medium<'a> {
    /// Returns the medium of a node's port in a direction.
    pub(super) fn port(node: &'a Node, way: Way) -> Self {
        Self::Port(&node.id, if node.port_duplex == Duplex::Half { Way::Both } else { way })
    }

    /// Returns `true` if the cluster names it.
    pub(in crate::check) fn is_named(self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// Returns its id in documents.
    pub(in crate::check) fn id(self) -> String {
        match self {
            Self::Named(name) => name.to_owned(),
            Self::Port(node, way) => format!("{node} port{}", way.word()),
            Self::Wire(node, way) => format!("{node} wire{}", way.word()),
            Self::Segment(from, to) | Self::Link(from, to) => format!("{from} -> {to}"),
            Self::HalfSegment(a, b) => format!("{a} -- {b}"),
        }
    }
}

/// Returns the media of ids. Ids that the cluster does not have are left out.
pub(in crate::check) fn media_of<'a>(
    cluster: &'a ClusterInventory,
    ids: &BTreeSet<&'a str>,
) -> BTreeMap<&'a str, Medium<'a>> {
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let known = all_but_links(cluster);
    let find = |id: &str| known.get(id).copied().or_else(|| link(cluster, id));
    ids.iter().filter_map(|id| Some((*id, find(id)?))).collect()
}

/// Returns all media by their ids, except direct links, of which a cluster has too many.
fn all_but_links(cluster: &ClusterInventory) -> BTreeMap<String, Medium<'_>> {
    let ports = cluster.nodes.iter().filter(|node| node.port_bps.is_some());
    let ports = ports.flat_map(|node| [Way::Out, Way::In].map(|way| Medium::port(node, way)));
    let of_network = match &cluster.network {
        Some(Network::AccessPoint(point)) => access_point::media(point),
        Some(Network::Topology(topology)) => topology.segments.iter().flat_map(topology::media).collect(),
        _ => Vec::new(),
    };
    let of_pairs = match &cluster.network {
        Some(Network::FullMesh(mesh)) => mesh.medium.as_deref(),
        Some(Network::Radio(radio)) => radio.medium.as_deref(),
        Some(Network::Matrix(matrix)) => matrix.medium.as_deref(),
        _ => None,
    };
    let names = cluster.links.iter().filter_map(|link| link.medium.as_deref()).chain(of_pairs);
    let all = ports.chain(of_network).chain(names.map(Medium::Named));
    // If an unnamed medium has the id of a named one, the id means the named one.
    let (named, unnamed): (Vec<Medium<'_>>, Vec<Medium<'_>>) = all.partition(|medium| medium.is_named());
    unnamed.into_iter().chain(named).map(|medium| (medium.id(), medium)).collect()
}

/// Returns the direct link of an id. The ids of nodes may contain an arrow themselves.
fn link<'a>(cluster: &'a ClusterInventory, id: &str) -> Option<Medium<'a>> {
    let node = |id: &str| cluster.nodes.iter().find(|node| node.id == id);
    let arrows = id.match_indices(" -> ").map(|(at, arrow)| (&id[..at], &id[at + arrow.len()..]));
    let pairs: Vec<(&Node, &Node)> = arrows.filter_map(|(from, to)| Some((node(from)?, node(to)?))).collect();
    let routes = routes(cluster, &pairs);
    let turns = routes.values().flat_map(|route| &route.turns);
    turns.map(|turn| turn.medium).find(|medium| matches!(medium, Medium::Link(..)) && medium.id() == id)
}

//! Which media carry a transfer from one node to another, and how fast each is.

mod graph;
mod medium;
mod pairs;

pub use self::medium::{Media, Medium, Part};

use std::collections::BTreeMap;

use self::graph::Graph;
use self::medium::Direction;
use self::pairs::Pairs;
use crate::domain::cluster::ClusterInventory;
use crate::domain::network::{MatrixLatency, Network};
use crate::links::Link;

/// A listed link and the medium that it has in common with others.
#[derive(Debug, Clone, Copy)]
struct Listed {
    link: Link,
    medium: Option<Medium>,
}

/// How a node reaches the access point.
#[derive(Debug, Clone, Copy)]
enum Access {
    Channel(f64),
    Wire(f64),
}

/// A medium on the route of a transfer with its bit rate: one turn on it.
type Turn = (Medium, f64);

/// The route of a transfer.
#[derive(Debug, Default, PartialEq)]
pub struct Route {
    /// Seconds that it takes in addition.
    pub latency_s: f64,
    /// The turns on media, from the sender on.
    turns: Vec<Turn>,
    /// The nodes and switches that it passes, its ends included: places in the inventory, and behind them the switches.
    vertices: Vec<usize>,
}

/// Finds the route of any transfer between a cluster's nodes.
#[derive(Debug)]
pub struct Routes<'c> {
    cluster: &'c ClusterInventory,
    /// The cluster's media.
    pub media: Media<'c>,
    listed: Pairs<Listed>,
    /// For a matrix: each node's row, where it has one.
    matrix_row: Vec<Option<usize>>,
    /// For an access point: how each node reaches it.
    access: Vec<Option<Access>>,
    graph: Option<Graph>,
    /// The medium that all pairs of the network have in common.
    common: Option<Medium>,
    /// Returns `true` if routes may have more than one turn.
    has_turns: bool,
    /// The shares of directed pairs that occupants leave.
    pair_shares: Pairs<f64>,
    /// The shares of media that occupants leave.
    medium_shares: BTreeMap<Medium, f64>,
}

impl<'c> Routes<'c> {
    /// Indexes a cluster's links.
    pub fn new(cluster: &'c ClusterInventory) -> Self {
        let media = Media::new(cluster);
        let nodes = cluster.nodes.len();
        let mut listed = Vec::new();
        for link in &cluster.links {
            let ends = (cluster.node_index(&link.from), cluster.node_index(&link.to));
            let (Some(from), Some(to)) = ends else { continue };
            let medium = link.medium.as_deref().and_then(|name| media.named(name));
            let value = Link { bandwidth_bps: link.bandwidth_bps, latency_s: link.latency_s };
            let value = Listed { link: value, medium };
            listed.push((from, to, value));
            if link.bidirectional {
                listed.push((to, from, value));
            }
        }
        let mut matrix_row = Vec::new();
        let mut access = Vec::new();
        let mut graph = None;
        let mut common = None;
        match &cluster.network {
            None => {}
            Some(Network::FullMesh(mesh)) => common = mesh.medium.as_deref(),
            Some(Network::Radio(radio)) => common = radio.medium.as_deref(),
            Some(Network::Matrix(matrix)) => {
                common = matrix.medium.as_deref();
                matrix_row.resize(nodes, None);
                for (row, id) in matrix.node_ids.iter().enumerate() {
                    if let Some(node) = cluster.node_index(id) {
                        matrix_row[node] = Some(row);
                    }
                }
            }
            Some(Network::AccessPoint(access_point)) => {
                common = Some(access_point.medium.as_str());
                access.resize(nodes, None);
                let stations = access_point.stations.iter().map(|it| (it, Access::Channel(it.bandwidth_bps)));
                let wired = access_point.wired.iter().map(|it| (it, Access::Wire(it.bandwidth_bps)));
                for (station, by) in stations.chain(wired) {
                    if let Some(node) = cluster.node_index(&station.node_id) {
                        access[node] = Some(by);
                    }
                }
            }
            Some(Network::Topology(topology)) => graph = Some(Graph::new(cluster, topology)),
        }
        let has_ports = cluster.nodes.iter().any(|node| node.port_bps.is_some());
        Self {
            cluster,
            listed: Pairs::new(nodes, listed),
            matrix_row,
            has_turns: has_ports || !access.is_empty() || graph.is_some(),
            access,
            graph,
            common: common.and_then(|name| media.named(name)),
            pair_shares: Pairs::default(),
            medium_shares: BTreeMap::new(),
            media,
        }
    }

    /// The same routes with the bandwidth that occupants leave of directed pairs and of media.
    pub fn shared(self, pair_shares: &BTreeMap<(usize, usize), f64>, medium_shares: &BTreeMap<Medium, f64>) -> Self {
        let pair_shares = pair_shares.iter().map(|(&(from, to), &share)| (from, to, share));
        let pair_shares = Pairs::new(self.cluster.nodes.len(), pair_shares);
        Self { pair_shares, medium_shares: medium_shares.clone(), ..self }
    }

    /// Returns `true` if two transfers between different pairs of nodes may use one medium.
    pub fn may_share(&self) -> bool {
        self.has_turns || self.common.is_some() || self.listed.values().any(|listed| listed.medium.is_some())
    }

    /// The link from one node to another, by their places in the inventory: the slowest medium on the route.
    pub fn link(&self, from: usize, to: usize) -> Link {
        if self.has_turns || !self.medium_shares.is_empty() {
            let Some((latency_s, occupied)) = self.occupied(from, to) else { return Link::MISSING };
            let bandwidth_bps = occupied.iter().map(|&(_, bandwidth_bps)| bandwidth_bps).fold(f64::INFINITY, f64::min);
            return Link { bandwidth_bps, latency_s };
        }
        let link = self.listed.get(from, to).map_or_else(|| self.by_rule(from, to), |listed| listed.link);
        self.pair_shares.get(from, to).map_or(link, |share| Link { bandwidth_bps: link.bandwidth_bps * share, ..link })
    }

    /// The media that a transfer occupies, each once with the bit rate that its turns come to, and the latency; `None`
    /// without a route.
    pub fn occupied(&self, from: usize, to: usize) -> Option<(f64, Vec<(Medium, f64)>)> {
        let Route { latency_s, turns, .. } = self.route(from, to)?;
        let mut occupied: Vec<(Medium, f64)> = Vec::with_capacity(turns.len());
        for (at, &(medium, bandwidth_bps)) in turns.iter().enumerate() {
            if turns[..at].iter().any(|&(before, _)| before == medium) {
                continue;
            }
            let others = turns[at + 1..].iter().filter(|&&(other, _)| other == medium);
            let mut others = others.map(|&(_, bandwidth_bps)| bandwidth_bps).peekable();
            let bandwidth_bps = match others.peek() {
                None => bandwidth_bps,
                Some(_) => 1.0 / others.fold(1.0 / bandwidth_bps, |sum, other| sum + 1.0 / other),
            };
            let share = self.medium_shares.get(&medium).map_or(1.0, |share| *share);
            let of_pair = self.pair_shares.get(from, to).unwrap_or(1.0);
            occupied.push((medium, bandwidth_bps * share * of_pair));
        }
        Some((latency_s, occupied))
    }

    /// The media of some ids; those that carry no transfer of the cluster are left out.
    pub fn of_ids<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Vec<(&'i str, Medium)> {
        let mut found = self.media.of_ids(ids);
        found.retain(|&(_, medium)| self.has(medium));
        found
    }

    fn has(&self, medium: Medium) -> bool {
        match self.media.part(medium) {
            Part::Named(_) => true,
            Part::Port(node, _) => self.cluster.nodes[node].port_bps.is_some(),
            Part::Wire(node, _) => matches!(self.access.get(node), Some(Some(Access::Wire(_)))),
            Part::Segment(segment, _) => match &self.cluster.network {
                Some(Network::Topology(topology)) => topology.segments[segment].medium.is_none(),
                _ => false,
            },
            Part::Pair(from, to) => {
                let route = self.route(from, to).unwrap_or_default();
                from != to && route.turns.iter().any(|&(other, _)| other == medium)
            }
        }
    }

    /// The ids of the nodes and switches that a transfer passes, its ends included; empty where it is direct.
    pub fn vertices(&self, from: usize, to: usize) -> Vec<String> {
        let vertices = self.route(from, to).map(|route| route.vertices).unwrap_or_default();
        if vertices.len() < 3 {
            return Vec::new();
        }
        vertices.into_iter().map(|vertex| self.vertex_id(vertex)).collect()
    }

    fn vertex_id(&self, vertex: usize) -> String {
        match (self.cluster.nodes.get(vertex), &self.cluster.network) {
            (Some(node), _) => node.id.clone(),
            (None, Some(Network::Topology(topology))) => topology.switches[vertex - self.cluster.nodes.len()].clone(),
            (None, _) => String::new(),
        }
    }

    /// The latency of every link, where the inventory gives one for all.
    pub fn common_latency_s(&self) -> Option<f64> {
        let common = match self.cluster.network.as_ref()? {
            Network::FullMesh(mesh) => mesh.latency_s,
            Network::Radio(radio) => radio.latency_s,
            Network::Matrix(matrix) => match &matrix.latency_s {
                MatrixLatency::Common(latency_s) => *latency_s,
                MatrixLatency::Rows(_) => return None,
            },
            Network::AccessPoint(access_point) => access_point.latency_s,
            Network::Topology(_) => return None,
        };
        self.listed.values().all(|listed| listed.link.latency_s == common).then_some(common)
    }

    /// The route of a transfer; `None` where there is none.
    fn route(&self, from: usize, to: usize) -> Option<Route> {
        let mut route = Route::default();
        self.add_port(&mut route, from, Direction::Out);
        match (self.listed.get(from, to), &self.graph) {
            (Some(Listed { link, medium }), _) => {
                route.latency_s = link.latency_s;
                route.turns.push((medium.unwrap_or_else(|| self.media.pair(from, to)), link.bandwidth_bps));
            }
            (None, Some(graph)) if from != to => self.by_segments(graph, from, to, &mut route)?,
            (None, _) if !self.access.is_empty() && from != to => self.by_access_point(from, to, &mut route)?,
            (None, _) => {
                let link = Some(self.by_rule(from, to)).filter(|link| link.exists())?;
                route.latency_s = link.latency_s;
                route.turns.push((self.common.unwrap_or_else(|| self.media.pair(from, to)), link.bandwidth_bps));
            }
        }
        self.add_port(&mut route, to, Direction::In);
        Some(route)
    }

    fn add_port(&self, route: &mut Route, node: usize, direction: Direction) {
        if let Some(port_bps) = self.cluster.nodes[node].port_bps {
            route.turns.push((self.media.port(node, direction), port_bps));
        }
    }

    fn by_segments(&self, graph: &Graph, from: usize, to: usize, route: &mut Route) -> Option<()> {
        let Some(Network::Topology(topology)) = &self.cluster.network else { return None };
        route.vertices.push(from);
        let is_there = graph.walk(from, to, |segment, at, ahead| {
            if at != from && at < self.cluster.nodes.len() {
                self.add_port(route, at, Direction::In);
                self.add_port(route, at, Direction::Out);
            }
            let it = &topology.segments[segment];
            let direction = if graph.is_first_end(segment, at) { Direction::Out } else { Direction::In };
            let named = it.medium.as_deref().and_then(|name| self.media.named(name));
            let medium = named.unwrap_or_else(|| self.media.segment(segment, it.duplex, direction));
            route.turns.push((medium, it.bandwidth_bps));
            route.latency_s += it.latency_s;
            route.vertices.push(ahead);
        });
        is_there.then_some(())
    }

    fn by_access_point(&self, from: usize, to: usize, route: &mut Route) -> Option<()> {
        let Some(Network::AccessPoint(access_point)) = &self.cluster.network else { return None };
        let channel = self.common?;
        let turn = |node: usize, direction: Direction| {
            Some(match self.access[node]? {
                Access::Channel(bandwidth_bps) => (channel, bandwidth_bps),
                Access::Wire(bandwidth_bps) => (self.media.wire(node, direction), bandwidth_bps),
            })
        };
        route.latency_s = access_point.latency_s;
        route.turns.extend([turn(from, Direction::Out)?, turn(to, Direction::In)?]);
        Some(())
    }

    /// The link that the network gives each pair of nodes by itself.
    fn by_rule(&self, from: usize, to: usize) -> Link {
        let (bandwidth_bps, latency_s) = match &self.cluster.network {
            None | Some(Network::AccessPoint(_) | Network::Topology(_)) => return Link::MISSING,
            Some(Network::FullMesh(mesh)) => (mesh.bandwidth_bps, mesh.latency_s),
            Some(Network::Radio(radio)) => {
                let nodes = &self.cluster.nodes;
                let (Some(a), Some(b)) = (nodes[from].position_m, nodes[to].position_m) else {
                    return Link::MISSING;
                };
                let squared_distance = (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
                let bandwidth_bps = radio.bandwidth_hz * (1.0 + radio.snr_at_1m / squared_distance).log2();
                (bandwidth_bps, radio.latency_s)
            }
            Some(Network::Matrix(matrix)) => {
                let (Some(row), Some(column)) = (self.matrix_row[from], self.matrix_row[to]) else {
                    return Link::MISSING;
                };
                (matrix.bandwidth_bps[row][column], matrix.latency_s.between(row, column))
            }
        };
        if from != to && bandwidth_bps > 0.0 { Link { bandwidth_bps, latency_s } } else { Link::MISSING }
    }
}

//! What carries the transfers of a request, straight from the law: for each directed pair of nodes the media of its route,
//! found among all paths.

use std::collections::BTreeMap;

use cutpoint_planner::domain::cluster::{ClusterInventory, Node};
use cutpoint_planner::domain::network::{Duplex, MatrixLatency, Network, Segment, Topology};
use cutpoint_planner::domain::options::{Overlap, Transfers};
use cutpoint_planner::domain::request::PlanRequest;

use super::tableau::share;

/// A medium by a text that no other has, its id in documents, and whether it is named.
type Medium = (String, String, bool);

/// A medium with the bit rate at which a transfer passes it.
type Turn = (Medium, f64);

/// What a transfer passes, in order, with media by what `M` is.
struct Route<M> {
    turns: Vec<(M, f64)>,
    latency_s: f64,
}

pub struct Carriers<'a> {
    request: &'a PlanRequest,
    media: Vec<Medium>,
    /// For each directed pair of nodes its media by their places, with the bandwidth that is left of each.
    routes: Vec<Vec<Option<Route<usize>>>>,
}

/// A transfer with the seconds for which it occupies each medium.
#[derive(Debug, Clone, Default)]
pub struct Transfer {
    occupied: Vec<(usize, f64)>,
    latency_s: f64,
}

/// A pipeline with all transfers; those from a node to itself take no time.
pub struct Pipeline<'p> {
    pub nodes: &'p [usize],
    pub compute_s: &'p [f64],
    pub source: Option<usize>,
    pub sink: Option<usize>,
    /// From the source, from stage to stage, and to the sink: one more than there are stages.
    pub transfers: &'p [Transfer],
}

impl Transfer {
    /// What it takes of the medium that it occupies longest.
    pub fn longest_s(&self) -> f64 {
        self.occupied.iter().map(|&(_, seconds)| seconds).fold(0.0, f64::max)
    }

    /// Until it has arrived.
    pub fn arrives_s(&self) -> f64 {
        self.longest_s() + self.latency_s
    }
}

impl<'a> Carriers<'a> {
    pub fn new(request: &'a PlanRequest) -> Self {
        let nodes = &request.cluster.nodes;
        let find = |from: usize, to: usize| route(&request.cluster, &nodes[from], &nodes[to]);
        let row = |from: usize| (0..nodes.len()).map(|to| if from == to { None } else { find(from, to) }).collect();
        let found: Vec<Vec<Option<Route<Medium>>>> = (0..nodes.len()).map(row).collect();
        let turns = found.iter().flatten().flatten().flat_map(|route| &route.turns);
        let mut media: Vec<Medium> = turns.map(|(medium, _)| medium.clone()).collect();
        media.sort();
        media.dedup();
        let left: Vec<f64> = media.iter().map(|medium| medium_share(request, medium, &media)).collect();
        let by_place = |from: usize, to: usize, route: &Route<Medium>| {
            let of_pair = pair_share(request, &nodes[from].id, &nodes[to].id);
            let left_of = |(medium, bandwidth_bps): &Turn| {
                let at = media.binary_search(medium).unwrap();
                (at, bandwidth_bps * (of_pair * left[at]))
            };
            Route { turns: route.turns.iter().map(left_of).collect(), latency_s: route.latency_s }
        };
        let row = |(from, row): (usize, &Vec<Option<Route<Medium>>>)| {
            row.iter().enumerate().map(|(to, route)| Some(by_place(from, to, route.as_ref()?))).collect()
        };
        let routes = found.iter().enumerate().map(row).collect();
        Self { request, media, routes }
    }

    /// A transfer of so many bytes; `None` without a route.
    pub fn transfer(&self, from: usize, to: usize, bytes: u64) -> Option<Transfer> {
        if from == to {
            return Some(Transfer::default());
        }
        let Route { turns, latency_s } = self.routes[from][to].as_ref()?;
        let bits = 8.0 * (bytes as f64 * self.request.options.cost_model.transfer_scale);
        let mut occupied: Vec<(usize, f64)> = Vec::with_capacity(turns.len());
        for &(medium, bandwidth_bps) in turns {
            match occupied.iter_mut().find(|(other, _)| *other == medium) {
                Some((_, seconds)) => *seconds += bits / bandwidth_bps,
                None => occupied.push((medium, bits / bandwidth_bps)),
            }
        }
        Some(Transfer { occupied, latency_s: *latency_s })
    }

    /// The seconds by which a transfer alone bounds the period with overlap.
    pub fn load_s(&self, transfer: &Transfer) -> f64 {
        match self.request.options.cost_model.transfers {
            Transfers::Streamed => transfer.longest_s(),
            Transfers::Acknowledged => transfer.arrives_s(),
        }
    }

    fn is_summed(&self, medium: usize) -> bool {
        self.media[medium].2 || self.request.options.cost_model.transfers == Transfers::Streamed
    }

    /// The media that several transfers use and that count, by id.
    pub fn shared_media(&self, transfers: &[Transfer]) -> Vec<(String, f64)> {
        let of_medium = |medium: usize| {
            let uses = transfers.iter().flat_map(|it| &it.occupied).filter(|(other, _)| *other == medium);
            let uses: Vec<f64> = uses.map(|&(_, seconds)| seconds).collect();
            let counts = uses.len() > 1 && self.is_summed(medium);
            counts.then(|| (self.media[medium].1.clone(), uses.iter().sum()))
        };
        let mut media: Vec<(String, f64)> = (0..self.media.len()).filter_map(of_medium).collect();
        media.sort_by(|a, b| a.partial_cmp(b).unwrap());
        media
    }

    fn busiest_s(&self, transfers: &[Transfer]) -> f64 {
        let mut busy_s = vec![0.0; self.media.len()];
        for &(medium, seconds) in transfers.iter().flat_map(|it| &it.occupied) {
            busy_s[medium] += seconds;
        }
        (0..self.media.len()).filter(|&medium| self.is_summed(medium)).map(|medium| busy_s[medium]).fold(0.0, f64::max)
    }

    /// Seconds of one pass on each medium that counts, and with overlap `none` on each node.
    pub fn loads(&self, pipeline: &Pipeline<'_>) -> BTreeMap<usize, f64> {
        let mut loads: BTreeMap<usize, f64> = BTreeMap::new();
        for &(medium, seconds) in pipeline.transfers.iter().flat_map(|it| &it.occupied) {
            if self.is_summed(medium) {
                *loads.entry(medium).or_default() += seconds;
            }
        }
        if self.request.options.cost_model.overlap == Overlap::None {
            let mut ends: Vec<Option<usize>> = vec![pipeline.source];
            ends.extend(pipeline.nodes.iter().map(|&node| Some(node)));
            ends.push(pipeline.sink);
            for (pair, transfer) in ends.windows(2).zip(pipeline.transfers) {
                if pair[0] != pair[1] {
                    for node in pair.iter().flatten() {
                        *loads.entry(self.media.len() + node).or_default() += transfer.arrives_s();
                    }
                }
            }
            for (node, compute_s) in pipeline.nodes.iter().zip(pipeline.compute_s) {
                *loads.entry(self.media.len() + node).or_default() += compute_s;
            }
        }
        loads.retain(|_, seconds| *seconds > 0.0);
        loads
    }

    /// Period and latency.
    pub fn times(&self, pipeline: &Pipeline<'_>) -> (f64, f64) {
        let Pipeline { nodes, compute_s, source, sink, transfers } = *pipeline;
        let arrives_s: Vec<f64> = transfers.iter().map(Transfer::arrives_s).collect();
        let mut latency_s = arrives_s[0];
        // What a node sends as the source and takes as the sink, beside the stage that it may host.
        let (mut busy_s, mut own_s) = (vec![0.0; self.routes.len()], vec![0.0; self.routes.len()]);
        for (stage, &node) in nodes.iter().enumerate() {
            latency_s = latency_s + compute_s[stage] + arrives_s[stage + 1];
            busy_s[node] = arrives_s[stage] + compute_s[stage] + arrives_s[stage + 1];
        }
        if let Some(source) = source.filter(|&source| source != nodes[0]) {
            own_s[source] += arrives_s[0];
        }
        if let Some(sink) = sink.filter(|&sink| sink != nodes[nodes.len() - 1]) {
            own_s[sink] += arrives_s[nodes.len()];
        }
        let single = compute_s.iter().copied().chain(transfers.iter().map(|transfer| self.load_s(transfer)));
        let by_node = busy_s.iter().zip(own_s).map(|(busy_s, own_s)| busy_s + own_s);
        let period_s = match self.request.options.cost_model.overlap {
            Overlap::Full => single.fold(0.0, f64::max),
            Overlap::None => by_node.fold(0.0, f64::max),
        };
        (f64::max(period_s, self.busiest_s(transfers)), latency_s)
    }

    /// Whether no medium bounds a period more than its transfers do one by one.
    pub fn are_private(&self) -> bool {
        let constraints = &self.request.options.constraints;
        let one_way = constraints.source_node.is_none()
            || constraints.sink_node.is_none()
            || constraints.source_node == constraints.sink_node
            || self.request.options.cost_model.transfers == Transfers::Acknowledged;
        let users = |medium: usize| {
            let routes = self.routes.iter().flatten().flatten();
            routes.filter(|route| route.turns.iter().any(|&(other, _)| other == medium)).count()
        };
        one_way && (0..self.media.len()).all(|medium| !self.is_summed(medium) || users(medium) == 1)
    }
}

/// Whether a period is the same to the bit in whatever order one sums: one medium a transfer, and at most two transfers a
/// medium.
pub fn is_exact(request: &PlanRequest) -> bool {
    let cluster = &request.cluster;
    let named_pairs = match &cluster.network {
        None => false,
        Some(Network::FullMesh(mesh)) => mesh.medium.is_some(),
        Some(Network::Radio(radio)) => radio.medium.is_some(),
        Some(Network::Matrix(matrix)) => matrix.medium.is_some(),
        Some(Network::AccessPoint(_) | Network::Topology(_)) => true,
    };
    let shared = named_pairs || cluster.links.iter().any(|link| link.medium.is_some());
    let ports = cluster.nodes.iter().any(|node| node.port_bps.is_some());
    let occupied = request.options.occupants.iter().any(|occupant| !occupant.media.is_empty());
    !(shared || ports || occupied)
}

/// What occupants leave of a directed pair.
fn pair_share(request: &PlanRequest, from: &str, to: &str) -> f64 {
    let of_occupants = request.options.occupants.iter().flat_map(|occupant| {
        let hops = occupant.hops.iter().filter(|hop| hop.from_node_id == from && hop.to_node_id == to);
        hops.map(|hop| f64::min(1.0, hop.transfer_s * occupant.rate_per_s))
    });
    share(of_occupants.collect())
}

/// What occupants leave of a medium. An id that several media have means the named one, or else the one that is no link.
fn medium_share(request: &PlanRequest, medium: &Medium, all: &[Medium]) -> f64 {
    let rank = |(key, _, named): &Medium| (!named, key.starts_with("link"));
    let names = names(&request.cluster);
    let is_name = !medium.2 && names.contains(&medium.1);
    // A segment that no route takes has its id all the same.
    let is_segment = rank(medium).1 && segment_ids(&request.cluster).contains(&medium.1);
    if is_name || is_segment || all.iter().any(|other| other.1 == medium.1 && rank(other) < rank(medium)) {
        return 1.0;
    }
    let of_occupants = request.options.occupants.iter().flat_map(|occupant| {
        let uses = occupant.media.iter().filter(|it| it.id == medium.1);
        uses.map(|it| f64::min(1.0, it.occupied_s * occupant.rate_per_s))
    });
    share(of_occupants.collect())
}

/// Every name of a medium.
fn names(cluster: &ClusterInventory) -> Vec<String> {
    let of_network: Vec<Option<String>> = match &cluster.network {
        None => Vec::new(),
        Some(Network::FullMesh(mesh)) => vec![mesh.medium.clone()],
        Some(Network::Radio(radio)) => vec![radio.medium.clone()],
        Some(Network::Matrix(matrix)) => vec![matrix.medium.clone()],
        Some(Network::AccessPoint(point)) => vec![Some(point.medium.clone())],
        Some(Network::Topology(topology)) => topology.segments.iter().map(|it| it.medium.clone()).collect(),
    };
    cluster.links.iter().map(|link| link.medium.clone()).chain(of_network).flatten().collect()
}

/// The ids of directions of segments.
fn segment_ids(cluster: &ClusterInventory) -> Vec<String> {
    let Some(Network::Topology(topology)) = &cluster.network else { return Vec::new() };
    let full = topology.segments.iter().filter(|it| it.medium.is_none() && it.duplex == Duplex::Full);
    full.flat_map(|it| [format!("{} -> {}", it.a, it.b), format!("{} -> {}", it.b, it.a)]).collect()
}

fn named_or(name: &Option<String>, key: &str, id: String) -> Medium {
    match name {
        Some(name) => (format!("name {name}"), name.clone(), true),
        None => (format!("{key} {id}"), id, false),
    }
}

fn port(node: &Node, way: &str) -> Option<Turn> {
    let id = match node.port_duplex {
        Duplex::Full => format!("{} port {way}", node.id),
        Duplex::Half => format!("{} port", node.id),
    };
    Some((named_or(&None, "port", id), node.port_bps?))
}

fn route(cluster: &ClusterInventory, from: &Node, to: &Node) -> Option<Route<Medium>> {
    let Route { turns, latency_s } = between_ports(cluster, from, to)?;
    let turns = port(from, "out").into_iter().chain(turns).chain(port(to, "in")).collect();
    Some(Route { turns, latency_s })
}

fn between_ports(cluster: &ClusterInventory, from: &Node, to: &Node) -> Option<Route<Medium>> {
    let direct = |name: &Option<String>, bandwidth_bps: f64, latency_s: f64| {
        let medium = named_or(name, "link", format!("{} -> {}", from.id, to.id));
        (bandwidth_bps > 0.0).then(|| Route { turns: vec![(medium, bandwidth_bps)], latency_s })
    };
    for link in &cluster.links {
        let there = link.from == from.id && link.to == to.id;
        let back = link.bidirectional && link.from == to.id && link.to == from.id;
        if there || back {
            return direct(&link.medium, link.bandwidth_bps, link.latency_s);
        }
    }
    match cluster.network.as_ref()? {
        Network::FullMesh(mesh) => direct(&mesh.medium, mesh.bandwidth_bps, mesh.latency_s),
        Network::Radio(radio) => {
            let (here, there) = (from.position_m.unwrap(), to.position_m.unwrap());
            let (dx, dy) = (here.x - there.x, here.y - there.y);
            let bandwidth_bps = radio.bandwidth_hz * (1.0 + radio.snr_at_1m / (dx * dx + dy * dy)).log2();
            direct(&radio.medium, bandwidth_bps, radio.latency_s)
        }
        Network::Matrix(matrix) => {
            let row = matrix.node_ids.iter().position(|id| *id == from.id)?;
            let column = matrix.node_ids.iter().position(|id| *id == to.id)?;
            let latency_s = match &matrix.latency_s {
                MatrixLatency::Common(latency_s) => *latency_s,
                MatrixLatency::Rows(rows) => rows[row][column],
            };
            direct(&matrix.medium, matrix.bandwidth_bps[row][column], latency_s)
        }
        Network::AccessPoint(point) => {
            let turn = |node: &Node, way: &str| {
                let station = point.stations.iter().find(|it| it.node_id == node.id);
                let wired = point.wired.iter().find(|it| it.node_id == node.id);
                let channel = named_or(&Some(point.medium.clone()), "", String::new());
                let wire = named_or(&None, "wire", format!("{} wire {way}", node.id));
                let on = |medium: Medium| move |bandwidth_bps: f64| (medium, bandwidth_bps);
                station.map(|it| it.bandwidth_bps).map(on(channel)).or(wired.map(|it| it.bandwidth_bps).map(on(wire)))
            };
            Some(Route { turns: vec![turn(from, "out")?, turn(to, "in")?], latency_s: point.latency_s })
        }
        Network::Topology(topology) => by_segments(cluster, topology, from, to),
    }
}

fn by_segments(cluster: &ClusterInventory, topology: &Topology, from: &Node, to: &Node) -> Option<Route<Medium>> {
    let ids: Vec<&String> = cluster.nodes.iter().map(|node| &node.id).chain(&topology.switches).collect();
    let place = |id: &String| ids.iter().position(|other| *other == id).unwrap();
    let mut paths = Vec::new();
    every_path(topology, &place, &mut vec![place(&from.id)], place(&to.id), 0, &mut paths);
    let (_, path) = paths.into_iter().min()?;
    let (mut turns, mut latency_s) = (Vec::new(), 0.0);
    for pair in path.windows(2) {
        if let Some(forwarder) = cluster.nodes.get(pair[0]).filter(|_| pair[0] != path[0]) {
            turns.extend(port(forwarder, "in").into_iter().chain(port(forwarder, "out")));
        }
        let (a, b) = (ids[pair[0]], ids[pair[1]]);
        let joins = |it: &&Segment| (it.a == *a && it.b == *b) || (it.a == *b && it.b == *a);
        let segment = topology.segments.iter().find(joins).unwrap();
        let id = match segment.duplex {
            Duplex::Full => format!("{a} -> {b}"),
            Duplex::Half => format!("{} -- {}", segment.a, segment.b),
        };
        turns.push((named_or(&segment.medium, "segment", id), segment.bandwidth_bps));
        latency_s += segment.latency_s;
    }
    Some(Route { turns, latency_s })
}

/// Every path without a vertex twice, with its cost.
fn every_path(
    topology: &Topology,
    place: &dyn Fn(&String) -> usize,
    path: &mut Vec<usize>,
    end: usize,
    cost: u128,
    found: &mut Vec<(u128, Vec<usize>)>,
) {
    let last = path[path.len() - 1];
    if last == end {
        return found.push((cost, path.clone()));
    }
    for segment in &topology.segments {
        let (a, b) = (place(&segment.a), place(&segment.b));
        let Some(next) = [(a, b), (b, a)].into_iter().find(|it| it.0 == last).map(|it| it.1) else { continue };
        if !path.contains(&next) {
            let weight = ((1e21 / segment.bandwidth_bps).floor() as u128).max(1);
            path.push(next);
            every_path(topology, place, path, end, cost.saturating_add(weight), found);
            path.pop();
        }
    }
}

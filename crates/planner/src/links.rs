//! The solvers' table of links: bandwidth and latency for each directed pair of hosts, and to and from the ends.

use std::collections::BTreeMap;

use crate::domain::cluster::{ClusterInventory, Node};
use crate::domain::network::Network;
use crate::domain::options::Overlap;
use crate::index::{Grid, Host, Index, IndexVec, Row};
use crate::stopped::Stopped;

/// One directed link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Bits per second, above 0.
    pub bandwidth_bps: f64,
    /// Seconds added to each transfer; infinite where there is no direct path.
    pub latency_s: f64,
}

impl Link {
    /// No direct path: every transfer takes for ever.
    pub const MISSING: Link = Link { bandwidth_bps: 1.0, latency_s: f64::INFINITY };

    /// Whether there is a direct path.
    #[inline]
    pub fn exists(self) -> bool {
        self.latency_s.is_finite()
    }

    /// Seconds for a load in bits; the one form in which hop times are evaluated.
    #[inline]
    pub fn transfer_s(self, load_bits: f64) -> f64 {
        load_bits / self.bandwidth_bps + self.latency_s
    }
}

/// A value for some directed pairs of nodes, in rows by sender that are ordered by receiver: callers choose the pairs, so
/// that a hash table could be filled with collisions.
#[derive(Debug, Default)]
struct Pairs<T> {
    rows: Vec<Vec<(usize, T)>>,
}

impl<T: Copy> Pairs<T> {
    /// The values of pairs of so many nodes, each pair given once. O(p log p) for p pairs.
    fn new(nodes: usize, values: impl IntoIterator<Item = (usize, usize, T)>) -> Self {
        let mut values = values.into_iter().peekable();
        // Most large clusters list no pair: then there is no row to look into.
        let mut rows = vec![Vec::new(); if values.peek().is_some() { nodes } else { 0 }];
        for (from, to, value) in values {
            rows[from].push((to, value));
        }
        rows.iter_mut().for_each(|row| row.sort_by_key(|&(to, _)| to));
        Self { rows }
    }

    /// The value of a pair.
    fn get(&self, from: usize, to: usize) -> Option<T> {
        let row = self.rows.get(from)?;
        let at = row.binary_search_by_key(&to, |&(to, _)| to).ok()?;
        Some(row[at].1)
    }

    /// All values.
    fn values(&self) -> impl Iterator<Item = T> + '_ {
        self.rows.iter().flatten().map(|&(_, value)| value)
    }
}

/// Finds the link of any directed pair of a cluster's nodes.
pub struct LinkFinder<'c> {
    nodes: &'c [Node],
    listed: Pairs<Link>,
    network: Option<&'c Network>,
    /// For a matrix network: each node's row, where it has one.
    matrix_row: Vec<Option<usize>>,
    /// The shares of links that occupants use.
    shares: Pairs<f64>,
}

impl<'c> LinkFinder<'c> {
    /// Indexes a cluster's listed links.
    pub fn new(cluster: &'c ClusterInventory) -> Self {
        let mut listed = Vec::new();
        for link in &cluster.links {
            let ends = (cluster.node_index(&link.from), cluster.node_index(&link.to));
            let (Some(from), Some(to)) = ends else { continue };
            let value = Link { bandwidth_bps: link.bandwidth_bps, latency_s: link.latency_s };
            listed.push((from, to, value));
            if link.bidirectional {
                listed.push((to, from, value));
            }
        }
        let mut matrix_row = Vec::new();
        if let Some(Network::Matrix(matrix)) = &cluster.network {
            matrix_row.resize(cluster.nodes.len(), None);
            for (row, id) in matrix.node_ids.iter().enumerate() {
                if let Some(node) = cluster.node_index(id) {
                    matrix_row[node] = Some(row);
                }
            }
        }
        Self {
            nodes: &cluster.nodes,
            listed: Pairs::new(cluster.nodes.len(), listed),
            network: cluster.network.as_ref(),
            matrix_row,
            shares: Pairs::default(),
        }
    }

    /// The same links with the bandwidth that occupants leave.
    pub fn shared(self, shares: &BTreeMap<(usize, usize), f64>) -> Self {
        let shares = shares.iter().map(|(&(from, to), &share)| (from, to, share));
        Self { shares: Pairs::new(self.nodes.len(), shares), ..self }
    }

    /// The link from one node to another, by their places in the inventory.
    pub fn link(&self, from: usize, to: usize) -> Link {
        let link = self.listed.get(from, to).unwrap_or_else(|| self.by_network(from, to));
        self.shares.get(from, to).map_or(link, |share| Link { bandwidth_bps: link.bandwidth_bps * share, ..link })
    }

    /// The latency of every link, where the inventory gives one for all.
    fn common_latency_s(&self) -> Option<f64> {
        let common = match self.network? {
            Network::FullMesh(mesh) => mesh.latency_s,
            Network::Radio(radio) => radio.latency_s,
            Network::Matrix(matrix) => matrix.latency_s,
        };
        self.listed.values().all(|link: Link| link.latency_s == common).then_some(common)
    }

    fn by_network(&self, from: usize, to: usize) -> Link {
        let (bandwidth_bps, latency_s) = match self.network {
            None => return Link::MISSING,
            Some(Network::FullMesh(mesh)) => (mesh.bandwidth_bps, mesh.latency_s),
            Some(Network::Radio(radio)) => {
                let (Some(a), Some(b)) = (self.nodes[from].position_m, self.nodes[to].position_m) else {
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
                (matrix.bandwidth_bps[row][column], matrix.latency_s)
            }
        };
        if from != to && bandwidth_bps > 0.0 { Link { bandwidth_bps, latency_s } } else { Link::MISSING }
    }
}

/// Hosts between which widest paths are looked for.
const MOST_WIDEST: usize = 512;

/// Links between all pairs of hosts, dense.
#[derive(Debug)]
pub struct Links {
    /// By sender and receiver. 0 from a host to itself, and where no direct path is.
    bandwidth_bps: Grid<Host, Host, f64>,
    latency: Latency,
}

#[derive(Debug)]
enum Latency {
    /// Every link has this latency.
    Common(f64),
    /// By sender and receiver.
    ByPair(Grid<Host, Host, f64>),
}

impl Links {
    /// The table for these nodes (places in the inventory).
    pub fn new(
        finder: &LinkFinder<'_>,
        nodes: &IndexVec<Host, usize>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let hosts = nodes.len();
        let common_latency_s = finder.common_latency_s();
        let mut bandwidth_bps = Vec::with_capacity(hosts * hosts);
        let mut latency_s = Vec::with_capacity(if common_latency_s.is_none() { hosts * hosts } else { 0 });
        for &from in nodes {
            if stop() {
                return Err(Stopped);
            }
            let links = nodes.iter().map(|&to| if from == to { Link::MISSING } else { finder.link(from, to) });
            for link in links {
                bandwidth_bps.push(if link.exists() { link.bandwidth_bps } else { 0.0 });
                if common_latency_s.is_none() {
                    latency_s.push(link.latency_s);
                }
            }
        }
        let latency = match common_latency_s {
            Some(latency_s) => Latency::Common(latency_s),
            None => Latency::ByPair(Grid::of_cells(latency_s, hosts)),
        };
        Ok(Self { bandwidth_bps: Grid::of_cells(bandwidth_bps, hosts), latency })
    }

    /// Links at least as good as all ways between two hosts that lead through others: no transfer on such a way takes less
    /// than one on the link in its place. A host's time counts what it sends and receives itself where `overlap` is `none`,
    /// so that there the better of its first and last link counts. O(n³), and O(n²) for many hosts.
    pub fn passing_on(&self, overlap: Overlap) -> Self {
        let hosts = self.bandwidth_bps.columns();
        let best = |of: &dyn Fn(Host) -> f64| Host::first(hosts).map(of).fold(0.0, f64::max);
        let sent: IndexVec<Host, f64> =
            Host::first(hosts).map(|from| best(&|to| self.bandwidth_bps[(from, to)])).collect();
        let received: IndexVec<Host, f64> =
            Host::first(hosts).map(|to| best(&|from| self.bandwidth_bps[(from, to)])).collect();
        let mut bandwidth_bps = self.bandwidth_bps.clone();
        if overlap == Overlap::Full && hosts <= MOST_WIDEST {
            widen(&mut bandwidth_bps);
        } else {
            let of_ends = if overlap == Overlap::Full { f64::min } else { f64::max };
            for (from, to) in Host::first(hosts).flat_map(|from| Host::first(hosts).map(move |to| (from, to))) {
                let exist = from != to && sent[from] > 0.0 && received[to] > 0.0;
                bandwidth_bps[(from, to)] = if exist { of_ends(sent[from], received[to]) } else { 0.0 };
            }
        }
        let least_s = match &self.latency {
            Latency::Common(latency_s) => *latency_s,
            Latency::ByPair(latencies) => latencies.cells().iter().copied().fold(f64::INFINITY, f64::min),
        };
        Self { bandwidth_bps, latency: Latency::Common(least_s) }
    }

    /// The link between two hosts.
    #[inline]
    pub fn get(&self, from: Host, to: Host) -> Link {
        let latency_s = match &self.latency {
            Latency::Common(latency_s) => *latency_s,
            Latency::ByPair(latencies) => latencies[(from, to)],
        };
        match self.bandwidth_bps[(from, to)] {
            0.0 => Link::MISSING,
            bandwidth_bps => Link { bandwidth_bps, latency_s },
        }
    }

    /// The latency of every link, where it is the same.
    #[inline]
    pub fn common_latency_s(&self) -> Option<f64> {
        match self.latency {
            Latency::Common(latency_s) => Some(latency_s),
            Latency::ByPair(_) => None,
        }
    }

    /// Bandwidths of the links that leave a host, by receiving host; 0 where there is none.
    #[inline]
    pub fn bandwidth_row(&self, from: Host) -> Row<'_, Host, f64> {
        self.bandwidth_bps.row(from)
    }

    /// Calls `visit` with each receiving host and the seconds of a transfer there; infinite where there is no link.
    #[inline]
    pub fn for_each_transfer(&self, from: Host, load_bits: f64, mut visit: impl FnMut(Host, f64)) {
        let row = self.bandwidth_row(from).iter_indexed();
        let seconds = |bandwidth_bps: f64, latency_s: f64| {
            if bandwidth_bps == 0.0 { f64::INFINITY } else { load_bits / bandwidth_bps + latency_s }
        };
        match &self.latency {
            Latency::Common(latency_s) => {
                row.for_each(|(to, &bandwidth_bps)| visit(to, seconds(bandwidth_bps, *latency_s)))
            }
            Latency::ByPair(latencies) => {
                row.zip(latencies.row(from).iter())
                    .for_each(|((to, &bandwidth_bps), &latency_s)| visit(to, seconds(bandwidth_bps, latency_s)));
            }
        }
    }
}

/// Makes each bandwidth that of the widest path (Floyd 1962 and Warshall 1962, with the narrowest link in place of the sum).
fn widen(bandwidth_bps: &mut Grid<Host, Host, f64>) {
    let hosts = Host::first(bandwidth_bps.columns());
    for by in hosts.clone() {
        let onwards: Vec<f64> = bandwidth_bps.row(by).iter().copied().collect();
        for from in hosts.clone().filter(|&from| from != by) {
            let to_by = bandwidth_bps[(from, by)];
            let mut row = bandwidth_bps.row_mut(from);
            row.iter_mut().zip(&onwards).for_each(|(direct, onwards)| *direct = direct.max(to_by.min(*onwards)));
            row[from] = 0.0;
        }
    }
}

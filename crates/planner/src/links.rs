//! Links of a cluster, and the table of links between hosts: bandwidth and latency for each
//! directed pair.

use crate::domain::options::Overlap;
use crate::index::{Grid, Host, Index, IndexVec, Row};
use crate::routes::Routes;
use crate::stopped::Stopped;

/// One directed link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Bits per second, above 0.
    pub bandwidth_bps: f64,
    /// Seconds added to each transfer; infinite if there is no direct path.
    pub latency_s: f64,
}

impl Link {
    /// No direct path: every transfer takes an infinite time.
    pub const MISSING: Link = Link { bandwidth_bps: 1.0, latency_s: f64::INFINITY };

    /// Returns `true` if there is a direct path.
    #[inline]
    pub fn exists(self) -> bool {
        self.latency_s.is_finite()
    }

    /// Returns the seconds in which the link carries a load in bits. All hop times are computed by
    /// this formula, so that equal hops have equal times.
    #[inline]
    pub fn transfer_s(self, load_bits: f64) -> f64 {
        load_bits / self.bandwidth_bps + self.latency_s
    }
}

/// Hosts between which widest paths are looked for.
pub const MOST_WIDEST: usize = 512;

/// Links between all pairs of hosts, dense.
#[derive(Debug)]
pub struct Links {
    /// By sender and receiver; 0 from a host to itself and without a direct path.
    bandwidth_bps: Grid<Host, Host, f64>,
    latency: Latency,
}

/// Seconds by which transfers arrive later than their links are busy.
#[derive(Debug)]
pub struct Delays(Latency);

impl Delays {
    /// No transfer is delayed.
    pub const NONE: Self = Self(Latency::Common(0.0));

    /// Seconds of a hop.
    #[inline]
    pub fn get(&self, from: Host, to: Host) -> f64 {
        match &self.0 {
            Latency::Common(latency_s) => *latency_s,
            Latency::ByPair(latencies) => latencies[(from, to)],
        }
    }
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
    pub fn new(routes: &Routes<'_>, nodes: &IndexVec<Host, usize>, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let hosts = nodes.len();
        let common_latency_s = routes.common_latency_s();
        let mut bandwidth_bps = Vec::with_capacity(hosts * hosts);
        let mut latency_s = Vec::with_capacity(if common_latency_s.is_none() { hosts * hosts } else { 0 });
        for &from in nodes {
            if stop() {
                return Err(Stopped);
            }
            let links = nodes.iter().map(|&to| if from == to { Link::MISSING } else { routes.link(from, to) });
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

    /// Returns links that are at least as good as all paths between two hosts through others: no
    /// transfer on such a path takes less time than on the link that replaces it.
    ///
    /// With overlap `none`, a host's time counts only what it sends and receives itself, so the
    /// better of the first and the last link of a path counts. O(n³), and O(n²) for many hosts.
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

    /// Returns the link between two hosts.
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

    /// The links without their latencies, and these by themselves.
    pub fn without_latencies(self) -> (Self, Delays) {
        let without = Self { bandwidth_bps: self.bandwidth_bps, latency: Latency::Common(0.0) };
        (without, Delays(self.latency))
    }

    /// The latency of every link, where it is the same.
    #[inline]
    pub fn common_latency_s(&self) -> Option<f64> {
        match self.latency {
            Latency::Common(latency_s) => Some(latency_s),
            Latency::ByPair(_) => None,
        }
    }

    /// Returns the bandwidths of the links that leave a host, in bits per second, by receiving
    /// host; 0 if there is no link.
    #[inline]
    pub fn bandwidth_row(&self, from: Host) -> Row<'_, Host, f64> {
        self.bandwidth_bps.row(from)
    }

    /// Calls `visit` with each receiving host and the seconds of a transfer to it; infinite if
    /// there is no link.
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

/// Replaces each bandwidth by that of the widest path (Floyd 1962 and Warshall 1962, with the
/// narrowest link in place of the sum).
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

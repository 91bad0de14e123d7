//! ng-neighbourhoods: the visited nodes that a partial walk remembers on each host.
//!
//! A walk that moves to host w forgets the visited nodes that are not in w's neighbourhood. It
//! never moves to a node that it remembers. With empty neighbourhoods this is the walk relaxation;
//! with full ones it is the original problem. The neighbourhoods grow along the cycles of relaxed
//! walks, so only the necessary nodes are remembered.
//!
//! Sources: Baldacci, Mingozzi and Roberti 2011 (ng-routes, doi 10.1287/opre.1110.0975); Righini
//! and Salani 2008, and Boland, Dethridge and Dumitrescu 2006 (decremental state-space relaxation).
//! A neighbourhood holds up to 64 nodes.

use crate::index::{Grid, Host, Index, IndexVec};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The most hosts that one memory holds.
pub const MOST_REMEMBERED: usize = 64;

/// The place of a node that is not in a neighbourhood.
const ABSENT: u8 = u8::MAX;

/// A cycle is short if it has fewer nodes than this between the two visits.
const SHORT: usize = 3;

/// The neighbourhoods of all hosts. A memory is a word: bit b of a memory on host w stands for
/// `members[w][b]`.
#[derive(Debug, Clone)]
pub struct Neighbourhoods {
    members: IndexVec<Host, Vec<Host>>,
    /// For each host and node, the node's place in the host's neighbourhood.
    places: Grid<Host, Host, u8>,
}

impl Neighbourhoods {
    /// Creates empty neighbourhoods.
    pub fn new(hosts: usize) -> Self {
        Self { members: IndexVec::filled(Vec::new(), hosts), places: Grid::filled(ABSENT, hosts, hosts) }
    }

    /// Creates neighbourhoods in which each of at most 64 hosts remembers all hosts, in the same
    /// places.
    pub fn full(hosts: usize) -> Self {
        let all: Vec<Host> = Host::first(hosts).collect();
        let places = all.iter().flat_map(|_| 0..hosts as u8);
        Self { members: IndexVec::filled(all.clone(), hosts), places: Grid::of_cells(places.collect(), hosts) }
    }

    /// Creates neighbourhoods in which each host remembers the `nearest` hosts to which its links
    /// have the most bandwidth.
    pub fn of_nearest(instance: &Instance, nearest: usize, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let hosts = instance.hosts.indices();
        let mut neighbourhoods = Self::new(instance.hosts.len());
        for host in hosts.clone() {
            if stop() {
                return Err(Stopped);
            }
            let bandwidths = instance.links.bandwidth_row(host);
            let mut others: Vec<Host> = hosts.clone().filter(|&other| other != host).collect();
            let kept = nearest.min(others.len());
            if kept == 0 {
                continue;
            }
            others.select_nth_unstable_by(kept - 1, |&a, &b| bandwidths[b].total_cmp(&bandwidths[a]).then(a.cmp(&b)));
            for &other in &others[..kept] {
                neighbourhoods.remember(host, other);
            }
        }
        Ok(neighbourhoods)
    }

    /// Returns `true` if a memory on a host holds a node.
    #[inline]
    pub fn remembers(&self, host: Host, memory: u64, node: Host) -> bool {
        let place = self.places[(host, node)];
        place != ABSENT && memory >> place & 1 == 1
    }

    /// Returns the nodes that a memory on a host holds.
    pub fn remembered(&self, host: Host, memory: u64) -> impl Iterator<Item = Host> + '_ {
        let members = self.members[host].iter().enumerate();
        members.filter(move |&(place, _)| memory >> place & 1 == 1).map(|(_, &node)| node)
    }

    /// Returns the memory after a move from one host to the next.
    #[inline]
    pub fn moved(&self, from: Host, memory: u64, to: Host) -> u64 {
        let places = self.places.row(to);
        let kept = |node: Host| match places[node] {
            ABSENT => 0,
            place => 1 << place,
        };
        let mut moved = kept(from);
        let mut rest = memory;
        while rest != 0 {
            moved |= kept(self.members[from][rest.trailing_zeros() as usize]);
            rest &= rest - 1;
        }
        moved
    }

    /// Grows the neighbourhoods so that a walk with these hosts is not possible again. Returns
    /// `true` if any grew. None grows if the walk has no cycle or if the neighbourhoods on each
    /// cycle are full.
    pub fn forbid_cycles(&mut self, walk: &[Host]) -> bool {
        let mut grew = false;
        let mut last_visit: IndexVec<Host, Option<usize>> = IndexVec::filled(None, self.members.len());
        let mut innermost_start = 0;
        for (at, &node) in walk.iter().enumerate() {
            // Only the innermost of nested cycles are broken, because this often breaks the others
            // too.
            if let Some(before) = last_visit[node].filter(|&before| before >= innermost_start) {
                grew |= self.remember_between(node, &walk[before + 1..at]);
                innermost_start = before + 1;
            }
            last_visit[node] = Some(at);
        }
        grew
    }

    fn remember_between(&mut self, node: Host, between: &[Host]) -> bool {
        let mut grew = false;
        for &host in between {
            grew |= self.remember(host, node);
        }
        // A short cycle often returns rotated or reversed, so all its nodes remember one another at
        // once.
        if between.len() < SHORT {
            for &other in between {
                grew |= self.remember(node, other);
                for &host in between.iter().filter(|&&host| host != other) {
                    grew |= self.remember(host, other);
                }
            }
        }
        grew
    }

    fn remember(&mut self, host: Host, node: Host) -> bool {
        let place = &mut self.places[(host, node)];
        let is_new = *place == ABSENT && self.members[host].len() < MOST_REMEMBERED;
        if is_new {
            *place = self.members[host].len() as u8;
            self.members[host].push(node);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts<const N: usize>(numbers: [usize; N]) -> [Host; N] {
        numbers.map(Host::nth)
    }

    #[test]
    fn a_cycle_is_remembered_along_its_way() {
        let [a, b, c, d] = hosts([0, 1, 2, 3]);
        let mut neighbourhoods = Neighbourhoods::new(4);
        assert!(!neighbourhoods.forbid_cycles(&[a, b, c, d]));
        assert!(neighbourhoods.forbid_cycles(&[a, b, c, a]));
        let at_b = neighbourhoods.moved(a, 0, b);
        let at_c = neighbourhoods.moved(b, at_b, c);
        assert!(neighbourhoods.remembers(c, at_c, a));
        let at_d = neighbourhoods.moved(c, at_c, d);
        assert!(!neighbourhoods.remembers(d, at_d, a));
        assert!(!neighbourhoods.forbid_cycles(&[a, b, c, a]));
    }

    #[test]
    fn of_nested_cycles_the_innermost_is_broken() {
        let [a, b, c] = hosts([0, 1, 2]);
        let mut neighbourhoods = Neighbourhoods::new(4);
        assert!(neighbourhoods.forbid_cycles(&[a, b, c, b, a]));
        let at_c = neighbourhoods.moved(b, 0, c);
        assert!(neighbourhoods.remembers(c, at_c, b));
        assert!(!neighbourhoods.remembers(b, neighbourhoods.moved(a, 0, b), a));
        assert!(neighbourhoods.remembers(b, neighbourhoods.moved(c, 0, b), c));
    }
}

//! ng-neighbourhoods: which visited nodes a partial walk remembers while it stands on a host.
//!
//! A walk that comes to host w keeps of the nodes it has visited those in w's neighbourhood, and never moves to a node
//! it remembers. With empty neighbourhoods this is the walk relaxation, with full ones the real problem; they grow
//! along the cycles that relaxed walks contain, so that only what matters is remembered.
//!
//! Source: Baldacci, Mingozzi and Roberti 2011 (ng-routes, doi 10.1287/opre.1110.0975); Righini and Salani 2008, and
//! Boland, Dethridge and Dumitrescu 2006 (decremental state-space relaxation). A neighbourhood holds up to 64 nodes.

use crate::instance::Instance;
use crate::stopped::Stopped;

/// No place in a neighbourhood.
const ABSENT: u8 = u8::MAX;

/// Cycles with fewer nodes than this between the two visits are short.
const SHORT: usize = 3;

/// The neighbourhoods of all hosts. A memory is a word: bit b of a memory on host w stands for `members[w][b]`.
#[derive(Debug, Clone)]
pub struct Neighbourhoods {
    hosts: usize,
    members: Vec<Vec<u32>>,
    /// For each host and node, the node's place in the host's neighbourhood.
    places: Vec<u8>,
}

impl Neighbourhoods {
    /// Empty neighbourhoods.
    pub fn new(hosts: usize) -> Self {
        Self { hosts, members: vec![Vec::new(); hosts], places: vec![ABSENT; hosts * hosts] }
    }

    /// Neighbourhoods of the `nearest` hosts to which each host has the fastest links.
    pub fn of_nearest(instance: &Instance, nearest: usize, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let hosts = instance.hosts.len();
        let mut neighbourhoods = Self::new(hosts);
        for host in 0..hosts {
            if stop() {
                return Err(Stopped);
            }
            let bandwidths = instance.links.bandwidth_row(host);
            let mut others: Vec<usize> = (0..hosts).filter(|&other| other != host).collect();
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

    /// Whether a memory on a host holds a node.
    #[inline]
    pub fn remembers(&self, host: usize, memory: u64, node: usize) -> bool {
        let place = self.places[host * self.hosts + node];
        place != ABSENT && memory >> place & 1 == 1
    }

    /// The nodes that a memory on a host holds.
    pub fn remembered(&self, host: usize, memory: u64) -> impl Iterator<Item = usize> + '_ {
        let members = self.members[host].iter().enumerate();
        members.filter(move |&(place, _)| memory >> place & 1 == 1).map(|(_, &node)| node as usize)
    }

    /// The memory after a move from one host to the next.
    #[inline]
    pub fn moved(&self, from: usize, memory: u64, to: usize) -> u64 {
        let places = &self.places[to * self.hosts..(to + 1) * self.hosts];
        let kept = |node: usize| match places[node] {
            ABSENT => 0,
            place => 1 << place,
        };
        let mut moved = kept(from);
        let mut rest = memory;
        while rest != 0 {
            moved |= kept(self.members[from][rest.trailing_zeros() as usize] as usize);
            rest &= rest - 1;
        }
        moved
    }

    /// Grows the neighbourhoods so that a walk with these hosts is not possible again. Returns whether any grew: not,
    /// where the walk has no cycle or the neighbourhoods on each cycle are full.
    pub fn forbid_cycles(&mut self, walk: &[usize]) -> bool {
        let mut grew = false;
        let mut last_visit: Vec<Option<usize>> = vec![None; self.hosts];
        let mut innermost_start = 0;
        for (at, &node) in walk.iter().enumerate() {
            // Of nested cycles only the innermost are broken: the others often go with them.
            if let Some(before) = last_visit[node].filter(|&before| before >= innermost_start) {
                grew |= self.remember_between(node, &walk[before + 1..at]);
                innermost_start = before + 1;
            }
            last_visit[node] = Some(at);
        }
        grew
    }

    fn remember_between(&mut self, node: usize, between: &[usize]) -> bool {
        let mut grew = false;
        for &host in between {
            grew |= self.remember(host, node);
        }
        // A short cycle comes back turned and reversed: all its nodes remember one another at once.
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

    fn remember(&mut self, host: usize, node: usize) -> bool {
        let place = &mut self.places[host * self.hosts + node];
        let room = *place == ABSENT && self.members[host].len() < 64;
        if room {
            *place = self.members[host].len() as u8;
            self.members[host].push(node as u32);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_remembered_along_its_way() {
        let mut neighbourhoods = Neighbourhoods::new(4);
        assert!(!neighbourhoods.forbid_cycles(&[0, 1, 2, 3]));
        assert!(neighbourhoods.forbid_cycles(&[0, 1, 2, 0]));
        let at_1 = neighbourhoods.moved(0, 0, 1);
        let at_2 = neighbourhoods.moved(1, at_1, 2);
        assert!(neighbourhoods.remembers(2, at_2, 0));
        let at_3 = neighbourhoods.moved(2, at_2, 3);
        assert!(!neighbourhoods.remembers(3, at_3, 0));
        assert!(!neighbourhoods.forbid_cycles(&[0, 1, 2, 0]));
    }

    #[test]
    fn of_nested_cycles_the_innermost_is_broken() {
        let mut neighbourhoods = Neighbourhoods::new(4);
        assert!(neighbourhoods.forbid_cycles(&[0, 1, 2, 1, 0]));
        let at_2 = neighbourhoods.moved(1, 0, 2);
        assert!(neighbourhoods.remembers(2, at_2, 1));
        assert!(!neighbourhoods.remembers(1, neighbourhoods.moved(0, 0, 1), 0));
        assert!(neighbourhoods.remembers(1, neighbourhoods.moved(2, 0, 1), 2));
    }
}

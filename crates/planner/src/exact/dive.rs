//! Depth-first dives for placements within a period.
//!
//! Children are ordered by the fewest stages still needed, then by the furthest position, then by
//! openness. Only the best few are followed, up to a number of expansions. If the first dive fails,
//! others follow in randomised order. A dive that finds nothing proves nothing.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::at_period::AtPeriod;
use super::capacity::Capacity;
use super::weighted_capacity::Remaining;
use crate::bits::Bits;
use crate::cost::Assignment;
use crate::index::{Host, Index, IndexVec, Position};
use crate::stopped::Stopped;

/// The most children of an expansion that are followed.
const WIDTH: usize = 6;

/// One dive.
pub struct Dive<'t, const W: usize> {
    tables: &'t AtPeriod<'t, W>,
    capacity: Option<&'t Capacity<W>>,
    remaining: Remaining,
    /// The openness of each host: a host whose links carry many loads leaves more extensions.
    openness: &'t IndexVec<Host, u64>,
    used: IndexVec<Host, bool>,
    path: Vec<(Host, Bits<W>)>,
    expansions_left: usize,
    /// Randomises the order of children, if given.
    rng: Option<&'t mut Pcg64Mcg>,
    stop: &'t dyn Fn() -> bool,
}

struct Child<const W: usize> {
    host: Host,
    starts: Bits<W>,
    fewest_stages: usize,
    furthest: usize,
    tie: u64,
}

impl<'t, const W: usize> Dive<'t, W> {
    /// Searches for a placement within the period of `tables`. Returns `None` if it finds none.
    pub fn run(
        tables: &'t AtPeriod<'t, W>,
        capacity: Option<&'t Capacity<W>>,
        openness: &'t IndexVec<Host, u64>,
        expansions: usize,
        rng: Option<&'t mut Pcg64Mcg>,
        stop: &'t dyn Fn() -> bool,
    ) -> Result<Option<Assignment>, Stopped> {
        let used = tables.instance.by_host(false);
        let mut dive = Self {
            tables,
            capacity,
            remaining: Remaining::all(tables.instance),
            openness,
            used,
            path: Vec::new(),
            expansions_left: expansions,
            rng,
            stop,
        };
        Ok(dive.descend()?.then(|| dive.assignment()).flatten())
    }

    /// Extends the path until it reaches the end. Returns `true` if it does.
    fn descend(&mut self) -> Result<bool, Stopped> {
        if let Some((host, starts)) = self.path.last() {
            let last = self.tables.instance.last();
            if self.tables.finishing(*host, 1).meets(starts) {
                debug_assert!(self.tables.ends(*host, starts).contains(last));
                return Ok(true);
            }
        }
        if self.expansions_left == 0 {
            return Ok(false);
        }
        if (self.stop)() {
            return Err(Stopped);
        }
        self.expansions_left -= 1;
        for Child { host, starts, .. } in self.children() {
            self.used[host] = true;
            self.remaining.by_group[self.tables.instance.group_of[host]] -= 1;
            self.path.push((host, starts));
            if self.descend()? {
                return Ok(true);
            }
            self.path.pop();
            self.remaining.by_group[self.tables.instance.group_of[host]] += 1;
            self.used[host] = false;
        }
        Ok(false)
    }

    fn children(&mut self) -> Vec<Child<W>> {
        let stages_left = self.tables.instance.most_stages - self.path.len();
        self.remaining.stages = stages_left - 1;
        let mut children: Vec<Child<W>> = Vec::new();
        match self.path.last() {
            None => {
                for host in self.tables.first_hosts().collect::<Vec<_>>() {
                    children.extend(self.child(host, Bits::single(Position::FIRST), stages_left));
                }
            }
            Some(&(from, starts)) => {
                let ends = self.tables.ends(from, &starts);
                for host in self.tables.instance.hosts.indices() {
                    if !self.used[host] {
                        children.extend(self.child(host, ends.and(self.tables.carried(from, host)), stages_left));
                    }
                }
            }
        }
        if let Some(rng) = &mut self.rng {
            for child in &mut children {
                child.tie += rng.random_range(0..=(u64::MAX - child.tie) / 2);
                // A quarter of the children get a random position. Otherwise every dive would make
                // the same first choices.
                if rng.random_range(0..4) == 0 {
                    child.furthest = rng.random_range(0..=child.furthest);
                }
            }
        }
        children.sort_by_key(|child| (child.fewest_stages, usize::MAX - child.furthest, child.tie, child.host));
        children.truncate(WIDTH);
        children
    }

    fn child(&mut self, host: Host, starts: Bits<W>, stages_left: usize) -> Option<Child<W>> {
        let mut starts = starts.and(&self.tables.finishing(host, stages_left));
        if let Some(capacity) = self.capacity {
            let group = self.tables.instance.group_of[host];
            self.remaining.by_group[group] -= 1;
            starts = capacity.admitted(group, starts, &self.remaining);
            self.remaining.by_group[group] += 1;
        }
        let furthest = starts.last()?.number();
        let fewest_stages = self.tables.fewest_stages(host, &starts)?;
        Some(Child { host, starts, fewest_stages, furthest, tie: u64::MAX - self.openness[host] })
    }

    /// Reads the stages back from the end. Each gets the earliest start that fits.
    fn assignment(&self) -> Option<Assignment> {
        let mut end = self.tables.instance.last();
        let mut stages = Vec::with_capacity(self.path.len());
        for (host, starts) in self.path.iter().rev() {
            stages.push((end, *host));
            end = starts.iter().find(|&start| self.tables.ends(*host, &Bits::single(start)).contains(end))?;
        }
        stages.reverse();
        (end == Position::FIRST).then_some(Assignment { stages })
    }
}

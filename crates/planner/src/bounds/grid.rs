//! Lower bounds that hold for every cut, computed on a grid of some positions.
//!
//! There are two relaxations. *Walks over a grid*: each cut moves down to the grid. A stage then
//! certainly holds only what lies between the grid position after its start and the one at its end.
//! A hop carries the smallest boundary of its cell over the best link into its host, and hosts may
//! be used again. This takes O(K² g + K n) for K cells. *Capacity*: within a period each host does
//! at most the largest piece of work that fits it, and together the hosts must do all work.

use super::{Bounds, some_cuts};
use crate::index::{GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The work of a host is a difference of prefix sums: a test counts as failed only if it fails by
/// more than this relative error.
const ROUNDING: f64 = 1e-9;

/// The bisection of the period of the capacity bound ends at this relative width.
const WIDTH: f64 = 1e-6;

/// The most pairs of a group and a position that a decision of the capacity bound may look at.
const MOST_LOOKS: usize = 1_000_000;

/// The most device classes whose times weigh the work in the capacity bound.
const WEIGHINGS: usize = 4;

/// Bounds computed on a grid.
pub struct GridBounds<'p> {
    instance: &'p Instance,
    grid: Vec<Position>,
}

impl Bounds for GridBounds<'_> {
    fn least_period(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        let walk_s = self.best_walk(f64::max, stop)?;
        if walk_s == f64::INFINITY {
            return Ok(walk_s);
        }
        Ok(walk_s.max(self.least_period_of_capacity(walk_s, stop)?))
    }

    fn least_latency(&self, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        self.best_walk(|before, time| before + time, stop)
    }
}

impl<'p> GridBounds<'p> {
    /// Creates the bounds for a grid of positions. The grid is ascending and contains 0 and m.
    pub fn new(instance: &'p Instance, grid: &[Position]) -> Self {
        Self { instance, grid: grid.to_vec() }
    }

    /// Returns the least cost of a walk over the grid. `join` combines two times and must never
    /// decrease in either argument.
    fn best_walk(&self, join: impl Fn(f64, f64) -> f64, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        let instance = self.instance;
        // A position of this instance stands for the cell that begins there.
        let on_grid = instance.with_cuts_at(&self.grid);
        let last = on_grid.last();
        let into = Incoming::new(instance);
        // For each cell, the least cost until a stage ends in it. The last entry stands for the end
        // of the model.
        let mut ended = on_grid.by_position(f64::INFINITY);
        let mut finished = f64::INFINITY;
        for host in instance.hosts.indices() {
            let (input_s, output_s) = (instance.input_s[host], instance.output_s[host]);
            let mut reached = Position::FIRST;
            on_grid.ends_without_buffers(instance.group_of[host], Position::FIRST, |end| {
                reached = end;
                let cost = join(input_s, on_grid.compute_s(instance.group_of[host], Position::FIRST, end));
                ended[end] = ended[end].min(cost);
            });
            ended[Position::FIRST] = ended[Position::FIRST].min(input_s);
            if reached == last {
                let compute_s = on_grid.compute_s(instance.group_of[host], Position::FIRST, last);
                finished = finished.min(join(join(input_s, compute_s), output_s));
            }
        }
        for cell in on_grid.starts() {
            if stop() {
                return Err(Stopped);
            }
            if !ended[cell].is_finite() {
                continue;
            }
            let load_bits = self.least_load_bits(cell);
            let mut starting = instance.by_group(f64::INFINITY);
            let mut finishing = starting.clone();
            for host in instance.hosts.indices() {
                let start = join(ended[cell], into.least_s(host, load_bits));
                let group = instance.group_of[host];
                starting[group] = starting[group].min(start);
                finishing[group] = finishing[group].min(join(start, instance.output_s[host]));
            }
            for (group, &start) in starting.iter_indexed().filter(|(_, start)| start.is_finite()) {
                // The blocks of the cell in which the stage starts need not belong to the stage.
                ended[cell + 1] = ended[cell + 1].min(start);
                let mut reached = cell + 1;
                on_grid.ends_without_buffers(group, cell + 1, |end| {
                    reached = end;
                    ended[end] = ended[end].min(join(start, on_grid.compute_s(group, cell + 1, end)));
                });
                if reached == last {
                    let compute_s = on_grid.compute_s(group, cell + 1, last);
                    finished = finished.min(join(finishing[group], compute_s));
                }
            }
        }
        Ok(finished)
    }

    /// Returns the smallest boundary, in bits, of the cuts of a cell.
    fn least_load_bits(&self, cell: Position) -> f64 {
        let (first, behind) = (self.grid[cell.number()], self.grid[cell.number() + 1]);
        let cuts = first.max(Position::FIRST + 1).until(behind);
        cuts.map(|cut| self.instance.load_bits[cut]).fold(f64::INFINITY, f64::min)
    }

    /// Returns a period, in seconds, below which all hosts together cannot do the work.
    fn least_period_of_capacity(&self, least_s: f64, stop: &dyn Fn() -> bool) -> Result<f64, Stopped> {
        let instance = self.instance;
        let looks = MOST_LOOKS / instance.groups.len();
        let grid =
            if instance.blocks() < looks { instance.positions().collect() } else { some_cuts::spread(instance, looks) };
        let mut low_s = least_s;
        let mut classes: Vec<usize> = Vec::new();
        for group in instance.groups.indices() {
            let class = instance.groups[group].class();
            if classes.len() == WEIGHINGS || classes.contains(&class) {
                continue;
            }
            classes.push(class);
            // Within this period each host has the time for all work. If it fails here, it fails
            // because of memory, which is explained elsewhere.
            let alone_s =
                instance.groups.indices().map(|group| instance.compute_s(group, Position::FIRST, instance.last()));
            let (mut low, mut high) = (low_s, alone_s.fold(low_s, f64::max));
            if !self.can_do_all(group, &grid, high, stop)? {
                continue;
            }
            while high - low > WIDTH * high {
                let middle = low + (high - low) / 2.0;
                if self.can_do_all(group, &grid, middle, stop)? { high = middle } else { low = middle }
            }
            low_s = low_s.max(low);
        }
        Ok(low_s)
    }

    /// Returns `true` if the largest pieces of work that the hosts can do within a period sum to
    /// the whole. Work is measured by the seconds that the group `weighing` needs for it.
    fn can_do_all(
        &self,
        weighing: GroupIndex,
        grid: &[Position],
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Stopped> {
        let instance = self.instance;
        let work_s = |start: Position, end: Position| instance.work_s(weighing, start, end);
        let all_s = work_s(Position::FIRST, instance.last());
        let mut of_group = instance.by_group(0.0);
        for group in instance.groups.indices() {
            if stop() {
                return Err(Stopped);
            }
            of_group[group] = self.largest_work_s(group, grid, period_s, &work_s);
        }
        let mut largest_s: Vec<f64> = instance.group_of.iter().map(|&group| of_group[group]).collect();
        largest_s.sort_unstable_by(|a, b| b.total_cmp(a));
        let together_s: f64 = largest_s.iter().take(instance.most_stages).sum();
        Ok(together_s >= all_s * (1.0 - ROUNDING))
    }

    /// Returns the most work that a stage on a group's hosts can do within a period. For each start
    /// on the grid, this takes the furthest end whose compute and parameters can still fit, and
    /// adds what the cells at both ends may contain.
    fn largest_work_s(
        &self,
        group: GroupIndex,
        grid: &[Position],
        period_s: f64,
        work_s: &impl Fn(Position, Position) -> f64,
    ) -> f64 {
        let instance = self.instance;
        let cells = grid.len() - 1;
        let is_single = |cell: usize| grid[cell + 1] == grid[cell] + 1;
        let mut largest_s = 0.0_f64;
        let mut end = 0;
        for cell in 0..cells {
            // If a cell holds a single cut, the start is known exactly.
            let sure = if is_single(cell) { cell } else { cell + 1 };
            end = end.max(sure);
            while end < cells
                && instance.compute_s(group, grid[sure], grid[end + 1]) <= period_s
                && instance.groups[group].holds(instance.resident_bytes(grid[sure], grid[end + 1]))
            {
                end += 1;
            }
            let furthest = if end == cells || is_single(end) { grid[end] } else { grid[end + 1] - 1 };
            if furthest > grid[cell] {
                largest_s = largest_s.max(work_s(grid[cell], furthest));
            }
        }
        largest_s
    }
}

/// For each host, the largest bandwidth and the least latency of the links into it.
struct Incoming {
    bandwidth_bps: IndexVec<Host, f64>,
    latency_s: IndexVec<Host, f64>,
}

impl Incoming {
    /// Reads all links in O(n²).
    fn new(instance: &Instance) -> Self {
        let hosts = instance.hosts.len();
        let mut bandwidth_bps: IndexVec<Host, f64> = IndexVec::filled(0.0, hosts);
        let mut latency_s: IndexVec<Host, f64> = IndexVec::filled(f64::INFINITY, hosts);
        for from in instance.hosts.indices() {
            for to in instance.hosts.indices().filter(|&to| to != from) {
                let link = instance.link(from, to);
                if link.exists() {
                    bandwidth_bps[to] = bandwidth_bps[to].max(link.bandwidth_bps);
                    latency_s[to] = latency_s[to].min(link.latency_s);
                }
            }
        }
        Self { bandwidth_bps, latency_s }
    }

    /// Returns the least time, in seconds, of a transfer into a host. It is infinite if no link
    /// leads there.
    fn least_s(&self, host: Host, load_bits: f64) -> f64 {
        if self.latency_s[host].is_finite() {
            load_bits / self.bandwidth_bps[host] + self.latency_s[host]
        } else {
            f64::INFINITY
        }
    }
}

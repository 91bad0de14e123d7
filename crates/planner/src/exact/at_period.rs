//! What is possible within a period T if hosts may be used again: the walk relaxation.
//!
//! The tables tell from which starts the end can be reached, and in how few stages. Every placement
//! is such a walk, so what the relaxation excludes has no placement. They take O((k n² + n m) m /
//! 64) for k stages.

use super::stage_ends::StageEnds;
use crate::bits::Bits;
use crate::index::{Grid, GroupIndex, Host, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The tables for one period.
#[derive(Debug)]
pub struct AtPeriod<'p, const W: usize> {
    /// The instance.
    pub instance: &'p Instance,
    stage_ends: &'p StageEnds<W>,
    /// For each group and start, the furthest end whose compute is within the period. If compute is
    /// not sorted by position, the last position.
    reach: Grid<GroupIndex, Position, Position>,
    /// For each group and end, the earliest start whose compute is within the period. If compute is
    /// not sorted by position, 0.
    earliest: Grid<GroupIndex, Position, Position>,
    /// The period, in seconds.
    pub period_s: f64,
    /// For each pair of hosts, the number of distinct loads that the link carries within the
    /// period.
    carries: Grid<Host, Host, u16>,
    /// For each number of the smallest distinct loads, the positions with one of these loads.
    carried: Vec<Bits<W>>,
    /// For each k and host, the starts from which at most k + 1 stages reach the end.
    finishing: Vec<IndexVec<Host, Bits<W>>>,
    /// For each host, whether the input reaches it within the period.
    input_in_time: IndexVec<Host, bool>,
}

impl<'p, const W: usize> AtPeriod<'p, W> {
    /// Builds the tables for a period in seconds.
    pub fn new(
        instance: &'p Instance,
        stage_ends: &'p StageEnds<W>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let loads = distinct_loads(instance);
        let reach = reach(instance, period_s);
        let mut tables = Self {
            instance,
            stage_ends,
            earliest: earliest_starts(instance, &reach),
            reach,
            period_s,
            carries: carries(instance, &loads, period_s, stop)?,
            carried: carried(instance, &loads),
            finishing: Vec::new(),
            input_in_time: instance.input_s.iter().map(|&input_s| input_s <= period_s).collect(),
        };
        tables.finishing = tables.finishing_starts(period_s, stop)?;
        Ok(tables)
    }

    /// Returns the ends of stages on a host that begin at one of `starts`.
    #[inline]
    pub fn ends(&self, host: Host, starts: &Bits<W>) -> Bits<W> {
        self.ends_of_group(self.instance.group_of[host], starts)
    }

    /// Returns the ends of stages on a group's hosts that begin at one of `starts`.
    pub fn ends_of_group(&self, group: GroupIndex, starts: &Bits<W>) -> Bits<W> {
        let reach = self.reach.row(group);
        let mut ends = Bits::EMPTY;
        let mut covered = Position::FIRST;
        for start in starts.iter() {
            if start >= self.instance.last() {
                break;
            }
            let by_compute = reach[start];
            let row = self.stage_ends.row(group, start);
            if self.stage_ends.are_intervals {
                let furthest = row.last().unwrap_or(start).min(by_compute);
                ends.insert_range(covered.max(start) + 1, furthest);
                covered = covered.max(furthest);
            } else {
                let mut within = Bits::EMPTY;
                within.insert_range(start, by_compute);
                ends = ends.or(&self.in_time(group, row.and(&within), |end| (start, end)));
            }
        }
        ends
    }

    /// Returns those of some positions whose stage computes within the period. Each stage is tested
    /// only if compute is not sorted by position.
    #[inline]
    fn in_time(
        &self,
        group: GroupIndex,
        positions: Bits<W>,
        stage: impl Fn(Position) -> (Position, Position),
    ) -> Bits<W> {
        if self.instance.compute_is_sorted(group) {
            return positions;
        }
        let mut in_time = Bits::EMPTY;
        for position in positions.iter() {
            let (start, end) = stage(position);
            if self.instance.compute_s(group, start, end) <= self.period_s {
                in_time.insert(position);
            }
        }
        in_time
    }

    /// Returns the starts of stages on a group's hosts that end at one of `ends`. Every end
    /// must be after position 0.
    pub fn starts_of_group(&self, group: GroupIndex, ends: &Bits<W>) -> Bits<W> {
        let mut starts = Bits::EMPTY;
        for end in ends.iter() {
            let mut in_time = Bits::EMPTY;
            in_time.insert_range(self.earliest[(group, end)], end);
            let column = self.stage_ends.column(group, end).and(&in_time);
            starts = starts.or(&self.in_time(group, column, |start| (start, end)));
        }
        starts
    }

    /// Returns the positions whose boundary the link between two hosts carries within the period.
    #[inline]
    pub fn carried(&self, from: Host, to: Host) -> &Bits<W> {
        &self.carried[usize::from(self.carries[(from, to)])]
    }

    /// Returns the starts on a host from which at most `stages` stages reach the end. The set is
    /// empty for 0 stages.
    #[inline]
    pub fn finishing(&self, host: Host, stages: usize) -> Bits<W> {
        match stages.min(self.finishing.len()) {
            0 => Bits::EMPTY,
            stages => self.finishing[stages - 1][host],
        }
    }

    /// Returns the openness of each host.
    pub fn openness_of_all(&self) -> IndexVec<Host, u64> {
        self.instance.hosts.indices().map(|host| self.openness(host)).collect()
    }

    /// Returns the openness of a host: the number of distinct loads that a link carries within the
    /// period, summed over its links.
    fn openness(&self, host: Host) -> u64 {
        self.carries.row(host).iter().map(|&loads| u64::from(loads)).sum()
    }

    /// Returns the fewest stages from one of `starts` on a host to the end.
    #[inline]
    pub fn fewest_stages(&self, host: Host, starts: &Bits<W>) -> Option<usize> {
        self.finishing.iter().position(|layer| layer[host].meets(starts)).map(|fewer| fewer + 1)
    }

    /// Returns the fewest stages of a walk through the whole model.
    pub fn fewest_stages_in_all(&self) -> Option<usize> {
        let beginning = Bits::single(Position::FIRST);
        self.first_hosts().filter_map(|host| self.fewest_stages(host, &beginning)).min()
    }

    /// Returns the positions of cuts that can be useful within the period, with 0 and m. A useful
    /// cut has a boundary that some link carries, and the end can be reached from it.
    pub fn useful_cuts(&self) -> Vec<Position> {
        let most_carried = self.carries.cells().iter().copied().max().unwrap_or(0);
        let hosts = self.instance.hosts.indices();
        let reaching =
            hosts.fold(Bits::EMPTY, |all: Bits<W>, host| all.or(&self.finishing(host, self.instance.most_stages)));
        let inner = reaching.and(&self.carried[usize::from(most_carried)]);
        std::iter::once(Position::FIRST).chain(inner.iter()).chain([self.instance.last()]).collect()
    }

    /// Returns the hosts on which a placement can begin.
    pub fn first_hosts(&self) -> impl Iterator<Item = Host> + '_ {
        let beginning = Bits::single(Position::FIRST);
        let most = self.instance.most_stages;
        let hosts = self.instance.hosts.indices();
        hosts.filter(move |&host| self.input_in_time[host] && self.finishing(host, most).meets(&beginning))
    }

    /// Returns the starts that reach the end, by number of stages and host. Each layer is computed
    /// only from what the layer before added.
    fn finishing_starts(
        &self,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<IndexVec<Host, Bits<W>>>, Stopped> {
        let mut layers: Vec<IndexVec<Host, Bits<W>>> = Vec::new();
        let mut known = self.instance.by_host(Bits::EMPTY);
        let mut targets_done = known.clone();
        let mut added: Vec<(Host, Bits<W>)> = Vec::new();
        loop {
            let everything = added.iter().fold(Bits::EMPTY, |all: Bits<W>, (_, new)| all.or(new));
            let mut next = Vec::new();
            for host in self.instance.hosts.indices() {
                if stop() {
                    return Err(Stopped);
                }
                let targets = match layers.len() {
                    0 if self.instance.output_s[host] <= period_s => Bits::single(self.instance.last()),
                    0 => Bits::EMPTY,
                    _ => self.carried_to(host, &added, &everything),
                };
                let new_targets = targets.minus(&targets_done[host]);
                let starts = self.starts_of_group(self.instance.group_of[host], &new_targets);
                targets_done[host] = targets_done[host].or(&targets);
                let new = starts.minus(&known[host]);
                if !new.is_empty() {
                    known[host] = known[host].or(&new);
                    next.push((host, new));
                }
            }
            if next.is_empty() {
                return Ok(layers);
            }
            layers.push(known.clone());
            if layers.len() == self.instance.most_stages {
                return Ok(layers);
            }
            added = next;
        }
    }

    /// Returns the positions at which a stage on a host can end so that one of `added` follows.
    /// `everything` is the union of `added`.
    fn carried_to(&self, host: Host, added: &[(Host, Bits<W>)], everything: &Bits<W>) -> Bits<W> {
        let mut targets = Bits::EMPTY;
        for some in added.chunks(16) {
            for (next, new) in some.iter().filter(|(next, _)| *next != host) {
                targets = targets.or(&new.and(self.carried(host, *next)));
            }
            if everything.minus(&targets).is_empty() {
                break;
            }
        }
        targets
    }
}

/// Returns, for each group and end, the earliest start whose compute is within the period.
fn earliest_starts(
    instance: &Instance,
    reach: &Grid<GroupIndex, Position, Position>,
) -> Grid<GroupIndex, Position, Position> {
    let mut earliest = Grid::filled(Position::FIRST, instance.groups.len(), instance.blocks() + 1);
    for group in instance.groups.indices().filter(|&group| instance.compute_is_sorted(group)) {
        let row = reach.row(group);
        let mut start = Position::FIRST;
        for end in instance.ends() {
            while start < end && row[start] < end {
                start += 1;
            }
            earliest[(group, end)] = start;
        }
    }
    earliest
}

/// Returns the distinct loads of the inner positions, in bits and in ascending order.
pub fn distinct_loads(instance: &Instance) -> Vec<f64> {
    let mut loads = instance.inner_positions().map(|position| instance.load_bits[position]).collect::<Vec<f64>>();
    loads.sort_unstable_by(f64::total_cmp);
    loads.dedup();
    loads
}

fn reach(instance: &Instance, period_s: f64) -> Grid<GroupIndex, Position, Position> {
    let last = instance.last();
    let mut reach = Grid::filled(last, instance.groups.len(), instance.blocks());
    for group in instance.groups.indices().filter(|&group| instance.compute_is_sorted(group)) {
        let mut end = Position::FIRST;
        for start in instance.starts() {
            end = end.max(start);
            while end < last && instance.compute_s(group, start, end + 1) <= period_s {
                end += 1;
            }
            reach[(group, start)] = end;
        }
    }
    reach
}

fn carries(
    instance: &Instance,
    loads: &[f64],
    period_s: f64,
    stop: &dyn Fn() -> bool,
) -> Result<Grid<Host, Host, u16>, Stopped> {
    let hosts = instance.hosts.len();
    let mut carries = Grid::filled(0, hosts, hosts);
    let thresholds = instance.links.common_latency_s().map(|latency_s| {
        let threshold = |&load_bits: &f64| least_bandwidth_bps(load_bits, latency_s, period_s);
        loads.iter().map(threshold).collect::<Vec<f64>>()
    });
    for from in instance.hosts.indices() {
        let mut row = carries.row_mut(from);
        if stop() {
            return Err(Stopped);
        }
        match &thresholds {
            Some(thresholds) => {
                for (carries, &bandwidth_bps) in row.iter_mut().zip(instance.links.bandwidth_row(from).iter()) {
                    *carries = thresholds.partition_point(|&least| least <= bandwidth_bps) as u16;
                }
            }
            None => {
                for (to, carries) in instance.hosts.indices().zip(row.iter_mut()) {
                    let link = instance.link(from, to);
                    *carries = loads.partition_point(|&load_bits| link.transfer_s(load_bits) <= period_s) as u16;
                }
            }
        }
    }
    Ok(carries)
}

/// Returns the least bandwidth that carries a load within the period. It is exact: the next smaller
/// double does not.
fn least_bandwidth_bps(load_bits: f64, latency_s: f64, period_s: f64) -> f64 {
    let in_time = |bandwidth_bps: f64| load_bits / bandwidth_bps + latency_s <= period_s;
    if load_bits == 0.0 {
        // A bandwidth of 0 means that there is no link. Any other bandwidth is enough.
        return if latency_s <= period_s { f64::from_bits(1) } else { f64::INFINITY };
    }
    if !in_time(f64::MAX) {
        return f64::INFINITY;
    }
    let mut least = (load_bits / (period_s - latency_s)).clamp(f64::MIN_POSITIVE, f64::MAX);
    // The estimate is usually off by a few roundings only. If the latency is so large that it hides
    // the difference, the threshold is bisected.
    for _ in 0..8 {
        if !in_time(least) {
            least = least.next_up();
        } else if in_time(least.next_down()) {
            least = least.next_down();
        } else {
            return least;
        }
    }
    let (mut fails, mut works) = (0.0_f64, f64::MAX);
    while fails.next_up() < works {
        // The bit patterns of positive doubles have the order of the doubles.
        let middle = f64::from_bits(fails.to_bits() + (works.to_bits() - fails.to_bits()) / 2);
        if in_time(middle) {
            works = middle;
        } else {
            fails = middle;
        }
    }
    works
}

fn carried<const W: usize>(instance: &Instance, loads: &[f64]) -> Vec<Bits<W>> {
    let mut carried = vec![Bits::EMPTY; loads.len() + 1];
    for position in instance.inner_positions() {
        let rank = loads.partition_point(|&load_bits| load_bits < instance.load_bits[position]);
        carried[rank + 1].insert(position);
    }
    for rank in 1..carried.len() {
        carried[rank] = carried[rank].or(&carried[rank - 1]);
    }
    carried
}

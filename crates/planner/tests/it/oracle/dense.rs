//! The dense dynamic program over sets of nodes (after Held and Karp 1962): the exact smallest period, and among
//! those the smallest latency. O(2^n · n² · m²), so for at most 12 nodes that may host a stage.

use cutpoint_planner::domain::options::{Objective, Overlap};
use cutpoint_planner::domain::request::PlanRequest;

use super::every::shipped_bytes;
use super::tableau::Tableau;
use super::{Optimum, OracleAnswer};

/// The most nodes that may host a stage.
const MOST_HOSTS: usize = 12;

/// The exact answer to a request for the largest throughput with full overlap; `None` for other requests, for those
/// that limit the latency or in which transfers may take turns on a medium, and for more than 12 hosts.
pub fn dense_dp(request: &PlanRequest) -> Option<OracleAnswer> {
    let options = &request.options;
    let tableau = Tableau::new(request);
    let answerable = options.objective == Objective::MaxThroughput
        && options.cost_model.overlap == Overlap::Full
        && options.constraints.max_latency_s.is_none()
        && options.base.is_none()
        && tableau.carriers.are_private()
        && tableau.hosts.len() <= MOST_HOSTS;
    if !answerable {
        return None;
    }
    let table = Table::new(&tableau);
    let Some(shortest) = table.shortest() else { return Some(OracleAnswer::Infeasible) };
    let period_s = shortest.value;
    let quickest = table.quickest(period_s)?;
    Some(OracleAnswer::Optimal(Optimum {
        objective: period_s,
        period_s,
        latency_s: quickest.value,
        stages: tableau.proposals(&quickest.nodes, &quickest.cuts),
    }))
}

/// The non-dominated pairs of period and latency, by ascending period, where [`dense_dp`] can answer the request when
/// it asks for the largest throughput.
pub fn dense_front(request: &PlanRequest) -> Option<Vec<(f64, f64)>> {
    let mut request = request.clone();
    request.options.objective = Objective::MaxThroughput;
    dense_dp(&request)?;
    let tableau = Tableau::new(&request);
    let table = Table::new(&tableau);
    let mut front = Vec::new();
    let mut limit_s = f64::INFINITY;
    // From the smallest latency of all to the smallest period.
    while let Some(quickest) = table.quickest(limit_s) {
        let within = |limit_s: f64| table.quickest(limit_s).is_some_and(|path| path.value == quickest.value);
        let mut period_s = tableau.times(&quickest.nodes, &quickest.cuts).unwrap().0;
        while within(period_s.next_down()) {
            let path = table.quickest(period_s.next_down()).unwrap();
            period_s = tableau.times(&path.nodes, &path.cuts).unwrap().0;
        }
        front.push((period_s, quickest.value));
        limit_s = period_s.next_down();
    }
    front.reverse();
    Some(front)
}

/// The fewest bytes that a placement with a period of at most a limit ships, `Some(None)` where there is none; `None`
/// for requests that [`dense_dp`] cannot answer without their base.
pub fn dense_least_bytes(request: &PlanRequest, limit_s: f64) -> Option<Option<u64>> {
    let mut without_base = request.clone();
    (without_base.options.base, without_base.options.max_period_ratio) = (None, None);
    dense_dp(&without_base)?;
    let tableau = Tableau::new(request);
    let table = Table::new(&tableau);
    let bytes = |host: usize, from: usize, to: usize, _: f64| {
        let stages = tableau.proposals(&[tableau.hosts[host]], &[from, to]);
        shipped_bytes(request, &stages) as f64
    };
    let path = table.solve_priced(limit_s, |sum, bytes| sum + bytes, &bytes, |_, _| 0.0);
    Some(path.map(|path| path.value as u64))
}

struct Table<'a> {
    tableau: &'a Tableau<'a>,
    /// For each host, first block and cut behind the last: the seconds of compute where the stage fits.
    stage_s: Vec<Option<f64>>,
}

struct Path {
    value: f64,
    nodes: Vec<usize>,
    cuts: Vec<usize>,
}

/// Where a best value of a state came from: the host before and its cut.
type Came = Option<(usize, usize)>;

impl<'a> Table<'a> {
    fn new(tableau: &'a Tableau<'a>) -> Self {
        let cuts = tableau.blocks() + 1;
        let mut stage_s = vec![None; tableau.hosts.len() * cuts * cuts];
        for (host, &node) in tableau.hosts.iter().enumerate() {
            for from in 0..cuts {
                for to in from + 1..cuts {
                    let fits = tableau.fits(node, from, to);
                    stage_s[(host * cuts + from) * cuts + to] = fits.then(|| tableau.compute_s(node, from, to));
                }
            }
        }
        Self { tableau, stage_s }
    }

    /// The least period.
    fn shortest(&self) -> Option<Path> {
        self.solve_priced(f64::INFINITY, f64::max, &|_, _, _, seconds| seconds, |load_s, _| load_s)
    }

    /// The least latency within a period.
    fn quickest(&self, limit_s: f64) -> Option<Path> {
        let sum = |sum: f64, seconds: f64| sum + seconds;
        self.solve_priced(limit_s, sum, &|_, _, _, seconds| seconds, |_, arrives_s| arrives_s)
    }

    /// The smallest value that `join` makes of the prices of stages and transfers along a pipeline, source and sink
    /// included, among those whose every part is at most `limit_s`. Prices are those of a stage (host, first block, cut behind
    /// the last, seconds) and of a transfer (what bounds the period, and the seconds until it has arrived).
    fn solve_priced(
        &self,
        limit_s: f64,
        join: fn(f64, f64) -> f64,
        stage_price: &dyn Fn(usize, usize, usize, f64) -> f64,
        transfer_price: fn(f64, f64) -> f64,
    ) -> Option<Path> {
        let (hosts, cuts) = (self.tableau.hosts.len(), self.tableau.blocks() + 1);
        let most_stages = self.tableau.request.options.constraints.max_stages.unwrap_or(u64::MAX);
        let within = |seconds: &f64| *seconds <= limit_s;
        let at = |set: usize, host: usize, cut: usize| (set * hosts + host) * cuts + cut;
        let stage_s =
            |host: usize, from: usize, to: usize| self.stage_s[(host * cuts + from) * cuts + to].filter(within);
        let stage = |host, from, to| stage_s(host, from, to).map(|seconds| stage_price(host, from, to, seconds));
        let transfer = |from: usize, to: usize, cut: usize| {
            let transfer = self.tableau.transfer(from, to, cut)?;
            let load_s = self.tableau.carriers.load_s(&transfer);
            within(&load_s).then(|| transfer_price(load_s, transfer.arrives_s()))
        };
        let node = |host: usize| self.tableau.hosts[host];
        let mut value = vec![f64::INFINITY; (1 << hosts) * hosts * cuts];
        let mut came: Vec<Came> = vec![None; value.len()];
        for host in 0..hosts {
            let receive_s = match self.tableau.source {
                Some(source) => transfer(source, node(host), 0),
                None => Some(0.0),
            };
            let Some(receive_s) = receive_s else { continue };
            for to in 1..cuts {
                if let Some(compute_s) = stage(host, 0, to) {
                    value[at(1 << host, host, to)] = join(receive_s, compute_s);
                }
            }
        }
        let mut best: Option<(f64, usize, usize)> = None;
        for set in 1_usize..1 << hosts {
            for last in (0..hosts).filter(|last| set >> last & 1 == 1) {
                let whole = value[at(set, last, cuts - 1)];
                let deliver_s = match self.tableau.sink {
                    Some(sink) => transfer(node(last), sink, cuts - 1),
                    None => Some(0.0),
                };
                if let Some(deliver_s) = deliver_s.filter(|_| whole.is_finite()) {
                    let total = join(whole, deliver_s);
                    if best.is_none_or(|(smallest, ..)| total < smallest) {
                        best = Some((total, set, last));
                    }
                }
                if u64::from(set.count_ones()) >= most_stages {
                    continue;
                }
                for from in 1..cuts - 1 {
                    let reached = value[at(set, last, from)];
                    if reached.is_infinite() {
                        continue;
                    }
                    for next in (0..hosts).filter(|next| set >> next & 1 == 0) {
                        let Some(hop_s) = transfer(node(last), node(next), from) else { continue };
                        let arrived = join(reached, hop_s);
                        for to in from + 1..cuts {
                            let Some(compute_s) = stage(next, from, to) else { continue };
                            let state = at(set | 1 << next, next, to);
                            let total = join(arrived, compute_s);
                            if total < value[state] {
                                value[state] = total;
                                came[state] = Some((last, from));
                            }
                        }
                    }
                }
            }
        }
        let (smallest, mut set, mut last) = best?;
        let (mut nodes, mut path_cuts, mut cut) = (vec![node(last)], vec![cuts - 1], cuts - 1);
        while let Some((before, from)) = came[at(set, last, cut)] {
            set &= !(1 << last);
            (last, cut) = (before, from);
            nodes.push(node(last));
            path_cuts.push(cut);
        }
        path_cuts.push(0);
        nodes.reverse();
        path_cuts.reverse();
        Some(Path { value: smallest, nodes, cuts: path_cuts })
    }
}

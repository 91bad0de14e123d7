//! Simulated annealing over the order of hosts, for overlap `none`: a node does one thing at a
//! time.
//!
//! The cost of an order is its excess: how far the loads of stages are above a period, summed over
//! all hosts, with the best cuts for the order. A dynamic programme over (stage, end) finds these
//! cuts, as in `repartition`. After a move, it begins at the first row that the move changes. It
//! ends early if the excess is larger than what would be accepted.
//!
//! An order without excess is a placement within the period, with two exceptions. Sums are rounded
//! in another way than in the cost model. And excess leaves out what a node sends as the source or
//! receives as the sink if the first or last stage is on another node. So the caller computes the
//! costs of the result. If no such order is found, nothing is proven. The search is deterministic:
//! it is seeded, and its effort is counted in moves. O(k m r) for each move, for stages of up to r
//! blocks.
//!
//! Source: Kirkpatrick, Gelatt and Vecchi 1983 (doi 10.1126/science.220.4598.671).

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::index::{Grid, GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Temperatures at the first move, as parts of the period: high for a new search, and low for a
/// search near the given order.
pub const TEMPERATURES: [f64; 2] = [0.15, 0.02];

/// The temperature at the last move, as a part of the period.
const LAST_TEMPERATURE: f64 = 0.0005;

/// The most stages, and the most pairs of hosts, that are tabulated.
const MOST_NUMBERS: usize = 4 << 20;

/// Moves between two calls of the stop hook.
const MOVES_PER_STOP: usize = 64;

/// A stage that fits the memory: its end, and its compute time in seconds.
type Stage = (Position, f64);

/// The tables with which orders of hosts are judged.
pub struct Orders<'p> {
    instance: &'p Instance,
    /// For each group and start, the stages that fit the memory, by ascending end.
    stages: Grid<GroupIndex, Position, Vec<Stage>>,
    /// For each number of stages, the first position from which that many stages can reach the end.
    least_start: Vec<Position>,
    /// For each pair of hosts, the seconds per bit and the latency in seconds.
    hops: Grid<Host, Host, (f64, f64)>,
}

/// An order of hosts with its excess, and for each stage the least excess by end.
struct Judged {
    order: Vec<Host>,
    rows: Vec<IndexVec<Position, f64>>,
    excess_s: f64,
}

impl<'p> Orders<'p> {
    /// Tabulates an instance. Returns `None` if the tables would be too large. O(g m r + n²).
    pub fn new(instance: &'p Instance, stop: &dyn Fn() -> bool) -> Result<Option<Self>, Stopped> {
        let (hosts, blocks) = (instance.hosts.len(), instance.blocks());
        if hosts * hosts > MOST_NUMBERS {
            return Ok(None);
        }
        let mut stages: Grid<GroupIndex, Position, Vec<Stage>> =
            Grid::filled(Vec::new(), instance.groups.len(), blocks);
        let mut numbers = 0;
        for group in instance.groups.indices() {
            for start in instance.starts() {
                if numbers > MOST_NUMBERS {
                    return Ok(None);
                }
                if start.number() % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let ends = &mut stages[(group, start)];
                instance.ends_in_memory(group, start, |end| ends.push((end, instance.compute_s(group, start, end))));
                numbers += ends.len();
            }
        }
        let furthest = |start: Position| {
            let of_group = |group: GroupIndex| stages[(group, start)].last().map_or(start, |&(end, _)| end);
            instance.groups.indices().map(of_group).max().unwrap_or(start)
        };
        let furthest: IndexVec<Position, Position> = instance.starts().map(furthest).collect();
        let mut least_start = vec![instance.last()];
        for _ in 0..instance.most_stages {
            let target = least_start[least_start.len() - 1];
            let reaches = |start: &Position| furthest[*start] >= target;
            least_start.push(instance.starts().find(reaches).unwrap_or(instance.last()));
        }
        let hop = |(from, to): (Host, Host)| {
            let link = instance.link(from, to);
            let latency_s = link.transfer_s(0.0);
            // The latency is infinite if there is no link.
            if latency_s.is_finite() { (link.transfer_s(1.0) - latency_s, latency_s) } else { (0.0, latency_s) }
        };
        let pairs = instance.hosts.indices().flat_map(|from| instance.hosts.indices().map(move |to| (from, to)));
        let hops = Grid::of_cells(pairs.map(hop).collect(), hosts);
        Ok(Some(Self { instance, stages, least_start, hops }))
    }

    fn hop_s(&self, from: Host, to: Host, position: Position) -> f64 {
        let (per_bit_s, latency_s) = self.hops[(from, to)];
        per_bit_s * self.instance.load_bits[position] + latency_s
    }

    /// Searches for an order without excess, from a given order. Returns `None` if none is found
    /// within the given number of moves.
    pub fn anneal(
        &self,
        order: &[Host],
        period_s: f64,
        (temperature, moves): (f64, usize),
        rng: &mut Pcg64Mcg,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Host>>, Stopped> {
        let mut current = Judged { order: order.to_vec(), rows: Vec::new(), excess_s: f64::INFINITY };
        let mut candidate = Judged { order: Vec::new(), rows: Vec::new(), excess_s: f64::INFINITY };
        self.judge(&mut current, 0, period_s, f64::INFINITY);
        let mut idle: Vec<Host> = self.instance.hosts.indices().filter(|host| !order.contains(host)).collect();
        let cooling = (LAST_TEMPERATURE / temperature).powf(1.0 / moves as f64);
        let mut temperature_s = temperature * period_s;
        for done in 0..moves {
            if current.excess_s <= 0.0 {
                return Ok(Some(current.order));
            }
            if done % MOVES_PER_STOP == 0 && stop() {
                return Err(Stopped);
            }
            temperature_s *= cooling;
            candidate.order.clone_from(&current.order);
            let Some(first) = change(&mut candidate.order, &idle, self.instance.most_stages, rng) else { continue };
            let accepted_s = current.excess_s - temperature_s * (1.0 - rng.random::<f64>()).ln();
            // The stage before the first changed one sends to another host, so its row changes too.
            // With another number of stages, all rows have other ends.
            let same_number = candidate.order.len() == current.order.len();
            let kept = if same_number { first.saturating_sub(1).min(current.rows.len()) } else { 0 };
            candidate.rows.clear();
            candidate.rows.extend_from_slice(&current.rows[..kept]);
            self.judge(&mut candidate, kept, period_s, accepted_s);
            if candidate.excess_s <= accepted_s {
                std::mem::swap(&mut current, &mut candidate);
                idle = self.instance.hosts.indices().filter(|host| !current.order.contains(host)).collect();
            }
        }
        Ok(None)
    }

    /// Adds the rows from a stage on, and sets the excess. The excess is infinite if it is above
    /// the limit.
    fn judge(&self, judged: &mut Judged, from: usize, period_s: f64, limit_s: f64) {
        let instance = self.instance;
        let order = &judged.order;
        judged.excess_s = f64::INFINITY;
        let mut sends = instance.by_position(0.0);
        for stage in from..order.len() {
            let host = order[stage];
            let left = order.len() - stage - 1;
            let least_end = self.least_start[left];
            for end in least_end.through(instance.last()) {
                sends[end] = match order.get(stage + 1) {
                    Some(&next) => self.hop_s(host, next, end),
                    None => instance.output_s[host],
                };
            }
            let mut row = instance.by_position(f64::INFINITY);
            let mut least_s = f64::INFINITY;
            let (first, behind) = match stage {
                0 => (Position::FIRST, Position::FIRST + 1),
                _ => (self.least_start[left + 1], instance.last()),
            };
            for start in first.until(behind) {
                let (before_s, receive_s) = match stage {
                    0 => (0.0, instance.input_s[host]),
                    _ => (judged.rows[stage - 1][start], self.hop_s(order[stage - 1], host, start)),
                };
                if before_s > limit_s || before_s == f64::INFINITY {
                    continue;
                }
                for &(end, compute_s) in &self.stages[(instance.group_of[host], start)] {
                    if end < least_end {
                        continue;
                    }
                    let excess_s = before_s + (receive_s + compute_s + sends[end] - period_s).max(0.0);
                    if excess_s < row[end] {
                        row[end] = excess_s;
                        least_s = least_s.min(excess_s);
                    }
                }
            }
            if least_s > limit_s || least_s == f64::INFINITY {
                return;
            }
            judged.rows.push(row);
        }
        judged.excess_s = judged.rows[order.len() - 1][instance.last()];
    }
}

/// Changes an order at random. Returns the first stage that differs, or `None` if none does.
fn change(order: &mut Vec<Host>, idle: &[Host], most_stages: usize, rng: &mut Pcg64Mcg) -> Option<usize> {
    let stages = order.len();
    let (a, b) = (rng.random_range(0..stages), rng.random_range(0..stages));
    let (low, high) = (a.min(b), a.max(b));
    let idler = |rng: &mut Pcg64Mcg| (!idle.is_empty()).then(|| idle[rng.random_range(0..idle.len())]);
    match rng.random_range(0..10) {
        0..3 => order.swap(a, b),
        3..5 => order[low..=high].reverse(),
        5..7 => {
            let host = order.remove(a);
            order.insert(b, host);
        }
        7..9 => {
            order[a] = idler(rng)?;
            return Some(a);
        }
        _ if rng.random_bool(0.5) => {
            if stages == most_stages {
                return None;
            }
            order.insert(a, idler(rng)?);
            return Some(a);
        }
        _ => {
            if stages == 1 {
                return None;
            }
            order.remove(a);
            return Some(a);
        }
    }
    (low < high).then_some(low)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::cost::costs;
    use crate::domain::options::Overlap;
    use crate::domain::request::PlanRequest;
    use crate::repartition::repartition;

    #[test]
    fn an_order_that_is_no_placement_is_a_start_too() {
        let instance = instance();
        let orders = Orders::new(&instance, &|| false).unwrap().unwrap();
        let alone = [Host::nth(0)];
        // One host cannot hold the whole model, and gives no row.
        assert!(repartition(&instance, &alone, &|| false).unwrap().is_none());
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let found = orders.anneal(&alone, 1e9, (TEMPERATURES[0], 50_000), &mut rng, &|| false).unwrap().unwrap();
        assert!(repartition(&instance, &found, &|| false).unwrap().is_some());
    }

    const INSTANCE: &str = include_str!("../../tests/instances/paper_tight_n16_0.json");

    fn instance() -> Instance {
        let certified: serde_json::Value = serde_json::from_str(INSTANCE).unwrap();
        let mut request = PlanRequest::from_json(&certified["request"]).unwrap();
        request.options.cost_model.overlap = Overlap::None;
        Instance::new(&request, &|| false).unwrap()
    }

    #[test]
    fn an_order_without_excess_is_a_placement_within_the_period() {
        let instance = instance();
        let orders = Orders::new(&instance, &|| false).unwrap().unwrap();
        let first: Vec<Host> = Host::first(instance.most_stages).collect();
        let period_of = |order: &[Host]| {
            repartition(&instance, order, &|| false).unwrap().map(|placement| costs(&instance, &placement).period_s)
        };
        let before_s = period_of(&first).unwrap();
        let anneal = |period_s: f64, moves: usize| {
            let mut rng = Pcg64Mcg::seed_from_u64(1);
            orders.anneal(&first, period_s, (TEMPERATURES[0], moves), &mut rng, &|| false).unwrap()
        };
        let certified: serde_json::Value = serde_json::from_str(INSTANCE).unwrap();
        let least_s = certified["expected"]["period_s"].as_f64().unwrap();
        let found = anneal(before_s * 0.8, 5_000).unwrap();
        assert!(period_of(&found).unwrap() <= before_s * 0.8 * (1.0 + 1e-9));
        assert_eq!(anneal(before_s * 0.8, 5_000), Some(found));
        // No load is below the longest hop, which is never below the least period with full overlap.
        assert_eq!(anneal(least_s * 0.999, 5_000), None);
        assert_eq!(
            orders.anneal(&first, before_s * 0.8, (0.15, 5_000), &mut Pcg64Mcg::seed_from_u64(1), &|| true),
            Err(Stopped)
        );
    }
}

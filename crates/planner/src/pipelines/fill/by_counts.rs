//! The best set of pipelines that share nothing, by a dynamic programme over counts of hosts.

use super::column::Column;
use super::counts::Counts;
use crate::stopped::Stopped;

/// The most steps of the dynamic programme.
const MOST_STEPS: usize = 400_000_000;

/// Relative difference up to which two sums of rates are equal: the rest is rounding.
const EQUAL: f64 = 1e-12;

/// What a set of pipelines must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The most pipelines.
    pub most: usize,
    /// The most hosts of all pipelines together.
    pub most_nodes: usize,
    /// The sum of rates that is needed, per second. Then the fewest hosts are wanted, and not the largest sum.
    pub needed_rate_per_s: Option<f64>,
}

impl Limits {
    /// Returns `true` if a sum of rates with a number of hosts is better than another one. Of sums that are equal up to
    /// rounding, the one with fewer hosts is better.
    pub fn prefer(&self, (rate_per_s, nodes): (f64, usize), (other_per_s, other_nodes): (f64, usize)) -> bool {
        if let Some(needed_per_s) = self.needed_rate_per_s {
            let (suffices, other_suffices) = (rate_per_s >= needed_per_s, other_per_s >= needed_per_s);
            if suffices != other_suffices {
                return suffices;
            }
            if suffices && nodes != other_nodes {
                return nodes < other_nodes;
            }
        }
        let difference = rate_per_s - other_per_s;
        if difference.abs() > EQUAL * rate_per_s.max(other_per_s) { difference > 0.0 } else { nodes < other_nodes }
    }
}

/// Returns the best set of some columns that share nothing, as indices with repetitions. Returns `None` if that would take
/// too long.
pub fn best_set(
    columns: &[Column],
    counts: &Counts,
    limits: &Limits,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<usize>>, Stopped> {
    let fewest = columns.iter().map(|column| column.nodes).min().unwrap_or(1);
    let all_hosts = counts.hosts(counts.len() - 1);
    let rounds = if limits.most < all_hosts / fewest.max(1) { limits.most } else { 1 };
    if columns.len().saturating_mul(counts.len()).saturating_mul(rounds) > MOST_STEPS {
        return Ok(None);
    }
    let numbers: Vec<usize> = columns.iter().map(|column| counts.number(&column.uses)).collect();
    // Columns by the lowest class that they use.
    let mut by_lowest: Vec<Vec<usize>> = Vec::new();
    for (index, &number) in numbers.iter().enumerate() {
        let lowest = counts.lowest(number).unwrap_or(0);
        if by_lowest.len() <= lowest {
            by_lowest.resize(lowest + 1, Vec::new());
        }
        by_lowest[lowest].push(index);
    }
    let unlimited = rounds == 1 && limits.most > 1;
    let mut layers: Vec<Vec<Cell>> = vec![vec![Cell::default(); counts.len()]];
    for _ in 0..rounds {
        let mut cells = vec![Cell::default(); counts.len()];
        for number in 1..counts.len() {
            if number % 64 == 0 && stop() {
                return Err(Stopped);
            }
            let Some(lowest) = counts.lowest(number) else { continue };
            let unused = counts.without(number, lowest);
            let mut best = Cell { choice: Choice::Without(unused), ..cells[unused] };
            for &column in by_lowest.get(lowest).map_or(&[][..], |columns| columns) {
                if numbers[column] > number || !counts.holds(number, &columns[column].uses) {
                    continue;
                }
                let rest = number - numbers[column];
                let before = if unlimited { &cells[rest] } else { &layers[layers.len() - 1][rest] };
                let rate_per_s = before.rate_per_s + columns[column].rate_per_s;
                let nodes = before.nodes + columns[column].nodes;
                let by_sum = Limits { needed_rate_per_s: None, ..*limits };
                if by_sum.prefer((rate_per_s, nodes), (best.rate_per_s, best.nodes)) {
                    best = Cell { rate_per_s, nodes, choice: Choice::Column(column, rest) };
                }
            }
            cells[number] = best;
        }
        layers.push(cells);
    }
    let last = layers.len() - 1;
    let allowed = (0..counts.len()).filter(|&number| counts.hosts(number) <= limits.most_nodes);
    let mut best = 0;
    for number in allowed {
        let (cell, other) = (&layers[last][number], &layers[last][best]);
        if limits.prefer((cell.rate_per_s, cell.nodes), (other.rate_per_s, other.nodes)) {
            best = number;
        }
    }
    let (mut chosen, mut at, mut layer) = (Vec::new(), best, last);
    loop {
        match layers[layer][at].choice {
            Choice::Nothing => return Ok(Some(chosen)),
            Choice::Without(rest) => at = rest,
            Choice::Column(column, rest) => {
                chosen.push(column);
                at = rest;
                if !unlimited {
                    layer -= 1;
                }
            }
        }
    }
}

/// The best set with at most the hosts of a number.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    rate_per_s: f64,
    nodes: usize,
    choice: Choice,
}

#[derive(Debug, Clone, Copy, Default)]
enum Choice {
    #[default]
    Nothing,
    /// One host fewer, and the best of the number that is left.
    Without(usize),
    /// A column, and the best of the number that is left.
    Column(usize, usize),
}

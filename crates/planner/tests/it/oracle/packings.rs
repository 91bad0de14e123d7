//! Every set of pipelines on disjoint nodes, and the best rates of each set by all corners of its linear program.

use std::collections::BTreeMap;

use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::request::PlanRequest;

use super::cuts::EveryCut;

/// A pipeline by what counts for a set of several.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// A bit for each node.
    pub nodes: u32,
    /// Seconds.
    pub period_s: f64,
    /// Seconds of one pass, for each medium and node that others may use too.
    pub loads: BTreeMap<usize, f64>,
    /// Bytes that its nodes do not hold in the base.
    pub shipped_bytes: u64,
}

/// The packings that ship the least among those with a large enough sum of rates.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastShipped {
    /// The fewest bytes of all pipelines together.
    pub bytes: u64,
    /// The largest sum of rates with so few, in passes per second.
    pub rate_per_s: f64,
}

/// What is best among all sets of pipelines.
#[derive(Debug, Clone, PartialEq)]
pub struct BestPacking {
    /// Passes per second, infinite where a period is 0: the most that there is, or with `min_nodes` that of a set with the
    /// fewest nodes.
    pub rate_per_s: f64,
    /// Nodes of all pipelines together: the fewest with that sum of rates.
    pub nodes: u32,
    /// How many pipelines have it.
    pub pipelines: usize,
    /// Whether something that several pipelines use keeps the rates below the pipelines' own.
    pub shares: bool,
}

/// Sums of rates that differ by no more, relatively, count as equal.
pub const ROUNDING: f64 = 1e-9;

impl BestPacking {
    /// The best of all sets; `None` where there is none.
    pub fn of(request: &PlanRequest) -> Option<Self> {
        let mut search = Search { request, of_nodes: candidates(request), best: None };
        search.extend(0, &mut Vec::new());
        search.best
    }
}

impl LeastShipped {
    /// The best of all sets with a sum of rates of at least `needed_per_s`; `None` where there is none.
    pub fn of(request: &PlanRequest, needed_per_s: f64) -> Option<Self> {
        let search = Search { request, of_nodes: candidates(request), best: None };
        let mut least: Option<Self> = None;
        search.every_set(0, &mut Vec::new(), &mut |chosen| {
            let bytes = chosen.iter().map(|it| it.shipped_bytes).sum();
            let alone_per_s: f64 = chosen.iter().map(|it| 1.0 / it.period_s).sum();
            let can_be = |least: &Self| bytes < least.bytes || bytes == least.bytes && alone_per_s > least.rate_per_s;
            // One with the period 0 is the answer alone.
            let is_answer = chosen.len() == 1 || alone_per_s.is_finite();
            if alone_per_s < needed_per_s || !is_answer || !least.as_ref().is_none_or(can_be) {
                return;
            }
            let rate_per_s = most_per_s(chosen);
            let is_better = |least: &Self| bytes < least.bytes || rate_per_s > least.rate_per_s;
            if rate_per_s >= needed_per_s && least.as_ref().is_none_or(is_better) {
                least = Some(Self { bytes, rate_per_s });
            }
        });
        least
    }
}

/// All pipelines for each set of nodes, but those that another one is no worse than.
fn candidates(request: &PlanRequest) -> Vec<Vec<Candidate>> {
    let placements = EveryCut::new(request);
    let mut of_nodes: BTreeMap<u32, Vec<Candidate>> = BTreeMap::new();
    for candidate in placements.candidates() {
        let others = of_nodes.entry(candidate.nodes).or_default();
        if !others.iter().any(|other| is_no_worse(other, &candidate)) {
            others.retain(|other| !is_no_worse(&candidate, other));
            others.push(candidate);
        }
    }
    of_nodes.into_values().collect()
}

/// Whether a pipeline on the same nodes takes no more of anything.
fn is_no_worse(one: &Candidate, other: &Candidate) -> bool {
    let load = |of: &Candidate, resource: usize| of.loads.get(&resource).copied().unwrap_or(0.0);
    let ships_no_more = one.shipped_bytes <= other.shipped_bytes;
    ships_no_more
        && one.period_s <= other.period_s
        && one.loads.iter().all(|(&resource, &seconds)| seconds <= load(other, resource))
}

struct Search<'a> {
    request: &'a PlanRequest,
    of_nodes: Vec<Vec<Candidate>>,
    best: Option<BestPacking>,
}

impl Search<'_> {
    /// Judges every set.
    fn extend(&mut self, first: usize, chosen: &mut Vec<Candidate>) {
        let mut best = self.best.take();
        self.every_set(first, chosen, &mut |chosen| self.judge(chosen, &mut best));
        self.best = best;
    }

    /// Visits a set, and adds each further pipeline in turn.
    fn every_set(&self, first: usize, chosen: &mut Vec<Candidate>, visit: &mut impl FnMut(&[Candidate])) {
        if !chosen.is_empty() {
            visit(chosen);
        }
        let options = &self.request.options;
        if chosen.len() as u64 >= options.most_pipelines() {
            return;
        }
        let used = chosen.iter().fold(0, |all, it| all | it.nodes);
        let most_nodes = options.constraints.max_nodes.unwrap_or(u64::MAX);
        for place in first..self.of_nodes.len() {
            let nodes = self.of_nodes[place][0].nodes;
            if nodes & used != 0 || u64::from((nodes | used).count_ones()) > most_nodes {
                continue;
            }
            for candidate in self.of_nodes[place].clone() {
                chosen.push(candidate);
                self.every_set(place + 1, chosen, visit);
                chosen.pop();
            }
        }
    }

    fn judge(&self, chosen: &[Candidate], found: &mut Option<BestPacking>) {
        let nodes = chosen.iter().map(|it| it.nodes.count_ones()).sum();
        let alone_per_s: f64 = chosen.iter().map(|it| 1.0 / it.period_s).sum();
        let needed_per_s = match self.request.options.objective {
            Objective::MinNodes { target_period_s } => Some(1.0 / target_period_s),
            _ => None,
        };
        let is_better = |rate_per_s: f64, best: &Option<BestPacking>| match (best, needed_per_s) {
            (_, Some(needed)) if rate_per_s < needed * (1.0 - 1e-12) => false,
            (None, _) => true,
            (Some(best), Some(_)) => nodes < best.nodes,
            (Some(best), None) if rate_per_s.is_infinite() => best.rate_per_s.is_finite() || nodes < best.nodes,
            (Some(best), None) => {
                rate_per_s > best.rate_per_s * (1.0 + ROUNDING)
                    || rate_per_s > best.rate_per_s * (1.0 - ROUNDING) && nodes < best.nodes
            }
        };
        if !is_better(alone_per_s, found) {
            return;
        }
        let rate_per_s = most_per_s(chosen);
        if is_better(rate_per_s, found) {
            let shares = rate_per_s < alone_per_s * (1.0 - ROUNDING);
            *found = Some(BestPacking { rate_per_s, nodes, pipelines: chosen.len(), shares });
        }
    }
}

/// The largest sum of rates: at some corner, where as many limits hold with equality as there are pipelines.
fn most_per_s(chosen: &[Candidate]) -> f64 {
    if chosen.iter().any(|it| !(1.0 / it.period_s).is_finite()) {
        return f64::INFINITY;
    }
    // In parts of each pipeline's own pace.
    let count = chosen.len();
    let gains: Vec<f64> = chosen.iter().map(|it| 1.0 / it.period_s).collect();
    let mut rows: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (place, it) in chosen.iter().enumerate() {
        for (&resource, seconds) in &it.loads {
            rows.entry(resource).or_insert_with(|| vec![0.0; count])[place] = seconds / it.period_s;
        }
    }
    let shared: Vec<Vec<f64>> = rows.into_values().filter(|row| row.iter().sum::<f64>() > 1.0).collect();
    if shared.is_empty() {
        return gains.iter().sum();
    }
    let unit = |place: usize, value: f64| (0..count).map(|it| if it == place { value } else { 0.0 }).collect();
    let mut limits: Vec<(Vec<f64>, f64)> = shared.into_iter().map(|row| (row, 1.0)).collect();
    limits.extend((0..count).map(|place| (unit(place, 1.0), 1.0)));
    limits.extend((0..count).map(|place| (unit(place, -1.0), 0.0)));
    let mut most: f64 = 0.0;
    every_subset(limits.len(), count, &mut |picked| {
        let Some(corner) = solved(picked.iter().map(|&it| limits[it].clone()).collect()) else { return };
        let dot = |row: &[f64]| row.iter().zip(&corner).map(|(a, b)| a * b).sum::<f64>();
        if limits.iter().all(|(row, most)| dot(row) <= most + 1e-10) {
            most = most.max(dot(&gains));
        }
    });
    most
}

fn every_subset(of: usize, size: usize, visit: &mut impl FnMut(&[usize])) {
    fn extend(first: usize, of: usize, size: usize, picked: &mut Vec<usize>, visit: &mut impl FnMut(&[usize])) {
        if picked.len() == size {
            return visit(picked);
        }
        for it in first..of {
            picked.push(it);
            extend(it + 1, of, size, picked, visit);
            picked.pop();
        }
    }
    extend(0, of, size, &mut Vec::new(), visit);
}

/// The solution of as many equations as unknowns by elimination; `None` where there is not exactly one.
fn solved(mut equations: Vec<(Vec<f64>, f64)>) -> Option<Vec<f64>> {
    let count = equations.len();
    for column in 0..count {
        let pivot =
            (column..count).max_by(|&a, &b| equations[a].0[column].abs().total_cmp(&equations[b].0[column].abs()))?;
        if equations[pivot].0[column].abs() < 1e-12 {
            return None;
        }
        equations.swap(column, pivot);
        let (row, right) = equations[column].clone();
        for (other, other_right) in equations.iter_mut().enumerate().filter(|it| it.0 != column).map(|it| it.1) {
            let factor = other[column] / row[column];
            other.iter_mut().zip(&row).for_each(|(cell, it)| *cell -= factor * it);
            *other_right -= factor * right;
        }
    }
    Some((0..count).map(|place| equations[place].1 / equations[place].0[place]).collect())
}

//! The best set among given columns, by branch and bound on the linear relaxation.
//!
//! A branch takes a class of hosts that the relaxation uses in parts. One child for each column on it takes that column,
//! and the last child leaves the class unused. A child excludes the columns of the children before it, so that no set is
//! visited twice. The rates of columns that are taken stay variable, since what they share decides them.

use std::collections::BTreeMap;

use super::by_counts::Limits;
use super::column::Column;
use super::simplex::{Programme, Variable};
use crate::pipelines::rates::{Demand, best_rates};
use crate::pipelines::shared_loads::SharedResource;
use crate::stopped::Stopped;

/// Of equal sums, the one with fewer hosts is wanted: all hosts together cost this part of the largest rate.
const COST_OF_HOSTS: f64 = 1e-10;

/// Parts of a column that differ less from 0 or 1 are whole.
const WHOLE: f64 = 1e-7;

/// The part of the largest rate that a bound must exceed the best value by.
const LEAST_DIFFERENCE: f64 = 1e-12;

/// The most steps of one linear programme.
const MOST_STEPS: usize = 20_000;

/// A set of columns, as indices with repetitions, and its sum of rates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chosen {
    /// The columns.
    pub columns: Vec<usize>,
    /// Their largest sum of rates, per second.
    pub rate_per_s: f64,
    /// The number of their hosts.
    pub nodes: usize,
}

/// The outcome of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The best set.
    pub best: Chosen,
    /// Whether it is proven to be the best.
    pub is_proven: bool,
}

/// A search for the best set of columns.
pub struct Branching<'c> {
    columns: &'c [Column],
    limits: Limits,
    /// The most bytes that all columns together ship; `None` if they are not counted.
    most_bytes: Option<f64>,
    resources: BTreeMap<SharedResource, usize>,
    largest_per_s: f64,
    cost_of_host: f64,
    nodes_left: usize,
    best: Chosen,
    best_value: f64,
}

/// A node of the tree.
struct Node {
    taken: Vec<usize>,
    room: Vec<usize>,
    allowed: Vec<usize>,
}

/// Returns the largest sum of rates of some columns together.
pub fn rate_of(columns: &[&Column]) -> f64 {
    let demand = |column: &&Column| Demand { period_s: 1.0 / column.rate_per_s, loads: column.loads.clone() };
    if columns.iter().all(|column| column.loads.is_empty()) {
        return columns.iter().map(|column| column.rate_per_s).sum();
    }
    best_rates(&columns.iter().map(demand).collect::<Vec<Demand>>()).into_iter().sum()
}

impl<'c> Branching<'c> {
    /// Prepares a search that visits at most a number of nodes.
    pub fn new(columns: &'c [Column], limits: Limits, most_nodes: usize) -> Self {
        let used = columns.iter().flat_map(|column| &column.loads).map(|&(resource, _)| (resource, 0));
        let mut resources: BTreeMap<SharedResource, usize> = used.collect();
        resources.values_mut().enumerate().for_each(|(number, row)| *row = number);
        let largest_per_s = columns.iter().map(|column| column.rate_per_s).fold(0.0, f64::max);
        Self {
            columns,
            limits,
            most_bytes: None,
            resources,
            largest_per_s,
            cost_of_host: 0.0,
            nodes_left: most_nodes,
            best: Chosen::default(),
            best_value: 0.0,
        }
    }

    /// Allows only sets that ship at most a number of bytes.
    pub fn within_bytes(self, most: f64) -> Self {
        Self { most_bytes: Some(most), ..self }
    }

    /// Returns the bytes that remain after some columns; infinite if bytes are not counted.
    fn bytes_left(&self, taken: &[usize]) -> f64 {
        let shipped: f64 = taken.iter().map(|&column| self.columns[column].bytes).sum();
        self.most_bytes.map_or(f64::INFINITY, |most| most - shipped)
    }

    /// Searches on hosts of classes with `room`, beginning with a known set, which may be empty.
    pub fn search(mut self, room: &[usize], known: Vec<usize>, stop: &dyn Fn() -> bool) -> Result<Outcome, Stopped> {
        let hosts: usize = room.iter().sum();
        self.cost_of_host = self.largest_per_s * COST_OF_HOSTS / hosts.max(1) as f64;
        self.keep(known);
        let allowed = (0..self.columns.len()).filter(|&column| self.columns[column].fits(room)).collect();
        let is_proven = self.visit(Node { taken: Vec::new(), room: room.to_vec(), allowed }, stop)?;
        Ok(Outcome { best: self.best, is_proven })
    }

    fn is_enough(&self) -> bool {
        self.limits.needed_rate_per_s.is_some_and(|needed| self.best.rate_per_s >= needed)
    }

    fn keep(&mut self, columns: Vec<usize>) {
        let taken: Vec<&Column> = columns.iter().map(|&column| &self.columns[column]).collect();
        let nodes: usize = taken.iter().map(|column| column.nodes).sum();
        let is_too_much = columns.len() > self.limits.most || nodes > self.limits.most_nodes;
        if is_too_much || self.bytes_left(&columns) < 0.0 {
            return;
        }
        let rate_per_s = rate_of(&taken);
        let value = rate_per_s - self.cost_of_host * nodes as f64;
        if value > self.best_value {
            self.best_value = value;
            self.best = Chosen { columns, rate_per_s, nodes };
        }
    }

    /// Returns `true` if nothing better is left below a node, and `false` if the effort is spent.
    fn visit(&mut self, node: Node, stop: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        if stop() {
            return Err(Stopped);
        }
        if self.is_enough() {
            return Ok(true);
        }
        if self.nodes_left == 0 {
            return Ok(false);
        }
        self.nodes_left -= 1;
        let nodes_taken: usize = node.taken.iter().map(|&column| self.columns[column].nodes).sum();
        let (Some(most), Some(most_nodes)) =
            (self.limits.most.checked_sub(node.taken.len()), self.limits.most_nodes.checked_sub(nodes_taken))
        else {
            return Ok(true);
        };
        self.keep(node.taken.clone());
        let most_bytes = self.bytes_left(&node.taken);
        if most_bytes < 0.0 {
            return Ok(true);
        }
        let fits = |&column: &usize| {
            let Column { nodes, bytes, .. } = self.columns[column];
            nodes <= most_nodes && bytes <= most_bytes && self.columns[column].fits(&node.room)
        };
        let allowed: Vec<usize> = node.allowed.iter().copied().filter(fits).collect();
        if most == 0 || allowed.is_empty() {
            return Ok(true);
        }
        let mut programme = self.programme(&node, &allowed, (most, most_nodes));
        if !programme.solve(MOST_STEPS) {
            return self.branch_without_relaxation(node, allowed, stop);
        }
        let duals = programme.duals();
        let spent = self.cost_of_host * nodes_taken as f64;
        let bound: f64 = duals.iter().zip(programme.limits()).map(|(dual, limit)| dual * limit).sum::<f64>() - spent;
        let least = self.best_value + self.largest_per_s * LEAST_DIFFERENCE;
        let needed = self.limits.needed_rate_per_s.unwrap_or(0.0) - 2.0 * self.largest_per_s * COST_OF_HOSTS;
        if bound <= least || bound < needed {
            return Ok(true);
        }
        let parts: Vec<(usize, f64)> = programme
            .solution()
            .into_iter()
            .filter(|&(variable, part)| variable >= node.taken.len() && part > WHOLE)
            .map(|(variable, part)| (allowed[variable - node.taken.len()], part))
            .collect();
        self.keep_rounded(&node, &parts);
        let gain = |variable: usize| {
            let Variable { value, entries } = &programme.variables()[variable];
            value - entries.iter().map(|&(row, entry)| duals[row] * entry).sum::<f64>()
        };
        let least = self.best_value + self.largest_per_s * LEAST_DIFFERENCE;
        // A column that shares a resource may be taken and run at a part of its rate, so that its gain says nothing.
        let shares = !self.resources.is_empty();
        let can_help = |&(at, _): &(usize, usize)| shares || bound + gain(node.taken.len() + at) > least;
        let allowed: Vec<usize> =
            allowed.iter().copied().enumerate().filter(can_help).map(|(_, column)| column).collect();
        let Some(class) = self.class_in_parts(&parts, node.room.len()) else { return Ok(true) };
        let part_of = |column: usize| parts.iter().find(|&&(other, _)| other == column).map_or(0.0, |&(_, part)| part);
        self.branch(node, allowed, class, part_of, stop)
    }

    /// Branches on a class.
    fn branch(
        &mut self,
        node: Node,
        allowed: Vec<usize>,
        class: usize,
        part_of: impl Fn(usize) -> f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Stopped> {
        let uses = |column: usize| self.columns[column].uses.iter().any(|&(used, _)| used == class);
        let (mut on_class, others): (Vec<usize>, Vec<usize>) = allowed.into_iter().partition(|&column| uses(column));
        on_class.sort_by(|&a, &b| {
            let by_rate = || self.columns[b].rate_per_s.total_cmp(&self.columns[a].rate_per_s);
            part_of(b).total_cmp(&part_of(a)).then_with(by_rate).then(a.cmp(&b))
        });
        let mut is_whole = true;
        for (at, &column) in on_class.iter().enumerate() {
            let mut room = node.room.clone();
            self.columns[column].take(&mut room);
            let taken = node.taken.iter().copied().chain([column]).collect();
            let allowed = on_class[at..].iter().chain(&others).copied().collect();
            is_whole &= self.visit(Node { taken, room, allowed }, stop)?;
        }
        Ok(is_whole & self.visit(Node { taken: node.taken, room: node.room, allowed: others }, stop)?)
    }

    /// Branches on the class of the first column where the linear programme was not solved.
    fn branch_without_relaxation(
        &mut self,
        node: Node,
        allowed: Vec<usize>,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Stopped> {
        let class = self.columns[allowed[0]].uses[0].0;
        self.branch(node, allowed, class, |_| 0.0, stop)
    }

    fn programme(&self, node: &Node, allowed: &[usize], (most, most_nodes): (usize, usize)) -> Programme {
        let classes = node.room.len();
        let first_resource = classes + 2;
        let first_taken = first_resource + self.resources.len();
        let mut limits: Vec<f64> = node.room.iter().map(|&room| room as f64).collect();
        limits.extend([most as f64, most_nodes as f64]);
        limits.extend(std::iter::repeat_n(1.0, self.resources.len() + node.taken.len()));
        let bytes_row = limits.len();
        let bytes_left = self.bytes_left(&node.taken);
        limits.extend(self.most_bytes.map(|_| 1.0));
        let mut programme = Programme::new(limits);
        // In parts of the bytes that are left. Where none are, the columns that are allowed ship none.
        let part = |column: &Column| Some((bytes_row, column.bytes / bytes_left)).filter(|_| column.bytes > 0.0);
        let loads = |column: &Column| {
            let entry = |&(resource, seconds): &(SharedResource, f64)| {
                (first_resource + self.resources[&resource], seconds * column.rate_per_s)
            };
            column.loads.iter().map(entry).collect::<Vec<(usize, f64)>>()
        };
        for (at, &column) in node.taken.iter().enumerate() {
            let column = &self.columns[column];
            let entries = loads(column).into_iter().chain([(first_taken + at, 1.0)]).collect();
            programme.add(Variable { value: column.rate_per_s, entries });
        }
        for &column in allowed {
            let column = &self.columns[column];
            let mut entries: Vec<(usize, f64)> =
                column.uses.iter().map(|&(class, count)| (class, count as f64)).collect();
            entries.extend([(classes, 1.0), (classes + 1, column.nodes as f64)]);
            entries.extend(loads(column));
            entries.extend(part(column).filter(|_| self.most_bytes.is_some()));
            programme.add(Variable { value: column.rate_per_s - self.cost_of_host * column.nodes as f64, entries });
        }
        programme
    }

    /// Keeps the columns of a solution, the largest parts first, as far as there is room for them.
    fn keep_rounded(&mut self, node: &Node, parts: &[(usize, f64)]) {
        let mut sorted = parts.to_vec();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let (mut room, mut taken) = (node.room.clone(), node.taken.clone());
        let mut nodes: usize = taken.iter().map(|&column| self.columns[column].nodes).sum();
        let mut bytes_left = self.bytes_left(&taken);
        for (column, part) in sorted {
            let of_column = &self.columns[column];
            for _ in 0..(part.ceil() as usize).max(1) {
                let fits = taken.len() < self.limits.most && nodes + of_column.nodes <= self.limits.most_nodes;
                if fits && of_column.bytes <= bytes_left && of_column.fits(&room) {
                    bytes_left -= of_column.bytes;
                    of_column.take(&mut room);
                    nodes += of_column.nodes;
                    taken.push(column);
                }
            }
        }
        self.keep(taken);
    }

    /// Returns a class on which to branch: of those with a column that is used in part, the one that the most of it is used
    /// by such columns, with the fewest columns. Returns `None` if no column is used in part.
    fn class_in_parts(&self, parts: &[(usize, f64)], classes: usize) -> Option<usize> {
        let mut used: Vec<(usize, f64)> = vec![(0, 0.0); classes];
        for &(column, part) in parts.iter().filter(|&&(_, part)| (part - part.round()).abs() > WHOLE) {
            for &(class, count) in &self.columns[column].uses {
                used[class].0 += 1;
                used[class].1 += part * count as f64;
            }
        }
        let candidates = (0..classes).filter(|&class| used[class].0 > 0);
        candidates.max_by(|&a, &b| used[a].1.total_cmp(&used[b].1).then(used[b].0.cmp(&used[a].0)).then(b.cmp(&a)))
    }
}

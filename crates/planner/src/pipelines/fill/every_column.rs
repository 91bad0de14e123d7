//! All pipelines that a best set can have, for small instances.
//!
//! Where nothing but the period counts, the best pipeline for each count of hosts comes from a dynamic programme over the
//! count, the last host and the position (as Held and Karp 1962 for tours, doi 10.1137/0110015). Otherwise all pipelines
//! are listed, and those that another one dominates are dropped.

use std::collections::BTreeMap;

use super::classes::{Class, Classes};
use super::column::Column;
use super::counts::Counts;
use crate::domain::options::Overlap;
use crate::index::{Index, Position};
use crate::instance::Instance;
use crate::resource_constrained::shipping::Shipping;
use crate::stopped::Stopped;

/// The most cells of the dynamic programme.
const MOST_CELLS: usize = 6_000_000;

/// The most stages that are visited to list pipelines.
const MOST_VISITED: usize = 400_000;

/// The most pipelines that a list may have.
const MOST_LISTED: usize = 20_000;

/// The most pipelines that are compared with each other.
const MOST_COMPARED: usize = 4_000;

/// Returns all columns that a best set can have. Returns `None` if there may be too many.
pub fn every_column(
    instance: &Instance,
    classes: &Classes,
    counts: Option<&Counts>,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<Column>>, Stopped> {
    let only_period =
        instance.overlap == Overlap::Full && instance.max_latency_s == f64::INFINITY && instance.shared_media.is_none();
    let cells = |counts: &&Counts| counts.len() * classes.count() * (instance.blocks() + 1);
    if only_period {
        return match counts.filter(|counts| cells(counts) <= MOST_CELLS) {
            Some(counts) => FastestByCount::new(instance, classes, counts, stop)?.columns(stop).map(Some),
            None => Ok(None),
        };
    }
    let Some(columns) = listed(instance, classes, None, stop)? else { return Ok(None) };
    Ok(Some(without_dominated(columns)))
}

/// Returns all columns that a set can have where the bytes that it ships count too, and are at most a number. Returns `None`
/// if there may be too many.
pub fn every_column_within(
    instance: &Instance,
    classes: &Classes,
    (shipping, most_bytes): (&Shipping, f64),
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<Column>>, Stopped> {
    let Some(columns) = listed(instance, classes, Some((shipping, most_bytes)), stop)? else { return Ok(None) };
    Ok(Some(without_dominated(columns)))
}

/// Lists all columns but those that others of the same hosts dominate.
fn listed(
    instance: &Instance,
    classes: &Classes,
    shipped: Option<(&Shipping, f64)>,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Vec<Column>>, Stopped> {
    let mut list = List {
        instance,
        classes,
        shipped,
        bytes: 0.0,
        stages: Vec::new(),
        room: classes.sizes(),
        visited: 0,
        listed: 0,
        found: BTreeMap::new(),
    };
    let is_whole = list.extend(Position::FIRST, stop)?;
    Ok(is_whole.then(|| list.found.into_values().flatten().collect()))
}

/// The states of the dynamic programme, by count, class and position.
struct FastestByCount<'i> {
    instance: &'i Instance,
    classes: &'i Classes,
    counts: &'i Counts,
    /// The least period until a stage starts there.
    started: Vec<f64>,
    /// The least period until a stage ends there.
    ended: Vec<f64>,
    /// The class before a stage that starts there.
    came_from: Vec<u16>,
    /// The start of a stage that ends there.
    start_of: Vec<u16>,
}

impl<'i> FastestByCount<'i> {
    fn new(
        instance: &'i Instance,
        classes: &'i Classes,
        counts: &'i Counts,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let cells = counts.len() * classes.count() * (instance.blocks() + 1);
        let mut states = Self {
            instance,
            classes,
            counts,
            started: vec![f64::INFINITY; cells],
            ended: vec![f64::INFINITY; cells],
            came_from: vec![0; cells],
            start_of: vec![0; cells],
        };
        states.fill(stop)?;
        Ok(states)
    }

    fn at(&self, number: usize, class: Class, position: Position) -> usize {
        (number * self.classes.count() + class) * (self.instance.blocks() + 1) + position.number()
    }

    fn fill(&mut self, stop: &dyn Fn() -> bool) -> Result<(), Stopped> {
        let instance = self.instance;
        let groups: Vec<_> = self.classes.members.iter().map(|hosts| instance.group_of[hosts[0]]).collect();
        let stages: Vec<Vec<Vec<(Position, f64)>>> = groups
            .iter()
            .map(|&group| {
                let ends = |start: Position| {
                    let mut ends = Vec::new();
                    instance.ends_in_memory(group, start, |end| {
                        ends.push((end, instance.compute_s(group, start, end)));
                    });
                    ends
                };
                instance.starts().map(ends).collect()
            })
            .collect();
        for class in 0..self.classes.count() {
            if let Some(number) = self.counts.with(0, class) {
                let at = self.at(number, class, Position::FIRST);
                self.started[at] = instance.input_s[self.classes.members[class][0]];
            }
        }
        for number in 1..self.counts.len() {
            if number % 16 == 0 && stop() {
                return Err(Stopped);
            }
            if self.counts.hosts(number) > instance.most_stages {
                continue;
            }
            for (class, stages) in stages.iter().enumerate() {
                if self.counts.of(number, class) > 0 {
                    self.end_stages(number, class, stages);
                    self.begin_next(number, class);
                }
            }
        }
        Ok(())
    }

    fn end_stages(&mut self, number: usize, class: Class, stages: &[Vec<(Position, f64)>]) {
        for start in self.instance.starts() {
            let before_s = self.started[self.at(number, class, start)];
            if before_s == f64::INFINITY {
                continue;
            }
            for &(end, compute_s) in &stages[start.number()] {
                let period_s = before_s.max(compute_s);
                let at = self.at(number, class, end);
                if period_s < self.ended[at] {
                    self.ended[at] = period_s;
                    self.start_of[at] = start.number() as u16;
                }
            }
        }
    }

    fn begin_next(&mut self, number: usize, class: Class) {
        for next in 0..self.classes.count() {
            let Some(more) = self.counts.with(number, next) else { continue };
            let Some((from, to)) = self.classes.pair(class, next) else { continue };
            let link = self.instance.link(from, to);
            if !link.exists() {
                continue;
            }
            for position in self.instance.inner_positions() {
                let before_s = self.ended[self.at(number, class, position)];
                if before_s == f64::INFINITY {
                    continue;
                }
                let period_s = before_s.max(link.transfer_s(self.instance.load_bits[position]));
                let at = self.at(more, next, position);
                if period_s < self.started[at] {
                    self.started[at] = period_s;
                    self.came_from[at] = class as u16;
                }
            }
        }
    }

    /// Returns the fastest pipeline for each count of hosts, without those that are not faster than one with fewer hosts.
    fn columns(&self, stop: &dyn Fn() -> bool) -> Result<Vec<Column>, Stopped> {
        let mut columns = Vec::new();
        // For each number, the least period with these hosts or some of them.
        let mut least_s = vec![f64::INFINITY; self.counts.len()];
        for number in 1..self.counts.len() {
            if number % 64 == 0 && stop() {
                return Err(Stopped);
            }
            let used = (0..self.classes.count()).filter(|&class| self.counts.of(number, class) > 0);
            let with_fewer =
                used.clone().map(|class| least_s[self.counts.without(number, class)]).fold(f64::INFINITY, f64::min);
            let period_s = |class: Class| {
                let output_s = self.instance.output_s[self.classes.members[class][0]];
                self.ended[self.at(number, class, self.instance.last())].max(output_s)
            };
            let fastest = used.min_by(|&a, &b| period_s(a).total_cmp(&period_s(b)));
            let Some(last) = fastest.filter(|&last| period_s(last) < with_fewer) else {
                least_s[number] = with_fewer;
                continue;
            };
            least_s[number] = period_s(last);
            columns.extend(self.column(number, last));
        }
        Ok(columns)
    }

    fn column(&self, mut number: usize, last: Class) -> Option<Column> {
        let (mut stages, mut end, mut class) = (Vec::new(), self.instance.last(), last);
        while end > Position::FIRST {
            stages.push((end, class));
            let start = Position::nth(usize::from(self.start_of[self.at(number, class, end)]));
            let before = usize::from(self.came_from[self.at(number, class, start)]);
            number = self.counts.without(number, class);
            (end, class) = (start, before);
        }
        stages.reverse();
        let assignment = self.classes.on_hosts(&stages, &mut vec![0; self.classes.count()])?;
        Column::new(self.instance, self.classes, &assignment)
    }
}

/// Lists all pipelines by depth-first search.
struct List<'i> {
    instance: &'i Instance,
    classes: &'i Classes,
    /// What stages ship, and the most bytes of a pipeline; `None` if bytes do not count.
    shipped: Option<(&'i Shipping, f64)>,
    /// The bytes that the stages so far ship.
    bytes: f64,
    stages: Vec<(Position, Class)>,
    room: Vec<usize>,
    visited: usize,
    listed: usize,
    /// For each count of hosts, those that no other one of that count dominates.
    found: BTreeMap<Vec<(Class, usize)>, Vec<Column>>,
}

impl List<'_> {
    /// Extends the stages so far. Returns `false` if there are too many pipelines.
    fn extend(&mut self, start: Position, stop: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        if start == self.instance.last() {
            let assignment = self.classes.on_hosts(&self.stages, &mut vec![0; self.classes.count()]);
            if let Some(column) = assignment.and_then(|it| Column::new(self.instance, self.classes, &it)) {
                let column = Column { bytes: self.bytes, ..column };
                let others = self.found.entry(column.uses.clone()).or_default();
                if !others.iter().any(|other| other.dominates(&column)) {
                    self.listed -= others.len();
                    others.retain(|other| !column.dominates(other));
                    others.push(column);
                    self.listed += others.len();
                }
            }
            return Ok(self.listed <= MOST_LISTED);
        }
        if self.stages.len() == self.instance.most_stages {
            return Ok(true);
        }
        for class in 0..self.classes.count() {
            let before = self.stages.last().map(|&(_, before)| self.classes.pair(before, class));
            let is_linked = match before {
                None => true,
                Some(None) => false,
                Some(Some((from, to))) => self.instance.link(from, to).exists(),
            };
            if self.room[class] == 0 || !is_linked {
                continue;
            }
            let mut ends = Vec::new();
            let group = self.instance.group_of[self.classes.members[class][0]];
            self.instance.ends_in_memory(group, start, |end| ends.push(end));
            for end in ends {
                self.visited += 1;
                if self.visited > MOST_VISITED {
                    return Ok(false);
                }
                if self.visited.is_multiple_of(256) && stop() {
                    return Err(Stopped);
                }
                let before = self.bytes;
                if let Some((shipping, most_bytes)) = self.shipped {
                    self.bytes += shipping.bytes(self.classes.members[class][0], start, end);
                    if self.bytes > most_bytes {
                        self.bytes = before;
                        continue;
                    }
                }
                self.stages.push((end, class));
                self.room[class] -= 1;
                let is_whole = self.extend(end, stop)?;
                self.room[class] += 1;
                self.stages.pop();
                self.bytes = before;
                if !is_whole {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Returns the columns that no other one dominates. Of equal columns one is kept.
fn without_dominated(mut columns: Vec<Column>) -> Vec<Column> {
    if columns.len() > MOST_COMPARED {
        return columns;
    }
    columns.sort_by(|a, b| {
        a.nodes.cmp(&b.nodes).then(b.rate_per_s.total_cmp(&a.rate_per_s)).then_with(|| a.stages.cmp(&b.stages))
    });
    let mut kept: Vec<Column> = Vec::new();
    for column in columns {
        if !kept.iter().any(|other| other.dominates(&column)) {
            kept.push(column);
        }
    }
    kept
}

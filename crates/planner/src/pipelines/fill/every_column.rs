//! All pipelines that a best set can have, for small instances.
//!
//! Where nothing but the period counts, these are the fastest ones for each count of hosts. Otherwise all pipelines are listed, and those that
//! another one dominates are dropped.

use std::collections::BTreeMap;

use super::by_class::ByClass;
use super::classes::{Class, Classes};
use super::column::Column;
use super::counts::Counts;
use super::fastest_by_count::FastestByCount;
use crate::domain::options::Overlap;
use crate::index::Position;
use crate::instance::Instance;
use crate::resource_constrained::shipping::Shipping;
use crate::stopped::Stopped;

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
    if only_period {
        let Some(counts) = counts else { return Ok(None) };
        let costs = ByClass::new(instance, classes);
        let Some(fastest) = FastestByCount::new(&costs, counts, stop)? else { return Ok(None) };
        let column = |(stages, _)| {
            let assignment = classes.on_hosts(&stages, &mut vec![0; classes.count()])?;
            Column::new(instance, classes, &assignment)
        };
        return Ok(Some(fastest.pipelines(stop)?.into_iter().filter_map(column).collect()));
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

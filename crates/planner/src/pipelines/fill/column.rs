//! A pipeline as a search over sets of pipelines sees it.

use super::classes::{Class, ClassStages, Classes};
use crate::cost::{Assignment, costs, score};
use crate::instance::Instance;
use crate::pipelines::shared_loads::{SharedResource, shared_loads};

/// A pipeline on hosts of certain classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its stages.
    pub stages: ClassStages,
    /// For each class that it uses, ascending, the number of its hosts.
    pub uses: Vec<(Class, usize)>,
    /// The number of its hosts.
    pub nodes: usize,
    /// Its largest rate alone, per second: 1 / its period.
    pub rate_per_s: f64,
    /// Seconds of one pass on each resource that other pipelines may use too, in the order of the resources.
    pub loads: Vec<(SharedResource, f64)>,
    /// Bytes that it ships to its hosts; 0 where these are not counted.
    pub bytes: f64,
}

impl Column {
    /// Returns the column of an assignment, or `None` if the assignment breaks a limit.
    pub fn new(instance: &Instance, classes: &Classes, assignment: &Assignment) -> Option<Self> {
        score(instance, assignment)?;
        let rate_per_s = 1.0 / costs(instance, assignment).period_s;
        let stages = classes.of_assignment(assignment);
        let loads = shared_loads(instance, assignment);
        Some(Self { uses: uses_of(&stages), nodes: stages.len(), stages, rate_per_s, loads, bytes: 0.0 })
    }

    /// Returns `true` if the column needs no more of anything than another one, and is as fast.
    pub fn dominates(&self, other: &Self) -> bool {
        let of = |class: Class| other.uses.iter().find(|&&(used, _)| used == class).map_or(0, |&(_, count)| count);
        let load = |resource: SharedResource| {
            other.loads.iter().find(|&&(used, _)| used == resource).map_or(0.0, |&(_, seconds)| seconds)
        };
        self.rate_per_s >= other.rate_per_s
            && self.bytes <= other.bytes
            && self.uses.iter().all(|&(class, count)| count <= of(class))
            && self.loads.iter().all(|&(resource, seconds)| seconds <= load(resource))
    }

    /// Returns `true` if there is room for the column.
    pub fn fits(&self, room: &[usize]) -> bool {
        self.uses.iter().all(|&(class, count)| count <= room[class])
    }

    /// Takes the column's hosts.
    pub fn take(&self, room: &mut [usize]) {
        self.uses.iter().for_each(|&(class, count)| room[class] -= count);
    }
}

/// Returns for each class of some stages the number of its hosts, ascending.
pub fn uses_of(stages: &ClassStages) -> Vec<(Class, usize)> {
    let mut used: Vec<Class> = stages.iter().map(|&(_, class)| class).collect();
    used.sort_unstable();
    let runs = used.chunk_by(|a, b| a == b);
    runs.map(|run| (run[0], run.len())).collect()
}

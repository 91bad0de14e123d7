//! The steps of partial walks: each step points to the one before.

use crate::cost::Assignment;
use crate::index::{Host, Position};

/// Stands for no step, before the first step of a walk.
pub const BEGINNING: u32 = u32::MAX;

/// The start of a stage on a host.
#[derive(Debug, Clone, Copy)]
struct Step {
    before: u32,
    host: Host,
    start: Position,
}

/// All steps of a search.
#[derive(Debug, Default)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Adds a step and returns its index.
    pub fn add(&mut self, before: u32, host: Host, start: Position) -> u32 {
        self.0.push(Step { before, host, start });
        (self.0.len() - 1) as u32
    }

    /// Returns the walk whose last stage starts at a step and ends at `end`.
    pub fn walk(&self, mut step: u32, mut end: Position) -> Assignment {
        let mut stages = Vec::new();
        while let Some(&Step { before, host, start }) = self.0.get(step as usize) {
            stages.push((end, host));
            end = start;
            step = before;
        }
        stages.reverse();
        Assignment { stages }
    }
}

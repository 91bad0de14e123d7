//! Which stages fit the memory of a host, whatever the period: for each group and start the set of ends.

use crate::bits::Bits;
use crate::problem::Problem;
use crate::stopped::Stopped;

/// Sets of ends by group and start. O(g m²) time, O(g m² / 64) words.
#[derive(Debug)]
pub struct StageEnds<const W: usize> {
    rows: Vec<Bits<W>>,
    columns: Vec<Bits<W>>,
    blocks: usize,
    /// Whether each row is an interval that begins right behind the start, and the furthest ends never decrease.
    pub are_intervals: bool,
}

impl<const W: usize> StageEnds<W> {
    /// Tabulates a problem.
    pub fn new(problem: &Problem, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let blocks = problem.blocks();
        let mut rows = Vec::with_capacity(problem.groups.len() * blocks);
        let mut columns = vec![Bits::EMPTY; problem.groups.len() * blocks];
        for group in 0..problem.groups.len() {
            for start in 0..blocks {
                if start % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let mut ends = Bits::EMPTY;
                problem.ends_in_memory(group, start, |end| {
                    ends.insert(end);
                    columns[group * blocks + end - 1].insert(start);
                });
                rows.push(ends);
            }
        }
        Ok(Self { rows, columns, blocks, are_intervals: problem.memory_is_monotone() })
    }

    /// The ends of stages on a group's hosts that begin at a position.
    #[inline]
    pub fn row(&self, group: usize, start: usize) -> &Bits<W> {
        &self.rows[group * self.blocks + start]
    }

    /// The starts of stages on a group's hosts that end at a position.
    #[inline]
    pub fn column(&self, group: usize, end: usize) -> &Bits<W> {
        &self.columns[group * self.blocks + end - 1]
    }
}

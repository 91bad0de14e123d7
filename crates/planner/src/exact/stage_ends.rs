//! Which stages fit the memory of a host, whatever the period: for each group and start the set of ends.

use crate::bits::Bits;
use crate::instance::Instance;
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
    /// Tabulates an instance.
    pub fn new(instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let blocks = instance.blocks();
        let mut rows = Vec::with_capacity(instance.groups.len() * blocks);
        let mut columns = vec![Bits::EMPTY; instance.groups.len() * blocks];
        for group in 0..instance.groups.len() {
            for start in 0..blocks {
                if start % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let mut ends = Bits::EMPTY;
                instance.ends_in_memory(group, start, |end| {
                    ends.insert(end);
                    columns[group * blocks + end - 1].insert(start);
                });
                rows.push(ends);
            }
        }
        Ok(Self { rows, columns, blocks, are_intervals: instance.memory_is_monotone() })
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

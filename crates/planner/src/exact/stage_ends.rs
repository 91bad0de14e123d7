//! The stages that fit the memory of a host at any period: for each group and start, the set of
//! ends.

use crate::bits::Bits;
use crate::index::{Grid, GroupIndex, Index, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Sets of ends by group and start. They take O(g m²) time and O(g m² / 64) words.
#[derive(Debug)]
pub struct StageEnds<const W: usize> {
    /// For each group and start, the ends.
    rows: Grid<GroupIndex, Position, Bits<W>>,
    /// For each group and end, the starts.
    columns: Grid<GroupIndex, Position, Bits<W>>,
    /// Whether each row is an interval that begins directly after the start, the furthest ends never
    /// decrease, and neither does compute.
    pub are_intervals: bool,
}

impl<const W: usize> StageEnds<W> {
    /// Builds the tables of an instance.
    pub fn new(instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let mut rows: Grid<GroupIndex, Position, Bits<W>> =
            Grid::filled(Bits::EMPTY, instance.groups.len(), instance.blocks() + 1);
        let mut columns = rows.clone();
        for group in instance.groups.indices() {
            for start in instance.starts() {
                if start.number() % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let ends = &mut rows[(group, start)];
                instance.ends_in_memory(group, start, |end| {
                    ends.insert(end);
                    columns[(group, end)].insert(start);
                });
            }
        }
        let is_sorted = |group: GroupIndex| instance.compute_is_sorted(group);
        let are_intervals = instance.memory_is_monotone() && instance.groups.indices().all(is_sorted);
        Ok(Self { rows, columns, are_intervals })
    }

    /// Returns the ends of stages on a group's hosts that begin at a position.
    #[inline]
    pub fn row(&self, group: GroupIndex, start: Position) -> &Bits<W> {
        &self.rows[(group, start)]
    }

    /// Returns the starts of stages on a group's hosts that end at a position.
    #[inline]
    pub fn column(&self, group: GroupIndex, end: Position) -> &Bits<W> {
        &self.columns[(group, end)]
    }
}

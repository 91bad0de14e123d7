//! The capacity bounds of label searches without resources: the weighted capacity bounds, and the
//! packing bound if its tables are small.

use super::at_period::AtPeriod;
use super::packing::Packing;
use super::weighted_capacity::{Remaining, Supply, WeightedCapacity};
use crate::bits::Bits;
use crate::index::{GroupIndex, Position};
use crate::stopped::Stopped;

/// The capacity bounds at one period.
#[derive(Debug)]
pub struct Capacity<const W: usize> {
    capacity: WeightedCapacity,
    packing: Option<Packing<W>>,
}

impl<const W: usize> Capacity<W> {
    /// Tests the whole model by the weighted capacity bounds only, which is fast.
    pub fn judge(tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<Supply<Self>, Stopped> {
        Ok(match WeightedCapacity::judge(tables, stop)? {
            Supply::Insufficient => Supply::Insufficient,
            Supply::Scarce(capacity) => Supply::Scarce(Self { capacity, packing: None }),
            Supply::Ample => Supply::Ample,
        })
    }

    /// Adds the packing bound. Returns `true` if the hosts may still be able to run the whole
    /// model.
    pub fn pack(&mut self, tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        self.packing = Packing::new(tables, stop)?;
        let mut remaining = Remaining::all(tables.instance);
        let suffices = tables.first_hosts().any(|host| {
            let group = tables.instance.group_of[host];
            remaining.by_group[group] -= 1;
            let admitted = self.admitted(group, Bits::single(Position::FIRST), &remaining);
            remaining.by_group[group] += 1;
            !admitted.is_empty()
        });
        Ok(suffices)
    }

    /// Returns the starts on a host of a group from which the remaining hosts may be able to run
    /// the rest of the model.
    #[inline]
    pub fn admitted(&self, group: GroupIndex, starts: Bits<W>, remaining: &Remaining) -> Bits<W> {
        match &self.packing {
            Some(packing) => starts.and(packing.admitted(group, remaining)),
            None => self.capacity.admitted(group, starts, remaining),
        }
    }
}

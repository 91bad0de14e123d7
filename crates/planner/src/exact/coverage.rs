//! What the hosts that are left can still cover: the weighted capacity bounds and the packing bound as one.

use super::at_period::AtPeriod;
use super::capacity::{Capacity, Remaining, Supply};
use super::packing::Packing;
use crate::bits::Bits;
use crate::stopped::Stopped;

/// The bounds at one period that are of use.
#[derive(Debug)]
pub struct Coverage<const W: usize> {
    capacity: Capacity,
    packing: Option<Packing<W>>,
}

impl<const W: usize> Coverage<W> {
    /// Judges the whole model by the weighted capacity bounds, quickly.
    pub fn judge(tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<Supply<Self>, Stopped> {
        Ok(match Capacity::judge(tables, stop)? {
            Supply::Insufficient => Supply::Insufficient,
            Supply::Scarce(capacity) => Supply::Scarce(Self { capacity, packing: None }),
            Supply::Ample => Supply::Ample,
        })
    }

    /// Adds the packing bound. Returns whether the hosts can still run the whole model.
    pub fn pack(&mut self, tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<bool, Stopped> {
        self.packing = Packing::new(tables, stop)?;
        let mut remaining = Remaining::all(tables.instance);
        let suffices = tables.first_hosts().any(|host| {
            let group = tables.instance.group_of[host];
            remaining.by_group[group] -= 1;
            let admitted = self.admitted(group, Bits::single(0), &remaining);
            remaining.by_group[group] += 1;
            !admitted.is_empty()
        });
        Ok(suffices)
    }

    /// The starts on a host of a group from which what remains behind it can cover the rest.
    #[inline]
    pub fn admitted(&self, group: usize, starts: Bits<W>, remaining: &Remaining) -> Bits<W> {
        match &self.packing {
            Some(packing) => starts.and(packing.admitted(group, remaining)),
            None => self.capacity.admitted(group, starts, remaining),
        }
    }
}

//! What the hosts that are left can still cover: the weighted capacity bounds and the packing bound as one.

use super::at_period::AtPeriod;
use super::capacity::{Capacity, Remaining, Verdict};
use super::packing::Packing;
use crate::bits::Bits;

/// The bounds at one period that are of use.
#[derive(Debug)]
pub struct Coverage<const W: usize> {
    capacity: Capacity,
    packing: Option<Packing<W>>,
}

/// What the bounds say of the whole model.
#[derive(Debug)]
pub enum Covered<const W: usize> {
    /// The hosts together cannot cover it.
    No,
    /// They can, barely enough for the bounds to be of use.
    Barely(Coverage<W>),
    /// They can many times over.
    Amply,
}

impl<const W: usize> Coverage<W> {
    /// Judges the whole model by the weighted capacity bounds, quickly. `None` when told to stop.
    pub fn judge(tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Option<Covered<W>> {
        Some(match Capacity::judge(tables, stop)? {
            Verdict::Impossible => Covered::No,
            Verdict::Useful(capacity) => Covered::Barely(Self { capacity, packing: None }),
            Verdict::Irrelevant => Covered::Amply,
        })
    }

    /// Adds the packing bound; whether the model can still be covered.
    pub fn pack(&mut self, tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> bool {
        self.packing = Packing::new(tables, stop);
        let mut remaining = Remaining::all(tables.problem);
        tables.first_hosts().any(|host| {
            let group = tables.problem.group_of[host];
            remaining.by_group[group] -= 1;
            let admitted = self.admitted(group, Bits::single(0), &remaining);
            remaining.by_group[group] += 1;
            !admitted.is_empty()
        })
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

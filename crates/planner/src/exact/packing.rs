//! The packing bound: the starts from which the remaining hosts of each kind can cover the rest,
//! each host at most once.
//!
//! The hosts of a kind are counted but not distinguished. This gives a dynamic programme over the
//! number of hosts left of each kind. It is exact in memory, compute and the number of hosts.
//! Between two kinds it allows the best of their links. If there are few kinds and memory is tight,
//! it is much stronger than any single weighing of the blocks. It takes O(s g m (m + g) / 64) for s
//! combinations of numbers left and g kinds, and is built only if its tables are small.
//!
//! Source: the multiple-choice knapsack by cardinalities (Kellerer, Pferschy and Pisinger 2004,
//! chapter 11), along a chain.

use super::at_period::AtPeriod;
use super::weighted_capacity::Remaining;
use crate::bits::Bits;
use crate::index::{Grid, GroupIndex, IndexVec};
use crate::stopped::Stopped;

/// The most words of the tables of a bound.
const MOST_WORDS: usize = 1 << 20;

/// The bound at one period.
#[derive(Debug)]
pub struct Packing<const W: usize> {
    /// For each kind, the change of a combination's index for one more host of that kind.
    strides: IndexVec<GroupIndex, usize>,
    /// For each combination of hosts left after a stage and each kind of the stage's host, the
    /// starts from which the end can be reached.
    starts: Grid<usize, GroupIndex, Bits<W>>,
}

impl<const W: usize> Packing<W> {
    /// Builds the bound. Returns `None` if its tables would take too many words or if there is only
    /// one kind.
    pub fn new(tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<Option<Self>, Stopped> {
        let instance = tables.instance;
        let kinds = instance.groups.len();
        let all = Remaining::all(instance).by_group;
        let mut strides = Vec::with_capacity(kinds);
        let mut combinations = 1_usize;
        for &hosts in &all {
            strides.push(combinations);
            combinations = combinations.saturating_mul(hosts as usize + 1);
            if combinations.saturating_mul(kinds * W) > MOST_WORDS {
                return Ok(None);
            }
        }
        if kinds == 1 {
            return Ok(None);
        }
        let carried = best_carried(tables);
        let last = last_starts(tables);
        let mut packing = Self { strides: strides.into(), starts: Grid::filled(Bits::EMPTY, combinations, kinds) };
        let mut left = instance.by_group(0_u32);
        for combination in 0..combinations {
            if stop() {
                return Err(Stopped);
            }
            for kind in instance.groups.indices().filter(|&kind| left[kind] < all[kind]) {
                let mut ends = Bits::EMPTY;
                for next in instance.groups.indices().filter(|&next| left[next] > 0) {
                    let after = packing.starts[(combination - packing.strides[next], next)];
                    ends = ends.or(&after.and(&carried[(kind, next)]));
                }
                packing.starts[(combination, kind)] = last[kind].or(&tables.starts_of_group(kind, &ends));
            }
            // Counts up to the next combination.
            for (left, &all) in left.iter_mut().zip(&all) {
                *left += 1;
                if *left <= all {
                    break;
                }
                *left = 0;
            }
        }
        Ok(Some(packing))
    }

    /// Returns the starts on a host of a kind from which the remaining hosts can cover the rest.
    #[inline]
    pub fn admitted(&self, kind: GroupIndex, remaining: &Remaining) -> &Bits<W> {
        let combination: usize =
            self.strides.iter().zip(&remaining.by_group).map(|(stride, &left)| stride * left as usize).sum();
        &self.starts[(combination, kind)]
    }
}

/// Returns, for each pair of kinds, the positions whose boundary some link between their hosts
/// carries.
fn best_carried<const W: usize>(tables: &AtPeriod<'_, W>) -> Grid<GroupIndex, GroupIndex, Bits<W>> {
    let instance = tables.instance;
    let kinds = instance.groups.len();
    let mut carried: Grid<GroupIndex, GroupIndex, Bits<W>> = Grid::filled(Bits::EMPTY, kinds, kinds);
    for (from, &kind) in instance.group_of.iter_indexed() {
        for (to, &next) in instance.group_of.iter_indexed().filter(|&(to, _)| to != from) {
            let best = &mut carried[(kind, next)];
            *best = best.or(tables.carried(from, to));
        }
    }
    carried
}

/// Returns, for each kind, the starts of a last stage.
fn last_starts<const W: usize>(tables: &AtPeriod<'_, W>) -> IndexVec<GroupIndex, Bits<W>> {
    let instance = tables.instance;
    let mut last: IndexVec<GroupIndex, Bits<W>> = instance.by_group(Bits::EMPTY);
    for (host, &kind) in instance.group_of.iter_indexed() {
        last[kind] = last[kind].or(&tables.finishing(host, 1));
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::PlanRequest;
    use crate::exact::beam::{BeamOutcome, search};
    use crate::exact::prices::Prices;
    use crate::exact::stage_ends::StageEnds;
    use crate::index::{Index, Position};
    use crate::instance::Instance;

    const INSTANCE: &str = include_str!("../../tests/instances/hetero_types_n10_0.json");

    /// Of a best placement every stage must be admitted, with just the hosts left that its later stages use.
    #[test]
    fn nothing_that_a_placement_does_is_refused() {
        let certified: serde_json::Value = serde_json::from_str(INSTANCE).unwrap();
        let request = PlanRequest::from_json(&certified["request"]).unwrap();
        let least_s = certified["expected"]["period_s"].as_f64().unwrap();
        let instance = Instance::new(&request, &|| false).unwrap();
        let stage_ends = StageEnds::<16>::new(&instance, &|| false).unwrap();
        let tables = AtPeriod::new(&instance, &stage_ends, least_s, &|| false).unwrap();
        let prices = Prices::new(instance.hosts.len());
        let Ok(BeamOutcome::Placement(best)) =
            search(&tables, None, &prices.to_go(&tables), usize::MAX, None, &|| false)
        else {
            panic!("the certified period is not reached");
        };
        let packing = Packing::new(&tables, &|| false).unwrap().unwrap();
        let mut remaining = Remaining { by_group: instance.by_group(0), stages: instance.most_stages };
        let spans: Vec<_> = best.spans().collect();
        for (index, &(start, _, host)) in spans.iter().enumerate().rev() {
            let kind = instance.group_of[host];
            let admitted = packing.admitted(kind, &remaining);
            assert!(admitted.contains(start), "stage {index} of {} at {start:?}", spans.len());
            remaining.by_group[kind] += 1;
        }
        assert!(spans.len() > 1);
        let nobody = Remaining { by_group: instance.by_group(0), stages: instance.most_stages };
        assert!(
            !packing.admitted(GroupIndex::nth(0), &nobody).contains(Position::FIRST),
            "one host alone cannot hold the model"
        );
    }
}

//! The weighted capacity bounds: the remaining hosts must be able to run all remaining blocks
//! together.
//!
//! For any block weights w ≥ 0, a host covers at most the heaviest stage that fits it within the
//! period. A start is excluded if the heaviest stages of all remaining hosts together weigh less
//! than the remaining blocks. The weights are parameters, work, block count, and the duals of the
//! linear relaxation "cover every block, each host at most one stage". The duals are found by
//! multiplicative updates (Plotkin, Shmoys and Tardos 1995, doi 10.1287/moor.20.2.257). Building
//! takes O(u g m) with u updates; each start tested takes O(g).

use super::at_period::AtPeriod;
use crate::bits::Bits;
use crate::index::{GroupIndex, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// Weights are sums of doubles: a test counts as failed only if it fails by more than this relative
/// error.
const ROUNDING: f64 = 1e-9;

/// If all hosts together can run the model this many times, the bounds exclude almost nothing and
/// are not kept.
const AMPLE: f64 = 1.7;

/// The multiplicative updates of the dual weights.
const UPDATES: usize = 120;

/// The hosts and stages that remain when a label is tested.
#[derive(Debug, Clone)]
pub struct Remaining {
    /// For each group, the number of hosts that may still be unused.
    pub by_group: IndexVec<GroupIndex, u32>,
    /// The number of stages that may still follow.
    pub stages: usize,
}

/// The bounds at one period.
#[derive(Debug)]
pub struct WeightedCapacity {
    weighings: Vec<Weighing>,
    /// For each position, its index among the positions of the weighings. `None` if the weighings
    /// have all positions.
    place_of: Option<IndexVec<Position, usize>>,
}

#[derive(Debug)]
struct Weighing {
    /// For each position, the weight of the blocks after it.
    behind: Vec<f64>,
    /// For each position and group, the weight of the heaviest stage that starts there or later.
    heaviest: Vec<f64>,
    /// For each position, the groups in order of their heaviest stages, the heaviest first.
    order: Vec<u16>,
}

/// Whether all hosts together can run the whole model.
#[derive(Debug)]
pub enum Supply<C> {
    /// They cannot.
    Insufficient,
    /// They may be able to, but with so little to spare that the bounds are useful.
    Scarce(C),
    /// The bounds leave so much to spare that they are not useful.
    Ample,
}

impl WeightedCapacity {
    /// Builds the bounds and tests the whole model.
    pub fn judge<const W: usize>(tables: &AtPeriod<'_, W>, stop: &dyn Fn() -> bool) -> Result<Supply<Self>, Stopped> {
        let instance = tables.instance;
        let ends = |group: GroupIndex, start: Position| tables.ends_of_group(group, &Bits::single(start));
        if instance.is_chain() {
            let furthest = |(group, start): (GroupIndex, Position)| ends(group, start).last().unwrap_or(start).number();
            let stages = instance.groups.indices().flat_map(|group| instance.starts().map(move |start| (group, start)));
            let reach: Vec<usize> = stages.map(furthest).collect();
            return Self::judge_kinds(instance, &reach, &Remaining::all(instance), stop);
        }
        // The useful cuts within the period may form a chain even if all cuts do not.
        let useful = tables.useful_cuts();
        if instance.cuts.are_nested_at(&useful) {
            let narrowed = instance.with_cuts_at(&useful);
            let mut place_of = instance.by_position(0);
            useful.iter().enumerate().for_each(|(place, &position)| place_of[position] = place);
            let furthest = |group: GroupIndex, place: usize| {
                let ends = ends(group, useful[place]);
                useful.iter().rposition(|&end| ends.contains(end)).unwrap_or(place)
            };
            let places = 0..narrowed.blocks();
            let reach: Vec<usize> = instance
                .groups
                .indices()
                .flat_map(|group| places.clone().map(move |place| (group, place)))
                .map(|(group, place)| furthest(group, place))
                .collect();
            let supply = Self::judge_kinds(&narrowed, &reach, &Remaining::all(instance), stop)?;
            return Ok(match supply {
                Supply::Scarce(bounds) => Supply::Scarce(Self { place_of: Some(place_of), ..bounds }),
                other => other,
            });
        }
        let heaviest = |group: usize, start: usize, within: &[f64]| {
            let ends = ends(GroupIndex::nth(group), Position::nth(start));
            ends.iter().map(|end| within[end.number()] - within[start]).fold(0.0, f64::max)
        };
        Self::judge_sets(instance, &heaviest, &Remaining::all(instance), stop)
    }

    /// Builds the bounds for cuts that are sets. `heaviest` returns the weight of the heaviest
    /// stage of a class of hosts from a start. Its last argument holds the weight within each
    /// position.
    pub fn judge_sets(
        instance: &Instance,
        heaviest: &dyn Fn(usize, usize, &[f64]) -> f64,
        all: &Remaining,
        stop: &dyn Fn() -> bool,
    ) -> Result<Supply<Self>, Stopped> {
        let mut weighings = Vec::new();
        let mut least_ratio = f64::INFINITY;
        let kinds = all.by_group.len();
        for within in weights_within(instance) {
            let weighing = Weighing::new(kinds, &within, &|kind, start| heaviest(kind, start, &within), stop)?;
            let ratio = weighing.ratio(all);
            if ratio < 1.0 - ROUNDING {
                return Ok(Supply::Insufficient);
            }
            least_ratio = least_ratio.min(ratio);
            weighings.push(weighing);
        }
        Ok(if least_ratio > AMPLE { Supply::Ample } else { Supply::Scarce(Self { weighings, place_of: None }) })
    }

    /// Builds the bounds for any classes of hosts in place of groups. `all` counts the hosts of
    /// each class. `reach` holds the furthest end for each class and start.
    pub fn judge_kinds(
        instance: &Instance,
        reach: &[usize],
        all: &Remaining,
        stop: &dyn Fn() -> bool,
    ) -> Result<Supply<Self>, Stopped> {
        let kinds = all.by_group.len();
        let mut weighings = Vec::new();
        let mut least_ratio = f64::INFINITY;
        let given = [block_bytes(instance), block_work(instance), vec![1.0; instance.blocks()]];
        let given = given.into_iter().filter(|weights| weights.iter().any(|&weight| weight > 0.0));
        for weights in given {
            let weighing = Weighing::along(kinds, reach, &weights, stop)?;
            let ratio = weighing.ratio(all);
            if ratio < 1.0 - ROUNDING {
                return Ok(Supply::Insufficient);
            }
            least_ratio = least_ratio.min(ratio);
            weighings.push((weights, weighing));
        }
        if least_ratio > AMPLE {
            return Ok(Supply::Ample);
        }
        for from_start in [true, false] {
            let first = if from_start { vec![1.0; instance.blocks()] } else { block_bytes(instance) };
            let weights = dual_weights(instance, reach, all, first, stop)?;
            let weighing = Weighing::along(kinds, reach, &weights, stop)?;
            if weighing.ratio(all) < 1.0 - ROUNDING {
                return Ok(Supply::Insufficient);
            }
            weighings.push((Vec::new(), weighing));
        }
        let weighings = weighings.into_iter().map(|(_, weighing)| weighing).collect();
        Ok(Supply::Scarce(Self { weighings, place_of: None }))
    }

    /// Returns the starts on a host of a group from which the remaining hosts may be able to run
    /// the blocks after the start.
    pub fn admitted<const W: usize>(&self, group: GroupIndex, starts: Bits<W>, remaining: &Remaining) -> Bits<W> {
        let mut admitted = Bits::EMPTY;
        for start in starts.iter() {
            let place = self.place_of.as_ref().map_or(start.number(), |place_of| place_of[start]);
            if self.weighings.iter().all(|weighing| weighing.suffices(group, place, remaining)) {
                admitted.insert(start);
            }
        }
        admitted
    }
}

impl Remaining {
    /// Returns all hosts and stages of an instance.
    pub fn all(instance: &Instance) -> Self {
        let mut by_group = instance.by_group(0);
        for &group in &instance.group_of {
            by_group[group] += 1;
        }
        Self { by_group, stages: instance.most_stages }
    }
}

impl Weighing {
    /// Weighs blocks along a chain.
    fn along(groups: usize, reach: &[usize], weights: &[f64], stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let blocks = weights.len();
        let mut behind = vec![0.0; blocks + 1];
        for block in (0..blocks).rev() {
            behind[block] = behind[block + 1] + weights[block];
        }
        let own = |group: usize, start: usize| behind[start] - behind[reach[group * blocks + start]];
        let heaviest = Self::heaviest(groups, blocks, &own);
        Self::sorted(groups, behind, heaviest, stop)
    }

    /// Weighs by the weight within each position. `own` returns the weight of a kind's heaviest
    /// stage from a start.
    fn new(
        groups: usize,
        within: &[f64],
        own: &dyn Fn(usize, usize) -> f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let blocks = within.len() - 1;
        let behind = within.iter().map(|weight| within[blocks] - weight).collect();
        Self::sorted(groups, behind, Self::heaviest(groups, blocks, own), stop)
    }

    /// Returns, for each position and group, the weight of the heaviest stage that starts there or
    /// later.
    fn heaviest(groups: usize, blocks: usize, own: &dyn Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut heaviest = vec![0.0_f64; (blocks + 1) * groups];
        for start in (0..blocks).rev() {
            for group in 0..groups {
                let own = own(group, start);
                heaviest[start * groups + group] = own.max(heaviest[(start + 1) * groups + group]);
            }
        }
        heaviest
    }

    fn sorted(groups: usize, behind: Vec<f64>, heaviest: Vec<f64>, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let mut order = Vec::with_capacity(heaviest.len());
        for row in heaviest.chunks(groups) {
            if stop() {
                return Err(Stopped);
            }
            let mut groups: Vec<u16> = (0..groups as u16).collect();
            groups.sort_by(|&a, &b| row[usize::from(b)].total_cmp(&row[usize::from(a)]));
            order.extend(groups);
        }
        Ok(Self { behind, heaviest, order })
    }

    /// Returns the most weight after a position that the remaining hosts can take, plus `own`.
    /// Stops as soon as it is `enough`.
    fn weight_of(&self, start: usize, remaining: &Remaining, own: f64, enough: f64) -> f64 {
        let groups = remaining.by_group.len();
        let (mut weight, mut left) = (own, remaining.stages);
        for &group in &self.order[start * groups..(start + 1) * groups] {
            if left == 0 || weight >= enough {
                break;
            }
            let taken = left.min(remaining.by_group[GroupIndex::nth(group.into())] as usize);
            weight += self.heaviest[start * groups + usize::from(group)] * taken as f64;
            left -= taken;
        }
        weight
    }

    /// Returns how many times all hosts together can run the model by this weight.
    fn ratio(&self, all: &Remaining) -> f64 {
        self.weight_of(0, all, 0.0, f64::INFINITY) / self.behind[0]
    }

    fn suffices(&self, group: GroupIndex, start: usize, remaining: &Remaining) -> bool {
        let own = self.heaviest[start * remaining.by_group.len() + group.number()];
        let needed = self.behind[start] * (1.0 - ROUNDING);
        self.weight_of(start, remaining, own, needed) >= needed
    }
}

/// Returns the weights within each position: parameters and state, work, and the number of blocks.
fn weights_within(instance: &Instance) -> Vec<Vec<f64>> {
    let positions = || instance.positions();
    let given = [
        positions().map(|position| instance.resident_bytes(Position::FIRST, position) as f64).collect(),
        positions()
            .map(|position| slowest(instance).map_or(0.0, |group| instance.compute_s(group, Position::FIRST, position)))
            .collect(),
        instance.cuts.sums_of_blocks(|_| 1).iter().map(|&blocks| f64::from(blocks)).collect::<Vec<f64>>(),
    ];
    given.into_iter().filter(|within| within[instance.blocks()] > 0.0).collect()
}

/// Returns the group whose hosts take longest for the whole model.
fn slowest(instance: &Instance) -> Option<GroupIndex> {
    let whole_s = |group: GroupIndex| instance.compute_s(group, Position::FIRST, instance.last());
    instance.groups.indices().max_by(|&a, &b| whole_s(a).total_cmp(&whole_s(b)))
}

fn block_bytes(instance: &Instance) -> Vec<f64> {
    instance.starts().map(|start| instance.resident_bytes(start, start + 1) as f64).collect()
}

fn block_work(instance: &Instance) -> Vec<f64> {
    let slowest = slowest(instance);
    let work = |start: Position| slowest.map_or(0.0, |group| instance.compute_s(group, start, start + 1));
    instance.starts().map(work).collect()
}

/// Returns weights under which the heaviest stages of all hosts cover the model as few times as the
/// updates can reach.
fn dual_weights(
    instance: &Instance,
    reach: &[usize],
    all: &Remaining,
    mut weights: Vec<f64>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<f64>, Stopped> {
    let blocks = instance.blocks();
    let total: f64 = weights.iter().sum();
    // A block with a weight of 0 would never gain any.
    weights.iter_mut().for_each(|weight| *weight = *weight / total + 1e-3 / blocks as f64);
    let (mut best, mut least_ratio) = (weights.clone(), f64::INFINITY);
    for update in 0..UPDATES {
        if stop() {
            return Err(Stopped);
        }
        let mut prefix = vec![0.0; blocks + 1];
        for block in 0..blocks {
            prefix[block + 1] = prefix[block] + weights[block];
        }
        let mut covered_changes = vec![0.0; blocks + 1];
        let mut weight_of_all = 0.0;
        for (group, &hosts) in all.by_group.iter().enumerate() {
            let row = &reach[group * blocks..(group + 1) * blocks];
            let heaviest =
                (0..blocks).max_by(|&a, &b| (prefix[row[a]] - prefix[a]).total_cmp(&(prefix[row[b]] - prefix[b])));
            let Some(start) = heaviest else { continue };
            weight_of_all += (prefix[row[start]] - prefix[start]) * f64::from(hosts);
            covered_changes[start] += f64::from(hosts);
            covered_changes[row[start]] -= f64::from(hosts);
        }
        let ratio = weight_of_all / prefix[blocks];
        if ratio < least_ratio {
            least_ratio = ratio;
            best.clone_from(&weights);
        }
        let rate = 0.5 / (1.0 + update as f64).sqrt();
        let most_covered = covered_changes.iter().scan(0.0, |sum, change| {
            *sum += change;
            Some(*sum)
        });
        let most_covered = most_covered.fold(1.0, f64::max);
        let mut covered = 0.0;
        let mut sum = 0.0;
        for block in 0..blocks {
            covered += covered_changes[block];
            weights[block] = (weights[block] * (-rate * covered / most_covered).exp()).max(1e-12);
            sum += weights[block];
        }
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    Ok(best)
}

//! Closed cuts: fewer cuts, which stand for all cuts.
//!
//! A block is *eager* if it is small and no boundary grows when it is added as soon as its
//! predecessors are in the cut. The closure of a cut adds eager blocks until none is left. It keeps
//! a chain of cuts a chain and makes no boundary larger. It moves no more than [`Closed::slack`]
//! from one stage to the one before. So if each stage gets that much more time and memory, the best
//! placement among closed cuts is at least as good as any among all cuts. This gives a bound for
//! all cuts.

use rustc_hash::FxHashMap;

use super::boundary::{Crossing, Tensors};
use super::contract::Blocks;
use super::enumerate::{downward_closed, segments_of};
use super::sets::{Sets, contains, insert};
use super::{CutCount, Cuts, Keep, MOST_COUNTED, closed, of_family};
use crate::domain::model::ModelProfile;
use crate::domain::options::{Colocation, CutPolicy};
use crate::index::{IndexVec, Position};
use crate::stopped::Stopped;

/// A share that no block is as small as.
const ALL_CUTS: f64 = -1.0;

/// The closed cuts of a model, and the layers by which they differ from other cuts.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The closed cuts.
    pub cuts: Cuts,
    /// For each position, layers as their places in the model. A stage between closed cuts may have
    /// the layers of its end more than a stage that it stands for, and no others.
    pub slack: IndexVec<Position, Vec<usize>>,
    /// The share of the model's work and bytes up to which a block is small. It is negative if no block is.
    small: f64,
    /// Whether only useful closed cuts are among the cuts.
    are_useful: bool,
}

/// What is known of the cuts of good placements.
pub struct Useful<'u> {
    /// Tells whether a closed cut can be one of a good placement's, or stand for one.
    pub position: &'u dyn Fn(Position) -> bool,
    /// Tells whether a boundary of so many bytes can be one of a good placement's.
    pub boundary: &'u dyn Fn(u64) -> bool,
}

/// The weights by which a block is small, for each layer.
pub struct Weights {
    /// The work of each layer. It determines the order of the cuts.
    pub work: Vec<u64>,
    /// For each layer, the sum of its shares of all work and of all bytes, over each measure of
    /// them.
    pub shares: Vec<f64>,
    /// Whether a layer may move to another stage: nothing pins it.
    pub may_move: Vec<bool>,
}

impl Closed {
    /// Returns as many closed cuts as possible, at most `at_most`. Returns `None` if there are
    /// still too many with all small blocks eager, or if the policy is not `any`.
    pub fn new(
        model: &ModelProfile,
        (policy, colocate): (CutPolicy, &[Colocation]),
        weights: &Weights,
        count: CutCount,
        at_most: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, Stopped> {
        if policy != CutPolicy::Any {
            return Ok(None);
        }
        let blocks = Blocks::new(model, colocate);
        let tensors = Tensors::new(model, &blocks);
        let base = closed(&blocks);
        let least_small = least_small(&blocks, &tensors, weights);
        // The more blocks are eager, the fewer sets are closed. The bisection finds the smallest
        // share for which there are few enough.
        let mut shares: Vec<f64> = least_small.iter().copied().filter(|share| share.is_finite()).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.dedup();
        let (mut too_small, mut found) = (0, None);
        let mut untried = shares.len();
        while too_small < untried {
            // The largest share comes first: there are often too many sets even with it.
            let at = if found.is_none() { untried - 1 } else { too_small + (untried - too_small) / 2 };
            let is_eager = |block: usize| least_small[block] <= shares[at];
            match downward_closed(&blocks, &base, &is_eager, at_most, stop)? {
                Ok(family) => (untried, found) = (at, Some((shares[at], family))),
                Err(_) if found.is_none() => return Ok(None),
                Err(_) => too_small = at + 1,
            }
        }
        let Some((small, family)) = found else { return Ok(None) };
        let of = (|layer: usize| weights.work[layer], usize::MAX);
        let mut cuts = of_family(model, &blocks, &tensors, family, !base.is_empty(), (policy, &|_, _| true), of);
        cuts.count = count;
        let slack = slack(&blocks, &cuts, &|block: usize| least_small[block] <= small);
        Ok(Some(Self { cuts, slack, small, are_useful: false }))
    }

    /// Returns useful cuts with a smaller slack, at most `at_most`: those that useful closed cuts stand
    /// for and whose boundary is useful too. A placement that is as good as the one for which the
    /// closed cuts were judged uses only such cuts, or cuts that they stand for. If there are few
    /// enough, these are all cuts. Returns `None` if no smaller slack gives few enough.
    pub fn finer(
        &self,
        model: &ModelProfile,
        colocate: &[Colocation],
        weights: &Weights,
        useful: &Useful<'_>,
        at_most: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, Stopped> {
        let blocks = Blocks::new(model, colocate);
        let tensors = Tensors::new(model, &blocks);
        let base = closed(&blocks);
        let least_small = least_small(&blocks, &tensors, weights);
        let is_eager: Vec<bool> = least_small.iter().map(|&least| least <= self.small).collect();
        let positions = self.cuts.boundary_bytes.indices().skip(1);
        let position_of: FxHashMap<Vec<u64>, Position> =
            positions.map(|position| (blocks_of(&self.cuts, &blocks, position), position)).collect();
        let segments = segments_of(&blocks, &base);
        let mut segment_of = vec![usize::MAX; blocks.count()];
        for (segment, members) in segments.iter().enumerate() {
            members.iter().for_each(|&block| segment_of[block] = segment);
        }
        let is_kept = |set: &[u64], crossing: Crossing| {
            if !(useful.boundary)(crossing.bytes) {
                return false;
            }
            let (closure, is_base) = closure(&blocks, &segments, &segment_of, &is_eager, set);
            match position_of.get(&closure) {
                Some(&position) => (useful.position)(position),
                // No closed cut stands for the base, which is closed itself. Any other cut without one
                // would be a defect, unless only some closed cuts are known. It is kept.
                None => is_base || !self.are_useful,
            }
        };
        let kept = |small: f64| -> Result<Option<Self>, Stopped> {
            let is_eager = |block: usize| least_small[block] <= small;
            let Ok(family) = downward_closed(&blocks, &base, &is_eager, MOST_COUNTED, stop)? else { return Ok(None) };
            let of = (|layer: usize| weights.work[layer], usize::MAX);
            let policy = (CutPolicy::Any, &is_kept as &Keep<'_>);
            let mut cuts = of_family(model, &blocks, &tensors, family, !base.is_empty(), policy, of);
            cuts.count = self.cuts.count;
            if cuts.last() > at_most {
                return Ok(None);
            }
            let slack = slack(&blocks, &cuts, &is_eager);
            Ok(Some(Self { cuts, slack, small, are_useful: true }))
        };
        // All cuts come first, then the smallest share for which there are few enough.
        let mut found = kept(ALL_CUTS)?;
        if found.is_some() {
            return Ok(found);
        }
        let mut shares: Vec<f64> = least_small.iter().copied().filter(|&share| share < self.small).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.dedup();
        let (mut too_small, mut untried) = (0, shares.len());
        while too_small < untried {
            let at = too_small + (untried - too_small) / 2;
            match kept(shares[at])? {
                Some(finer) => (untried, found) = (at, Some(finer)),
                None => too_small = at + 1,
            }
        }
        Ok(found)
    }

    /// Returns `true` if no block is eager: the cuts stand for themselves.
    pub fn has_no_slack(&self) -> bool {
        self.small < 0.0
    }
}

/// Returns the blocks within a position.
fn blocks_of(cuts: &Cuts, blocks: &Blocks, position: Position) -> Vec<u64> {
    let mut set = Sets::new(blocks.count()).empty();
    for block in cuts.layers_between(Position::FIRST, position).into_iter().filter_map(|layer| blocks.block_of[layer]) {
        insert(&mut set, block);
    }
    set
}

/// Returns, for each block, the smallest share for which it is eager. It is infinite if the block
/// is never eager.
fn least_small(blocks: &Blocks, tensors: &Tensors, weights: &Weights) -> Vec<f64> {
    let least = |block: usize| {
        let layers = &blocks.layers[block];
        let may = tensors.never_grows(block) && layers.iter().all(|&layer| weights.may_move[layer]);
        if may { layers.iter().map(|&layer| weights.shares[layer]).sum() } else { f64::INFINITY }
    };
    (0..blocks.count()).map(least).collect()
}

/// Returns the closed set that stands for a set: the set and all eager blocks that follow it in its
/// last segment. Also returns whether the set is the base.
fn closure(
    blocks: &Blocks,
    segments: &[Vec<usize>],
    segment_of: &[usize],
    is_eager: &[bool],
    set: &[u64],
) -> (Vec<u64>, bool) {
    let mut closure = set.to_vec();
    let within = (0..blocks.count()).filter(|&block| contains(set, block) && segment_of[block] != usize::MAX);
    let Some(last) = within.map(|block| segment_of[block]).max() else { return (closure, true) };
    // The members of a segment are in topological order.
    for &block in &segments[last] {
        let follows = || blocks.predecessors[block].iter().all(|&before| contains(&closure, before));
        if is_eager[block] && !contains(&closure, block) && follows() {
            insert(&mut closure, block);
        }
    }
    (closure, false)
}

/// Returns, for each position, the eager blocks within it that only eager blocks follow there, as
/// layers. A set for which it stands lacks no other blocks.
fn slack(blocks: &Blocks, cuts: &Cuts, is_eager: &dyn Fn(usize) -> bool) -> IndexVec<Position, Vec<usize>> {
    let of_position = |position: Position| {
        let set = blocks_of(cuts, blocks, position);
        let mut lacks = vec![false; blocks.count()];
        let mut layers = Vec::new();
        // Blocks are numbered in topological order, so their successors are visited first.
        for block in (0..blocks.count()).rev().filter(|&block| contains(&set, block)) {
            let mut inside = blocks.successors[block].iter().filter(|&&next| contains(&set, next));
            if is_eager(block) && inside.all(|&next| lacks[next]) {
                lacks[block] = true;
                layers.extend(&blocks.layers[block]);
            }
        }
        layers.sort_unstable();
        layers
    };
    cuts.boundary_bytes.indices().map(of_position).collect()
}

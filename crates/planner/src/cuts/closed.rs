//! Fewer cuts that stand for all: those that no small block can be added to without loss.
//!
//! A block is *eager* if it is small and no boundary grows where it is added as soon as its predecessors are within. Adding
//! eager blocks until none is left is a closure: it never breaks a chain of cuts, never makes a boundary larger, and moves
//! no more than [`Closed::slack`] from one stage to the one before. So the best placement among closed cuts, with that
//! much more time and memory for each stage, is at least as good as any among all cuts: a bound for all.

use rustc_hash::FxHashMap;

use super::boundary::{Crossing, Tensors};
use super::contract::Blocks;
use super::enumerate::{downward_closed, segments_of};
use super::sets::{Sets, contains, insert};
use super::{CutCount, Cuts, MOST_COUNTED, closed, of_family};
use crate::domain::model::ModelProfile;
use crate::domain::options::{Colocation, CutPolicy};
use crate::index::Position;
use crate::stopped::Stopped;

/// The closed cuts of a model, and what they leave out.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The cuts.
    pub cuts: Cuts,
    /// Sets of layers that a stage may have more than one that it stands for, by their places in the model: no such set
    /// weighs more than the heaviest of these.
    pub slack: Vec<Vec<usize>>,
    /// The share of the model's work and bytes up to which a block is small.
    small: f64,
}

/// What of a model counts for whether a block is small, by layer.
pub struct Weights {
    /// What puts cuts in order.
    pub work: Vec<u64>,
    /// The sum of the shares of all work and of all bytes, by each measure of them.
    pub shares: Vec<f64>,
    /// Whether a layer may be moved: nothing pins it.
    pub may_move: Vec<bool>,
}

impl Closed {
    /// The closed cuts, the more the better, but at most `at_most`. `None` where small blocks are not what makes them many.
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
        // The more blocks are eager, the fewer sets are closed: the least share is bisected with which they are few enough.
        let mut shares: Vec<f64> = least_small.iter().copied().filter(|share| share.is_finite()).collect();
        shares.sort_unstable_by(f64::total_cmp);
        shares.dedup();
        let (mut too_small, mut found) = (0, None);
        let mut untried = shares.len();
        while too_small < untried {
            // First the largest: often even then they are too many.
            let at = if found.is_none() { untried - 1 } else { too_small + (untried - too_small) / 2 };
            let is_eager = |block: usize| least_small[block] <= shares[at];
            match downward_closed(&blocks, &base, &is_eager, at_most, stop)? {
                Ok(family) => (untried, found) = (at, Some((shares[at], family))),
                Err(_) if found.is_none() => return Ok(None),
                Err(_) => too_small = at + 1,
            }
        }
        let Some((small, family)) = found else { return Ok(None) };
        let slack = slack(&blocks, &family.sets, &|block: usize| least_small[block] <= small);
        let of = (|layer: usize| weights.work[layer], usize::MAX);
        let mut cuts = of_family(model, &blocks, &tensors, family, !base.is_empty(), (policy, &|_, _| true), of);
        cuts.count = count;
        Ok(Some(Self { cuts, slack, small }))
    }

    /// All cuts, at most so many, that closed cuts of use stand for and whose boundary is of use too: those between which
    /// a placement lies that is as good as one for which the closed cuts were judged. `None` where they are more.
    pub fn opened(
        &self,
        model: &ModelProfile,
        colocate: &[Colocation],
        weights: &Weights,
        (is_useful, carries): (&dyn Fn(Position) -> bool, &dyn Fn(u64) -> bool),
        at_most: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Cuts>, Stopped> {
        let blocks = Blocks::new(model, colocate);
        let tensors = Tensors::new(model, &blocks);
        let base = closed(&blocks);
        let Ok(family) = downward_closed(&blocks, &base, &|_| false, MOST_COUNTED, stop)? else { return Ok(None) };
        let least_small = least_small(&blocks, &tensors, weights);
        let is_eager: Vec<bool> = least_small.iter().map(|&least| least <= self.small).collect();
        let positions = self.cuts.boundary_bytes.indices().skip(1);
        let position_of: FxHashMap<Vec<u64>, Position> =
            positions.map(|position| (self.blocks_of(&blocks, position), position)).collect();
        let segments = segments_of(&blocks, &base);
        let mut segment_of = vec![usize::MAX; blocks.count()];
        for (segment, members) in segments.iter().enumerate() {
            members.iter().for_each(|&block| segment_of[block] = segment);
        }
        let is_kept = |set: &[u64], crossing: Crossing| {
            // The base is closed, and a cut that no closed one stands for would be a defect: it is kept.
            let stands = position_of.get(&closure(&blocks, &segments, &segment_of, &is_eager, set));
            carries(crossing.bytes) && stands.is_none_or(|&position| is_useful(position))
        };
        let of = (|layer: usize| weights.work[layer], usize::MAX);
        let mut cuts = of_family(model, &blocks, &tensors, family, !base.is_empty(), (CutPolicy::Any, &is_kept), of);
        cuts.count = self.cuts.count;
        Ok((cuts.last() <= at_most).then_some(cuts))
    }

    /// The blocks within a position.
    fn blocks_of(&self, blocks: &Blocks, position: Position) -> Vec<u64> {
        let mut set = Sets::new(blocks.count()).empty();
        for block in
            self.cuts.layers_between(Position::FIRST, position).into_iter().filter_map(|layer| blocks.block_of[layer])
        {
            insert(&mut set, block);
        }
        set
    }
}

/// For each block the least share of the model up to which blocks are small for it to be eager. Infinite where it never is.
fn least_small(blocks: &Blocks, tensors: &Tensors, weights: &Weights) -> Vec<f64> {
    let least = |block: usize| {
        let layers = &blocks.layers[block];
        let may = tensors.never_grows(block) && layers.iter().all(|&layer| weights.may_move[layer]);
        if may { layers.iter().map(|&layer| weights.shares[layer]).sum() } else { f64::INFINITY }
    };
    (0..blocks.count()).map(least).collect()
}

/// The closed set that a set stands for: with all eager blocks that follow it in its last segment.
fn closure(blocks: &Blocks, segments: &[Vec<usize>], segment_of: &[usize], is_eager: &[bool], set: &[u64]) -> Vec<u64> {
    let mut closure = set.to_vec();
    let within = (0..blocks.count()).filter(|&block| contains(set, block) && segment_of[block] != usize::MAX);
    let Some(last) = within.map(|block| segment_of[block]).max() else { return closure };
    // The members of a segment stand in a topological order.
    for &block in &segments[last] {
        let follows = || blocks.predecessors[block].iter().all(|&before| contains(&closure, before));
        if is_eager[block] && !contains(&closure, block) && follows() {
            insert(&mut closure, block);
        }
    }
    closure
}

/// For each closed set the eager blocks within it that only eager blocks follow there, as layers: a set that it stands for
/// lacks no others.
fn slack(blocks: &Blocks, sets: &Sets, is_eager: &dyn Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = Vec::new();
    for set in 0..sets.len() {
        let mut lacks = vec![false; blocks.count()];
        let mut layers = Vec::new();
        let within: Vec<usize> = sets.numbers(set).collect();
        // Blocks stand in a topological order.
        for &block in within.iter().rev() {
            let mut inside = blocks.successors[block].iter().filter(|&&next| sets.has(set, next));
            if is_eager(block) && inside.all(|&next| lacks[next]) {
                lacks[block] = true;
                layers.extend(&blocks.layers[block]);
            }
        }
        layers.sort_unstable();
        found.push(layers);
    }
    found.sort_unstable();
    found.dedup();
    found
}

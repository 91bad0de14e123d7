//! The cuts of a model that a search considers.
//!
//! A cut is a set of layers that contains all inputs and, with each layer, all of its predecessors.
//! Positions number the considered cuts. Each position comes after all those whose cuts it
//! contains. Position 0 is before the first stage, and the last position is the whole model. If
//! each cut contains the one before, the cuts are a chain, and a position is a number of blocks.
//! Otherwise each position has a set of blocks, and a stage leads from a cut to any other that
//! contains it.

mod boundary;
mod closed;
mod contract;
mod count;
mod enumerate;
mod order;
mod sets;

pub use closed::{Closed, Useful, Weights};
pub use count::{CutCount, cut_count};
pub use sets::Sets;

use std::collections::BTreeSet;

use self::boundary::{Crossing, Tensors};
use self::contract::Blocks;
use self::enumerate::{Family, downward_closed};
use crate::domain::model::ModelProfile;
use crate::domain::options::{Colocation, CutPolicy};
use crate::index::{Block, Index, IndexVec, Position};
use crate::stopped::Stopped;

/// The most cuts that are enumerated. If a model has more, only some of them are searched.
pub const MOST_COUNTED: usize = 50_000;

/// The most cuts that a search over sets holds. Its tables grow with the square of this number.
const MOST_SETS: usize = 4_095;

/// The cuts that a search considers.
#[derive(Debug, Clone)]
pub struct Cuts {
    /// For each block, its layers as their places in the model, in ascending order.
    blocks: IndexVec<Block, Vec<usize>>,
    /// For each position, its blocks. `None` if position p has the first p blocks.
    sets: Option<Sets>,
    /// For each position, the bytes of the tensors that cross there. The model's inputs are first
    /// and its outputs last.
    pub boundary_bytes: IndexVec<Position, u64>,
    /// The number of cuts that the policy allows, without the two ends.
    pub count: CutCount,
    /// Whether a block joins layers on both sides of a cut that the policy allows but that is not
    /// considered.
    joins: bool,
}

impl Cuts {
    /// Finds the cuts of a model under a policy. No cut divides layers that stay together. `work`
    /// orders sets: of two sets of which neither contains the other, the one with less work comes
    /// first. If there are more than `most_sets` sets, only some cuts that form a chain are
    /// considered.
    pub fn new(
        model: &ModelProfile,
        (policy, colocate): (CutPolicy, &[Colocation]),
        work: impl Fn(usize) -> u64,
        most_sets: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        if policy == CutPolicy::InOrder || policy == CutPolicy::Any && has_one_order(model) {
            return Ok(in_order(model, colocate));
        }
        let blocks = Blocks::new(model, colocate);
        if blocks.count() == 0 {
            let ends = vec![model.input_bytes(), model.output_bytes()];
            return Ok(Self::chain(vec![blocks.inputs], ends, CutCount::Exactly(0)));
        }
        let tensors = Tensors::new(model, &blocks);
        let base = closed(&blocks);
        let along = |count: CutCount| {
            let order = order::small_boundaries(&blocks, &tensors, &base);
            along(model, &blocks, &tensors, &order, base.len(), policy, count)
        };
        // If every layer comes after an input, the cuts crossed by a single tensor are prefixes of
        // any topological order.
        let follows = |layer: usize| model.makers(layer).iter().any(|&maker| !model.is_constant(maker));
        let begins_at_inputs =
            (0..model.layers.len()).all(|layer| model.is_constant(layer) || model.is_input(layer) || follows(layer));
        if policy == CutPolicy::SingleTensor && begins_at_inputs {
            let cuts = along(CutCount::Exactly(0));
            return Ok(Self { count: CutCount::Exactly(cuts.last() - 1), ..cuts });
        }
        let family = match downward_closed(&blocks, &base, &|_| false, MOST_COUNTED, stop)? {
            Ok(family) => family,
            // The whole model is not a cut. The base is one if it has more than the inputs.
            Err(CutCount::Exactly(sets)) => {
                return Ok(along(CutCount::Exactly(sets - usize::from(base.is_empty()))));
            }
            Err(more) => return Ok(along(more)),
        };
        Ok(of_family(
            model,
            &blocks,
            &tensors,
            family,
            !base.is_empty(),
            (policy, &|_, _| true),
            (work, most_sets.min(MOST_SETS)),
        ))
    }

    fn chain(blocks: Vec<Vec<usize>>, boundary_bytes: Vec<u64>, count: CutCount) -> Self {
        Self { blocks: blocks.into(), sets: None, boundary_bytes: boundary_bytes.into(), count, joins: false }
    }

    /// Returns `true` if each position lies within the next.
    pub fn are_nested(&self) -> bool {
        self.are_nested_at(&self.boundary_bytes.indices().collect::<Vec<Position>>())
    }

    /// Returns `true` if each of these positions lies within the next. They must be in ascending
    /// order.
    pub fn are_nested_at(&self, some: &[Position]) -> bool {
        let nested = |sets: &Sets| some.windows(2).all(|pair| sets.is_within(pair[0].number(), pair[1].number()));
        self.sets.as_ref().is_none_or(nested)
    }

    /// Returns the number of the last position, the whole model.
    pub fn last(&self) -> usize {
        self.boundary_bytes.len() - 1
    }

    /// Returns the number of blocks.
    pub fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the blocks in ascending order.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = Block> + Clone + use<> {
        self.blocks.indices()
    }

    /// Returns the sets of the positions, or `None` if the cuts are a chain.
    pub fn sets(&self) -> Option<&Sets> {
        self.sets.as_ref()
    }

    /// Returns `true` if every cut that the policy allows is considered.
    pub fn are_all(&self) -> bool {
        self.count == CutCount::Exactly(self.last() - 1)
    }

    /// Returns `true` if no cut that the policy allows divides a block.
    pub fn keep_blocks_whole(&self) -> bool {
        !self.joins || self.are_all()
    }

    /// Returns the layers of a block, as their places in the model.
    pub fn layers_of(&self, block: Block) -> &[usize] {
        &self.blocks[block]
    }

    /// Returns the block that delivers the constants that are outputs. Along a chain this is the
    /// last block. Otherwise it is a block without layers, which only the whole model contains.
    pub fn delivering_block(&self) -> Block {
        Block::nth(self.blocks.len() - 1)
    }

    /// Returns the layers of a block, the constants that lead to them, and the constants that it
    /// delivers.
    pub fn needed_by(&self, model: &ModelProfile, block: Block) -> BTreeSet<usize> {
        let constants = self.layers_of(block).iter().flat_map(|&layer| model.constants_behind(layer));
        let delivered = if block == self.delivering_block() { model.constants_delivered() } else { &[] };
        self.layers_of(block).iter().chain(constants).chain(delivered).copied().collect()
    }

    /// Returns the layers of a stage as their places in the model, in ascending order.
    pub fn layers_between(&self, start: Position, end: Position) -> Vec<usize> {
        let layers_of = |block: Block| self.layers_of(block);
        let mut layers: Vec<usize> = match &self.sets {
            None => Block::between(start, end).flat_map(layers_of).copied().collect(),
            Some(sets) => {
                let blocks = sets.between(start.number(), end.number()).map(Block::nth);
                blocks.flat_map(layers_of).copied().collect()
            }
        };
        layers.sort_unstable();
        layers
    }

    /// Returns, for each position, the sum over its layers.
    pub fn sums<T: Copy + Default + std::ops::AddAssign>(
        &self,
        of_layer: impl Fn(usize) -> T,
    ) -> IndexVec<Position, T> {
        let of = |layers: &[usize]| {
            let mut sum = T::default();
            layers.iter().for_each(|&layer| sum += of_layer(layer));
            sum
        };
        let of_block: IndexVec<Block, T> = self.blocks.iter().map(|layers| of(layers)).collect();
        self.sums_of_blocks(|block| of_block[block])
    }

    /// Returns, for each position, the sum over its blocks.
    pub fn sums_of_blocks<T: Copy + Default + std::ops::AddAssign>(
        &self,
        of_block: impl Fn(Block) -> T,
    ) -> IndexVec<Position, T> {
        let mut sums = vec![T::default()];
        for position in 1..=self.last() {
            let mut sum = T::default();
            match &self.sets {
                None => {
                    sum = sums[position - 1];
                    sum += of_block(Block::nth(position - 1));
                }
                Some(sets) => sets.numbers(position).for_each(|block| sum += of_block(Block::nth(block))),
            }
            sums.push(sum);
        }
        sums.into()
    }

    /// Returns the same cuts at some of the positions only. `kept` is ascending and contains the
    /// first and the last position.
    pub fn at(&self, kept: &[Position]) -> Self {
        let boundary_bytes = kept.iter().map(|&position| self.boundary_bytes[position]).collect();
        match &self.sets {
            None => {
                let blocks = kept.windows(2).map(|ends| self.layers_between(ends[0], ends[1])).collect();
                Self { blocks, boundary_bytes, ..self.clone() }
            }
            Some(sets) => Self {
                blocks: self.blocks.clone(),
                sets: Some(sets.at(&kept.iter().map(|position| position.number()).collect::<Vec<usize>>())),
                boundary_bytes,
                ..self.clone()
            },
        }
    }
}

/// Returns, in ascending order, the blocks that each cut contains in addition to the inputs, with
/// their predecessors.
fn closed(blocks: &Blocks) -> Vec<usize> {
    let mut inside = vec![false; blocks.count()];
    let mut open = blocks.forced.clone();
    while let Some(block) = open.pop() {
        if !std::mem::replace(&mut inside[block], true) {
            open.extend(&blocks.predecessors[block]);
        }
    }
    (0..blocks.count()).filter(|&block| inside[block]).collect()
}

/// Returns `true` if a policy allows an inner cut.
fn allows(policy: CutPolicy, crossing: Crossing) -> bool {
    policy != CutPolicy::SingleTensor || crossing.tensors == 1
}

/// Returns the cuts that are prefixes of an order of the blocks. Each contains at least the first
/// `begins` blocks.
fn along(
    model: &ModelProfile,
    blocks: &Blocks,
    tensors: &Tensors,
    order: &[usize],
    begins: usize,
    policy: CutPolicy,
    count: CutCount,
) -> Cuts {
    let mut set = Sets::new(blocks.count()).empty();
    let mut crossing = tensors.of_inputs();
    let mut boundary_bytes = vec![model.input_bytes()];
    let mut joined: Vec<Vec<usize>> = Vec::new();
    let mut layers = blocks.inputs.clone();
    let mut joins = false;
    for (at, &block) in order.iter().enumerate() {
        sets::insert(&mut set, block);
        crossing = tensors.grown(crossing, block, &set);
        layers.extend(&blocks.layers[block]);
        let is_last = at + 1 == order.len();
        if is_last || at + 1 >= begins && allows(policy, crossing) {
            layers.sort_unstable();
            joined.push(std::mem::take(&mut layers));
            boundary_bytes.push(if is_last { model.output_bytes() } else { crossing.bytes });
        } else if at + 1 >= begins {
            joins = true;
        }
    }
    Cuts { joins, ..Cuts::chain(joined, boundary_bytes, count) }
}

/// Decides whether a cut is kept, from its blocks and from what crosses it.
type Keep<'k> = dyn Fn(&[u64], Crossing) -> bool + 'k;

/// Returns the cuts of a family that the policy allows and that `is_kept` keeps.
fn of_family(
    model: &ModelProfile,
    blocks: &Blocks,
    tensors: &Tensors,
    family: Family,
    begins: bool,
    (policy, is_kept): (CutPolicy, &Keep<'_>),
    (work, most_sets): (impl Fn(usize) -> u64, usize),
) -> Cuts {
    let Family { sets, grown_by } = family;
    let mut crossing = vec![tensors.of_inputs()];
    if begins {
        let mut set = sets.empty();
        for block in sets.numbers(0) {
            sets::insert(&mut set, block);
            crossing[0] = tensors.grown(crossing[0], block, &set);
        }
    }
    let work_of_block: Vec<u64> = blocks
        .layers
        .iter()
        .map(|layers| layers.iter().fold(0, |sum: u64, &layer| sum.saturating_add(work(layer))))
        .collect();
    let mut work_of = vec![0_u64];
    for (before, added) in &grown_by {
        let mut set = sets.get(*before).to_vec();
        let (mut crosses, mut work) = (crossing[*before], work_of[*before]);
        for &block in added {
            sets::insert(&mut set, block);
            crosses = tensors.grown(crosses, block, &set);
            work = work.saturating_add(work_of_block[block]);
        }
        crossing.push(crosses);
        work_of.push(work);
    }
    let whole = sets.len() - 1;
    // If the base contains only inputs, no stage may end there.
    let first = usize::from(!begins);
    let mut kept: Vec<usize> =
        (first..whole).filter(|&set| allows(policy, crossing[set]) && is_kept(sets.get(set), crossing[set])).collect();
    let count = CutCount::Exactly(kept.len());
    let is_chain = |kept: &[usize]| kept.windows(2).all(|pair| sets.is_within(pair[0], pair[1]));
    // Sets are in order of size, so of equal work the smaller comes first.
    kept.sort_by_key(|&set| (work_of[set], set));
    if is_chain(&kept) {
        return chain_of(model, blocks, &sets, &kept, &crossing, count);
    }
    if kept.len() > most_sets {
        let order = order::small_boundaries(blocks, tensors, &sets.numbers(0).collect::<Vec<usize>>());
        let base = sets.numbers(0).count();
        return along(model, blocks, tensors, &order, base, policy, count);
    }
    let boundary_bytes = std::iter::once(model.input_bytes())
        .chain(kept.iter().map(|&set| crossing[set].bytes))
        .chain([model.output_bytes()])
        .collect();
    // If there are inputs, they are a block that each cut but the first contains. If constants are
    // delivered, the last block has no layer, and only the whole model contains it.
    let delivers = usize::from(!model.constants_delivered().is_empty());
    let inputs = usize::from(!blocks.inputs.is_empty());
    let mut positions = Sets::new(blocks.count() + inputs + delivers);
    positions.push(&positions.empty());
    for &set in kept.iter().chain([&whole]) {
        let mut position = positions.empty();
        (0..inputs).for_each(|block| sets::insert(&mut position, block));
        sets.numbers(set).for_each(|block| sets::insert(&mut position, block + inputs));
        if delivers == 1 && set == whole {
            sets::insert(&mut position, blocks.count() + inputs);
        }
        positions.push(&position);
    }
    let first = (inputs == 1).then(|| blocks.inputs.clone());
    let last = (delivers == 1).then(Vec::new);
    let blocks = first.into_iter().chain(blocks.layers.iter().cloned()).chain(last).collect();
    Cuts { blocks, sets: Some(positions), boundary_bytes, count, joins: false }
}

/// Returns the cuts of sets each of which lies within the next.
fn chain_of(
    model: &ModelProfile,
    blocks: &Blocks,
    sets: &Sets,
    kept: &[usize],
    crossing: &[Crossing],
    count: CutCount,
) -> Cuts {
    let mut boundary_bytes = vec![model.input_bytes()];
    let mut joined = Vec::new();
    let mut layers: Vec<usize> = blocks.inputs.clone();
    let mut before = None;
    for &set in kept.iter().chain([&(sets.len() - 1)]) {
        match before {
            None => layers.extend(sets.numbers(set).flat_map(|block| &blocks.layers[block])),
            Some(before) => layers.extend(sets.between(before, set).flat_map(|block| &blocks.layers[block])),
        }
        layers.sort_unstable();
        joined.push(std::mem::take(&mut layers));
        boundary_bytes.push(crossing[set].bytes);
        before = Some(set);
    }
    if let Some(last) = boundary_bytes.last_mut() {
        *last = model.output_bytes();
    }
    Cuts::chain(joined, boundary_bytes, count)
}

/// Returns `true` if each layer that is not constant reads the one before. The file's order is then
/// the only one.
fn has_one_order(model: &ModelProfile) -> bool {
    let mut before = None;
    (0..model.layers.len()).filter(|&layer| !model.is_constant(layer)).all(|layer| {
        let follows = before.is_none_or(|before| model.makers(layer).contains(&before));
        before = Some(layer);
        follows
    })
}

/// Returns the prefixes of the file's topological order that do not divide layers that stay
/// together and that have more than inputs.
fn in_order(model: &ModelProfile, colocate: &[Colocation]) -> Cuts {
    let order: Vec<usize> = (0..model.layers.len()).filter(|&layer| !model.is_constant(layer)).collect();
    let mut place = vec![0; model.layers.len()];
    order.iter().enumerate().for_each(|(at, &layer)| place[layer] = at);
    let mut whole = vec![false; order.len() + 1];
    for together in contract::together(model, colocate) {
        let places = || together.iter().map(|&layer| place[layer]);
        if let (Some(first), Some(last)) = (places().min(), places().max()) {
            whole[first + 1..=last].fill(true);
        }
    }
    let first = order.iter().position(|&layer| !model.is_input(layer)).unwrap_or(order.len());
    // A tensor no longer crosses a cut after its last reader. An output is never dropped.
    let mut gone_at = vec![Vec::new(); order.len() + 1];
    for (at, &layer) in order.iter().enumerate() {
        if let Some(last) = model.readers(layer).iter().map(|&reader| place[reader]).max() {
            gone_at[last.max(at)].push(layer);
        }
    }
    let mut bytes = 0;
    let (mut blocks, mut boundary_bytes) = (vec![Vec::new()], vec![model.input_bytes()]);
    for (at, &layer) in order.iter().enumerate() {
        bytes += model.layers[layer].output_bytes;
        bytes -= gone_at[at].iter().map(|&gone| model.layers[gone].output_bytes).sum::<u64>();
        if let Some(block) = blocks.last_mut() {
            block.push(layer);
        }
        if at >= first && at + 1 < order.len() && !whole[at + 1] {
            blocks.push(Vec::new());
            boundary_bytes.push(bytes);
        }
    }
    boundary_bytes.push(model.output_bytes());
    let count = CutCount::Exactly(blocks.len() - 1);
    Cuts::chain(blocks, boundary_bytes, count)
}

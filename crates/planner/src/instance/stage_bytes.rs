//! The bytes of memory that a stage needs on any host: parameters, state, activation, buffers, and
//! a copy of its constants.
//!
//! Along a chain, the bytes of a stage are summed block by block. Except for its buffers, a stage
//! needs no less if it begins earlier or ends later. Where cuts are sets, a table has the bytes for
//! each pair of positions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::cuts::{Cuts, Sets};
use crate::domain::model::ModelProfile;
use crate::index::{Block, Index, IndexVec, Position};
use crate::stopped::Stopped;

/// Bytes of constants that some blocks share.
#[derive(Debug, Clone, Copy, Default)]
struct Constants {
    /// Parameters of the constants that lead to the stage's layers.
    params: u64,
    /// Outputs of the constants that its layers read.
    outputs: u64,
    /// State of the constants that lead to its layers.
    states: u64,
}

/// Constants that the same blocks need.
#[derive(Debug, Clone)]
struct Shared {
    /// The blocks, ascending.
    blocks: Vec<Block>,
    bytes: Constants,
}

/// The bytes of all stages of a model.
#[derive(Debug, Clone)]
pub struct StageBytes {
    /// For each position, the parameters and state within it: of layers, and of constants that one
    /// block alone needs.
    resident: IndexVec<Position, u64>,
    /// Whether any block needs a constant.
    has_constants: bool,
    /// For each position, the parameters of constants within it that one block alone needs.
    own_params: IndexVec<Position, u64>,
    /// For each position, the outputs of constants within it that one block alone reads.
    own_outputs: IndexVec<Position, u64>,
    /// For each position, the buffers of a stage that begins or ends there.
    buffers: IndexVec<Position, u64>,
    /// For each block, its parameters and state: of layers, and of constants that its layers alone
    /// need.
    of_block: IndexVec<Block, u64>,
    /// For each block, the largest activation of its layers.
    activation: IndexVec<Block, u64>,
    /// Along a chain: for each block, the constants that it shares with other blocks, each with a
    /// position: the end of the last block before it that shares them too, or the first position if
    /// there is none.
    occurrences: BTreeMap<Block, Vec<(Position, Constants)>>,
    /// Where cuts are sets: for each start, the ends of its stages, and their bytes.
    pairs: Option<Pairs>,
}

/// The stages between sets.
#[derive(Debug, Clone, Default)]
struct Pairs {
    /// For each start, the index where its ends begin; last the number of all ends.
    offsets: Vec<usize>,
    ends: Vec<Position>,
    bytes: Vec<u64>,
}

/// What a stage along a chain needs in addition to the sums by position.
#[derive(Debug, Clone, Copy, Default)]
pub struct Running {
    activation: u64,
    shared: Constants,
}

impl StageBytes {
    /// Tabulates the stages between cuts. `activation` has the bytes of each layer. `counts` says
    /// whether activation and buffers are counted. `buffers` is the number of buffers for each
    /// boundary.
    pub fn new(
        model: &ModelProfile,
        cuts: &Cuts,
        activation: &[u64],
        counts: bool,
        buffers: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let (own, shared) = constants(model, cuts);
        let of_layer = |layer: usize| model.layers[layer].param_bytes + model.layers[layer].state_bytes;
        let mut of_block: IndexVec<Block, u64> = cuts
            .blocks()
            .map(|block| {
                let constants = own[block].params + own[block].states;
                cuts.layers_of(block).iter().map(|&layer| of_layer(layer)).sum::<u64>() + constants
            })
            .collect();
        let resident = cuts.sums_of_blocks(|block| of_block[block]);
        // What is only delivered belongs to whichever block comes last.
        of_block[cuts.delivering_block()] -= delivered_only(model, cuts).into_iter().map(of_layer).sum::<u64>();
        let counted = |bytes: u64| if counts { bytes } else { 0 };
        let largest = |layers: &[usize]| counted(layers.iter().map(|&layer| activation[layer]).max().unwrap_or(0));
        let mut stage_bytes = Self {
            resident,
            has_constants: !shared.is_empty() || own.iter().any(|own| own.params + own.outputs + own.states > 0),
            of_block,
            own_params: cuts.sums_of_blocks(|block| own[block].params),
            own_outputs: cuts.sums_of_blocks(|block| own[block].outputs),
            buffers: cuts.boundary_bytes.iter().map(|bytes| counted(bytes * buffers)).collect(),
            activation: cuts.blocks().map(|block| largest(cuts.layers_of(block))).collect(),
            occurrences: BTreeMap::new(),
            pairs: None,
        };
        match cuts.sets() {
            None => stage_bytes.occurrences = occurrences(&shared),
            Some(sets) => {
                let pairs = stage_bytes.pairs(sets, &shared, stop)?;
                stage_bytes.pairs = Some(pairs);
            }
        }
        Ok(stage_bytes)
    }

    /// Returns the same table for some of the positions. Along a chain, the blocks between two of
    /// them become one.
    pub fn at(&self, kept: &[Position]) -> Self {
        let at_kept = |all: &IndexVec<Position, u64>| kept.iter().map(|&position| all[position]).collect();
        let mut some = Self {
            has_constants: self.has_constants,
            resident: at_kept(&self.resident),
            own_params: at_kept(&self.own_params),
            own_outputs: at_kept(&self.own_outputs),
            buffers: at_kept(&self.buffers),
            of_block: self.of_block.clone(),
            activation: self.activation.clone(),
            occurrences: BTreeMap::new(),
            pairs: self.pairs.as_ref().map(|pairs| pairs.at(kept)),
        };
        if self.pairs.is_none() {
            let spans = || kept.windows(2).map(|ends| Block::between(ends[0], ends[1]));
            some.activation =
                spans().map(|blocks| blocks.map(|block| self.activation[block]).max().unwrap_or(0)).collect();
            some.of_block = spans().map(|blocks| blocks.map(|block| self.of_block[block]).sum()).collect();
            // Maps an end to the first kept position at or after it.
            let moved = |end: Position| Position::nth(kept.partition_point(|&position| position < end));
            for (&block, occurrences) in &self.occurrences {
                let end = moved(block.end());
                let joined = some.occurrences.entry(Block::ending_at(end)).or_default();
                for &(before, bytes) in occurrences {
                    // If a block before it in the same joined block has it, it is counted already.
                    if moved(before) < end {
                        joined.push((moved(before), bytes));
                    }
                }
            }
        }
        some
    }

    /// Returns the parameters and state of a stage (i, j]: of its layers, and of constants that one
    /// block alone needs.
    #[inline]
    pub fn resident(&self, start: Position, end: Position) -> u64 {
        self.resident[end] - self.resident[start]
    }

    /// Returns the parameters and state within a position, as in [`Self::resident`].
    #[inline]
    pub fn resident_within(&self, position: Position) -> u64 {
        self.resident[position]
    }

    /// Returns `true` if any block needs a constant.
    #[inline]
    pub fn has_constants(&self) -> bool {
        self.has_constants
    }

    /// Returns `true` if all buffers are empty.
    pub fn has_no_buffers(&self) -> bool {
        self.buffers.iter().all(|&bytes| bytes == 0)
    }

    /// Returns the buffers of a stage that begins or ends at a position.
    #[inline]
    pub fn buffers(&self, position: Position) -> u64 {
        self.buffers[position]
    }

    /// Returns the parameters and state of a block: of its layers, and of constants that they alone
    /// need.
    pub fn of_block(&self, block: Block) -> u64 {
        self.of_block[block]
    }

    /// Returns the largest activation of a block's layers.
    #[inline]
    pub fn activation(&self, block: Block) -> u64 {
        self.activation[block]
    }

    /// Adds the next block to a stage along a chain that begins at `start`.
    #[inline]
    pub fn add(&self, running: &mut Running, start: Position, block: Block) {
        running.activation = running.activation.max(self.activation[block]);
        if self.occurrences.is_empty() {
            return;
        }
        for (before, bytes) in self.occurrences.get(&block).into_iter().flatten() {
            if *before <= start {
                running.shared.add(bytes);
            }
        }
    }

    /// Returns the bytes of a stage along a chain without its buffers.
    #[inline]
    pub fn without_buffers(&self, running: &Running, start: Position, end: Position) -> u64 {
        self.resident(start, end) + running.activation + self.constants_beside(&running.shared, start, end)
    }

    /// Returns the bytes that constants need in addition to what is counted as resident.
    #[inline]
    fn constants_beside(&self, shared: &Constants, start: Position, end: Position) -> u64 {
        if !self.has_constants {
            return 0;
        }
        let own_params = self.own_params[end] - self.own_params[start];
        let own_outputs = self.own_outputs[end] - self.own_outputs[start];
        (own_params + shared.params).max(own_outputs + shared.outputs) - own_params + shared.states
    }

    /// Returns the ends of the stages from a start, ascending, with the bytes of each stage,
    /// buffers included. Returns `None` unless cuts are sets.
    pub fn ends(&self, start: Position) -> Option<impl Iterator<Item = (Position, u64)> + '_> {
        let pairs = self.pairs.as_ref()?;
        let span = pairs.from(start);
        Some(pairs.ends[span.clone()].iter().copied().zip(pairs.bytes[span].iter().copied()))
    }

    /// Returns the bytes of a stage; `u64::MAX` if there is no stage between the positions. O(j −
    /// i) along a chain.
    pub fn of(&self, start: Position, end: Position) -> u64 {
        if let Some(pairs) = &self.pairs {
            let span = pairs.from(start);
            let at = pairs.ends[span.clone()].binary_search(&end);
            // There is no stage between two cuts if the first is not within the second.
            return at.map_or(u64::MAX, |at| pairs.bytes[span.start + at]);
        }
        let mut running = Running::default();
        Block::between(start, end).for_each(|block| self.add(&mut running, start, block));
        self.without_buffers(&running, start, end) + self.buffers[start] + self.buffers[end]
    }

    fn pairs(&self, sets: &Sets, shared: &[Shared], stop: &dyn Fn() -> bool) -> Result<Pairs, Stopped> {
        let positions = sets.len();
        let mut pairs = Pairs { offsets: vec![0], ..Pairs::default() };
        let largest_of = |start: usize, end: usize| {
            let blocks = sets.between(start, end).map(Block::nth);
            blocks.map(|block| self.activation[block]).max().unwrap_or(0)
        };
        let mut activation = vec![0; positions];
        for start in 0..positions {
            if start % 16 == 0 && stop() {
                return Err(Stopped);
            }
            let mut nearest: Vec<usize> = Vec::new();
            for end in start + 1..positions {
                if !sets.is_within(start, end) {
                    continue;
                }
                // Few blocks lie between this end and one of the last ends within it.
                let near = nearest.iter().rev().take(8).copied().find(|&near| sets.is_within(near, end));
                activation[end] = match near {
                    Some(near) => activation[near].max(largest_of(near, end)),
                    None => largest_of(start, end),
                };
                nearest.push(end);
                let mut needed = Constants::default();
                for shared in shared {
                    let inside = |block: &Block| sets.has(end, block.number()) && !sets.has(start, block.number());
                    if shared.blocks.iter().any(inside) {
                        needed.add(&shared.bytes);
                    }
                }
                let activation = activation[end];
                let (start, end) = (Position::nth(start), Position::nth(end));
                let beside = self.constants_beside(&needed, start, end);
                let buffers = self.buffers[start] + self.buffers[end];
                pairs.ends.push(end);
                pairs.bytes.push(self.resident(start, end) + activation + beside + buffers);
            }
            pairs.offsets.push(pairs.ends.len());
        }
        Ok(pairs)
    }
}

impl Pairs {
    /// Returns the indices of the stages from a start.
    #[inline]
    fn from(&self, start: Position) -> Range<usize> {
        self.offsets[start.number()]..self.offsets[start.number() + 1]
    }

    fn at(&self, kept: &[Position]) -> Self {
        let mut some = Self { offsets: vec![0], ..Self::default() };
        let mut kept_as: IndexVec<Position, Option<Position>> = IndexVec::filled(None, self.offsets.len());
        kept.iter().enumerate().for_each(|(at, &position)| kept_as[position] = Some(Position::nth(at)));
        for &start in kept {
            for at in self.from(start) {
                if let Some(end) = kept_as[self.ends[at]] {
                    some.ends.push(end);
                    some.bytes.push(self.bytes[at]);
                }
            }
            some.offsets.push(some.ends.len());
        }
        some
    }
}

impl Constants {
    #[inline]
    fn add(&mut self, other: &Self) {
        self.params += other.params;
        self.outputs += other.outputs;
        self.states += other.states;
    }
}

/// Returns for each block the constants that it alone needs, and the constants that several blocks
/// share.
fn constants(model: &ModelProfile, cuts: &Cuts) -> (IndexVec<Block, Constants>, Vec<Shared>) {
    let mut own: IndexVec<Block, Constants> = IndexVec::filled(Constants::default(), cuts.block_count());
    // The blocks that a constant leads to, and those that read it.
    let mut behind: BTreeMap<usize, Vec<Block>> = BTreeMap::new();
    let mut read: BTreeMap<usize, Vec<Block>> = BTreeMap::new();
    for block in cuts.blocks() {
        for &layer in cuts.layers_of(block) {
            for &constant in model.constants_behind(layer) {
                add_block(behind.entry(constant).or_default(), block);
            }
            for constant in model.constants_read(layer) {
                add_block(read.entry(constant).or_default(), block);
            }
        }
        if block == cuts.delivering_block() {
            for &constant in model.constants_delivered() {
                add_block(behind.entry(constant).or_default(), block);
            }
            for constant in model.constant_outputs() {
                add_block(read.entry(constant).or_default(), block);
            }
        }
    }
    let mut shared: BTreeMap<Vec<Block>, Constants> = BTreeMap::new();
    let mut note = |blocks: Vec<Block>, bytes: Constants| match blocks[..] {
        [block] => own[block].add(&bytes),
        _ => shared.entry(blocks).or_default().add(&bytes),
    };
    for (constant, blocks) in behind {
        let layer = &model.layers[constant];
        note(blocks, Constants { params: layer.param_bytes, states: layer.state_bytes, outputs: 0 });
    }
    for (constant, blocks) in read {
        note(blocks, Constants { outputs: model.layers[constant].output_bytes, ..Constants::default() });
    }
    (own, shared.into_iter().map(|(blocks, bytes)| Shared { blocks, bytes }).collect())
}

/// Returns the constants that are delivered and lead to no layer.
fn delivered_only(model: &ModelProfile, cuts: &Cuts) -> Vec<usize> {
    let mut delivered = model.constants_delivered().to_vec();
    if !delivered.is_empty() {
        let layers = cuts.blocks().flat_map(|block| cuts.layers_of(block));
        let behind: BTreeSet<usize> = layers.flat_map(|&layer| model.constants_behind(layer)).copied().collect();
        delivered.retain(|constant| !behind.contains(constant));
    }
    delivered
}

fn add_block(blocks: &mut Vec<Block>, block: Block) {
    if blocks.last() != Some(&block) {
        blocks.push(block);
    }
}

/// Returns the shared constants by the blocks along a chain that need them.
fn occurrences(shared: &[Shared]) -> BTreeMap<Block, Vec<(Position, Constants)>> {
    let mut occurrences: BTreeMap<Block, Vec<(Position, Constants)>> = BTreeMap::new();
    for Shared { blocks, bytes } in shared {
        let mut before = Position::FIRST;
        for &block in blocks {
            occurrences.entry(block).or_default().push((before, *bytes));
            before = block.end();
        }
    }
    occurrences
}

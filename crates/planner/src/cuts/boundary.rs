//! The tensors that cross a cut: those that are made inside it and read outside, or delivered at
//! the end.

use super::contract::Blocks;
use super::sets::contains;
use crate::domain::model::ModelProfile;

/// A tensor that can cross a cut.
#[derive(Debug)]
struct Tensor {
    bytes: u64,
    /// The blocks that read it, without its own block.
    readers: Vec<usize>,
    /// Whether no layer reads it, so that the last stage delivers it.
    is_output: bool,
}

/// The tensors of a model, by the blocks that make and read them.
#[derive(Debug)]
pub struct Tensors {
    tensors: Vec<Tensor>,
    of_inputs: Vec<usize>,
    made_by: Vec<Vec<usize>>,
    read_by: Vec<Vec<usize>>,
}

/// The tensors that cross one cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crossing {
    /// The number of tensors.
    pub tensors: usize,
    /// The sum of their bytes.
    pub bytes: u64,
}

impl Tensors {
    /// Finds the tensors of a model with contracted layers in O(L + E).
    pub fn new(model: &ModelProfile, blocks: &Blocks) -> Self {
        let (mut tensors, mut of_inputs) = (Vec::new(), Vec::new());
        let mut made_by = vec![Vec::new(); blocks.count()];
        let mut read_by = vec![Vec::new(); blocks.count()];
        for layer in (0..model.layers.len()).filter(|&layer| !model.is_constant(layer)) {
            let own = blocks.block_of[layer];
            let mut readers: Vec<usize> = model.readers(layer).iter().filter_map(|&to| blocks.block_of[to]).collect();
            readers.retain(|&reader| Some(reader) != own);
            readers.sort_unstable();
            readers.dedup();
            let is_output = model.readers(layer).is_empty();
            if !is_output && readers.is_empty() {
                continue;
            }
            for &reader in &readers {
                read_by[reader].push(tensors.len());
            }
            match own {
                Some(block) => made_by[block].push(tensors.len()),
                None => of_inputs.push(tensors.len()),
            }
            tensors.push(Tensor { bytes: model.layers[layer].output_bytes, readers, is_output });
        }
        Self { tensors, of_inputs, made_by, read_by }
    }

    /// Returns what crosses the cut that contains only the inputs.
    pub fn of_inputs(&self) -> Crossing {
        self.of_inputs.iter().fold(Crossing::default(), |crossing, &tensor| crossing.with(&self.tensors[tensor]))
    }

    /// Returns `true` if no boundary grows when the block is added to a cut that contains its
    /// predecessors. The tensors that only this block reads are then at least as large as those
    /// that it makes.
    pub fn never_grows(&self, block: usize) -> bool {
        let bytes = |of: &[usize], counts: &dyn Fn(&Tensor) -> bool| {
            of.iter()
                .map(|&tensor| &self.tensors[tensor])
                .filter(|tensor| counts(tensor))
                .map(|tensor| tensor.bytes)
                .sum::<u64>()
        };
        let read_alone = bytes(&self.read_by[block], &|tensor| !tensor.is_output && tensor.readers.len() == 1);
        bytes(&self.made_by[block], &|_| true) <= read_alone
    }

    /// Returns what crosses a cut that has one block more than a cut for which `before` is known.
    /// `set` contains the block.
    pub fn grown(&self, before: Crossing, block: usize, set: &[u64]) -> Crossing {
        let is_read = |tensor: &Tensor| !tensor.is_output && tensor.readers.iter().all(|&reader| contains(set, reader));
        let mut crossing = before;
        for tensor in self.made_by[block].iter().map(|&tensor| &self.tensors[tensor]) {
            if !is_read(tensor) {
                crossing = crossing.with(tensor);
            }
        }
        for tensor in self.read_by[block].iter().map(|&tensor| &self.tensors[tensor]) {
            if is_read(tensor) {
                crossing.tensors -= 1;
                crossing.bytes -= tensor.bytes;
            }
        }
        crossing
    }
}

impl Crossing {
    fn with(self, tensor: &Tensor) -> Self {
        Self { tensors: self.tensors + 1, bytes: self.bytes + tensor.bytes }
    }
}

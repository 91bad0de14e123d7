//! The graph of a model, built only from its edges: which layers are constant, and which tensors
//! are live while a layer runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::model::ModelProfile;
use crate::domain::options::CutPolicy;

/// A model and its edges by layer. A layer's place is its index in the profile's topological order.
pub(super) struct Graph<'a> {
    model: &'a ModelProfile,
    place_of: BTreeMap<&'a str, usize>,
    /// For each layer, the layers that read its tensor.
    readers: Vec<Vec<usize>>,
    /// For each layer, the layers whose tensors it reads.
    makers: Vec<Vec<usize>>,
    is_constant: Vec<bool>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(model: &'a ModelProfile) -> Self {
        let layers = model.layers.iter().enumerate();
        let place_of: BTreeMap<&str, usize> = layers.map(|(place, layer)| (layer.id.as_str(), place)).collect();
        let mut readers = vec![Vec::new(); model.layers.len()];
        let mut makers = readers.clone();
        for edge in &model.edges {
            if let (Some(&from), Some(&to)) = (place_of.get(edge.from.as_str()), place_of.get(edge.to.as_str())) {
                readers[from].push(to);
                makers[to].push(from);
            }
        }
        let mut graph = Self { model, place_of, readers, makers, is_constant: Vec::new() };
        graph.is_constant = graph.unreached();
        graph
    }

    /// Returns, for each layer, whether no root leads to it. In a model without roots this is
    /// `false` for all layers.
    fn unreached(&self) -> Vec<bool> {
        let is_root = |&place: &usize| self.is_input(place) || (self.makers[place].is_empty() && self.works(place));
        let mut waiting: Vec<usize> = (0..self.makers.len()).filter(is_root).collect();
        let has_roots = !waiting.is_empty();
        let mut unreached = vec![has_roots; self.makers.len()];
        while let Some(place) = waiting.pop() {
            if std::mem::replace(&mut unreached[place], false) {
                waiting.extend(&self.readers[place]);
            }
        }
        unreached
    }

    fn works(&self, place: usize) -> bool {
        let layer = &self.model.layers[place];
        layer.flops > 0 || layer.time_s.values().any(|&seconds| seconds > 0.0)
    }

    /// Returns a layer's place, or `None` if the model has no layer of this id.
    pub(super) fn place(&self, layer_id: &str) -> Option<usize> {
        self.place_of.get(layer_id).copied()
    }

    /// Returns the layers whose tensors a layer reads.
    pub(super) fn makers(&self, place: usize) -> &[usize] {
        &self.makers[place]
    }

    /// Returns the layers that read a layer's tensor.
    pub(super) fn readers(&self, place: usize) -> &[usize] {
        &self.readers[place]
    }

    /// Returns `true` if no root leads to a layer. Each stage that needs such a layer has a copy.
    pub(super) fn is_constant(&self, place: usize) -> bool {
        self.is_constant[place]
    }

    /// Returns `true` if a layer holds an input tensor of the model: it has no predecessor, no
    /// parameters and no work.
    pub(super) fn is_input(&self, place: usize) -> bool {
        self.makers[place].is_empty() && self.model.layers[place].param_bytes == 0 && !self.works(place)
    }

    /// Returns the layers that hold the model's inputs.
    pub(super) fn inputs(&self) -> Vec<usize> {
        (0..self.makers.len()).filter(|&place| self.is_input(place)).collect()
    }

    /// Returns the layers whose tensors are the model's outputs: no layer reads them.
    pub(super) fn outputs(&self) -> Vec<usize> {
        (0..self.readers.len()).filter(|&place| self.readers[place].is_empty()).collect()
    }

    /// Returns the constant layers whose own tensors a stage needs: those that its layers read and,
    /// in the last stage, those that are outputs.
    pub(super) fn constants_at_hand(&self, layers: &[usize], is_last: bool) -> BTreeSet<usize> {
        let read = layers.iter().flat_map(|&layer| self.makers[layer].iter().copied());
        let delivered = if is_last { self.outputs() } else { Vec::new() };
        read.chain(delivered).filter(|&place| self.is_constant[place]).collect()
    }

    /// Returns the constant layers that a stage holds: those whose tensors it needs, and all that
    /// lead to them.
    pub(super) fn constants_held(&self, layers: &[usize], is_last: bool) -> BTreeSet<usize> {
        let mut held = self.constants_at_hand(layers, is_last);
        let mut waiting: Vec<usize> = held.iter().copied().collect();
        while let Some(place) = waiting.pop() {
            waiting.extend(self.makers[place].iter().filter(|&&maker| held.insert(maker)));
        }
        held
    }

    /// Returns, for each layer, the bytes that are live while it runs. These are what the profile
    /// states, or else its own tensor and every other tensor that is still needed. Constants are
    /// not counted.
    pub(super) fn activation_bytes(&self, policy: CutPolicy) -> Vec<u64> {
        let layers = &self.model.layers;
        if layers.iter().all(|layer| layer.activation_bytes.is_some()) {
            return layers.iter().filter_map(|layer| layer.activation_bytes).collect();
        }
        let live = if policy == CutPolicy::InOrder { self.live_in_order() } else { self.live_in_every_order() };
        layers.iter().zip(live).map(|(layer, live)| layer.activation_bytes.unwrap_or(live)).collect()
    }

    /// Returns the bytes live at each layer in the profile's order. A tensor is still needed if
    /// this or a later layer reads it or if it is an output.
    fn live_in_order(&self) -> Vec<u64> {
        let layers = &self.model.layers;
        let mut made_bytes = vec![0; layers.len() + 1];
        let mut dead_bytes = vec![0; layers.len() + 1];
        for (place, layer) in layers.iter().enumerate().filter(|(place, _)| !self.is_constant[*place]) {
            made_bytes[place] += layer.output_bytes;
            if let Some(reader) = self.readers[place].iter().max() {
                dead_bytes[reader + 1] += layer.output_bytes;
            }
        }
        let mut live = 0;
        let walk = (0..layers.len()).map(|place| {
            live = live + made_bytes[place] - dead_bytes[place];
            live
        });
        walk.collect()
    }

    /// Returns the bytes that are live at each layer in every order. A tensor is needed in every
    /// order if an ancestor of the layer makes it and the layer or a descendant reads it. The layer
    /// is then on a path from the tensor's maker to one of its readers. A set of tensors is a word
    /// of bits, so one pass handles 128 tensors.
    fn live_in_every_order(&self) -> Vec<u64> {
        let layers = &self.model.layers;
        let mut live: Vec<u64> = layers.iter().map(|layer| layer.output_bytes).collect();
        let mut made_above = vec![0_u128; layers.len()];
        let mut read_below = vec![0_u128; layers.len()];
        let is_read = |place: &usize| !self.is_constant[*place] && !self.readers[*place].is_empty();
        let tensors: Vec<usize> = (0..layers.len()).filter(is_read).collect();
        for tensors in tensors.chunks(u128::BITS as usize) {
            let first = tensors[0];
            let last = tensors.iter().flat_map(|&tensor| self.readers[tensor].iter().copied()).max().unwrap_or(first);
            let bit = |place: usize| tensors.binary_search(&place).map_or(0, |bit| 1_u128 << bit);
            for place in first..=last {
                let makers = self.makers[place].iter().filter(|&&maker| maker >= first);
                made_above[place] = makers.fold(0, |word, &maker| word | made_above[maker] | bit(maker));
            }
            let (mut word_before, mut bytes) = (0, 0);
            for place in (first..=last).rev() {
                let read = self.makers[place].iter().fold(0, |word, &maker| word | bit(maker));
                let readers = self.readers[place].iter().filter(|&&reader| reader <= last);
                read_below[place] = readers.fold(read, |word, &reader| word | read_below[reader]);
                let word = made_above[place] & read_below[place];
                // Along a chain most words are equal, so the sum is reused.
                if word != word_before {
                    let needed = tensors.iter().enumerate().filter(|(bit, _)| word >> bit & 1 == 1);
                    bytes = needed.map(|(_, &tensor)| layers[tensor].output_bytes).sum();
                    word_before = word;
                }
                live[place] += bytes;
            }
        }
        live
    }
}

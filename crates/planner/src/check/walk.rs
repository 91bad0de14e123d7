//! What crosses a position of a model and what is live in a layer, straight from the edges.

use std::collections::BTreeMap;

use crate::domain::model::ModelProfile;

/// A model whose edges were walked once. Position `p` lies before layer `p` of the profile's order.
pub(super) struct Walk<'a> {
    model: &'a ModelProfile,
    place_of: BTreeMap<&'a str, usize>,
    /// The last layer that reads each layer's tensor; `None` for a model output.
    last_reader: Vec<Option<usize>>,
    has_maker: Vec<bool>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(model: &'a ModelProfile) -> Self {
        let layers = model.layers.iter().enumerate();
        let place_of: BTreeMap<&str, usize> = layers.map(|(place, layer)| (layer.id.as_str(), place)).collect();
        let mut last_reader = vec![None; model.layers.len()];
        let mut has_maker = vec![false; model.layers.len()];
        for edge in &model.edges {
            let (Some(&from), Some(&to)) = (place_of.get(edge.from.as_str()), place_of.get(edge.to.as_str())) else {
                continue;
            };
            last_reader[from] = last_reader[from].max(Some(to));
            has_maker[to] = true;
        }
        Self { model, place_of, last_reader, has_maker }
    }

    /// A layer's place in the order.
    pub(super) fn place(&self, layer_id: &str) -> Option<usize> {
        self.place_of.get(layer_id).copied()
    }

    /// The layers made before a position whose tensors are read behind it, or leave the model: those are carried to
    /// the end. Behind the last layer only the model's outputs are left. Before the first layer, those that hold the
    /// model's inputs.
    pub(super) fn crossing(&self, position: usize) -> Vec<usize> {
        if position == 0 {
            return (0..self.model.layers.len()).filter(|&place| self.is_input(place)).collect();
        }
        (0..position).filter(|&layer| self.last_reader[layer].is_none_or(|reader| reader >= position)).collect()
    }

    /// Whether a layer holds an input tensor of the model: no predecessor, no parameters, no work.
    fn is_input(&self, place: usize) -> bool {
        let layer = &self.model.layers[place];
        let works = layer.flops > 0 || layer.time_s.values().any(|&seconds| seconds > 0.0);
        !self.has_maker[place] && layer.param_bytes == 0 && !works
    }

    /// Whether nothing but input layers stands before a position.
    pub(super) fn only_inputs_before(&self, position: usize) -> bool {
        (0..position).all(|place| self.is_input(place))
    }

    /// Bytes that cross a position; before the first layer, those of all the model's inputs.
    pub(super) fn boundary_bytes(&self, position: usize) -> u64 {
        self.crossing(position).into_iter().map(|place| self.model.layers[place].output_bytes).sum()
    }

    /// For each layer, the bytes live while it runs: what the profile says, else every tensor made so far, its own
    /// included, that it or a later layer reads or that leaves the model.
    pub(super) fn activation_bytes(&self) -> Vec<u64> {
        let layers = &self.model.layers;
        let mut made_bytes = vec![0; layers.len() + 1];
        let mut dead_bytes = vec![0; layers.len() + 1];
        for (place, layer) in layers.iter().enumerate() {
            made_bytes[place] += layer.output_bytes;
            if let Some(reader) = self.last_reader[place] {
                dead_bytes[reader + 1] += layer.output_bytes;
            }
        }
        let mut live = 0;
        let walk = layers.iter().enumerate().map(|(place, layer)| {
            live = live + made_bytes[place] - dead_bytes[place];
            layer.activation_bytes.unwrap_or(live)
        });
        walk.collect()
    }
}

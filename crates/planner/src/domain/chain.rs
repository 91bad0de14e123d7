//! A model as a chain: its cut points, and the bytes that cross each cut.
//!
//! Positions count layers. Position `p` is before layer `p` of the topological order, 0 is before
//! the first layer, and L is after the last. Everything here takes O(L + E).

use super::model::ModelProfile;
use super::options::{Colocation, CutPolicy};

/// Blocks 1..m of consecutive layers between neighbouring cut points, with the bytes of each
/// boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The m + 1 positions of layers: 0, every cut point, and L. Block `b` holds layers
    /// `positions[b - 1]..positions[b]`.
    pub positions: Vec<usize>,
    /// The m + 1 boundaries in bytes: t_0 is the model's inputs, t_j is the boundary after block j,
    /// and t_m is the model's outputs.
    pub boundary_bytes: Vec<u64>,
}

impl Chain {
    /// Cuts a model under a policy. No cut divides layers that stay together.
    pub fn new(model: &ModelProfile, policy: CutPolicy, colocate: &[Colocation]) -> Self {
        let layers = model.layers.len();
        let crossing = crossing_tensors(model);
        // A stage needs at least one layer that is not an input. Each cut has all inputs, unless
        // the policy is `in_order`.
        let first_working_layer = (0..layers).find(|&layer| !model.is_input(layer)).unwrap_or(layers);
        let last_input = (0..layers).rev().find(|&layer| policy != CutPolicy::InOrder && model.is_input(layer));
        let first_position = (first_working_layer + 1).max(last_input.map_or(0, |input| input + 1));
        let kept_whole = kept_whole(model, colocate);
        let mut chain = Self { positions: vec![0], boundary_bytes: vec![model.input_bytes()] };
        let inner = crossing.iter().enumerate().take(layers).skip(first_position);
        let allowed = inner.filter(|(_, crossing)| policy != CutPolicy::SingleTensor || crossing.tensors == 1);
        for (position, crossing) in allowed.filter(|&(position, _)| !kept_whole[position]) {
            chain.positions.push(position);
            chain.boundary_bytes.push(crossing.bytes);
        }
        chain.positions.push(layers);
        chain.boundary_bytes.push(model.output_bytes());
        chain
    }

    /// Returns m, the number of blocks.
    pub fn blocks(&self) -> usize {
        self.positions.len() - 1
    }
}

/// Returns, for each position 0..=L, whether it lies between the first and the last of layers that
/// stay together.
fn kept_whole(model: &ModelProfile, colocate: &[Colocation]) -> Vec<bool> {
    let mut kept_whole = vec![false; model.layers.len() + 1];
    let named = |ids: &[String]| ids.iter().filter_map(|id| model.layer_index(id)).collect();
    let colocated: Vec<Vec<usize>> = colocate.iter().map(|colocation| named(&colocation.layer_ids)).collect();
    for together in colocated.iter().chain(model.members_of_groups()) {
        if let (Some(&first), Some(&last)) = (together.iter().min(), together.iter().max()) {
            kept_whole[first + 1..=last].fill(true);
        }
    }
    kept_whole
}

/// What crosses one position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crossing {
    /// The number of tensors.
    pub tensors: usize,
    /// The sum of their bytes.
    pub bytes: u64,
}

/// Returns, for each position 0..=L, the tensors made before it and read after it. A model output
/// crosses every later position, because the last stage delivers it.
pub fn crossing_tensors(model: &ModelProfile) -> Vec<Crossing> {
    let layers = model.layers.len();
    let mut gone_at = vec![Vec::new(); layers + 1];
    let mut crossing = vec![Crossing::default(); layers + 1];
    let mut now = Crossing::default();
    for position in 1..=layers {
        let maker = position - 1;
        now.tensors += 1;
        now.bytes += model.layers[maker].output_bytes;
        gone_at[last_position(model, maker)].push(maker);
        for &tensor in &gone_at[position] {
            now.tensors -= 1;
            now.bytes -= model.layers[tensor].output_bytes;
        }
        crossing[position] = now;
    }
    crossing
}

/// Returns the layers whose tensors cross a position. Before the first layer these are the layers
/// that hold the model's inputs; after the last layer they are the layers whose tensors are its
/// outputs.
pub fn crossing_layers(model: &ModelProfile, position: usize) -> impl Iterator<Item = usize> + '_ {
    let layers = model.layers.len();
    let before = if position == 0 { layers } else { position };
    (0..before).filter(move |&layer| match position {
        0 => model.is_input(layer),
        _ if position == layers => model.readers(layer).is_empty(),
        _ => last_position(model, layer) > position,
    })
}

/// Returns the position after the last reader of a layer's tensor. For a model output it is L,
/// where [`ModelProfile::output_bytes`] counts the outputs.
fn last_position(model: &ModelProfile, layer: usize) -> usize {
    model.readers(layer).iter().map(|reader| reader + 1).max().unwrap_or(model.layers.len())
}

/// Returns, for each layer, the bytes of live tensors while it runs: as the profile states, or else
/// [`live_bytes`].
pub fn activation_bytes(model: &ModelProfile) -> Vec<u64> {
    let derived = live_bytes(model);
    model.layers.iter().zip(derived).map(|(layer, derived)| layer.activation_bytes.unwrap_or(derived)).collect()
}

/// Returns, for each layer, the bytes of live tensors while it runs, for profiles that do not state
/// them. A tensor is live from the layer that makes it until its last reader has run. A model
/// output is live to the end. Constants are ignored.
pub fn live_bytes(model: &ModelProfile) -> Vec<u64> {
    let layers = model.layers.len();
    let output_bytes = |layer: usize| if model.is_constant(layer) { 0 } else { model.layers[layer].output_bytes };
    let mut freed_after = vec![0_u64; layers + 1];
    let mut live = Vec::with_capacity(layers);
    let mut now = 0_u64;
    for layer in 0..layers {
        now += output_bytes(layer);
        freed_after[last_position(model, layer).max(layer + 1)] += output_bytes(layer);
        live.push(now);
        now -= freed_after[layer + 1];
    }
    live
}

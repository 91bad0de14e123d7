//! The cuts between stages: which tensors cross each.

use super::graph::Graph;
use super::layout::Laid;
use crate::domain::model::ModelProfile;

/// Cut `k` lies before stage `k`; the last one behind all stages.
pub(super) struct Cuts {
    crossing: Vec<Vec<usize>>,
    bytes: Vec<u64>,
}

impl Cuts {
    /// What crosses each cut: the model's inputs the first, its outputs the last, and each other one the tensors made in
    /// a stage before it that a layer in no stage before it reads, or that are outputs.
    pub(super) fn new(model: &ModelProfile, graph: &Graph<'_>, laid: &[Laid<'_>]) -> Self {
        let mut stage_of = vec![None; model.layers.len()];
        for (stage, laid) in laid.iter().enumerate() {
            for &place in &laid.known {
                stage_of[place].get_or_insert(stage);
            }
        }
        let mut crossing = vec![Vec::new(); laid.len() + 1];
        for (place, made_in) in stage_of.iter().enumerate().filter_map(|(place, stage)| Some((place, (*stage)?))) {
            let needed_in = |reader: &usize| stage_of[*reader].unwrap_or(laid.len());
            let last_needed_in = graph.readers(place).iter().map(needed_in).max().unwrap_or(laid.len());
            for crossing in crossing.iter_mut().take(laid.len().min(last_needed_in + 1)).skip(made_in + 1) {
                crossing.push(place);
            }
        }
        crossing[0] = graph.inputs();
        crossing[laid.len()] = graph.outputs();
        let bytes_of = |places: &Vec<usize>| places.iter().map(|&place| model.layers[place].output_bytes).sum();
        let bytes = crossing.iter().map(bytes_of).collect();
        Self { crossing, bytes }
    }

    /// The layers whose tensors cross a cut.
    pub(super) fn crossing(&self, cut: usize) -> &[usize] {
        &self.crossing[cut]
    }

    /// The bytes of these tensors.
    pub(super) fn boundary_bytes(&self, cut: usize) -> u64 {
        self.bytes[cut]
    }
}

//! The cuts between stages and the tensors that cross them.

use super::graph::Graph;
use super::layout::Laid;
use crate::domain::model::ModelProfile;

/// The cuts of a placement. Cut `k` lies before stage `k`; the last cut lies after all stages.
pub(super) struct Cuts {
    crossing: Vec<Vec<usize>>,
    bytes: Vec<u64>,
}

impl Cuts {
    /// Finds the tensors that cross each cut. The model's inputs cross the first cut, and its
    /// outputs the last. Any other cut is crossed by the tensors that are made in a stage before
    /// it, and that are outputs or are read by a layer in no stage before it.
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

    /// Returns the layers whose tensors cross a cut.
    pub(super) fn crossing(&self, cut: usize) -> &[usize] {
        &self.crossing[cut]
    }

    /// Returns the bytes of the tensors that cross a cut.
    pub(super) fn boundary_bytes(&self, cut: usize) -> u64 {
        self.bytes[cut]
    }
}

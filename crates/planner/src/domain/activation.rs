//! Computes the bytes live while a layer runs, for profiles that do not state them.

use super::chain::live_bytes;
use super::model::ModelProfile;
use super::options::CutPolicy;

/// The number of tensors that one pass over the model handles: each has one bit of a word.
const BATCH: usize = u64::BITS as usize;

/// Returns, for each layer, the bytes of live tensors while it runs: as the profile states, or else
/// derived. Constants are ignored.
///
/// The derived bytes are those live in every order of the layers: the layer's own tensor, and those
/// of its ancestors that the layer itself or one of its descendants reads. Under
/// [`CutPolicy::InOrder`] they are those live in the model's own order.
///
/// It takes O(L + E) if tensors are read soon after they are made, and at most O((L + E) · L / 64).
pub fn activation_bytes(model: &ModelProfile, policy: CutPolicy) -> Vec<u64> {
    let given = || model.layers.iter().map(|layer| layer.activation_bytes);
    if let Some(all_given) = given().collect() {
        return all_given;
    }
    let derived = match policy {
        CutPolicy::InOrder => live_bytes(model),
        CutPolicy::Any | CutPolicy::SingleTensor => live_in_every_order(model),
    };
    given().zip(derived).map(|(given, derived)| given.unwrap_or(derived)).collect()
}

fn live_in_every_order(model: &ModelProfile) -> Vec<u64> {
    let layers = model.layers.len();
    let output_bytes = |layer: usize| if model.is_constant(layer) { 0 } else { model.layers[layer].output_bytes };
    let mut live: Vec<u64> = (0..layers).map(output_bytes).collect();
    let mut follow = Follow { model, bit_of: vec![0; layers], words: vec![0; layers] };
    for tensors in batches(model) {
        follow.add(&tensors, &mut live);
    }
    live
}

/// Returns the tensors that a layer reads, as the layer that makes each and its last reader. Each
/// batch has tensors that are live for about the same number of layers.
fn batches(model: &ModelProfile) -> Vec<Vec<(usize, usize)>> {
    let mut by_span: Vec<Vec<(usize, usize)>> = vec![Vec::new(); usize::BITS as usize + 1];
    for maker in (0..model.layers.len()).filter(|&layer| !model.is_constant(layer)) {
        if let Some(&last_reader) = model.readers(maker).last() {
            by_span[(last_reader - maker).ilog2() as usize].push((maker, last_reader));
        }
    }
    by_span.iter().flat_map(|tensors| tensors.chunks(BATCH)).map(<[_]>::to_vec).collect()
}

struct Follow<'a> {
    model: &'a ModelProfile,
    /// For each layer, the bit of its tensor, or 0 if the tensor is not in the batch.
    bit_of: Vec<u64>,
    /// For each layer, the tensors of the batch that its ancestors made; later only those of them
    /// that are live.
    words: Vec<u64>,
}

impl Follow<'_> {
    /// Adds the bytes of a batch of tensors to each layer during which they are live.
    fn add(&mut self, tensors: &[(usize, usize)], live: &mut [u64]) {
        let Some(first) = tensors.iter().map(|&(maker, _)| maker).min() else { return };
        let last = tensors.iter().map(|&(_, last_reader)| last_reader).max().unwrap_or(first);
        for (bit, &(maker, _)) in tensors.iter().enumerate() {
            self.bit_of[maker] = 1 << bit;
        }
        for layer in first..=last {
            let makers = self.model.makers(layer).iter().filter(|&&maker| maker >= first);
            self.words[layer] = makers.fold(0, |word, &maker| word | self.words[maker] | self.bit_of[maker]);
        }
        let (mut before, mut bytes) = (0_u64, 0);
        for layer in (first..=last).rev() {
            let read = self.model.makers(layer).iter().fold(0, |word, &maker| word | self.bit_of[maker]);
            let readers = self.model.readers(layer).iter().filter(|&&reader| reader <= last);
            let needed = readers.fold(read, |word, &reader| word | self.words[reader]);
            let now = self.words[layer] & needed;
            self.words[layer] = now;
            bytes = bytes + self.bytes(tensors, now & !before) - self.bytes(tensors, before & !now);
            before = now;
            live[layer] += bytes;
        }
        for &(maker, _) in tensors {
            self.bit_of[maker] = 0;
        }
    }

    fn bytes(&self, tensors: &[(usize, usize)], mut word: u64) -> u64 {
        let mut bytes = 0;
        while word != 0 {
            bytes += self.model.layers[tensors[word.trailing_zeros() as usize].0].output_bytes;
            word &= word - 1;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn model(layers: usize, edges: impl Iterator<Item = (usize, usize)>) -> ModelProfile {
        let layer = |number: usize| {
            let work = u64::from(number > 0);
            json!({"id": format!("l{number}"), "param_bytes": work, "output_bytes": 1, "flops": work})
        };
        let edge = |(from, to): (usize, usize)| json!({"from": format!("l{from}"), "to": format!("l{to}")});
        let layers: Value = (0..layers).map(layer).collect();
        let edges: Value = edges.map(edge).collect();
        ModelProfile::from_json(&json!({"name": "m", "layers": layers, "edges": edges})).unwrap()
    }

    #[test]
    fn long_models_are_quick_with_short_tensors_and_with_nested_long_ones() {
        let layers = 30_000;
        let chain = || (1..layers).map(|layer| (layer - 1, layer));
        let bytes = activation_bytes(&model(layers, chain()), CutPolicy::Any);
        assert_eq!((bytes[0], bytes[1], bytes[layers - 1]), (1, 2, 2));
        // As in a U-Net, each layer of the first half is read again by its mirror image.
        let skips = (0..layers / 2 - 1).map(|layer| (layer, layers - 1 - layer));
        let bytes = activation_bytes(&model(layers, chain().chain(skips)), CutPolicy::Any);
        assert_eq!((bytes[0], bytes[1], bytes[layers / 2 - 1]), (1, 2, layers as u64 / 2));
        assert_eq!((bytes[layers - 2], bytes[layers - 1]), (4, 3));
    }

    #[test]
    fn what_a_branch_beside_reads_is_not_live() {
        // 0 → 1 → 3, 0 → 2 → 4, and 3, 4 → 5: while 1 runs, the tensor of 0 is its own input; while 3 runs, 0 is done
        // for it, whether or not 2 has run.
        let edges = [(0, 1), (1, 3), (0, 2), (2, 4), (3, 5), (4, 5)];
        let model = model(6, edges.into_iter());
        assert_eq!(activation_bytes(&model, CutPolicy::Any), [1, 2, 2, 2, 2, 3]);
        assert_eq!(activation_bytes(&model, CutPolicy::SingleTensor), [1, 2, 2, 2, 2, 3]);
        assert_eq!(activation_bytes(&model, CutPolicy::InOrder), [1, 2, 3, 3, 3, 3]);
    }
}

//! Models whose files are in another order.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutpoint_planner::domain::model::ModelProfile;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use super::refused;

/// Returns the model as its file is if `number` is 0. Otherwise its layers and edges are shuffled,
/// by the seed and the number. If the number is even, the layers have other ids as well.
pub(super) fn shuffled(model: &Arc<ModelProfile>, seed: u64, number: usize) -> anyhow::Result<Arc<ModelProfile>> {
    if number == 0 {
        return Ok(model.clone());
    }
    let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_add(number as u64));
    let mut document = serde_json::to_value(&**model)?;
    if number.is_multiple_of(2) {
        rename(&mut document, &mut rng);
    }
    for list in ["layers", "edges"] {
        if let Some(items) = document.get_mut(list).and_then(Value::as_array_mut) {
            items.shuffle(&mut rng);
        }
    }
    let model = ModelProfile::from_json(&document).map_err(|faults| refused(&model.name, faults))?;
    Ok(Arc::new(model))
}

/// Gives each layer a random id, so that the order of ids changes too.
fn rename(document: &mut Value, rng: &mut Pcg64Mcg) {
    let mut new_ids: BTreeMap<String, String> = BTreeMap::new();
    let layers = document.get_mut("layers").and_then(Value::as_array_mut);
    for (at, layer) in layers.into_iter().flatten().enumerate() {
        if let Some(Value::String(id)) = layer.get_mut("id") {
            let new_id = format!("{:08x}-{at}", rng.random::<u32>());
            new_ids.insert(std::mem::replace(id, new_id.clone()), new_id);
        }
    }
    let edges = document.get_mut("edges").and_then(Value::as_array_mut);
    for edge in edges.into_iter().flatten() {
        for end in ["from", "to"] {
            if let Some(Value::String(id)) = edge.get_mut(end)
                && let Some(new_id) = new_ids.get(id)
            {
                id.clone_from(new_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::named;

    #[test]
    fn a_shuffled_model_has_the_same_layers_and_edges() {
        let model = named(&["SqueezeNet1.1"]).unwrap().remove(0);
        let sizes = |model: &ModelProfile| {
            let mut sizes: Vec<(u64, u64)> =
                model.layers.iter().map(|layer| (layer.param_bytes, layer.output_bytes)).collect();
            sizes.sort_unstable();
            (sizes, model.edges.len())
        };
        let ids = |model: &ModelProfile| model.layers.iter().map(|layer| layer.id.clone()).collect::<Vec<String>>();
        let orders = [0, 1, 2].map(|number| shuffled(&model, 7, number).unwrap());
        let text = |model: &ModelProfile| serde_json::to_string(model).unwrap();
        assert_eq!(text(&orders[0]), text(&model));
        assert_eq!(text(&orders[1]), text(&shuffled(&model, 7, 1).unwrap()));
        for order in &orders[1..] {
            assert_eq!(sizes(order), sizes(&model));
            assert_ne!(ids(order), ids(&model));
        }
        let sorted = |model: &ModelProfile| {
            let mut ids = ids(model);
            ids.sort();
            ids
        };
        assert_eq!(sorted(&orders[1]), sorted(&model));
        assert_ne!(sorted(&orders[2]), sorted(&model));
    }
}

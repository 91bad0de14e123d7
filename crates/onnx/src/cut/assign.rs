//! Which stage runs each operator and makes each tensor.

use std::collections::BTreeMap;

use super::{CutError, Difference, PlannedStage};
use crate::flow::{Flow, Origin};
use crate::profile::{Layer, Layout};

/// The stages of one pipeline.
pub(super) struct Assignment {
    /// How many stages there are.
    pub(super) stages: usize,
    /// For each tensor that is not copied into the stages that need it, the stage that makes it; for
    /// an input, the one that the placement lists it in.
    pub(super) made: Vec<Option<usize>>,
    /// The operators of each stage in the order in which they run, without constant ones.
    pub(super) operators: Vec<Vec<usize>>,
}

/// Returns the stages of operators and tensors.
///
/// # Errors
/// Returns an error if the layers are not those of the model, or the stages no cuts of it.
pub(super) fn assign(
    flow: &Flow,
    layout: &Layout,
    layers: &[Layer],
    planned: &[PlannedStage],
) -> Result<Assignment, CutError> {
    if planned.is_empty() {
        return Err(CutError::NoStages);
    }
    let of_layer = stages_of_layers(layout, layers, planned)?;
    let mut made = vec![None; flow.tensors.len()];
    for (layer, &tensor) in layout.tensor_of.iter().enumerate() {
        if layout.layer_of[tensor] == Some(layer) {
            made[tensor] = of_layer[layer];
        }
    }
    let mut assignment = Assignment { stages: planned.len(), made, operators: vec![Vec::new(); planned.len()] };
    for place in 0..flow.operators.len() {
        if layout.live.operators[place] {
            assignment.operator(flow, place)?;
        }
    }
    Ok(assignment)
}

/// Returns the stage of each layer, `None` for constant ones.
fn stages_of_layers(
    layout: &Layout,
    layers: &[Layer],
    planned: &[PlannedStage],
) -> Result<Vec<Option<usize>>, CutError> {
    let places: BTreeMap<&str, usize> = layers.iter().enumerate().map(|(place, layer)| (&*layer.id, place)).collect();
    let is_constant = |layer: usize| layout.constant[layout.tensor_of[layer]];
    let mut of_layer: Vec<Option<usize>> = vec![None; layers.len()];
    let mut unknown = Vec::new();
    for (stage, planned) in planned.iter().enumerate() {
        for id in &planned.layer_ids {
            match places.get(id.as_str()) {
                None => unknown.push(id.clone()),
                Some(&layer) if is_constant(layer) => {}
                Some(&layer) => {
                    if let Some(first) = of_layer[layer].replace(stage) {
                        return Err(CutError::Twice { layer_id: id.clone(), first, second: stage });
                    }
                }
            }
        }
    }
    let absent = (0..layers.len()).filter(|&layer| of_layer[layer].is_none() && !is_constant(layer));
    let missing: Vec<String> = absent.map(|layer| layers[layer].id.to_string()).collect();
    if unknown.is_empty() && missing.is_empty() {
        Ok(of_layer)
    } else {
        Err(CutError::OtherModel(Difference::Layers { unknown, missing }))
    }
}

impl Assignment {
    fn operator(&mut self, flow: &Flow, place: usize) -> Result<(), CutError> {
        let operator = &flow.operators[place];
        let mut stages = operator.outputs.iter().filter_map(|&output| self.made[output]);
        // An operator without a stage is constant.
        let Some(stage) = stages.next() else { return Ok(()) };
        if let Some(other) = stages.find(|&other| other != stage) {
            return Err(CutError::Split { node: operator.node.clone(), first: stage, second: other });
        }
        for input in operator.reads().filter(|&input| flow.tensors[input].origin != Origin::Input) {
            if let Some(maker) = self.made[input].filter(|&maker| maker > stage) {
                let tensor = flow.tensors[input].name.clone();
                return Err(CutError::Backwards { node: operator.node.clone(), stage, tensor, maker });
            }
        }
        self.operators[stage].push(place);
        Ok(())
    }
}

//! Which tensors travel between stages, and whether the placement says the same.

use std::collections::{BTreeMap, BTreeSet};

use super::assign::Assignment;
use super::{CutError, Difference, PlannedStage, Transfer};
use crate::flow::{Flow, Origin};
use crate::profile::{Layer, Layout};

/// The tensors that travel.
pub(super) struct Crossing {
    /// Those before each stage, in the order in which they travel. A tensor that only a later stage
    /// reads travels through those between.
    pub(super) before: Vec<Vec<usize>>,
}

/// Returns the tensors that travel. A placement may list an input in a later stage; it arrives at the
/// first one all the same.
pub(super) fn crossing(flow: &Flow, layout: &Layout, assignment: &Assignment) -> Crossing {
    let mut until = vec![0; flow.tensors.len()];
    for (stage, operators) in assignment.operators.iter().enumerate() {
        for input in operators.iter().flat_map(|&operator| flow.operators[operator].reads()) {
            until[input] = stage;
        }
    }
    for &output in &flow.outputs {
        until[output] = assignment.stages;
    }
    let mut before = vec![Vec::new(); assignment.stages];
    for (tensor, it) in flow.tensors.iter().enumerate().filter(|&(tensor, _)| layout.live.tensors[tensor]) {
        let Some(made) = assignment.made[tensor] else { continue };
        let first = if it.origin == Origin::Input { 0 } else { made + 1 };
        let travels = before.iter_mut().enumerate().skip(first).take_while(|&(stage, _)| stage <= until[tensor]);
        travels.for_each(|(_, before)| before.push(tensor));
    }
    Crossing { before }
}

/// Checks that the placement lists what travels. Returns a warning for each input that it does not
/// carry to the stage that reads it.
///
/// # Errors
/// Returns an error if the tensors or their bytes differ.
pub(super) fn check(
    flow: &Flow,
    layout: &Layout,
    layers: &[Layer],
    planned: &[PlannedStage],
    crossing: &Crossing,
) -> Result<Vec<String>, CutError> {
    let check = Check {
        layout,
        layers,
        places: layers.iter().enumerate().map(|(place, layer)| (&*layer.id, place)).collect(),
        flow,
    };
    let mut late = BTreeSet::new();
    for boundary in 0..=planned.len() {
        let found: BTreeSet<usize> = match crossing.before.get(boundary) {
            Some(tensors) => tensors.iter().copied().collect(),
            None => flow.outputs.iter().copied().filter(|&output| layout.layer_of[output].is_some()).collect(),
        };
        let sent = boundary.checked_sub(1).and_then(|sender| planned[sender].sent.as_ref());
        let received = planned.get(boundary).and_then(|stage| stage.received.as_ref());
        for transfer in sent.into_iter().chain(received).filter(|transfer| !transfer.layer_ids.is_empty()) {
            late.extend(check.transfer(boundary, transfer, &found)?);
        }
    }
    let warning = |&tensor: &usize| {
        let tensor = &flow.tensors[tensor];
        let bytes = tensor.fact.bytes().unwrap_or(0);
        format!("the input {:?} travels to a later stage, and the plan does not count its {bytes} bytes", tensor.name)
    };
    Ok(late.iter().map(warning).collect())
}

struct Check<'a> {
    flow: &'a Flow<'a>,
    layout: &'a Layout,
    layers: &'a [Layer],
    places: BTreeMap<&'a str, usize>,
}

impl Check<'_> {
    /// Compares a transfer with what must travel. Returns the inputs that it lacks.
    fn transfer(&self, boundary: usize, transfer: &Transfer, found: &BTreeSet<usize>) -> Result<Vec<usize>, CutError> {
        let mut listed = BTreeSet::new();
        let mut bytes = 0;
        let mut absent = Vec::new();
        for id in &transfer.layer_ids {
            match self.places.get(id.as_str()).map(|&layer| (layer, self.layout.tensor_of[layer])) {
                Some((layer, tensor)) if found.contains(&tensor) => {
                    listed.insert(tensor);
                    bytes += self.layers[layer].output_bytes;
                }
                _ => absent.push(id.clone()),
            }
        }
        let (late, unplanned): (Vec<usize>, Vec<usize>) = found
            .difference(&listed)
            .partition(|&&tensor| boundary > 0 && self.flow.tensors[tensor].origin == Origin::Input);
        let unplanned: Vec<String> = unplanned.iter().map(|&tensor| self.flow.tensors[tensor].name.clone()).collect();
        if !absent.is_empty() || !unplanned.is_empty() {
            return Err(CutError::OtherModel(Difference::Tensors { boundary, unplanned, absent }));
        }
        if bytes != transfer.bytes {
            return Err(CutError::OtherModel(Difference::Bytes { boundary, planned: transfer.bytes, found: bytes }));
        }
        Ok(late)
    }
}

//! What the outputs of the model depend on. The rest is left out.

use crate::flow::{Flow, Origin};

/// For each operator and each tensor, whether an output of the model depends on it.
pub(crate) struct Live {
    pub(crate) operators: Vec<bool>,
    pub(crate) tensors: Vec<bool>,
    /// Whether a live operator reads the tensor.
    pub(super) is_read: Vec<bool>,
}

impl Live {
    pub(super) fn new(flow: &Flow) -> Self {
        let mut live = Self {
            operators: vec![false; flow.operators.len()],
            tensors: vec![false; flow.tensors.len()],
            is_read: vec![false; flow.tensors.len()],
        };
        let mut waiting = flow.outputs.clone();
        while let Some(tensor) = waiting.pop() {
            if std::mem::replace(&mut live.tensors[tensor], true) {
                continue;
            }
            if let Origin::Operator(maker) = flow.tensors[tensor].origin
                && !std::mem::replace(&mut live.operators[maker], true)
            {
                for input in flow.operators[maker].reads() {
                    live.is_read[input] = true;
                    waiting.push(input);
                }
            }
        }
        live
    }
}

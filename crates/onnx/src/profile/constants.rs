//! Which tensors are the same in every pass: those that no root leads to.

use super::live::Live;
use crate::flow::{Flow, Origin};

/// Returns, for each tensor, whether it is constant. Roots are the inputs and the operators that
/// read nothing. Without roots nothing is constant.
pub(super) fn constants(flow: &Flow, live: &Live) -> Vec<bool> {
    let mut constant: Vec<bool> =
        flow.tensors.iter().map(|tensor| matches!(tensor.origin, Origin::Constant { .. })).collect();
    // Operators come after what they read.
    for operator in &flow.operators {
        let is_constant = operator.reads().next().is_some() && operator.reads().all(|input| constant[input]);
        for &output in &operator.outputs {
            constant[output] = is_constant;
        }
    }
    let has_root = (0..constant.len()).any(|tensor| live.tensors[tensor] && !constant[tensor]);
    if has_root { constant } else { vec![false; constant.len()] }
}

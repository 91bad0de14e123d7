//! Quantisation.

use super::call::{Call, Gap};
use super::elementwise::variadic;
use super::fact::Fact;
use super::index::broadcast;
use crate::model::ElementType;

pub(super) fn quantize(call: &Call) -> Result<Vec<Fact>, Gap> {
    let declared = call.attributes.integer("output_dtype").and_then(ElementType::new);
    let element = declared.or(call.element(2)).or(Some(ElementType::UINT8));
    Ok(vec![Fact::new(element, call.shape(0)?.to_vec())])
}

pub(super) fn dequantize(call: &Call) -> Result<Vec<Fact>, Gap> {
    let declared = call.attributes.integer("output_dtype").and_then(ElementType::new);
    Ok(vec![Fact::new(declared.or(call.element(1)), call.shape(0)?.to_vec())])
}

/// The outputs: the quantised tensor, its scale, its zero point.
pub(super) fn dynamic(call: &Call) -> Result<Vec<Fact>, Gap> {
    let facts = [
        Fact::new(Some(ElementType::UINT8), call.shape(0)?.to_vec()),
        Fact::new(Some(ElementType::FLOAT), vec![]),
        Fact::new(Some(ElementType::UINT8), vec![]),
    ];
    Ok(facts.into_iter().take(call.outputs).collect())
}

/// Two quantised tensors, each with its scale and zero point.
pub(super) fn binary(call: &Call) -> Result<Vec<Fact>, Gap> {
    if call.inputs.len() < 4 {
        return variadic(call);
    }
    Ok(vec![Fact::new(call.element(0), broadcast(&[call.shape(0)?, call.shape(3)?])?)])
}

//! Spectra and windows of signals.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use crate::model::ElementType;

pub(super) fn fourier(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    let axis = match call.optional(2) {
        Some(_) => first(call, 2)?,
        // Before version 20 the axis is an attribute and counts from the batch.
        None => call.attributes.integer_or("axis", if call.opset < 20 { 1 } else { -2 }),
    };
    let axis = call.axis(axis, to.len())?;
    let length = call.optional(1).map(|_| first(call, 1)).transpose()?.map(dimension).transpose()?;
    let is_half = call.attributes.flag("onesided", false);
    let is_inverse = call.attributes.flag("inverse", false);
    // One side of a spectrum stands for a signal of real numbers.
    to[axis] = match length {
        Some(length) if is_half && !is_inverse => length / 2 + 1,
        Some(length) => length,
        None if is_half && is_inverse => to[axis].saturating_sub(1).saturating_mul(2),
        None if is_half => to[axis] / 2 + 1,
        None => to[axis],
    };
    if let Some(last) = to.last_mut() {
        *last = if is_half && is_inverse { 1 } else { 2 };
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

/// A spectrum for each step along a signal.
pub(super) fn short_time_fourier(call: &Call) -> Result<Vec<Fact>, Gap> {
    let signal = call.shape(0)?;
    let (Some(&batch), Some(&length)) = (signal.first(), signal.get(1)) else {
        return Err(Gap::misfit(format!("a signal of {signal:?}")));
    };
    let step = dimension(first(call, 1)?)?.max(1);
    let frame = match call.optional(3) {
        Some(_) => dimension(first(call, 3)?)?,
        None => *call.shape(2)?.first().ok_or_else(|| Gap::misfit("its window is a scalar"))?,
    };
    let count = length.checked_sub(frame).ok_or_else(|| Gap::misfit("its frame is longer than the signal"))? / step + 1;
    let bins = if call.attributes.flag("onesided", true) { frame / 2 + 1 } else { frame };
    Ok(vec![Fact::new(call.element(0), vec![batch, count, bins, 2])])
}

/// The weights of a window of the length that the input gives.
pub(super) fn window(call: &Call) -> Result<Vec<Fact>, Gap> {
    let element = call.attributes.integer("output_datatype").and_then(ElementType::new);
    Ok(vec![Fact::new(element.or(Some(ElementType::FLOAT)), vec![dimension(first(call, 0)?)?])])
}

pub(super) fn mel_weights(call: &Call) -> Result<Vec<Fact>, Gap> {
    let element = call.attributes.integer("output_datatype").and_then(ElementType::new);
    let (bands, length) = (dimension(first(call, 0)?)?, dimension(first(call, 1)?)?);
    Ok(vec![Fact::new(element.or(Some(ElementType::FLOAT)), vec![length / 2 + 1, bands])])
}

fn first(call: &Call, index: usize) -> Result<i64, Gap> {
    call.integers(index)?.first().copied().ok_or_else(|| Gap::misfit(format!("its input {index} is empty")))
}

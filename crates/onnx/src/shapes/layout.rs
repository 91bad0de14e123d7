//! Operators that move elements: their values are those of their inputs in other places.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::{broadcast, broadcast_places, elements, pick, places, strides};
use crate::limits::MOST_VALUES;
use crate::model::Values;

pub(super) fn transpose(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let order = match call.attributes.integers("perm") {
        Some(order) => order.iter().map(|&axis| call.axis(axis, from.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..from.len()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().ne(0..from.len()) {
        return Err(Gap::misfit(format!("it orders {} dimensions as {order:?}", from.len())));
    }
    let to: Vec<u64> = order.iter().map(|&axis| from[axis]).collect();
    let moved =
        |index: &[usize], strides: &[usize]| order.iter().zip(index).map(|(&axis, at)| strides[axis] * at).sum();
    Ok(vec![moved_values(call, &to, moved)])
}

pub(super) fn expand(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let wanted = call.integers(1)?.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?;
    let to = broadcast(&[from, &wanted])?;
    let input = call.input(0)?;
    let values = input.values.as_deref().and_then(|values| pick(values, &broadcast_places(from, &to)?));
    Ok(vec![Fact::new(input.element, to).with_values(values)])
}

pub(super) fn tile(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let repeats = call.integers(1)?;
    if repeats.len() != from.len() {
        return Err(Gap::misfit(format!("it repeats {} dimensions of {}", repeats.len(), from.len())));
    }
    let size = |(&size, &repeat): (&u64, &i64)| product(size, dimension(repeat)?);
    let to = from.iter().zip(repeats).map(size).collect::<Result<Vec<_>, _>>()?;
    let wrapped = |index: &[usize], strides: &[usize]| {
        index.iter().zip(strides).zip(from).map(|((at, stride), &size)| at % size.max(1) as usize * stride).sum()
    };
    Ok(vec![moved_values(call, &to, wrapped)])
}

pub(super) fn concat(call: &Call) -> Result<Vec<Fact>, Gap> {
    let first = call.shape(0)?;
    let axis = call.axis(call.attributes.integer_or("axis", 1), first.len())?;
    let mut to = first.to_vec();
    for index in 1..call.inputs.len() {
        let shape = call.shape(index)?;
        let fits = shape.len() == to.len() && (0..to.len()).all(|place| place == axis || shape[place] == to[place]);
        if !fits {
            return Err(Gap::misfit(format!("{shape:?} and {to:?} do not join along dimension {axis}")));
        }
        to[axis] = to[axis].checked_add(shape[axis]).ok_or_else(too_large)?;
    }
    let values = joined(call, &to, axis);
    Ok(vec![Fact::new(call.element(0), to).with_values(values)])
}

fn joined(call: &Call, to: &[u64], axis: usize) -> Option<Values> {
    elements(to).filter(|&count| 0 < count && count <= MOST_VALUES)?;
    let mut integers = Vec::new();
    let mut floats = Vec::new();
    let outer = elements(&to[..axis])?;
    for at in 0..outer as usize {
        for input in &call.inputs {
            let input = (*input)?;
            let length = elements(&input.shape.as_deref()?[axis..])? as usize;
            let range = at * length..(at + 1) * length;
            match input.values.as_deref()? {
                Values::Integers(values) => integers.extend_from_slice(values.get(range)?),
                Values::Floats(values) => floats.extend_from_slice(values.get(range)?),
            }
        }
    }
    match (integers.is_empty(), floats.is_empty()) {
        (_, true) => Some(Values::Integers(integers)),
        (true, false) => Some(Values::Floats(floats)),
        (false, false) => None,
    }
}

pub(super) fn split(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let axis = call.axis(call.attributes.integer_or("axis", 0), from.len())?;
    let sizes = match call.integers_of(1, "split")? {
        Some(sizes) => sizes.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?,
        None => equal_parts(from[axis], call.outputs as u64),
    };
    if sizes.len() < call.outputs
        || sizes.iter().try_fold(0_u64, |sum, &size| sum.checked_add(size)) != Some(from[axis])
    {
        return Err(Gap::misfit(format!("it splits {} elements into {sizes:?}", from[axis])));
    }
    let mut begin = 0;
    let part = |size: u64| {
        let mut to = from.to_vec();
        to[axis] = size;
        let shifted = |index: &[usize], strides: &[usize]| {
            let inside: usize = index.iter().zip(strides).map(|(at, stride)| at * stride).sum();
            inside + begin * strides[axis]
        };
        let part = moved_values(call, &to, shifted);
        begin = begin.saturating_add(size as usize);
        part
    };
    Ok(sizes.into_iter().take(call.outputs).map(part).collect())
}

/// Returns the sizes of equal parts, of which the last can be smaller.
fn equal_parts(whole: u64, count: u64) -> Vec<u64> {
    let part = whole.div_ceil(count.max(1));
    (0..count).map(|index| part.min(whole.saturating_sub(part.saturating_mul(index)))).collect()
}

pub(super) fn pad(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let pads = call.integers_of(1, "pads")?.ok_or_else(|| Gap::misfit("it has no pads"))?;
    let axes = match call.optional(3) {
        Some(_) => call.integers(3)?.iter().map(|&axis| call.axis(axis, from.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..from.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(Gap::misfit(format!("it pads {} dimensions by {pads:?}", axes.len())));
    }
    let mut to = from.to_vec();
    for (place, &axis) in axes.iter().enumerate() {
        let ends = pads[place].checked_add(pads[axes.len() + place]);
        let size = ends.and_then(|ends| to[axis].checked_add_signed(ends)).ok_or_else(too_large)?;
        to[axis] = size;
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

/// Moves elements between the depth and the two last dimensions.
pub(super) fn depth_and_space(call: &Call) -> Result<Vec<Fact>, Gap> {
    let &[batch, depth, height, width] = call.shape(0)? else {
        return Err(Gap::misfit("it needs four dimensions"));
    };
    let block = dimension(call.attributes.integer_or("blocksize", 1))?.max(1);
    let area = product(block, block)?;
    let to = if call.operator == "DepthToSpace" {
        vec![batch, depth / area, product(height, block)?, product(width, block)?]
    } else {
        vec![batch, product(depth, area)?, height / block, width / block]
    };
    Ok(vec![Fact::new(call.element(0), to)])
}

/// Returns the fact of a tensor whose elements are those of the first input at the places that
/// `place` makes of an index and of the input's strides.
pub(super) fn moved_values(call: &Call, to: &[u64], mut place: impl FnMut(&[usize], &[usize]) -> usize) -> Fact {
    let values = call.optional(0).and_then(|input| {
        let values = input.values.as_deref()?;
        let strides = strides(input.shape.as_deref()?);
        pick(values, &places(to, |index| place(index, &strides))?)
    });
    Fact::new(call.element(0), to.to_vec()).with_values(values)
}

pub(super) fn product(a: u64, b: u64) -> Result<u64, Gap> {
    a.checked_mul(b).ok_or_else(too_large)
}

pub(super) fn too_large() -> Gap {
    Gap::misfit("its output would be too large")
}

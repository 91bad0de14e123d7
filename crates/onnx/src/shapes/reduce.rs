//! Reductions, searches along a dimension, and sums along one.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use crate::model::{ElementType, Values};

pub(super) fn reduce(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let axes = call.integers_of(1, "axes")?.filter(|axes| !axes.is_empty());
    if axes.is_none() && call.attributes.flag("noop_with_empty_axes", false) {
        return Ok(vec![call.input(0)?.clone()]);
    }
    let axes = match axes {
        Some(axes) => call.axes(axes, from.len())?,
        None => (0..from.len()).collect(),
    };
    let keeps = call.attributes.flag("keepdims", true);
    let kept = |place: usize| if axes.contains(&place) { keeps.then_some(1) } else { Some(from[place]) };
    let to = (0..from.len()).filter_map(kept).collect();
    let values = if axes.len() == from.len() { reduced(call) } else { None };
    Ok(vec![Fact::new(call.element(0), to).with_values(values)])
}

/// Returns the value of a reduction over all elements.
fn reduced(call: &Call) -> Option<Values> {
    let values = call.optional(0)?.integers()?;
    let value = match call.operator {
        "ReduceProd" => values.iter().try_fold(1_i64, |product, &value| product.checked_mul(value)),
        "ReduceSum" => values.iter().try_fold(0_i64, |sum, &value| sum.checked_add(value)),
        "ReduceMax" => values.iter().copied().max(),
        "ReduceMin" => values.iter().copied().min(),
        _ => None,
    };
    value.map(|value| Values::Integers(vec![value]))
}

/// The place of the largest or smallest element.
pub(super) fn place_of_extreme(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    let axis = call.axis(call.attributes.integer_or("axis", 0), to.len())?;
    if call.attributes.flag("keepdims", true) {
        to[axis] = 1;
    } else {
        to.remove(axis);
    }
    Ok(vec![Fact::new(Some(ElementType::INT64), to)])
}

pub(super) fn top(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    let axis = call.axis(call.attributes.integer_or("axis", -1), to.len())?;
    let count = match call.optional(1) {
        Some(_) => call.integers(1)?.first().copied(),
        None => call.attributes.integer("k"),
    };
    to[axis] = dimension(count.ok_or_else(|| Gap::misfit("it has no count"))?)?;
    let values = Fact::new(call.element(0), to.clone());
    Ok([values, Fact::new(Some(ElementType::INT64), to)].into_iter().take(call.outputs).collect())
}

//! Operators that take or put elements at places.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::{elements, pick};
use super::layout::too_large;
use crate::limits::MOST_VALUES;
use crate::model::Values;

pub(super) fn gather(call: &Call) -> Result<Vec<Fact>, Gap> {
    let data = call.shape(0)?;
    let indices = call.shape(1)?;
    let axis = call.axis(call.attributes.integer_or("axis", 0), data.len())?;
    let to = [&data[..axis], indices, &data[axis + 1..]].concat();
    let values = gathered(call, &to, axis);
    Ok(vec![Fact::new(call.element(0), to).with_values(values)])
}

fn gathered(call: &Call, to: &[u64], axis: usize) -> Option<Values> {
    elements(to).filter(|&count| 0 < count && count <= MOST_VALUES)?;
    let data = call.optional(0)?;
    let indices = call.optional(1)?.integers()?;
    let shape = data.shape.as_deref()?;
    let inner = elements(&shape[axis + 1..])? as usize;
    let size = i64::try_from(shape[axis]).ok()?;
    let mut places = Vec::new();
    for outer in 0..elements(&shape[..axis])? as usize {
        for &index in indices {
            let index = usize::try_from(if index < 0 { index + size } else { index }).ok()?;
            let begin = (outer * shape[axis] as usize).checked_add(index)?.checked_mul(inner)?;
            places.extend(begin..begin.checked_add(inner)?);
        }
    }
    pick(data.values.as_deref()?, &places)
}

/// The output has the shape of the indices and the type of the data.
pub(super) fn gather_elements(call: &Call) -> Result<Vec<Fact>, Gap> {
    Ok(vec![Fact::new(call.element(0), call.shape(1)?.to_vec())])
}

pub(super) fn gather_nd(call: &Call) -> Result<Vec<Fact>, Gap> {
    let data = call.shape(0)?;
    let indices = call.shape(1)?;
    let batch = dimension(call.attributes.integer_or("batch_dims", 0))?;
    let (&depth, outer) = indices.split_last().ok_or_else(|| Gap::misfit("its indices are a scalar"))?;
    let rest = batch.checked_add(depth).and_then(|skipped| data.get(usize::try_from(skipped).ok()?..));
    let rest = rest.ok_or_else(|| Gap::misfit(format!("its indices have {depth} parts, its data is {data:?}")))?;
    Ok(vec![Fact::new(call.element(0), [outer, rest].concat())])
}

pub(super) fn one_hot(call: &Call) -> Result<Vec<Fact>, Gap> {
    let indices = call.shape(0)?;
    let depth = match call.input(1)?.values.as_deref() {
        Some(Values::Integers(values)) => values.first().copied(),
        Some(Values::Floats(values)) => values.first().map(|&value| value as i64),
        None => None,
    };
    let depth = dimension(depth.ok_or_else(|| Gap::unknown("its depth depends on data"))?)?;
    let axis = call.attributes.integer_or("axis", -1);
    let place = call.axis(axis, indices.len() + 1)?;
    let mut to = indices.to_vec();
    to.insert(place, depth);
    elements(&to).ok_or_else(too_large)?;
    Ok(vec![Fact::new(call.element(2), to)])
}

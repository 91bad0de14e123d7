//! Operators that make tensors from attributes and shapes.

use std::sync::Arc;

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::elements;
use super::layout::too_large;
use crate::limits::MOST_VALUES;
use crate::model::{AttributeValue, ElementType, Tensor, Values};

pub(super) fn constant(call: &Call) -> Result<Vec<Fact>, Gap> {
    let count = |length: usize| vec![length as u64];
    let text = Some(ElementType::STRING);
    for name in [
        "value",
        "value_int",
        "value_ints",
        "value_float",
        "value_floats",
        "value_string",
        "value_strings",
        "sparse_value",
    ] {
        let Some(value) = call.attributes.get(name) else { continue };
        return Ok(vec![match value {
            AttributeValue::Tensor(tensor) => of_tensor(tensor),
            AttributeValue::Sparse(sparse) => Fact::new(Some(sparse.values.element), sparse.shape.clone()),
            AttributeValue::Integer(value) => integers(vec![], vec![*value]),
            AttributeValue::Integers(values) => integers(count(values.len()), values.clone()),
            AttributeValue::Float(value) => floats(vec![], &[*value]),
            AttributeValue::Floats(values) => floats(count(values.len()), values),
            AttributeValue::Text(_) => Fact::new(text, vec![]),
            AttributeValue::Texts(values) => Fact::new(text, count(values.len())),
            _ => continue,
        }]);
    }
    Err(Gap::misfit("it has no value"))
}

/// Returns what is known of a tensor of the file.
pub(crate) fn of_tensor(tensor: &Tensor) -> Fact {
    let mut fact = Fact::new(Some(tensor.element), tensor.shape.clone());
    fact.values = tensor.values.clone().map(Arc::new);
    fact
}

fn integers(shape: Vec<u64>, values: Vec<i64>) -> Fact {
    Fact::new(Some(ElementType::INT64), shape).with_values(Some(Values::Integers(values)))
}

fn floats(shape: Vec<u64>, values: &[f32]) -> Fact {
    let values = Values::Floats(values.iter().map(|&value| value.into()).collect());
    Fact::new(Some(ElementType::FLOAT), shape).with_values(Some(values))
}

pub(super) fn constant_of_shape(call: &Call) -> Result<Vec<Fact>, Gap> {
    let to = call.integers(0)?.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?;
    let value = call.attributes.tensor("value");
    let element = value.map_or(ElementType::FLOAT, |value| value.element);
    let zero = if element.is_integer() { Values::Integers(vec![0]) } else { Values::Floats(vec![0.0]) };
    let value = value.map_or(Some(zero), |value| value.values.clone());
    let count = elements(&to).ok_or_else(too_large)?;
    let values = value.filter(|_| count <= MOST_VALUES).and_then(|value| match value {
        Values::Integers(values) => values.first().map(|&value| Values::Integers(vec![value; count as usize])),
        Values::Floats(values) => values.first().map(|&value| Values::Floats(vec![value; count as usize])),
    });
    Ok(vec![Fact::new(Some(element), to).with_values(values)])
}

pub(super) fn shape_of(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = call.shape(0)?;
    let rank = shape.len() as i64;
    let place = |place: i64| if place < 0 { place.saturating_add(rank) } else { place }.clamp(0, rank) as usize;
    let start = place(call.attributes.integer_or("start", 0));
    let end = place(call.attributes.integer_or("end", rank)).max(start);
    // A dimension is below 2⁵³ where it counts.
    let values: Vec<i64> = shape[start..end].iter().map(|&size| size.cast_signed()).collect();
    Ok(vec![integers(vec![values.len() as u64], values)])
}

pub(super) fn size_of(call: &Call) -> Result<Vec<Fact>, Gap> {
    let count = elements(call.shape(0)?).ok_or_else(too_large)?;
    Ok(vec![integers(vec![], vec![count.cast_signed()])])
}

pub(super) fn range(call: &Call) -> Result<Vec<Fact>, Gap> {
    let element = call.element(0);
    let unknown = || Gap::unknown("its start, limit or step depends on data");
    let single = |index: usize| call.input(index).map(|fact| fact.values.as_deref());
    let [start, limit, step] = [single(0)?, single(1)?, single(2)?].map(|values| values.ok_or_else(unknown));
    let (count, values) = match (start?, limit?, step?) {
        (Values::Integers(start), Values::Integers(limit), Values::Integers(step)) => {
            integer_range(scalar(start)?, scalar(limit)?, scalar(step)?)?
        }
        (Values::Floats(start), Values::Floats(limit), Values::Floats(step)) => {
            float_range(scalar(start)?, scalar(limit)?, scalar(step)?)
        }
        _ => return Err(Gap::misfit("its inputs have different types")),
    };
    Ok(vec![Fact::new(element, vec![count]).with_values(values)])
}

fn scalar<T: Copy>(values: &[T]) -> Result<T, Gap> {
    values.first().copied().ok_or_else(|| Gap::misfit("a scalar is empty"))
}

fn integer_range(start: i64, limit: i64, step: i64) -> Result<(u64, Option<Values>), Gap> {
    let span = i128::from(limit) - i128::from(start);
    if step == 0 {
        return Err(Gap::misfit("its step is 0"));
    }
    let step = i128::from(step);
    let count = if (span > 0) == (step > 0) { span.unsigned_abs().div_ceil(step.unsigned_abs()) } else { 0 };
    let count = u64::try_from(count).map_err(|_| too_large())?;
    let value = |place: u64| (i128::from(start) + i128::from(place) * step) as i64;
    Ok((count, (count <= MOST_VALUES).then(|| Values::Integers((0..count).map(value).collect()))))
}

fn float_range(start: f64, limit: f64, step: f64) -> (u64, Option<Values>) {
    // A conversion of what is not a number is 0, of what is too large the largest number.
    let count = ((limit - start) / step).ceil().max(0.0) as u64;
    let values = (count <= MOST_VALUES).then(|| (0..count).map(|place| start + place as f64 * step).collect());
    (count, values.map(Values::Floats))
}

/// A tensor of the shape of an attribute or of an input.
pub(super) fn random(call: &Call) -> Result<Vec<Fact>, Gap> {
    let declared = call.attributes.integer("dtype").and_then(ElementType::new);
    let (default, to) = if call.operator.ends_with("Like") || call.operator == "Bernoulli" {
        (call.element(0), call.shape(0)?.to_vec())
    } else {
        let shape = call.attributes.integers("shape").ok_or_else(|| Gap::misfit("it has no shape"))?;
        (Some(ElementType::FLOAT), shape.iter().map(|&size| dimension(size)).collect::<Result<_, _>>()?)
    };
    Ok(vec![Fact::new(declared.or(default), to)])
}

pub(super) fn multinomial(call: &Call) -> Result<Vec<Fact>, Gap> {
    let declared = call.attributes.integer("dtype").and_then(ElementType::new);
    let batch = *call.shape(0)?.first().ok_or_else(|| Gap::misfit("it needs two dimensions"))?;
    let samples = dimension(call.attributes.integer_or("sample_size", 1))?;
    Ok(vec![Fact::new(declared.or(Some(ElementType::INT32)), vec![batch, samples])])
}

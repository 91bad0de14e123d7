//! Operators whose outputs are as long as the data decides. The longest possible outputs are taken,
//! and marked as guessed.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::elements;
use super::layout::{product, too_large};
use crate::model::ElementType;

pub(super) fn non_zero(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = call.shape(0)?;
    let count = elements(shape).ok_or_else(too_large)?;
    Ok(vec![Fact::new(Some(ElementType::INT64), vec![shape.len() as u64, count]).guessed()])
}

pub(super) fn non_max_suppression(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (boxes, scores) = (call.shape(0)?, call.shape(1)?);
    let (&[_, count, _], &[batch, classes, _]) = (boxes, scores) else {
        return Err(Gap::misfit(format!("boxes of {boxes:?} and scores of {scores:?}")));
    };
    let most = match call.optional(2).filter(|most| most.elements() != Some(0)) {
        None => 0,
        Some(most) => dimension(most.integers().and_then(|values| values.first().copied()).unwrap_or(i64::MAX))?,
    };
    let selected = product(product(batch, classes)?, most.min(count))?;
    Ok(vec![Fact::new(Some(ElementType::INT64), vec![selected, 3]).guessed()])
}

pub(super) fn compress(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = call.shape(0)?;
    let chosen = call.input(1)?;
    let counted = chosen.integers().map(|values| values.iter().filter(|&&value| value != 0).count() as u64);
    let whole = match call.attributes.integer("axis") {
        Some(axis) => Some(call.axis(axis, shape.len())?),
        None => None,
    };
    let longest = match whole {
        Some(axis) => shape[axis],
        None => elements(shape).ok_or_else(too_large)?,
    };
    let count = counted.or_else(|| chosen.elements().map(|count| count.min(longest))).unwrap_or(longest);
    let mut to = shape.to_vec();
    match whole {
        Some(axis) => to[axis] = count,
        None => to = vec![count],
    }
    let fact = Fact::new(call.element(0), to);
    Ok(vec![if counted.is_some() { fact } else { fact.guessed() }])
}

/// The outputs: the elements, where each comes first, which element each is, and how often it comes.
pub(super) fn unique(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = call.shape(0)?;
    let count = elements(shape).ok_or_else(too_large)?;
    let (values, length) = match call.attributes.integer("axis") {
        Some(axis) => (shape.to_vec(), shape[call.axis(axis, shape.len())?]),
        None => (vec![count], count),
    };
    let places = Fact::new(Some(ElementType::INT64), vec![length]).guessed();
    let facts = [Fact::new(call.element(0), values).guessed(), places.clone(), places.clone(), places];
    Ok(facts.into_iter().take(call.outputs).collect())
}

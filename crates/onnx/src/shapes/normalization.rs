//! Normalisations, and other operators with further outputs beside one like their input.

use super::call::{Call, Gap};
use super::fact::Fact;
use crate::model::ElementType;

/// The first output is like the input; in training, the others are like the running statistics.
pub(super) fn batch(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut facts = vec![Fact::new(call.element(0), call.shape(0)?.to_vec())];
    for output in 1..call.outputs {
        // Older versions have four statistics, of which two are the saved ones.
        let statistic = if output % 2 == 1 { 3 } else { 4 };
        facts.push(Fact::new(call.element(statistic), call.shape(statistic)?.to_vec()));
    }
    Ok(facts)
}

/// The further outputs are statistics of what is normalised.
pub(super) fn layer(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = call.shape(0)?;
    let axis = call.axis(call.attributes.integer_or("axis", -1), shape.len())?;
    let statistic: Vec<u64> =
        shape.iter().enumerate().map(|(place, &size)| if place < axis { size } else { 1 }).collect();
    let precision = call.attributes.integer("stash_type").and_then(ElementType::new).or(Some(ElementType::FLOAT));
    let mut facts = vec![Fact::new(call.element(0), shape.to_vec())];
    facts.extend((1..call.outputs).map(|_| Fact::new(precision, statistic.clone())));
    Ok(facts)
}

/// A sum of inputs is normalised. The last output is the sum.
pub(super) fn skipping_layer(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shape = call.shape(0)?;
    let statistic: Vec<u64> =
        shape.iter().enumerate().map(|(place, &size)| if place + 1 < shape.len() { size } else { 1 }).collect();
    let output = |place: usize| match place {
        1 | 2 => Fact::new(Some(ElementType::FLOAT), statistic.clone()),
        _ => Fact::new(call.element(0), shape.to_vec()),
    };
    Ok((0..call.outputs).map(output).collect())
}

/// The second output says which elements were kept.
pub(super) fn dropout(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mask = Fact::new(Some(ElementType::BOOL), call.shape(0)?.to_vec());
    let mut output = Fact::new(call.element(0), call.shape(0)?.to_vec());
    output.values = call.input(0)?.values.clone();
    Ok([output, mask].into_iter().take(call.outputs).collect())
}

/// All outputs are scalars or like what the loss is computed of.
pub(super) fn loss(call: &Call) -> Result<Vec<Fact>, Gap> {
    let scores = call.shape(0)?;
    let is_whole = call.attributes.text("reduction").unwrap_or("mean") != "none";
    let loss = if is_whole { vec![] } else { call.shape(1)?.to_vec() };
    let probabilities = Fact::new(call.element(0), scores.to_vec());
    Ok([Fact::new(call.element(0), loss), probabilities].into_iter().take(call.outputs).collect())
}

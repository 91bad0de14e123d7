//! Recurrent layers.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::layout::product;

/// Sizes of a recurrent layer.
pub(crate) struct Recurrence {
    pub(crate) steps: u64,
    pub(crate) batch: u64,
    pub(crate) features: u64,
    pub(crate) hidden: u64,
    pub(crate) directions: u64,
}

/// Returns the sizes of a recurrent layer.
pub(crate) fn sizes(call: &Call) -> Result<Recurrence, Gap> {
    let &[first, second, features] = call.shape(0)? else {
        return Err(Gap::misfit(format!("a sequence of {:?}", call.shape(0)?)));
    };
    let (steps, batch) = if batch_first(call) { (second, first) } else { (first, second) };
    let declared = call.attributes.integer("hidden_size").map(dimension).transpose()?;
    // Quantised weights stand the other way round, but have the attribute.
    let hidden = match declared {
        Some(hidden) => hidden,
        None => *call.shape(2)?.last().ok_or_else(|| Gap::misfit("its recurrent weights are a scalar"))?,
    };
    let directions = if call.attributes.text("direction") == Some("bidirectional") { 2 } else { 1 };
    Ok(Recurrence { steps, batch, features, hidden, directions })
}

fn batch_first(call: &Call) -> bool {
    call.attributes.integer_or("layout", 0) == 1
}

/// The outputs: all states, the last state, and for LSTM the last cell.
pub(super) fn recurrent(call: &Call) -> Result<Vec<Fact>, Gap> {
    let Recurrence { steps, batch, hidden, directions, .. } = sizes(call)?;
    product(hidden, directions)?;
    let (all, last) = if batch_first(call) {
        (vec![batch, steps, directions, hidden], vec![batch, directions, hidden])
    } else {
        (vec![steps, directions, batch, hidden], vec![directions, batch, hidden])
    };
    let element = call.element(0);
    let facts = [Fact::new(element, all), Fact::new(element, last.clone()), Fact::new(element, last)];
    Ok(facts.into_iter().take(call.outputs).collect())
}

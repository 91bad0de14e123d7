//! Operators that give the same elements other dimensions.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::elements;
use super::layout::too_large;
use crate::limits::MOST_RANK;

pub(super) fn reshape(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let wanted = call.integers_of(1, "shape")?.ok_or_else(|| Gap::misfit("it has no shape"))?;
    let keeps_zero = call.attributes.flag("allowzero", false);
    let mut to = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (place, &size) in wanted.iter().enumerate() {
        to.push(match size {
            -1 => {
                open = Some(place);
                1
            }
            0 if !keeps_zero => *from.get(place).ok_or_else(|| misfit(from, wanted))?,
            size => dimension(size)?,
        });
    }
    let count = elements(from).ok_or_else(too_large)?;
    let known = elements(&to).ok_or_else(too_large)?;
    if let Some(place) = open {
        if known == 0 || count % known != 0 {
            return Err(misfit(from, wanted));
        }
        to[place] = count / known;
    } else if known != count {
        return Err(misfit(from, wanted));
    }
    Ok(vec![same_elements(call, to)])
}

fn misfit(from: &[u64], wanted: &[i64]) -> Gap {
    Gap::misfit(format!("a tensor of {from:?} cannot become {wanted:?}"))
}

pub(super) fn flatten(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let axis = call.attributes.integer_or("axis", 1);
    // The end is a place too.
    let place = if axis == from.len() as i64 { from.len() } else { call.axis(axis, from.len())? };
    let halves = elements(&from[..place]).zip(elements(&from[place..])).ok_or_else(too_large)?;
    Ok(vec![same_elements(call, vec![halves.0, halves.1])])
}

pub(super) fn squeeze(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let to = match call.integers_of(1, "axes")? {
        None => from.iter().copied().filter(|&size| size != 1).collect(),
        Some(axes) => {
            let axes = call.axes(axes, from.len())?;
            if let Some(&axis) = axes.iter().find(|&&axis| from[axis] != 1) {
                return Err(Gap::misfit(format!("dimension {axis} of {from:?} is not 1")));
            }
            (0..from.len()).filter(|place| !axes.contains(place)).map(|place| from[place]).collect()
        }
    };
    Ok(vec![same_elements(call, to)])
}

pub(super) fn unsqueeze(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let axes = call.integers_of(1, "axes")?.ok_or_else(|| Gap::misfit("it has no axes"))?;
    let rank = from.len() + axes.len();
    if rank > MOST_RANK {
        return Err(Gap::misfit(format!("its output would have {rank} dimensions")));
    }
    let axes = call.axes(axes, rank)?;
    let mut left = from.iter();
    let to: Vec<u64> =
        (0..rank).filter_map(|place| if axes.contains(&place) { Some(1) } else { left.next().copied() }).collect();
    Ok(vec![same_elements(call, to)])
}

/// Returns the fact of a tensor with the elements of the first input.
fn same_elements(call: &Call, to: Vec<u64>) -> Fact {
    let mut fact = Fact::new(call.element(0), to);
    fact.values = call.optional(0).and_then(|input| input.values.clone());
    fact
}

//! Row-major indices, broadcasting, and choosing values by index.

use super::call::Gap;
use crate::limits::{MOST_BYTES, MOST_VALUES};
use crate::model::Values;

/// Returns the product of dimensions, or `None` if it is too large for a profile.
pub(crate) fn elements(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    let product = shape.iter().try_fold(1_u64, |product, &dimension| product.checked_mul(dimension))?;
    (product <= MOST_BYTES).then_some(product)
}

/// Returns the shape to which several shapes are broadcast.
pub(crate) fn broadcast(shapes: &[&[u64]]) -> Result<Vec<u64>, Gap> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut result = vec![1; rank];
    for shape in shapes {
        for (into, &dimension) in result.iter_mut().rev().zip(shape.iter().rev()) {
            match (*into, dimension) {
                (1, _) => *into = dimension,
                (_, 1) => {}
                (a, b) if a == b => {}
                _ => return Err(Gap::misfit(format!("the shapes {shapes:?} do not broadcast"))),
            }
        }
    }
    Ok(result)
}

/// Returns, for each element of a shape in row-major order, what `place` makes of its index.
/// Returns `None` if there are too many elements for values to be kept.
pub(crate) fn places(shape: &[u64], mut place: impl FnMut(&[usize]) -> usize) -> Option<Vec<usize>> {
    let count = elements(shape).filter(|&count| count <= MOST_VALUES)?;
    let mut index = vec![0; shape.len()];
    let mut places = Vec::with_capacity(count as usize);
    for _ in 0..count {
        places.push(place(&index));
        for (at, &dimension) in index.iter_mut().zip(shape).rev() {
            *at += 1;
            if (*at as u64) < dimension {
                break;
            }
            *at = 0;
        }
    }
    Some(places)
}

/// Returns how far apart neighbours of each dimension are, for a shape of few elements. Without
/// elements, nothing is apart.
pub(crate) fn strides(shape: &[u64]) -> Vec<usize> {
    if shape.contains(&0) {
        return vec![0; shape.len()];
    }
    let mut strides = vec![1; shape.len()];
    for place in (1..shape.len()).rev() {
        strides[place - 1] = strides[place] * shape[place] as usize;
    }
    strides
}

/// Returns, for each element of a shape, the place of the element that it takes of a tensor which
/// is broadcast to the shape.
pub(crate) fn broadcast_places(from: &[u64], to: &[u64]) -> Option<Vec<usize>> {
    let strides = strides(from);
    let skipped = to.len() - from.len();
    places(to, |index| {
        let of_dimension = |(place, &stride): (usize, &usize)| {
            if from[place] == 1 { 0 } else { index[skipped + place] * stride }
        };
        strides.iter().enumerate().map(of_dimension).sum()
    })
}

/// Returns the values at places, or `None` if a place is outside.
pub(crate) fn pick(values: &Values, places: &[usize]) -> Option<Values> {
    fn each<T: Copy>(values: &[T], places: &[usize]) -> Option<Vec<T>> {
        places.iter().map(|&place| values.get(place).copied()).collect()
    }
    match values {
        Values::Integers(values) => each(values, places).map(Values::Integers),
        Values::Floats(values) => each(values, places).map(Values::Floats),
    }
}

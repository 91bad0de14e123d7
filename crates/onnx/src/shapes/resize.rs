//! Images that are resampled.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use crate::model::AttributeValue;

/// Sizes come from an input, or from scales in an input or attribute.
pub(super) fn resize(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let axes = match call.attributes.integers("axes") {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, from.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..from.len()).collect(),
    };
    let has_sizes = call.optional(3).is_some_and(|sizes| sizes.elements() != Some(0));
    let to = if has_sizes { by_sizes(call, from, &axes)? } else { by_scales(call, from, &axes)? };
    Ok(vec![Fact::new(call.element(0), to)])
}

fn by_sizes(call: &Call, from: &[u64], axes: &[usize]) -> Result<Vec<u64>, Gap> {
    let sizes = call.integers(3)?;
    if sizes.len() != axes.len() {
        return Err(Gap::misfit(format!("{} sizes for {} dimensions", sizes.len(), axes.len())));
    }
    let policy = call.attributes.text("keep_aspect_ratio_policy").unwrap_or("stretch");
    let ratios = axes.iter().zip(sizes).map(|(&axis, &size)| size as f64 / from[axis] as f64);
    let scale = match policy {
        "not_larger" => Some(ratios.fold(f64::INFINITY, f64::min)),
        "not_smaller" => Some(ratios.fold(0.0, f64::max)),
        _ => None,
    };
    let mut to = from.to_vec();
    for (&axis, &size) in axes.iter().zip(sizes) {
        to[axis] = match scale {
            Some(scale) => (scale * from[axis] as f64).round() as u64,
            None => dimension(size)?,
        };
    }
    Ok(to)
}

fn by_scales(call: &Call, from: &[u64], axes: &[usize]) -> Result<Vec<u64>, Gap> {
    // Before version 11 the scales are the second input, before 9 an attribute.
    let place = if call.inputs.len() > 2 { 2 } else { 1 };
    let attribute = || match call.attributes.get("scales") {
        Some(AttributeValue::Floats(scales)) => Some(scales.iter().map(|&scale| scale.into()).collect::<Vec<f64>>()),
        Some(AttributeValue::Integers(scales)) => Some(scales.iter().map(|&scale| scale as f64).collect()),
        _ => None,
    };
    let scales = match call.optional(place) {
        Some(input) => input.floats().map(<[f64]>::to_vec),
        None => attribute(),
    };
    let scales = scales.ok_or_else(|| Gap::unknown("its scales depend on data"))?;
    if scales.len() != axes.len() {
        return Err(Gap::misfit(format!("{} scales for {} dimensions", scales.len(), axes.len())));
    }
    let mut to = from.to_vec();
    for (&axis, &scale) in axes.iter().zip(&scales) {
        // Runtimes multiply 32-bit numbers.
        to[axis] = (from[axis] as f32 * scale as f32).floor().max(0.0) as u64;
    }
    Ok(to)
}

/// A grid says where each element of the output is taken.
pub(super) fn grid_sample(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (data, grid) = (call.shape(0)?, call.shape(1)?);
    if data.len() < 3 || grid.len() != data.len() {
        return Err(Gap::misfit(format!("data of {data:?} and a grid of {grid:?}")));
    }
    Ok(vec![Fact::new(call.element(0), [&data[..2], &grid[1..grid.len() - 1]].concat())])
}

pub(super) fn affine_grid(call: &Call) -> Result<Vec<Fact>, Gap> {
    let size = call.integers(1)?.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?;
    if size.len() < 3 {
        return Err(Gap::misfit(format!("a size of {size:?}")));
    }
    let to = [&size[..1], &size[2..], &[size.len() as u64 - 2]].concat();
    Ok(vec![Fact::new(call.element(0), to)])
}

/// Regions of an image, each resampled to one size.
pub(super) fn regions(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (data, regions) = (call.shape(0)?, call.shape(1)?);
    let (Some(&channels), Some(&count)) = (data.get(1), regions.first()) else {
        return Err(Gap::misfit(format!("data of {data:?} and regions of {regions:?}")));
    };
    let pooled = call.attributes.integers("pooled_shape").and_then(|shape| <[i64; 2]>::try_from(shape).ok());
    let [height, width] = pooled
        .unwrap_or([call.attributes.integer_or("output_height", 1), call.attributes.integer_or("output_width", 1)]);
    Ok(vec![Fact::new(call.element(0), vec![count, channels, dimension(height)?, dimension(width)?])])
}

//! Slices.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::layout::moved_values;

/// The elements of one dimension that a slice takes.
#[derive(Debug, Clone, Copy)]
struct Range {
    begin: i64,
    step: i64,
    count: u64,
}

pub(super) fn slice(call: &Call) -> Result<Vec<Fact>, Gap> {
    let from = call.shape(0)?;
    let absent = || Gap::misfit("it has no starts or ends");
    let starts = call.integers_of(1, "starts")?.ok_or_else(absent)?;
    let ends = call.integers_of(2, "ends")?.ok_or_else(absent)?;
    let axes: Vec<usize> = match call.integers_of(3, "axes")? {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, from.len())).collect::<Result<_, _>>()?,
        None => (0..starts.len().min(from.len())).collect(),
    };
    let steps = call.optional(4).map(|_| call.integers(4)).transpose()?;
    if starts.len() != ends.len() || axes.len() != starts.len() || steps.is_some_and(|steps| steps.len() != axes.len())
    {
        return Err(Gap::misfit("its starts, ends, axes and steps differ in number"));
    }
    let mut ranges: Vec<Range> = from.iter().map(|&count| Range { begin: 0, step: 1, count }).collect();
    for (index, &axis) in axes.iter().enumerate() {
        let step = steps.map_or(1, |steps| steps[index]);
        ranges[axis] = range(from[axis], starts[index], ends[index], step)?;
    }
    let to: Vec<u64> = ranges.iter().map(|range| range.count).collect();
    let taken = |index: &[usize], strides: &[usize]| {
        let of_dimension = |((&at, &stride), range): ((&usize, &usize), &Range)| {
            (range.begin + at as i64 * range.step).unsigned_abs() as usize * stride
        };
        index.iter().zip(strides).zip(&ranges).map(of_dimension).sum()
    };
    Ok(vec![moved_values(call, &to, taken)])
}

/// Returns the elements from `start` to before `end`. Negative places count from the end, and
/// places outside are moved to the border.
fn range(size: u64, start: i64, end: i64, step: i64) -> Result<Range, Gap> {
    let size = i64::try_from(size).map_err(|_| Gap::misfit("a dimension is too large"))?;
    if size == 0 {
        return Ok(Range { begin: 0, step: 1, count: 0 });
    }
    let from_begin = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
    let (lowest_end, highest) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let begin = from_begin(start).clamp(0, highest);
    let end = from_begin(end).clamp(lowest_end, highest);
    let count = match step {
        0 => return Err(Gap::misfit("its step is 0")),
        1.. => (end - begin).max(0).unsigned_abs().div_ceil(step.unsigned_abs()),
        _ => (begin - end).max(0).unsigned_abs().div_ceil(step.unsigned_abs()),
    };
    // A single element has no second one, so its step does not matter and cannot overflow.
    Ok(Range { begin, step: if count > 1 { step } else { 1 }, count })
}

/// Dimensions become those that an input says, by cutting or padding on both sides.
pub(super) fn center_crop_pad(call: &Call) -> Result<Vec<Fact>, Gap> {
    let mut to = call.shape(0)?.to_vec();
    let sizes = call.integers(1)?;
    let axes = match call.attributes.integers("axes") {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, to.len())).collect::<Result<_, _>>()?,
        None => (0..to.len()).collect::<Vec<_>>(),
    };
    if axes.len() != sizes.len() {
        return Err(Gap::misfit(format!("{} sizes for {} dimensions", sizes.len(), axes.len())));
    }
    for (&axis, &size) in axes.iter().zip(sizes) {
        to[axis] = dimension(size)?;
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

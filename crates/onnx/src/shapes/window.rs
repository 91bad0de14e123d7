//! Convolutions and pools.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::elements;
use super::layout::{product, too_large};
use crate::model::ElementType;

/// The window of a convolution or pool along one dimension.
struct Window {
    kernel: u64,
    stride: u64,
    dilation: u64,
    /// Padding before and after; negative padding cuts.
    pads: (i64, i64),
}

/// Returns the place of the weights among the inputs of a convolution.
pub(crate) fn weights_of(call: &Call) -> usize {
    if call.operator == "QLinearConv" { 3 } else { 1 }
}

fn convolution_element(call: &Call) -> Option<ElementType> {
    match call.operator {
        "ConvInteger" => Some(ElementType::INT32),
        "QLinearConv" => call.element(7),
        _ => call.element(0),
    }
}

pub(super) fn convolution(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (data, weights) = (call.shape(0)?, call.shape(weights_of(call))?);
    if data.len() < 3 || weights.len() != data.len() {
        return Err(Gap::misfit(format!("data of {data:?} and weights of {weights:?}")));
    }
    let groups = dimension(call.attributes.integer_or("group", 1))?;
    // Blocks of channels may be filled up on one side alone.
    if call.domain != "com.microsoft.nchwc" && product(weights[1], groups)? != data[1] {
        return Err(Gap::misfit(format!("{} channels and weights for {}", data[1], product(weights[1], groups)?)));
    }
    let mut to = vec![data[0], weights[0]];
    for (index, window) in windows(call, &weights[2..], &data[2..])?.iter().enumerate() {
        to.push(window.count(data[2 + index], false)?);
    }
    Ok(vec![Fact::new(convolution_element(call), to)])
}

pub(super) fn transposed_convolution(call: &Call) -> Result<Vec<Fact>, Gap> {
    let (data, weights) = (call.shape(0)?, call.shape(1)?);
    if data.len() < 3 || weights.len() != data.len() {
        return Err(Gap::misfit(format!("data of {data:?} and weights of {weights:?}")));
    }
    let groups = dimension(call.attributes.integer_or("group", 1))?;
    let rank = data.len() - 2;
    let mut to = vec![data[0], product(weights[1], groups)?];
    if let Some(shape) = call.attributes.integers("output_shape") {
        let spatial = shape.len().checked_sub(rank).map(|skipped| &shape[skipped..]);
        let spatial = spatial.ok_or_else(|| Gap::misfit("its output shape has too few dimensions"))?;
        to.extend(spatial.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?);
        return Ok(vec![Fact::new(call.element(0), to)]);
    }
    let extra = list(call, "output_padding", rank, 0)?;
    let is_same = call.attributes.text("auto_pad").is_some_and(|pad| pad.starts_with("SAME"));
    for (index, window) in windows(call, &weights[2..], &data[2..])?.iter().enumerate() {
        let size = data[2 + index];
        to.push(if is_same {
            product(size, window.stride)?
        } else {
            let grown = product(size.saturating_sub(1), window.stride)?.checked_add(window.extent()?);
            let grown = grown.and_then(|grown| grown.checked_add(extra[index].unsigned_abs())).ok_or_else(too_large)?;
            let pads = window.pads.0.checked_add(window.pads.1).ok_or_else(too_large)?;
            grown.checked_sub_signed(pads).ok_or_else(too_large)?
        });
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

pub(super) fn pool(call: &Call) -> Result<Vec<Fact>, Gap> {
    let data = call.shape(0)?;
    if data.len() < 3 {
        return Err(Gap::misfit(format!("data of {data:?}")));
    }
    let kernel = kernel(call)?;
    if kernel.len() != data.len() - 2 {
        return Err(Gap::misfit(format!("a kernel of {kernel:?} for data of {data:?}")));
    }
    let rounds_up = call.attributes.flag("ceil_mode", false);
    let mut to = data[..2].to_vec();
    for (index, window) in windows(call, &kernel, &data[2..])?.iter().enumerate() {
        to.push(window.count(data[2 + index], rounds_up)?);
    }
    let indices = Fact::new(Some(ElementType::INT64), to.clone());
    Ok([Fact::new(call.element(0), to), indices].into_iter().take(call.outputs).collect())
}

/// Returns the kernel of a pool.
pub(crate) fn kernel(call: &Call) -> Result<Vec<u64>, Gap> {
    let kernel = call.attributes.integers("kernel_shape").ok_or_else(|| Gap::misfit("it has no kernel"))?;
    kernel.iter().map(|&size| dimension(size)).collect()
}

/// Each channel becomes a single element.
pub(super) fn global_pool(call: &Call) -> Result<Vec<Fact>, Gap> {
    let data = call.shape(0)?;
    let to = data.iter().enumerate().map(|(place, &size)| if place < 2 { size } else { 1 }).collect();
    Ok(vec![Fact::new(call.element(0), to)])
}

/// A pool that the output of another pool undoes.
pub(super) fn unpool(call: &Call) -> Result<Vec<Fact>, Gap> {
    let data = call.shape(0)?;
    if call.optional(2).is_some() {
        let to = call.integers(2)?.iter().map(|&size| dimension(size)).collect::<Result<_, _>>()?;
        return Ok(vec![Fact::new(call.element(0), to)]);
    }
    let kernel = kernel(call)?;
    if data.len() != kernel.len() + 2 {
        return Err(Gap::misfit(format!("a kernel of {kernel:?} for data of {data:?}")));
    }
    let mut to = data[..2].to_vec();
    for (index, window) in windows(call, &kernel, &data[2..])?.iter().enumerate() {
        let grown = product(data[2 + index].saturating_sub(1), window.stride)?.checked_add(window.kernel);
        let pads = window.pads.0.checked_add(window.pads.1).ok_or_else(too_large)?;
        to.push(grown.and_then(|grown| grown.checked_sub_signed(pads)).ok_or_else(too_large)?);
    }
    Ok(vec![Fact::new(call.element(0), to)])
}

/// Columns of a matrix, summed into an image.
pub(super) fn columns_to_image(call: &Call) -> Result<Vec<Fact>, Gap> {
    let data = call.shape(0)?;
    let image = call.integers(1)?.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?;
    let block = call.integers(2)?.iter().map(|&size| dimension(size)).collect::<Result<Vec<_>, _>>()?;
    let block = elements(&block).filter(|&block| block > 0).ok_or_else(too_large)?;
    let &[batch, channels, _] = data else { return Err(Gap::misfit("it needs three dimensions")) };
    Ok(vec![Fact::new(call.element(0), [&[batch, channels / block], image.as_slice()].concat())])
}

impl Window {
    fn extent(&self) -> Result<u64, Gap> {
        product(self.kernel.saturating_sub(1), self.dilation)?.checked_add(1).ok_or_else(too_large)
    }

    /// Returns how many windows fit into a dimension.
    fn count(&self, size: u64, rounds_up: bool) -> Result<u64, Gap> {
        let pads = self.pads.0.checked_add(self.pads.1).ok_or_else(too_large)?;
        let padded = size.checked_add_signed(pads).ok_or_else(too_large)?;
        let Some(space) = padded.checked_sub(self.extent()?) else {
            return Err(Gap::misfit(format!("a kernel of {} is larger than the padded data, {padded}", self.kernel)));
        };
        if !rounds_up {
            return Ok(space / self.stride + 1);
        }
        // A window that would begin in the padding at the end is left out.
        let begins = size.checked_add_signed(self.pads.0).ok_or_else(too_large)?;
        let count = space.div_ceil(self.stride) + 1;
        Ok(if (count - 1).checked_mul(self.stride).is_none_or(|last| last >= begins) { count - 1 } else { count })
    }
}

fn windows(call: &Call, kernel: &[u64], data: &[u64]) -> Result<Vec<Window>, Gap> {
    let rank = kernel.len();
    let strides = list(call, "strides", rank, 1)?;
    let dilations = list(call, "dilations", rank, 1)?;
    let pads = list(call, "pads", 2 * rank, 0)?;
    let auto_pad = call.attributes.text("auto_pad").unwrap_or("NOTSET");
    let mut windows = Vec::with_capacity(rank);
    for index in 0..rank {
        let (stride, dilation) = (dimension(strides[index])?, dimension(dilations[index])?);
        if stride == 0 || dilation == 0 {
            return Err(Gap::misfit("a stride or dilation is 0"));
        }
        let mut window = Window { kernel: kernel[index], stride, dilation, pads: (pads[index], pads[rank + index]) };
        if auto_pad.starts_with("SAME") {
            window.pads = same_pads(&window, data[index])?;
        } else if auto_pad == "VALID" {
            window.pads = (0, 0);
        }
        windows.push(window);
    }
    Ok(windows)
}

/// Returns the padding with which the output has a `stride`-th of the input's elements.
fn same_pads(window: &Window, size: u64) -> Result<(i64, i64), Gap> {
    let needed = product(size.div_ceil(window.stride).saturating_sub(1), window.stride)?.checked_add(window.extent()?);
    let total = needed.ok_or_else(too_large)?.saturating_sub(size);
    Ok((0, i64::try_from(total).map_err(|_| too_large())?))
}

fn list(call: &Call, name: &str, length: usize, default: i64) -> Result<Vec<i64>, Gap> {
    match call.attributes.integers(name) {
        None => Ok(vec![default; length]),
        Some(list) if list.len() == length => Ok(list.to_vec()),
        Some(list) => Err(Gap::misfit(format!("its {name} are {list:?}, not {length} numbers"))),
    }
}

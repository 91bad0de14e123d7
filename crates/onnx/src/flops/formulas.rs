//! Operators whose operations depend on the shapes of their inputs or on attributes.

use std::collections::BTreeMap;

use crate::shapes::{Call, Fact, convolution_weights, elements, heads, parse_equation, pool_kernel, recurrence};

/// Returns the operations of an operator, or `None` if there is no rule or a shape is not known.
pub(super) fn counted(call: &Call, outputs: &[Fact]) -> Option<u128> {
    let made = u128::from(outputs.first()?.elements()?);
    let read = || call.optional(0)?.elements().map(u128::from);
    Some(match call.operator {
        "Sum" | "Max" | "Min" => made * (call.inputs.len() as u128).saturating_sub(1),
        "Mean" => made * call.inputs.len() as u128,
        "Conv" | "ConvInteger" | "DeformConv" | "FusedConv" | "NhwcFusedConv" => made * (taps(call)? + bias(call, 2)),
        // The sum is brought to the scale of the output.
        "QLinearConv" => made * (taps(call)? + bias(call, 8) + 3),
        "ConvTranspose" => read()? * per_input_of_transposed(call)? + made * bias(call, 2),
        "AveragePool" | "LpPool" | "MaxPool" | "QLinearAveragePool" => {
            made * u128::from(elements(&pool_kernel(call).ok()?)?)
        }
        "GlobalAveragePool" | "GlobalLpPool" | "GlobalMaxPool" | "QLinearGlobalAveragePool" => read()?,
        "ReduceL1" | "ReduceLogSum" | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum"
        | "ArgMax" | "ArgMin" | "TopK" | "Unique" => read()?,
        "Col2Im" | "MaxRoiPool" | "NegativeLogLikelihoodLoss" => read()?,
        "Mish" => 10 * made,
        "SoftmaxCrossEntropyLoss" => 6 * read()?,
        "RoiAlign" => made * 8 * sampling(call),
        "ReduceL2" | "ReduceLogSumExp" | "ReduceSumSquare" => 2 * read()?,
        "NonMaxSuppression" => u128::from(call.optional(1)?.elements()?),
        "MatMul" | "MatMulInteger" => made * 2 * inner(call, 0)?,
        "FusedMatMul" => made * 2 * inner(call, 0)?,
        "QLinearMatMul" => made * (2 * inner(call, 0)? + 3),
        "MatMulIntegerToFloat" | "DynamicQuantizeMatMul" => made * (2 * inner(call, 0)? + 2),
        "MatMulNBits" | "MatMulBnb4" => made * 2 * u128::try_from(call.attributes.integer("K")?).ok()?,
        "Gemm" | "FusedGemm" => made * (2 * inner(call, 0)? + bias(call, 2)),
        "QGemm" => made * (2 * inner(call, 0)? + bias(call, 6) + 3),
        "Einsum" => einstein_sum(call)?,
        "LSTM" | "DynamicQuantizeLSTM" => recurrent(call, 4, 25)?,
        "GRU" => recurrent(call, 3, 17)?,
        "RNN" => recurrent(call, 1, 6)?,
        "LRN" => made * (2 * u128::try_from(call.attributes.integer("size")?).ok()? + 3),
        "Resize" | "Upsample" => made * taps_of_resize(call, outputs)?,
        "GridSample" => made * 2 * power(2, call.optional(0)?.shape.as_ref()?.len().checked_sub(2)?),
        "Attention" if call.domain.is_empty() => attention(call)?,
        "DFT" | "STFT" => 5 * made * logarithm(outputs.first()?.shape.as_deref()?),

        _ => return None,
    })
}

/// Returns two operations for each weight that makes one element of a convolution.
fn taps(call: &Call) -> Option<u128> {
    let weights = call.optional(convolution_weights(call))?.shape.as_deref()?;
    Some(2 * u128::from(elements(weights.get(1..)?)?))
}

/// Returns two operations for each weight that one element of the input meets.
fn per_input_of_transposed(call: &Call) -> Option<u128> {
    let weights = call.optional(1)?.shape.as_deref()?;
    Some(2 * u128::from(elements(weights.get(1..)?)?))
}

fn bias(call: &Call, place: usize) -> u128 {
    u128::from(call.optional(place).is_some())
}

/// Returns the length of the rows that a product multiplies.
fn inner(call: &Call, place: usize) -> Option<u128> {
    let shape = call.optional(place)?.shape.as_deref()?;
    let is_transposed = call.attributes.flag("transA", false) && shape.len() > 1;
    let from_end = if is_transposed { 2 } else { 1 };
    shape.len().checked_sub(from_end).map(|axis| shape[axis].into())
}

/// Returns two operations for each combination of all letters and each further factor.
fn einstein_sum(call: &Call) -> Option<u128> {
    let shapes: Vec<&[u64]> = call.inputs.iter().map(|input| (*input)?.shape.as_deref()).collect::<Option<_>>()?;
    let ranks: Vec<usize> = shapes.iter().map(|shape| shape.len()).collect();
    let (letters, _) = parse_equation(call.attributes.text("equation")?, &ranks)?;
    let mut sizes: BTreeMap<char, u64> = BTreeMap::new();
    for (&letter, &size) in letters.iter().zip(&shapes).flat_map(|(letters, shape)| letters.iter().zip(*shape)) {
        let known = sizes.entry(letter).or_insert(size);
        *known = size.max(*known);
    }
    let combinations = sizes.values().fold(1_u128, |product, &size| product.saturating_mul(size.into()));
    let factors = (call.inputs.len() as u128).saturating_sub(1);
    Some(combinations.saturating_mul(if factors == 0 { 1 } else { 2 * factors }))
}

/// Returns the operations of a recurrent layer: `gates` products of the features and of the state,
/// each with two biases, and `pointwise` operations for each element of the state.
fn recurrent(call: &Call, gates: u128, pointwise: u128) -> Option<u128> {
    let sizes = recurrence(call).ok()?;
    let hidden = u128::from(sizes.hidden);
    let of_gate = hidden.checked_mul(2 * (u128::from(sizes.features) + hidden) + 2)?;
    let of_step = gates.checked_mul(of_gate)?.checked_add(pointwise.checked_mul(hidden)?)?;
    [sizes.steps, sizes.batch, sizes.directions].iter().try_fold(of_step, |work, &size| work.checked_mul(size.into()))
}

/// Returns the operations for one element: two for each element of the input that it depends on.
fn taps_of_resize(call: &Call, outputs: &[Fact]) -> Option<u128> {
    let from = call.optional(0)?.shape.as_deref()?;
    let to = outputs.first()?.shape.as_deref()?;
    let changed = from.iter().zip(to).filter(|(from, to)| from != to).count();
    Some(match call.attributes.text("mode").unwrap_or("nearest") {
        "nearest" => 0,
        "cubic" => 2 * power(4, changed),
        _ => 2 * power(2, changed),
    })
}

/// Returns the operations of two products and of a softmax for each head.
fn attention(call: &Call) -> Option<u128> {
    let sizes = heads(call).ok()?;
    let scores = [sizes.query_heads, sizes.queries, sizes.keys]
        .iter()
        .try_fold(u128::from(sizes.batch), |product, &size| product.checked_mul(size.into()))?;
    scores.checked_mul(2 * (u128::from(sizes.query_width) + u128::from(sizes.value_width)) + 5)
}

/// Returns how many points are sampled for each element of a region; one where the regions decide.
fn sampling(call: &Call) -> u128 {
    let ratio = u128::from(call.attributes.integer_or("sampling_ratio", 0).unsigned_abs().max(1));
    ratio.saturating_mul(ratio).min(1 << 40)
}

/// Returns the number of steps of a fast Fourier transform of the longest dimension.
fn logarithm(shape: &[u64]) -> u128 {
    u128::from(shape.iter().copied().max().unwrap_or(1).max(2).ilog2())
}

fn power(base: u128, exponent: usize) -> u128 {
    // A larger exponent is no image's, and would overflow.
    base.pow(exponent.min(30) as u32)
}

//! Attention, as ONNX and as the contributed operators of onnxruntime have it.

use super::call::{Call, Gap, dimension};
use super::fact::Fact;
use super::index::broadcast;
use super::layout::{product, too_large};
use crate::model::ElementType;

/// Sizes of an attention.
pub(crate) struct Heads {
    pub(crate) batch: u64,
    pub(crate) queries: u64,
    pub(crate) keys: u64,
    pub(crate) query_heads: u64,
    pub(crate) key_heads: u64,
    pub(crate) query_width: u64,
    pub(crate) value_width: u64,
}

fn heads_attribute(call: &Call, name: &str) -> Result<u64, Gap> {
    let heads = call.attributes.integer(name).map(dimension).transpose()?;
    heads.filter(|&heads| heads > 0).ok_or_else(|| Gap::misfit(format!("its attribute {name} is missing")))
}

/// Returns the sizes of the attention of ONNX: inputs Q, K, V, mask, past key and value.
pub(crate) fn heads(call: &Call) -> Result<Heads, Gap> {
    let (q, k, v) = (call.shape(0)?, call.shape(1)?, call.shape(2)?);
    let past = if call.optional(4).is_some() { call.shape(4)?.get(2).copied().unwrap_or(0) } else { 0 };
    let sizes = match (q, k, v) {
        (&[batch, query_heads, queries, query_width], &[_, key_heads, keys, _], &[_, _, _, value_width]) => {
            Heads { batch, queries, keys, query_heads, key_heads, query_width, value_width }
        }
        (&[batch, queries, width], &[_, keys, _], &[_, _, value_width]) => {
            let query_heads = heads_attribute(call, "q_num_heads")?;
            let key_heads = heads_attribute(call, "kv_num_heads")?;
            let (query_width, value_width) = (width / query_heads, value_width / key_heads);
            Heads { batch, queries, keys, query_heads, key_heads, query_width, value_width }
        }
        _ => return Err(Gap::misfit(format!("queries of {q:?}, keys of {k:?}, values of {v:?}"))),
    };
    Ok(Heads { keys: sizes.keys.checked_add(past).ok_or_else(too_large)?, ..sizes })
}

/// The outputs: the result, all keys, all values, and the scores.
pub(super) fn attention(call: &Call) -> Result<Vec<Fact>, Gap> {
    let sizes = heads(call)?;
    let element = call.element(0);
    let output = if call.shape(0)?.len() == 4 {
        vec![sizes.batch, sizes.query_heads, sizes.queries, sizes.value_width]
    } else {
        vec![sizes.batch, sizes.queries, product(sizes.query_heads, sizes.value_width)?]
    };
    let kept = |width: u64| vec![sizes.batch, sizes.key_heads, sizes.keys, width];
    let facts = [
        Fact::new(element, output),
        Fact::new(element, kept(sizes.query_width)),
        Fact::new(element, kept(sizes.value_width)),
        Fact::new(element, vec![sizes.batch, sizes.query_heads, sizes.queries, sizes.keys]),
    ];
    Ok(facts.into_iter().take(call.outputs).collect())
}

/// Queries, keys and values of one tensor and one matrix of weights.
pub(super) fn packed(call: &Call) -> Result<Vec<Fact>, Gap> {
    let &[batch, length, _] = call.shape(0)? else {
        return Err(Gap::misfit(format!("data of {:?}", call.shape(0)?)));
    };
    let columns = *call.shape(1)?.last().ok_or_else(|| Gap::misfit("its weights are a scalar"))?;
    let parts = call.attributes.integers("qkv_hidden_sizes");
    let hidden = match parts.and_then(|sizes| sizes.last()) {
        Some(&size) => dimension(size)?,
        None => columns / 3,
    };
    let heads = heads_attribute(call, "num_heads")?;
    let past = if call.optional(4).is_some() { call.shape(4)?.get(3).copied().unwrap_or(0) } else { 0 };
    let kept = past.checked_add(length).ok_or_else(too_large)?;
    let present = Fact::new(call.element(0), vec![2, batch, heads, kept, hidden / heads]);
    Ok([Fact::new(call.element(0), vec![batch, length, hidden]), present].into_iter().take(call.outputs).collect())
}

/// Queries, keys and values of three tensors; the further outputs are all keys and values.
pub(super) fn multi_head(call: &Call) -> Result<Vec<Fact>, Gap> {
    let query = call.shape(0)?;
    let element = call.element(0);
    let (&[batch, length, width], Some(_)) = (query, call.optional(1)) else {
        return Err(Gap::unknown("its packed queries are not supported"));
    };
    let heads = heads_attribute(call, "num_heads")?;
    let key_heads = call.attributes.integer("kv_num_heads").map(dimension).transpose()?.unwrap_or(heads).max(1);
    let key = call.shape(1)?;
    // Keys are rows of heads, or already apart.
    let (keys, head_width) = match *key {
        [_, keys, key_width] => (keys, key_width / key_heads),
        [_, _, keys, head_width] => (keys, head_width),
        _ => return Err(Gap::misfit(format!("keys of {key:?}"))),
    };
    let past_place = if call.operator == "GroupQueryAttention" { 3 } else { 6 };
    let past = match call.optional(past_place) {
        Some(_) => call.shape(past_place)?.get(2).copied().unwrap_or(0),
        None => 0,
    };
    // A grouped attention writes the new keys into a buffer that has room for them.
    let kept = if call.operator == "GroupQueryAttention" { past.max(keys) } else { past.saturating_add(keys) };
    let present = Fact::new(element, vec![batch, key_heads, kept, head_width]);
    let output = Fact::new(element, vec![batch, length, width]);
    Ok([output, present.clone(), present].into_iter().take(call.outputs).collect())
}

/// Words, positions and segments become vectors. The outputs: the vectors, the lengths, the sum.
pub(super) fn embedding(call: &Call) -> Result<Vec<Fact>, Gap> {
    let &[batch, length] = call.shape(0)? else {
        return Err(Gap::misfit(format!("words of {:?}", call.shape(0)?)));
    };
    let hidden = *call.shape(2)?.last().ok_or_else(|| Gap::misfit("its vectors are scalars"))?;
    let vectors = Fact::new(call.element(2), vec![batch, length, hidden]);
    let lengths = Fact::new(Some(ElementType::INT32), vec![batch]);
    Ok([vectors.clone(), lengths, vectors].into_iter().take(call.outputs).collect())
}

/// The bias is added to the data before the function.
pub(super) fn biased(call: &Call) -> Result<Vec<Fact>, Gap> {
    let shapes = (0..call.inputs.len()).filter(|&index| call.optional(index).is_some()).map(|index| call.shape(index));
    Ok(vec![Fact::new(call.element(0), broadcast(&shapes.collect::<Result<Vec<_>, _>>()?)?)])
}

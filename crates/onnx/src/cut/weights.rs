//! Weights: within the file of a stage, or in a file beside it that the stage points into.

use std::collections::BTreeMap;

use super::CutError;
use super::message::{MODEL, Message, SourceId};
use super::sources::Sources;
use crate::limits::LEAST_EXTERNAL_BYTES;
use crate::model::{Location, Span, SparseTensor, Tensor};

/// Where the data of a tensor begins: at a page, so that runtimes can map it into memory.
const ALIGNMENT: u64 = 4096;

/// A file of weights. Each tensor is in it once, whichever stages point to it.
pub(super) struct WeightsFile {
    pub(super) name: String,
    /// Where the data of each tensor begins.
    offsets: BTreeMap<usize, u64>,
    /// What the file holds, in order.
    pub(super) parts: Vec<(u64, SourceId, Span)>,
    length: u64,
}

impl WeightsFile {
    pub(super) fn new(name: String) -> Self {
        Self { name, offsets: BTreeMap::new(), parts: Vec::new(), length: 0 }
    }

    /// Returns where the data of a tensor begins.
    fn place(&mut self, tensor: usize, source: SourceId, span: Span) -> u64 {
        if let Some(&offset) = self.offsets.get(&tensor) {
            return offset;
        }
        let offset = self.length.next_multiple_of(ALIGNMENT);
        self.length = offset + span.length;
        self.offsets.insert(tensor, offset);
        self.parts.push((offset, source, span));
        offset
    }
}

/// Returns the message of an initializer. Its data goes into the file of weights if there is one and
/// it is large; `key` says which tensors are the same.
pub(super) fn initializer(
    (key, name): (usize, &str),
    tensor: &Tensor,
    sources: &mut Sources,
    file: Option<&mut WeightsFile>,
) -> Result<Message, CutError> {
    let data = data_of(tensor, sources)?;
    let mut message = Message::default();
    match (file.filter(|_| tensor.bytes() >= LEAST_EXTERNAL_BYTES), data) {
        (Some(file), Some((source, span))) => {
            let offset = file.place(key, source, span);
            header(&mut message, name, tensor);
            let length = span.length.to_string();
            for (key, value) in [("location", file.name.as_str()), ("offset", &offset.to_string()), ("length", &length)]
            {
                let mut entry = Message::default();
                entry.text(1, key);
                entry.text(2, value);
                message.message(13, entry);
            }
            message.integer(14, 1);
        }
        (_, Some((source, span))) if source != MODEL => {
            header(&mut message, name, tensor);
            message.copy(9, source, span);
        }
        _ => {
            message.merge(MODEL, tensor.span);
            if tensor.name != name {
                message.text(8, name);
            }
        }
    }
    Ok(message)
}

/// Returns the message of a sparse initializer.
pub(super) fn sparse_initializer(name: &str, sparse: &SparseTensor) -> Result<Message, CutError> {
    for part in [&sparse.values, &sparse.indices] {
        if part.location != Location::Inline {
            return Err(CutError::Node {
                node: sparse.values.name.clone(),
                reason: "it is a sparse tensor with its data in another file".to_owned(),
                action: "Save the model with its sparse tensors in one file",
            });
        }
    }
    let mut message = Message::default();
    message.merge(MODEL, sparse.span);
    if sparse.values.name != name {
        let mut values = Message::default();
        values.text(8, name);
        message.message(1, values);
    }
    Ok(message)
}

/// Returns where the bytes of a tensor's elements are, unless they are stored as a list of numbers.
fn data_of(tensor: &Tensor, sources: &mut Sources) -> Result<Option<(SourceId, Span)>, CutError> {
    match &tensor.location {
        Location::Inline => Ok(tensor.raw.filter(|raw| raw.length > 0).map(|raw| (MODEL, raw))),
        Location::External { file, offset, .. } => {
            let source = sources.external(&tensor.name, file)?;
            Ok(Some((source, Span { offset: *offset, length: tensor.bytes() })))
        }
    }
}

fn header(message: &mut Message, name: &str, tensor: &Tensor) {
    tensor.shape.iter().for_each(|&size| message.integer(1, size));
    message.integer(2, tensor.element.number().unsigned_abs().into());
    message.text(8, name);
}

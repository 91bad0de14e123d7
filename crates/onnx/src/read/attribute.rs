//! Attributes.

use std::io::Read;

use super::graph::read_graph;
use super::message;
use super::tensor::{read_sparse_tensor, read_tensor};
use crate::error::Error;
use crate::model::{Attribute, AttributeValue};
use crate::wire::{Kind, Reader};

/// The numbers of `AttributeProto.AttributeType` whose values are lists. An empty list leaves no
/// field but its type.
const FLOATS: i64 = 6;
const INTEGERS: i64 = 7;
const TEXTS: i64 = 8;

pub(super) fn read_attribute<R: Read>(reader: &mut Reader<R>, kind: Kind, depth: u32) -> Result<Attribute, Error> {
    let mut name = String::new();
    let mut declared = 0;
    let mut value = AttributeValue::Other;
    let (mut floats, mut integers, mut texts, mut graphs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let span = message(reader, kind, |reader, field| {
        match field.number {
            1 => name = reader.text(field.kind)?,
            2 => value = AttributeValue::Float(reader.float(field.kind)?),
            3 => value = AttributeValue::Integer(reader.integer(field.kind)?),
            4 => value = reader.short_text(field.kind)?.map_or(AttributeValue::Other, AttributeValue::Text),
            5 => value = AttributeValue::Tensor(Box::new(read_tensor(reader, field.kind)?)),
            6 => value = AttributeValue::Graph(Box::new(read_graph(reader, field.kind, depth)?)),
            7 => {
                reader.take_list(field.kind)?;
                reader.numbers(field.kind, |bytes| floats.push(f32::from_le_bytes(bytes)))?;
            }
            8 => {
                reader.take_list(field.kind)?;
                reader.integers(field.kind, |number| integers.push(number))?;
            }
            9 => texts.push(reader.short_text(field.kind)?.unwrap_or_default()),
            11 => graphs.push(read_graph(reader, field.kind, depth)?),
            20 => declared = reader.integer(field.kind)?,
            21 => value = AttributeValue::Reference(reader.text(field.kind)?),
            22 => value = AttributeValue::Sparse(Box::new(read_sparse_tensor(reader, field.kind)?)),
            _ => {}
        }
        Ok(())
    })?;
    if matches!(value, AttributeValue::Reference(_)) {
        return Ok(Attribute { name, value, span });
    }
    if declared == FLOATS || !floats.is_empty() {
        value = AttributeValue::Floats(floats);
    } else if declared == INTEGERS || !integers.is_empty() {
        value = AttributeValue::Integers(integers);
    } else if declared == TEXTS || !texts.is_empty() {
        value = AttributeValue::Texts(texts);
    } else if !graphs.is_empty() {
        value = AttributeValue::Graphs(graphs);
    }
    Ok(Attribute { name, value, span })
}

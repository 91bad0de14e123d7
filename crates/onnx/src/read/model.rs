//! The outermost message, functions and the versions of operator sets.

use std::collections::BTreeMap;
use std::io::Read;

use super::attribute::read_attribute;
use super::graph::read_graph;
use super::message;
use super::node::read_node;
use crate::error::Error;
use crate::model::{Function, Model};
use crate::wire::{Kind, Reader};

/// Reads a whole file. Weights are skipped.
///
/// # Errors
/// Returns an error if the source fails, the bytes are no ONNX model, or a limit is exceeded.
pub(crate) fn read_model(source: impl Read) -> Result<Model, Error> {
    let mut reader = Reader::new(source);
    let mut model = Model::default();
    let mut has_graph = false;
    let (mut producer, mut version) = (String::new(), String::new());
    while let Some(field) = reader.field(u64::MAX).map_err(|error| not_onnx_at_start(error, has_graph))? {
        match field.number {
            1 => model.ir_version = reader.integer(field.kind).map_err(|error| not_onnx_at_start(error, has_graph))?,
            2 => producer = reader.text(field.kind)?,
            3 => version = reader.text(field.kind)?,
            7 => {
                model.graph = read_graph(&mut reader, field.kind, 0)?;
                has_graph = true;
            }
            8 => read_opset(&mut reader, field.kind, &mut model.opsets)?,
            25 => {
                let function = read_function(&mut reader, field.kind)?;
                model.functions.push(function);
            }
            _ => {}
        }
        reader.skip(field.kind)?;
    }
    if !has_graph {
        return Err(Error::NotOnnx { detail: "it has no graph".to_owned() });
    }
    model.producer = format!("{producer} {version}").trim().to_owned();
    Ok(model)
}

/// Before a graph was found, damage means most likely that the file is of another kind.
fn not_onnx_at_start(error: Error, has_graph: bool) -> Error {
    match error {
        Error::Malformed { detail, .. } if !has_graph => Error::NotOnnx { detail },
        other => other,
    }
}

fn read_opset<R: Read>(reader: &mut Reader<R>, kind: Kind, opsets: &mut BTreeMap<String, i64>) -> Result<(), Error> {
    let (mut domain, mut version) = (String::new(), 0);
    message(reader, kind, |reader, field| {
        match field.number {
            1 => domain = reader.text(field.kind)?,
            2 => version = reader.integer(field.kind)?,
            _ => {}
        }
        Ok(())
    })?;
    opsets.insert(canonical_domain(domain), version);
    Ok(())
}

fn read_function<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<Function, Error> {
    let mut function = Function::default();
    function.span = message(reader, kind, |reader, field| {
        match field.number {
            1 => function.name = reader.text(field.kind)?,
            4 => function.inputs.push(reader.text(field.kind)?),
            5 => function.outputs.push(reader.text(field.kind)?),
            7 => function.nodes.push(read_node(reader, field.kind, 0)?),
            9 => read_opset(reader, field.kind, &mut function.opsets)?,
            10 => function.domain = canonical_domain(reader.text(field.kind)?),
            11 => function.defaults.push(read_attribute(reader, field.kind, 0)?),
            13 => function.overload = reader.text(field.kind)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(function)
}

/// `ai.onnx` is another name of the default domain.
pub(super) fn canonical_domain(domain: String) -> String {
    if domain == "ai.onnx" { String::new() } else { domain }
}

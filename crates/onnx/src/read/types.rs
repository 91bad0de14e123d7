//! Types of values, and the dimensions that they declare.

use std::io::Read;

use super::{deeper, message};
use crate::error::Error;
use crate::model::{Dimension, ElementType, ValueInfo, ValueType};
use crate::wire::{Kind, Reader};

pub(super) fn read_value_info<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<ValueInfo, Error> {
    let mut name = String::new();
    let mut value_type = ValueType::Unknown;
    let span = message(reader, kind, |reader, field| {
        match field.number {
            1 => name = reader.text(field.kind)?,
            2 => value_type = read_type(reader, field.kind, 0)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(ValueInfo { name, kind: value_type, span })
}

fn read_type<R: Read>(reader: &mut Reader<R>, kind: Kind, depth: u32) -> Result<ValueType, Error> {
    let depth = deeper(depth)?;
    let mut value_type = ValueType::Unknown;
    message(reader, kind, |reader, field| {
        match field.number {
            1 => value_type = read_tensor_type(reader, field.kind)?,
            4 => value_type = ValueType::Other("a sequence"),
            5 => value_type = ValueType::Other("a map"),
            7 => value_type = ValueType::Other("an opaque value"),
            8 => value_type = ValueType::Other("a sparse tensor"),
            9 => value_type = read_optional(reader, field.kind, depth)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(value_type)
}

/// An optional tensor has the size of the tensor.
fn read_optional<R: Read>(reader: &mut Reader<R>, kind: Kind, depth: u32) -> Result<ValueType, Error> {
    let mut value_type = ValueType::Other("an optional value");
    message(reader, kind, |reader, field| {
        if field.number == 1 {
            value_type = read_type(reader, field.kind, depth)?;
        }
        Ok(())
    })?;
    Ok(value_type)
}

fn read_tensor_type<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<ValueType, Error> {
    let mut element = None;
    let mut shape = None;
    message(reader, kind, |reader, field| {
        match field.number {
            1 => element = ElementType::new(reader.integer(field.kind)?),
            2 => shape = Some(read_shape(reader, field.kind)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(ValueType::Tensor { element, shape })
}

fn read_shape<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<Vec<Dimension>, Error> {
    let mut shape = Vec::new();
    message(reader, kind, |reader, field| {
        if field.number == 1 {
            shape.push(read_dimension(reader, field.kind)?);
        }
        Ok(())
    })?;
    Ok(shape)
}

/// Exporters write -1 or an empty name for a dimension of which they know nothing.
fn read_dimension<R: Read>(reader: &mut Reader<R>, kind: Kind) -> Result<Dimension, Error> {
    let mut dimension = Dimension::Unknown;
    message(reader, kind, |reader, field| {
        match field.number {
            1 => dimension = u64::try_from(reader.integer(field.kind)?).map_or(Dimension::Unknown, Dimension::Size),
            2 => dimension = named(reader.text(field.kind)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(dimension)
}

fn named(name: String) -> Dimension {
    match name.trim() {
        "" | "?" | "-1" | "None" => Dimension::Unknown,
        _ => Dimension::Symbol(name),
    }
}

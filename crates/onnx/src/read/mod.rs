//! From the bytes of a file to a [`Model`](crate::Model).

mod attribute;
mod external;
mod graph;
mod model;
mod node;
mod tensor;
mod types;

pub(crate) use external::{path_below, read_external_values};
pub(crate) use model::read_model;
pub(crate) use tensor::values_of_bytes;

use std::io::Read;

use crate::error::Error;
use crate::limits::MOST_DEPTH;
use crate::model::Span;
use crate::wire::{Field, Kind, Reader};

/// Reads an embedded message: calls `each` for every field of it, and skips what `each` left of the
/// field. Returns the place of the message in the file.
fn message<R: Read>(
    reader: &mut Reader<R>,
    kind: Kind,
    mut each: impl FnMut(&mut Reader<R>, Field) -> Result<(), Error>,
) -> Result<Span, Error> {
    let end = reader.message(kind)?;
    let offset = reader.position();
    reader.budget.take_object()?;
    while let Some(field) = reader.field(end)? {
        each(reader, field)?;
        reader.skip(field.kind)?;
    }
    Ok(Span { offset, length: end - offset })
}

/// Returns the next level of nesting.
fn deeper(depth: u32) -> Result<u32, Error> {
    if depth < MOST_DEPTH {
        Ok(depth + 1)
    } else {
        Err(Error::Limit { what: "levels of graphs and types within each other", most: MOST_DEPTH.into() })
    }
}

//! Nodes.

use std::io::Read;

use super::attribute::read_attribute;
use super::message;
use super::model::canonical_domain;
use crate::error::Error;
use crate::model::Node;
use crate::wire::{Kind, Reader};

pub(super) fn read_node<R: Read>(reader: &mut Reader<R>, kind: Kind, depth: u32) -> Result<Node, Error> {
    let mut node = Node::default();
    node.span = message(reader, kind, |reader, field| {
        match field.number {
            1 => node.inputs.push(reader.text(field.kind)?),
            2 => node.outputs.push(reader.text(field.kind)?),
            3 => node.name = reader.text(field.kind)?,
            4 => node.operator = reader.text(field.kind)?,
            5 => node.attributes.push(read_attribute(reader, field.kind, depth)?),
            7 => node.domain = canonical_domain(reader.text(field.kind)?),
            8 => node.overload = reader.text(field.kind)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(node)
}

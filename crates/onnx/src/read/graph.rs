//! Graphs and sparse initializers.

use std::io::Read;

use super::node::read_node;
use super::tensor::{read_sparse_tensor, read_tensor};
use super::types::read_value_info;
use super::{deeper, message};
use crate::error::Error;
use crate::model::Graph;
use crate::wire::{Kind, Reader};

pub(super) fn read_graph<R: Read>(reader: &mut Reader<R>, kind: Kind, depth: u32) -> Result<Graph, Error> {
    let depth = deeper(depth)?;
    let mut graph = Graph::default();
    graph.span = message(reader, kind, |reader, field| {
        match field.number {
            1 => graph.nodes.push(read_node(reader, field.kind, depth)?),
            2 => graph.name = reader.text(field.kind)?,
            5 => graph.initializers.push(read_tensor(reader, field.kind)?),
            11 => graph.inputs.push(read_value_info(reader, field.kind)?),
            12 => graph.outputs.push(read_value_info(reader, field.kind)?),
            13 => graph.value_infos.push(read_value_info(reader, field.kind)?),
            15 => graph.sparse_initializers.push(read_sparse_tensor(reader, field.kind)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(graph)
}

//! A stage as a document names it, with its node and layers: one that is proposed or that runs
//! already.

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::read::Reader;

/// Layers on a node, proposed as a stage. Nothing about it is checked yet but its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct StageProposal {
    /// The node that is to run the stage.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub node_id: String,
    /// Its layers, in any order. Constant layers among them are ignored.
    pub layer_ids: Vec<String>,
}

impl StageProposal {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 2] = ["node_id", "layer_ids"];

    /// Reads a proposal within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let node_id = reader.required(map, "node_id", Reader::id);
        let layer_ids = reader.required(map, "layer_ids", |reader, value| reader.items(value, Reader::id));
        let layer_ids: Option<Vec<String>> = layer_ids?.into_iter().collect();
        Some(Self { node_id: node_id?, layer_ids: layer_ids? })
    }
}

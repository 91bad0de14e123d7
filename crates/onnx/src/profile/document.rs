//! The document of a model profile. `docs/problem.md` describes it.

use std::sync::Arc;

use serde::Serialize;

/// A model profile. Ids are shared between layers, edges and groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The name, for people.
    pub name: String,
    /// Where the profile comes from, for people.
    pub description: String,
    /// Inputs that one pass takes at once.
    pub batch_size: u64,
    /// One for each tensor that has a size.
    pub layers: Vec<Layer>,
    /// From the layer that makes a tensor to each that reads it.
    pub edges: Vec<Edge>,
    /// Layers that no cut separates: the outputs of one operator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
}

/// A layer: a tensor with the work that makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Unique in the document.
    pub id: Arc<str>,
    /// The kind of operator, or what the tensor is.
    pub op: Arc<str>,
    /// The operator that makes the tensor, where it has a name other than the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<Arc<str>>,
    /// Bytes that the file holds for the tensor.
    pub param_bytes: u64,
    /// Bytes of the tensor.
    pub output_bytes: u64,
    /// Operations that make it, for one pass.
    pub flops: u64,
}

/// The tensor of `from` is read by `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The layer that makes the tensor.
    pub from: Arc<str>,
    /// The layer that reads it.
    pub to: Arc<str>,
}

/// Layers that stay together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Their ids.
    pub layer_ids: Vec<Arc<str>>,
}

//! The faults of a document: where each is, what is wrong, and what to do about it.

use serde::{Deserialize, Serialize};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

/// The kinds of fault, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The text is not JSON.
    Malformed,
    /// The document is nested too deeply.
    TooDeep,
    /// A value has another JSON type than the field wants.
    WrongType,
    /// A field that must be given is not there.
    Missing,
    /// A field that this document does not have.
    UnknownField,
    /// A number outside of its range, or a text too long or too short.
    OutOfRange,
    /// A text that is none of the allowed values.
    UnknownValue,
    /// A list that must not be empty is.
    Empty,
    /// The same id, edge, link or place twice.
    Duplicate,
    /// An id that nothing in the document has.
    UnknownReference,
    /// An edge or a link from something to itself.
    SelfLoop,
    /// Edges that form a cycle.
    Cycle,
    /// Fields that cannot stand together.
    Conflict,
    /// Nothing, or not enough, says how fast a node computes, while something is known of others.
    UnknownCompute,
    /// Nodes that no segments join.
    NoRoute,
    /// A file of another program that cannot be imported.
    NotImportable,
    /// Proposed stages that break a rule of the cost model or a constraint.
    Violation,
}

/// One fault of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[cfg_attr(feature = "schema", schema(example = json!({"pointer": "/cluster/nodes/0/memory_bytes", "code": "out_of_range",
    "detail": "-1 is not allowed here", "action": "Give a whole number from 0 to 9007199254740991", "node_id": "pi-1"})))]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the document; empty for the whole document.
    pub pointer: String,
    /// The kind of fault.
    pub code: FaultCode,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub action: String,
    /// The layer that the place belongs to, where it has an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub layer_id: Option<String>,
    /// The node that the place belongs to, where it has an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub node_id: Option<String>,
}

impl Fault {
    /// Creates a fault that belongs to no layer and no node.
    pub fn new(
        pointer: impl Into<String>,
        code: FaultCode,
        detail: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        let (pointer, detail, action) = (pointer.into(), detail.into(), action.into());
        Self { pointer, code, detail, action, layer_id: None, node_id: None }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.pointer.is_empty() { "the document" } else { &self.pointer })?;
        for (what, id) in [("layer", &self.layer_id), ("node", &self.node_id)] {
            if let Some(id) = id {
                write!(f, " ({what} {id:?})")?;
            }
        }
        write!(f, ": {}. {}.", self.detail, self.action)
    }
}

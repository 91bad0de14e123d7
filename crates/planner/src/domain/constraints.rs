//! The constraints of a request: what a placement must keep to.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::cluster::Node;
use super::fault::FaultCode;
use super::read::Reader;
use super::unit::{MAX_SAFE_INTEGER, counted};

/// What a placement must keep to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Constraints {
    /// The node where inputs come from; they travel from there to the first stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub source_node: Option<String>,
    /// The node where outputs are wanted; they travel there from the last stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub sink_node: Option<String>,
    /// Nodes that host no stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub exclude_nodes: Vec<String>,
    /// Labels that a node must have to host a stage.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub node_selector: BTreeMap<String, String>,
    /// Layers that must run on certain nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub pins: Vec<Pin>,
    /// Layers that stay together in one stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub colocate: Vec<Colocation>,
    /// The most stages of a pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 1, maximum = 9007199254740991_i64))]
    pub max_stages: Option<u64>,
    /// The most nodes of all pipelines together. A node runs one stage, so that one pipeline has at most so many stages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 1, maximum = 9007199254740991_i64))]
    pub max_nodes: Option<u64>,
    /// The largest latency, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0, maximum = 1e100))]
    pub max_latency_s: Option<f64>,
    /// The largest period, seconds; only with `min_latency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0, maximum = 1e100))]
    pub max_period_s: Option<f64>,
}

/// A layer that must run on a certain node, or on one with certain labels: exactly one of the two is given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Pin {
    /// The layer.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub layer_id: String,
    /// The node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub node_id: Option<String>,
    /// Labels that the node must have, at least one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub node_selector: BTreeMap<String, String>,
}

/// Layers that stay together in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Colocation {
    /// At least two layers.
    #[cfg_attr(feature = "schema", schema(min_items = 2))]
    pub layer_ids: Vec<String>,
}

impl Constraints {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 10] = [
        "source_node",
        "sink_node",
        "exclude_nodes",
        "node_selector",
        "pins",
        "colocate",
        "max_stages",
        "max_nodes",
        "max_latency_s",
        "max_period_s",
    ];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        Some(Self {
            source_node: reader.optional(map, "source_node", Reader::id),
            sink_node: reader.optional(map, "sink_node", Reader::id),
            exclude_nodes: reader.optional(map, "exclude_nodes", read_ids).unwrap_or_default(),
            node_selector: reader.optional(map, "node_selector", Reader::labels).unwrap_or_default(),
            pins: reader.optional(map, "pins", read_pins).unwrap_or_default(),
            colocate: reader.optional(map, "colocate", read_colocations).unwrap_or_default(),
            max_stages: reader.optional(map, "max_stages", read_count),
            max_nodes: reader.optional(map, "max_nodes", read_count),
            max_latency_s: reader.optional(map, "max_latency_s", Reader::non_negative),
            max_period_s: reader.optional(map, "max_period_s", Reader::non_negative),
        })
    }

    /// Returns the most stages that a pipeline may have, or `None` without a limit. A pipeline is not longer than all
    /// pipelines together may be.
    pub fn longest_pipeline(&self) -> Option<u64> {
        self.max_stages.into_iter().chain(self.max_nodes).min()
    }

    /// Returns `true` if a node may host a stage: it is schedulable, not excluded, and has every
    /// label of the selector.
    pub fn admit(&self, node: &Node) -> bool {
        node.schedulable
            && !self.exclude_nodes.contains(&node.id)
            && self.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    }
}

impl Pin {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 3] = ["layer_id", "node_id", "node_selector"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let layer_id = reader.required(map, "layer_id", Reader::id).unwrap_or_default();
        let node_id = reader.optional(map, "node_id", Reader::id);
        let node_selector = reader.optional(map, "node_selector", Reader::labels).unwrap_or_default();
        match (map.get("node_id"), map.get("node_selector")) {
            (None, None) => {
                let action = "Give node_id or node_selector";
                let detail = "neither node_id nor node_selector is given";
                reader.fault_at(&["node_id".into()], FaultCode::Missing, detail, action);
            }
            (Some(_), Some(_)) => {
                let detail = "node_id and node_selector are both given";
                reader.fault_at(&["node_selector".into()], FaultCode::Conflict, detail, "Make two pins of them");
            }
            (None, Some(Value::Object(labels))) if labels.is_empty() => {
                let detail = "the selector has no label";
                reader.fault_at(&["node_selector".into()], FaultCode::Empty, detail, "Give at least one label");
            }
            _ => {}
        }
        Some(Self { layer_id, node_id, node_selector })
    }

    /// Returns `true` if the pinned layer may run on a node.
    pub fn admits(&self, node: &Node) -> bool {
        self.node_id.as_ref().is_none_or(|id| *id == node.id)
            && self.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    }
}

impl Colocation {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 1] = ["layer_ids"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let layer_ids = reader.required(map, "layer_ids", |reader, value| {
            let ids = read_ids(reader, value)?;
            if ids.len() < 2 {
                let detail = format!("{} to keep together", counted(ids.len(), "layer"));
                reader.fault(FaultCode::OutOfRange, detail, "Give at least two");
            }
            Some(ids)
        });
        Some(Self { layer_ids: layer_ids.unwrap_or_default() })
    }
}

/// Reads a number of things, of which there is at least one.
fn read_count(reader: &mut Reader, value: &Value) -> Option<u64> {
    reader.integer(value, 1, MAX_SAFE_INTEGER)
}

fn read_ids(reader: &mut Reader, value: &Value) -> Option<Vec<String>> {
    let ids = reader.items(value, Reader::id)?;
    // An id that could not be read keeps its place, so that pointers to the others stay right.
    Some(ids.into_iter().map(Option::unwrap_or_default).collect())
}

fn read_pins(reader: &mut Reader, value: &Value) -> Option<Vec<Pin>> {
    // A pin that could not be read keeps its place, so that pointers to the others stay right.
    Some(reader.items(value, Pin::read)?.into_iter().map(Option::unwrap_or_default).collect())
}

fn read_colocations(reader: &mut Reader, value: &Value) -> Option<Vec<Colocation>> {
    Some(reader.items(value, Colocation::read)?.into_iter().map(Option::unwrap_or_default).collect())
}

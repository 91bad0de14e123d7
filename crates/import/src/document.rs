//! The members of Cutpoint's documents that imports write. `docs/problem.md` defines them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) memory_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) reserved_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flops_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_class: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schedulable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port_bps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port_duplex: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Link {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) bandwidth_bps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) medium: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) nodes: Vec<Node>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network: Option<Value>,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Layer {
    pub(crate) id: String,
    pub(crate) op: String,
    pub(crate) param_bytes: u64,
    pub(crate) output_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activation_bytes: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) time_s: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Group {
    pub(crate) layer_ids: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) batch_size: u64,
    pub(crate) layers: Vec<Layer>,
    pub(crate) edges: Vec<Edge>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<Group>,
}

impl Cluster {
    pub(crate) fn into_value(self) -> Value {
        as_value(&self)
    }
}

impl Model {
    pub(crate) fn into_value(self) -> Value {
        as_value(&self)
    }
}

/// Serializes a document. Its maps have texts as keys and its numbers are finite, so this does not
/// fail.
fn as_value(document: &impl Serialize) -> Value {
    serde_json::to_value(document).unwrap_or(Value::Null)
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

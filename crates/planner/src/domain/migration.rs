//! The migration of a replanned model: the layers that move, their bytes, and the time that
//! shipping may take.

use serde::{Deserialize, Serialize};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

/// What it takes to come from the base to a placement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Migration {
    /// The layers whose node does not hold them in the base, stage by stage, each stage's in the model's order; behind them its
    /// constant layers that the node does not hold yet.
    pub moved_layers: Vec<MovedLayer>,
    /// Bytes of parameters that are shipped: those of all moved layers.
    pub shipped_bytes: u64,
    /// No placement with a period of at most `max_period_s` ships fewer; absent in an evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub lower_bound_bytes: Option<u64>,
    /// The busiest node's seconds of sending or of receiving, over direct links.
    pub estimated_s: f64,
    /// Bytes that no node of the cluster holds, or that no direct link carries; `estimated_s` leaves them out.
    pub unsourced_bytes: u64,
    /// The smallest period found, the least of all where `lower_bound_s` equals it; absent in an evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub least_period_s: Option<f64>,
    /// The largest period that `max_period_ratio` allows; absent in an evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub max_period_s: Option<f64>,
}

/// A layer whose parameters must be shipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MovedLayer {
    /// The layer.
    pub layer_id: String,
    /// The node that holds it in the base, of several the one whose stage comes first; absent where the cluster has no such node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub from_node_id: Option<String>,
    /// The node that is to run it.
    pub to_node_id: String,
    /// Bytes of its parameters.
    pub param_bytes: u64,
}

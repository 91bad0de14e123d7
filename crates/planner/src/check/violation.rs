//! The violations of a placement: a closed list of codes, each with its figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

/// The kinds of violation, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ViolationCode {
    /// There is no stage.
    NoStage,
    /// A stage has no layer, or none but constants.
    EmptyStage,
    /// No node of the cluster has the id.
    UnknownNode,
    /// No layer of the model has the id.
    UnknownLayer,
    /// A layer of the model stands in no stage.
    LayerMissing,
    /// A layer stands more than once.
    LayerTwice,
    /// A stage has a layer that reads the tensor of a layer in a later stage.
    LayersOutOfOrder,
    /// A node hosts more than one stage, of one pipeline or of two.
    NodeUsedTwice,
    /// A node that is excluded, not selected or not schedulable hosts a stage.
    NodeNotEligible,
    /// A cut that the cut policy does not allow, that leaves an input layer out, or that has nothing but input layers.
    CutNotAllowed,
    /// A stage needs more memory than its node has free.
    MemoryExceeded,
    /// No link and no route leads from a node to the node that a transfer goes to.
    NoLink,
    /// A pinned layer runs on another node.
    PinBroken,
    /// Layers that are to stay together stand in several stages.
    ColocationBroken,
    /// Layers that are a group of the profile stand in several stages.
    GroupSplit,
    /// More stages than `max_stages`.
    TooManyStages,
    /// More nodes than `max_nodes`.
    TooManyNodes,
    /// More pipelines than the request allows.
    TooManyPipelines,
    /// The latency is above `max_latency_s`.
    LatencyExceeded,
    /// The period is above `max_period_s`.
    PeriodExceeded,
    /// The period is above `target_period_s`.
    TargetPeriodMissed,
    /// A rate of a pipeline is above 1 / its period or is missing, rates take a medium or a node for more than all of the time,
    /// or others have a larger sum.
    RateWrong,
    /// A number of a placement document is not what the model and the cluster give.
    FigureWrong,
    /// A transfer of a placement document is missing, goes between other nodes, takes another route or carries other tensors.
    TransferWrong,
    /// A status, bound, gap, bottleneck, medium, constant layer, warning or reason of a placement document does not stand up.
    ClaimWrong,
}

/// One thing that is wrong with a placement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[cfg_attr(feature = "schema", schema(example = json!({"code": "memory_exceeded", "stage_index": 0,
    "detail": "stage 0 needs 600 B, pi-1 has 500 B free",
    "figures": {"memory_bytes": 600.0, "memory_capacity_bytes": 500.0}, "node_ids": ["pi-1"]})))]
pub struct Violation {
    /// The kind of violation.
    pub code: ViolationCode,
    /// The pipeline, from 0; absent where it is about the whole, and where there can be only one pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub pipeline_index: Option<u64>,
    /// The stage, from 0; absent where it is about the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub stage_index: Option<u64>,
    /// In words, with the figures.
    pub detail: String,
    /// The figures by name, in the unit that the name says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub figures: BTreeMap<String, f64>,
    /// Layers concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub layer_ids: Vec<String>,
    /// Nodes concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub node_ids: Vec<String>,
}

impl Violation {
    /// Creates a violation of the whole placement.
    pub(super) fn new(code: ViolationCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            pipeline_index: None,
            stage_index: None,
            detail: detail.into(),
            figures: BTreeMap::new(),
            layer_ids: Vec::new(),
            node_ids: Vec::new(),
        }
    }

    /// Sets the stage.
    pub(super) fn at(mut self, stage: usize) -> Self {
        self.stage_index = Some(stage as u64);
        self
    }

    /// Sets the pipeline.
    pub(super) fn of_pipeline(mut self, pipeline: usize) -> Self {
        self.pipeline_index = Some(pipeline as u64);
        self
    }

    /// Adds a figure. A figure that is not finite is left out because JSON cannot hold it; the
    /// detail still states it.
    pub(super) fn figure(mut self, name: &str, value: f64) -> Self {
        if value.is_finite() {
            self.figures.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds a node.
    pub(super) fn node(mut self, id: &str) -> Self {
        self.node_ids.push(id.to_owned());
        self
    }

    /// Adds layers.
    pub(super) fn layers(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.layer_ids.extend(ids);
        self
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

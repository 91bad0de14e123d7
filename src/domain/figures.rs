//! The figures of a placement document without its stages.

use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::placement::{PlacementDocument, Status, Termination};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The figures of a placement, or of the proof that there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlacementFigures {
    /// What the search proved.
    pub status: Status,
    /// Why the search ended.
    pub termination: Termination,
    /// The algorithm that was asked for.
    pub algorithm: Algorithm,
    /// The slowest stage or hop, seconds. Of several pipelines 1 / `throughput_per_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// Passes a second of all pipelines together, 1 / `period_s`; absent where the period is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub throughput_per_s: Option<f64>,
    /// With several pipelines and `max_throughput`: no pipelines on disjoint nodes make more passes a second together. Absent
    /// where nothing is proven, and where the period is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub throughput_upper_bound_per_s: Option<f64>,
    /// Inferences a second: the model's `batch_size` / `period_s`; absent where the period is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inferences_per_s: Option<f64>,
    /// The time that one pass takes through the empty pipeline, seconds; of several pipelines the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub latency_s: Option<f64>,
    /// The smallest period found, seconds, where `period_s` may be larger for the sake of a smaller latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub least_period_s: Option<f64>,
    /// The proven lower bound of an objective that is a time, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lower_bound_s: Option<f64>,
    /// The proven lower bound of the objective `min_nodes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective, where the objective of `max_throughput` is `least_period_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gap: Option<f64>,
    /// How many pipelines there are; 0 without a placement.
    #[serde(default)]
    pub pipelines: u64,
    /// How many stages they have together; 0 without a placement.
    pub stages: u64,
    /// The node of each stage, in order, pipeline by pipeline.
    pub node_ids: Vec<String>,
}

impl PlacementFigures {
    /// Returns the figures of a document.
    pub fn of(document: &PlacementDocument) -> Self {
        Self {
            status: document.status,
            termination: document.termination,
            algorithm: document.algorithm,
            period_s: document.period_s,
            throughput_per_s: document.throughput_per_s,
            throughput_upper_bound_per_s: document.throughput_upper_bound_per_s,
            inferences_per_s: document.inferences_per_s,
            latency_s: document.latency_s,
            least_period_s: document.least_period_s,
            lower_bound_s: document.lower_bound_s,
            lower_bound_nodes: document.lower_bound_nodes,
            gap: document.gap,
            pipelines: document.pipelines.len() as u64,
            stages: document.node_count() as u64,
            node_ids: document.pipelines.iter().flat_map(|it| &it.stages).map(|stage| stage.node_id.clone()).collect(),
        }
    }

    /// Reads stored figures. Those of versions before 0.3.0 do not count pipelines: every placement had one.
    ///
    /// # Errors
    /// The text is not the JSON of figures.
    pub fn from_stored(text: &str) -> serde_json::Result<Self> {
        let figures: Self = serde_json::from_str(text)?;
        Ok(Self { pipelines: figures.pipelines.max(u64::from(figures.stages > 0)), ..figures })
    }
}

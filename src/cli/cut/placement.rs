//! Reads what a cut needs of a placement document.

use std::path::Path;

use anyhow::{Context, ensure};
use cutpoint_onnx::cut::{PlannedStage, Transfer};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::document;

/// A placement. Members that a cut does not need are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct Placement {
    /// Absent in documents of before version 0.3.0.
    #[serde(default)]
    pipelines: Vec<Pipeline>,
    #[serde(default)]
    stages: Vec<Stage>,
    throughput_per_s: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Pipeline {
    rate_per_s: Option<f64>,
    stages: Vec<Stage>,
}

/// A stage with its planned figures.
#[derive(Debug, Deserialize)]
pub(super) struct Stage {
    pub(super) node_id: String,
    layer_ids: Vec<String>,
    pub(super) compute_s: Option<f64>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) receive: Option<Move>,
    pub(super) send: Option<Move>,
}

/// A transfer with its planned figures.
#[derive(Debug, Deserialize)]
pub(super) struct Move {
    #[serde(rename = "to_node_id")]
    pub(super) to: Option<String>,
    #[serde(default)]
    tensor_layer_ids: Vec<String>,
    bytes: u64,
    pub(super) transfer_s: f64,
}

impl Placement {
    /// Reads the file that `cutpoint plan --output json` or the service writes.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        Self::of(&document::read(file)?).with_context(|| format!("{} is not a placement document", file.display()))
    }

    fn of(document: &Value) -> anyhow::Result<Self> {
        let inner = document.get("placement").unwrap_or(document);
        ensure!(
            inner.get("pipelines").or(inner.get("stages")).is_some_and(Value::is_array),
            "it has neither pipelines nor stages. Give what `cutpoint plan --output json` prints, or a placement of the service; \
             a placement with the status infeasible or unknown has no stages"
        );
        Ok(Self::deserialize(inner)?)
    }

    /// Returns the stages of each pipeline.
    pub(super) fn pipelines(&self) -> Vec<&[Stage]> {
        if self.pipelines.is_empty() {
            return vec![&self.stages];
        }
        self.pipelines.iter().map(|pipeline| pipeline.stages.as_slice()).collect()
    }

    /// Returns the passes per second of each pipeline, where they are known.
    pub(super) fn rates_per_s(&self) -> Vec<Option<f64>> {
        if self.pipelines.is_empty() {
            return vec![self.throughput_per_s];
        }
        self.pipelines.iter().map(|pipeline| pipeline.rate_per_s).collect()
    }
}

impl Stage {
    /// Returns what a cut needs of the stage.
    pub(super) fn planned(&self) -> PlannedStage {
        let transfer = |planned: &Option<Move>| {
            planned.as_ref().map(|it| Transfer { layer_ids: it.tensor_layer_ids.clone(), bytes: it.bytes })
        };
        PlannedStage {
            layer_ids: self.layer_ids.clone(),
            received: transfer(&self.receive),
            sent: transfer(&self.send),
        }
    }
}

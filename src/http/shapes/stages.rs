//! `stages.json`, which `cutpoint cut` writes and exports read.

use serde::Serialize;
use utoipa::ToSchema;

/// The `stages.json` that `cutpoint cut` wrote for a placement, whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutStages {
    /// The name of the model.
    pub model: String,
    /// What keeps strangers out of the pipeline.
    #[schema(min_length = 16)]
    pub token: String,
    /// Whether stages compute while they send and receive: `full` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub overlap: Option<String>,
    /// Where the source listens for the answers of the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub feedback: Option<String>,
    /// How many passes a second each pipeline is planned to make.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pipelines: Option<Vec<CutRate>>,
    /// The stages of all pipelines: those of the placement, on the same nodes.
    #[schema(min_items = 1)]
    pub stages: Vec<CutStage>,
}

/// The planned rate of a pipeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutRate {
    /// Its number, from 0.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub pipeline: u64,
    /// Its passes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub rate_per_s: Option<f64>,
}

/// A stage of `stages.json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutStage {
    /// Its place in its pipeline, from 0.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub index: u64,
    /// The number of its pipeline, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991_i64)]
    pub pipeline: Option<u64>,
    /// Its node.
    pub node_id: String,
    /// Its ONNX file.
    pub file: String,
    /// The file with its weights, where they are apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub weights_file: Option<String>,
    /// The tensors that arrive.
    pub inputs: Vec<CutTensor>,
    /// The tensors that leave.
    pub outputs: Vec<CutTensor>,
    /// Where inputs come from.
    pub receive_from: CutNeighbour,
    /// Where outputs go.
    pub send_to: CutNeighbour,
    /// What the plan expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub planned: Option<CutPlan>,
}

/// A tensor that crosses a cut.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutTensor {
    /// Its name in the ONNX files.
    pub name: String,
    /// The type of its elements, as numpy spells it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub element_type: Option<String>,
    /// Its dimensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shape: Option<Vec<u64>>,
    /// The bytes that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991_i64)]
    pub bytes: Option<u64>,
}

/// A neighbour of a stage, and where the receiver of the two listens.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutNeighbour {
    /// `source`, `stage` or `sink`.
    pub kind: String,
    /// The index of the stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991_i64)]
    pub stage: Option<u64>,
    /// Host and port. An export fills in its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub address: Option<String>,
}

/// What the plan expects of a stage.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutPlan {
    /// Seconds of a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub compute_s: Option<f64>,
    /// Seconds to receive the inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub receive_s: Option<f64>,
    /// Seconds to send the outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub send_s: Option<f64>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991_i64)]
    pub memory_bytes: Option<u64>,
}

//! What was measured of a pipeline: the document that `cutpoint-runner summarize` prints, as far as it can be compared
//! with a plan.

use serde::Serialize;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

/// The document. Members that say nothing of a plan, such as `runs`, are not kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Measurements {
    /// The form of the document: 1.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1))]
    pub version: u64,
    /// The name of the model in `stages.json`.
    pub model: String,
    /// How many inferences at the start of each run do not count.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub warm_up_inferences: u64,
    /// The pipelines, each with a number of its own.
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub pipelines: Vec<MeasuredPipeline>,
}

/// What was measured of one pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MeasuredPipeline {
    /// Its number, from 0.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub pipeline: u64,
    /// `full` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, pattern = "^(full|none)$"))]
    pub overlap: Option<String>,
    /// Mean seconds between completions in the steady state; absent where no run streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub period_s: Option<f64>,
    /// Of runs with one inference at a time where there are any, else of all runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency: Option<MeasuredLatency>,
    /// Which runs the latency is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_of: Option<LatencyOf>,
    /// The stages, by index.
    pub stages: Vec<MeasuredStage>,
    /// The transfers in the order of the pipeline: to each stage and to the sink.
    pub hops: Vec<MeasuredHop>,
}

/// The latency of an inference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MeasuredLatency {
    /// Its mean, seconds.
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub mean_s: f64,
    /// How many inferences it is of.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub count: u64,
}

/// The runs that a latency is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = MeasuredLatencyOf))]
#[serde(rename_all = "snake_case")]
pub enum LatencyOf {
    /// One inference was in the pipeline at a time: the latency that plans are about.
    OneAtATime,
    /// Inferences waited for each other.
    Stream,
}

/// What was measured of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MeasuredStage {
    /// From 0.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub index: u64,
    /// The node that ran it.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub node_id: String,
    /// How many inferences the means are of: those of streams where there are any, else all, without the warm-up.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub counted: u64,
    /// Mean seconds of compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub compute_s: Option<f64>,
    /// Mean bytes of the tensors that arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub received_bytes: Option<f64>,
    /// Mean bytes of the tensors that it sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub sent_bytes: Option<f64>,
    /// The time that it slept until, where it was paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub pace_s: Option<f64>,
    /// The most bytes of memory that its process had resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub memory: Option<MeasuredMemory>,
    /// The same, while one inference was in the pipeline at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub alone: Option<AloneStage>,
}

/// The memory of a stage's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MeasuredMemory {
    /// The most bytes that were resident.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub peak_bytes: u64,
}

/// What was measured of a stage that worked on one inference at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = MeasuredAlone))]
pub struct AloneStage {
    /// How many inferences the mean is of.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub counted: u64,
    /// Mean seconds of compute.
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub compute_s: f64,
}

/// What was measured of a transfer, by its receiver.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MeasuredHop {
    /// `source`, or `stage N`.
    pub from: String,
    /// `stage N`, or `sink`.
    pub to: String,
    // The members of `Transfers`: generated clients know no schema that extends another.
    /// How many frames of streams count, or of all runs where none streamed.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub measured: u64,
    /// Mean bytes of their tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub bytes: Option<f64>,
    /// Mean seconds from the header of a frame to its last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub transfer_s: Option<f64>,
    /// Bits of tensors per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, exclusive_minimum = 0))]
    pub goodput_bps: Option<f64>,
    /// Of runs with one inference at a time: nothing else was on the network then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub alone: Option<Transfers>,
}

/// Frames whose receiver waited for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = MeasuredTransfers))]
pub struct Transfers {
    /// How many there are.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub measured: u64,
    /// Mean bytes of their tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub bytes: Option<f64>,
    /// Mean seconds from the header of a frame to its last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub transfer_s: Option<f64>,
    /// Bits of tensors per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, exclusive_minimum = 0))]
    pub goodput_bps: Option<f64>,
}

impl MeasuredHop {
    /// Returns the transfer between two ends.
    pub(super) fn new(from: String, to: String, streamed: Transfers, alone: Option<Transfers>) -> Self {
        let Transfers { measured, bytes, transfer_s, goodput_bps } = streamed;
        Self { from, to, measured, bytes, transfer_s, goodput_bps, alone }
    }

    /// Returns the frames of streams, or of all runs where none streamed.
    pub(super) fn streamed(&self) -> Transfers {
        let Self { measured, bytes, transfer_s, goodput_bps, .. } = *self;
        Transfers { measured, bytes, transfer_s, goodput_bps }
    }
}

impl MeasuredPipeline {
    /// Returns the mean latency in an empty pipeline, in seconds.
    pub(super) fn latency_alone_s(&self) -> Option<f64> {
        self.latency.filter(|_| self.latency_of == Some(LatencyOf::OneAtATime)).map(|latency| latency.mean_s)
    }
}

//! What was measured of a pipeline: the document that `cutpoint-runner summarize` prints, as far as it can be compared
//! with a plan.

use serde::Serialize;

/// The document. Members that say nothing of a plan, such as `runs`, are not kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurements {
    /// The form of the document: 1.
    pub version: u64,
    /// The name of the model in `stages.json`.
    pub model: String,
    /// How many inferences at the start of each run do not count.
    pub warm_up_inferences: u64,
    /// The pipelines, each with a number of its own.
    pub pipelines: Vec<MeasuredPipeline>,
}

/// What was measured of one pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredPipeline {
    /// Its number, from 0.
    pub pipeline: u64,
    /// `full` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<String>,
    /// Mean seconds between completions in the steady state; absent where no run streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_s: Option<f64>,
    /// Of runs with one inference at a time where there are any, else of all runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<MeasuredLatency>,
    /// Which runs the latency is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_of: Option<LatencyOf>,
    /// The stages, by index.
    pub stages: Vec<MeasuredStage>,
    /// The transfers in the order of the pipeline: to each stage and to the sink.
    pub hops: Vec<MeasuredHop>,
}

/// The latency of an inference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeasuredLatency {
    /// Its mean, seconds.
    pub mean_s: f64,
    /// How many inferences it is of.
    pub count: u64,
}

/// The runs that a latency is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyOf {
    /// One inference was in the pipeline at a time: the latency that plans are about.
    OneAtATime,
    /// Inferences waited for each other.
    Stream,
}

/// What was measured of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredStage {
    /// From 0.
    pub index: u64,
    /// The node that ran it.
    pub node_id: String,
    /// How many inferences the means are of: those of streams where there are any, else all, without the warm-up.
    pub counted: u64,
    /// Mean seconds of compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_s: Option<f64>,
    /// Mean bytes of the tensors that arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_bytes: Option<f64>,
    /// Mean bytes of the tensors that it sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_bytes: Option<f64>,
    /// The time that it slept until, where it was paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace_s: Option<f64>,
    /// The most bytes of memory that its process had resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MeasuredMemory>,
    /// The same, while one inference was in the pipeline at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alone: Option<AloneStage>,
}

/// The memory of a stage's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MeasuredMemory {
    /// The most bytes that were resident.
    pub peak_bytes: u64,
}

/// What was measured of a stage that worked on one inference at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AloneStage {
    /// How many inferences the mean is of.
    pub counted: u64,
    /// Mean seconds of compute.
    pub compute_s: f64,
}

/// What was measured of a transfer, by its receiver.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredHop {
    /// `source`, or `stage N`.
    pub from: String,
    /// `stage N`, or `sink`.
    pub to: String,
    /// Of streams where there are any, else of all runs.
    #[serde(flatten)]
    pub transfers: Transfers,
    /// Of runs with one inference at a time: nothing else was on the network then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alone: Option<Transfers>,
}

/// Frames whose receiver waited for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Transfers {
    /// How many there are.
    pub measured: u64,
    /// Mean bytes of their tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    /// Mean seconds from the header of a frame to its last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_s: Option<f64>,
    /// Bits of tensors per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goodput_bps: Option<f64>,
}

impl MeasuredPipeline {
    /// Returns the mean latency in an empty pipeline, in seconds.
    pub(super) fn latency_alone_s(&self) -> Option<f64> {
        self.latency.filter(|_| self.latency_of == Some(LatencyOf::OneAtATime)).map(|latency| latency.mean_s)
    }
}

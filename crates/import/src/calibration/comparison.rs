//! What was planned beside what was measured.

use serde::{Deserialize, Serialize};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::paired::{Paired, PairedStage, PairedTransfer};

/// All pipelines of a placement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = MeasuredComparison))]
pub struct Comparison {
    /// The pipelines in their order.
    pub pipelines: Vec<PipelineComparison>,
}

/// One pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct PipelineComparison {
    /// Seconds between passes; absent where no run streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub period_s: Option<Compared>,
    /// Seconds from the source to the sink in an empty pipeline; absent where no run had one inference at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_s: Option<Compared>,
    /// The stages in their order.
    pub stages: Vec<StageComparison>,
    /// The transfers in the order of the pipeline.
    pub transfers: Vec<TransferComparison>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct StageComparison {
    /// From 0.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub index: u64,
    /// Its node.
    pub node_id: String,
    /// Seconds of compute for one pass.
    pub compute_s: Compared,
    /// Bytes of memory: those that the plan counts, and the most that the process had resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub memory_bytes: Option<Compared>,
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct TransferComparison {
    /// The sending node.
    pub from_node_id: String,
    /// The receiving node.
    pub to_node_id: String,
    /// Bytes of the tensors.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub bytes: u64,
    /// Seconds: by the plan with latencies, measured from the first to the last byte. Absent where no frame was awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub transfer_s: Option<Compared>,
}

/// A figure that was planned and measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema), schema(as = PlannedAndMeasured))]
pub struct Compared {
    /// By the placement document.
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub planned: f64,
    /// The mean of what was measured.
    #[cfg_attr(feature = "schema", schema(minimum = 0))]
    pub measured: f64,
    /// Measured over planned; absent where 0 was planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 0))]
    pub ratio: Option<f64>,
}

impl Compared {
    fn new(planned: f64, measured: f64) -> Self {
        let ratio = Some(measured / planned).filter(|ratio| ratio.is_finite());
        Self { planned, measured, ratio }
    }
}

pub(super) fn of(paired: &[Paired<'_>]) -> Comparison {
    Comparison { pipelines: paired.iter().map(pipeline).collect() }
}

fn pipeline(paired: &Paired<'_>) -> PipelineComparison {
    let compared = |planned: Option<f64>, measured: Option<f64>| Some(Compared::new(planned?, measured?));
    PipelineComparison {
        period_s: compared(paired.plan.period_s, paired.measured.period_s),
        latency_s: compared(paired.plan.latency_s, paired.measured.latency_alone_s()),
        stages: paired.stages.iter().map(stage).collect(),
        transfers: paired.transfers.iter().map(transfer).collect(),
    }
}

fn stage(it: &PairedStage<'_>) -> StageComparison {
    let peak = it.measured.memory.map(|memory| memory.peak_bytes as f64);
    StageComparison {
        index: it.measured.index,
        node_id: it.plan.node_id.clone(),
        compute_s: Compared::new(it.plan.compute_s, it.compute_s),
        memory_bytes: peak.map(|peak| Compared::new(it.plan.memory_bytes as f64, peak)),
    }
}

fn transfer(it: &PairedTransfer<'_>) -> TransferComparison {
    let measured_s = it.measured.and_then(|hop| hop.transfer_s.or_else(|| hop.alone?.transfer_s));
    TransferComparison {
        from_node_id: it.plan.from_node_id.to_owned(),
        to_node_id: it.plan.to_node_id.to_owned(),
        bytes: it.plan.bytes,
        transfer_s: measured_s.map(|measured_s| Compared::new(it.plan.transfer_s, measured_s)),
    }
}

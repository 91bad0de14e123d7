//! The explanation of an answer: what binds, the slack, the gain of upgrades, and repairs.

use serde::Serialize;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::placement::{Bottleneck, BottleneckKind, Reason, Status};

/// Why an answer is as it is, and what would help.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Explanation {
    /// What the explained answer claims.
    pub status: Status,
    /// The period of the explained placement, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub period_s: Option<f64>,
    /// The stages in order; empty without a placement, and where several pipelines were asked for.
    pub stages: Vec<StageSlack>,
    /// The transfers in order, from the source to the sink.
    pub transfers: Vec<TransferSlack>,
    /// The media that two or more transfers share, the most occupied first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub media: Vec<MediumSlack>,
    /// Everything whose time is the period.
    pub binding: Vec<Bottleneck>,
    /// Where several pipelines were asked for: each with its stages, its transfers and what binds, which are then not at the
    /// top.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub pipelines: Vec<PipelineSlack>,
    /// The media and nodes that several pipelines use for all of the time, with what more of each is worth.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub worth: Vec<Worth>,
    /// Where several pipelines with the largest sum of rates were asked for: the price of each node and shared medium that has
    /// one. Absent where the time did not suffice, and where a period is 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub prices: Vec<Price>,
    /// What would set the period if all that binds took no time; absent where nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub next_bottleneck: Option<NextBottleneck>,
    /// A faster placement that is not the answer, because its latency is larger and its period little smaller; absent where
    /// the answer is the fastest placement found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub alternative: Option<Alternative>,
    /// Stages that leave little memory free.
    pub warnings: Vec<MemoryWarning>,
    /// What single upgrades would give. Each upgraded request was solved.
    pub upgrades: Vec<Upgrade>,
    /// Why there is no placement; empty with one.
    pub reasons: Vec<Reason>,
    /// Single changes that make a placement possible, each verified; empty with a placement.
    pub repairs: Vec<Repair>,
    /// How many upgrades or changes the time limit left without a proof.
    pub undecided: u64,
}

/// A pipeline of several, and what of its times is to spare.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct PipelineSlack {
    /// The slowest stage or hop, seconds.
    pub period_s: f64,
    /// Passes per second that it is given; absent where the period is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub rate_per_s: Option<f64>,
    /// The stages in order. A slack is how much longer a step could take at the same rates.
    pub stages: Vec<StageSlack>,
    /// The transfers in order, from the source to the sink.
    pub transfers: Vec<TransferSlack>,
    /// Everything that keeps this pipeline from a larger rate: what takes all of the time between two passes, and media that
    /// are always busy.
    pub binding: Vec<Bottleneck>,
}

/// What more of a medium or node is worth that pipelines have in common: one of the two is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Worth {
    /// The medium.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub medium_id: Option<String>,
    /// With overlap `none`: the node, which is the source or the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub node_id: Option<String>,
    /// The passes per second by which the sum of these pipelines' rates grows at most if there were twice as much of it: its
    /// price in the linear program of the rates.
    pub worth_per_s: f64,
}

/// What one node more, or twice a medium, is worth to the linear relaxation of the request, in which pipelines may exist in
/// part: one of the two is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Price {
    /// The node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub node_id: Option<String>,
    /// The medium.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub medium_id: Option<String>,
    /// Passes per second. Whole pipelines may gain more or less: the upgrades say how much.
    pub price_per_s: f64,
}

/// A stage's time and memory, and what of them is to spare.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct StageSlack {
    /// From 0.
    pub index: u64,
    /// The node that runs it.
    pub node_id: String,
    /// Seconds of compute.
    pub time_s: f64,
    /// How much longer the compute could take before the period grows.
    pub slack_s: f64,
    /// With overlap `none`: all that the node receives, computes and sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub node_load_s: Option<f64>,
    /// Bytes of memory that the stage needs.
    pub memory_bytes: u64,
    /// Bytes that stages may take of the node.
    pub memory_capacity_bytes: u64,
    /// What of them stays free.
    pub free_bytes: u64,
}

/// A transfer's time, and what of it is to spare.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct TransferSlack {
    /// `source`, `hop` or `sink`.
    pub kind: BottleneckKind,
    /// The stage that sends, or for `source` receives.
    pub stage_index: u64,
    /// The sending node.
    pub from_node_id: String,
    /// The receiving node.
    pub to_node_id: String,
    /// Bytes of the tensors.
    pub bytes: u64,
    /// Seconds for which it counts: latencies that only delay it are left out.
    pub time_s: f64,
    /// How much longer it could take before the period grows.
    pub slack_s: f64,
}

/// What transfers take of a medium that they share, and what of it is to spare.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MediumSlack {
    /// The medium.
    pub id: String,
    /// Seconds that it is occupied in each period.
    pub occupied_s: f64,
    /// For how much longer it could be occupied before the period grows.
    pub slack_s: f64,
}

/// What sets the period when all that binds is taken away.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct NextBottleneck {
    /// Its seconds.
    pub time_s: f64,
    /// Everything that takes so long.
    pub binding: Vec<Bottleneck>,
}

/// A faster placement that was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Alternative {
    /// In words: how much faster it is, and what that costs.
    pub detail: String,
    /// Its period, seconds.
    pub period_s: f64,
    /// Its latency, seconds.
    pub latency_s: f64,
    /// The node of each of its stages, in order.
    pub node_ids: Vec<String>,
}

/// A stage that leaves little memory free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MemoryWarning {
    /// The kind of warning.
    pub code: MemoryWarningCode,
    /// The pipeline, from 0; absent where only one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub pipeline_index: Option<u64>,
    /// The stage.
    pub stage_index: u64,
    /// Its node.
    pub node_id: String,
    /// In words.
    pub detail: String,
}

/// The kinds of warning about memory, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MemoryWarningCode {
    /// Less than 5 % of what stages may take of the node stays free.
    LittleMemoryFree,
}

/// What one upgrade would give.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Upgrade {
    /// The kind of upgrade.
    pub kind: UpgradeKind,
    /// In words.
    pub detail: String,
    /// The node that is upgraded, or that one more is like; with it those for which the same holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub node_ids: Vec<String>,
    /// The medium that is upgraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub medium_id: Option<String>,
    /// The sending end of the link that is upgraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub from_node_id: Option<String>,
    /// Its receiving end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub to_node_id: Option<String>,
    /// What is known of the upgraded request: `optimal` or `feasible`.
    pub status: Status,
    /// The period of the best placement found for it.
    pub period_s: f64,
    /// The latency of that placement.
    pub latency_s: f64,
    /// How many stages that placement has, those of all pipelines together.
    pub stages: u64,
    /// No placement on the upgraded cluster has a smaller objective, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub lower_bound_s: Option<f64>,
    /// No placement on the upgraded cluster needs fewer nodes (objective `min_nodes`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub lower_bound_nodes: Option<u64>,
    /// The old objective divided by the new one; absent where the new one is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub gain: Option<f64>,
    /// Proven: the best possible objective gets better at least by this factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub gain_at_least: Option<f64>,
    /// Proven: it gets better at most by this factor; absent where nothing is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub gain_at_most: Option<f64>,
}

/// The kinds of upgrade, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpgradeKind {
    /// A link has twice the bandwidth.
    LinkTwiceAsFast,
    /// All that one medium carries is twice as fast, as on a channel of twice the width or on two.
    MediumTwiceAsFast,
    /// A station of the access point is wired to it.
    NodeWired,
    /// A node computes twice as fast.
    NodeTwiceAsFast,
    /// A node has twice the memory.
    NodeTwiceTheMemory,
    /// The cluster has one more node like this one, which the one pipeline may use for a further stage. What a second
    /// pipeline would let through is not asked, unless several were asked for.
    OneMoreNode,
}

/// A single change that makes a placement possible, verified by a placement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Repair {
    /// The kind of change.
    pub kind: RepairKind,
    /// In words.
    pub detail: String,
    /// The constraint that is changed, a JSON pointer into the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub pointer: Option<String>,
    /// Nodes concerned; the two ends of a link.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub node_ids: Vec<String>,
    /// Layers concerned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub layer_ids: Vec<String>,
    /// The medium concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub medium_id: Option<String>,
    /// With `more_memory`: how much more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub extra_bytes: Option<u64>,
    /// With `raise_…`: the new limit, seconds, stages or nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub raise_to: Option<f64>,
    /// With `more_memory` and `raise_…`: whether less is proven not to be enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub is_least: Option<bool>,
    /// With `add_link`: its bandwidth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub bandwidth_bps: Option<f64>,
    /// With `add_link`: the latency of the new link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub link_latency_s: Option<f64>,
    /// The period of the placement that verifies it.
    pub period_s: f64,
    /// The latency of that placement.
    pub latency_s: f64,
}

/// The kinds of change, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RepairKind {
    /// One node has more memory.
    MoreMemory,
    /// A pin is gone.
    DropPin,
    /// Layers need not stay together.
    DropColocation,
    /// An excluded or unschedulable node may host stages.
    AdmitNode,
    /// All excluded nodes may host stages.
    AdmitNodes,
    /// Nodes need no labels to host stages.
    DropNodeSelector,
    /// Inputs need not come from the source.
    DropSource,
    /// Outputs need not go to the sink.
    DropSink,
    /// More stages are allowed.
    RaiseMaxStages,
    /// More nodes are allowed.
    RaiseMaxNodes,
    /// A larger latency is allowed.
    RaiseMaxLatency,
    /// A larger period is allowed.
    RaiseMaxPeriod,
    /// A larger period is enough.
    RaiseTargetPeriod,
    /// Two nodes have a link that have none.
    AddLink,
    /// All that a medium carries is twice as fast.
    MediumTwiceAsFast,
    /// A station of the access point is wired to it.
    NodeWired,
}

/// What changes from one placement to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct PlacementDiff {
    /// The layers whose node does not hold them in the base, in the model's order.
    pub moved_layers: Vec<super::migration::MovedLayer>,
    /// Bytes of their parameters.
    pub shipped_bytes: u64,
    /// The busiest node's seconds of sending or of receiving, over direct links.
    pub estimated_s: f64,
    /// Bytes that no node of the cluster holds, or that no direct link carries; `estimated_s` leaves them out.
    pub unsourced_bytes: u64,
    /// Nodes that host a stage and host none in the base.
    pub gained_node_ids: Vec<String>,
    /// Nodes that host a stage in the base and host none any more.
    pub lost_node_ids: Vec<String>,
    /// The base's period, seconds.
    pub base_period_s: f64,
    /// The placement's period, seconds.
    pub period_s: f64,
    /// `period_s` − `base_period_s`: negative is better.
    pub period_change_s: f64,
    /// The base's latency, seconds.
    pub base_latency_s: f64,
    /// The placement's latency, seconds.
    pub latency_s: f64,
    /// `latency_s` − `base_latency_s`: negative is better.
    pub latency_change_s: f64,
}

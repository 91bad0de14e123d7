//! The placement document: the result of a plan and what it claims.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::migration::Migration;
use super::occupant::OccupantEffect;
use super::options::Algorithm;

/// What an answer claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Proven best among all placements with one stage a node, for this model, cluster and options.
    Optimal,
    /// Valid; `gap` says how far from the best it can be.
    Feasible,
    /// Proven that no placement exists.
    Infeasible,
    /// The time came before any placement or proof.
    Unknown,
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Termination {
    /// With the proof that the placement is best.
    Optimal,
    /// With the proof that no placement exists.
    Infeasible,
    /// With a gap no larger than the request allows.
    GapReached,
    /// The algorithm had nothing more to try, or no more memory to try it with.
    Exhausted,
    /// The time limit came.
    TimeLimit,
    /// Somebody stopped it.
    Stopped,
    /// It has not ended with this: the placement is the best so far.
    Unfinished,
    /// There was no search: somebody gave the stages by hand.
    ByHand,
}

/// A placement, or the proof that there is none, or neither.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct PlacementDocument {
    /// What the answer claims.
    pub status: Status,
    /// Why the search ended.
    pub termination: Termination,
    /// The algorithm that was asked for.
    pub algorithm: Algorithm,
    /// The seed of everything random.
    pub seed: u64,
    /// The slowest stage or hop, seconds: one pass comes out in each period. Of several pipelines 1 / `throughput_per_s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub period_s: Option<f64>,
    /// Passes per second, 1 / `period_s`, the sum of the pipelines' rates: each takes one batch of the model's `batch_size`
    /// inputs. Absent where the period is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub throughput_per_s: Option<f64>,
    /// With several pipelines and `max_throughput`: no pipelines on disjoint nodes make more passes per second together. Absent
    /// where nothing is proven, and where the period is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub throughput_upper_bound_per_s: Option<f64>,
    /// Inferences per second, `batch_size` / `period_s`; absent where the period is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub inferences_per_s: Option<f64>,
    /// The sum of all stage times and hops, seconds; of several pipelines the largest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_s: Option<f64>,
    /// Whether it is proven that no placement within the tolerance of the period has a smaller latency, or an equal one with
    /// fewer stages; only with `max_throughput` and without a base.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_is_least: Option<bool>,
    /// The smallest period found, seconds: the objective that `lower_bound_s` bounds and `gap` is about. `period_s` is larger
    /// where a smaller latency was worth it within `solver.tolerance`. Only with `max_throughput` and without a base; absent in
    /// documents of older versions, where it is `period_s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub least_period_s: Option<f64>,
    /// A placement with `least_period_s`; absent where that is `period_s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub fastest: Option<FastestPlacement>,
    /// No placement, one pipeline with one stage a node, has a smaller objective, seconds (a period or a latency).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub lower_bound_s: Option<f64>,
    /// No placement needs fewer nodes (objective `min_nodes`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective, where the objective of `max_throughput` is `least_period_s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub gap: Option<f64>,
    /// The cuts that the search went over; absent without a placement, and in documents of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub cuts: Option<CutsConsidered>,
    /// The pipelines, each on nodes of its own: one, or with several the fastest first; empty without a placement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub pipelines: Vec<Pipeline>,
    /// The media that two or more transfers use, the most occupied first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub media: Vec<MediumUse>,
    /// With the objective `tradeoff`: every placement that no other beats in both period and latency, by ascending
    /// period; the first is the one of `pipelines`. Two of them differ by more than rounding (a relative 10⁻¹²) in both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub front: Vec<FrontPoint>,
    /// With a base: what must be shipped to come from there to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub migration: Option<Migration>,
    /// What this placement does to each occupant of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub occupants: Vec<OccupantEffect>,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// Why there is no placement; empty with one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub reasons: Vec<Reason>,
    /// Seconds that the search took.
    pub solve_s: f64,
    /// The version of Cutpoint.
    pub solver_version: String,
}

impl PlacementDocument {
    /// Returns the first pipeline, or `None` if there is no placement. It is the only one unless the request allows several.
    pub fn pipeline(&self) -> Option<&Pipeline> {
        self.pipelines.first()
    }

    /// Returns the smallest period found, in seconds, or `None` if there is no placement.
    pub fn least_period_s(&self) -> Option<f64> {
        self.least_period_s.or(self.period_s)
    }

    /// Returns the stages of the first pipeline, in order. The list is empty if there is no
    /// placement.
    pub fn stages(&self) -> &[Stage] {
        self.pipeline().map_or(&[], |pipeline| &pipeline.stages)
    }

    /// Returns the number of nodes of all pipelines together. A node runs one stage.
    pub fn node_count(&self) -> usize {
        self.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum()
    }
}

/// How many cuts a search went over. Bounds hold for all cuts, however many were considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct CutsConsidered {
    /// Cuts between which placements were looked for.
    pub considered: u64,
    /// Cuts that the model has under the policy, its groups and the colocations; with `more`, more than so many.
    pub count: u64,
    /// Whether the model has more cuts than were counted.
    pub more: bool,
}

/// Stages through which inputs stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Pipeline {
    /// The slowest stage or hop, seconds: one pass comes out in each period.
    pub period_s: f64,
    /// Passes per second that it is given, at most 1 / `period_s`; absent where the period is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub rate_per_s: Option<f64>,
    /// The sum of all stage times and hops, seconds.
    pub latency_s: f64,
    /// What sets the period.
    pub bottleneck: Bottleneck,
    /// The stages in order, at least one.
    pub stages: Vec<Stage>,
}

/// What the transfers of a placement take of a medium.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct MediumUse {
    /// Its name; where nobody named it, `a -> b` for a direction of a link or segment, `a -- b` for both, `a port`, `a port out`
    /// or `a port in` for a node's port, `a wire out` or `a wire in` for its wire to the access point.
    pub id: String,
    /// Seconds that it is occupied in each period, by all transfers together.
    pub occupied_s: f64,
}

/// A placement that no other beats in both period and latency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct FrontPoint {
    /// The slowest stage or hop, seconds.
    pub period_s: f64,
    /// The sum of all stage times and hops, seconds.
    pub latency_s: f64,
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// The placement with the smallest period found, where another one is the answer for its smaller latency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct FastestPlacement {
    /// The slowest stage or hop, seconds.
    pub period_s: f64,
    /// The sum of all stage times and hops, seconds.
    pub latency_s: f64,
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// Layers on one node: those of a cut that are in no cut before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Stage {
    /// From 0.
    pub index: u64,
    /// The node that runs it.
    pub node_id: String,
    /// Its layers, in topological order.
    pub layer_ids: Vec<String>,
    /// The constant layers that lead to its layers, in topological order: weights, shapes, and what is computed of them alone.
    /// Each stage that needs one has a copy of it. The last stage also has those that are outputs of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub constant_layer_ids: Vec<String>,
    /// Bytes of parameters, those of its constant layers included.
    pub param_bytes: u64,
    /// Bytes of memory that it takes of its node: what it needs by the memory model, scaled, and the
    /// overhead.
    pub memory_bytes: u64,
    /// Bytes that the node has free for stages.
    pub memory_capacity_bytes: u64,
    /// Seconds of compute for one pass.
    pub compute_s: f64,
    /// The share of the node's time that occupants leave; absent where it is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub compute_share: Option<f64>,
    /// What arrives; absent where the input is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub receive: Option<Receive>,
    /// What leaves; absent where the output stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub send: Option<Send>,
}

/// A transfer that arrives at a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Receive {
    /// The sending node.
    pub from_node_id: String,
    /// The layers whose tensors travel: those that the sender names, or from the source the model's inputs. Absent in
    /// placements that were made before version 0.3.0.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub tensor_layer_ids: Vec<String>,
    /// Bytes of the tensors, before `transfer_scale`.
    pub bytes: u64,
    /// Seconds until it has arrived, latencies included.
    pub transfer_s: f64,
    /// The share of the link's bandwidth that occupants leave; absent where it is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub bandwidth_share: Option<f64>,
    /// Nodes and switches that the transfer passes, its two ends included; absent where it is direct.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub route: Vec<String>,
}

/// A transfer that leaves a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Send {
    /// The receiving node.
    pub to_node_id: String,
    /// The layers whose tensors travel.
    pub tensor_layer_ids: Vec<String>,
    /// Bytes of the tensors, before `transfer_scale`.
    pub bytes: u64,
    /// Seconds until it has arrived, latencies included.
    pub transfer_s: f64,
    /// The share of the link's bandwidth that occupants leave; absent where it is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub bandwidth_share: Option<f64>,
    /// Nodes and switches that the transfer passes, its two ends included; absent where it is direct.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub route: Vec<String>,
}

/// What sets the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Bottleneck {
    /// What it is.
    pub kind: BottleneckKind,
    /// The stage: the one that computes, sends (`hop`, `sink`) or receives (`source`); of a medium the first that sends or
    /// receives on it.
    pub stage_index: u64,
    /// The medium, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub medium_id: Option<String>,
}

/// The kinds of bottleneck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BottleneckKind {
    /// A stage's compute.
    Stage,
    /// A transfer to the next stage.
    Hop,
    /// The transfer of the input from the source to the first stage.
    Source,
    /// The transfer of the output from the last stage to the sink.
    Sink,
    /// With overlap `none`: all that a stage's node receives, computes and sends.
    Node,
    /// A medium, with all transfers that it carries.
    Medium,
}

/// What the reader of a placement should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Warning {
    /// The kind of warning.
    pub code: WarningCode,
    /// In words.
    pub detail: String,
}

/// The kinds of warning, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A node has neither a speed nor timings: its compute counts as zero.
    ComputeUnknown,
    /// A node has timings for some layers only and no speed: the others count as zero.
    ComputePartlyUnknown,
    /// The model has more cuts than the search holds: it considered some, while its bound holds for all.
    CutsLeftOut,
    /// A model of several layers has some that no edge leads to or from, or no edges at all: each of them reads nothing,
    /// and its tensor is an output of the model.
    LayersUnconnected,
    /// Constant layers (which no input of the model reaches) that no layer reads: their tensors are outputs of the model, and
    /// the last stage delivers them.
    ConstantsUnread,
}

/// Why there is no placement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Reason {
    /// The kind of reason.
    pub code: ReasonCode,
    /// In words, with the figures.
    pub detail: String,
    /// The figures by name, in the unit that the name says.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub figures: BTreeMap<String, f64>,
    /// Layers concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub layer_ids: Vec<String>,
    /// Nodes concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub node_ids: Vec<String>,
    /// Media that are too busy, the busiest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub medium_ids: Vec<String>,
}

/// The kinds of reason, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// No node is left to host a stage.
    NoEligibleNode,
    /// No node can hold a block.
    BlockTooLarge,
    /// The nodes together have too little memory.
    TotalMemory,
    /// Fewer nodes, or fewer allowed stages, than stages needed.
    TooFewNodes,
    /// No path of links connects nodes that could hold the stages in order.
    NoConnectedPath,
    /// Constraints exclude one another, or ask of a node more than it can hold.
    ConflictingConstraints,
    /// No placement keeps to the latency limit, or none reaches the target period.
    TargetOutOfReach,
    /// The search went through everything.
    Exhausted,
}

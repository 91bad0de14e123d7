//! Deployments: the policy, the condition, and what is proposed and applied.

use cutpoint_planner::domain::options::{Constraints, CostModel, Objective, PipelineOptions, SolverOptions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::id::Id;
use super::named::{by_name, named};

named! {
    /// What to do when what runs is no longer as it should be.
    pub enum OnChange {
        /// Plan and propose.
        Automatic = "automatic",
        /// Only say so.
        Notify = "notify",
    }
}

named! {
    /// The condition of what is applied.
    pub enum ConditionStatus {
        /// Nothing is applied yet.
        Pending = "pending",
        /// It is valid and fast enough.
        Healthy = "healthy",
        /// It is valid, but slower than the policy allows.
        Degraded = "degraded",
        /// It has violations.
        Broken = "broken",
    }
}

named! {
    /// Why something was proposed, applied, withdrawn or not found.
    pub enum DeploymentReason {
        /// Nothing was applied yet.
        New = "new",
        /// The options changed.
        OptionsChanged = "options_changed",
        /// A node is lost, and the fallback that was planned ahead fits.
        NodeLost = "node_lost",
        /// What is applied has violations.
        Broken = "broken",
        /// What is applied is slower than the policy allows.
        Degraded = "degraded",
        /// There is a placement that is as much faster as the policy asks for.
        Improvement = "improvement",
        /// Several deployments were planned together.
        Together = "together",
        /// What is proposed was applied, or what was and never ran.
        Acknowledged = "acknowledged",
        /// An earlier placement was applied again.
        RolledBack = "rolled_back",
        /// The proposal has violations on the changed cluster.
        NoLongerFits = "no_longer_fits",
        /// What is applied is as it should be again.
        NoLongerNeeded = "no_longer_needed",
        /// A plan gave no placement, or none that is better.
        NoPlacement = "no_placement",
    }
}

named! {
    /// What happened to a deployment.
    pub enum HistoryKind {
        /// A placement was proposed.
        Proposed = "proposed",
        /// A placement was applied.
        Applied = "applied",
        /// A proposal was withdrawn.
        Withdrawn = "withdrawn",
        /// A plan gave nothing.
        Failed = "failed",
    }
}

named! {
    /// What is known of the loss of a node.
    pub enum FallbackStatus {
        /// There is a placement to go to.
        Ready = "ready",
        /// It is proven that there is none.
        Impossible = "impossible",
        /// None was found.
        Failed = "failed",
    }
}

/// The options of a deployment's plans, as those of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeploymentOptions {
    /// What to optimise; by default the throughput.
    #[schema(nullable = false)]
    pub objective: Option<Objective>,
    /// The constraints on the placement.
    #[schema(nullable = false)]
    pub constraints: Option<Constraints>,
    /// How memory, transfers and compute are counted.
    #[schema(nullable = false)]
    pub cost_model: Option<CostModel>,
    /// The algorithm and its limits.
    #[schema(nullable = false)]
    pub solver: Option<SolverOptions>,
    /// How many pipelines the placement may have; one where this is absent.
    #[schema(nullable = false)]
    pub pipelines: Option<PipelineOptions>,
}

impl DeploymentOptions {
    /// Field names of the document.
    pub const FIELDS: &'static [&'static str] = &["objective", "constraints", "cost_model", "solver", "pipelines"];
}

/// When to propose what. Everything has a default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// What to do when what runs is no longer as it should be.
    #[serde(deserialize_with = "by_name")]
    #[schema(default = "automatic", required = false)]
    pub on_change: OnChange,
    /// How many times the period that it had when it was applied a running placement may have, and how many times the least
    /// period a proposal may have in order to ship less.
    #[schema(default = 1.2, minimum = 1, maximum = 1e100, required = false)]
    pub max_period_ratio: f64,
    /// How many times as fast a placement must be to be proposed while everything is healthy. Absent, or if changes only
    /// notify: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1e100)]
    pub min_improvement: Option<f64>,
    /// How many times its predicted period what runs may have as measured. Above it, what runs is degraded, and plans avoid
    /// what is slow. Absent: measurements change nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 1e100)]
    pub max_measured_ratio: Option<f64>,
    /// Seconds from one proposal to the next.
    #[schema(default = 30.0, minimum = 0, maximum = 1e6, required = false)]
    pub cool_down_s: f64,
    /// The most proposals within any hour.
    #[schema(default = 12, minimum = 1, maximum = 3600, required = false)]
    pub max_proposals_per_hour: u64,
}

impl Policy {
    /// Field names of the document.
    pub const FIELDS: &'static [&'static str] = &[
        "on_change",
        "max_period_ratio",
        "min_improvement",
        "max_measured_ratio",
        "cool_down_s",
        "max_proposals_per_hour",
    ];
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_change: OnChange::Automatic,
            max_period_ratio: 1.2,
            min_improvement: None,
            max_measured_ratio: None,
            cool_down_s: 30.0,
            max_proposals_per_hour: 12,
        }
    }
}

/// How what is applied stands on the newest revision of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// The condition.
    #[serde(deserialize_with = "by_name")]
    pub status: ConditionStatus,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// The revision of the cluster on which it was evaluated last; absent while nothing is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub cluster_revision: Option<u64>,
    /// Its period there, seconds; absent where a stage or a hop has no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// Its latency there, seconds; absent with the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub latency_s: Option<f64>,
    /// Everything that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, value_type = Vec<cutpoint_planner::check::Violation>)]
    pub violations: Vec<Value>,
    /// What runners measured last; absent where it is as fast as the policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub slowdown: Option<Slowdown>,
}

/// What runs is slower than predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slowdown {
    /// The measurements.
    #[schema(value_type = String)]
    pub measurement_id: Id,
    /// When they were stored.
    #[schema(value_type = String, format = DateTime)]
    pub measured_at: Timestamp,
    /// The measured period of all pipelines together, seconds.
    pub period_s: f64,
    /// The period that was predicted beside what else runs, seconds.
    pub predicted_period_s: f64,
    /// The nodes whose stages compute for longer than predicted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub nodes: Vec<SlowNode>,
    /// The links whose transfers take longer than predicted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub links: Vec<SlowLink>,
}

/// A node that computes for longer than predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlowNode {
    /// The node.
    pub node_id: String,
    /// Measured over predicted.
    #[schema(minimum = 1)]
    pub ratio: f64,
}

/// A link on which transfers take longer than predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlowLink {
    /// The sending node.
    pub from_node_id: String,
    /// The receiving node.
    pub to_node_id: String,
    /// Measured over predicted, both without latencies.
    #[schema(minimum = 1)]
    pub ratio: f64,
}

/// What runs, as the orchestrator said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// The placement.
    #[schema(value_type = String)]
    pub placement_id: Id,
    /// When the orchestrator said so.
    #[schema(value_type = String, format = DateTime)]
    pub applied_at: Timestamp,
    /// The revision of the cluster at that time.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// Its period at that time, seconds.
    pub period_s: f64,
    /// Its latency at that time, seconds.
    pub latency_s: f64,
}

/// What is to run next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proposed {
    /// The placement.
    #[schema(value_type = String)]
    pub placement_id: Id,
    /// Why.
    #[serde(deserialize_with = "by_name")]
    pub reason: DeploymentReason,
    /// When it was proposed.
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// The revision of the cluster that it was evaluated on.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// Its period there, seconds.
    pub period_s: f64,
    /// Its latency there, seconds.
    pub latency_s: f64,
    /// Bytes of parameters to ship from what is applied; absent while nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipped_bytes: Option<u64>,
    /// What it does to other deployments of the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub others: Vec<EffectOnOther>,
}

/// What a proposal does to another deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectOnOther {
    /// The other deployment.
    #[schema(value_type = String)]
    pub deployment_id: Id,
    /// Its period now, seconds.
    pub period_s: f64,
    /// Its period beside the proposal, seconds.
    pub new_period_s: f64,
}

/// Why the last plan gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanFailure {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why, with advice.
    pub detail: String,
}

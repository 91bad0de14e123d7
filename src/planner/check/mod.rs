//! The independent checker: recomputes a placement from the model profile and the cluster inventory alone.
//!
//! It shares no code with the solvers: not their problem, not their cost model, and of `domain` nothing that computes
//! a chain, a boundary or a live tensor. Its walks are naive on purpose, so that reading them is enough to trust
//! them. A placement costs O(L + E) for its stages and as much again for each cut and each derived activation.

mod proposal;
mod violation;

pub use proposal::StageProposal;
pub use violation::{Violation, ViolationCode};

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::placement::{Bottleneck, PlacementDocument, Stage, Warning};
use crate::domain::request::PlanRequest;

/// What proposed stages cost, and everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Evaluation {
    /// The slowest stage or hop, seconds; absent where a stage or a hop has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// 1 / `period_s`; absent where the period is 0 or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub throughput_per_s: Option<f64>,
    /// The sum of all stage times and hops, seconds; absent where a stage or a hop has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub latency_s: Option<f64>,
    /// The stages that could be computed, each with its index among the proposed: those of a known node and of
    /// consecutive known layers. A transfer without a link is absent.
    pub stages: Vec<Stage>,
    /// What sets the period; absent with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bottleneck: Option<Bottleneck>,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// Everything that is wrong; empty for a valid placement.
    pub violations: Vec<Violation>,
}

/// Computes what proposed stages cost under a request, and finds every violation of the law and of its constraints.
pub fn evaluate(request: &PlanRequest, proposals: &[StageProposal]) -> Evaluation {
    let _ = (request, proposals);
    Evaluation {
        period_s: None,
        throughput_per_s: None,
        latency_s: None,
        stages: Vec::new(),
        bottleneck: None,
        warnings: Vec::new(),
        violations: Vec::new(),
    }
}

/// Checks a placement document against its request: the stages as [`evaluate`] does, every figure, every claim.
pub fn check(request: &PlanRequest, document: &PlacementDocument) -> Vec<Violation> {
    let _ = (request, document);
    Vec::new()
}

//! The independent checker: recomputes a placement from the model profile and the cluster inventory
//! only.
//!
//! It shares no code with the solvers: neither their instance nor their cost model. It also uses
//! nothing of `domain` that computes a cut, a boundary, a constant, a live tensor or a latency. Its walks are
//! simple on purpose, so that they can be verified by reading. A placement takes O(L + E) for its
//! stages, plus what crosses each cut. Derived activations take O(L + E) if tensors live for a
//! short time, and at most O((L + E) · L / 128).

mod cost;
mod cuts;
mod document;
mod fused;
mod graph;
mod layout;
mod linear;
mod loose;
mod media;
mod occupied;
mod pace;
mod route;
mod rules;
mod several;
mod sharing;
mod shipping;
mod transfer;
mod violation;

#[cfg(test)]
mod tests;

pub use crate::domain::proposal::StageProposal;
pub use several::{EvaluatedPipeline, PipelinesEvaluation, evaluate_pipelines};
pub use violation::{Violation, ViolationCode};

use serde::Serialize;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use self::cost::Costs;
use self::cuts::Cuts;
use self::graph::Graph;
use self::layout::{Laid, lay};
use self::media::{SharedMedium, shared_media};
use self::occupied::{Occupied, Paced};
use self::transfer::{Traffic, enter_transfers};
use crate::domain::migration::Migration;
use crate::domain::occupant::OccupantEffect;
use crate::domain::placement::{Bottleneck, MediumUse, PlacementDocument, Stage, Warning};
use crate::domain::request::PlanRequest;

/// What proposed stages cost, and everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Evaluation {
    /// The slowest stage or hop, seconds; absent where a stage or a hop has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub period_s: Option<f64>,
    /// Passes of the pipeline per second, 1 / `period_s`: each takes one batch of the model's `batch_size` inputs. Absent
    /// where the period is 0 or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub throughput_per_s: Option<f64>,
    /// Inferences per second, `batch_size` / `period_s`; absent where the period is 0 or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub inferences_per_s: Option<f64>,
    /// The sum of all stage times and hops, seconds; absent where a stage or a hop has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_s: Option<f64>,
    /// The stages that could be computed, each with its index among the proposed: those of a known node and of
    /// known layers. A transfer without a route is absent.
    pub stages: Vec<Stage>,
    /// What sets the period; absent with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub bottleneck: Option<Bottleneck>,
    /// The media that two or more transfers use, the most occupied first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub media: Vec<MediumUse>,
    /// With a base: what must be shipped to come from there to these stages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub migration: Option<Migration>,
    /// What these stages do to each occupant of the request; absent with the period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub occupants: Vec<OccupantEffect>,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// Everything that is wrong; empty for a valid placement.
    pub violations: Vec<Violation>,
}

/// Computes what proposed stages cost under a request, and finds every violation of the cost
/// model's rules and of the request's constraints. The result has no period and no latency if the
/// stages do not cover the model or if a route is missing.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::check::evaluate;
/// use cutpoint_planner::domain::proposal::StageProposal;
/// use cutpoint_planner::domain::request::PlanRequest;
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {
///         "name": "two-layers",
///         "layers": [
///             {"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000},
///             {"id": "dense", "param_bytes": 600_000, "output_bytes": 40, "flops": 1_000_000}
///         ],
///         "edges": [{"from": "conv", "to": "dense"}]
///     },
///     "cluster": {
///         "name": "shelf",
///         "nodes": [
///             {"id": "pi-1", "memory_bytes": 1_000_000, "flops_per_s": 1e9},
///             {"id": "pi-2", "memory_bytes": 1_000_000, "flops_per_s": 2e9}
///         ],
///         "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0}
///     }
/// }))
/// .expect("the request is valid");
///
/// let stage = |node: &str, layer: &str| StageProposal { node_id: node.to_owned(), layer_ids: vec![layer.to_owned()] };
///
/// let good = evaluate(&request, &[stage("pi-2", "conv"), stage("pi-1", "dense")]);
/// assert!(good.violations.is_empty());
/// assert_eq!(good.period_s, Some(0.01));
///
/// let bad = evaluate(&request, &[stage("pi-2", "conv")]);
/// assert!(!bad.violations.is_empty(), "the layer dense is nowhere");
/// ```
pub fn evaluate(request: &PlanRequest, proposals: &[StageProposal]) -> Evaluation {
    evaluate_with_loads(request, proposals).evaluation
}

/// Checks a placement document against its request. The stages are checked as [`evaluate`] does,
/// and every figure and every claim is checked. Returns all violations; the list is empty if the
/// document is valid.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::check::check;
/// use cutpoint_planner::domain::request::PlanRequest;
/// use cutpoint_planner::env::{NeverStop, NoProgress};
/// use cutpoint_planner::{Env, plan};
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {
///         "name": "two-layers",
///         "layers": [
///             {"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000},
///             {"id": "dense", "param_bytes": 600_000, "output_bytes": 40, "flops": 1_000_000}
///         ],
///         "edges": [{"from": "conv", "to": "dense"}]
///     },
///     "cluster": {
///         "name": "shelf",
///         "nodes": [
///             {"id": "pi-1", "memory_bytes": 1_000_000, "flops_per_s": 1e9},
///             {"id": "pi-2", "memory_bytes": 1_000_000, "flops_per_s": 2e9}
///         ],
///         "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0}
///     }
/// }))
/// .expect("the request is valid");
///
/// let mut answer = plan(&request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress })?;
/// assert!(check(&request, &answer).is_empty());
///
/// answer.period_s = Some(0.005);
/// assert!(!check(&request, &answer).is_empty(), "no stage is that quick");
/// # Ok::<(), cutpoint_planner::CheckFailure>(())
/// ```
pub fn check(request: &PlanRequest, document: &PlacementDocument) -> Vec<Violation> {
    document::check(request, document)
}

/// An evaluation, and what a document is compared with in addition.
struct Evaluated<'a> {
    evaluation: Evaluation,
    /// Its transfers.
    traffic: Traffic<'a>,
    /// The loads of which the period is the largest; empty if a stage or a transfer has no time.
    loads: Vec<(Bottleneck, f64)>,
    /// The seconds by which its times may differ in another order of summing.
    rounding_s: f64,
}

fn evaluate_with_loads<'a>(request: &'a PlanRequest, proposals: &[StageProposal]) -> Evaluated<'a> {
    let mut violations = Vec::new();
    let graph = Graph::new(&request.model);
    let laid = lay(&request.model, &request.cluster, &graph, proposals, &mut violations);
    let covers = violations.is_empty();
    let cuts = Cuts::new(&request.model, &graph, &laid);
    rules::check_stage_count(request, laid.len(), &mut violations);
    rules::check_nodes(request, &laid, &mut violations);
    rules::check_cuts(request, &graph, &cuts, &laid, &mut violations);
    rules::check_pins(request, proposals, &mut violations);
    rules::check_colocations(request, proposals, &mut violations);
    rules::check_groups(request, &graph, proposals, &mut violations);

    let occupied = Occupied::new(request);
    let costs = Costs::new(request, &graph, &cuts, &occupied);
    let stage_of = |(index, laid): (usize, &Laid<'_>)| {
        laid.whole().map(|(node, places)| costs.stage(index, index + 1 == proposals.len(), node, places))
    };
    let mut stages: Vec<Option<Stage>> = laid.iter().enumerate().map(stage_of).collect();
    let rounding_s = laid.iter().filter_map(Laid::whole).map(|(node, _)| costs.rounding_s(node)).sum();
    let unknown_s = laid.iter().filter_map(Laid::whole).filter_map(|(node, places)| costs.warning(node, places));
    let warnings = loose::warnings(&request.model, &graph).into_iter().chain(unknown_s).collect();
    rules::check_memory(&stages, &mut violations);
    let traffic = enter_transfers(request, &occupied, &cuts, &laid, &mut stages, &mut violations);

    let stages: Vec<Stage> = stages.into_iter().flatten().collect();
    let evaluation = Evaluation {
        period_s: None,
        throughput_per_s: None,
        inferences_per_s: None,
        latency_s: None,
        stages,
        bottleneck: None,
        media: Vec::new(),
        migration: shipping::migration(request, &graph, &[proposals]),
        occupants: Vec::new(),
        warnings,
        violations,
    };
    if !(covers && traffic.is_whole) {
        return Evaluated { evaluation, traffic, loads: Vec::new(), rounding_s };
    }
    let (mut evaluation, loads) = timed(request, evaluation, &traffic, rounding_s);
    let every_s = evaluation.period_s.unwrap_or(0.0);
    evaluation.occupants = occupied.effects(&[Paced::new(&evaluation.stages, &traffic, every_s)]);
    Evaluated { evaluation, traffic, loads, rounding_s }
}

/// Adds period and latency, and the violations of their limits, to stages that cover the model with
/// every transfer.
fn timed(
    request: &PlanRequest,
    evaluation: Evaluation,
    traffic: &Traffic<'_>,
    rounding_s: f64,
) -> (Evaluation, Vec<(Bottleneck, f64)>) {
    let latency_s = pace::latency_s(&evaluation.stages);
    let media = shared_media(request, traffic);
    let loads = pace::loads(request, &evaluation.stages, traffic, &media);
    let Some((bottleneck, period_s)) = pace::bottleneck(&loads) else {
        return (evaluation, loads);
    };
    let mut violations = evaluation.violations;
    rules::check_times(request, period_s, latency_s, rounding_s, &mut violations);
    let evaluation = Evaluation {
        period_s: Some(period_s),
        throughput_per_s: throughput_per_s(period_s),
        inferences_per_s: inferences_per_s(request, period_s),
        latency_s: Some(latency_s),
        bottleneck: Some(bottleneck),
        media: media.iter().map(SharedMedium::usage).collect(),
        violations,
        ..evaluation
    };
    (evaluation, loads)
}

/// Returns passes per second, or `None` if the period is zero or too small for a finite rate.
fn throughput_per_s(period_s: f64) -> Option<f64> {
    Some(1.0 / period_s).filter(|throughput| throughput.is_finite())
}

/// Returns inferences per second, a whole batch in each pass, or `None` if the rate is not finite.
fn inferences_per_s(request: &PlanRequest, period_s: f64) -> Option<f64> {
    let inferences_per_s = request.model.batch_size as f64 / period_s;
    inferences_per_s.is_finite().then_some(inferences_per_s)
}

//! What several proposed pipelines cost together, and everything that is wrong with them.

use std::collections::BTreeMap;

use serde::Serialize;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::graph::Graph;
use super::occupied::{Occupied, Paced};
use super::rules::TOLERANCE;
use super::sharing::{best_rates, media, uses};
use super::shipping;
use super::{Evaluated, Evaluation, StageProposal, Violation, ViolationCode, evaluate_with_loads, throughput_per_s};
use crate::domain::explanation::Worth;
use crate::domain::migration::Migration;
use crate::domain::occupant::OccupantEffect;
use crate::domain::options::Objective;
use crate::domain::placement::{Bottleneck, MediumUse, Stage, Warning};
use crate::domain::request::PlanRequest;
use crate::domain::unit::{counted, seconds_text};

/// What proposed pipelines cost together at the rates with the largest sum, and everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct PipelinesEvaluation {
    /// 1 / `throughput_per_s`, seconds; absent where a pipeline has no period.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub period_s: Option<f64>,
    /// Passes per second of all pipelines together. Absent where a period is 0 or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub throughput_per_s: Option<f64>,
    /// Inferences per second of all pipelines together; absent with `throughput_per_s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub inferences_per_s: Option<f64>,
    /// The largest latency of a pipeline, seconds; absent with the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_s: Option<f64>,
    /// The pipelines as they were proposed.
    pub pipelines: Vec<EvaluatedPipeline>,
    /// The media that two or more transfers use, the most occupied first; empty without a period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub media: Vec<MediumUse>,
    /// The media and nodes that several pipelines use for all of the time, with what more of each is worth.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub worth: Vec<Worth>,
    /// With a base: what must be shipped to come from there to these pipelines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub migration: Option<Migration>,
    /// What these pipelines do to each occupant of the request; absent with the period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub occupants: Vec<OccupantEffect>,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
    /// Everything that is wrong; empty for valid pipelines.
    pub violations: Vec<Violation>,
}

/// What a proposed pipeline costs by itself, and its rate beside the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct EvaluatedPipeline {
    /// The slowest stage or hop, seconds; absent where a stage or a hop has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub period_s: Option<f64>,
    /// Passes per second that it is given. Absent where a period is 0 or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub rate_per_s: Option<f64>,
    /// The sum of all stage times and hops, seconds; absent where a stage or a hop has no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub latency_s: Option<f64>,
    /// What sets the period; absent with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub bottleneck: Option<Bottleneck>,
    /// The stages that could be computed.
    pub stages: Vec<Stage>,
}

/// Computes what proposed pipelines cost together under a request, at the rates with the largest sum, and finds every
/// violation. Violations of one pipeline name it.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::check::evaluate_pipelines;
/// use cutpoint_planner::domain::proposal::StageProposal;
/// use cutpoint_planner::domain::request::PlanRequest;
/// use serde_json::json;
///
/// let request = PlanRequest::from_json(&json!({
///     "model": {
///         "name": "one-layer",
///         "layers": [{"id": "conv", "param_bytes": 800_000, "output_bytes": 4_000, "flops": 20_000_000}]
///     },
///     "cluster": {
///         "name": "shelf",
///         "nodes": [
///             {"id": "pi-1", "memory_bytes": 1_000_000, "flops_per_s": 1e9},
///             {"id": "pi-2", "memory_bytes": 1_000_000, "flops_per_s": 2e9}
///         ]
///     },
///     "pipelines": {}
/// }))
/// .expect("the request is valid");
///
/// let copy = |node: &str| vec![StageProposal { node_id: node.to_owned(), layer_ids: vec!["conv".to_owned()] }];
///
/// let both = evaluate_pipelines(&request, &[copy("pi-1"), copy("pi-2")]);
/// assert!(both.violations.is_empty());
/// assert_eq!(both.throughput_per_s, Some(150.0));
///
/// let twice = evaluate_pipelines(&request, &[copy("pi-1"), copy("pi-1")]);
/// assert_eq!(twice.violations[0].node_ids, ["pi-1"]);
/// ```
pub fn evaluate_pipelines(request: &PlanRequest, pipelines: &[Vec<StageProposal>]) -> PipelinesEvaluation {
    let evaluated: Vec<Evaluated<'_>> =
        pipelines.iter().map(|proposals| evaluate_with_loads(request, proposals)).collect();
    let nodes: Vec<Vec<&str>> =
        pipelines.iter().map(|stages| stages.iter().map(|it| it.node_id.as_str()).collect()).collect();
    let mut violations = count_violations(request, &nodes);
    let mut warnings: Vec<Warning> = Vec::new();
    for (index, Evaluated { evaluation, .. }) in evaluated.iter().enumerate() {
        let own = evaluation.violations.iter().cloned().map(|violation| violation.of_pipeline(index));
        violations.extend(own);
        warnings.extend(evaluation.warnings.iter().filter(|it| !warnings.contains(it)).cloned().collect::<Vec<_>>());
    }
    let periods_s: Option<Vec<f64>> = evaluated.iter().map(|it| it.evaluation.period_s).collect();
    let timed = periods_s.filter(|periods_s| !periods_s.is_empty());
    let instant = timed.as_ref().is_some_and(|all| all.iter().any(|&period_s| throughput_per_s(period_s).is_none()));
    if instant && pipelines.len() > 1 {
        let detail = "a pipeline has the period 0: it is all that is needed";
        violations.push(Violation::new(ViolationCode::TooManyPipelines, detail));
    }
    let uses = uses(request, &evaluated);
    let (rates, worth): (Option<Vec<f64>>, Vec<Worth>) = match &timed {
        Some(periods_s) if instant => (Some(periods_s.iter().map(|&period_s| 1.0 / period_s).collect()), Vec::new()),
        Some(periods_s) => {
            let (rates, worth) = best_rates(&uses, periods_s);
            (Some(rates), worth)
        }
        None => (None, Vec::new()),
    };
    let per_s = rates.as_ref().map(|rates| rates.iter().sum::<f64>());
    let period_s = per_s.map(|per_s| 1.0 / per_s);
    if let (Objective::MinNodes { target_period_s }, Some(period_s)) = (request.options.objective, period_s) {
        violations.extend(target_violation(period_s, target_period_s).filter(|_| request.options.wants_several()));
    }
    let paced = |rates: &Vec<f64>| -> Vec<Paced<'_>> {
        let pipelines = evaluated.iter().zip(rates);
        pipelines.map(|(it, rate)| Paced::new(&it.evaluation.stages, &it.traffic, 1.0 / rate)).collect()
    };
    let finite = |rate: f64| Some(rate).filter(|rate| rate.is_finite());
    PipelinesEvaluation {
        period_s,
        throughput_per_s: per_s.and_then(finite),
        inferences_per_s: per_s.and_then(|per_s| finite(per_s * request.model.batch_size as f64)),
        latency_s: timed.and_then(|_| evaluated.iter().filter_map(|it| it.evaluation.latency_s).reduce(f64::max)),
        media: rates.as_ref().map(|rates| media(&uses, rates)).unwrap_or_default(),
        worth,
        migration: migration_of_all(request, pipelines),
        occupants: rates.as_ref().map(|rates| Occupied::new(request).effects(&paced(rates))).unwrap_or_default(),
        warnings,
        violations,
        pipelines: evaluated
            .iter()
            .enumerate()
            .map(|(index, it)| pipeline(&it.evaluation, rates.as_ref().and_then(|rates| finite(rates[index]))))
            .collect(),
    }
}

fn pipeline(evaluation: &Evaluation, rate_per_s: Option<f64>) -> EvaluatedPipeline {
    EvaluatedPipeline {
        period_s: evaluation.period_s,
        rate_per_s,
        latency_s: evaluation.latency_s,
        bottleneck: evaluation.bottleneck.clone(),
        stages: evaluation.stages.clone(),
    }
}

/// Returns what must be shipped from the base to all pipelines together, or `None` without a base.
pub(super) fn migration_of_all(request: &PlanRequest, pipelines: &[Vec<StageProposal>]) -> Option<Migration> {
    request.options.base.as_ref()?;
    let pipelines: Vec<&[StageProposal]> = pipelines.iter().map(Vec::as_slice).collect();
    shipping::migration(request, &Graph::new(&request.model), &pipelines)
}

/// Returns the violations of the numbers of pipelines and nodes, and of nodes that two pipelines have in common. `pipelines`
/// are the nodes of each.
pub(super) fn count_violations(request: &PlanRequest, pipelines: &[Vec<&str>]) -> Vec<Violation> {
    let mut violations = Vec::new();
    if pipelines.is_empty() {
        violations.push(Violation::new(ViolationCode::NoStage, "there is no pipeline"));
    }
    let (count, most) = (pipelines.len() as u64, request.options.most_pipelines());
    if count > most {
        let detail = format!("{} are more than the {most} that are allowed", counted(pipelines.len(), "pipeline"));
        let violation = Violation::new(ViolationCode::TooManyPipelines, detail);
        violations.push(violation.figure("pipelines", count as f64).figure("most", most as f64));
    }
    let mut pipeline_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, nodes) in pipelines.iter().enumerate() {
        for (at, node) in nodes.iter().enumerate() {
            let first = *pipeline_of.entry(node).or_insert(index);
            if first != index {
                let detail = format!("pipeline {index} runs on {node:?}, which pipeline {first} runs on already");
                let violation = Violation::new(ViolationCode::NodeUsedTwice, detail).at(at).node(node);
                violations.push(violation.of_pipeline(index));
            }
        }
    }
    let nodes: usize = pipelines.iter().map(Vec::len).sum();
    if let Some(most) = request.options.constraints.max_nodes.filter(|&most| nodes as u64 > most) {
        let detail = format!("{} are more than the {most} that max_nodes allows", counted(nodes, "node"));
        let violation = Violation::new(ViolationCode::TooManyNodes, detail);
        violations.push(violation.figure("nodes", nodes as f64).figure("max_nodes", most as f64));
    }
    violations
}

/// Returns the violation of a target that all pipelines together do not reach, or `None` if they reach it.
pub(super) fn target_violation(period_s: f64, target_period_s: f64) -> Option<Violation> {
    (period_s > target_period_s * (1.0 + TOLERANCE)).then(|| {
        let (period, target) = (seconds_text(period_s), seconds_text(target_period_s));
        let detail = format!("the period of {period} of all pipelines is above target_period_s of {target}");
        let violation = Violation::new(ViolationCode::TargetPeriodMissed, detail);
        violation.figure("period_s", period_s).figure("target_period_s", target_period_s)
    })
}

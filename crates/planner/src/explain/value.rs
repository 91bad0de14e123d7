//! The gain of upgrades. Each upgraded request is solved, and the bounds before and after give
//! limits of the gain.

use super::ExplainEnv;
use super::solves::solve_all;
use super::upgrade::{Change, changes};
use crate::check::{Evaluation, PipelinesEvaluation, evaluate, evaluate_pipelines};
use crate::check_failure::CheckFailure;
use crate::domain::explanation::{Explanation, Upgrade};
use crate::domain::options::{Algorithm, Objective};
use crate::domain::placement::{PlacementDocument, Stage, Status};
use crate::domain::proposal::StageProposal;
use crate::domain::request::PlanRequest;
use crate::env::{Env, NoProgress, Stop};
use crate::plan;

/// Solves every upgrade of a placement.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement.
pub(super) fn upgrades(
    request: &PlanRequest,
    document: &PlacementDocument,
    explanation: &Explanation,
    env: &ExplainEnv<'_>,
) -> Result<Vec<Upgrade>, CheckFailure> {
    let tasks: Vec<(f64, Change)> = changes(request, explanation).into_iter().map(|change| (1.0, change)).collect();
    solve_all(env, &tasks, |change, stop| value(request, document, change, stop)).into_iter().collect()
}

/// The least known objective and the largest proven bound of a request.
#[derive(Debug, Clone, Copy)]
struct Known {
    objective: f64,
    bound: f64,
}

fn value(
    request: &PlanRequest,
    document: &PlacementDocument,
    change: &Change,
    stop: &dyn Stop,
) -> Result<Upgrade, CheckFailure> {
    let mut upgraded = change.apply(request);
    // The gain is that of the least periods.
    let solver = &mut upgraded.options.solver;
    (solver.algorithm, solver.gap, solver.tolerance) = (Algorithm::Auto, 0.0, 0.0);
    let env = Env { seed: upgraded.options.solver.seed, threads: 1, stop, progress: &NoProgress };
    let found = plan(&upgraded, &env)?;
    // The old placement is also possible on the upgraded cluster.
    let kept = Kept::of(&upgraded, document)?;
    let bound = bound(request, &found);
    let kept_objective = kept_objective(request, &kept);
    // A proven optimum may be slightly above the old placement's value because that is summed in
    // another order.
    let is_no_worse = |objective: &f64| found.status == Status::Optimal || *objective <= kept_objective;
    let new_objective = objective(request, &found).filter(is_no_worse);
    let new = Known { objective: new_objective.unwrap_or(kept_objective), bound };
    let old_objective = objective(request, document).unwrap_or(kept_objective);
    let old = Known { objective: old_objective, bound: self::bound(request, document) };
    let (period_s, latency_s, stages) = match new_objective {
        Some(_) => (found.period_s, found.latency_s, found.node_count()),
        None => (kept.period_s, kept.latency_s, kept.nodes),
    };
    let is_optimal = new_objective.is_some() && found.status == Status::Optimal;
    let detail = detail(request, change);
    let ids = |nodes: &[usize]| nodes.iter().map(|&node| request.cluster.nodes[node].id.clone()).collect();
    let (node_ids, ends) = match change {
        Change::FasterLink { from, to } => (Vec::new(), Some((*from, *to))),
        Change::FasterMedium(_) => (Vec::new(), None),
        Change::Wired(node) => (ids(&[*node]), None),
        Change::FasterNode(nodes) | Change::LargerNode(nodes) | Change::OneMore(nodes) => (ids(nodes), None),
    };
    let end = |node: usize| request.cluster.nodes[node].id.clone();
    Ok(Upgrade {
        kind: change.kind(),
        detail,
        node_ids,
        medium_id: match change {
            Change::FasterMedium(id) => Some(id.clone()),
            _ => None,
        },
        from_node_id: ends.map(|(from, _)| end(from)),
        to_node_id: ends.map(|(_, to)| end(to)),
        status: if is_optimal { Status::Optimal } else { Status::Feasible },
        period_s: period_s.unwrap_or(0.0),
        latency_s: latency_s.unwrap_or(0.0),
        stages: stages as u64,
        lower_bound_s: found.lower_bound_s,
        lower_bound_nodes: found.lower_bound_nodes,
        gain: ratio(old.objective, new.objective),
        gain_at_least: ratio(old.bound, new.objective).map(|least| least.max(1.0)),
        gain_at_most: ratio(old.objective, new.bound),
    })
}

fn ratio(old: f64, new: f64) -> Option<f64> {
    Some(old / new).filter(|ratio| ratio.is_finite())
}

/// Returns the value of a document that is compared. For the period it is the least one found.
fn objective(request: &PlanRequest, document: &PlacementDocument) -> Option<f64> {
    if let Some(migration) = &document.migration {
        return migration.least_period_s.or(document.period_s);
    }
    match request.options.objective {
        Objective::MaxThroughput | Objective::Tradeoff => document.least_period_s(),
        Objective::MinLatency => document.latency_s,
        Objective::MinNodes { .. } => Some(document.node_count() as f64).filter(|&nodes| nodes > 0.0),
    }
}

fn bound(request: &PlanRequest, document: &PlacementDocument) -> f64 {
    match request.options.objective {
        Objective::MinNodes { .. } => document.lower_bound_nodes.map_or(0.0, |nodes| nodes as f64),
        _ => document.lower_bound_s.unwrap_or(0.0),
    }
}

/// What the old placement costs on the upgraded cluster.
struct Kept {
    period_s: Option<f64>,
    latency_s: Option<f64>,
    nodes: usize,
}

impl Kept {
    /// Returns [`CheckFailure`] if the checker refuses the placement.
    fn of(upgraded: &PlanRequest, document: &PlacementDocument) -> Result<Self, CheckFailure> {
        let (kept, violations) = if upgraded.options.wants_several() {
            let PipelinesEvaluation { period_s, latency_s, violations, .. } =
                evaluate_pipelines(upgraded, &pipelines(document));
            (Self { period_s, latency_s, nodes: document.node_count() }, violations)
        } else {
            let old_stages = document.fastest.as_ref().map_or(document.stages(), |fastest| &fastest.stages);
            let Evaluation { period_s, latency_s, stages, violations, .. } = evaluate(upgraded, &proposals(old_stages));
            (Self { period_s, latency_s, nodes: stages.len() }, violations)
        };
        if violations.is_empty() {
            return Ok(kept);
        }
        Err(CheckFailure { violations: violations.iter().map(ToString::to_string).collect() })
    }
}

fn kept_objective(request: &PlanRequest, kept: &Kept) -> f64 {
    let seconds = |seconds: Option<f64>| seconds.unwrap_or(f64::INFINITY);
    match request.options.objective {
        Objective::MaxThroughput | Objective::Tradeoff => seconds(kept.period_s),
        Objective::MinLatency => seconds(kept.latency_s),
        Objective::MinNodes { .. } => kept.nodes as f64,
    }
}

/// Returns the proposals of all pipelines of a document.
pub(super) fn pipelines(document: &PlacementDocument) -> Vec<Vec<StageProposal>> {
    document.pipelines.iter().map(|pipeline| proposals(&pipeline.stages)).collect()
}

/// Returns the proposals of stages.
pub(super) fn proposals(stages: &[Stage]) -> Vec<StageProposal> {
    let proposal = |stage: &Stage| StageProposal { node_id: stage.node_id.clone(), layer_ids: stage.layer_ids.clone() };
    stages.iter().map(proposal).collect()
}

pub(super) fn detail(request: &PlanRequest, change: &Change) -> String {
    let id = |node: usize| request.cluster.nodes[node].id.as_str();
    let ids = |nodes: &[usize]| nodes.iter().map(|&node| id(node)).collect::<Vec<&str>>();
    let alike = |nodes: &[usize]| match &ids(nodes)[..] {
        [only] => (*only).to_owned(),
        several => format!("any one of {}", several.join(", ")),
    };
    match change {
        Change::FasterLink { from, to } => format!("the link {} → {} twice as fast", id(*from), id(*to)),
        Change::FasterMedium(id) => format!("the medium {id} twice as fast"),
        Change::Wired(node) => format!("{} wired to the access point", id(*node)),
        Change::FasterNode(nodes) => format!("{} twice as fast", alike(nodes)),
        Change::LargerNode(nodes) => format!("{} with twice the memory", alike(nodes)),
        Change::OneMore(nodes) => format!("one more node like {}", id(nodes[0])),
    }
}

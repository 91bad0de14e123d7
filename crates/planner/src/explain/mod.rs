//! Explains an answer and what would improve it: slack, bottlenecks and proven upgrades. For an
//! infeasible request it finds repairs.

mod alternative;
mod copy;
mod find;
mod interchange;
mod media;
mod memory;
mod missing_link;
mod prices;
mod repair;
mod several;
mod slack;
mod solves;
#[cfg(test)]
mod tests;
mod upgrade;
mod value;

pub use alternative::alternative;
pub use media::{double_medium, wire};

use super::check::evaluate_pipelines;
use super::check_failure::CheckFailure;
use super::env::{NeverStop, Stop};
use crate::domain::explanation::Explanation;
use crate::domain::placement::{PlacementDocument, Status};
use crate::domain::request::PlanRequest;

/// The part of the time that the prices of nodes and media may take.
const PART_OF_PRICES: f64 = 0.2;

/// Divides the time of an explanation among its solves. As a [`Stop`], it ends the whole
/// explanation.
pub trait Slices: Stop {
    /// Returns the stop hook of one solve that may take this share of the time that is left.
    fn slice(&self, part: f64) -> Box<dyn Stop + '_>;
}

impl Slices for NeverStop {
    fn slice(&self, _part: f64) -> Box<dyn Stop + '_> {
        Box::new(NeverStop)
    }
}

/// What an explanation needs in addition to the request and its answer.
#[derive(Clone, Copy)]
pub struct ExplainEnv<'a> {
    /// The most threads that the explanation may use.
    pub threads: usize,
    /// The stop hooks of the whole explanation and of each solve.
    pub slices: &'a dyn Slices,
}

/// Explains the answer to a request. An infeasible answer gets repairs, and an answer with a
/// placement gets upgrades.
///
/// # Errors
/// Returns [`CheckFailure`] if the checker refuses a placement of an upgraded or repaired request.
///
/// # Examples
///
/// ```
/// use cutpoint_planner::domain::request::PlanRequest;
/// use cutpoint_planner::env::{NeverStop, NoProgress};
/// use cutpoint_planner::explain::{ExplainEnv, explain};
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
/// let answer = plan(&request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress })?;
/// let why = explain(&request, &answer, &ExplainEnv { threads: 1, slices: &NeverStop })?;
///
/// let binds = &answer.stages()[why.binding[0].stage_index as usize];
/// assert_eq!(binds.node_id, "pi-2");
/// assert!(why.upgrades.iter().any(|upgrade| Some(upgrade.period_s) < answer.period_s));
/// # Ok::<(), cutpoint_planner::CheckFailure>(())
/// ```
pub fn explain(
    request: &PlanRequest,
    document: &PlacementDocument,
    env: &ExplainEnv<'_>,
) -> Result<Explanation, CheckFailure> {
    let wants_several = request.options.wants_several();
    let slack = if wants_several { slack::Slack::default() } else { slack::slack(request, document) };
    let mut explanation = Explanation {
        status: document.status,
        period_s: document.period_s,
        stages: slack.stages,
        transfers: slack.transfers,
        media: slack.media,
        binding: slack.binding,
        pipelines: Vec::new(),
        worth: Vec::new(),
        prices: Vec::new(),
        next_bottleneck: slack.next_bottleneck,
        alternative: alternative(document),
        warnings: slack.warnings,
        upgrades: Vec::new(),
        reasons: document.reasons.clone(),
        repairs: Vec::new(),
        undecided: 0,
    };
    if wants_several {
        let several = several::slack(request, document);
        (explanation.pipelines, explanation.media) = (several.pipelines, several.media);
        explanation.warnings = several.warnings;
        explanation.worth = evaluate_pipelines(request, &value::pipelines(document)).worth;
        explanation.prices = prices::prices(request, document, &*env.slices.slice(PART_OF_PRICES));
    }
    if document.status == Status::Infeasible {
        (explanation.repairs, explanation.undecided) = repair::repairs(request, &document.reasons, env)?;
    } else if !document.stages().is_empty() {
        explanation.upgrades = value::upgrades(request, document, &explanation, env)?;
        let unproven = explanation.upgrades.iter().filter(|upgrade| upgrade.status != Status::Optimal);
        explanation.undecided = unproven.count() as u64;
    }
    Ok(explanation)
}

/// Returns the request with a changed cluster.
fn on_cluster(
    request: &PlanRequest,
    change: impl FnOnce(&mut crate::domain::cluster::ClusterInventory),
) -> PlanRequest {
    let mut cluster = (*request.cluster).clone();
    change(&mut cluster);
    PlanRequest { cluster: cluster.into(), ..request.clone() }
}

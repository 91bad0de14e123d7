//! Why an answer is as it is, and what would help: slack, bottlenecks, proven upgrades; repairs of what is infeasible.

mod copy;
mod find;
mod interchange;
mod memory;
mod missing_link;
mod repair;
mod slack;
mod solves;
#[cfg(test)]
mod tests;
mod upgrade;
mod value;

use super::CheckFailure;
use super::env::{NeverStop, Stop};
use crate::domain::explanation::Explanation;
use crate::domain::placement::{PlacementDocument, Status};
use crate::domain::request::PlanRequest;

/// Divides the time of an explanation among its solves. Asked as a [`Stop`], it speaks for the explanation as a whole.
pub trait Slices: Stop {
    /// When to end one solve that may take this part of the time that is left.
    fn slice(&self, part: f64) -> Box<dyn Stop + '_>;
}

impl Slices for NeverStop {
    fn slice(&self, _part: f64) -> Box<dyn Stop + '_> {
        Box::new(NeverStop)
    }
}

/// What an explanation is given beside the request and its answer.
#[derive(Clone, Copy)]
pub struct ExplainEnv<'a> {
    /// The most threads that it may use.
    pub threads: usize,
    /// When to end, as a whole and each solve.
    pub slices: &'a dyn Slices,
}

/// Explains the answer to a request.
///
/// # Errors
/// A placement of an upgraded or repaired request that the checker refuses.
pub fn explain(
    request: &PlanRequest,
    document: &PlacementDocument,
    env: &ExplainEnv<'_>,
) -> Result<Explanation, CheckFailure> {
    let slack = slack::slack(request, document);
    let mut explanation = Explanation {
        status: document.status,
        period_s: document.period_s,
        stages: slack.stages,
        transfers: slack.transfers,
        binding: slack.binding,
        next_bottleneck: slack.next_bottleneck,
        warnings: slack.warnings,
        upgrades: Vec::new(),
        reasons: document.reasons.clone(),
        repairs: Vec::new(),
        undecided: 0,
    };
    if document.status == Status::Infeasible {
        (explanation.repairs, explanation.undecided) = repair::repairs(request, env)?;
    } else if !document.stages().is_empty() {
        explanation.upgrades = value::upgrades(request, document, &explanation, env)?;
        let unproven = explanation.upgrades.iter().filter(|upgrade| upgrade.status != Status::Optimal);
        explanation.undecided = unproven.count() as u64;
    }
    Ok(explanation)
}

/// A request with another cluster.
fn on_cluster(
    request: &PlanRequest,
    change: impl FnOnce(&mut crate::domain::cluster::ClusterInventory),
) -> PlanRequest {
    let mut cluster = (*request.cluster).clone();
    change(&mut cluster);
    PlanRequest { cluster: cluster.into(), ..request.clone() }
}

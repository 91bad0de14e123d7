//! What is done in idle time: plans for the loss of nodes, and improvements.

use std::collections::BTreeSet;

use super::evaluate::Outcome;
use super::plans::NewJobs;
use super::sight::Sight;
use crate::domain::deployment::{ConditionStatus, DeploymentReason, FallbackStatus};
use crate::store::deployments::fallbacks::Fallback;
use crate::store::deployments::site::{Findings, NewPlan};
use crate::store::{Deployment, Planning};

/// The most plans of one cluster that look ahead at once.
const AT_ONCE: usize = 1;

/// Adds what is worth planning while nothing else is to be done. Returns `true` if there is more.
pub(crate) fn look_ahead(sight: &Sight, findings: &mut Findings, jobs: &NewJobs<'_>) -> bool {
    let open = sight.plans.iter().filter(|plan| plan.end.is_none()).count();
    if open + findings.plans.len() > 0 {
        // The end of a plan wakes whoever looks at the cluster.
        return false;
    }
    let mut begun = 0;
    for (index, seen) in sight.seen.iter().enumerate() {
        let row = &seen.row;
        let Some(applied) = &row.applied else { continue };
        let Some(running) = &seen.applied else { continue };
        if matches!(row.condition.status, ConditionStatus::Broken | ConditionStatus::Pending) {
            continue;
        }
        if row.policy.min_improvement.is_some()
            && row.proposed.is_none()
            && row.condition.status == ConditionStatus::Healthy
            && row.improved_stamp.as_deref() != Some(&sight.stamp)
            && let Ok(plan) = jobs.plan(sight, index, DeploymentReason::Improvement)
        {
            say_planning(findings, row, &plan);
            findings.plans.push(plan);
            begun += 1;
        }
        let nodes: BTreeSet<&String> = running.stages().map(|stage| &stage.node_id).collect();
        for node in nodes {
            let known = sight.fallbacks.iter().find(|(known, _)| {
                known.deployment_id == row.id && known.node_id == *node && known.base_id == applied.placement_id
            });
            match known {
                Some((known, _)) if known.stamp == sight.stamp => continue,
                Some((known, Some(placed))) if known.status == FallbackStatus::Ready => {
                    let outcome = without(sight, index, node, placed);
                    if let Some(figures) = outcome.valid() {
                        let shipped = seen.subject.shipped_bytes(&sight.inventory, running, placed);
                        findings.fallbacks.push(Fallback {
                            stamp: sight.stamp.clone(),
                            period_s: Some(figures.period_s),
                            shipped_bytes: Some(shipped),
                            ..known.clone()
                        });
                        continue;
                    }
                }
                _ => {}
            }
            if begun >= AT_ONCE {
                return true;
            }
            let is_end = [&seen.subject.options.constraints.source_node, &seen.subject.options.constraints.sink_node]
                .into_iter()
                .any(|end| end.as_ref() == Some(node));
            let impossible = || Fallback {
                deployment_id: row.id.clone(),
                node_id: node.clone(),
                status: FallbackStatus::Impossible,
                base_id: applied.placement_id.clone(),
                stamp: sight.stamp.clone(),
                placement_id: None,
                period_s: None,
                shipped_bytes: None,
            };
            match jobs.ahead(sight, index, node) {
                // Without its source or sink there is nothing to run.
                Ok(_) if is_end => findings.fallbacks.push(impossible()),
                Ok(plan) => {
                    findings.plans.push(plan);
                    begun += 1;
                }
                Err(_) => findings.fallbacks.push(Fallback { status: FallbackStatus::Failed, ..impossible() }),
            }
        }
    }
    false
}

/// Notes the job that plans for a deployment, so that its version grows.
fn say_planning(findings: &mut Findings, row: &Deployment, plan: &NewPlan) {
    let planning = Some(Planning { job_id: plan.job_id.clone(), reason: plan.reason });
    match findings.saves.iter_mut().find(|(saved, _)| saved.id == row.id) {
        Some((saved, _)) => saved.planning = planning,
        None => findings.saves.push((Deployment { planning, ..row.clone() }, false)),
    }
}

/// Evaluates a placement as if a node took no stages.
fn without(sight: &Sight, index: usize, node: &str, placed: &cutpoint_planner::domain::placed::Placed) -> Outcome {
    let mut subject = sight.seen[index].subject.clone();
    subject.options.constraints.exclude_nodes.push(node.to_owned());
    subject.evaluate(&sight.inventory, sight.others(index), placed)
}

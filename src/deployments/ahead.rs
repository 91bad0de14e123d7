//! What is done in idle time: plans for the loss of nodes, and improvements.

use std::sync::Arc;

use cutpoint_planner::domain::placed::Placed;

use super::decide::Now;
use super::lost::{Losses, used_nodes};
use super::plans::NewJobs;
use super::policy::Figures;
use super::sight::{Seen, Sight};
use crate::domain::deployment::{Applied, ConditionStatus, DeploymentReason, FallbackStatus, OnChange};
use crate::domain::id::Id;
use crate::store::deployments::fallbacks::Fallback;
use crate::store::deployments::site::{Findings, NewPlan};
use crate::store::{Deployment, Planning};

/// The most plans of one cluster that look ahead at once.
const AT_ONCE: usize = 1;

/// Adds what is worth planning while nothing else is to be done. The end of a plan wakes whoever looks at the cluster, and so
/// does [`Findings::wake_at`] once a policy allows a proposal.
pub(crate) fn look_ahead(sight: &Sight, now: Now, findings: &mut Findings, jobs: &NewJobs<'_>) {
    let open = sight.plans.iter().filter(|plan| plan.end.is_none() && !findings.ended.contains(&plan.job_id)).count();
    if open + findings.plans.len() > 0 {
        return;
    }
    let mut losses = Losses::new(sight);
    for (index, seen) in sight.seen.iter().enumerate() {
        let (Some(applied), Some(running)) = (&seen.row.applied, &seen.applied) else { continue };
        // What was just decided about it counts.
        let saved = findings.saves.iter().find(|(saved, _)| saved.id == seen.row.id);
        let row = saved.map_or_else(|| seen.row.clone(), |(saved, _)| saved.clone());
        if matches!(row.condition.status, ConditionStatus::Broken | ConditionStatus::Pending) {
            continue;
        }
        if wants_improvement(sight, index, &row) {
            if let Some(at) = sight.next_allowed(&row, now.steady) {
                findings.look_again_at(at);
            } else if let Ok(plan) = jobs.plan(sight, index, DeploymentReason::Improvement) {
                say_planning(findings, &row, &plan);
                findings.plans.push(plan);
                if findings.plans.len() >= AT_ONCE {
                    return;
                }
            }
        }
        let case = Case { sight, index, seen, applied, running };
        for node in used_nodes(sight, index) {
            match case.without(&mut losses, &node) {
                Known::Already => {}
                Known::Now(fallback) => findings.fallbacks.push(fallback),
                Known::Later => match jobs.ahead(sight, index, &node) {
                    Ok(plan) => {
                        findings.plans.push(plan);
                        if findings.plans.len() >= AT_ONCE {
                            return;
                        }
                    }
                    Err(_) => findings.fallbacks.push(case.nowhere(&node, FallbackStatus::Failed)),
                },
            }
        }
    }
}

/// Returns `true` if an improvement is to be looked for in this state of the cluster, and was not yet.
fn wants_improvement(sight: &Sight, index: usize, row: &Deployment) -> bool {
    row.policy.min_improvement.is_some()
        && row.policy.on_change == OnChange::Automatic
        && row.proposed.is_none()
        && row.condition.status == ConditionStatus::Healthy
        && row.improved_stamp.as_deref() != Some(&*sight.stamp(index))
}

/// What is known of the loss of a node.
enum Known {
    /// It was stored for this state of the cluster.
    Already,
    /// It is known without a plan.
    Now(Fallback),
    /// It is to be planned.
    Later,
}

/// A deployment that runs.
struct Case<'s> {
    sight: &'s Sight,
    index: usize,
    seen: &'s Seen,
    applied: &'s Applied,
    running: &'s Arc<Placed>,
}

impl Case<'_> {
    fn without(&self, losses: &mut Losses<'_>, node: &str) -> Known {
        let known = self.sight.fallbacks.iter().find(|(known, _)| {
            known.deployment_id == self.seen.row.id
                && known.node_id == node
                && known.base_id == self.applied.placement_id
        });
        match known {
            Some((known, placed))
                if known.stamp == self.sight.stamp(self.index) && placed.is_some() == known.placement_id.is_some() =>
            {
                return Known::Already;
            }
            Some((Fallback { placement_id: Some(id), .. }, Some(placed))) => {
                if let Some(figures) = losses.evaluate(self.index, node, placed).valid() {
                    return Known::Now(self.ready(node, id, placed, figures));
                }
            }
            _ => {}
        }
        if self.seen.ends().any(|end| end == node) {
            // Without its source or sink there is nothing to run.
            return Known::Now(self.nowhere(node, FallbackStatus::Impossible));
        }
        if !self.running.stages().any(|stage| stage.node_id == node)
            && let Some(figures) = losses.evaluate(self.index, node, self.running).valid()
        {
            // It only forwards, and there is another way.
            return Known::Now(self.ready(node, &self.applied.placement_id, self.running, figures));
        }
        Known::Later
    }

    fn ready(&self, node: &str, id: &Id, placed: &Placed, figures: Figures) -> Fallback {
        let shipped = self.seen.subject.shipped_bytes(&self.sight.inventory, self.running, placed);
        Fallback {
            placement_id: Some(id.clone()),
            period_s: Some(figures.period_s),
            shipped_bytes: Some(shipped),
            ..self.nowhere(node, FallbackStatus::Ready)
        }
    }

    fn nowhere(&self, node: &str, status: FallbackStatus) -> Fallback {
        Fallback {
            deployment_id: self.seen.row.id.clone(),
            node_id: node.to_owned(),
            status,
            base_id: self.applied.placement_id.clone(),
            stamp: self.sight.stamp(self.index),
            placement_id: None,
            period_s: None,
            shipped_bytes: None,
        }
    }
}

/// Notes the job that plans for a deployment, so that its version grows.
fn say_planning(findings: &mut Findings, row: &Deployment, plan: &NewPlan) {
    let planning = Some(Planning { job_id: plan.job_id.clone(), reason: plan.reason });
    match findings.saves.iter_mut().find(|(saved, _)| saved.id == row.id) {
        Some((saved, _)) => saved.planning = planning,
        None => findings.saves.push((Deployment { planning, ..row.clone() }, false)),
    }
}

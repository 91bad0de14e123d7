//! What is to be done about a cluster: conditions, proposals, withdrawals and plans to begin. A function of what was read
//! and of the time.

use std::sync::Arc;

use cutpoint_planner::domain::occupant::OccupantEffect;
use cutpoint_planner::domain::placed::Placed;
use jiff::{SignedDuration, Timestamp};

use super::evaluate::{Outcome, is_same};
use super::lost::{Losses, is_lost};
use super::plans::NewJobs;
use super::policy::{Figures, improves};
use super::sight::{Seen, Sight, placed};
use crate::domain::deployment::{
    ConditionStatus, DeploymentReason, EffectOnOther, FallbackStatus, HistoryKind, OnChange, PlanFailure, Proposed,
};
use crate::domain::id::{Id, IdKind};
use crate::store::deployments::history::Entry;
use crate::store::deployments::site::{Findings, MEASUREMENTS_COUNT, Plan, PlanEnd};
use crate::store::{EventType, Planning};

/// The time by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) wall: Timestamp,
    pub(crate) steady: Timestamp,
}

/// A placement that may be proposed.
struct Candidate {
    id: Id,
    placed: Arc<Placed>,
    outcome: Outcome,
    figures: Figures,
}

/// The work on one deployment.
struct Case<'s> {
    sight: &'s Sight,
    index: usize,
    now: Now,
    /// The deployment as it is to be stored.
    row: crate::store::Deployment,
    /// What runs, as it stands today.
    today: Option<Figures>,
    revised: bool,
    findings: &'s mut Findings,
}

/// Decides what is to be done. Plans that look ahead are not begun here.
pub(crate) fn decide(sight: &Sight, now: Now, jobs: &NewJobs<'_>) -> Findings {
    let mut findings = Findings::default();
    for (index, seen) in sight.seen.iter().enumerate() {
        let row = seen.row.clone();
        let mut case = Case { sight, index, now, row, today: None, revised: false, findings: &mut findings };
        case.judge();
        case.review_proposal();
        case.take_plans();
        case.answer(jobs);
        let Case { row, revised, .. } = case;
        if row != seen.row {
            findings.saves.push((row, revised));
        }
    }
    findings
}

impl Case<'_> {
    fn seen(&self) -> &Seen {
        &self.sight.seen[self.index]
    }

    fn evaluate(&self, placed: &Placed) -> Outcome {
        self.seen().subject.evaluate(&self.sight.inventory, self.sight.others(self.index), placed)
    }

    fn evaluate_proposal(&self, placed: &Placed) -> Outcome {
        let others = self.sight.others_of_proposal(self.index);
        self.seen().subject.evaluate(&self.sight.inventory, others, placed)
    }

    /// Evaluates what runs.
    fn judge(&mut self) {
        let (Some(placed), Some(applied)) = (self.seen().applied.clone(), self.row.applied.clone()) else { return };
        let (condition, today) = self.sight.condition(self.index, self.evaluate(&placed), &applied, self.now.wall);
        self.today = today;
        let (status, before) = (condition.status, self.row.condition.status);
        let event = match status {
            _ if status == before => None,
            ConditionStatus::Broken => Some(EventType::DeploymentBroken),
            ConditionStatus::Degraded => Some(EventType::DeploymentDegraded),
            ConditionStatus::Healthy if before != ConditionStatus::Pending => Some(EventType::DeploymentRecovered),
            _ => None,
        };
        self.findings.events.extend(event.map(|event| (event, self.row.id.clone())));
        self.row.condition = condition;
        if let Some(since) = self.sight.slow(self.index).since {
            let age = self.now.wall.duration_since(since);
            let left = SignedDuration::try_from(MEASUREMENTS_COUNT).unwrap_or_default() - age;
            self.findings.look_again_at(self.now.steady.checked_add(left).unwrap_or(Timestamp::MAX));
        }
    }

    /// Withdraws a proposal that does not fit any more, or that nobody needs any more.
    fn review_proposal(&mut self) {
        let (Some(proposed), Some(placed)) = (self.row.proposed.clone(), self.seen().proposed.clone()) else { return };
        let was_trouble = matches!(
            proposed.reason,
            DeploymentReason::Broken | DeploymentReason::NodeLost | DeploymentReason::Degraded
        );
        let is_healthy = self.row.condition.status == ConditionStatus::Healthy;
        let reason = if was_trouble && is_healthy {
            self.findings.moves_avoided += 1;
            DeploymentReason::NoLongerNeeded
        } else if self.evaluate_proposal(&placed).valid().is_none() {
            DeploymentReason::NoLongerFits
        } else {
            return;
        };
        let entry =
            Entry::of(HistoryKind::Withdrawn, reason).about(&proposed.placement_id, self.sight.cluster.revision);
        self.findings.history.push((self.row.id.clone(), entry));
        if proposed.reason == DeploymentReason::Together {
            // What it runs counts again for the others that were planned with it.
            self.findings.look_again_at(self.now.steady);
        }
        self.row.proposed = None;
        self.row.failed_stamp = None;
        self.revised = true;
    }

    /// Looks at plans that have ended.
    fn take_plans(&mut self) {
        let id = self.row.id.clone();
        let sight = self.sight;
        for plan in sight.plans.iter().filter(|plan| plan.deployment_id == id) {
            let Some(end) = &plan.end else { continue };
            self.findings.ended.push(plan.job_id.clone());
            match &plan.lost_node {
                Some(node) => self.keep_fallback(plan, node, end),
                None => self.take_plan(plan, end),
            }
        }
    }

    fn take_plan(&mut self, plan: &Plan, end: &PlanEnd) {
        self.row.planning = None;
        let (id, document) = match end {
            PlanEnd::Placed(id, document) => (id, document),
            PlanEnd::Impossible => {
                let revision = plan.revision();
                let detail = format!(
                    "It is proven that there is no placement on revision {revision} beside what else runs there."
                );
                return self.fail(plan, detail);
            }
            PlanEnd::Failed(detail) => return self.fail(plan, detail.clone()),
        };
        let candidate = match placed(id, document) {
            Ok(placed) => self.candidate(id, placed),
            Err(error) => return self.fail(plan, error.to_string()),
        };
        let Some(candidate) = candidate else {
            // The cluster has changed meanwhile, so that another plan is worth a try.
            if plan.stamp == self.sight.stamp(self.index) {
                self.fail(plan, "The placement does not fit beside what else runs.".to_owned());
            }
            return;
        };
        if self.row.proposed.is_some() || !self.is_wanted(plan, &candidate) {
            return;
        }
        if let Some(at) = self.next_allowed() {
            if plan.reason == DeploymentReason::Improvement {
                // It is looked for again when it may be proposed.
                self.row.improved_stamp = None;
            }
            return self.findings.look_again_at(at);
        }
        self.propose(plan.reason, candidate);
    }

    /// Returns `true` if a plan's placement is still worth a move.
    fn is_wanted(&mut self, plan: &Plan, candidate: &Candidate) -> bool {
        let objective = self.seen().subject.options.objective;
        let running = self.seen().applied.clone();
        let stays = running.as_deref().is_some_and(|running| is_same(running, &candidate.placed));
        let status = self.row.condition.status;
        // The policy may have changed meanwhile.
        let is_automatic = self.row.policy.on_change == OnChange::Automatic;
        match plan.reason {
            DeploymentReason::Broken | DeploymentReason::NodeLost => {
                let wanted = is_automatic && status == ConditionStatus::Broken;
                self.findings.moves_avoided += u64::from(!wanted);
                wanted
            }
            DeploymentReason::Degraded => {
                if !is_automatic || !matches!(status, ConditionStatus::Degraded | ConditionStatus::Broken) {
                    self.findings.moves_avoided += 1;
                    return false;
                }
                let better = self.today.is_none_or(|today| improves(objective, today, candidate.figures, 1.0));
                if stays || !better {
                    self.findings.moves_avoided += 1;
                    self.fail(plan, "No placement that was found is faster than what runs.".to_owned());
                    return false;
                }
                true
            }
            DeploymentReason::Improvement => {
                self.row.improved_stamp = Some(plan.stamp.clone());
                let factor = self.row.policy.min_improvement.unwrap_or(f64::INFINITY);
                let better = self.today.is_some_and(|today| improves(objective, today, candidate.figures, factor));
                let wanted = is_automatic && !stays && better && status == ConditionStatus::Healthy;
                self.findings.moves_avoided += u64::from(!wanted);
                wanted
            }
            _ if stays => {
                self.row.asked = None;
                self.row.failure = None;
                false
            }
            _ => true,
        }
    }

    fn candidate(&self, id: &Id, placed: Arc<Placed>) -> Option<Candidate> {
        let outcome = self.evaluate(&placed);
        let figures = outcome.valid()?;
        Some(Candidate { id: id.clone(), placed, outcome, figures })
    }

    fn fail(&mut self, plan: &Plan, detail: String) {
        if plan.reason == DeploymentReason::Improvement {
            self.row.improved_stamp = Some(plan.stamp.clone());
            return;
        }
        self.row.failed_stamp = Some(plan.stamp.clone());
        self.row.failure = Some(PlanFailure { at: self.now.wall, detail: detail.clone() });
        let entry = Entry::of(HistoryKind::Failed, plan.reason).because(detail);
        self.findings.history.push((self.row.id.clone(), entry));
    }

    /// Stores what is known of the loss of a node.
    fn keep_fallback(&mut self, plan: &Plan, node: &str, end: &PlanEnd) {
        let Some(applied) = &self.row.applied else { return };
        let found = match end {
            PlanEnd::Placed(id, document) => placed(id, document).ok().and_then(|placed| {
                let figures = Losses::new(self.sight).evaluate(self.index, node, &placed).valid()?;
                Some((id.clone(), placed, figures))
            }),
            _ => None,
        };
        let status = match (&found, end) {
            (Some(_), _) => FallbackStatus::Ready,
            (None, PlanEnd::Impossible) => FallbackStatus::Impossible,
            // The cluster has changed meanwhile: it is planned again.
            (None, PlanEnd::Placed(..)) if plan.stamp != self.sight.stamp(self.index) => return,
            (None, _) => FallbackStatus::Failed,
        };
        let shipped = found.as_ref().and_then(|(_, placed, _)| self.shipped_bytes(placed));
        self.findings.fallbacks.push(crate::store::deployments::fallbacks::Fallback {
            deployment_id: self.row.id.clone(),
            node_id: node.to_owned(),
            status,
            base_id: applied.placement_id.clone(),
            stamp: plan.stamp.clone(),
            period_s: found.as_ref().map(|(_, _, figures)| figures.period_s),
            shipped_bytes: shipped,
            placement_id: found.map(|(id, _, _)| id),
        });
    }

    fn shipped_bytes(&self, to: &Placed) -> Option<u64> {
        let from = self.seen().applied.as_deref()?;
        Some(self.seen().subject.shipped_bytes(&self.sight.inventory, from, to))
    }

    /// Proposes, or begins a plan, if something is to be done and nobody does it.
    fn answer(&mut self, jobs: &NewJobs<'_>) {
        let Some(reason) = self.need() else { return };
        if let Some(at) = self.next_allowed() {
            return self.findings.look_again_at(at);
        }
        if reason == DeploymentReason::Broken
            && let Some(fallback) = self.fallback()
        {
            return self.propose(DeploymentReason::NodeLost, fallback);
        }
        let sight = self.sight;
        let mut open = sight.plans.iter().filter(|plan| plan.end.is_none() && plan.lost_node.is_none());
        if let Some(open) = open.find(|plan| plan.deployment_id == self.row.id) {
            if open.reason != DeploymentReason::Improvement {
                return;
            }
            // An improvement can wait, and this cannot.
            self.findings.ended.push(open.job_id.clone());
            self.findings.stopped.push(open.job_id.clone());
            self.row.planning = None;
        }
        match jobs.plan(self.sight, self.index, reason) {
            Ok(plan) => {
                self.row.planning = Some(Planning { job_id: plan.job_id.clone(), reason });
                self.findings.plans.push(plan);
            }
            Err(detail) => {
                let plan = Plan {
                    job_id: jobs.new_id(IdKind::Job),
                    deployment_id: self.row.id.clone(),
                    reason,
                    stamp: self.sight.stamp(self.index),
                    lost_node: None,
                    end: None,
                };
                self.fail(&plan, detail);
            }
        }
    }

    /// Returns why a plan is needed.
    fn need(&self) -> Option<DeploymentReason> {
        if self.row.proposed.is_some() {
            return None;
        }
        let is_automatic = self.row.policy.on_change == OnChange::Automatic;
        let reason = match (self.row.asked, self.row.condition.status) {
            (Some(reason), _) => reason,
            (None, ConditionStatus::Pending) => DeploymentReason::New,
            (None, ConditionStatus::Broken) if is_automatic => DeploymentReason::Broken,
            (None, ConditionStatus::Degraded) if is_automatic => DeploymentReason::Degraded,
            _ => return None,
        };
        (self.row.failed_stamp.as_deref() != Some(&*self.sight.stamp(self.index))).then_some(reason)
    }

    /// Returns the placement that was planned for the nodes that are lost now, if it fits.
    fn fallback(&self) -> Option<Candidate> {
        let applied = self.row.applied.as_ref()?;
        let of_this = self.sight.fallbacks.iter().filter(|(fallback, _)| {
            fallback.deployment_id == self.row.id
                && fallback.base_id == applied.placement_id
                && fallback.status == FallbackStatus::Ready
                && is_lost(&self.sight.inventory, &fallback.node_id)
        });
        let candidates =
            of_this.filter_map(|(fallback, placed)| self.candidate(fallback.placement_id.as_ref()?, placed.clone()?));
        candidates.min_by(|one, other| one.figures.period_s.total_cmp(&other.figures.period_s))
    }

    fn propose(&mut self, reason: DeploymentReason, candidate: Candidate) {
        let Candidate { id, placed, outcome, figures } = candidate;
        let shipped_bytes = self.shipped_bytes(&placed);
        let cluster_revision = self.sight.cluster.revision;
        self.row.proposed = Some(Proposed {
            placement_id: id.clone(),
            reason,
            proposed_at: self.now.wall,
            cluster_revision,
            period_s: figures.period_s,
            latency_s: figures.latency_s,
            shipped_bytes,
            others: on_others(outcome.effects),
        });
        self.row.failure = None;
        // What was asked for is done once it is applied: a proposal may be withdrawn.
        self.revised = true;
        let entry =
            Entry::of(HistoryKind::Proposed, reason).about(&id, cluster_revision).with(figures.period_s, shipped_bytes);
        self.findings.history.push((self.row.id.clone(), entry));
        self.findings.events.push((EventType::DeploymentProposed, self.row.id.clone()));
    }

    fn next_allowed(&self) -> Option<Timestamp> {
        self.sight.next_allowed(&self.row, self.now.steady)
    }
}

/// Returns what a placement does to the occupants that are deployments.
pub(crate) fn on_others(effects: Vec<OccupantEffect>) -> Vec<EffectOnOther> {
    let effect = |effect: OccupantEffect| {
        Some(EffectOnOther {
            deployment_id: Id::parse(IdKind::Deployment, &effect.id)?,
            period_s: effect.period_s,
            new_period_s: effect.new_period_s,
        })
    };
    effects.into_iter().filter_map(effect).collect()
}

//! Deployments that are planned together: one after the other, in the best of several orders.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::occupant::Occupant;
use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::{CheckFailure, occupant_of};
use serde::Serialize;
use utoipa::ToSchema;

use super::Deployments;
use super::decide::on_others;
use super::plans::request_beside;
use super::sight::{Sight, placed_of};
use crate::domain::deployment::{DeploymentReason, Proposed};
use crate::domain::figures::PlacementFigures;
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::jobs::{ApartError, SolveApart};
use crate::store::StoreError;
use crate::store::deployments::together::{NewProposal, ProposedTogether};

/// The plan of one deployment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlannedTogether {
    /// The deployment.
    #[schema(value_type = String)]
    pub deployment_id: Id,
    /// The placement that is proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub placement_id: Option<Id>,
    /// Its period beside those that were planned before it, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// Why nothing is proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<String>,
}

/// The plans of several deployments.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Together {
    /// The order in which they were planned: each beside those before it.
    #[schema(value_type = Vec<String>)]
    pub order: Vec<Id>,
    /// How many orders were tried to their end.
    pub orders_tried: u64,
    /// The plans, in that order, and after them those that the policy allows no proposal yet. What these run stays in the way.
    pub plans: Vec<PlannedTogether>,
}

/// The reason why deployments were not planned together.
#[derive(Debug, thiserror::Error)]
pub enum TogetherError {
    /// They are on different clusters.
    #[error("the deployments are on different clusters")]
    SeveralClusters,
    /// The cluster has changed while they were planned.
    #[error("the cluster or a deployment has changed while they were planned")]
    Changed,
    /// The search failed.
    #[error(transparent)]
    Apart(#[from] ApartError),
    /// The database failed, or a deployment is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlannedTogether {
    fn nothing(id: &Id) -> Self {
        Self { deployment_id: id.clone(), placement_id: None, period_s: None, failure: None }
    }
}

/// What one order gave.
#[derive(Default)]
struct Trial {
    order: Vec<usize>,
    /// The document of each, in order, or why there is none.
    plans: Vec<Result<(PlacementDocument, Arc<Placed>), String>>,
}

impl Trial {
    /// Fewer failures first, then the least product of periods.
    fn rank(&self) -> (usize, f64) {
        let placed = self.plans.iter().flatten();
        let product = placed.clone().map(|(_, placed)| placed.period_s.max(f64::MIN_POSITIVE).ln()).sum();
        (self.plans.len() - placed.count(), product)
    }
}

impl Deployments {
    /// Plans deployments of one cluster one after the other in several orders, and proposes those of the best order.
    ///
    /// # Errors
    /// See [`TogetherError`].
    pub async fn plan_together(&self, tenant: &Tenant, ids: &[Id], limit: Duration) -> Result<Together, TogetherError> {
        let store = &self.inner.store;
        let mut clusters = BTreeSet::new();
        for id in ids {
            clusters.insert(store.deployment(tenant, id).await?.cluster_id);
        }
        let mut clusters = clusters.into_iter();
        let (Some(cluster_id), None) = (clusters.next(), clusters.next()) else {
            return Err(TogetherError::SeveralClusters);
        };
        let site = store.site(tenant, &cluster_id).await?;
        let sight = Arc::new(Sight::of(store, &self.inner.kept, tenant, site).await?);
        let given = ids.iter().filter_map(|id| sight.seen.iter().position(|seen| seen.row.id == *id));
        // What may not be proposed is not planned: it stays where it is.
        let now = store.steady_now();
        let (given, refused): (Vec<usize>, Vec<usize>) =
            given.partition(|index| sight.next_allowed(&sight.seen[*index].row, now).is_none());
        let seen = sight.clone();
        let (best, tried) = if given.is_empty() {
            (Trial::default(), 0)
        } else {
            self.inner.queue.solve_apart(limit, move |solve| best_of_orders(&seen, &given, solve)).await?
        };
        self.propose_together(tenant, &sight, best, tried, &refused).await
    }

    async fn propose_together(
        &self,
        tenant: &Tenant,
        sight: &Sight,
        best: Trial,
        tried: u64,
        refused: &[usize],
    ) -> Result<Together, TogetherError> {
        let now = self.inner.clock.now();
        let mut proposals = Vec::new();
        let mut plans = Vec::new();
        for (&index, plan) in best.order.iter().zip(best.plans) {
            let row = &sight.seen[index].row;
            let mut planned = PlannedTogether::nothing(&row.id);
            match plan {
                Err(failure) => planned.failure = Some(failure),
                Ok((document, placed)) => {
                    let id = self.inner.ids.id(IdKind::Placement);
                    let running = sight.seen[index].applied.as_deref();
                    let subject = &sight.seen[index].subject;
                    planned.placement_id = Some(id.clone());
                    planned.period_s = Some(placed.period_s);
                    proposals.push(NewProposal {
                        deployment_id: row.id.clone(),
                        figures: PlacementFigures::of(&document),
                        document: json_text(&document),
                        proposed: Proposed {
                            placement_id: id,
                            reason: DeploymentReason::Together,
                            proposed_at: now,
                            cluster_revision: sight.cluster.revision,
                            period_s: placed.period_s,
                            latency_s: placed.latency_s,
                            shipped_bytes: running
                                .map(|running| subject.shipped_bytes(&sight.inventory, running, &placed)),
                            others: on_others(document.occupants),
                        },
                    });
                }
            }
            plans.push(planned);
        }
        for index in refused {
            let failure = "The policy allows no proposal yet: wait for its cool-down and its hour.".to_owned();
            let nothing = PlannedTogether::nothing(&sight.seen[*index].row.id);
            plans.push(PlannedTogether { failure: Some(failure), ..nothing });
        }
        let together = ProposedTogether { cluster_id: sight.cluster.id.clone(), changes: sight.changes, proposals };
        if !self.inner.store.propose_together(tenant, together).await? {
            return Err(TogetherError::Changed);
        }
        let order = best.order.iter().map(|index| sight.seen[*index].row.id.clone()).collect();
        Ok(Together { order, orders_tried: tried, plans })
    }
}

/// Tries orders until the time is over: by memory, the largest first; as given; and the reverse of both.
fn best_of_orders(sight: &Sight, given: &[usize], solve: &mut SolveApart<'_>) -> Result<(Trial, u64), CheckFailure> {
    let mut by_memory = given.to_vec();
    let bytes =
        |index: &usize| -> u64 { sight.seen[*index].subject.model.layers.iter().map(|it| it.param_bytes).sum() };
    by_memory.sort_by_key(|index| std::cmp::Reverse(bytes(index)));
    let reversed = |order: &[usize]| order.iter().rev().copied().collect::<Vec<_>>();
    let mut orders: Vec<Vec<usize>> = Vec::new();
    for order in [by_memory.clone(), given.to_vec(), reversed(given), reversed(&by_memory)] {
        if !orders.contains(&order) {
            orders.push(order);
        }
    }
    let mut best: Option<Trial> = None;
    let mut tried = 0;
    for order in orders {
        let (trial, whole) = try_order(sight, given, order, solve)?;
        tried += u64::from(whole);
        let is_better = best.as_ref().is_none_or(|best| {
            let (one, other) = (trial.rank(), best.rank());
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).is_lt()
        });
        if is_better {
            best = Some(trial);
        }
        if !whole {
            break;
        }
    }
    Ok((best.unwrap_or_default(), tried))
}

/// Plans in one order. Those that are planned do not occupy the cluster with what they run now, but with what was planned.
fn try_order(
    sight: &Sight,
    given: &[usize],
    order: Vec<usize>,
    solve: &mut SolveApart<'_>,
) -> Result<(Trial, bool), CheckFailure> {
    let others = sight.seen.iter().enumerate().filter(|(index, _)| !given.contains(index));
    let mut occupants: Vec<Occupant> = others.filter_map(|(_, seen)| seen.occupant.clone()).collect();
    let mut plans = Vec::with_capacity(order.len());
    let mut whole = true;
    for &index in &order {
        let beside = occupants.iter().chain(&sight.slow(index).work).cloned().collect();
        let request = match request_beside(sight, index, DeploymentReason::Together, beside) {
            Ok(request) => request,
            Err(detail) => {
                plans.push(Err(detail));
                continue;
            }
        };
        let Some(document) = solve(&request).transpose()? else {
            whole = false;
            plans.push(Err("The time limit came before its turn.".to_owned()));
            continue;
        };
        match placed_of(&document) {
            Some(placed) => {
                let id = sight.seen[index].row.id.as_str();
                occupants.push(occupant_of(id, &placed, &sight.inventory, None));
                plans.push(Ok((document, Arc::new(placed))));
            }
            None if document.status == Status::Infeasible => {
                plans.push(Err("It is proven that there is no placement beside those before it.".to_owned()));
            }
            None => plans.push(Err("No placement was found within the time limit.".to_owned())),
        }
    }
    Ok((Trial { order, plans }, whole))
}

//! Applications: evaluates what the orchestrator says it runs, and stores it.

use std::sync::Arc;

use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::occupant_of;
use serde_json::Value;

use super::Deployments;
use super::sight::Sight;
use crate::domain::deployment::Applied;
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::store::{Deployment, NewApplication, StoreError};

/// How often an evaluation is repeated because the cluster has changed meanwhile.
const ATTEMPTS: usize = 10;

/// Why an application was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The placement was never proposed for the deployment.
    #[error("{placement_id} was never proposed for {id}")]
    NotProposed {
        /// The deployment.
        id: Id,
        /// The placement.
        placement_id: Id,
    },
    /// The placement is not valid on the newest revision of the cluster, beside what else runs.
    #[error("{placement_id} is not valid on revision {revision} of the cluster beside what else runs there")]
    Invalid {
        /// The placement.
        placement_id: Id,
        /// The revision.
        revision: u64,
        /// Everything that is wrong, as JSON.
        violations: Vec<Value>,
    },
    /// The cluster changes faster than it can be looked at.
    #[error("the cluster has changed each time that the placement was evaluated")]
    Restless,
    /// The database failed, or what is asked for is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Deployments {
    /// Records that a placement runs, after it was evaluated on the newest revision beside what else runs.
    ///
    /// # Errors
    /// See [`ApplyError`]. [`StoreError::DeploymentChanged`] if the deployment has another revision.
    pub async fn apply(
        &self,
        tenant: &Tenant,
        id: &Id,
        placement_id: &Id,
        revision: u64,
    ) -> Result<Deployment, ApplyError> {
        let store = &self.inner.store;
        for _ in 0..ATTEMPTS {
            let row = store.deployment(tenant, id).await?;
            if row.revision != revision {
                let (id, current) = (id.clone(), row.revision);
                return Err(StoreError::DeploymentChanged { id, expected: revision, current }.into());
            }
            if !store.knows_placement(id, placement_id).await? {
                return Err(ApplyError::NotProposed { id: id.clone(), placement_id: placement_id.clone() });
            }
            let site = store.site(tenant, &row.cluster_id).await?;
            let sight = Sight::of(store, &self.inner.kept, tenant, site).await?;
            let placed = self.inner.kept.placement(store, tenant, placement_id).await?;
            let missing = || StoreError::NotFound { kind: IdKind::Deployment, id: id.as_str().to_owned() };
            let index = sight.seen.iter().position(|seen| seen.row.id == *id).ok_or_else(missing)?;
            let (now, placement_id) = (self.inner.clock.now(), placement_id.clone());
            let evaluated =
                tokio::task::spawn_blocking(move || application(&sight, index, &placed, &placement_id, revision, now));
            let application = evaluated.await.map_err(|_| StoreError::Panicked)??;
            if let Some(applied) = store.apply_deployment(tenant, id, application).await? {
                return Ok(applied);
            }
        }
        Err(ApplyError::Restless)
    }
}

fn application(
    sight: &Sight,
    index: usize,
    placed: &Arc<Placed>,
    placement_id: &Id,
    revision: u64,
    now: jiff::Timestamp,
) -> Result<NewApplication, ApplyError> {
    let seen = &sight.seen[index];
    let is_proposed = seen.row.proposed.as_ref().is_some_and(|proposed| proposed.placement_id == *placement_id);
    let others = if is_proposed { sight.others_of_proposal(index) } else { sight.others(index) };
    let outcome = seen.subject.evaluate(&sight.inventory, others, placed);
    let Some(figures) = outcome.valid() else {
        let (placement_id, revision) = (placement_id.clone(), sight.cluster.revision);
        return Err(ApplyError::Invalid { placement_id, revision, violations: outcome.violations });
    };
    let today = Placed { period_s: figures.period_s, latency_s: figures.latency_s, ..Placed::clone(placed) };
    let occupant = occupant_of(seen.row.id.as_str(), &today, &sight.inventory, None);
    let applied = Applied {
        placement_id: placement_id.clone(),
        applied_at: now,
        cluster_revision: sight.cluster.revision,
        period_s: figures.period_s,
        latency_s: figures.latency_s,
    };
    let (condition, _) = sight.condition(index, outcome, &applied, now);
    Ok(NewApplication { revision, changes: sight.changes, applied, condition, occupant: json_text(&occupant) })
}

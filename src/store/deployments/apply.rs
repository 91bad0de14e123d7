//! Applications: the orchestrator says what runs.

use super::history::{self, Entry};
use super::{Deployment, counters, find, save};
use crate::domain::deployment::{Applied, Condition, DeploymentReason, HistoryKind};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::events::{self, EventType};
use crate::store::sql;
use crate::store::{Store, StoreError};

/// What was applied, as it was evaluated.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// The revision of the deployment that the orchestrator saw.
    pub revision: u64,
    /// The counter of the cluster at which it was evaluated.
    pub changes: i64,
    /// What is applied.
    pub applied: Applied,
    /// Its condition.
    pub condition: Condition,
    /// What it takes of the cluster, JSON text.
    pub occupant: String,
}

impl Store {
    /// Stores what runs now. Returns `None`, and changes nothing, if the cluster has changed since the evaluation.
    ///
    /// # Errors
    /// [`StoreError::DeploymentChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn apply_deployment(
        &self,
        tenant: &Tenant,
        id: &Id,
        application: NewApplication,
    ) -> Result<Option<Deployment>, StoreError> {
        let (store, tenant, id) = (self.clone(), tenant.clone(), id.clone());
        let applied = self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let mut deployment = find(connection, &tenant, id.as_str()).await?;
                if deployment.revision != application.revision {
                    let current = deployment.revision;
                    return Err(StoreError::DeploymentChanged { id, expected: application.revision, current });
                }
                if counters::changes(connection, &deployment.cluster_id).await? != application.changes {
                    return Ok((None, false));
                }
                let NewApplication { applied, condition, occupant, .. } = application;
                let proposed = deployment.proposed.take();
                let is_proposed = proposed.is_some_and(|proposed| proposed.placement_id == applied.placement_id);
                // One that was withdrawn meanwhile is acknowledged too.
                let ran = !is_proposed && history::was_applied(connection, &id, &applied.placement_id).await?;
                let reason = if ran { DeploymentReason::RolledBack } else { DeploymentReason::Acknowledged };
                let entry = Entry::of(HistoryKind::Applied, reason)
                    .about(&applied.placement_id, applied.cluster_revision)
                    .with(applied.period_s, None);
                history::add(connection, &id, &entry, (now, store.steady.now())).await?;
                let recovered = !events::is_well(deployment.condition.status) && events::is_well(condition.status);
                // What was planned for the loss of nodes began at what ran before.
                let ahead = sql::query("DELETE FROM deployment_fallbacks WHERE deployment_id = $1 AND base_id <> $2");
                ahead.bind(id.as_str()).bind(applied.placement_id.as_str()).execute(&mut *connection).await?;
                deployment.applied = Some(applied);
                deployment.condition = condition;
                deployment.occupant = Some(occupant);
                deployment.asked = None;
                deployment.failure = None;
                // A plan for what ran before helps nobody any more.
                let plans = sql::query("DELETE FROM deployment_jobs WHERE deployment_id = $1").bind(id.as_str());
                plans.execute(&mut *connection).await?;
                save(connection, &mut deployment, true, now).await?;
                counters::occupancy_changed(connection, &deployment.cluster_id).await?;
                let deployment = find(connection, &tenant, id.as_str()).await?;
                let mut announced =
                    events::of_deployment(connection, &store, EventType::DeploymentApplied, &deployment, now).await?;
                if recovered {
                    let event = EventType::DeploymentRecovered;
                    announced |= events::of_deployment(connection, &store, event, &deployment, now).await?;
                }
                Ok((Some(deployment), announced))
            })
        });
        let (deployment, announced) = applied.await?;
        self.wake_courier(announced);
        Ok(deployment)
    }
}

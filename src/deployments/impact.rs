//! The impact of a change of a cluster: the conditions of all deployments under it. Nothing is stored.

use std::sync::Arc;

use cutpoint_planner::domain::cluster::ClusterInventory;
use serde::Serialize;
use utoipa::ToSchema;

use super::Deployments;
use super::sight::Sight;
use crate::domain::deployment::{Condition, ConditionStatus};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

/// What a change would do to the deployments of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Impact {
    /// The revision that would be changed.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// The deployments of the cluster, the oldest first.
    pub deployments: Vec<ImpactOnDeployment>,
}

/// What a change would do to a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImpactOnDeployment {
    /// The deployment.
    #[schema(value_type = String)]
    pub deployment_id: Id,
    /// Its name.
    pub name: String,
    /// Its condition now.
    pub before: ConditionStatus,
    /// Its condition after the change.
    pub condition: Condition,
    /// Whether what is proposed would still fit; absent without a proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proposal_fits: Option<bool>,
}

impl Deployments {
    /// Evaluates the deployments of a cluster as if it had another inventory.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn impact(
        &self,
        tenant: &Tenant,
        cluster_id: &Id,
        inventory: Arc<ClusterInventory>,
    ) -> Result<Impact, StoreError> {
        let site = self.inner.store.site(tenant, cluster_id).await?;
        let sight = Sight::of(&self.inner.store, &self.inner.kept, tenant, site).await?;
        let now = self.inner.clock.now();
        let evaluated = tokio::task::spawn_blocking(move || Impact {
            cluster_revision: sight.cluster.revision,
            deployments: (0..sight.seen.len()).map(|index| on_one(&sight, index, &inventory, now)).collect(),
        });
        evaluated.await.map_err(|_| StoreError::Panicked)
    }
}

fn on_one(sight: &Sight, index: usize, inventory: &Arc<ClusterInventory>, now: jiff::Timestamp) -> ImpactOnDeployment {
    let seen = &sight.seen[index];
    let before = &seen.row.condition;
    let condition = match (&seen.applied, &seen.row.applied) {
        (Some(placed), Some(applied)) => {
            let outcome = seen.subject.evaluate(inventory, sight.others(index), placed);
            // The changed cluster has no revision.
            Condition { cluster_revision: None, ..sight.condition(index, outcome, applied, now).0 }
        }
        _ => before.clone(),
    };
    let others = || sight.others_of_proposal(index);
    let fits = |placed| seen.subject.evaluate(inventory, others(), placed).valid().is_some();
    ImpactOnDeployment {
        deployment_id: seen.row.id.clone(),
        name: seen.row.name.clone(),
        before: before.status,
        condition,
        proposal_fits: seen.proposed.as_deref().map(fits),
    }
}

//! Proposals for several deployments at once.

use std::collections::BTreeMap;

use cutpoint_planner::domain::hash::json_text;

use super::history::{self, Entry};
use super::{counters, find, save};
use crate::domain::deployment::{HistoryKind, Proposed};
use crate::domain::figures::PlacementFigures;
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::events::{self, EventType};
use crate::store::placements::{self, Origin};
use crate::store::{Store, StoreError};

/// A placement to propose.
#[derive(Debug, Clone)]
pub struct NewProposal {
    /// The deployment.
    pub deployment_id: Id,
    /// The figures of its document.
    pub figures: PlacementFigures,
    /// Its document, JSON text.
    pub document: String,
    /// The proposal.
    pub proposed: Proposed,
}

/// Proposals for deployments of one cluster.
#[derive(Debug, Clone)]
pub struct ProposedTogether {
    /// The cluster.
    pub cluster_id: Id,
    /// The counter of the cluster for which they were planned.
    pub changes: i64,
    /// The proposals.
    pub proposals: Vec<NewProposal>,
}

impl Store {
    /// Stores proposals. Returns `false`, and stores nothing, if the cluster has changed since they were planned.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn propose_together(&self, tenant: &Tenant, together: ProposedTogether) -> Result<bool, StoreError> {
        let (store, tenant) = (self.clone(), tenant.clone());
        let stored = self.write(move |connection| {
            Box::pin(async move {
                if counters::changes(connection, &together.cluster_id).await? != together.changes {
                    return Ok((false, false));
                }
                let (now, steady_now) = (store.clock.now(), store.steady.now());
                let mut announced = false;
                for proposal in together.proposals {
                    let NewProposal { deployment_id, figures, document, proposed } = proposal;
                    let mut deployment = find(connection, &tenant, deployment_id.as_str()).await?;
                    let origin = Origin {
                        tenant: &tenant,
                        job_id: None,
                        model_id: &deployment.model_id,
                        cluster_id: &together.cluster_id,
                        cluster_revision: proposed.cluster_revision,
                        labels: &BTreeMap::from([("deployment".to_owned(), deployment_id.to_string())]),
                        options: &json_text(&deployment.options),
                    };
                    placements::insert(connection, origin, &proposed.placement_id, now, &figures, &document).await?;
                    if let Some(before) = deployment.proposed.take() {
                        let entry = Entry::of(HistoryKind::Withdrawn, proposed.reason)
                            .about(&before.placement_id, proposed.cluster_revision);
                        history::add(connection, &deployment_id, &entry, (now, steady_now)).await?;
                    }
                    let entry = Entry::of(HistoryKind::Proposed, proposed.reason)
                        .about(&proposed.placement_id, proposed.cluster_revision)
                        .with(proposed.period_s, proposed.shipped_bytes);
                    history::add(connection, &deployment_id, &entry, (now, steady_now)).await?;
                    deployment.proposed = Some(proposed);
                    deployment.failure = None;
                    save(connection, &mut deployment, true, now).await?;
                    let event = EventType::DeploymentProposed;
                    announced |= events::of_deployment(connection, &store, event, &deployment, now).await?;
                }
                counters::touch(connection, &together.cluster_id).await?;
                Ok((true, announced))
            })
        });
        let (stored, announced) = stored.await?;
        self.wake_courier(announced);
        Ok(stored)
    }
}

//! Storing placements that somebody made by hand.

use std::collections::BTreeMap;

use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::placement::PlacementDocument;

use super::idempotency::{recall, remember};
use super::placements::{self, Origin};
use super::{Idempotency, JobCluster, JobModel, Placement, Registered, Store, StoreError};
use crate::domain::figures::PlacementFigures;
use crate::domain::id::IdKind;
use crate::domain::tenant::Tenant;

/// A placement without a job that is to be stored.
#[derive(Debug)]
pub struct NewPlacement {
    model: JobModel,
    cluster: JobCluster,
    options: String,
    labels: BTreeMap<String, String>,
    figures: PlacementFigures,
    document: String,
}

impl NewPlacement {
    /// Serialises a document that the checker accepted, outside of transactions.
    pub fn new(
        model: JobModel,
        cluster: JobCluster,
        options: &PlanOptions,
        labels: BTreeMap<String, String>,
        document: &PlacementDocument,
    ) -> Self {
        let figures = PlacementFigures::of(document);
        Self { model, cluster, options: json_text(options), labels, figures, document: json_text(document) }
    }
}

impl Store {
    /// Stores a placement without a job, with its model and cluster.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`], [`StoreError::NotFound`] for the model or the cluster, or the database failed.
    pub async fn insert_placement(
        &self,
        tenant: &Tenant,
        placement: NewPlacement,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<Placement>, StoreError> {
        let (store, tenant) = (self.clone(), tenant.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                if let Some(known) = recall(connection, &tenant, idempotency.as_ref(), store.keys_since()).await? {
                    let row = placements::find(connection, &tenant, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                let NewPlacement { model, cluster, options, labels, figures, document } = placement;
                let (model_id, cluster) = store.put_inputs(connection, &tenant, model, cluster, now).await?;
                let id = store.ids.id(IdKind::Placement);
                let origin = Origin {
                    tenant: &tenant,
                    job_id: None,
                    model_id: &model_id,
                    cluster_id: &cluster.id,
                    cluster_revision: cluster.revision,
                    labels: &labels,
                    options: &options,
                };
                placements::insert(connection, origin, &id, now, &figures, &document).await?;
                remember(connection, &tenant, idempotency, &id, true, store.steady.now()).await?;
                let row = placements::find(connection, &tenant, id.as_str()).await?;
                Ok(Registered { row, created: true, replayed: false })
            })
        })
        .await
    }
}

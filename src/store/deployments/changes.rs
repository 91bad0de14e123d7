//! What clients change of a deployment: create, change, delete.

use std::collections::BTreeMap;

use cutpoint_planner::domain::hash::json_text;
use serde_json::Value;

use super::history::{self, Entry};
use super::{Deployment, counters, find, save};
use crate::domain::deployment::{Condition, ConditionStatus, DeploymentReason, HistoryKind, Policy};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;
use crate::store::idempotency::{forget_resource, recall, remember};
use crate::store::jobs::insert_labels;
use crate::store::sql;
use crate::store::{Idempotency, Registered, Store, StoreError, clusters, models};

/// A deployment to create.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// The tenant that owns it.
    pub tenant: Tenant,
    /// Its name.
    pub name: String,
    /// The model.
    pub model_id: Id,
    /// The cluster.
    pub cluster_id: Id,
    /// The options of its plans, the JSON of the options of a job.
    pub options: Value,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The policy.
    pub policy: Policy,
    /// The caller's idempotency key.
    pub idempotency: Option<Idempotency>,
}

/// Changes of a deployment. Fields that are `None` stay.
#[derive(Debug, Clone, Default)]
pub struct DeploymentChange {
    /// Another name.
    pub name: Option<String>,
    /// Other labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Other options.
    pub options: Option<Value>,
    /// Another policy.
    pub policy: Option<Policy>,
}

impl Store {
    /// Creates a deployment, whose first plan is due at once.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`], [`StoreError::NotFound`] for the model or the cluster, or the database failed.
    pub async fn create_deployment(&self, new: NewDeployment) -> Result<Registered<Deployment>, StoreError> {
        let store = self.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let (now, since) = (store.clock.now(), store.keys_since());
                if let Some(known) = recall(connection, &new.tenant, new.idempotency.as_ref(), since).await? {
                    let row = find(connection, &new.tenant, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                models::find(connection, &new.tenant, new.model_id.as_str()).await?;
                clusters::find(connection, &new.tenant, new.cluster_id.as_str(), None).await?;
                let id = store.ids.id(IdKind::Deployment);
                let condition = Condition {
                    status: ConditionStatus::Pending,
                    since: now,
                    cluster_revision: None,
                    period_s: None,
                    latency_s: None,
                    violations: Vec::new(),
                    slowdown: None,
                };
                sql::query(
                    "INSERT INTO deployments (id, tenant, sequence, name, model_id, cluster_id, status, condition,
                         labels, options, policy, asked, created_at, changed_at)
                     VALUES ($1, $2, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM deployments), $3, $4, $5, $6, $7, $8,
                         $9, $10, $11, $12, $12)",
                )
                .bind(id.as_str())
                .bind(new.tenant.as_str())
                .bind(&new.name)
                .bind(new.model_id.as_str())
                .bind(new.cluster_id.as_str())
                .bind(condition.status.name())
                .bind(json_text(&condition))
                .bind(json_text(&new.labels))
                .bind(json_text(&new.options))
                .bind(json_text(&new.policy))
                .bind(DeploymentReason::New.name())
                .bind(now.as_microsecond())
                .execute(&mut *connection)
                .await?;
                let labels = "INSERT INTO deployment_labels (deployment_id, label, value) ";
                insert_labels(connection, labels, &id, &new.labels).await?;
                counters::open(connection, &new.tenant, &new.cluster_id).await?;
                remember(connection, &new.tenant, new.idempotency, &id, true, store.steady.now()).await?;
                let row = find(connection, &new.tenant, id.as_str()).await?;
                Ok(Registered { row, created: true, replayed: false })
            })
        })
        .await
    }

    /// Changes a deployment of this version. Other options withdraw what is proposed and ask for a plan.
    ///
    /// # Errors
    /// [`StoreError::RevisionChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn change_deployment(
        &self,
        tenant: &Tenant,
        id: &Id,
        expected: u64,
        change: DeploymentChange,
    ) -> Result<Deployment, StoreError> {
        let (store, tenant, id) = (self.clone(), tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let mut deployment = find(connection, &tenant, id.as_str()).await?;
                if deployment.version != expected {
                    return Err(StoreError::RevisionChanged { id, expected, current: deployment.version });
                }
                if let Some(labels) = change.labels {
                    let forget = sql::query("DELETE FROM deployment_labels WHERE deployment_id = $1").bind(id.as_str());
                    forget.execute(&mut *connection).await?;
                    let insert = "INSERT INTO deployment_labels (deployment_id, label, value) ";
                    insert_labels(connection, insert, &id, &labels).await?;
                    deployment.labels = labels;
                }
                deployment.name = change.name.unwrap_or(deployment.name);
                if let Some(policy) = change.policy.filter(|policy| *policy != deployment.policy) {
                    deployment.policy = policy;
                    // What was no improvement under the other policy may be one.
                    deployment.improved_stamp = None;
                }
                if let Some(options) = change.options.filter(|options| *options != deployment.options) {
                    deployment.options = options;
                    deployment.asked = Some(DeploymentReason::OptionsChanged);
                    deployment.failed_stamp = None;
                    deployment.improved_stamp = None;
                    let plans = sql::query("DELETE FROM deployment_jobs WHERE deployment_id = $1").bind(id.as_str());
                    plans.execute(&mut *connection).await?;
                    let ahead = sql::query("DELETE FROM deployment_fallbacks WHERE deployment_id = $1");
                    ahead.bind(id.as_str()).execute(&mut *connection).await?;
                    if let Some(proposed) = deployment.proposed.take() {
                        let entry = Entry::of(HistoryKind::Withdrawn, DeploymentReason::OptionsChanged)
                            .about(&proposed.placement_id, proposed.cluster_revision);
                        history::add(connection, &id, &entry, (now, store.steady.now())).await?;
                    }
                }
                save(connection, &mut deployment, true, now).await?;
                counters::touch(connection, &deployment.cluster_id).await?;
                find(connection, &tenant, id.as_str()).await
            })
        })
        .await
    }

    /// Deletes a deployment, if it has this version, if given.
    ///
    /// # Errors
    /// [`StoreError::RevisionChanged`], [`StoreError::NotFound`], or the database failed.
    pub async fn delete_deployment(&self, tenant: &Tenant, id: &Id, expected: Option<u64>) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let deployment = find(connection, &tenant, id.as_str()).await?;
                let current = deployment.version;
                if let Some(expected) = expected.filter(|expected| *expected != current) {
                    return Err(StoreError::RevisionChanged { id, expected, current });
                }
                let delete = sql::query("DELETE FROM deployments WHERE id = $1").bind(id.as_str());
                delete.execute(&mut *connection).await?;
                counters::occupancy_changed(connection, &deployment.cluster_id).await?;
                forget_resource(connection, &id).await
            })
        })
        .await
    }
}

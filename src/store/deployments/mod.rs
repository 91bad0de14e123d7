//! Deployments: what orchestrators run, what is proposed to them, and what has happened.
//!
//! Every operation that may change what is to be done raises the counter of the cluster (`counters`). What looks (`site`) at a cluster
//! claims it, and writes its results only if the counter is still the same.

mod apply;
mod changes;
pub(in crate::store) mod counters;
pub mod fallbacks;
pub mod history;
pub mod site;
pub mod together;

use std::collections::BTreeMap;

use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use self::apply::NewApplication;
pub use self::changes::{DeploymentChange, NewDeployment};
use super::page::Keyed;
use super::row::{Reading, integer};
use super::sql::{self, QueryBuilder};
use super::{Connection, Listed, Page, PageKey, Store, StoreError, placements};
use crate::domain::deployment::{
    Applied, Condition, ConditionStatus, DeploymentOptions, DeploymentReason, PlanFailure, Policy, Proposed,
};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;

/// The job that plans for a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Planning {
    /// The job.
    #[schema(value_type = String)]
    pub job_id: Id,
    /// Why it plans.
    pub reason: DeploymentReason,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Deployment {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Grows when its name, labels, options, policy, proposal or application changes.
    #[schema(minimum = 1)]
    pub revision: u64,
    /// The model that runs.
    #[schema(value_type = String)]
    pub model_id: Id,
    /// The cluster that it runs on.
    #[schema(value_type = String)]
    pub cluster_id: Id,
    /// The options of its plans.
    #[schema(value_type = DeploymentOptions)]
    pub options: Value,
    /// Labels, for clients.
    pub labels: BTreeMap<String, String>,
    /// When to propose what.
    pub policy: Policy,
    /// How what is applied stands now.
    pub condition: Condition,
    /// What runs; absent until something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub applied: Option<Applied>,
    /// What is to run next; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proposed: Option<Proposed>,
    /// The job that plans now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub planning: Option<Planning>,
    /// Why the last plan gave nothing; absent after a proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<PlanFailure>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When something that a client can see last changed.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// The tenant that owns it.
    #[serde(skip)]
    pub tenant: Tenant,
    /// Grows with every change that a client can see. The ETag is made from it.
    #[serde(skip)]
    pub version: u64,
    /// Its position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
    /// What the applied placement takes of the cluster, JSON text.
    #[serde(skip)]
    pub occupant: Option<String>,
    /// Why a plan is wanted whatever the condition is.
    #[serde(skip)]
    pub asked: Option<DeploymentReason>,
    /// The state of the cluster for which a plan gave nothing.
    #[serde(skip)]
    pub failed_stamp: Option<String>,
    /// The state of the cluster for which an improvement was looked for.
    #[serde(skip)]
    pub improved_stamp: Option<String>,
}

/// A filter of deployments. Fields that are `None` or empty match every deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeploymentFilter {
    /// Deployments with this name.
    pub name: Option<String>,
    /// Deployments of this model.
    pub model_id: Option<Id>,
    /// Deployments on this cluster.
    pub cluster_id: Option<Id>,
    /// Deployments in one of these conditions.
    pub conditions: Vec<ConditionStatus>,
    /// Deployments with all of these labels, each `name=value`.
    pub labels: Vec<String>,
}

/// Every deployment with the job that plans for it.
macro_rules! select {
    () => {
        "SELECT * FROM (SELECT deployments.*, planner.job_id AS planning_job_id, planner.reason AS planning_reason
             FROM deployments LEFT JOIN deployment_jobs AS planner
               ON planner.deployment_id = deployments.id AND planner.lost_node IS NULL) AS deployments WHERE "
    };
}

impl Store {
    /// Returns a deployment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn deployment(&self, tenant: &Tenant, id: &Id) -> Result<Deployment, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, tenant, id.as_str()).await
    }

    /// Returns a tenant's deployments in the order of inserts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deployments(
        &self,
        tenant: &Tenant,
        filter: DeploymentFilter,
        page: Page,
    ) -> Result<Listed<Deployment>, StoreError> {
        let mut query = QueryBuilder::new(concat!(select!(), "tenant = "));
        query.push_bind(tenant.as_str().to_owned());
        for (column, id) in [("model_id", &filter.model_id), ("cluster_id", &filter.cluster_id)] {
            if let Some(id) = id {
                query.push(format_args!(" AND {column} = ")).push_bind(id.as_str().to_owned());
            }
        }
        if let Some(name) = filter.name {
            query.push(" AND name = ").push_bind(name);
        }
        super::jobs::push_names(&mut query, &filter.conditions);
        let same = "deployment_labels.deployment_id = deployments.id";
        super::jobs::push_labels(&mut query, same, "deployment_labels", &filter.labels);
        let mut connection = self.read().await?;
        page.read::<DeploymentRow, Deployment>(&mut connection, "deployments", query).await
    }

    /// Returns every deployment of a cluster, the oldest first.
    ///
    /// # Errors
    /// A row is damaged, or the database failed.
    pub async fn deployments_of_cluster(&self, tenant: &Tenant, id: &Id) -> Result<Vec<Deployment>, StoreError> {
        let mut connection = self.read().await?;
        of_cluster(&mut connection, tenant, id).await
    }

    /// Returns how many deployments there are in each condition, in the order of [`ConditionStatus`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_deployments(&self) -> Result<Vec<(ConditionStatus, u64)>, StoreError> {
        let count = sql::query_as("SELECT status, COUNT(*) FROM deployments GROUP BY status");
        let rows: Vec<(String, i64)> = count.fetch_all(&mut self.read().await?).await?;
        let of = |status: ConditionStatus| {
            let row = rows.iter().find(|(name, _)| name == status.name());
            (status, row.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0)))
        };
        Ok(ConditionStatus::ALL.iter().map(|status| of(*status)).collect())
    }
}

/// Reads the deployments of a cluster, the oldest first.
pub(super) async fn of_cluster(
    connection: &mut Connection,
    tenant: &Tenant,
    id: &Id,
) -> Result<Vec<Deployment>, StoreError> {
    let select = sql::query_as(concat!(select!(), "cluster_id = $1 AND tenant = $2 ORDER BY sequence"));
    let rows: Vec<DeploymentRow> = select.bind(id.as_str()).bind(tenant.as_str()).fetch_all(connection).await?;
    rows.into_iter().map(Deployment::try_from).collect()
}

/// Reads a tenant's deployment by its id.
pub(super) async fn find(connection: &mut Connection, tenant: &Tenant, id: &str) -> Result<Deployment, StoreError> {
    let select = sql::query_as(concat!(select!(), "id = $1 AND tenant = $2")).bind(id).bind(tenant.as_str());
    let row: Option<DeploymentRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| StoreError::NotFound { kind: IdKind::Deployment, id: id.to_owned() })?.try_into()
}

/// Stores what may change of a deployment, with its next version. `revised` says whether its revision grows too.
///
/// # Errors
/// [`StoreError::NotFound`] for a placement that is applied or proposed, or the database failed.
pub(super) async fn save(
    connection: &mut Connection,
    deployment: &mut Deployment,
    revised: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    deployment.version += 1;
    deployment.revision += u64::from(revised);
    deployment.changed_at = now;
    let applied = deployment.applied.as_ref().map(|applied| &applied.placement_id);
    let proposed = deployment.proposed.as_ref().map(|proposed| &proposed.placement_id);
    for id in applied.into_iter().chain(proposed) {
        // Whoever chose it may have read it before it was deleted.
        if !placements::exists(connection, &deployment.tenant, id).await? {
            return Err(StoreError::NotFound { kind: IdKind::Placement, id: id.as_str().to_owned() });
        }
    }
    sql::query(
        "UPDATE deployments SET name = $2, revision = $3, version = $4, status = $5, condition = $6, labels = $7,
                options = $8, policy = $9, applied_placement_id = $10, applied = $11, occupant = $12,
                proposed_placement_id = $13, proposed = $14, failure = $15, asked = $16, failed_stamp = $17,
                improved_stamp = $18, changed_at = $19
         WHERE id = $1",
    )
    .bind(deployment.id.as_str())
    .bind(&deployment.name)
    .bind(integer("revision", deployment.revision)?)
    .bind(integer("version", deployment.version)?)
    .bind(deployment.condition.status.name())
    .bind(json_text(&deployment.condition))
    .bind(json_text(&deployment.labels))
    .bind(json_text(&deployment.options))
    .bind(json_text(&deployment.policy))
    .bind(applied.map(Id::as_str))
    .bind(deployment.applied.as_ref().map(json_text))
    .bind(&deployment.occupant)
    .bind(proposed.map(Id::as_str))
    .bind(deployment.proposed.as_ref().map(json_text))
    .bind(deployment.failure.as_ref().map(json_text))
    .bind(deployment.asked.map(Named::name))
    .bind(&deployment.failed_stamp)
    .bind(&deployment.improved_stamp)
    .bind(now.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

impl Keyed for Deployment {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Deployment, sequence: self.sequence }
    }
}

#[derive(sqlx::FromRow)]
struct DeploymentRow {
    id: String,
    tenant: String,
    sequence: i64,
    name: String,
    revision: i64,
    version: i64,
    model_id: String,
    cluster_id: String,
    condition: String,
    labels: String,
    options: String,
    policy: String,
    applied: Option<String>,
    occupant: Option<String>,
    proposed: Option<String>,
    failure: Option<String>,
    asked: Option<String>,
    failed_stamp: Option<String>,
    improved_stamp: Option<String>,
    created_at: i64,
    changed_at: i64,
    planning_job_id: Option<String>,
    planning_reason: Option<String>,
}

impl TryFrom<DeploymentRow> for Deployment {
    type Error = StoreError;

    fn try_from(row: DeploymentRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let planning = match (&row.planning_job_id, &row.planning_reason) {
            (Some(job_id), Some(reason)) => Some(Planning {
                job_id: reading.id("job_id", IdKind::Job, job_id)?,
                reason: reading.named("reason", reason)?,
            }),
            _ => None,
        };
        Ok(Self {
            id: reading.id("id", IdKind::Deployment, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            sequence: reading.count("sequence", row.sequence)?,
            revision: reading.count("revision", row.revision)?,
            version: reading.count("version", row.version)?,
            model_id: reading.id("model_id", IdKind::Model, &row.model_id)?,
            cluster_id: reading.id("cluster_id", IdKind::Cluster, &row.cluster_id)?,
            condition: parsed(reading, "condition", &row.condition)?,
            labels: reading.labels(&row.labels)?,
            options: parsed(reading, "options", &row.options)?,
            policy: parsed(reading, "policy", &row.policy)?,
            applied: row.applied.as_deref().map(|text| parsed(reading, "applied", text)).transpose()?,
            proposed: row.proposed.as_deref().map(|text| parsed(reading, "proposed", text)).transpose()?,
            failure: row.failure.as_deref().map(|text| parsed(reading, "failure", text)).transpose()?,
            asked: row.asked.as_deref().map(|name| reading.named("asked", name)).transpose()?,
            planning,
            created_at: reading.time("created_at", row.created_at)?,
            changed_at: reading.time("changed_at", row.changed_at)?,
            occupant: row.occupant,
            failed_stamp: row.failed_stamp,
            improved_stamp: row.improved_stamp,
            name: row.name,
        })
    }
}

fn parsed<T: serde::de::DeserializeOwned>(
    reading: Reading<'_>,
    column: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| reading.unreadable(column, error))
}

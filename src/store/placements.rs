//! Placements: what jobs ended with, immutable.
//!
//! A job that ends with a placement or with the proof that there is none stores its document here; `status` tells
//! them apart. A job that ends without either (`failed`, code `no_placement_in_time` or
//! `no_placement_found`) stores nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use sqlx::QueryBuilder;

use super::jobs::{find as find_job, insert_labels, push_labels, push_names};
use super::page::Keyed;
use super::row::{Named, Reading, integer};
use super::{Connection, Database, Listed, Page, PageKey, Store, StoreError};
use crate::domain::hash::json_text;
use crate::domain::id::{Id, IdKind};
use crate::domain::placement::Status;
use crate::domain::tenant::Tenant;

/// A stored placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Its id.
    pub id: Id,
    /// Whose it is.
    pub tenant: Tenant,
    /// The job that made it; the job's record may be deleted.
    pub job_id: Id,
    /// The model that it places.
    pub model_id: Id,
    /// The cluster that it uses.
    pub cluster_id: Id,
    /// The revision of the cluster.
    pub cluster_revision: u64,
    /// The document's status: optimal, feasible or infeasible.
    pub status: Status,
    /// The job's labels.
    pub labels: BTreeMap<String, String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// What the job was asked, JSON text; absent where the job's record was deleted by a version that kept it there
    /// alone.
    pub options: Option<String>,
    /// The placement document, JSON text.
    pub document: String,
}

/// Which placements are wanted; what is `None` or empty does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlacementFilter {
    /// Those of this model.
    pub model_id: Option<Id>,
    /// Those on this cluster.
    pub cluster_id: Option<Id>,
    /// Those computed from this revision.
    pub cluster_revision: Option<u64>,
    /// Those of this job.
    pub job_id: Option<Id>,
    /// Those of one of these statuses.
    pub statuses: Vec<Status>,
    /// Those with all of these labels, each `name=value`.
    pub labels: Vec<String>,
    /// Only the newest for each pair of model and cluster among those that match everything else.
    pub latest: bool,
}

/// The best placement of a job so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BestSoFar {
    /// The job has ended with this.
    Stored(Placement),
    /// The job runs, waits to be run again, or failed after this; its incumbent's document, JSON text.
    Incumbent(String),
    /// There is none, or none yet.
    Nothing,
}

impl Store {
    /// A stored placement.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn placement(&self, tenant: &Tenant, id: &Id) -> Result<Placement, StoreError> {
        let select = sqlx::query_as("SELECT * FROM placements WHERE id = $1 AND tenant = $2");
        let select = select.bind(id.as_str()).bind(tenant.as_str());
        let row: Option<PlacementRow> = select.fetch_optional(&self.readers).await?;
        let missing = || StoreError::NotFound { kind: IdKind::Placement, id: id.as_str().to_owned() };
        row.ok_or_else(missing)?.try_into()
    }

    /// The best placement of a job so far.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the job, or the database failed.
    pub async fn best_placement(&self, tenant: &Tenant, job_id: &Id) -> Result<BestSoFar, StoreError> {
        // One transaction: a job that ends in between would otherwise seem to have nothing.
        let mut transaction = self.readers.begin().await?;
        find_job(&mut transaction, tenant, job_id.as_str()).await?;
        let stored = sqlx::query_as("SELECT * FROM placements WHERE job_id = $1").bind(job_id.as_str());
        let stored: Option<PlacementRow> = stored.fetch_optional(&mut *transaction).await?;
        if let Some(stored) = stored {
            return Ok(BestSoFar::Stored(stored.try_into()?));
        }
        let incumbent = sqlx::query_scalar("SELECT document FROM incumbents WHERE job_id = $1").bind(job_id.as_str());
        let incumbent: Option<String> = incumbent.fetch_optional(&mut *transaction).await?;
        Ok(incumbent.map_or(BestSoFar::Nothing, BestSoFar::Incumbent))
    }

    /// A tenant's placements by creation.
    ///
    /// # Errors
    /// The database failed.
    pub async fn placements(
        &self,
        tenant: &Tenant,
        filter: PlacementFilter,
        page: Page,
    ) -> Result<Listed<Placement>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM placements WHERE tenant = ");
        query.push_bind(tenant.as_str().to_owned());
        if filter.latest {
            query.push(
                " AND id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER
                     (PARTITION BY model_id, cluster_id ORDER BY created_at DESC, id DESC) AS age
                     FROM placements WHERE tenant = ",
            );
            query.push_bind(tenant.as_str().to_owned());
            filter.push_to(&mut query);
            query.push(") AS ranked WHERE age = 1)");
        } else {
            filter.push_to(&mut query);
        }
        page.push_to(&mut query);
        let rows: Vec<PlacementRow> = query.build_query_as().fetch_all(&self.readers).await?;
        Ok(page.list(rows.into_iter().map(Placement::try_from).collect::<Result<_, _>>()?))
    }
}

impl PlacementFilter {
    fn push_to(&self, query: &mut QueryBuilder<Database>) {
        let ids = [("model_id", &self.model_id), ("cluster_id", &self.cluster_id), ("job_id", &self.job_id)];
        for (column, id) in ids {
            if let Some(id) = id {
                query.push(format_args!(" AND {column} = ")).push_bind(id.as_str().to_owned());
            }
        }
        if let Some(revision) = self.cluster_revision {
            // A revision that is too large for the database is not in it.
            query.push(" AND cluster_revision = ").push_bind(i64::try_from(revision).unwrap_or(i64::MAX));
        }
        push_names(query, &self.statuses);
        push_labels(query, "placement_labels.placement_id = placements.id", "placement_labels", &self.labels);
    }
}

impl Keyed for Placement {
    fn page_key(&self) -> PageKey {
        PageKey { created_at: self.created_at, id: self.id.clone() }
    }
}

#[derive(sqlx::FromRow)]
struct PlacementRow {
    id: String,
    tenant: String,
    job_id: String,
    model_id: String,
    cluster_id: String,
    cluster_revision: i64,
    status: String,
    created_at: i64,
    labels: String,
    options: Option<String>,
    document: String,
}

impl TryFrom<PlacementRow> for Placement {
    type Error = StoreError;

    fn try_from(row: PlacementRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        Ok(Self {
            id: reading.id("id", IdKind::Placement, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            job_id: reading.id("job_id", IdKind::Job, &row.job_id)?,
            model_id: reading.id("model_id", IdKind::Model, &row.model_id)?,
            cluster_id: reading.id("cluster_id", IdKind::Cluster, &row.cluster_id)?,
            cluster_revision: reading.count("cluster_revision", row.cluster_revision)?,
            status: reading.named("status", &row.status)?,
            labels: reading.labels(&row.labels)?,
            created_at: reading.time("created_at", row.created_at)?,
            options: row.options,
            document: row.document,
        })
    }
}

/// Stores a placement within the transaction that ends its job.
pub(super) async fn insert(connection: &mut Connection, placement: &Placement) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO placements (id, tenant, job_id, model_id, cluster_id, cluster_revision, status, created_at, labels,
             options, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(placement.id.as_str())
    .bind(placement.tenant.as_str())
    .bind(placement.job_id.as_str())
    .bind(placement.model_id.as_str())
    .bind(placement.cluster_id.as_str())
    .bind(integer("cluster_revision", placement.cluster_revision)?)
    .bind(placement.status.name())
    .bind(placement.created_at.as_microsecond())
    .bind(json_text(&placement.labels))
    .bind(&placement.options)
    .bind(&placement.document)
    .execute(&mut *connection)
    .await?;
    let labels = "INSERT INTO placement_labels (placement_id, label, value) ";
    insert_labels(connection, labels, &placement.id, &placement.labels).await
}

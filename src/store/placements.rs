//! Placements: the immutable results of jobs, those that somebody made by hand, and those planned together.
//!
//! A job that ends with a placement or with the proof that there is none stores its document here; `status` tells
//! them apart. A job that ends without either (`failed`, code `no_placement_in_time` or
//! `no_placement_found`) stores nothing. Deletion is in `retention`.

use std::collections::BTreeMap;

use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::placement::Status;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::jobs::{find as find_job, insert_labels, push_labels, push_names};
use super::page::Keyed;
use super::row::{Reading, integer};
use super::sql::{self, QueryBuilder};
use super::{Connection, Job, Listed, Page, PageKey, Store, StoreError};
use crate::domain::figures::PlacementFigures;
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;

/// A stored placement without its document, for lists. Answers with the document contain its JSON too.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlacementSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// The tenant that owns it.
    #[serde(skip)]
    pub tenant: Tenant,
    /// Its position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
    /// The job that it is the result of. The job's record may be deleted. Absent where no job of the queue made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub job_id: Option<Id>,
    /// The model that it places.
    #[schema(value_type = String)]
    pub model_id: Id,
    /// The cluster that it uses.
    #[schema(value_type = String)]
    pub cluster_id: Id,
    /// The revision of the cluster.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// Its labels, those of the job.
    pub labels: BTreeMap<String, String>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The document's figures.
    #[serde(skip)]
    pub figures: PlacementFigures,
}

/// A stored placement.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Everything but the document.
    pub summary: PlacementSummary,
    /// The options of the job, JSON text. Absent if an older version, which stored them only with the job, deleted the
    /// job's record.
    pub options: Option<String>,
    /// The placement document, JSON text.
    pub document: String,
}

/// A filter of placements. Fields that are `None` or empty match every placement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlacementFilter {
    /// Placements of this model.
    pub model_id: Option<Id>,
    /// Placements on this cluster.
    pub cluster_id: Option<Id>,
    /// Placements computed from this revision.
    pub cluster_revision: Option<u64>,
    /// The placement of this job.
    pub job_id: Option<Id>,
    /// Placements with one of these statuses.
    pub statuses: Vec<Status>,
    /// Placements with a stage on this node.
    pub node_id: Option<String>,
    /// Placements with all of these labels, each `name=value`.
    pub labels: Vec<String>,
    /// Only the newest placement for each pair of model and cluster among those that match the other fields.
    pub latest: bool,
}

/// The best placement of a job so far.
#[derive(Debug, Clone, PartialEq)]
pub enum BestSoFar {
    /// The job has ended with this placement.
    Stored(Box<Placement>),
    /// The job is running, waits to run again, or failed. This is the document of its incumbent, JSON text.
    Incumbent(String),
    /// The job has ended with this placement, which was deleted since.
    Deleted(Id),
    /// There is no placement, or none yet.
    Nothing,
}

/// Every column of a summary.
macro_rules! columns {
    () => {
        "id, tenant, sequence, job_id, model_id, cluster_id, cluster_revision, created_at, labels, figures"
    };
}

impl Store {
    /// Returns a stored placement.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn placement(&self, tenant: &Tenant, id: &Id) -> Result<Placement, StoreError> {
        find(&mut self.read().await?, tenant, id.as_str()).await
    }

    /// The best placement of a job so far.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the job, or the database failed.
    pub async fn best_placement(&self, tenant: &Tenant, job_id: &Id) -> Result<BestSoFar, StoreError> {
        let mut connection = self.read().await?;
        let job = find_job(&mut connection, tenant, job_id.as_str()).await?;
        // A job may end between two reads. The transaction that deletes its incumbent stores its placement, so that one
        // of them is found in this order.
        let incumbent = sql::query_scalar("SELECT document FROM incumbents WHERE job_id = $1").bind(job_id.as_str());
        let incumbent: Option<String> = incumbent.fetch_optional(&mut connection).await?;
        let stored = sql::query_as("SELECT * FROM placements WHERE job_id = $1").bind(job_id.as_str());
        let stored: Option<PlacementRow> = stored.fetch_optional(&mut connection).await?;
        if let Some(stored) = stored {
            return Ok(BestSoFar::Stored(Box::new(stored.try_into()?)));
        }
        if let Some(id) = job.placement_id {
            return Ok(BestSoFar::Deleted(id));
        }
        Ok(incumbent.map_or(BestSoFar::Nothing, BestSoFar::Incumbent))
    }

    /// Returns a tenant's placements in the order of inserts, without their documents.
    ///
    /// # Errors
    /// The database failed.
    pub async fn placements(
        &self,
        tenant: &Tenant,
        filter: PlacementFilter,
        page: Page,
    ) -> Result<Listed<PlacementSummary>, StoreError> {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM placements WHERE tenant = "));
        query.push_bind(tenant.as_str().to_owned());
        if filter.latest {
            query.push(
                " AND id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER
                     (PARTITION BY model_id, cluster_id ORDER BY sequence DESC) AS age
                     FROM placements WHERE tenant = ",
            );
            query.push_bind(tenant.as_str().to_owned());
            filter.push_to(&mut query);
            query.push(") AS ranked WHERE age = 1)");
        } else {
            filter.push_to(&mut query);
        }
        let mut connection = self.read().await?;
        page.read::<SummaryRow, PlacementSummary>(&mut connection, "placements", query).await
    }
}

impl PlacementFilter {
    fn push_to(&self, query: &mut QueryBuilder) {
        let ids = [("model_id", &self.model_id), ("cluster_id", &self.cluster_id), ("job_id", &self.job_id)];
        for (column, id) in ids {
            if let Some(id) = id {
                query.push(format_args!(" AND {column} = ")).push_bind(id.as_str().to_owned());
            }
        }
        if let Some(revision) = self.cluster_revision {
            // A revision that is too large for the database does not exist.
            query.push(" AND cluster_revision = ").push_bind(i64::try_from(revision).unwrap_or(i64::MAX));
        }
        if let Some(node_id) = &self.node_id {
            query.push(
                " AND EXISTS (SELECT 1 FROM placement_nodes
                      WHERE placement_nodes.placement_id = placements.id AND node_id = ",
            );
            query.push_bind(node_id.clone()).push(")");
        }
        push_names(query, &self.statuses);
        push_labels(query, "placement_labels.placement_id = placements.id", "placement_labels", &self.labels);
    }
}

impl Keyed for PlacementSummary {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Placement, sequence: self.sequence }
    }
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: String,
    tenant: String,
    sequence: i64,
    job_id: String,
    model_id: String,
    cluster_id: String,
    cluster_revision: i64,
    created_at: i64,
    labels: String,
    figures: String,
}

#[derive(sqlx::FromRow)]
struct PlacementRow {
    #[sqlx(flatten)]
    summary: SummaryRow,
    options: Option<String>,
    document: String,
}

impl TryFrom<SummaryRow> for PlacementSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        Ok(Self {
            id: reading.id("id", IdKind::Placement, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            sequence: reading.count("sequence", row.sequence)?,
            job_id: match row.job_id == row.id {
                true => None,
                false => Some(reading.id("job_id", IdKind::Job, &row.job_id)?),
            },
            model_id: reading.id("model_id", IdKind::Model, &row.model_id)?,
            cluster_id: reading.id("cluster_id", IdKind::Cluster, &row.cluster_id)?,
            cluster_revision: reading.count("cluster_revision", row.cluster_revision)?,
            labels: reading.labels(&row.labels)?,
            created_at: reading.time("created_at", row.created_at)?,
            figures: PlacementFigures::from_stored(&row.figures)
                .map_err(|_| reading.unreadable("figures", &row.figures))?,
        })
    }
}

impl TryFrom<PlacementRow> for Placement {
    type Error = StoreError;

    fn try_from(PlacementRow { summary, options, document }: PlacementRow) -> Result<Self, StoreError> {
        let document = Reading { id: &summary.id }.document("document", document)?;
        Ok(Self { summary: summary.try_into()?, options, document })
    }
}

/// What a row of a placement begins with.
pub(super) struct Origin<'o> {
    pub(super) tenant: &'o Tenant,
    /// The job. A placement without one, such as one made by hand, has its own id in the column, which is unique since a
    /// job ends once.
    pub(super) job_id: Option<&'o Id>,
    pub(super) model_id: &'o Id,
    pub(super) cluster_id: &'o Id,
    pub(super) cluster_revision: u64,
    pub(super) labels: &'o BTreeMap<String, String>,
    /// The options, JSON text.
    pub(super) options: &'o str,
}

impl<'o> Origin<'o> {
    /// Returns the origin of the placement of a job.
    pub(super) fn of(job: &'o Job) -> Self {
        Self {
            tenant: &job.tenant,
            job_id: Some(&job.id),
            model_id: &job.model_id,
            cluster_id: &job.cluster_id,
            cluster_revision: job.cluster_revision,
            labels: &job.labels,
            options: &job.options,
        }
    }
}

/// Stores a placement, that of a job within the transaction that ends the job.
pub(super) async fn insert(
    connection: &mut Connection,
    origin: Origin<'_>,
    id: &Id,
    now: Timestamp,
    figures: &PlacementFigures,
    document: &str,
) -> Result<(), StoreError> {
    sql::query(
        "INSERT INTO placements (id, tenant, sequence, job_id, model_id, cluster_id, cluster_revision, status,
             created_at, labels, figures, options, document)
         VALUES ($1, $2, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM placements), $3, $4, $5, $6, $7, $8, $9, $10, $11,
             $12)",
    )
    .bind(id.as_str())
    .bind(origin.tenant.as_str())
    .bind(origin.job_id.unwrap_or(id).as_str())
    .bind(origin.model_id.as_str())
    .bind(origin.cluster_id.as_str())
    .bind(integer("cluster_revision", origin.cluster_revision)?)
    .bind(figures.status.name())
    .bind(now.as_microsecond())
    .bind(json_text(origin.labels))
    .bind(json_text(figures))
    .bind(origin.options)
    .bind(document)
    .execute(&mut *connection)
    .await?;
    insert_nodes(connection, id, &figures.node_ids).await?;
    let labels = "INSERT INTO placement_labels (placement_id, label, value) ";
    insert_labels(connection, labels, id, origin.labels).await
}

/// Reads a tenant's placement by its id.
pub(super) async fn find(connection: &mut Connection, tenant: &Tenant, id: &str) -> Result<Placement, StoreError> {
    let select = sql::query_as("SELECT * FROM placements WHERE id = $1 AND tenant = $2").bind(id).bind(tenant.as_str());
    let row: Option<PlacementRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| StoreError::NotFound { kind: IdKind::Placement, id: id.to_owned() })?.try_into()
}

/// Returns `true` if a tenant has a placement.
pub(super) async fn exists(connection: &mut Connection, tenant: &Tenant, id: &Id) -> Result<bool, StoreError> {
    let count = sql::query_scalar("SELECT COUNT(*) FROM placements WHERE id = $1 AND tenant = $2");
    let count: i64 = count.bind(id.as_str()).bind(tenant.as_str()).fetch_one(connection).await?;
    Ok(count > 0)
}

/// Inserts the nodes of a placement into the table for filters.
async fn insert_nodes(connection: &mut Connection, id: &Id, node_ids: &[String]) -> Result<(), StoreError> {
    let insert =
        sql::query("INSERT INTO placement_nodes (placement_id, node_id) SELECT DISTINCT $1, value FROM json_each($2)");
    insert.bind(id.as_str()).bind(json_text(&node_ids)).execute(connection).await?;
    Ok(())
}

/// Deletes the references of a job to placements once neither its record nor its placement exists.
pub(super) async fn forget_names_of(connection: &mut Connection, job_id: &Id) -> Result<(), StoreError> {
    let forget = sql::query(
        "DELETE FROM named_placements WHERE job_id = $1
           AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = $1)
           AND NOT EXISTS (SELECT 1 FROM placements WHERE job_id = $1)",
    );
    forget.bind(job_id.as_str()).execute(connection).await?;
    Ok(())
}

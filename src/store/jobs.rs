//! The operations of clients on jobs: insert, read, list, stop, delete. Those of workers are in `leases`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;

use super::idempotency::{forget_resource, recall, remember};
use super::job::{Job, JobCluster, JobModel, JobRow, JobStatus, NewJob};
use super::news::News;
use super::row::integer;
use super::sql::{self, QueryBuilder};
use super::{
    ClusterSummary, Connection, Listed, Page, Registered, Store, StoreError, clusters, models, outbox, placements,
};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::Named;
use crate::domain::tenant::Tenant;

/// A filter of jobs. Fields that are `None` or empty match every job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Jobs with one of these statuses.
    pub statuses: Vec<JobStatus>,
    /// Jobs of this model.
    pub model_id: Option<Id>,
    /// Jobs on this cluster.
    pub cluster_id: Option<Id>,
    /// Jobs with all of these labels, each `name=value`.
    pub labels: Vec<String>,
    /// Jobs created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Jobs created before this time.
    pub created_before: Option<Timestamp>,
}

/// The limits on jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The most waiting jobs of all callers.
    pub waiting: u32,
    /// The most jobs of one key that have not ended.
    pub of_key: u32,
}

/// The result of a request to stop a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopped {
    /// The job.
    pub job: Job,
    /// Whether the job was waiting and the request ended it.
    pub cancelled: bool,
}

impl Store {
    /// Inserts a job with its inputs and its idempotency key in one transaction. Call [`crate::jobs::Queue::submit`]
    /// instead, which also wakes a worker.
    ///
    /// # Errors
    /// [`StoreError::QueueFull`], [`StoreError::QuotaUsed`], [`StoreError::KeyReused`], [`StoreError::NotFound`] for the model or the cluster, or
    /// the database failed.
    pub async fn insert_job(&self, id: Id, job: NewJob, limits: QueueLimits) -> Result<Registered<Job>, StoreError> {
        let store = self.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let since = store.keys_since();
                if let Some(known) = recall(connection, &job.tenant, job.idempotency.as_ref(), since).await? {
                    let row = find(connection, &job.tenant, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                let waiting = check_limits(connection, job.key_id.as_ref(), limits, &store.waiting).await?;
                let row = store.put_job(connection, id, job, now).await?;
                store.waiting.store(waiting + 1, Ordering::Relaxed);
                Ok(Registered { row, created: true, replayed: false })
            })
        })
        .await
    }

    /// Returns the number of waiting jobs, at most `most`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_waiting(&self, most: u32) -> Result<u32, StoreError> {
        let mut connection = self.read().await?;
        count_waiting(&mut connection, most, &self.waiting).await
    }

    /// Returns `true` if a job waits, on whichever server it was posted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_waiting_jobs(&self) -> Result<bool, StoreError> {
        let count =
            sql::query_scalar("SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE status = 'queued' LIMIT 1) AS one");
        let count: i64 = count.fetch_one(&mut self.read().await?).await?;
        Ok(count > 0)
    }

    /// Returns an estimate of the number of waiting jobs: the last count less the jobs claimed and cancelled since.
    pub fn waiting_jobs(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Returns a job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn job(&self, tenant: &Tenant, id: &Id) -> Result<Job, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, tenant, id.as_str()).await
    }

    /// Returns a tenant's jobs in the order of inserts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn jobs(&self, tenant: &Tenant, filter: JobFilter, page: Page) -> Result<Listed<Job>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM jobs WHERE tenant = ");
        query.push_bind(tenant.as_str().to_owned());
        filter.push_to(&mut query);
        let mut connection = self.read().await?;
        page.read::<JobRow, Job>(&mut connection, "jobs", query).await
    }

    /// Cancels a queued job without an incumbent. Marks a running job, and a queued one with an incumbent of an
    /// interrupted run. Does nothing to a finished job. Call [`crate::jobs::Queue::stop`] instead, which also ends the
    /// search.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn request_stop(&self, tenant: &Tenant, id: &Id) -> Result<Stopped, StoreError> {
        let (tenant, id, now, ids) = (tenant.clone(), id.clone(), self.clock.now(), self.ids.clone());
        let (steady, waiting) = (self.steady.clone(), self.waiting.clone());
        let stopped = self.write(move |connection| {
            Box::pin(async move {
                let cancel = sql::query_as(
                    "UPDATE jobs SET status = 'cancelled', stop_requested = TRUE, finished_at = $2, version = version + 1
                     WHERE id = $1 AND tenant = $3 AND status = 'queued'
                       AND NOT EXISTS (SELECT 1 FROM incumbents WHERE incumbents.job_id = jobs.id)
                     RETURNING *",
                );
                let cancel = cancel.bind(id.as_str()).bind(now.as_microsecond()).bind(tenant.as_str());
                let row: Option<JobRow> = cancel.fetch_optional(&mut *connection).await?;
                if let Some(row) = row {
                    one_waits_less(&waiting);
                    connection.tell(News::Job(id));
                    let job = Job::try_from(row)?;
                    let announced = outbox::announce(connection, &*ids, &job, now, steady.now()).await?;
                    return Ok((Stopped { job, cancelled: true }, announced));
                }
                let mark = sql::query_as(
                    "UPDATE jobs SET stop_requested = TRUE, version = version + 1
                     WHERE id = $1 AND tenant = $2 AND status IN ('queued', 'running') AND NOT stop_requested
                     RETURNING *",
                );
                let mark = mark.bind(id.as_str()).bind(tenant.as_str());
                let row: Option<JobRow> = mark.fetch_optional(&mut *connection).await?;
                let job = match row {
                    Some(row) => {
                        connection.tell(News::Job(id));
                        row.try_into()?
                    }
                    // The job is finished, already marked, or unknown.
                    None => find(connection, &tenant, id.as_str()).await?,
                };
                Ok((Stopped { job, cancelled: false }, false))
            })
        });
        let (stopped, announced) = stopped.await?;
        self.wake_courier(announced);
        Ok(stopped)
    }

    /// Deletes the record of a finished job and its idempotency key. Its placement stays.
    ///
    /// # Errors
    /// [`StoreError::NotFinished`], [`StoreError::NotFound`], or the database failed.
    pub async fn delete_job(&self, tenant: &Tenant, id: &Id) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let delete = sql::query("DELETE FROM jobs WHERE id = $1 AND tenant = $2 AND finished_at IS NOT NULL");
                let delete = delete.bind(id.as_str()).bind(tenant.as_str());
                if delete.execute(&mut *connection).await? == 0 {
                    find(connection, &tenant, id.as_str()).await?;
                    return Err(StoreError::NotFinished { id });
                }
                connection.tell(News::Job(id.clone()));
                placements::forget_names_of(connection, &id).await?;
                forget_resource(connection, &id).await
            })
        })
        .await
    }

    pub(super) async fn put_job(
        &self,
        connection: &mut Connection,
        id: Id,
        job: NewJob,
        now: Timestamp,
    ) -> Result<Job, StoreError> {
        let (model_id, cluster) = self.put_inputs(connection, &job.tenant, job.model, job.cluster, now).await?;
        let insert = sql::query_as(
            "INSERT INTO jobs (id, status, tenant, key_id, model_id, cluster_id, cluster_revision, created_at, labels,
                 options, waits_since, sequence)
             VALUES ($1, 'queued', $2, $3, $4, $5, $6, $7, $8, $9, $10,
                 (SELECT COALESCE(MAX(sequence), 0) + 1 FROM jobs))
             RETURNING *",
        );
        let row: JobRow = insert
            .bind(id.as_str())
            .bind(job.tenant.as_str())
            .bind(job.key_id.as_ref().map(Id::as_str))
            .bind(model_id.as_str())
            .bind(cluster.id.as_str())
            .bind(integer("revision", cluster.revision)?)
            .bind(now.as_microsecond())
            .bind(json_text(&job.labels))
            .bind(json_text(&job.options))
            .bind(self.steady.now().as_microsecond())
            .fetch_one(&mut *connection)
            .await?;
        let row = Job::try_from(row)?;
        insert_labels(connection, "INSERT INTO job_labels (job_id, label, value) ", &row.id, &row.labels).await?;
        for placement_id in &job.named_placements {
            let name = sql::query(
                "INSERT INTO named_placements (job_id, placement_id)
                 SELECT $1, id FROM placements WHERE id = $2 AND tenant = $3",
            );
            let name = name.bind(row.id.as_str()).bind(placement_id.as_str()).bind(job.tenant.as_str());
            if name.execute(&mut *connection).await? == 0 {
                let id = placement_id.as_str().to_owned();
                return Err(StoreError::NotFound { kind: IdKind::Placement, id });
            }
        }
        remember(connection, &job.tenant, job.idempotency, &row.id, true, self.steady.now()).await?;
        connection.tell(News::Queued);
        Ok(row)
    }
}

impl Store {
    /// Returns the id of a model and the row of a cluster, which are stored if they come inline.
    pub(super) async fn put_inputs(
        &self,
        connection: &mut Connection,
        tenant: &Tenant,
        model: JobModel,
        cluster: JobCluster,
        now: Timestamp,
    ) -> Result<(Id, ClusterSummary), StoreError> {
        let model_id = match model {
            JobModel::Registered(id) => models::find(connection, tenant, id.as_str()).await?.id,
            JobModel::Inline(model) => self.put_model(connection, tenant, model, now).await?.0.id,
        };
        let cluster = match cluster {
            JobCluster::Registered { id, revision } => {
                clusters::find(connection, tenant, id.as_str(), Some(revision)).await?
            }
            JobCluster::Inline(cluster) => self.put_inline_cluster(connection, tenant, cluster, now).await?,
        };
        Ok((model_id, cluster))
    }
}

impl JobFilter {
    fn push_to(&self, query: &mut QueryBuilder) {
        push_names(query, &self.statuses);
        if let Some(model_id) = &self.model_id {
            query.push(" AND model_id = ").push_bind(model_id.as_str().to_owned());
        }
        if let Some(cluster_id) = &self.cluster_id {
            query.push(" AND cluster_id = ").push_bind(cluster_id.as_str().to_owned());
        }
        push_labels(query, "job_labels.job_id = jobs.id", "job_labels", &self.labels);
        if let Some(from) = self.created_from {
            query.push(" AND created_at >= ").push_bind(from.as_microsecond());
        }
        if let Some(before) = self.created_before {
            query.push(" AND created_at < ").push_bind(before.as_microsecond());
        }
    }
}

/// Reads a tenant's job by its id.
pub(super) async fn find(connection: &mut Connection, tenant: &Tenant, id: &str) -> Result<Job, StoreError> {
    let select = sql::query_as("SELECT * FROM jobs WHERE id = $1 AND tenant = $2").bind(id).bind(tenant.as_str());
    let row: Option<JobRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| StoreError::NotFound { kind: IdKind::Job, id: id.to_owned() })?.try_into()
}

/// Returns the number of waiting jobs, after checking that it and the number of the key's open jobs are below their
/// limits.
async fn check_limits(
    connection: &mut Connection,
    key_id: Option<&Id>,
    limits: QueueLimits,
    known: &AtomicU32,
) -> Result<u32, StoreError> {
    let count = sql::query_as(
        "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE status = 'queued' LIMIT $1) AS waiting),
                (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE key_id = $2 AND finished_at IS NULL LIMIT $3) AS open)",
    );
    let count = count.bind(i64::from(limits.waiting)).bind(key_id.map(Id::as_str)).bind(i64::from(limits.of_key));
    let (waiting, open): (i64, i64) = count.fetch_one(connection).await?;
    let waiting = u32::try_from(waiting).unwrap_or(limits.waiting);
    known.store(waiting, Ordering::Relaxed);
    if waiting >= limits.waiting {
        return Err(StoreError::QueueFull { limit: limits.waiting });
    }
    if open >= i64::from(limits.of_key) && key_id.is_some() {
        return Err(StoreError::QuotaUsed { limit: limits.of_key });
    }
    Ok(waiting)
}

/// Decrements the estimate of waiting jobs.
pub(super) fn one_waits_less(known: &AtomicU32) {
    let one_less = |waiting: u32| Some(waiting.saturating_sub(1));
    // The closure never returns `None`.
    let _ = known.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
}

/// Returns the number of waiting jobs, at most `most`.
async fn count_waiting(connection: &mut Connection, most: u32, known: &AtomicU32) -> Result<u32, StoreError> {
    let count =
        sql::query_scalar("SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE status = 'queued' LIMIT $1) AS waiting");
    let waiting: i64 = count.bind(i64::from(most)).fetch_one(connection).await?;
    let waiting = u32::try_from(waiting).unwrap_or(most);
    known.store(waiting, Ordering::Relaxed);
    Ok(waiting)
}

/// Inserts the labels of a row into the table for filters.
pub(super) async fn insert_labels(
    connection: &mut Connection,
    insert: &'static str,
    id: &Id,
    labels: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    if labels.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(insert);
    query.push("VALUES ");
    for (index, (label, value)) in labels.iter().enumerate() {
        query.push(if index > 0 { ", (" } else { "(" });
        query.push_list([id.as_str(), label.as_str(), value.as_str()]).push(")");
    }
    query.build().execute(connection).await?;
    Ok(())
}

/// Adds the condition that the status is one of these. No status means any.
pub(super) fn push_names<T: Named>(query: &mut QueryBuilder, statuses: &[T]) {
    if statuses.is_empty() {
        return;
    }
    query.push(" AND status IN (").push_list(statuses.iter().map(|status| status.name())).push(")");
}

/// Adds a condition for each label. `same` joins the table of labels with the rows.
pub(super) fn push_labels(query: &mut QueryBuilder, same: &'static str, table: &'static str, labels: &[String]) {
    for text in labels {
        // Name and value are compared as one text, since a name may contain `=`. The index finds the few labels of each
        // row.
        query.push(format_args!(" AND EXISTS (SELECT 1 FROM {table} WHERE {same} AND label || '=' || value = "));
        query.push_bind(text.clone()).push(")");
    }
}

/// Adds the condition that the name contains a text, in upper or lower case; of letters beyond ASCII as the engine does.
pub(super) fn push_name(query: &mut QueryBuilder, part: Option<&str>) {
    let Some(part) = part else { return };
    // What the pattern would read as a wildcard stands for itself.
    let part = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    query.push(" AND LOWER(name) LIKE LOWER(").push_bind(format!("%{part}%")).push(") ESCAPE '\\'");
}

//! Jobs as clients see them: insert, read, list, stop, delete. What workers do stands in `leases`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use sqlx::QueryBuilder;

use super::idempotency::{forget_resource, recall, remember};
use super::page::Keyed;
use super::row::{Named, Reading, integer};
use super::{
    ClusterDocument, Connection, Database, Idempotency, Listed, ModelDocument, Page, PageKey, Registered, Store,
    StoreError, clusters, models,
};
use crate::domain::hash::json_text;
use crate::domain::id::{Id, IdKind};
use crate::domain::options::PlanOptions;
use crate::domain::placement::Termination;

/// The model of a new job.
#[derive(Debug, Clone)]
pub enum JobModel {
    /// One that is registered.
    Registered(Id),
    /// One that came with the request; it is registered, or found again, in the job's transaction.
    Inline(ModelDocument),
}

/// The cluster of a new job.
#[derive(Debug, Clone)]
pub enum JobCluster {
    /// A revision of one that is registered: the one that the request was checked against.
    Registered {
        /// The cluster.
        id: Id,
        /// The revision.
        revision: u64,
    },
    /// One that came with the request. The same inline inventory is one cluster, however often it comes.
    Inline(ClusterDocument),
}

/// A job to insert.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What to place.
    pub model: JobModel,
    /// Where to place it.
    pub cluster: JobCluster,
    /// How.
    pub options: PlanOptions,
    /// For whoever made it.
    pub labels: BTreeMap<String, String>,
    /// The client's key, if it gave one.
    pub idempotency: Option<Idempotency>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// Waits for a worker.
    Queued,
    /// A worker solves it.
    Running,
    /// Ended with a placement.
    Succeeded,
    /// Ended with the proof that there is none.
    Infeasible,
    /// Was stopped before there was a placement.
    Cancelled,
    /// Ended with an error.
    Failed,
}

/// Why a job failed, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobErrorCode {
    /// The time limit came before any placement or proof.
    NoPlacementInTime,
    /// The algorithm had nothing more to try and proves nothing: another may find a placement.
    NoPlacementFound,
    /// The solver panicked: a defect of ours.
    SolverPanicked,
    /// The checker refused the solver's placement: a defect of ours.
    CheckFailed,
    /// The service ended four times while the job ran.
    CrashedTooOften,
    /// What the job refers to could not be read: a defect of ours.
    InputUnreadable,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    /// The kind.
    pub code: JobErrorCode,
    /// In words, with what to do about it.
    pub detail: String,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobProgress {
    /// Seconds since solving started, to the end once it has ended.
    pub elapsed_s: f64,
    /// The incumbent's period.
    pub period_s: Option<f64>,
    /// The proven lower bound of an objective that is a time.
    pub lower_bound_s: Option<f64>,
    /// The proven lower bound of the objective `min_nodes`.
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective.
    pub gap: Option<f64>,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: Id,
    /// Where it stands.
    pub status: JobStatus,
    /// Why its search ended; absent before, and for cancelled and failed jobs.
    pub termination: Option<Termination>,
    /// The model that it places.
    pub model_id: Id,
    /// The cluster that it places it on.
    pub cluster_id: Id,
    /// The revision of the cluster.
    pub cluster_revision: u64,
    /// The stored placement, or stored proof that there is none.
    pub placement_id: Option<Id>,
    /// The options, JSON text.
    pub options: String,
    /// The incumbent's period.
    pub period_s: Option<f64>,
    /// The proven lower bound of an objective that is a time.
    pub lower_bound_s: Option<f64>,
    /// The proven lower bound of the objective `min_nodes`.
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective.
    pub gap: Option<f64>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// For whoever made it.
    pub labels: BTreeMap<String, String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When solving started, for the last time.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How often a crash of the service put it back into the queue.
    pub crashes: u64,
    /// Whether somebody asked a running job to stop.
    pub stop_requested: bool,
    /// Grows with every change: what an ETag is made of.
    pub version: u64,
}

impl Job {
    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        !matches!(self.status, JobStatus::Queued | JobStatus::Running)
    }

    /// How far its search has come by now; `None` before it first starts.
    pub fn progress(&self, now: Timestamp) -> Option<JobProgress> {
        let Self { period_s, lower_bound_s, lower_bound_nodes, gap, .. } = *self;
        let elapsed_s = match self.started_at {
            Some(started_at) => self.finished_at.unwrap_or(now).duration_since(started_at).as_secs_f64().max(0.0),
            // Put back into the queue with what it had found.
            None if period_s.is_some() || lower_bound_s.is_some() || lower_bound_nodes.is_some() => 0.0,
            None => return None,
        };
        Some(JobProgress { elapsed_s, period_s, lower_bound_s, lower_bound_nodes, gap })
    }
}

/// Which jobs are wanted; what is `None` or empty does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Those of one of these statuses.
    pub statuses: Vec<JobStatus>,
    /// Those of this model.
    pub model_id: Option<Id>,
    /// Those on this cluster.
    pub cluster_id: Option<Id>,
    /// Those with all of these labels.
    pub labels: Vec<(String, String)>,
    /// Those created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Those created before this time.
    pub created_before: Option<Timestamp>,
}

impl Store {
    /// Inserts a job with its inputs and its idempotency key, all in one transaction. Use
    /// [`crate::jobs::Queue::submit`], which also wakes a worker.
    ///
    /// # Errors
    /// [`StoreError::QueueFull`], [`StoreError::KeyReused`], [`StoreError::NotFound`] for the model or the cluster, or
    /// the database failed.
    pub async fn insert_job(&self, id: Id, job: NewJob, queue_limit: u32) -> Result<Registered<Job>, StoreError> {
        let store = self.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                if let Some(known) = recall(connection, job.idempotency.as_ref(), store.keys_since(now)).await? {
                    let row = find(connection, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                check_queue(connection, queue_limit).await?;
                let row = store.put_job(connection, id, job, now).await?;
                Ok(Registered { row, created: true, replayed: false })
            })
        })
        .await
    }

    /// A job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn job(&self, id: &Id) -> Result<Job, StoreError> {
        let mut connection = self.readers.acquire().await?;
        find(&mut connection, id.as_str()).await
    }

    /// Jobs by creation.
    ///
    /// # Errors
    /// The database failed.
    pub async fn jobs(&self, filter: JobFilter, page: Page) -> Result<Listed<Job>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM jobs WHERE TRUE");
        filter.push_to(&mut query);
        page.push_to(&mut query);
        let rows: Vec<JobRow> = query.build_query_as().fetch_all(&self.readers).await?;
        Ok(page.list(rows.into_iter().map(Job::try_from).collect::<Result<_, _>>()?))
    }

    /// Cancels a queued job that has no incumbent; marks one that has (from a run that was interrupted) and a running
    /// one; leaves a finished one as it is. Use [`crate::jobs::Queue::stop`], which also ends the search.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn request_stop(&self, id: &Id) -> Result<Job, StoreError> {
        let (id, now) = (id.clone(), self.clock.now().as_microsecond());
        self.write(move |connection| {
            Box::pin(async move {
                let cancel = sqlx::query_as(
                    "UPDATE jobs SET status = 'cancelled', stop_requested = TRUE, finished_at = $2, version = version + 1
                     WHERE id = $1 AND status = 'queued'
                       AND NOT EXISTS (SELECT 1 FROM incumbents WHERE incumbents.job_id = jobs.id)
                     RETURNING *",
                );
                let row: Option<JobRow> = cancel.bind(id.as_str()).bind(now).fetch_optional(&mut *connection).await?;
                if let Some(row) = row {
                    return row.try_into();
                }
                let mark = sqlx::query_as(
                    "UPDATE jobs SET stop_requested = TRUE, version = version + 1
                     WHERE id = $1 AND status IN ('queued', 'running') AND NOT stop_requested
                     RETURNING *",
                );
                let row: Option<JobRow> = mark.bind(id.as_str()).fetch_optional(&mut *connection).await?;
                match row {
                    Some(row) => row.try_into(),
                    // Finished, marked already, or unknown.
                    None => find(connection, id.as_str()).await,
                }
            })
        })
        .await
    }

    /// Deletes the record of a finished job, and with it the memory of its idempotency key. Its placement stays.
    ///
    /// # Errors
    /// [`StoreError::NotFinished`], [`StoreError::NotFound`], or the database failed.
    pub async fn delete_job(&self, id: &Id) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(move |connection| {
            Box::pin(async move {
                let delete = sqlx::query("DELETE FROM jobs WHERE id = $1 AND finished_at IS NOT NULL");
                if delete.bind(id.as_str()).execute(&mut *connection).await?.rows_affected() == 0 {
                    find(connection, id.as_str()).await?;
                    return Err(StoreError::NotFinished { id });
                }
                forget_resource(connection, &id).await
            })
        })
        .await
    }

    async fn put_job(
        &self,
        connection: &mut Connection,
        id: Id,
        job: NewJob,
        now: Timestamp,
    ) -> Result<Job, StoreError> {
        let model_id = match job.model {
            JobModel::Registered(id) => models::find(connection, id.as_str()).await?.id,
            JobModel::Inline(model) => self.put_model(connection, model, now).await?.0.id,
        };
        let cluster = match job.cluster {
            JobCluster::Registered { id, revision } => clusters::find(connection, id.as_str(), Some(revision)).await?,
            JobCluster::Inline(cluster) => self.put_inline_cluster(connection, cluster, now).await?,
        };
        let insert = sqlx::query_as(
            "INSERT INTO jobs (id, status, model_id, cluster_id, cluster_revision, created_at, labels, options)
             VALUES ($1, 'queued', $2, $3, $4, $5, $6, $7) RETURNING *",
        );
        let row: JobRow = insert
            .bind(id.as_str())
            .bind(model_id.as_str())
            .bind(cluster.id.as_str())
            .bind(integer("revision", cluster.revision)?)
            .bind(now.as_microsecond())
            .bind(json_text(&job.labels))
            .bind(json_text(&job.options))
            .fetch_one(&mut *connection)
            .await?;
        let row = Job::try_from(row)?;
        insert_labels(connection, "INSERT INTO job_labels (job_id, label, value) ", &row.id, &row.labels).await?;
        remember(connection, job.idempotency, &row.id, true, now).await?;
        Ok(row)
    }
}

impl JobFilter {
    fn push_to(&self, query: &mut QueryBuilder<Database>) {
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

impl Keyed for Job {
    fn page_key(&self) -> PageKey {
        PageKey { created_at: self.created_at, id: self.id.clone() }
    }
}

impl Named for JobStatus {
    const ALL: &'static [Self] =
        &[Self::Queued, Self::Running, Self::Succeeded, Self::Infeasible, Self::Cancelled, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Infeasible => "infeasible",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl Named for JobErrorCode {
    const ALL: &'static [Self] = &[
        Self::NoPlacementInTime,
        Self::NoPlacementFound,
        Self::SolverPanicked,
        Self::CheckFailed,
        Self::CrashedTooOften,
        Self::InputUnreadable,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::NoPlacementInTime => "no_placement_in_time",
            Self::NoPlacementFound => "no_placement_found",
            Self::SolverPanicked => "solver_panicked",
            Self::CheckFailed => "check_failed",
            Self::CrashedTooOften => "crashed_too_often",
            Self::InputUnreadable => "input_unreadable",
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct JobRow {
    pub(super) id: String,
    status: String,
    termination: Option<String>,
    model_id: String,
    cluster_id: String,
    cluster_revision: i64,
    placement_id: Option<String>,
    period_s: Option<f64>,
    lower_bound_s: Option<f64>,
    lower_bound_nodes: Option<i64>,
    gap: Option<f64>,
    error_code: Option<String>,
    error_detail: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    crashes: i64,
    stop_requested: bool,
    version: i64,
    pub(super) lease_token: i64,
    labels: String,
    options: String,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let time = |column, time: Option<i64>| time.map(|time| reading.time(column, time)).transpose();
        let placement_id = row.placement_id.as_deref();
        let termination = row.termination.as_deref();
        let lower_bound_nodes = row.lower_bound_nodes.map(|nodes| reading.count("lower_bound_nodes", nodes));
        let error = row.error_code.as_deref().map(|code| reading.named("error_code", code)).transpose()?;
        Ok(Self {
            id: reading.id("id", IdKind::Job, &row.id)?,
            status: reading.named("status", &row.status)?,
            termination: termination.map(|name| reading.named("termination", name)).transpose()?,
            model_id: reading.id("model_id", IdKind::Model, &row.model_id)?,
            cluster_id: reading.id("cluster_id", IdKind::Cluster, &row.cluster_id)?,
            cluster_revision: reading.count("cluster_revision", row.cluster_revision)?,
            placement_id: placement_id.map(|id| reading.id("placement_id", IdKind::Placement, id)).transpose()?,
            period_s: row.period_s,
            lower_bound_s: row.lower_bound_s,
            lower_bound_nodes: lower_bound_nodes.transpose()?,
            gap: row.gap,
            labels: reading.labels(&row.labels)?,
            created_at: reading.time("created_at", row.created_at)?,
            started_at: time("started_at", row.started_at)?,
            finished_at: time("finished_at", row.finished_at)?,
            crashes: reading.count("crashes", row.crashes)?,
            stop_requested: row.stop_requested,
            version: reading.count("version", row.version)?,
            error: error.map(|code| JobError { code, detail: row.error_detail.unwrap_or_default() }),
            options: row.options,
        })
    }
}

/// A job by its id.
pub(super) async fn find(connection: &mut Connection, id: &str) -> Result<Job, StoreError> {
    let select = sqlx::query_as("SELECT * FROM jobs WHERE id = $1").bind(id);
    let row: Option<JobRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| StoreError::NotFound { kind: IdKind::Job, id: id.to_owned() })?.try_into()
}

async fn check_queue(connection: &mut Connection, limit: u32) -> Result<(), StoreError> {
    // Counts no further than the limit.
    let count =
        sqlx::query_scalar("SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE status = 'queued' LIMIT $1) AS waiting");
    let waiting: i64 = count.bind(i64::from(limit)).fetch_one(connection).await?;
    if waiting < i64::from(limit) { Ok(()) } else { Err(StoreError::QueueFull { limit }) }
}

/// Writes the labels of a row where filters find them.
pub(super) async fn insert_labels(
    connection: &mut Connection,
    insert: &'static str,
    id: &Id,
    labels: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    for (label, value) in labels {
        let mut query = QueryBuilder::<Database>::new(insert);
        query.push_values([(label, value)], |mut row, (label, value)| {
            row.push_bind(id.as_str().to_owned()).push_bind(label.clone()).push_bind(value.clone());
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Adds the condition that the status is one of these; none means any.
pub(super) fn push_names<T: Named>(query: &mut QueryBuilder<Database>, statuses: &[T]) {
    if statuses.is_empty() {
        return;
    }
    let mut names = query.push(" AND status IN (").separated(", ");
    for status in statuses {
        names.push_bind(status.name());
    }
    names.push_unseparated(")");
}

/// Adds a condition for each label; `same` joins the table of labels to the rows.
pub(super) fn push_labels(
    query: &mut QueryBuilder<Database>,
    same: &'static str,
    table: &'static str,
    labels: &[(String, String)],
) {
    for (label, value) in labels {
        query.push(format_args!(" AND EXISTS (SELECT 1 FROM {table} WHERE {same} AND label = "));
        query.push_bind(label.clone()).push(" AND value = ").push_bind(value.clone()).push(")");
    }
}

//! The types of a job and its row.

use std::collections::BTreeMap;
use std::time::Duration;

use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::placement::Termination;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::Keyed;
use super::row::Reading;
use super::{ClusterDocument, Idempotency, ModelDocument, PageKey, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::named::{Named, named};
use crate::domain::tenant::Tenant;

/// The model of a new job.
#[derive(Debug, Clone)]
pub enum JobModel {
    /// A registered model.
    Registered(Id),
    /// A model in the request. The job's transaction registers it unless its content is registered already.
    Inline(ModelDocument),
}

/// The cluster of a new job.
#[derive(Debug, Clone)]
pub enum JobCluster {
    /// The revision of a registered cluster that the request was checked against.
    Registered {
        /// The cluster.
        id: Id,
        /// The revision.
        revision: u64,
    },
    /// A cluster in the request. Equal inline inventories share one cluster.
    Inline(ClusterDocument),
}

/// A job to insert.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The tenant that owns it.
    pub tenant: Tenant,
    /// The API key that posts it.
    pub key_id: Option<Id>,
    /// The model to place.
    pub model: JobModel,
    /// The cluster to place it on.
    pub cluster: JobCluster,
    /// The options.
    pub options: PlanOptions,
    /// Labels, for clients.
    pub labels: BTreeMap<String, String>,
    /// The stored placements that are its base or occupants.
    pub named_placements: Vec<Id>,
    /// The client's idempotency key, if given.
    pub idempotency: Option<Idempotency>,
}

named! {
    /// The status of a job.
    pub enum JobStatus {
        /// The job waits for a worker.
        Queued = "queued",
        /// A worker is solving the job.
        Running = "running",
        /// The job ended with a placement.
        Succeeded = "succeeded",
        /// The job ended with a proof that there is no placement.
        Infeasible = "infeasible",
        /// The job was stopped before there was a placement.
        Cancelled = "cancelled",
        /// The job ended with an error.
        Failed = "failed",
    }
}

named! {
    /// The kind of a job's failure.
    pub enum JobErrorCode {
        /// The time limit came before any placement or proof.
        NoPlacementInTime = "no_placement_in_time",
        /// The algorithm ended without a placement or a proof. Another algorithm may find a placement.
        NoPlacementFound = "no_placement_found",
        /// The solver panicked: a defect of Cutpoint.
        SolverPanicked = "solver_panicked",
        /// The checker refused the solver's placement: a defect of Cutpoint.
        CheckFailed = "check_failed",
        /// The service ended too often while the job ran.
        CrashedTooOften = "crashed_too_often",
        /// A document that the job refers to could not be read: a defect of Cutpoint.
        InputUnreadable = "input_unreadable",
    }
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobError {
    /// The kind.
    pub code: JobErrorCode,
    /// A description with advice.
    pub detail: String,
}

/// The progress of a search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct JobProgress {
    /// Seconds that the search has run, up to the last heartbeat or its end. They are measured with the monotonic
    /// clock. A job that was put back into the queue starts from 0.
    #[schema(minimum = 0)]
    pub elapsed_s: f64,
    /// The period of the best placement so far, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// The proven lower bound of an objective that is a time, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lower_bound_s: Option<f64>,
    /// The proven lower bound of the objective `min_nodes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lower_bound_nodes: Option<u64>,
    /// (objective − bound) / objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gap: Option<f64>,
}

// The API and the messages to webhooks contain this JSON, so internal fields are skipped.
/// A planning job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Its status.
    pub status: JobStatus,
    /// Why its search ended; absent before, and for cancelled and failed jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub termination: Option<Termination>,
    /// The model that it places.
    #[schema(value_type = String)]
    pub model_id: Id,
    /// The cluster that it places it on.
    #[schema(value_type = String)]
    pub cluster_id: Id,
    /// The revision of the cluster.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// The stored placement, or the stored proof that there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub placement_id: Option<Id>,
    /// The progress of its search; absent before it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub progress: Option<JobProgress>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<JobError>,
    /// Labels, for clients.
    pub labels: BTreeMap<String, String>,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When solving last started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// The tenant that owns it.
    #[serde(skip)]
    pub tenant: Tenant,
    /// The options, JSON text.
    #[serde(skip)]
    pub options: String,
    /// The number of times that it was put back into the queue after a crash of the service.
    #[serde(skip)]
    pub crashes: u64,
    /// Whether a client asked to stop the running job.
    #[serde(skip)]
    pub stop_requested: bool,
    /// Increases with every change. The ETag is made from it.
    #[serde(skip)]
    pub version: u64,
    /// The versions of its latest events.
    #[serde(skip)]
    pub happened: Happened,
    /// Its position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
}

/// The versions of a job at which each kind of event last happened. The end of a finished job is its last version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// It was put into the queue.
    pub queued: u64,
    /// A worker claimed it.
    pub started: Option<u64>,
    /// A better placement was stored.
    pub incumbent: Option<u64>,
    /// A better bound was stored.
    pub bound: Option<u64>,
}

impl Job {
    /// Returns the name of its status.
    pub fn status_name(&self) -> &'static str {
        self.status.name()
    }

    /// Returns the name of its termination, or `none` without one.
    pub fn termination_name(&self) -> &'static str {
        self.termination.map_or("none", Named::name)
    }

    /// Returns `true` if it has ended.
    pub fn is_finished(&self) -> bool {
        !matches!(self.status, JobStatus::Queued | JobStatus::Running)
    }
}

impl Keyed for Job {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Job, sequence: self.sequence }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct JobRow {
    id: String,
    tenant: String,
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
    elapsed_us: Option<i64>,
    crashes: i64,
    stop_requested: bool,
    version: i64,
    queued_version: i64,
    started_version: Option<i64>,
    incumbent_version: Option<i64>,
    bound_version: Option<i64>,
    sequence: i64,
    labels: String,
    options: String,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let count = |column, number: Option<i64>| number.map(|number| reading.count(column, number)).transpose();
        let time = |column, time: Option<i64>| time.map(|time| reading.time(column, time)).transpose();
        let placement_id = row.placement_id.as_deref();
        let termination = row.termination.as_deref();
        let (started_at, finished_at) = (time("started_at", row.started_at)?, time("finished_at", row.finished_at)?);
        let elapsed = count("elapsed_us", row.elapsed_us)?.map(Duration::from_micros);
        let (period_s, lower_bound_s, gap) = (row.period_s, row.lower_bound_s, row.gap);
        let lower_bound_nodes = count("lower_bound_nodes", row.lower_bound_nodes)?;
        // A job that was put back into the queue still shows its figures.
        let has_found = period_s.is_some() || lower_bound_s.is_some() || lower_bound_nodes.is_some();
        let elapsed_s = elapsed_s(elapsed, started_at, finished_at).or(has_found.then_some(0.0));
        let error = row.error_code.as_deref().map(|code| reading.named("error_code", code)).transpose()?;
        Ok(Self {
            id: reading.id("id", IdKind::Job, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            status: reading.named("status", &row.status)?,
            termination: termination.map(|name| reading.named("termination", name)).transpose()?,
            model_id: reading.id("model_id", IdKind::Model, &row.model_id)?,
            cluster_id: reading.id("cluster_id", IdKind::Cluster, &row.cluster_id)?,
            cluster_revision: reading.count("cluster_revision", row.cluster_revision)?,
            placement_id: placement_id.map(|id| reading.id("placement_id", IdKind::Placement, id)).transpose()?,
            progress: elapsed_s.map(|elapsed_s| JobProgress {
                elapsed_s,
                period_s,
                lower_bound_s,
                lower_bound_nodes,
                gap,
            }),
            labels: reading.labels(&row.labels)?,
            created_at: reading.time("created_at", row.created_at)?,
            started_at,
            finished_at,
            crashes: reading.count("crashes", row.crashes)?,
            sequence: reading.count("sequence", row.sequence)?,
            stop_requested: row.stop_requested,
            version: reading.count("version", row.version)?,
            happened: Happened {
                queued: reading.count("queued_version", row.queued_version)?,
                started: count("started_version", row.started_version)?,
                incumbent: count("incumbent_version", row.incumbent_version)?,
                bound: count("bound_version", row.bound_version)?,
            },
            error: error.map(|code| JobError { code, detail: row.error_detail.unwrap_or_default() }),
            options: row.options,
        })
    }
}

/// Returns how long a search has run, or `None` before it first starts.
fn elapsed_s(elapsed: Option<Duration>, started_at: Option<Timestamp>, finished_at: Option<Timestamp>) -> Option<f64> {
    let started_at = started_at?;
    Some(match (elapsed, finished_at) {
        (Some(elapsed), _) => elapsed.as_secs_f64(),
        // The job ended under a version that did not measure the time. The wall clock may have been set in between.
        (None, Some(finished_at)) => finished_at.duration_since(started_at).as_secs_f64().max(0.0),
        (None, None) => 0.0,
    })
}

//! Jobs as clients see them: insert, read, list, stop, delete. What workers do stands in `leases`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ClusterDocument, Idempotency, Listed, ModelDocument, Page, Registered, Store, StoreError};
use crate::domain::id::Id;
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
    /// The time limit came before any placement or proof, or the algorithm found none.
    NoPlacementInTime,
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
    pub crashes: u32,
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

    /// How far its search has come by now; `None` before it starts.
    pub fn progress(&self, now: Timestamp) -> Option<JobProgress> {
        todo!()
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
    /// Inserts a job with its inputs and its idempotency key, all in one transaction. Use [`crate::jobs::Queue::submit`],
    /// which also wakes a worker.
    pub async fn insert_job(&self, job: NewJob, queue_limit: u32) -> Result<Registered<Job>, StoreError> {
        todo!()
    }

    /// A job.
    pub async fn job(&self, id: &Id) -> Result<Job, StoreError> {
        todo!()
    }

    /// Jobs by creation.
    pub async fn jobs(&self, filter: JobFilter, page: Page) -> Result<Listed<Job>, StoreError> {
        todo!()
    }

    /// Cancels a queued job, or marks a running one; a finished one stays as it is. Use [`crate::jobs::Queue::stop`],
    /// which also tells the worker.
    pub async fn request_stop(&self, id: &Id) -> Result<Job, StoreError> {
        todo!()
    }

    /// Deletes the record of a finished job ([`StoreError::NotFinished`] otherwise). Its placement stays.
    pub async fn delete_job(&self, id: &Id) -> Result<(), StoreError> {
        todo!()
    }
}

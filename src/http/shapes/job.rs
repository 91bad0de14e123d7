//! Jobs as clients see them.

use std::collections::BTreeMap;

use cutpoint_planner::domain::placement::Termination;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::Id;
use crate::store;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
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

impl JobStatus {
    /// Every status under its name.
    pub const NAMED: [(&'static str, store::JobStatus); 6] = [
        ("queued", store::JobStatus::Queued),
        ("running", store::JobStatus::Running),
        ("succeeded", store::JobStatus::Succeeded),
        ("infeasible", store::JobStatus::Infeasible),
        ("cancelled", store::JobStatus::Cancelled),
        ("failed", store::JobStatus::Failed),
    ];
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct JobProgress {
    /// Seconds that the search has run: as of the last heartbeat, or to the end once it has ended. They are measured, whatever
    /// the wall clock does; a job that was put back into the queue starts anew.
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

/// Why a job failed, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobErrorCode {
    /// The time limit came before any placement or proof.
    NoPlacementInTime,
    /// The algorithm came to its end without a placement or a proof.
    NoPlacementFound,
    /// The solver panicked: a defect of ours.
    SolverPanicked,
    /// The checker refused the solver's placement: a defect of ours.
    CheckFailed,
    /// The service ended too often while the job ran.
    CrashedTooOften,
    /// What the job refers to could not be read: a defect of ours.
    InputUnreadable,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobError {
    /// The kind.
    pub code: JobErrorCode,
    /// In words, with what to do about it.
    pub detail: String,
}

/// A planning job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Where it stands.
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
    /// How far its search has come; absent before it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub progress: Option<JobProgress>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<JobError>,
    /// For whoever made it.
    pub labels: BTreeMap<String, String>,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When solving started, for the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    pub items: Vec<Job>,
    /// Give it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
    /// Ids of what stands in this part of the list and is damaged in the database; reading one says what is wrong. Absent
    /// where all of it can be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unreadable: Vec<String>,
}

impl Job {
    /// A stored job.
    pub fn new(job: store::Job) -> Self {
        Self {
            progress: job.progress().map(JobProgress::from),
            id: job.id,
            status: job.status.into(),
            termination: job.termination,
            model_id: job.model_id,
            cluster_id: job.cluster_id,
            cluster_revision: job.cluster_revision,
            placement_id: job.placement_id,
            error: job.error.map(JobError::from),
            labels: job.labels,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

impl From<store::JobStatus> for JobStatus {
    fn from(status: store::JobStatus) -> Self {
        match status {
            store::JobStatus::Queued => Self::Queued,
            store::JobStatus::Running => Self::Running,
            store::JobStatus::Succeeded => Self::Succeeded,
            store::JobStatus::Infeasible => Self::Infeasible,
            store::JobStatus::Cancelled => Self::Cancelled,
            store::JobStatus::Failed => Self::Failed,
        }
    }
}

impl From<store::JobProgress> for JobProgress {
    fn from(progress: store::JobProgress) -> Self {
        let store::JobProgress { elapsed_s, period_s, lower_bound_s, lower_bound_nodes, gap } = progress;
        Self { elapsed_s, period_s, lower_bound_s, lower_bound_nodes, gap }
    }
}

impl From<store::JobError> for JobError {
    fn from(error: store::JobError) -> Self {
        let code = match error.code {
            store::JobErrorCode::NoPlacementInTime => JobErrorCode::NoPlacementInTime,
            store::JobErrorCode::NoPlacementFound => JobErrorCode::NoPlacementFound,
            store::JobErrorCode::SolverPanicked => JobErrorCode::SolverPanicked,
            store::JobErrorCode::CheckFailed => JobErrorCode::CheckFailed,
            store::JobErrorCode::CrashedTooOften => JobErrorCode::CrashedTooOften,
            store::JobErrorCode::InputUnreadable => JobErrorCode::InputUnreadable,
        };
        Self { code, detail: error.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_asked_for_under_the_name_that_it_is_shown_under() {
        for (name, status) in JobStatus::NAMED {
            assert_eq!(serde_json::to_value(JobStatus::from(status)).unwrap(), name);
        }
    }
}

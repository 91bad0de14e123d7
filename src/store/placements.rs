//! Placements: what jobs ended with, immutable.
//!
//! A job that ends with a placement or with the proof that there is none stores its document here; `status` tells
//! them apart. A job that ends without either (`no_placement_in_time`) stores nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Listed, Page, Store, StoreError};
use crate::domain::id::Id;
use crate::domain::placement::Status;

/// A stored placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Its id.
    pub id: Id,
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
    /// Those with all of these labels.
    pub labels: Vec<(String, String)>,
    /// Only the newest for each pair of model and cluster among those that match everything else.
    pub latest: bool,
}

/// The best placement of a job so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BestSoFar {
    /// The job has ended with this.
    Stored(Placement),
    /// The job has not ended; this is its incumbent's document, JSON text.
    Incumbent(String),
    /// There is none, or none yet.
    Nothing,
}

impl Store {
    /// A stored placement.
    pub async fn placement(&self, id: &Id) -> Result<Placement, StoreError> {
        todo!()
    }

    /// The best placement of a job so far.
    pub async fn best_placement(&self, job_id: &Id) -> Result<BestSoFar, StoreError> {
        todo!()
    }

    /// Placements by creation.
    pub async fn placements(&self, filter: PlacementFilter, page: Page) -> Result<Listed<Placement>, StoreError> {
        todo!()
    }
}

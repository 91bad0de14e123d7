//! The store: SQL only, one file an aggregate. One writer that commits in groups, many readers.

pub mod clusters;
mod error;
pub mod idempotency;
pub mod jobs;
pub mod models;
pub mod page;
pub mod placements;

use std::sync::Arc;
use std::time::Duration;

pub use clusters::{Cluster, ClusterDocument};
pub use error::StoreError;
pub use idempotency::{Idempotency, Registered};
pub use jobs::{Job, JobCluster, JobError, JobErrorCode, JobFilter, JobModel, JobProgress, JobStatus, NewJob};
pub use models::{Model, ModelDocument, ModelStatistics};
pub use page::{Listed, Order, Page, PageKey};
pub use placements::{BestSoFar, Placement, PlacementFilter};

use crate::clock::{Clock, Ids};

/// How to open a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite://` and a path; the file is made where it is missing.
    pub database_url: String,
    /// Connections that only read; default 4.
    pub readers: u32,
    /// The most operations that one commit takes; default 256.
    pub group_limit: usize,
    /// How long an idempotency key is remembered; default a day.
    pub remember_keys: Duration,
}

impl StoreSettings {
    /// The defaults for this database.
    pub fn new(database_url: impl Into<String>) -> Self {
        Self {
            database_url: database_url.into(),
            readers: 4,
            group_limit: 256,
            remember_keys: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// An open store; clones share it.
#[derive(Clone)]
pub struct Store {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Store {
    /// Opens a database, makes it where it is missing, and brings its schema up to date.
    pub async fn open(settings: &StoreSettings, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self, StoreError> {
        todo!()
    }

    /// Whether the database answers reads and takes writes.
    pub async fn check(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Finishes the writes that were asked for, then closes the database.
    pub async fn close(&self) {
        todo!()
    }
}

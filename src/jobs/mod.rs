//! The queue: claims jobs under leases, drives their solvers, stores what they find, recovers after a crash.

mod settings;
mod solver;

use std::sync::Arc;
use std::time::Duration;

pub use settings::QueueSettings;
pub use solver::{Planner, Solver};

use crate::clock::{Clock, Ids};
use crate::domain::id::Id;
use crate::domain::request::PlanRequest;
use crate::store::{Job, NewJob, Registered, Store, StoreError};

/// The running queue; clones share it.
#[derive(Clone)]
pub struct Queue {
    store: Store,
}

impl Queue {
    /// Puts jobs of a dead process back into the queue, then starts the workers.
    pub async fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: QueueSettings,
        solver: Arc<dyn Solver>,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// Inserts a job and wakes a worker. The request is what the documents of `job` say, as it was read at the door:
    /// the worker uses it instead of reading the documents again.
    pub async fn submit(&self, job: NewJob, request: Arc<PlanRequest>) -> Result<Registered<Job>, StoreError> {
        todo!()
    }

    /// Ends a job: a queued one is cancelled, a running one keeps the best that it has. Asking again changes nothing.
    /// The answer may still say `running`; [`Queue::wait_until_finished`] waits for the end (within 250 ms).
    pub async fn stop(&self, id: &Id) -> Result<Job, StoreError> {
        todo!()
    }

    /// Waits until a job is finished, at most for `timeout`, and returns how it stands then.
    pub async fn wait_until_finished(&self, id: &Id, timeout: Duration) -> Result<Job, StoreError> {
        todo!()
    }

    /// Waits until a job's version differs from `version`, at most for `timeout`, and returns how it stands then.
    pub async fn wait_for_change(&self, id: &Id, version: u64, timeout: Duration) -> Result<Job, StoreError> {
        todo!()
    }

    /// Whether jobs are taken: not once shutdown has begun.
    pub fn is_accepting(&self) -> bool {
        todo!()
    }

    /// Stops the running solves, stores their incumbents, puts their jobs back into the queue, and ends the workers.
    pub async fn shutdown(&self) {
        todo!()
    }
}

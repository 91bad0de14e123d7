//! Deployments: evaluates what runs whenever a cluster changes, and proposes where to go.
//!
//! The store says which clusters are to be looked at, and fences what is found (`store/deployments/site.rs`). What is to be
//! done is a function of what was read and of the time (`decide`, `policy`).

mod ahead;
mod apply;
mod decide;
mod evaluate;
mod impact;
mod lost;
mod measured;
mod plans;
mod policy;
mod resilience;
mod sight;
#[cfg(test)]
mod tests;
mod together;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::apply::ApplyError;
pub use self::impact::{Impact, ImpactOnDeployment};
pub use self::resilience::{NodeFallback, NodeFallbackStatus, Resilience};
use self::sight::Kept;
pub use self::together::{PlannedTogether, Together, TogetherError};
use crate::clock::{Clock, Ids};
use crate::jobs::Queue;
use crate::store::{Store, StoreError};

/// The running service of deployments. Clones share it.
#[derive(Clone)]
pub struct Deployments {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    queue: Queue,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    kept: Kept,
    closing: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Deployments {
    /// Starts to look at clusters that have changed, those of a dead process first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        store: Store,
        queue: Queue,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, StoreError> {
        let this = Self::idle(store, queue, clock, ids);
        this.inner.store.recover_sites().await?;
        let task = tokio::spawn(worker::work(this.inner.clone()));
        *this.inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(this)
    }

    /// Returns what answers questions about deployments, and looks at no cluster by itself.
    pub fn idle(store: Store, queue: Queue, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let (kept, closing) = (Kept::default(), CancellationToken::new());
        Self { inner: Arc::new(Inner { store, queue, clock, ids, kept, closing, task: Mutex::default() }) }
    }

    /// Stops looking at clusters.
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A panic of the worker was logged, and ends here.
            let _ = task.await;
        }
    }
}

impl std::fmt::Debug for Deployments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deployments").finish_non_exhaustive()
    }
}

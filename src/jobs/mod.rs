//! The queue: claims jobs under leases, solves them, stores their results, and recovers jobs after a crash.
//!
//! A job is `queued`, then `running` under a lease with a fencing token, then ended in the transaction that stores its
//! placement. Every write of a worker names its token, so that a job ends only once.

mod admission;
mod answer;
mod apart;
mod changes;
mod claim;
mod drive;
mod explain;
mod faults;
mod inputs;
mod news;
mod progress;
mod recover;
mod requests;
mod retention;
mod settings;
mod signal;
mod solver;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cutpoint_planner::domain::request::PlanRequest;
use metrics::gauge;
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub use admission::Slot;
pub use apart::{ApartError, SolveApart};
pub use explain::ExplainError;
pub use settings::QueueSettings;
pub use solver::{Planner, Solver};

use self::admission::Admission;
use self::changes::Changes;
use self::requests::Requests;
pub(crate) use self::signal::{Cause, Signal};
use crate::clock::{Clock, Ids};
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::store::{Job, JobStatus, NewJob, Registered, Stopped, Store, StoreError};
use crate::telemetry::metric;

/// A running queue. Clones share it.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: QueueSettings,
    solver: Arc<dyn Solver>,
    /// The id of this process, unique among all that ever used the database.
    owner: String,
    /// Wakes a worker.
    wake: Notify,
    closing: CancellationToken,
    changes: Changes,
    requests: Requests,
    admission: Admission,
    /// Limits concurrent explanations.
    explaining: Arc<Semaphore>,
    running: Mutex<FxHashMap<Id, Arc<Signal>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    #[cfg(test)]
    crash: Mutex<Option<faults::Crash>>,
}

impl Queue {
    /// Puts the jobs of dead processes back into the queue and starts the workers.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: QueueSettings,
        solver: Arc<dyn Solver>,
    ) -> Result<Self, StoreError> {
        let inner = Arc::new(Inner {
            owner: ids.uuid().to_string(),
            explaining: Arc::new(Semaphore::new(settings.explanations)),
            store,
            clock,
            ids,
            settings,
            solver,
            wake: Notify::new(),
            closing: CancellationToken::new(),
            changes: Changes::default(),
            requests: Requests::default(),
            admission: Admission::default(),
            running: Mutex::default(),
            tasks: Mutex::default(),
            #[cfg(test)]
            crash: Mutex::default(),
        });
        gauge!(metric::WORKERS).set(inner.settings.workers as f64);
        recover::recover_at_start(&inner).await?;
        inner.store.count_waiting(inner.settings.queue_limit).await?;
        let workers = (0..inner.settings.workers).map(|_| tokio::spawn(claim::work(inner.clone())));
        let sweeps = [
            tokio::spawn(recover::sweep(inner.clone())),
            tokio::spawn(retention::sweep(inner.clone())),
            tokio::spawn(news::hear(inner.clone(), inner.store.news_of_others())),
        ];
        let tasks = workers.chain(sweeps).collect();
        *inner.tasks() = tasks;
        Ok(Self { inner })
    }

    /// Inserts a job and wakes a worker. `request` is the parsed form of the documents of `job`, which saves the worker
    /// from parsing them again, and `bytes` is their size as JSON. `slot` is the queue slot reserved for the job, if
    /// any.
    ///
    /// # Errors
    /// See [`Store::insert_job`].
    pub async fn submit(
        &self,
        job: NewJob,
        (request, bytes): (Arc<PlanRequest>, usize),
        slot: Option<Slot>,
    ) -> Result<Registered<Job>, StoreError> {
        let inner = self.inner.clone();
        to_the_end(async move {
            let id = inner.ids.id(IdKind::Job);
            // The request is kept before the insert, since a worker may claim the job right after it.
            inner.requests.keep(&id, request, bytes);
            let registered = inner.store.insert_job(id.clone(), job, inner.settings.limits()).await;
            // The inserted job occupies its slot itself now.
            drop(slot);
            match &registered {
                Ok(Registered { replayed: false, .. }) => inner.wake.notify_one(),
                _ => drop(inner.requests.take(&id)),
            }
            registered
        })
        .await
    }

    /// Stops a job: a queued one is cancelled, a running one ends with its best placement so far. Further calls have no
    /// effect. The returned job may still be `running`; [`Queue::wait_until_finished`] waits for the end (within 250
    /// ms).
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn stop(&self, tenant: &Tenant, id: &Id) -> Result<Job, StoreError> {
        let (inner, tenant, id) = (self.inner.clone(), tenant.clone(), id.clone());
        to_the_end(async move { inner.stop(&tenant, &id).await }).await
    }

    /// Waits until a job is finished, at most for `timeout`, and returns the job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn wait_until_finished(&self, job: &Job, timeout: Duration) -> Result<Job, StoreError> {
        self.wait(job, timeout, Job::is_finished).await
    }

    /// Waits until a job has changed, at most for `timeout`, and returns the job.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn wait_for_change(&self, job: &Job, timeout: Duration) -> Result<Job, StoreError> {
        self.wait(job, timeout, |now| now.version != job.version).await
    }

    /// Returns how long what a server has claimed stays its own without a sign of life.
    pub(crate) fn lease(&self) -> Duration {
        self.inner.settings.lease
    }

    /// Returns the limit of waiting jobs and an estimate of the free slots, without the reserved ones.
    pub fn quota(&self) -> (usize, usize) {
        let limit = self.inner.settings.queue_limit;
        let taken = self.inner.store.waiting_jobs().saturating_add(self.inner.admission.reserved());
        (limit as usize, limit.saturating_sub(taken) as usize)
    }

    /// Returns `true` if the queue accepts jobs, that is until shutdown begins.
    pub fn is_accepting(&self) -> bool {
        !self.inner.closing.is_cancelled()
    }

    /// Waits until shutdown begins.
    pub async fn closed(&self) {
        self.inner.closing.cancelled().await;
    }

    /// Stops the running solves, stores their incumbents, puts their jobs back into the queue, and ends the workers.
    /// Waits no longer than [`QueueSettings::grace`].
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        self.inner.running().values().for_each(|signal| signal.end(Cause::Shutdown));
        let tasks = std::mem::take(&mut *self.inner.tasks());
        let ended = futures::future::join_all(tasks);
        if tokio::time::timeout(self.inner.settings.grace, ended).await.is_err() {
            tracing::error!("a search did not end in time: its job goes back to the queue at the next start");
        }
    }

    /// Waits until a job meets a condition. A shutdown ends every wait.
    async fn wait(&self, job: &Job, timeout: Duration, enough: impl Fn(&Job) -> bool) -> Result<Job, StoreError> {
        let Job { tenant, id, .. } = job;
        let mut limit = std::pin::pin!(tokio::time::sleep(timeout));
        let mut watch = self.inner.changes.watch(id);
        loop {
            let job = self.inner.store.job(tenant, id).await?;
            if enough(&job) {
                return Ok(job);
            }
            tokio::select! {
                () = watch.changed() => {}
                () = &mut limit => return Ok(job),
                () = self.inner.closing.cancelled() => return Ok(job),
            }
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// Runs a future to completion even if the caller is dropped. A client that disconnects drops its handler, but a
/// committed change must still be announced.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, so no caller waits any more.
            Err(_) => std::future::pending().await,
        },
    }
}

impl Inner {
    async fn stop(self: &Arc<Self>, tenant: &Tenant, id: &Id) -> Result<Job, StoreError> {
        let Stopped { job, cancelled } = self.store.request_stop(tenant, id).await?;
        if cancelled {
            drive::count_ended(&job);
        }
        self.changes.announce(id);
        match job.status {
            JobStatus::Running => self.end_search(id),
            // The job has the incumbent of an interrupted run, so it can end without a worker.
            JobStatus::Queued => {
                let claimed = self.store.claim_job(&self.owner, self.settings.lease, Some(id)).await?;
                match claimed {
                    Some(claimed) => claim::drive_in_task(self, claimed).await,
                    // A worker has claimed the job first.
                    None => self.end_search(id),
                }
                return self.store.job(tenant, id).await;
            }
            _ => drop(self.requests.take(id)),
        }
        Ok(job)
    }

    /// Creates and registers the signal of a job that this process runs.
    fn register(&self, id: &Id) -> Arc<Signal> {
        let signal = Arc::new(Signal::new(self.clock.clone()));
        self.running().insert(id.clone(), signal.clone());
        // This check comes after the insert, so that a concurrent shutdown finds the signal.
        if self.closing.is_cancelled() {
            signal.end(Cause::Shutdown);
        }
        signal
    }

    /// Removes the signal of a run. The signal of a later run of the same job stays.
    fn unregister(&self, id: &Id, signal: &Arc<Signal>) {
        let mut running = self.running();
        if running.get(id).is_some_and(|of_run| Arc::ptr_eq(of_run, signal)) {
            running.remove(id);
        }
    }

    fn end_search(&self, id: &Id) {
        if let Some(signal) = self.running().get(id) {
            signal.end(Cause::Asked);
        }
    }

    fn running(&self) -> MutexGuard<'_, FxHashMap<Id, Arc<Signal>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The queue: claims jobs under leases, drives their solvers, stores what they find, recovers after a crash.
//!
//! A job is `queued`, then `running` under a lease with a fencing token, then ended in the transaction that stores its
//! placement. Every write of a worker names its token, so that a job ends once, whoever thinks to own it.

mod admission;
mod answer;
mod changes;
mod claim;
mod drive;
mod explain;
mod faults;
mod inputs;
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

/// The running queue; clones share it.
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
    /// This process among all that ever owned the database.
    owner: String,
    /// Wakes a worker.
    wake: Notify,
    closing: CancellationToken,
    changes: Changes,
    requests: Requests,
    admission: Admission,
    /// One for each explanation that may be solved at once.
    explaining: Arc<Semaphore>,
    running: Mutex<FxHashMap<Id, Arc<Signal>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    #[cfg(test)]
    crash: Mutex<Option<faults::Crash>>,
}

impl Queue {
    /// Puts jobs of a dead process back into the queue, then starts the workers.
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
        let sweeps = [tokio::spawn(recover::sweep(inner.clone())), tokio::spawn(retention::sweep(inner.clone()))];
        let tasks = workers.chain(sweeps).collect();
        *inner.tasks() = tasks;
        Ok(Self { inner })
    }

    /// Inserts a job and wakes a worker. The request is what the documents of `job` say, as it was read at the door:
    /// the worker uses it instead of reading the documents again; `bytes` is how much JSON it came from. The place was
    /// promised to the job, if one was.
    ///
    /// # Errors
    /// As [`Store::insert_job`].
    pub async fn submit(
        &self,
        job: NewJob,
        (request, bytes): (Arc<PlanRequest>, usize),
        place: Option<Slot>,
    ) -> Result<Registered<Job>, StoreError> {
        let inner = self.inner.clone();
        to_the_end(async move {
            let id = inner.ids.id(IdKind::Job);
            // Before the insert: behind it a worker may look at once.
            inner.requests.keep(&id, request, bytes);
            let registered = inner.store.insert_job(id.clone(), job, inner.settings.limits()).await;
            // The job counts for itself now.
            drop(place);
            match &registered {
                Ok(Registered { replayed: false, .. }) => inner.wake.notify_one(),
                _ => drop(inner.requests.take(&id)),
            }
            registered
        })
        .await
    }

    /// Ends a job: a queued one is cancelled, a running one keeps the best that it has. Asking again changes nothing.
    /// The answer may still say `running`; [`Queue::wait_until_finished`] waits for the end (within 250 ms).
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn stop(&self, tenant: &Tenant, id: &Id) -> Result<Job, StoreError> {
        let (inner, tenant, id) = (self.inner.clone(), tenant.clone(), id.clone());
        to_the_end(async move { inner.stop(&tenant, &id).await }).await
    }

    /// Waits until a job is finished, at most for `timeout`, and returns how it stands then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn wait_until_finished(&self, job: &Job, timeout: Duration) -> Result<Job, StoreError> {
        self.wait(job, timeout, Job::is_finished).await
    }

    /// Waits until a job has changed, at most for `timeout`, and returns how it stands then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn wait_for_change(&self, job: &Job, timeout: Duration) -> Result<Job, StoreError> {
        self.wait(job, timeout, |now| now.version != job.version).await
    }

    /// How many jobs may wait, and how many more may as far as is known; those on their way have their places.
    pub fn quota(&self) -> (usize, usize) {
        let limit = self.inner.settings.queue_limit;
        let taken = self.inner.store.waiting_jobs().saturating_add(self.inner.admission.promised());
        (limit as usize, limit.saturating_sub(taken) as usize)
    }

    /// Whether jobs are taken: not once shutdown has begun.
    pub fn is_accepting(&self) -> bool {
        !self.inner.closing.is_cancelled()
    }

    /// Stops the running solves, stores their incumbents, puts their jobs back into the queue, and ends the workers.
    /// Waits for them no longer than [`QueueSettings::grace`].
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        self.inner.running().values().for_each(|signal| signal.end(Cause::Shutdown));
        let tasks = std::mem::take(&mut *self.inner.tasks());
        let ended = futures::future::join_all(tasks);
        if tokio::time::timeout(self.inner.settings.grace, ended).await.is_err() {
            tracing::error!("a search did not end in time: its job goes back to the queue at the next start");
        }
    }

    /// Waits for a state of a job; a shutdown ends every wait.
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

/// Does something as a whole, also where the caller goes away in the middle: a client that hangs up ends its handler, and
/// what stands in the database must be told to everybody.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down; nobody waits for this any more.
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
        self.changes.tell(id);
        match job.status {
            JobStatus::Running => self.end_search(id),
            // It has the incumbent of an interrupted run: no worker is needed to end with that.
            JobStatus::Queued => {
                let claimed = self.store.claim_job(&self.owner, self.settings.lease, Some(id)).await?;
                match claimed {
                    Some(claimed) => claim::drive_apart(self, claimed).await,
                    // A worker was faster.
                    None => self.end_search(id),
                }
                return self.store.job(tenant, id).await;
            }
            _ => drop(self.requests.take(id)),
        }
        Ok(job)
    }

    /// Makes the signal of a job that this process runs.
    fn register(&self, id: &Id) -> Arc<Signal> {
        let signal = Arc::new(Signal::new(self.clock.clone()));
        self.running().insert(id.clone(), signal.clone());
        // Behind the insert: a shutdown from here on finds the signal.
        if self.closing.is_cancelled() {
            signal.end(Cause::Shutdown);
        }
        signal
    }

    /// Forgets the signal of a run; a later run of the same job keeps its own.
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

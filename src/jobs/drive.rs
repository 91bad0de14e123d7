//! Drives a claimed job: solves it on its own thread, renews its lease, and ends it or puts it back into the queue.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::Env;
use cutpoint_planner::Progress as _;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::placement::Termination;
use cutpoint_planner::domain::request::PlanRequest;
use metrics::{counter, gauge, histogram};
use tokio::time::MissedTickBehavior;

use super::answer::{Outcome, Search};
use super::faults::Step;
use super::inputs::{Unreadable, request};
use super::progress::Tracker;
use super::signal::{Cause, Signal};
use super::thread::{Solving, solve_on_thread};
use super::{Inner, QueueSettings};
use crate::domain::id::Id;
use crate::store::leases::{Claimed, Ending, Figures, Found};
use crate::store::{Job, JobError, JobErrorCode, StoreError, termination_name};
use crate::telemetry::metric;

/// The delay of a worker after a failure that no job caused.
pub(super) const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Drives a job until it ends, is back in the queue, or its lease is lost.
pub(super) async fn drive(queue: &Arc<Inner>, claimed: Claimed) {
    let id = claimed.job.id.clone();
    let registered = Run::register(queue, &id);
    let busy = Busy::new();
    if !queue.crashes_at(Step::Claimed) {
        run(queue, claimed, &registered.signal).await;
    }
    drop(busy);
    drop(registered);
    queue.changes.announce(&id);
}

/// A run of a job in this process. It is registered, so that the job can be stopped, until it is dropped.
struct Run<'q> {
    queue: &'q Inner,
    id: &'q Id,
    signal: Arc<Signal>,
}

impl<'q> Run<'q> {
    fn register(queue: &'q Inner, id: &'q Id) -> Self {
        Self { queue, id, signal: queue.register(id) }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.queue.unregister(self.id, &self.signal);
    }
}

/// Counts a busy worker until it is dropped.
struct Busy;

impl Busy {
    fn new() -> Self {
        gauge!(metric::BUSY_WORKERS).increment(1);
        Self
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        gauge!(metric::BUSY_WORKERS).decrement(1);
    }
}

async fn run(queue: &Arc<Inner>, claimed: Claimed, signal: &Arc<Signal>) {
    let request = match request(queue, &claimed.job).await {
        Ok(request) => request,
        // The lease expires and the job goes back to the queue, since a retry may succeed. That counts as a crash, so
        // that a job whose rows are permanently unreadable fails in the end.
        Err(Unreadable::Store(error)) => {
            tracing::error!(%error, "the inputs of a job were not read");
            return pause(queue).await;
        }
        Err(Unreadable::Invalid(detail)) => return end_unreadable(queue, &claimed, &detail).await,
    };
    let objective = request.options.objective;
    let several = request.options.wants_several();
    let tracker = Arc::new(Tracker::new(queue.clock.clone(), objective, &claimed));
    if claimed.job.stop_requested {
        let (figures, ending) = search(objective, several, signal, &claimed, &tracker).ending_unsearched();
        return end(queue, &claimed, figures, ending).await;
    }
    signal.end_within(Duration::try_from_secs_f64(request.options.solver.time_limit_s).unwrap_or(Duration::MAX));
    let solving = match solve(queue, request, signal, &tracker) {
        Ok(solving) => solving,
        Err(error) => {
            tracing::error!(%error, "no thread could be started for a search");
            return put_back(queue, &claimed).await;
        }
    };
    let Some(outcome) = supervise(queue, &claimed, signal, &tracker, solving).await else { return };
    if queue.crashes_at(Step::Solved) {
        return;
    }
    match (&outcome, signal.cause()) {
        (_, Some(Cause::LeaseLost)) => {}
        (Outcome::Document(document), Some(Cause::Shutdown)) if document.termination == Termination::Stopped => {
            tracker.incumbent(document);
            release(queue, &claimed, &tracker).await;
        }
        _ => {
            report(&outcome);
            measure(&outcome);
            let (figures, ending) = search(objective, several, signal, &claimed, &tracker).ending(outcome);
            end(queue, &claimed, figures, ending).await;
        }
    }
}

fn search(objective: Objective, several: bool, signal: &Signal, claimed: &Claimed, tracker: &Tracker) -> Search {
    let carried = claimed.incumbent.clone();
    Search { objective, several, cause: signal.cause(), carried, figures: tracker.figures() }
}

/// Starts the search.
fn solve(
    queue: &Arc<Inner>,
    request: Arc<PlanRequest>,
    signal: &Arc<Signal>,
    tracker: &Arc<Tracker>,
) -> io::Result<Solving<Outcome>> {
    let (solver, threads) = (queue.solver.clone(), queue.settings.threads_per_job.max(1));
    let (signal, tracker) = (signal.clone(), tracker.clone());
    solve_on_thread(move || {
        let seed = request.options.solver.seed;
        let env = Env { seed, threads, stop: &*signal, progress: &*tracker };
        match solver.solve(&request, &env) {
            Ok(mut document) => {
                document.solve_s = tracker.elapsed_s();
                Outcome::Document(Box::new(document))
            }
            Err(failure) => Outcome::Refused(failure),
        }
    })
}

/// Renews the lease and stores progress until the search returns. Returns `None` if the search ends without an outcome.
async fn supervise(
    queue: &Arc<Inner>,
    claimed: &Claimed,
    signal: &Signal,
    tracker: &Tracker,
    mut solving: Solving<Outcome>,
) -> Option<Outcome> {
    // A stop between the claim and the registration of the signal has only set a mark in the database.
    let marked = queue.store.job(&claimed.job.tenant, &claimed.job.id);
    tokio::select! {
        biased;
        outcome = &mut solving => return Some(outcome.ok()?.unwrap_or_else(Outcome::Panicked)),
        job = marked => if job.is_ok_and(|job| job.stop_requested) {
            signal.end(Cause::Asked);
        },
    }
    let period = queue.settings.heartbeat;
    let mut ticks = tokio::time::interval(period);
    // The claim itself counts as the first heartbeat.
    ticks.reset();
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            outcome = &mut solving => return Some(outcome.ok()?.unwrap_or_else(Outcome::Panicked)),
            _ = ticks.tick() => heartbeat(queue, claimed, signal, tracker).await,
        }
    }
}

async fn heartbeat(queue: &Inner, claimed: &Claimed, signal: &Signal, tracker: &Tracker) {
    if signal.cause() == Some(Cause::LeaseLost) {
        return;
    }
    let (found, mark) = tracker.unstored().unzip();
    let changed = found.is_some();
    match queue.store.heartbeat(&claimed.lease, queue.settings.lease, found).await {
        Ok(stop_requested) => {
            if let Some(mark) = mark {
                tracker.stored(mark);
            }
            if stop_requested {
                signal.end(Cause::Asked);
            }
            if changed {
                queue.changes.announce(&claimed.job.id);
            }
        }
        Err(StoreError::LeaseLost { .. }) => {
            counter!(metric::LEASES_LOST).increment(1);
            tracing::warn!("the lease is lost; the search ends and its result is discarded");
            signal.end(Cause::LeaseLost);
        }
        // The next heartbeat tries again. If the lease expires first, the job goes back to the queue.
        Err(error) => tracing::error!(%error, "a heartbeat was not stored"),
    }
}

async fn end(queue: &Inner, claimed: &Claimed, figures: Figures, ending: Ending) {
    // The time that the write takes does not belong to the search.
    let lease = claimed.lease.of_ended(queue.clock.monotonic());
    let ended = persist(queue, || queue.store.end_job(&lease, figures, ending.clone())).await;
    if let Some(job) = ended {
        count_ended(&job);
        let elapsed_s = job.progress.map(|progress| progress.elapsed_s);
        tracing::info!(status = ?job.status, elapsed_s, "job ended");
    }
}

/// Counts an ended job.
pub(super) fn count_ended(job: &Job) {
    let labels = [("status", job.status_name()), ("termination", job.termination_name())];
    counter!(metric::JOBS_ENDED, &labels).increment(1);
    if let Some(gap) = job.progress.and_then(|progress| progress.gap) {
        histogram!(metric::GAP).record(gap);
    }
}

async fn release(queue: &Inner, claimed: &Claimed, tracker: &Tracker) {
    let found = tracker.unstored().map(|(found, _)| found);
    let found = found.unwrap_or_else(|| Found { figures: tracker.figures(), incumbent: None });
    let released = persist(queue, || queue.store.release_job(&claimed.lease, found.clone())).await;
    if released.is_some() {
        tracing::info!("job put back into the queue");
    }
}

/// Stores the end of a search. If the database fails, retries until the lease would have expired. If it is full,
/// retries until there is space or the service ends: no other worker takes the job while this process holds it.
async fn persist<T, W>(queue: &Inner, write: impl Fn() -> W) -> Option<T>
where
    W: Future<Output = Result<T, StoreError>>,
{
    // After the lease has expired, another worker may hold the job.
    let QueueSettings { lease, heartbeat, .. } = queue.settings;
    let most_tries = 1 + lease.as_millis() / heartbeat.as_millis().max(1);
    let mut tries = 0;
    while tries < most_tries {
        match write().await {
            Ok(written) => return Some(written),
            Err(error @ (StoreError::LeaseLost { .. } | StoreError::Closed)) => {
                if matches!(error, StoreError::LeaseLost { .. }) {
                    counter!(metric::LEASES_LOST).increment(1);
                }
                tracing::warn!(%error, "the end of a search was not stored");
                return None;
            }
            Err(error) => {
                tracing::error!(%error, "the end of a search was not stored");
                let waits = matches!(error, StoreError::NoSpace(_)) && !queue.closing.is_cancelled();
                tries += u128::from(!waits);
            }
        }
        tokio::time::sleep(heartbeat).await;
    }
    None
}

/// Puts back a job that could not be started for a reason outside of the job.
async fn put_back(queue: &Inner, claimed: &Claimed) {
    let found = Found { figures: Figures::of(&claimed.job), incumbent: None };
    match queue.store.release_job(&claimed.lease, found).await {
        Ok(()) => tracing::info!("job put back into the queue"),
        // The job goes back when the lease expires.
        Err(error) => tracing::error!(%error, "a job was not put back"),
    }
    pause(queue).await;
}

/// Waits after a failure before the worker takes the next job.
async fn pause(queue: &Inner) {
    tokio::select! {
        () = queue.closing.cancelled() => {}
        () = tokio::time::sleep(AFTER_FAILURE) => {}
    }
}

async fn end_unreadable(queue: &Inner, claimed: &Claimed, detail: &str) {
    tracing::error!(detail, "the inputs of a job are not valid");
    let detail = format!("The stored inputs cannot be read: {detail} Post the job again with its inputs.");
    let error = JobError { code: JobErrorCode::InputUnreadable, detail };
    end(queue, claimed, Figures::default(), Ending::Failed(error)).await;
}

/// Records the duration of a search that returned an answer.
fn measure(outcome: &Outcome) {
    if let Outcome::Document(document) = outcome {
        let termination = termination_name(document.termination);
        histogram!(metric::SOLVE_DURATION, "termination" => termination).record(document.solve_s);
    }
}

fn report(outcome: &Outcome) {
    match outcome {
        Outcome::Document(_) => {}
        Outcome::Refused(failure) => tracing::error!(%failure, "check failed"),
        Outcome::Panicked(words) => tracing::error!(words, "the solver panicked"),
    }
}

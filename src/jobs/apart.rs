//! Plans apart from the queue: a few requests that are solved one after the other for one caller.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NoProgress;
use cutpoint_planner::{CheckFailure, Env};

use super::Queue;
use super::signal::{Cause, Signal};
use super::thread::solve_on_thread;
use crate::store::StoreError;

/// The reason why a request was not solved.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// The most requests are being solved.
    #[error("as many plans are being made as can be at once")]
    Busy,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Closing,
    /// The checker refused the placement: a defect of Cutpoint.
    #[error(transparent)]
    Refused(#[from] CheckFailure),
    /// The system could not start a thread.
    #[error("no thread could be started")]
    NoThread(#[from] io::Error),
    /// The solver panicked: a defect of Cutpoint.
    #[error("the solver panicked: {0}")]
    Panicked(String),
}

/// Solves a request within a time limit. `None` means that no time is left.
pub type SolveApart<'s> = dyn FnMut(&PlanRequest) -> Option<Result<PlacementDocument, CheckFailure>> + 's;

struct EndOnDrop(Arc<Signal>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(Cause::Asked);
    }
}

impl Queue {
    /// Runs `work` on a thread of its own with a solver that has `limit` in all. The search ends if the caller goes away.
    ///
    /// # Errors
    /// See [`ApartError`].
    pub async fn solve_apart<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut SolveApart<'_>) -> Result<T, CheckFailure> + Send + 'static,
    ) -> Result<T, ApartError> {
        let inner = &self.inner;
        let permit = inner.explaining.clone().try_acquire_owned().map_err(|_| ApartError::Busy)?;
        let signal = Arc::new(Signal::new(inner.clock.clone()));
        let _end = EndOnDrop(signal.clone());
        let (solver, clock) = (inner.solver.clone(), inner.clock.clone());
        let threads = inner.settings.threads_per_job.max(1);
        let mut solving = solve_on_thread(move || {
            let _permit = permit;
            let began = clock.monotonic();
            signal.end_within(limit);
            let mut solve = |request: &PlanRequest| {
                if signal.cause().is_some() || clock.monotonic().saturating_sub(began) >= limit {
                    return None;
                }
                let started = clock.monotonic();
                let seed = request.options.solver.seed;
                let env = Env { seed, threads, stop: &*signal, progress: &NoProgress };
                let solved = solver.solve(request, &env).map(|mut document| {
                    document.solve_s = clock.monotonic().saturating_sub(started).as_secs_f64();
                    document
                });
                Some(solved)
            };
            work(&mut solve)
        })?;
        tokio::select! {
            solved = &mut solving => match solved {
                Ok(solved) => Ok(solved.map_err(ApartError::Panicked)??),
                Err(lost) => Err(ApartError::Panicked(lost.to_string())),
            },
            () = inner.closing.cancelled() => Err(ApartError::Closing),
        }
    }

    /// Wakes a worker for jobs that were inserted otherwise than by [`Queue::submit`].
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Returns `true` if no job waits, and this server searches for none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_idle(&self) -> Result<bool, StoreError> {
        Ok(self.inner.running().is_empty() && !self.inner.store.has_waiting_jobs().await?)
    }
}

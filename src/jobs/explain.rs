//! Explanations of stored placements, solved on their own threads, within limits of time and concurrency.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::CheckFailure;
use cutpoint_planner::domain::explanation::Explanation;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::explain::{ExplainEnv, explain};

use super::Queue;
use super::inputs::read_request;
use super::signal::{Cause, Signal};
use super::thread::solve_on_thread;
use crate::domain::id::Id;
use crate::store::{Placement, PlacementSummary, StoreError};

/// The reason why a placement was not explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The most concurrent explanations are running.
    #[error("as many placements are being explained as can be at once")]
    Busy,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Closing,
    /// The record of the placement's job, which held its options, was deleted.
    #[error("the record of the job of {0} was deleted, and with it what the placement was asked to be")]
    JobDeleted(Id),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored document cannot be read.
    #[error("what is stored cannot be read: {0}")]
    Unreadable(String),
    /// The checker refused a placement of an upgraded request: a defect of Cutpoint.
    #[error(transparent)]
    Refused(#[from] CheckFailure),
    /// The system could not start a thread.
    #[error("no thread could be started")]
    NoThread(#[from] io::Error),
    /// The solver panicked: a defect of Cutpoint.
    #[error("the explanation panicked: {0}")]
    Panicked(String),
}

/// Stops the solves when it is dropped, that is when the caller has gone away.
struct EndOnDrop(Arc<Signal>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(Cause::Asked);
    }
}

impl Queue {
    /// Explains a stored placement within a time limit.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub async fn explain(&self, placement: &Placement, limit: Duration) -> Result<Explanation, ExplainError> {
        let inner = &self.inner;
        let permit = inner.explaining.clone().try_acquire_owned().map_err(|_| ExplainError::Busy)?;
        let options = placement.options.clone();
        let options = options.ok_or_else(|| ExplainError::JobDeleted(placement.summary.id.clone()))?;
        let PlacementSummary { tenant, model_id, cluster_id, cluster_revision, .. } = &placement.summary;
        let model = inner.store.model_document(tenant, model_id).await?;
        let (_, cluster) = inner.store.cluster_document(tenant, cluster_id, Some(*cluster_revision)).await?;
        let signal = Arc::new(Signal::new(inner.clock.clone()));
        let _end = EndOnDrop(signal.clone());
        let (told, threads, stored) =
            (signal.clone(), inner.settings.threads_per_job.max(1), placement.document.clone());
        let mut solving = solve_on_thread(move || {
            // If the caller goes away, this thread ends on its own.
            let _permit = permit;
            let (request, document) = read(&model, &cluster, &options, &stored)?;
            // The time limit starts after the documents were read.
            told.end_within(limit);
            Ok(explain(&request, &document, &ExplainEnv { threads, slices: &*told })?)
        })?;
        tokio::select! {
            solved = &mut solving => match solved {
                Ok(explained) => explained.map_err(ExplainError::Panicked)?,
                Err(lost) => Err(ExplainError::Panicked(lost.to_string())),
            },
            () = inner.closing.cancelled() => Err(ExplainError::Closing),
        }
    }
}

fn read(
    model: &str,
    cluster: &str,
    options: &str,
    document: &str,
) -> Result<(PlanRequest, PlacementDocument), ExplainError> {
    let words = |faults: Vec<Fault>| faults.iter().map(Fault::to_string).collect::<Vec<String>>().join(" ");
    let request = read_request(model, cluster, options).map_err(|faults| ExplainError::Unreadable(words(faults)))?;
    let document = serde_json::from_str(document).map_err(|error| ExplainError::Unreadable(error.to_string()))?;
    Ok((request, document))
}

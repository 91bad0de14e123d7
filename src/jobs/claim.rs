//! A worker: claims and drives the oldest queued job in a loop, and sleeps while there is none.

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::Inner;
use super::drive::{AFTER_FAILURE, drive};
use crate::store::leases::Claimed;

/// The longest sleep of a worker. New jobs wake a worker; the limit covers jobs that appear in the database otherwise.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Works until the queue shuts down.
pub(super) async fn work(queue: Arc<Inner>) {
    while !queue.closing.is_cancelled() {
        match queue.store.claim_job(&queue.owner, queue.settings.lease, None).await {
            Ok(Some(claimed)) => {
                // One notification may announce two jobs, so another worker is woken too.
                queue.wake.notify_one();
                drive_in_task(&queue, claimed).await;
            }
            Ok(None) => sleep(&queue, LONGEST_SLEEP).await,
            Err(error) => {
                tracing::error!(%error, "no job could be claimed");
                sleep(&queue, AFTER_FAILURE).await;
            }
        }
    }
}

/// Drives a job in its own task, so that a panic affects only this job.
pub(super) async fn drive_in_task(queue: &Arc<Inner>, claimed: Claimed) {
    let id = claimed.job.id.clone();
    queue.changes.announce(&id);
    let driver = queue.clone();
    let span = tracing::info_span!("job", job_id = %id);
    let driven = tokio::spawn(async move { drive(&driver, claimed).await }.instrument(span)).await;
    if let Err(error) = driven {
        // The lease expires, and the job goes back to the queue.
        tracing::error!(job_id = %id, %error, "the driver of a job panicked");
    }
}

async fn sleep(queue: &Inner, longest: Duration) {
    tokio::select! {
        () = queue.wake.notified() => {}
        () = queue.closing.cancelled() => {}
        () = tokio::time::sleep(longest) => {}
    }
}

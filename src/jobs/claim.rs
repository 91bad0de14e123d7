//! A worker: claims the oldest queued job, drives it, and again; sleeps while there is none.

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::Inner;
use super::drive::drive;
use crate::store::leases::Claimed;

/// How long a worker sleeps at the most. It is woken for every new job; this is for jobs that came otherwise.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long a worker waits after something failed that is no job's fault.
pub(super) const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Works until the queue shuts down.
pub(super) async fn work(queue: Arc<Inner>) {
    while !queue.closing.is_cancelled() {
        match queue.store.claim_job(&queue.owner, queue.settings.lease, None).await {
            Ok(Some(claimed)) => {
                // Two jobs may have come with one call; whoever sleeps looks as well.
                queue.wake.notify_one();
                drive_apart(&queue, claimed).await;
            }
            Ok(None) => sleep(&queue, LOOK_AGAIN).await,
            Err(error) => {
                tracing::error!(%error, "no job could be claimed");
                sleep(&queue, AFTER_FAILURE).await;
            }
        }
    }
}

/// Drives a job in a task of its own, so that a defect there costs this job alone.
pub(super) async fn drive_apart(queue: &Arc<Inner>, claimed: Claimed) {
    let id = claimed.job.id.clone();
    queue.changes.tell(&id);
    let driver = queue.clone();
    let span = tracing::info_span!("job", job_id = %id);
    let driven = tokio::spawn(async move { drive(&driver, claimed).await }.instrument(span)).await;
    if let Err(error) = driven {
        // The lease runs out, and the job goes back to the queue.
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

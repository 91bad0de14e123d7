//! Recovery: puts jobs whose worker is gone back into the queue, or fails them after too many crashes.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;

use super::Inner;
use crate::store::StoreError;
use crate::store::leases::Abandoned;
use crate::telemetry::metric;

/// Recovers the jobs of other processes at the start: with SQLite all of them, since no other process lives; with
/// PostgreSQL those whose leases have expired.
pub(super) async fn recover_at_start(queue: &Inner) -> Result<(), StoreError> {
    recover(queue, Abandoned::NotOwnedBy(queue.owner.clone())).await
}

/// Periodically recovers jobs with expired leases, and deletes expired idempotency keys.
pub(super) async fn sweep(queue: Arc<Inner>) {
    let period = (queue.settings.lease / 3).max(Duration::from_millis(10));
    loop {
        tokio::select! {
            () = queue.closing.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        let alive = queue.running().keys().cloned().collect();
        if let Err(error) = recover(&queue, Abandoned::Expired { alive }).await {
            tracing::error!(%error, "jobs with expired leases were not recovered");
        }
        // The recovered jobs count as waiting again.
        if let Err(error) = queue.store.count_waiting(queue.settings.queue_limit).await {
            tracing::error!(%error, "the waiting jobs were not counted");
        }
        if let Err(error) = queue.store.forget_expired_keys().await {
            tracing::error!(%error, "expired idempotency keys were not deleted");
        }
    }
}

async fn recover(queue: &Inner, abandoned: Abandoned) -> Result<(), StoreError> {
    let recovered = queue.store.recover_jobs(abandoned, queue.settings.most_crashes).await?;
    let failed = [("status", "failed"), ("termination", "none")];
    counter!(metric::JOBS_ENDED, &failed).increment(recovered.failed.len() as u64);
    for job_id in &recovered.requeued {
        tracing::warn!(%job_id, "the worker of this job is gone: put back into the queue");
    }
    for job_id in &recovered.failed {
        tracing::error!(%job_id, "the service ended too often while this job ran: failed");
    }
    recovered.requeued.iter().chain(&recovered.failed).for_each(|id| queue.changes.announce(id));
    if !recovered.requeued.is_empty() {
        queue.wake.notify_one();
    }
    Ok(())
}

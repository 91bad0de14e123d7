//! Recovery: jobs whose worker is gone go back to the queue, at most so often, then fail.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;

use super::Inner;
use crate::store::StoreError;
use crate::store::leases::Abandoned;
use crate::telemetry::metric;

/// At start: one process owns the database, so whoever ran jobs before is dead, whatever the leases say.
pub(super) async fn recover_at_start(queue: &Inner) -> Result<(), StoreError> {
    recover(queue, Abandoned::NotOwnedBy(queue.owner.clone())).await
}

/// While running: leases that were not renewed. Also forgets idempotency keys that have expired.
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
        // What was put back waits again.
        if let Err(error) = queue.store.count_waiting(queue.settings.queue_limit).await {
            tracing::error!(%error, "the jobs that wait were not counted");
        }
        if let Err(error) = queue.store.forget_expired_keys().await {
            tracing::error!(%error, "expired idempotency keys were not forgotten");
        }
    }
}

async fn recover(queue: &Inner, abandoned: Abandoned) -> Result<(), StoreError> {
    let recovered = queue.store.recover_jobs(abandoned, queue.settings.most_crashes).await?;
    let failed = [("status", "failed"), ("termination", "none")];
    counter!(metric::JOBS_ENDED, &failed).increment(recovered.failed.len() as u64);
    for job_id in &recovered.requeued {
        tracing::warn!(%job_id, "nobody runs this job any more: put back into the queue");
    }
    for job_id in &recovered.failed {
        tracing::error!(%job_id, "the service ended too often while this job ran: failed");
    }
    recovered.requeued.iter().chain(&recovered.failed).for_each(|id| queue.changes.tell(id));
    if !recovered.requeued.is_empty() {
        queue.wake.notify_one();
    }
    Ok(())
}

//! Periodically deletes what the retention settings do not keep.

use std::sync::Arc;

use metrics::counter;

use super::Inner;
use crate::store::{Retention, Swept};
use crate::telemetry::metric;

/// Deletes periodically until the queue shuts down. Returns at once if the settings keep everything.
pub(super) async fn sweep(queue: Arc<Inner>) {
    let retention = queue.settings.retention;
    if retention == Retention::default() {
        return;
    }
    loop {
        tokio::select! {
            () = queue.closing.cancelled() => return,
            () = tokio::time::sleep(queue.settings.sweep) => {}
        }
        match queue.store.sweep(retention).await {
            Ok(swept) => report(swept),
            Err(error) => {
                tracing::error!(%error, "expired records were not deleted; the next sweep tries again")
            }
        }
    }
}

fn report(Swept { placements, jobs, revisions }: Swept) {
    for (kind, deleted) in [("placement", placements), ("job", jobs), ("cluster_revision", revisions)] {
        counter!(metric::RETENTION_DELETED, "kind" => kind).increment(deleted);
    }
    if placements + jobs + revisions > 0 {
        tracing::info!(placements, jobs, revisions, "deleted expired records");
    }
}

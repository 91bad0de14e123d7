//! Looks at clusters that have changed, one after the other, until the service shuts down.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, histogram};

use super::Inner;
use super::ahead::look_ahead;
use super::decide::{Now, decide};
use super::plans::NewJobs;
use super::sight::Sight;
use crate::domain::deployment::DeploymentReason;
use crate::domain::id::{Id, IdKind};
use crate::store::StoreError;
use crate::store::deployments::site::{Claim, Findings};
use crate::telemetry::metric;

/// How long a cluster waits that could not be looked at, and how long everything waits after a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long nothing may have changed before plans look ahead.
const IDLE: Duration = Duration::from_millis(200);
/// How long plans that look ahead wait while there are jobs.
const BUSY: Duration = Duration::from_secs(5);
/// How often the store is asked where nothing wakes this worker.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How long events are kept.
const EVENTS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long the history is kept of what cannot be applied again. It is longer than the longest cool-down.
const HISTORY_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// How often old events and old history are deleted.
const SWEEP: Duration = Duration::from_secs(3600);

/// Works until the service shuts down.
pub(super) async fn work(inner: Arc<Inner>) {
    let mut changed = inner.store.site_changes();
    let mut swept: Option<Duration> = None;
    loop {
        if inner.closing.is_cancelled() {
            return;
        }
        let now = inner.clock.monotonic();
        if swept.is_none_or(|swept| now.saturating_sub(swept) >= SWEEP) {
            swept = Some(now);
            forget_old(&inner).await;
        }
        changed.mark_unchanged();
        match look_at_one(&inner).await {
            Ok(Looked::AtOne) => continue,
            Ok(Looked::AtNone) => {}
            Ok(Looked::Failed(cluster_id, error)) => {
                // It waits, and the others do not.
                tracing::error!(%cluster_id, %error, "a cluster with deployments was not looked at");
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "no cluster with deployments was looked at");
                tokio::select! {
                    () = inner.closing.cancelled() => return,
                    () = tokio::time::sleep(AFTER_FAILURE) => continue,
                }
            }
        }
        let pause = pause(&inner).await;
        tokio::select! {
            () = inner.closing.cancelled() => return,
            // The sender lives as long as the store.
            _ = changed.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn forget_old(inner: &Inner) {
    let before = |kept| inner.clock.now().checked_sub(kept).unwrap_or(Timestamp::MIN);
    if let Err(error) = inner.store.forget_events(before(EVENTS_KEPT)).await {
        tracing::error!(%error, "old events were not deleted");
    }
    if let Err(error) = inner.store.forget_history(before(HISTORY_KEPT)).await {
        tracing::error!(%error, "the old history of deployments was not deleted");
    }
}

async fn pause(inner: &Inner) -> Duration {
    let Ok(Some(at)) = inner.store.next_site_at().await else { return LOOK_AGAIN };
    let wait = at.duration_since(inner.store.steady_now());
    Duration::try_from(wait).unwrap_or(Duration::ZERO).clamp(Duration::from_millis(1), LOOK_AGAIN)
}

/// What came of a look for a cluster that has changed.
#[derive(Debug)]
pub(super) enum Looked {
    /// There was none.
    AtNone,
    /// There was one, and it may be that more is to be done.
    AtOne,
    /// This one could not be looked at, and waits a while.
    Failed(Id, StoreError),
}

/// Looks at a cluster that has changed.
///
/// # Errors
/// The database failed.
pub(super) async fn look_at_one(inner: &Arc<Inner>) -> Result<Looked, StoreError> {
    let Some(claim) = inner.store.claim_site(inner.queue.lease()).await? else { return Ok(Looked::AtNone) };
    let looked = tokio::select! {
        looked = look_at(inner, &claim) => looked,
        never = hold(inner, &claim) => match never {},
    };
    match looked {
        Ok(true) => {}
        // Something has changed since the claim: it is looked at again, after the others.
        Ok(false) => inner.store.release_site(&claim).await?,
        Err(error) => {
            if matches!(&error, StoreError::NotFound { kind: IdKind::Placement, .. }) {
                inner.kept.forget_placements();
            }
            inner.store.defer_site(&claim, AFTER_FAILURE).await?;
            return Ok(Looked::Failed(claim.cluster_id, error));
        }
    }
    Ok(Looked::AtOne)
}

/// Keeps a claim. A look may take longer than the lease, which is as short as that of jobs: a cluster that a dead process
/// has claimed waits for its end.
async fn hold(inner: &Inner, claim: &Claim) -> Infallible {
    let lease = inner.queue.lease();
    loop {
        tokio::time::sleep(lease / 3).await;
        if let Err(error) = inner.store.renew_site(claim, lease).await {
            // What was found is not written if another has claimed the cluster meanwhile.
            tracing::warn!(cluster_id = %claim.cluster_id, %error, "a claim to a cluster was not renewed");
        }
    }
}

async fn look_at(inner: &Arc<Inner>, claim: &Claim) -> Result<bool, StoreError> {
    let site = inner.store.site(&claim.tenant, &claim.cluster_id).await?;
    if site.changes != claim.changes() {
        return Ok(false);
    }
    let sight = Sight::of(&inner.store, &inner.kept, &claim.tenant, site).await?;
    let now = Now { wall: inner.clock.now(), steady: inner.store.steady_now() };
    let is_urgent = claim.is_urgent();
    let is_busy = !is_urgent && !inner.queue.is_idle().await?;
    let ids = inner.ids.clone();
    let found = tokio::task::spawn_blocking(move || {
        let jobs = NewJobs { ids: &*ids };
        let mut findings = decide(&sight, now, &jobs);
        if !is_urgent && !is_busy {
            look_ahead(&sight, now, &mut findings, &jobs);
        } else if sight.seen.iter().any(|seen| seen.applied.is_some()) {
            let wait = if is_busy { BUSY } else { IDLE };
            findings.look_again_at(now.steady.checked_add(wait).unwrap_or(now.steady));
        }
        (sight, findings)
    });
    let (sight, findings) = found.await.map_err(|_| StoreError::Panicked)?;
    let (has_plans, delays) = (!findings.plans.is_empty(), delays(&sight, &findings, now));
    let (moves_avoided, stopped) = (findings.moves_avoided, findings.stopped.clone());
    let finished = inner.store.finish_site(claim, findings).await?;
    if finished {
        delays.into_iter().for_each(|delay_s| histogram!(metric::PROPOSAL_DELAY).record(delay_s));
        counter!(metric::MOVES_AVOIDED).increment(moves_avoided);
        for job_id in &stopped {
            if let Err(error) = inner.queue.stop(&claim.tenant, job_id).await {
                // It ends by its own limit.
                tracing::warn!(%job_id, %error, "a plan that nobody waits for was not stopped");
            }
        }
        if has_plans {
            inner.queue.wake();
        }
    }
    Ok(finished)
}

/// Returns how long after the revision of the cluster proposals are made that answer it, seconds.
fn delays(sight: &Sight, findings: &Findings, now: Now) -> Vec<f64> {
    let since = now.wall.duration_since(sight.cluster.revised_at).as_secs_f64().max(0.0);
    let answers = findings.saves.iter().filter(|(row, _)| {
        let before = sight.seen.iter().find(|seen| seen.row.id == row.id).and_then(|seen| seen.row.proposed.as_ref());
        let is_new = row.proposed.as_ref() != before;
        let reason = row.proposed.as_ref().map(|proposed| proposed.reason);
        is_new
            && matches!(
                reason,
                Some(DeploymentReason::Broken | DeploymentReason::Degraded | DeploymentReason::NodeLost)
            )
    });
    answers.map(|_| since).collect()
}

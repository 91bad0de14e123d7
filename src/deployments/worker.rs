//! Looks at clusters that have changed, one after the other, until the service shuts down.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics::histogram;

use super::Inner;
use super::ahead::look_ahead;
use super::decide::{Now, decide};
use super::plans::NewJobs;
use super::sight::Sight;
use crate::domain::deployment::DeploymentReason;
use crate::store::StoreError;
use crate::store::deployments::site::{Claim, Findings};
use crate::telemetry::metric;

/// How long a claim lasts, should its process die.
const LEASE: Duration = Duration::from_secs(30);
/// The delay after a failure that no cluster caused.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long nothing may have changed before plans look ahead.
const IDLE: Duration = Duration::from_millis(200);
/// How often the store is asked where nothing wakes this worker.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How long events are kept.
const EVENTS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often old events are deleted.
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
            forget_events(&inner).await;
        }
        changed.mark_unchanged();
        match look_at_one(&inner).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "a cluster with deployments was not looked at");
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

async fn forget_events(inner: &Inner) {
    let before = inner.clock.now().checked_sub(EVENTS_KEPT).unwrap_or(Timestamp::MIN);
    if let Err(error) = inner.store.forget_events(before).await {
        tracing::error!(%error, "old events were not deleted");
    }
}

async fn pause(inner: &Inner) -> Duration {
    let Ok(Some(at)) = inner.store.next_site_at().await else { return LOOK_AGAIN };
    let wait = at.duration_since(inner.store.steady_now());
    Duration::try_from(wait).unwrap_or(Duration::ZERO).clamp(Duration::from_millis(1), LOOK_AGAIN)
}

/// Looks at a cluster that has changed. Returns `false` if there is none.
pub(super) async fn look_at_one(inner: &Arc<Inner>) -> Result<bool, StoreError> {
    let Some(claim) = inner.store.claim_site(LEASE).await? else { return Ok(false) };
    match look_at(inner, &claim).await {
        Ok(true) => {}
        // Something has changed since the claim: it is looked at again.
        Ok(false) => inner.store.release_site(&claim).await?,
        Err(error) => {
            inner.store.release_site(&claim).await?;
            return Err(error);
        }
    }
    Ok(true)
}

async fn look_at(inner: &Arc<Inner>, claim: &Claim) -> Result<bool, StoreError> {
    let site = inner.store.site(&claim.tenant, &claim.cluster_id).await?;
    if site.changes != claim.changes() {
        return Ok(false);
    }
    let sight = Sight::of(&inner.store, &inner.kept, &claim.tenant, site).await?;
    let now = Now { wall: inner.clock.now(), steady: inner.store.steady_now() };
    let (is_urgent, may_look_ahead) = (claim.is_urgent(), inner.queue.is_idle());
    let ids = inner.ids.clone();
    let found = tokio::task::spawn_blocking(move || {
        let jobs = NewJobs { ids: &*ids };
        let mut findings = decide(&sight, now, &jobs);
        let soon = now.steady.checked_add(IDLE).unwrap_or(now.steady);
        let is_more = if is_urgent || !may_look_ahead {
            sight.seen.iter().any(|seen| seen.applied.is_some())
        } else {
            look_ahead(&sight, &mut findings, &jobs)
        };
        if is_more {
            findings.wake_at = Some(findings.wake_at.map_or(soon, |at| at.min(soon)));
        }
        (sight, findings)
    });
    let (sight, findings) = found.await.map_err(|_| StoreError::Panicked)?;
    let (has_plans, delays) = (!findings.plans.is_empty(), delays(&sight, &findings, now));
    let finished = inner.store.finish_site(claim, findings).await?;
    if finished {
        delays.into_iter().for_each(|delay_s| histogram!(metric::PROPOSAL_DELAY).record(delay_s));
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

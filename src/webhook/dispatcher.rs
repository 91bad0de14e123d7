//! The dispatcher: claims due deliveries, attempts each, and stores the outcome.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use metrics::{counter, histogram};
use rustc_hash::FxHashMap;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::connect::Failure;
use super::schedule;
use super::send::{Answer, Sender};
use crate::clock::{Clock, Ids};
use crate::config::Settings;
use crate::domain::id::Id;
use crate::domain::named::Named;
use crate::store::{AttemptOutcome, ClaimedDelivery, DeliveryAttempt, Store, StoreError, Verdict};
use crate::telemetry::metric;

/// Settings of the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatcherSettings {
    /// The most concurrent attempts; default 32.
    pub attempts: usize,
    /// The most concurrent attempts to one webhook; default 4.
    pub attempts_of_each: usize,
    /// How long an attempt claims a delivery. It must exceed the duration of any attempt; default 60 s.
    pub claim: Duration,
    /// How long a shutdown waits for attempts to end.
    pub grace: Duration,
    /// How long messages are kept; default 30 days.
    pub kept: Duration,
}

impl Default for DispatcherSettings {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl From<&Settings> for DispatcherSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            attempts: 32,
            attempts_of_each: 4,
            claim: Duration::from_secs(60),
            // Aborted attempts are repeated after the next start.
            grace: Duration::from_secs_f64(settings.shutdown_s / 2.0),
            kept: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// The longest sleep of the dispatcher. Every new delivery wakes it; the limit matters when the machine was suspended.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The delay after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often old messages are deleted.
const FORGET: Duration = Duration::from_secs(60 * 60);

/// A running dispatcher.
#[derive(Debug)]
pub struct Dispatcher {
    closing: CancellationToken,
    task: JoinHandle<()>,
}

/// The state of the dispatcher's task.
pub(super) struct Round {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) sender: Sender,
    pub(super) settings: DispatcherSettings,
    pub(super) running: JoinSet<Id>,
    /// Running attempts by webhook.
    pub(super) of_each: FxHashMap<Id, usize>,
}

impl Dispatcher {
    /// Releases the claims of a dead process and starts the dispatcher.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        sender: Sender,
        settings: DispatcherSettings,
    ) -> Result<Self, StoreError> {
        store.unclaim_deliveries(schedule::LONGEST_RETRY_AFTER).await?;
        let closing = CancellationToken::new();
        let round = Round::new(store, clock, ids, sender, settings);
        let task = tokio::spawn(round.work(closing.clone()));
        Ok(Self { closing, task })
    }

    /// Stops claiming deliveries and waits for running attempts, no longer than [`DispatcherSettings::grace`]. Aborted
    /// attempts are repeated after the next start.
    pub async fn shutdown(self) {
        self.closing.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the dispatcher panicked");
        }
    }
}

impl Round {
    pub(super) fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        sender: Sender,
        settings: DispatcherSettings,
    ) -> Self {
        Self { store, clock, ids, sender, settings, running: JoinSet::new(), of_each: FxHashMap::default() }
    }

    async fn work(mut self, closing: CancellationToken) {
        let mut forget = tokio::time::interval(FORGET);
        while !closing.is_cancelled() {
            let pause = match self.take().await {
                Ok(()) => self.until_next().await,
                Err(error) => {
                    tracing::error!(%error, "cannot claim deliveries");
                    AFTER_FAILURE
                }
            };
            let store = self.store.clone();
            tokio::select! {
                () = closing.cancelled() => {}
                () = store.deliveries_came() => {}
                () = tokio::time::sleep(pause) => {}
                Some(ended) = self.running.join_next() => self.settle(ended),
                _ = forget.tick() => self.forget().await,
            }
        }
        let grace = self.settings.grace;
        if tokio::time::timeout(grace, async { while self.running.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("delivery attempts were aborted; they are repeated after the next start");
        }
    }

    /// Starts an attempt for each due delivery, up to the limits on concurrent attempts.
    pub(super) async fn take(&mut self) -> Result<(), StoreError> {
        let room = self.settings.attempts.saturating_sub(self.running.len());
        if room == 0 {
            return Ok(());
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        // These include deliveries to webhooks that have reached their limit.
        let most = count(self.settings.attempts.saturating_mul(2));
        let mut due = self.store.due_deliveries(count(self.settings.attempts_of_each), most).await?;
        due.retain(|delivery| {
            let running = self.of_each.entry(delivery.webhook_id.clone()).or_default();
            let fits = *running < self.settings.attempts_of_each;
            *running += usize::from(fits);
            fits
        });
        let unused = due.split_off(room.min(due.len()));
        unused.iter().for_each(|delivery| self.leave(&delivery.webhook_id));
        if due.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Id> = due.iter().map(|delivery| delivery.webhook_id.clone()).collect();
        let claimed = self.store.claim_deliveries(due, self.settings.claim).await;
        wanted.iter().for_each(|webhook_id| self.leave(webhook_id));
        for delivery in claimed? {
            *self.of_each.entry(delivery.webhook_id.clone()).or_default() += 1;
            let (store, clock, ids) = (self.store.clone(), self.clock.clone(), self.ids.clone());
            self.running.spawn(attempt_guarded(store, clock, ids, self.sender.clone(), delivery));
        }
        Ok(())
    }

    /// Handles the end of an attempt.
    pub(super) fn settle(&mut self, ended: Result<Id, tokio::task::JoinError>) {
        match ended {
            Ok(webhook_id) => self.leave(&webhook_id),
            // Panics are caught, and single attempts are never aborted.
            Err(error) => tracing::error!(%error, "the task of a delivery attempt failed"),
        }
    }

    fn leave(&mut self, webhook_id: &Id) {
        if let Some(running) = self.of_each.get_mut(webhook_id) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.of_each.remove(webhook_id);
            }
        }
    }

    async fn until_next(&self) -> Duration {
        match self.store.next_delivery_at().await {
            Ok(Some(next)) => {
                let left = next.duration_since(self.store.steady_now());
                Duration::try_from(left).unwrap_or_default().min(LOOK_AGAIN)
            }
            Ok(None) => LOOK_AGAIN,
            Err(error) => {
                tracing::error!(%error, "cannot read when the next delivery is due");
                AFTER_FAILURE
            }
        }
    }

    async fn forget(&self) {
        if let Err(error) = self.store.forget_messages(self.settings.kept).await {
            tracing::error!(%error, "old messages were not deleted");
        }
    }
}

/// Makes one attempt and returns the webhook. After a panic the claim expires, and the delivery is attempted again.
async fn attempt_guarded(
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    sender: Sender,
    delivery: ClaimedDelivery,
) -> Id {
    let guarded = AssertUnwindSafe(attempt(&store, &*clock, &*ids, &sender, &delivery));
    if guarded.catch_unwind().await.is_err() {
        tracing::error!(message_id = %delivery.message_id, "a delivery attempt panicked");
    }
    delivery.webhook_id
}

/// Makes one attempt and stores its outcome.
async fn attempt(store: &Store, clock: &dyn Clock, ids: &dyn Ids, sender: &Sender, delivery: &ClaimedDelivery) {
    let (at, began) = (clock.now(), clock.monotonic());
    let result = sender.send(delivery, at).await;
    let duration = clock.monotonic().saturating_sub(began);
    let outcome = outcome(&result);
    counter!(metric::DELIVERY_ATTEMPTS, "outcome" => outcome.name()).increment(1);
    histogram!(metric::DELIVERY_DURATION).record(duration);
    let verdict = verdict(delivery, &result, store.steady_now(), ids);
    let (webhook_id, message_id, number) = (&delivery.webhook_id, &delivery.message_id, delivery.attempt);
    tracing::info!(%webhook_id, %message_id, number, outcome = outcome.name(), "attempted to deliver");
    let (status_code, detail) = match result {
        Ok(answer) => (Some(answer.status_code), answer.excerpt),
        Err(failure) => (None, Some(failure.detail)),
    };
    let attempt = DeliveryAttempt { at, duration, outcome, status_code, detail };
    match store.record_attempt(delivery, attempt, verdict).await {
        Ok(true) if verdict == Verdict::Gone => {
            tracing::warn!(%webhook_id, "the receiver answered 410; its webhook is disabled");
        }
        Ok(_) => {}
        // The claim expires, and the delivery is attempted again.
        Err(error) => {
            tracing::error!(%webhook_id, %message_id, %error, "the outcome of a delivery attempt was not stored")
        }
    }
}

fn outcome(result: &Result<Answer, Failure>) -> AttemptOutcome {
    match result {
        Ok(answer) => answer.outcome,
        Err(failure) => failure.outcome,
    }
}

fn verdict(delivery: &ClaimedDelivery, result: &Result<Answer, Failure>, now: Timestamp, ids: &dyn Ids) -> Verdict {
    match outcome(result) {
        AttemptOutcome::Delivered => return Verdict::Delivered,
        AttemptOutcome::Gone => return Verdict::Gone,
        _ => {}
    }
    let retry_after = result.as_ref().ok().and_then(|answer| answer.retry_after);
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = ids.secret_bytes();
    let chance = schedule::chance([b0, b1, b2, b3, b4, b5, b6, b7]);
    match schedule::delay(delivery.try_number, chance, retry_after) {
        Some(delay) => Verdict::Again(now.checked_add(delay).unwrap_or(Timestamp::MAX)),
        None => Verdict::Failed,
    }
}

//! Setting the clock while the store is open and between two starts does not affect durations and deadlines.

use jiff::SignedDuration;

use super::*;
use crate::clock::Clock;
use crate::store::leases::{Abandoned, Found};
use crate::store::{AttemptOutcome, DeliveryAttempt, JobStatus, NewWebhook, Verdict};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const LEASE: Duration = Duration::from_secs(15);

impl Fixture {
    /// Opens the same database as another process, after setting the wall clock.
    async fn restart(self, turned: SignedDuration) -> Self {
        self.store.close().await;
        self.clock.turn(turned);
        let ids = Arc::new(RandomIds::default());
        let store = Store::open(&settings(&self.folder), self.clock.clone(), ids).await.unwrap();
        Self { store, ..self }
    }

    async fn with_webhook() -> Self {
        let fixture = Self::new().await;
        let webhook = NewWebhook { url: "https://example.net/".to_owned(), description: None };
        fixture.store.register_webhook(&Tenant::default(), webhook, None).await.unwrap();
        fixture
    }

    async fn due(&self) -> usize {
        self.store.due_deliveries(10, 10).await.unwrap().len()
    }

    async fn elapsed_s(&self, id: &Id) -> f64 {
        self.store.job(&Tenant::default(), id).await.unwrap().progress.unwrap().elapsed_s
    }
}

#[tokio::test]
async fn the_time_of_a_search_is_measured() {
    for turned in [DAY * 3, DAY * -3] {
        let fixture = Fixture::with_webhook().await;
        let id = fixture.insert("one").await.id;
        let lease = fixture.claim().await.lease;
        assert_eq!(fixture.elapsed_s(&id).await, 0.0);
        fixture.clock.advance(Duration::from_secs(2));
        fixture.clock.turn(turned);
        fixture.store.heartbeat(&lease, LEASE, None).await.unwrap();
        assert_eq!(fixture.elapsed_s(&id).await, 2.0);
        fixture.clock.advance(Duration::from_millis(1500));

        let ended = fixture.store.end_job(&lease, Figures::default(), answered(Status::Optimal)).await.unwrap();

        assert_eq!(ended.progress.unwrap().elapsed_s, 3.5);
        assert_eq!(fixture.elapsed_s(&id).await, 3.5);
        let due = fixture.store.due_deliveries(1, 1).await.unwrap();
        let told = fixture.store.claim_deliveries(due, LEASE).await.unwrap().remove(0);
        let told: serde_json::Value = serde_json::from_str(&told.payload).unwrap();
        assert_eq!(told["data"]["progress"]["elapsed_s"], 3.5);
    }
}

#[tokio::test]
async fn what_passes_until_the_end_is_written_is_no_time_of_the_search() {
    let fixture = Fixture::new().await;
    fixture.insert("one").await;
    let lease = fixture.claim().await.lease;
    fixture.clock.advance(Duration::from_secs(2));
    let lease = lease.of_ended(fixture.clock.monotonic());
    fixture.clock.advance(Duration::from_secs(60));
    let ended = fixture.store.end_job(&lease, Figures::default(), answered(Status::Optimal)).await.unwrap();
    assert_eq!(ended.progress.unwrap().elapsed_s, 2.0);
}

#[tokio::test]
async fn a_search_that_was_put_back_begins_anew() {
    let fixture = Fixture::new().await;
    let id = fixture.insert("one").await.id;
    let lease = fixture.claim().await.lease;
    fixture.clock.advance(Duration::from_secs(2));
    let figures = Figures { period_s: Some(1.0), ..Figures::default() };
    fixture.store.release_job(&lease, Found { figures, incumbent: None }).await.unwrap();
    assert_eq!(fixture.elapsed_s(&id).await, 0.0);
    let lease = fixture.claim().await.lease;
    fixture.clock.advance(Duration::from_secs(1));
    let ended = fixture.store.end_job(&lease, figures, answered(Status::Optimal)).await.unwrap();
    assert_eq!(ended.progress.unwrap().elapsed_s, 1.0);
}

#[tokio::test]
async fn a_job_that_ended_before_its_time_was_measured_has_no_negative_one() {
    let fixture = Fixture::new().await;
    let id = fixture.insert_ended(new_job("one"), Status::Optimal).await.id;
    fixture.store.tamper("UPDATE jobs SET elapsed_us = NULL, finished_at = started_at + 2500000").await;
    assert_eq!(fixture.elapsed_s(&id).await, 2.5);
    fixture.store.tamper("UPDATE jobs SET finished_at = started_at - 2500000").await;
    assert_eq!(fixture.elapsed_s(&id).await, 0.0);
}

#[tokio::test]
async fn a_lease_runs_out_after_its_time_and_neither_before_nor_long_after() {
    for turned in [DAY * 3, DAY * -3] {
        let fixture = Fixture::new().await;
        fixture.insert("one").await;
        fixture.claim().await;
        fixture.clock.turn(turned);
        let expired = || Abandoned::Expired { alive: Vec::new() };
        fixture.clock.advance(LEASE - Duration::from_secs(1));
        assert_eq!(fixture.store.recover_jobs(expired(), 3).await.unwrap().requeued.len(), 0, "{turned:?}");
        fixture.clock.advance(Duration::from_secs(2));
        assert_eq!(fixture.store.recover_jobs(expired(), 3).await.unwrap().requeued.len(), 1, "{turned:?}");
    }
}

#[tokio::test]
async fn a_start_takes_up_what_was_abandoned_however_the_clock_is() {
    for turned in [DAY * 3, DAY * -3] {
        let fixture = Fixture::with_webhook().await;
        fixture.insert_ended(new_job("told"), Status::Optimal).await;
        let due = fixture.store.due_deliveries(1, 1).await.unwrap();
        fixture.store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap();
        let running = fixture.insert("one").await.id;
        fixture.claim().await;

        let fixture = fixture.restart(turned).await;
        fixture.store.end_leases().await;
        let abandoned = Abandoned::NotOwnedBy("another boot".to_owned());
        fixture.store.recover_jobs(abandoned, 3).await.unwrap();
        fixture.store.unclaim_deliveries(Duration::from_secs(12 * 3600)).await.unwrap();

        let job = fixture.store.job(&Tenant::default(), &running).await.unwrap();
        assert_eq!((job.status, job.crashes), (JobStatus::Queued, 1), "{turned:?}");
        assert_eq!(fixture.due().await, 1, "{turned:?}");
    }
}

#[tokio::test]
async fn a_delivery_is_due_when_its_time_has_passed() {
    for turned in [DAY * 3, DAY * -3] {
        let fixture = Fixture::with_webhook().await;
        fixture.insert_ended(new_job("one"), Status::Optimal).await;
        fixture.clock.turn(turned);
        let due = fixture.store.due_deliveries(1, 1).await.unwrap();
        let claimed = fixture.store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap().remove(0);
        fixture.clock.turn(turned);
        assert_eq!(fixture.due().await, 0, "its attempt runs");
        let attempt = DeliveryAttempt {
            at: fixture.clock.now(),
            duration: Duration::ZERO,
            outcome: AttemptOutcome::NotConnected,
            status_code: None,
            detail: None,
        };
        let in_five_minutes = fixture.store.steady_now() + Duration::from_secs(300);
        fixture.store.record_attempt(&claimed, attempt, Verdict::Again(in_five_minutes)).await.unwrap();
        fixture.clock.turn(turned);
        // Clients get the time of the current wall clock.
        let listed = fixture.store.deliveries(&Tenant::default(), &claimed.webhook_id, &[], page(1)).await.unwrap();
        assert_eq!(listed.items[0].next_attempt_at, Some(fixture.clock.now() + Duration::from_secs(300)));
        fixture.clock.advance(Duration::from_secs(299));
        assert_eq!(fixture.due().await, 0);
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(fixture.due().await, 1);
    }
}

#[tokio::test]
async fn an_idempotency_key_counts_for_a_day() {
    for turned in [DAY * 3, DAY * -3] {
        let fixture = Fixture::new().await;
        let insert = async |fixture: &Fixture| {
            let job = NewJob { idempotency: key("k", "f"), ..new_job("one") };
            fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, most(1000)).await.unwrap().replayed
        };
        assert!(!insert(&fixture).await);
        fixture.clock.turn(turned);
        fixture.store.forget_expired_keys().await.unwrap();
        assert!(insert(&fixture).await, "{turned:?}");
        fixture.clock.advance(Duration::from_secs(24 * 3600 + 1));
        assert!(!insert(&fixture).await, "{turned:?}");
    }
}

#[tokio::test]
async fn an_idempotency_key_from_ahead_counts_from_now_on() {
    let fixture = Fixture::new().await;
    let job = || NewJob { idempotency: key("k", "f"), ..new_job("one") };
    fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job(), most(1000)).await.unwrap();
    let fixture = fixture.restart(DAY * -30).await;
    fixture.store.forget_expired_keys().await.unwrap();
    assert!(fixture.store.knows_key(&Tenant::default(), "k").await.unwrap());
    fixture.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert!(!fixture.store.knows_key(&Tenant::default(), "k").await.unwrap());
}

#[tokio::test]
async fn the_wait_of_the_oldest_job_is_measured() {
    let fixture = Fixture::new().await;
    fixture.insert("one").await;
    fixture.clock.advance(Duration::from_secs(5));
    for turned in [DAY * 3, DAY * -6] {
        fixture.clock.turn(turned);
        assert_eq!(fixture.store.backlog().await.unwrap().oldest, Some(Duration::from_secs(5)));
    }
    let fixture = fixture.restart(DAY * -30).await;
    assert_eq!(fixture.store.backlog().await.unwrap().oldest, Some(Duration::ZERO));
}

#[tokio::test]
async fn a_clock_that_is_turned_forward_makes_no_message_old() {
    let fixture = Fixture::with_webhook().await;
    fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let due = fixture.store.due_deliveries(1, 1).await.unwrap();
    let claimed = fixture.store.claim_deliveries(due, LEASE).await.unwrap().remove(0);
    let attempt = DeliveryAttempt {
        at: fixture.clock.now(),
        duration: Duration::ZERO,
        outcome: AttemptOutcome::Delivered,
        status_code: Some(204),
        detail: None,
    };
    fixture.store.record_attempt(&claimed, attempt, Verdict::Delivered).await.unwrap();
    fixture.clock.turn(DAY * 1000);
    assert_eq!(fixture.store.forget_messages(Duration::from_secs(30 * 24 * 3600)).await.unwrap(), 0);
    fixture.clock.advance(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(fixture.store.forget_messages(Duration::from_secs(30 * 24 * 3600)).await.unwrap(), 1);
}

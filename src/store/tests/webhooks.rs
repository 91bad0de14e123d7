//! Webhooks: the outbox, secrets, versions and tenants.

use super::*;
use crate::domain::webhook::WebhookSecret;
use crate::store::leases::Abandoned;
use crate::store::{
    Delivery, DeliveryStatus, JobError, JobErrorCode, JobStatus, MOST_WEBHOOKS, NewWebhook, StoreError, Webhook,
    WebhookChange,
};

fn new_webhook() -> NewWebhook {
    NewWebhook { url: "https://receiver.example/".to_owned(), description: Some("words".to_owned()) }
}

impl Fixture {
    async fn webhook(&self, tenant: &Tenant) -> Webhook {
        self.store.register_webhook(tenant, new_webhook(), None).await.unwrap().row
    }

    async fn deliveries(&self, webhook: &Webhook) -> Vec<Delivery> {
        self.store.deliveries(&webhook.tenant, &webhook.id, &[], page(200)).await.unwrap().items
    }

    /// Claims the due delivery and returns its message.
    async fn message(&self) -> serde_json::Value {
        let due = self.store.due_deliveries(10, 10).await.unwrap();
        let claimed = self.store.claim_deliveries(due, Duration::from_secs(1)).await.unwrap();
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        serde_json::from_str(&claimed[0].payload).unwrap()
    }
}

#[tokio::test]
async fn every_end_of_a_job_leaves_one_message() {
    for end in ["succeeded", "infeasible", "cancelled", "failed", "stopped", "crashed"] {
        let fixture = Fixture::new().await;
        let webhook = fixture.webhook(&Tenant::default()).await;
        let job = fixture.insert("one").await;
        fixture.clock.advance(Duration::from_secs(2));
        let ending = match end {
            "succeeded" => Some(answered(Status::Optimal)),
            "infeasible" => Some(answered(Status::Infeasible)),
            "cancelled" => Some(Ending::Cancelled),
            "failed" => {
                let error = JobError { code: JobErrorCode::SolverPanicked, detail: "words".to_owned() };
                Some(Ending::Failed(error))
            }
            _ => None,
        };
        if let Some(ending) = ending {
            let lease = fixture.claim().await.lease;
            fixture.store.end_job(&lease, Figures::default(), ending).await.unwrap();
        } else if end == "stopped" {
            fixture.store.request_stop(&Tenant::default(), &job.id).await.unwrap();
            // Stopping the job again does not end it again.
            fixture.store.request_stop(&Tenant::default(), &job.id).await.unwrap();
        } else {
            fixture.claim().await;
            fixture.store.end_leases().await;
            fixture.store.recover_jobs(Abandoned::NotOwnedBy("next boot".to_owned()), 0).await.unwrap();
        }
        let job = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();
        assert!(job.is_finished());
        let deliveries = fixture.deliveries(&webhook).await;
        assert_eq!((deliveries.len(), &deliveries[0].job_id), (1, &Some(job.id.clone())), "{end}");
        let message = fixture.message().await;
        assert_eq!(message["type"], "job.finished");
        assert_eq!(message["timestamp"], job.finished_at.unwrap().to_string());
        assert_eq!(message["data"]["status"], job.status_name(), "{end}");
        assert_eq!(message["data"]["labels"]["team"], "edge");
        let code = message["data"]["error"]["code"].as_str().map(str::to_owned);
        assert_eq!(code.is_some(), job.status == JobStatus::Failed, "{message}");
        fixture.store.close().await;
    }
}

#[tokio::test]
async fn a_job_that_is_put_back_or_stopped_later_leaves_none() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(&Tenant::default()).await;
    let job = fixture.insert("one").await;
    let lease = fixture.claim().await.lease;
    fixture.store.request_stop(&Tenant::default(), &job.id).await.unwrap();
    fixture.store.release_job(&lease, Default::default()).await.unwrap();
    fixture.claim().await;
    fixture.store.end_leases().await;
    fixture.store.recover_jobs(Abandoned::NotOwnedBy("next boot".to_owned()), 3).await.unwrap();
    assert_eq!(fixture.deliveries(&webhook).await, []);
}

#[tokio::test]
async fn the_end_and_its_message_are_written_together_or_not_at_all() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(&Tenant::default()).await;
    let job = fixture.insert("one").await;
    let lease = fixture.claim().await.lease;
    for table in ["webhook_messages", "webhook_deliveries"] {
        let (away, back) = match table {
            "webhook_messages" => {
                ("ALTER TABLE webhook_messages RENAME TO away", "ALTER TABLE away RENAME TO webhook_messages")
            }
            _ => ("ALTER TABLE webhook_deliveries RENAME TO away", "ALTER TABLE away RENAME TO webhook_deliveries"),
        };
        fixture.store.tamper(away).await;
        let failed = fixture.store.end_job(&lease, Figures::default(), answered(Status::Optimal)).await;
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        fixture.store.tamper(back).await;
        let job = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();
        assert_eq!((job.status, fixture.deliveries(&webhook).await.len()), (JobStatus::Running, 0));
    }
    fixture.store.end_job(&lease, Figures::default(), answered(Status::Optimal)).await.unwrap();
    let again = fixture.store.end_job(&lease, Figures::default(), answered(Status::Optimal)).await;
    assert!(matches!(again, Err(StoreError::LeaseLost { .. })));
    assert_eq!(fixture.deliveries(&webhook).await.len(), 1);

    // The process ends without closing the store; committed data survives.
    let ids = Arc::new(RandomIds::default());
    let next = Store::open(&settings(&fixture.folder), fixture.clock.clone(), ids).await.unwrap();
    assert_eq!(next.due_deliveries(10, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_tenants_jobs_are_told_to_its_own_webhooks_that_are_enabled() {
    let fixture = Fixture::new().await;
    let roof = Tenant::parse("roof").unwrap();
    let (ours, theirs) = (fixture.webhook(&Tenant::default()).await, fixture.webhook(&roof).await);
    let off = fixture.webhook(&Tenant::default()).await;
    let change = WebhookChange { enabled: Some(false), ..WebhookChange::default() };
    fixture.store.change_webhook(&Tenant::default(), &off.id, 1, change).await.unwrap();
    fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let job = NewJob { tenant: roof.clone(), ..new_job("two") };
    fixture.insert_ended(job, Status::Optimal).await;

    let ours_told = fixture.deliveries(&ours).await;
    assert_eq!((ours_told.len(), fixture.deliveries(&theirs).await.len()), (1, 1));
    assert_eq!(fixture.deliveries(&off).await, []);
    // A tenant cannot access the webhooks of another.
    let missing = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::NotFound { .. })));
    let message = &ours_told[0].message_id;
    missing(fixture.store.webhook(&roof, &ours.id).await.map(drop));
    missing(fixture.store.deliveries(&roof, &ours.id, &[], page(1)).await.map(drop));
    missing(fixture.store.resend(&roof, &ours.id, message).await.map(drop));
    missing(fixture.store.resend(&roof, &theirs.id, message).await.map(drop));
    missing(fixture.store.rotate_secret(&roof, &ours.id, None).await.map(drop));
    missing(fixture.store.change_webhook(&roof, &ours.id, 1, WebhookChange::default()).await.map(drop));
    missing(fixture.store.delete_webhook(&roof, &ours.id, None).await);
    assert_eq!(fixture.store.webhooks(&roof, page(10)).await.unwrap().items, [theirs]);
}

#[tokio::test]
async fn a_retry_makes_and_rotates_once() {
    let fixture = Fixture::new().await;
    let tenant = Tenant::default();
    let make = || fixture.store.register_webhook(&tenant, new_webhook(), key("k", "make"));
    let (first, again) = (make().await.unwrap(), make().await.unwrap());
    assert_eq!((&first.row, first.replayed, again.replayed), (&again.row, false, true));
    let other = fixture.store.register_webhook(&tenant, new_webhook(), key("k", "other")).await;
    assert!(matches!(other, Err(StoreError::KeyReused { .. })));

    let rotate = || fixture.store.rotate_secret(&tenant, &first.row.id, key("r", "rotate"));
    let (rotated, retried) = (rotate().await.unwrap(), rotate().await.unwrap());
    assert_eq!(rotated, retried);
    assert_ne!(rotated.secret, first.row.secret);
    let now = fixture.clock.clone();
    let secrets = |hours: u64| {
        let time = crate::clock::Clock::now(&*now).checked_add(Duration::from_secs(hours * 3600)).unwrap();
        rotated.secrets_at(time)
    };
    assert_eq!(secrets(0), [rotated.secret, first.row.secret]);
    assert_eq!(secrets(24), [rotated.secret]);
}

#[tokio::test]
async fn a_change_names_its_version_and_disabling_fails_what_waits() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(&Tenant::default()).await;
    fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let change = |enabled| WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    let stale = fixture.store.change_webhook(&webhook.tenant, &webhook.id, 7, change(false)).await;
    assert!(matches!(stale, Err(StoreError::RevisionChanged { current: 1, .. })), "{stale:?}");
    let stale = fixture.store.delete_webhook(&webhook.tenant, &webhook.id, Some(7)).await;
    assert!(matches!(stale, Err(StoreError::RevisionChanged { current: 1, .. })), "{stale:?}");
    // An attempt is running meanwhile.
    let due = fixture.store.due_deliveries(1, 1).await.unwrap();
    let claimed = fixture.store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap();

    let off = fixture.store.change_webhook(&webhook.tenant, &webhook.id, 1, change(false)).await.unwrap();

    assert_eq!((off.version, off.disabled.is_some(), off.description), (2, true, webhook.description.clone()));
    assert_eq!(fixture.deliveries(&webhook).await[0].status, DeliveryStatus::Failed);
    let attempt = crate::store::DeliveryAttempt {
        at: off.disabled.unwrap().at,
        duration: Duration::from_secs(1),
        outcome: crate::store::AttemptOutcome::Rejected,
        status_code: Some(500),
        detail: None,
    };
    let again = crate::store::Verdict::Again(attempt.at);
    assert!(fixture.store.record_attempt(&claimed[0], attempt.clone(), again).await.unwrap());
    let failed = fixture.deliveries(&webhook).await.remove(0);
    assert_eq!((failed.status, failed.next_attempt_at), (DeliveryStatus::Failed, None));
    assert_eq!(failed.last_attempt, Some(attempt.clone()));

    // The old attempt writes nothing once the delivery was requested again, and after its next claim.
    fixture.store.change_webhook(&webhook.tenant, &webhook.id, 2, change(true)).await.unwrap();
    let asked = fixture.store.resend(&webhook.tenant, &webhook.id, &failed.message_id).await.unwrap();
    assert!(!fixture.store.record_attempt(&claimed[0], attempt.clone(), crate::store::Verdict::Failed).await.unwrap());
    assert_eq!(fixture.deliveries(&webhook).await, [asked]);
    let due = fixture.store.due_deliveries(1, 1).await.unwrap();
    fixture.store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap();
    let overtaken = fixture.store.record_attempt(&claimed[0], attempt, crate::store::Verdict::Delivered).await;
    assert!(!overtaken.unwrap());
    assert_eq!(fixture.deliveries(&webhook).await[0].status, DeliveryStatus::Pending);
}

#[tokio::test]
async fn a_tenant_has_no_more_webhooks_than_it_may() {
    let fixture = Fixture::new().await;
    for _ in 0..MOST_WEBHOOKS {
        fixture.webhook(&Tenant::default()).await;
    }
    let one_more = fixture.store.register_webhook(&Tenant::default(), new_webhook(), None).await;
    assert!(matches!(one_more, Err(StoreError::TooManyWebhooks { limit: MOST_WEBHOOKS })));
    fixture.webhook(&Tenant::parse("roof").unwrap()).await;
}

#[tokio::test]
async fn old_messages_are_forgotten_unless_they_are_to_be_delivered() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(&Tenant::default()).await;
    let job = fixture.insert_ended(new_job("one"), Status::Optimal).await;
    fixture.store.delete_job(&Tenant::default(), &job.id).await.unwrap();
    let day = Duration::from_secs(24 * 3600);
    fixture.clock.advance(2 * day);
    assert_eq!(fixture.store.forget_messages(day).await.unwrap(), 0);
    let change = WebhookChange { enabled: Some(false), ..WebhookChange::default() };
    fixture.store.change_webhook(&webhook.tenant, &webhook.id, 1, change).await.unwrap();
    assert_eq!(fixture.store.forget_messages(3 * day).await.unwrap(), 0);
    assert_eq!(fixture.deliveries(&webhook).await.len(), 1);
    assert_eq!(fixture.store.forget_messages(day).await.unwrap(), 1);
    assert_eq!(fixture.deliveries(&webhook).await, []);
}

#[tokio::test]
async fn no_secret_is_shown_by_mistake() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(&Tenant::default()).await;
    fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let due = fixture.store.due_deliveries(1, 1).await.unwrap();
    let claimed = fixture.store.claim_deliveries(due, Duration::from_secs(1)).await.unwrap();
    assert_eq!(claimed[0].secrets, [webhook.secret]);
    let shown = format!("{webhook:?} {claimed:?}");
    assert!(!shown.contains("whsec_") && shown.contains("WebhookSecret"), "{shown}");

    fixture.store.tamper("UPDATE webhooks SET secret = 'whsec_hunter2'").await;
    let error = fixture.store.webhook(&Tenant::default(), &webhook.id).await.unwrap_err().to_string();
    assert!(error.contains("column secret") && !error.contains("hunter2"), "{error}");
    assert!(WebhookSecret::parse("whsec_hunter2").is_none());
}

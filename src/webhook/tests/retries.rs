//! Retries: the schedule, `Retry-After`, restarts, and requests of clients.

use super::receiver::status_answer;
use super::*;
use crate::webhook::Dispatcher;
use crate::webhook::schedule::DELAYS_S;
use axum::body::Body;
use axum::http::Response;

#[tokio::test]
async fn a_delivery_fails_after_its_last_attempt_a_day_later() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::answering(503).await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    for (number, delay_s) in DELAYS_S.into_iter().enumerate() {
        let (delivery, attempt) = fixture.attempted(&webhook).await;
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, number as u64 + 1));
        assert_eq!((attempt.outcome, attempt.status_code), (AttemptOutcome::Rejected, Some(503)));
        assert_eq!(attempt.detail.as_deref(), Some("this is 503"));
        let until = delivery.next_attempt_at.unwrap().duration_since(attempt.at).as_secs_f64();
        // The random number is near 0, which shortens the delay by a fifth.
        assert!((0.8..0.9).contains(&(until / delay_s as f64)), "{until} after {delay_s}");
        // The attempt is not due earlier.
        fixture.clock.advance(Duration::from_secs_f64(until) - Duration::from_millis(1));
        fixture.attempt_all().await;
        assert_eq!(receiver.got().len(), number + 1);
        fixture.clock.advance(Duration::from_millis(1));
    }
    let (delivery, _) = fixture.attempted(&webhook).await;
    assert_eq!((delivery.status, delivery.next_attempt_at), (DeliveryStatus::Failed, None));
    fixture.clock.advance(Duration::from_secs(1_000_000));
    fixture.attempt_all().await;
    let got = receiver.got();
    assert_eq!(got.len(), DELAYS_S.len() + 1);
    // Every attempt sends the same message with its own time and signature.
    assert!(got.iter().all(|one| one.body == got[0].body && one.headers["webhook-id"] == got[0].headers["webhook-id"]));
    assert_ne!(got[0].headers["webhook-timestamp"], got[1].headers["webhook-timestamp"]);
    assert_ne!(got[0].headers["webhook-signature"], got[1].headers["webhook-signature"]);
}

#[tokio::test]
async fn a_receiver_is_given_the_time_that_it_asks_for() {
    let mut fixture = Fixture::new().await;
    let receiver =
        Receiver::start(|_| Response::builder().status(429).header("retry-after", "3600").body(Body::empty()).unwrap());
    let receiver = receiver.await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    let (delivery, attempt) = fixture.attempted(&webhook).await;
    assert_eq!(delivery.next_attempt_at.unwrap().duration_since(attempt.at).as_secs(), 3600);
}

#[tokio::test]
async fn what_is_sent_again_keeps_its_id_and_starts_the_schedule_anew() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::start(|number| status_answer(if number == 0 { 200 } else { 500 })).await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    let (delivered, _) = fixture.attempted(&webhook).await;
    assert_eq!(delivered.status, DeliveryStatus::Delivered);

    let id = delivered.message_id.clone();
    let asked = fixture.store.resend(&Tenant::default(), &webhook.id, &id).await.unwrap();
    assert_eq!((asked.status, asked.attempts), (DeliveryStatus::Pending, 1));
    let (again, attempt) = fixture.attempted(&webhook).await;
    assert_eq!((again.status, again.attempts, &again.message_id), (DeliveryStatus::Pending, 2, &id));
    assert!(again.next_attempt_at.unwrap().duration_since(attempt.at).as_secs() <= 6);
    // A pending delivery becomes due at once and continues its schedule.
    fixture.store.resend(&Tenant::default(), &webhook.id, &id).await.unwrap();
    let (third, attempt) = fixture.attempted(&webhook).await;
    assert_eq!(third.attempts, 3);
    assert!(third.next_attempt_at.unwrap().duration_since(attempt.at).as_secs() >= 240);
}

#[tokio::test]
async fn a_restart_goes_on_in_the_schedule_and_with_what_was_under_way() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::start(|number| status_answer(if number < 2 { 500 } else { 200 })).await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    let (before, _) = fixture.attempted(&webhook).await;

    let mut fixture = fixture.restart().await;
    assert_eq!(fixture.delivery(&webhook).await, before);
    fixture.attempt_all().await;
    assert_eq!(receiver.got().len(), 1);
    fixture.clock.advance(Duration::from_secs(6));
    let (second, _) = fixture.attempted(&webhook).await;
    assert_eq!((second.attempts, receiver.got().len()), (2, 2));

    // The process dies during the third attempt, which is repeated at once as the fourth.
    fixture.clock.advance(Duration::from_secs(360));
    let due = fixture.store.due_deliveries(4, 4).await.unwrap();
    let claimed = fixture.store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempt, claimed[0].try_number), (1, 3, 3));
    assert_eq!(fixture.store.due_deliveries(4, 4).await.unwrap(), []);
    fixture.store.end_leases().await;
    let mut fixture = fixture.restart().await;
    let (last, _) = fixture.attempted(&webhook).await;
    assert_eq!((last.status, last.attempts, receiver.got().len()), (DeliveryStatus::Delivered, 4, 3));
}

#[tokio::test]
async fn a_claim_that_nobody_ends_runs_out() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::answering(200).await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    let due = fixture.store.due_deliveries(4, 4).await.unwrap();
    fixture.store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap();
    fixture.clock.advance(Duration::from_secs(59));
    fixture.attempt_all().await;
    assert_eq!(receiver.got().len(), 0);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.attempted(&webhook).await.0.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn the_courier_wakes_for_what_comes_and_ends_in_order() {
    let fixture = Fixture::new().await;
    let receiver = Receiver::answering(200).await;
    let webhook = fixture.webhook(&receiver.url()).await;
    let Round { store, clock, ids, sender, settings, .. } = fixture.round;
    let dispatcher = Dispatcher::start(store.clone(), clock, ids, sender, settings).await.unwrap();
    let job = request("one");
    let id = crate::clock::Ids::id(&RandomIds::default(), crate::domain::id::IdKind::Job);
    store.insert_job(id, job_of(&job), most(10)).await.unwrap();
    let claimed = store.claim_job("boot", Duration::from_secs(15), None).await.unwrap().unwrap();
    store.end_job(&claimed.lease, Figures::default(), answered(Status::Optimal)).await.unwrap();
    let page = || Page { limit: 1, order: Order::NewestFirst, after: None };
    let delivered = async {
        loop {
            let listed = store.deliveries(&Tenant::default(), &webhook.id, &[DeliveryStatus::Delivered], page()).await;
            if listed.unwrap().items.len() == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), delivered).await.expect("the dispatcher was woken");
    dispatcher.shutdown().await;
    assert_eq!(receiver.got().len(), 1);
    store.close().await;
}

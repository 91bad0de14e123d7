//! The outcomes of attempts: delivered, rejected, gone, redirected, too slow, too large.

use standardwebhooks::Webhook as Verifier;

use super::receiver::{Got, status_answer};
use super::*;
use crate::store::{DisabledReason, WebhookChange};
use crate::webhook::send::KEPT_ANSWER_BYTES;
use crate::webhook::sign;
use axum::body::Body;
use axum::http::Response;

/// Checks the signature of the received message with the published library.
fn is_signed_with(got: &Got, secret: &str) -> bool {
    let header = |name: &str| got.headers[name].to_str().unwrap();
    let timestamp = header(sign::TIMESTAMP).parse().unwrap();
    let wanted = Verifier::new(secret).unwrap().sign(header(sign::ID), timestamp, got.body.as_bytes()).unwrap();
    header(sign::SIGNATURE).split(' ').any(|signature| signature == wanted)
}

#[tokio::test]
async fn a_message_is_delivered_once_signed_and_whole() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::answering(204).await;
    let webhook = fixture.webhook(&receiver.url()).await;
    let job = fixture.job("one").await;
    let waiting = fixture.delivery(&webhook).await;
    assert_eq!(
        (waiting.status, waiting.attempts, &waiting.job_id),
        (DeliveryStatus::Pending, 0, &Some(job.id.clone()))
    );

    let (delivery, attempt) = fixture.attempted(&webhook).await;
    fixture.clock.advance(Duration::from_secs(100_000));
    fixture.attempt_all().await;

    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 1));
    assert_eq!((attempt.outcome, attempt.status_code), (AttemptOutcome::Delivered, Some(204)));
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].path, "/hooks?of=plans");
    let header = |name: &str| got[0].headers[name].to_str().unwrap();
    assert_eq!(header("host"), format!("127.0.0.1:{}", receiver.port));
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header(sign::ID), delivery.message_id.as_str());
    assert_eq!(header(sign::TIMESTAMP), "1767225600");
    assert!(is_signed_with(&got[0], &webhook.secret.reveal()));
    let message: serde_json::Value = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!((&message["type"], &message["data"]["id"]), (&"job.finished".into(), &job.id.as_str().into()));
}

#[tokio::test]
async fn both_secrets_sign_for_a_day_after_a_rotation() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::answering(200).await;
    let first = fixture.webhook(&receiver.url()).await;
    let second = fixture.store.rotate_secret(&Tenant::default(), &first.id, None).await.unwrap();
    assert_ne!(second.secret, first.secret);
    let mut signed = Vec::new();
    for (number, hours) in [(0, 0), (1, 23), (2, 2)] {
        fixture.clock.advance(Duration::from_secs(hours * 3600));
        fixture.job(&format!("{number}")).await;
        fixture.attempt_all().await;
        let got = receiver.got()[number].clone();
        signed.push([&second, &first].map(|webhook| is_signed_with(&got, &webhook.secret.reveal())));
    }
    assert_eq!(signed, [[true, true], [true, true], [true, false]]);
    // After a second rotation only the newest two secrets sign.
    let third = fixture.store.rotate_secret(&Tenant::default(), &first.id, None).await.unwrap();
    fixture.job("3").await;
    fixture.attempt_all().await;
    let got = receiver.got()[3].clone();
    assert_eq!(
        [&third, &second, &first].map(|webhook| is_signed_with(&got, &webhook.secret.reveal())),
        [true, true, false]
    );
}

#[tokio::test]
async fn a_receiver_that_is_gone_disables_its_webhook_and_no_other() {
    let mut fixture = Fixture::new().await;
    let (gone, there) = (Receiver::answering(410).await, Receiver::answering(200).await);
    let (first, other) = (fixture.webhook(&gone.url()).await, fixture.webhook(&there.url()).await);
    let settings = DispatcherSettings { attempts_of_each: 1, ..DispatcherSettings::default() };
    fixture.round.settings = settings;
    fixture.job("one").await;
    fixture.job("two").await;

    fixture.attempt_all().await;

    let disabled = fixture.now(&first.id).await.disabled.unwrap();
    assert_eq!(disabled.reason, DisabledReason::Gone);
    let failed = fixture.deliveries(&first).await;
    assert!(failed.iter().all(|delivery| delivery.status == DeliveryStatus::Failed), "{failed:?}");
    assert_eq!((failed[0].attempts, failed[1].attempts, gone.got().len()), (1, 0, 1));
    assert_eq!((fixture.now(&other.id).await.disabled, there.got().len()), (None, 2));
    // The disabled webhook gets no message about this job, and nothing can be sent again until it is enabled.
    fixture.job("three").await;
    assert_eq!((fixture.deliveries(&first).await.len(), fixture.deliveries(&other).await.len()), (2, 3));
    let resent = fixture.store.resend(&Tenant::default(), &first.id, &failed[1].message_id).await;
    assert!(matches!(resent, Err(crate::store::StoreError::WebhookDisabled { .. })), "{resent:?}");

    let change = WebhookChange { enabled: Some(true), url: Some(there.url()), ..WebhookChange::default() };
    fixture.store.change_webhook(&Tenant::default(), &first.id, 2, change).await.unwrap();
    fixture.store.resend(&Tenant::default(), &first.id, &failed[1].message_id).await.unwrap();
    fixture.attempt_all().await;
    assert_eq!(fixture.deliveries(&first).await[1].status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut fixture = Fixture::new().await;
    let elsewhere = Receiver::answering(200).await;
    let to = elsewhere.url();
    let receiver = Receiver::start(move |number| {
        let to = if number == 0 { "http://169.254.169.254/latest/meta-data/" } else { &to };
        Response::builder().status([302, 307, 308, 301][number % 4]).header("location", to).body(Body::empty()).unwrap()
    });
    let receiver = receiver.await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    for status in [302, 307, 308, 301] {
        let (delivery, attempt) = fixture.attempted(&webhook).await;
        assert_eq!((attempt.outcome, attempt.status_code), (AttemptOutcome::Redirected, Some(status)));
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        fixture.clock.advance(Duration::from_secs(24 * 3600));
    }
    assert_eq!((receiver.got().len(), elsewhere.got().len()), (4, 0));
}

#[tokio::test]
async fn a_large_answer_is_cut_and_a_strange_one_kept_as_text() {
    let mut fixture = Fixture::new().await;
    let receiver = Receiver::start(|number| {
        let body = if number == 0 { vec![b'x'; 10 << 20] } else { b"a\0\xff".to_vec() };
        Response::builder().status(500).body(Body::from(body)).unwrap()
    });
    let receiver = receiver.await;
    let webhook = fixture.webhook(&receiver.url()).await;
    fixture.job("one").await;
    let (_, attempt) = fixture.attempted(&webhook).await;
    assert_eq!((attempt.outcome, attempt.detail.unwrap().len()), (AttemptOutcome::Rejected, KEPT_ANSWER_BYTES));
    fixture.clock.advance(Duration::from_secs(10));
    let (_, attempt) = fixture.attempted(&webhook).await;
    assert_eq!(attempt.detail.as_deref(), Some("a\u{fffd}\u{fffd}"));
}

#[tokio::test]
async fn whoever_does_not_answer_or_speaks_no_http_is_tried_again() {
    let mut fixture = Fixture::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let webhook = fixture.webhook(&format!("http://127.0.0.1:{port}/")).await;
    fixture.job("one").await;
    let (_, attempt) = fixture.attempted(&webhook).await;
    assert_eq!(attempt.outcome, AttemptOutcome::TimedOut);

    fixture.clock.advance(Duration::from_secs(10));
    let babble = async {
        // The first connection is that of the attempt before.
        let (_first, _) = silent.accept().await.unwrap();
        let (mut second, _) = silent.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut second, b"SSH-2.0-x\r\n\r\n").await.unwrap();
        second
    };
    let (_stream, (_, attempt)) = tokio::join!(babble, fixture.attempted(&webhook));
    assert_eq!(attempt.outcome, AttemptOutcome::BrokenOff);

    drop(silent);
    fixture.clock.advance(Duration::from_secs(1000));
    let (delivery, attempt) = fixture.attempted(&webhook).await;
    assert_eq!(attempt.outcome, AttemptOutcome::NotConnected);
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, 3));
    let details = attempt.detail.unwrap();
    assert!(!details.contains("127.0.0.1"), "{details}");
}

#[tokio::test]
async fn a_slow_webhook_leaves_room_for_others() {
    let mut fixture = Fixture::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = fixture.webhook(&format!("http://{}/", silent.local_addr().unwrap())).await;
    let receiver = Receiver::start(|_| status_answer(200)).await;
    let quick = fixture.webhook(&receiver.url()).await;
    fixture.round.settings = DispatcherSettings { attempts: 4, attempts_of_each: 2, ..DispatcherSettings::default() };
    for number in 0..6 {
        fixture.job(&number.to_string()).await;
    }
    fixture.round.take().await.unwrap();
    assert_eq!(fixture.round.running.len(), 4);
    assert_eq!((fixture.round.of_each[&slow.id], fixture.round.of_each[&quick.id]), (2, 2));
    fixture.attempt_all().await;
    assert_eq!(receiver.got().len(), 6);
    assert!(fixture.round.of_each.is_empty());
}

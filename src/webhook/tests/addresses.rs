//! The dispatcher connects only to judged addresses, and judges them at each attempt.

use super::*;

/// Returns the outcomes of attempts, one for each answer of the resolver.
async fn outcomes(url: &str, guard: Guard, answers: &[&[&str]]) -> Vec<(AttemptOutcome, String)> {
    let mut fixture = Fixture::with(guard, Names::new(answers)).await;
    let webhook = fixture.webhook(url).await;
    fixture.job("one").await;
    let mut outcomes = Vec::new();
    for _ in answers {
        let (_, attempt) = fixture.attempted(&webhook).await;
        outcomes.push((attempt.outcome, attempt.detail.unwrap_or_default()));
        fixture.clock.advance(Duration::from_secs(24 * 3600));
    }
    outcomes
}

fn loopback() -> Guard {
    Guard::new(["127.0.0.0/8".parse().unwrap()])
}

#[tokio::test]
async fn a_name_whose_address_changes_is_judged_at_each_attempt() {
    let receiver = Receiver::answering(500).await;
    let url = format!("http://rebinding.example:{}/", receiver.port);
    let answers: [&[&str]; 5] =
        [&["127.0.0.1"], &["169.254.169.254"], &["10.0.0.1", "::1"], &["127.0.0.1"], &["::ffff:192.168.0.1"]];
    let seen = outcomes(&url, loopback(), &answers).await;
    let kinds: Vec<AttemptOutcome> = seen.iter().map(|(outcome, _)| *outcome).collect();
    let (taken, refused) = (AttemptOutcome::Rejected, AttemptOutcome::AddressRefused);
    assert_eq!(kinds, [taken, refused, refused, taken, refused]);
    assert!(seen[1].1.contains("metadata") && seen[2].1.contains("10.0.0.1 is private"), "{seen:?}");
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn of_several_addresses_only_those_that_are_let_through_are_tried() {
    let receiver = Receiver::answering(200).await;
    // A listener at a refused address would take a connection: this one is on the same port.
    let other = tokio::net::TcpListener::bind(("::1", receiver.port)).await;
    let url = format!("http://mixed.example:{}/", receiver.port);
    let seen = outcomes(&url, loopback(), &[&["::1", "10.0.0.1", "127.0.0.1"]]).await;
    assert_eq!(seen[0].0, AttemptOutcome::Delivered);
    assert_eq!(receiver.got().len(), 1);
    if let Ok(other) = other {
        let nobody = tokio::time::timeout(Duration::from_millis(20), other.accept()).await;
        assert!(nobody.is_err(), "somebody came to the refused address");
    }
}

#[tokio::test]
async fn without_an_allowed_net_nothing_inside_is_reached() {
    let receiver = Receiver::answering(200).await;
    let port = receiver.port;
    for host in ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "inside.example"] {
        let seen = outcomes(&format!("https://{host}:{port}/"), Guard::default(), &[&["127.0.0.1"]]).await;
        assert_eq!(seen[0].0, AttemptOutcome::AddressRefused, "{host}: {seen:?}");
    }
    assert_eq!(receiver.got().len(), 0);
}

#[tokio::test]
async fn a_net_that_is_allowed_no_more_is_not_reached_any_more() {
    let receiver = Receiver::answering(200).await;
    let other_net = || Guard::new(["10.0.0.0/8".parse().unwrap()]);
    let seen = outcomes(&receiver.url(), other_net(), &[&[]]).await;
    assert_eq!(seen[0].0, AttemptOutcome::AddressRefused);
    // A URL without TLS was accepted for the name, but its address is in no allowed network.
    let seen = outcomes("http://outside.example/", other_net(), &[&["8.8.8.8"]]).await;
    assert_eq!(seen[0].0, AttemptOutcome::AddressRefused);
    assert!(seen[0].1.contains("without TLS"), "{seen:?}");
    assert_eq!(receiver.got().len(), 0);
}

#[tokio::test]
async fn a_name_without_an_address_is_tried_again() {
    let mut fixture = Fixture::with(loopback(), Arc::new(Names::default())).await;
    let webhook = fixture.webhook("https://nobody.example/").await;
    fixture.job("one").await;
    let (delivery, attempt) = fixture.attempted(&webhook).await;
    assert_eq!((attempt.outcome, delivery.status), (AttemptOutcome::NotResolved, DeliveryStatus::Pending));
    let seen = outcomes("https://nobody.example/", loopback(), &[&[]]).await;
    assert_eq!(seen[0].0, AttemptOutcome::NotResolved);
}

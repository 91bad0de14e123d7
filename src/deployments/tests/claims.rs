//! Claims: a process that dies between its claim and its results leaves nothing behind, and two servers propose once.

use std::time::Duration;

use super::site::{Site, chain, inventory};
use crate::domain::deployment::{HistoryKind, Policy};
use crate::store::deployments::site::Findings;

async fn proposals(site: &Site) -> usize {
    let mut proposals = 0;
    for row in site.rows().await {
        proposals += site.told(&row.id).await.iter().filter(|(kind, _)| *kind == HistoryKind::Proposed).count();
    }
    proposals
}

#[tokio::test]
async fn what_a_dead_process_has_claimed_is_looked_at_by_the_next() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    site.create(&chain("m", &[900; 4]), Policy::default()).await;
    let store = &site.fixture.store;
    let dead = store.claim_site(Duration::from_secs(30)).await.unwrap().unwrap();
    assert!(store.claim_site(Duration::from_secs(30)).await.unwrap().is_none());
    store.recover_sites().await.unwrap();
    if store.claim_site(Duration::from_secs(30)).await.unwrap().is_none() {
        // Another server may live: the claim expires.
        site.clock.advance(Duration::from_secs(31));
    } else {
        store.recover_sites().await.unwrap();
    }
    site.settle().await;
    assert_eq!(proposals(&site).await, 1);
    // What the dead process had found comes too late.
    assert!(!store.finish_site(&dead, Findings::default()).await.unwrap());
}

#[tokio::test]
async fn a_claim_that_is_renewed_is_held_and_one_that_was_given_back_is_not() {
    const LEASE: Duration = Duration::from_secs(2);
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    site.create(&chain("m", &[900; 4]), Policy::default()).await;
    let store = &site.fixture.store;
    let claim = store.claim_site(LEASE).await.unwrap().unwrap();
    for _ in 0..5 {
        site.clock.advance(Duration::from_secs(1));
        store.renew_site(&claim, LEASE).await.unwrap();
        assert!(store.claim_site(LEASE).await.unwrap().is_none());
    }
    store.release_site(&claim).await.unwrap();
    store.renew_site(&claim, LEASE).await.unwrap();
    let next = store.claim_site(LEASE).await.unwrap().expect("a late renewal holds nothing");
    // Nor does it prolong the claim of another.
    site.clock.advance(Duration::from_secs(1));
    store.renew_site(&claim, Duration::from_secs(60)).await.unwrap();
    site.clock.advance(Duration::from_secs(2));
    assert!(store.claim_site(LEASE).await.unwrap().is_some());
    assert!(!store.finish_site(&next, Findings::default()).await.unwrap());
}

#[tokio::test]
async fn what_was_found_before_a_change_is_not_written() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    site.create(&chain("m", &[900; 4]), Policy::default()).await;
    let store = &site.fixture.store;
    let claim = store.claim_site(Duration::from_secs(30)).await.unwrap().unwrap();
    site.revise().await;
    assert!(!store.finish_site(&claim, Findings::default()).await.unwrap());
    store.release_site(&claim).await.unwrap();
    site.settle().await;
    assert_eq!(proposals(&site).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_who_look_at_once_propose_once() {
    let site = Site::new(inventory(&[(4000, 1e8); 4])).await;
    for number in 0..3 {
        site.create(&chain(&format!("m{number}"), &[900; 3]), Policy::default()).await;
    }
    tokio::join!(site.settle(), site.settle(), site.settle());
    site.settle().await;
    assert_eq!(proposals(&site).await, 3);
    let events = site.fixture.store.events_after(&site.tenant, 0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event_type == "deployment.proposed").count(), 3);
}

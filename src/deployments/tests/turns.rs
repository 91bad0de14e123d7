//! Whose turn it is: no cluster waits for another that changes all the time or cannot be looked at.

use std::time::Duration;

use cutpoint_planner::domain::cluster::ClusterInventory;

use super::site::{Site, chain, inventory};
use crate::deployments::worker::{Looked, look_at_one};
use crate::domain::deployment::Policy;
use crate::domain::id::Id;
use crate::store::ClusterDocument;
use crate::store::deployments::site::Findings;

const LEASE: Duration = Duration::from_secs(30);

/// Two clusters with a deployment each. The site's is the second.
async fn two() -> (Site, Id) {
    let mut site = Site::new(inventory(&[(4000, 1e8); 2])).await;
    site.create(&chain("one", &[900; 2]), Policy::default()).await;
    let first = site.cluster.clone();
    let document = ClusterDocument::new(&ClusterInventory::from_json(&site.inventory).unwrap());
    site.cluster = site.fixture.store.register_cluster(&site.tenant, document, None).await.unwrap().row.id;
    (site, first)
}

#[tokio::test]
async fn a_restless_cluster_waits_for_the_others() {
    let (site, first) = two().await;
    let store = &site.fixture.store;
    // The first was looked at often.
    for _ in 0..5 {
        let claim = store.claim_site(LEASE).await.unwrap().unwrap();
        assert_eq!(claim.cluster_id, first);
        site.clock.advance(Duration::from_secs(1));
        store.release_site(&claim).await.unwrap();
    }
    site.create(&chain("two", &[900; 2]), Policy::default()).await;
    let mut turns = Vec::new();
    for _ in 0..4 {
        let claim = store.claim_site(LEASE).await.unwrap().unwrap();
        site.clock.advance(Duration::from_secs(1));
        store.release_site(&claim).await.unwrap();
        turns.push(claim.cluster_id);
    }
    let second = site.cluster.clone();
    assert_eq!(turns, [second.clone(), first.clone(), second, first]);
}

#[tokio::test]
async fn a_cluster_that_cannot_be_looked_at_holds_no_other_up() {
    let (site, first) = two().await;
    let id = site.create(&chain("two", &[900; 2]), Policy::default()).await;
    let damage = format!("UPDATE deployments SET options = '{{' WHERE cluster_id = '{first}'");
    site.fixture.store.tamper(damage).await;
    let mut failures = 0;
    while site.row(&id).await.proposed.is_none() {
        match look_at_one(&site.deployments.inner).await.unwrap() {
            Looked::Failed(cluster, _) => {
                assert_eq!(cluster, first);
                failures += 1;
            }
            Looked::AtOne => {}
            Looked::AtNone => {
                site.queue.wake();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
    // Time stands still, and a failure waits for a second.
    assert_eq!(failures, 1);
    while matches!(look_at_one(&site.deployments.inner).await.unwrap(), Looked::AtOne) {}
    let again = site.fixture.store.next_site_at().await.unwrap().unwrap();
    assert_eq!(again.duration_since(site.fixture.store.steady_now()).as_secs(), 1);
    site.clock.advance(Duration::from_secs(1));
    assert!(matches!(look_at_one(&site.deployments.inner).await.unwrap(), Looked::Failed(..)));
}

#[tokio::test]
async fn nobody_is_woken_for_what_another_has_claimed() {
    let site = Site::new(inventory(&[(4000, 1e8); 2])).await;
    site.create(&chain("one", &[900; 2]), Policy::default()).await;
    let store = &site.fixture.store;
    let until = async || store.next_site_at().await.unwrap().map(|at| at.duration_since(store.steady_now()).as_secs());
    assert!(until().await.unwrap() <= 0, "something has changed");
    let claim = store.claim_site(LEASE).await.unwrap().unwrap();
    assert_eq!(until().await, Some(30));
    let wake_at = store.steady_now().checked_add(Duration::from_secs(5)).unwrap();
    let findings = Findings { wake_at: Some(wake_at), ..Findings::default() };
    assert!(store.finish_site(&claim, findings).await.unwrap());
    assert_eq!(until().await, Some(5));
    site.clock.advance(Duration::from_secs(6));
    let claim = store.claim_site(LEASE).await.unwrap().unwrap();
    assert_eq!(until().await, Some(30), "it is late, and claimed");
    assert!(store.finish_site(&claim, Findings::default()).await.unwrap());
    assert_eq!(until().await, None);
}

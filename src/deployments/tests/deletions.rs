//! Placements that are deleted: none is applied or proposed afterwards, and the cluster goes on.

use std::time::Duration;

use serde_json::json;

use super::site::{Site, chain, inventory};
use crate::clock::{Ids, RandomIds};
use crate::deployments::ApplyError;
use crate::deployments::worker::{Looked, look_at_one};
use crate::domain::deployment::{ConditionStatus, DeploymentReason, FallbackStatus, HistoryKind, Policy};
use crate::domain::id::{Id, IdKind};
use crate::store::StoreError;
use crate::store::deployments::fallbacks::Fallback;
use crate::store::deployments::site::Findings;

const LEASE: Duration = Duration::from_secs(30);

fn quick() -> Policy {
    Policy { cool_down_s: 0.0, max_proposals_per_hour: 100, ..Policy::default() }
}

/// A site of three nodes where something runs on two, and whatever is lost was planned for.
async fn resilient() -> (Site, Id) {
    let site = Site::new(inventory(&[(1000, 1e8); 3])).await;
    let id = site.create(&chain("m", &[900, 900]), quick()).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    site.pass(Duration::from_secs(5), 10).await;
    (site, id)
}

async fn ready(site: &Site) -> Vec<Fallback> {
    let fallbacks = site.fixture.store.site(&site.tenant, &site.cluster).await.unwrap().fallbacks;
    fallbacks.into_iter().filter(|fallback| fallback.status == FallbackStatus::Ready).collect()
}

async fn lose(site: &mut Site, node: &str) {
    site.inventory["nodes"].as_array_mut().unwrap().retain(|it| it["id"] != node);
    site.revise().await;
}

#[tokio::test]
async fn a_deleted_placement_is_not_applied() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    let id = site.create(&chain("m", &[900; 3]), quick()).await;
    site.settle().await;
    let first = site.row(&id).await.proposed.unwrap().placement_id;
    site.change_options(&id, json!({"cost_model": {"memory": "params"}, "solver": {"seed": 2}})).await;
    site.settle().await;
    let row = site.row(&id).await;
    assert_ne!(row.proposed.as_ref().unwrap().placement_id, first);

    // This server deletes it, and then another one whose news did not arrive.
    let store = &site.fixture.store;
    let applied = site.deployments.apply(&site.tenant, &id, &first, row.revision);
    store.delete_placement(&site.tenant, &first).await.unwrap();
    let refused = applied.await.unwrap_err();
    assert!(matches!(refused, ApplyError::Store(StoreError::NotFound { kind: IdKind::Placement, .. })), "{refused}");
    let second = row.proposed.unwrap().placement_id;
    site.change_options(&id, json!({"cost_model": {"memory": "params"}, "solver": {"seed": 3}})).await;
    site.settle().await;
    store.tamper(format!("DELETE FROM placements WHERE id = '{second}'")).await;
    let row = site.row(&id).await;
    let refused = site.deployments.apply(&site.tenant, &id, &second, row.revision).await.unwrap_err();
    assert!(matches!(refused, ApplyError::Store(StoreError::NotFound { kind: IdKind::Placement, .. })), "{refused}");
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
}

#[tokio::test]
async fn a_deleted_fallback_is_planned_again() {
    let (site, _) = resilient().await;
    let before = ready(&site).await;
    assert_eq!(before.len(), 2);
    let gone = before[0].placement_id.clone().unwrap();
    site.fixture.store.delete_placement(&site.tenant, &gone).await.unwrap();
    assert!(ready(&site).await.iter().all(|fallback| fallback.placement_id.as_ref() != Some(&gone)));
    site.pass(Duration::from_secs(5), 10).await;
    let after = ready(&site).await;
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|fallback| fallback.placement_id.as_ref() != Some(&gone)));
}

#[tokio::test]
async fn a_fallback_that_another_server_has_deleted_is_not_proposed() {
    let (mut site, id) = resilient().await;
    let lost = ready(&site).await[0].clone();
    // No news of it arrive.
    let delete = format!("DELETE FROM placements WHERE id = '{}'", lost.placement_id.unwrap());
    site.fixture.store.tamper(delete).await;
    lose(&mut site, &lost.node_id).await;
    let failed = look_at_one(&site.deployments.inner).await.unwrap();
    let is_missing = |error: &StoreError| matches!(error, StoreError::NotFound { kind: IdKind::Placement, .. });
    assert!(matches!(&failed, Looked::Failed(_, error) if is_missing(error)), "{failed:?}");
    assert!(matches!(look_at_one(&site.deployments.inner).await.unwrap(), Looked::AtNone), "it waits");
    site.pass(Duration::from_secs(1), 1).await;
    let row = site.row(&id).await;
    assert_eq!(row.condition.status, ConditionStatus::Broken);
    assert_eq!(row.proposed.as_ref().unwrap().reason, DeploymentReason::Broken);
    assert!(site.apply(&row).await);
}

#[tokio::test]
async fn no_finding_names_a_placement_that_is_not_there() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    let id = site.create(&chain("m", &[900; 3]), quick()).await;
    site.settle().await;
    let (store, missing) = (&site.fixture.store, RandomIds::default().id(IdKind::Placement));
    site.revise().await;
    let claim = store.claim_site(LEASE).await.unwrap().unwrap();
    let mut row = site.row(&id).await;
    row.proposed.as_mut().unwrap().placement_id = missing.clone();
    let findings = Findings { saves: vec![(row, true)], ..Findings::default() };
    let refused = store.finish_site(&claim, findings).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotFound { kind: IdKind::Placement, .. }), "{refused}");
    let fallback = Fallback {
        deployment_id: id.clone(),
        node_id: "n0".to_owned(),
        status: FallbackStatus::Ready,
        base_id: missing.clone(),
        stamp: "1.0".to_owned(),
        placement_id: Some(missing),
        period_s: Some(1.0),
        shipped_bytes: None,
    };
    let findings = Findings { fallbacks: vec![fallback], ..Findings::default() };
    assert!(store.finish_site(&claim, findings).await.unwrap());
    assert!(ready(&site).await.is_empty());
}

#[tokio::test]
async fn what_was_planned_for_what_ran_before_is_forgotten() {
    let (mut site, id) = resilient().await;
    let (before, lost) = (site.row(&id).await.applied.unwrap().placement_id, ready(&site).await[0].node_id.clone());
    lose(&mut site, &lost).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    let left = site.fixture.store.site(&site.tenant, &site.cluster).await.unwrap().fallbacks;
    assert!(left.iter().all(|fallback| fallback.base_id != before), "{left:?}");
}

#[tokio::test]
async fn old_history_goes_except_for_what_can_be_applied_again() {
    use HistoryKind::{Applied, Proposed, Withdrawn};
    let (mut site, id) = resilient().await;
    let lost = ready(&site).await[0].node_id.clone();
    let whole = site.inventory.clone();
    lose(&mut site, &lost).await;
    site.settle().await;
    site.inventory = whole;
    site.revise().await;
    site.settle().await;
    let kinds = |told: Vec<(HistoryKind, DeploymentReason)>| told.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    assert_eq!(kinds(site.told(&id).await), [Proposed, Applied, Proposed, Withdrawn]);
    let withdrawn = site.history(&id).await[3].placement_id.clone().unwrap();
    let store = &site.fixture.store;
    let now = site.history(&id).await[3].at;
    assert_eq!(store.forget_history(site.history(&id).await[0].at).await.unwrap(), 0);
    let later = now.checked_add(Duration::from_secs(1)).unwrap();
    assert_eq!(store.forget_history(later).await.unwrap(), 1);
    assert_eq!(kinds(site.told(&id).await), [Proposed, Applied, Proposed]);
    store.delete_placement(&site.tenant, &withdrawn).await.unwrap();
    assert_eq!(store.forget_history(later).await.unwrap(), 1);
    assert_eq!(kinds(site.told(&id).await), [Proposed, Applied]);
}

//! Deployments that are planned together: their proposals stay, and none is made on top of another.

use std::time::Duration;

use serde_json::json;

use super::site::{Site, chain, inventory};
use crate::domain::deployment::{ConditionStatus, DeploymentReason, HistoryKind, Policy};
use crate::domain::id::Id;
use crate::store::deployments::together::ProposedTogether;

const LIMIT: Duration = Duration::from_secs(10);

fn quick() -> Policy {
    Policy { cool_down_s: 0.0, max_proposals_per_hour: 100, ..Policy::default() }
}

/// A large model on a slow node, and a small one on a fast node. Each node has room for one.
async fn crossed(policy_of_small: Policy) -> (Site, Id, Id) {
    let mut site = Site::new(inventory(&[(1000, 1e8), (1000, 1e7)])).await;
    site.inventory["nodes"][0]["schedulable"] = json!(false);
    site.revise().await;
    let large = site.create(&chain("large", &[900]), quick()).await;
    site.settle().await;
    assert!(site.apply(&site.row(&large).await).await);
    site.inventory["nodes"][0]["schedulable"] = json!(true);
    site.revise().await;
    let small = site.create(&chain("small", &[600]), policy_of_small).await;
    site.settle().await;
    assert!(site.apply(&site.row(&small).await).await);
    assert_eq!(applied(&site, &large).await, ["n1"]);
    assert_eq!(applied(&site, &small).await, ["n0"]);
    site.settle().await;
    (site, large, small)
}

async fn applied(site: &Site, id: &Id) -> Vec<String> {
    site.nodes_of(&site.row(id).await.applied.unwrap().placement_id).await
}

#[tokio::test]
async fn two_that_change_places_keep_their_proposals() {
    let (site, large, small) = crossed(quick()).await;
    let ids = [large.clone(), small.clone()];
    let together = site.deployments.plan_together(&site.tenant, &ids, LIMIT).await.unwrap();
    assert_eq!(together.order, ids);
    assert!(together.plans.iter().all(|plan| plan.failure.is_none()), "{together:?}");
    site.settle().await;
    for (id, node) in [(&large, "n0"), (&small, "n1")] {
        let proposed = site.row(id).await.proposed.expect("it fits where the other one goes away");
        assert_eq!(proposed.reason, DeploymentReason::Together);
        assert_eq!(site.nodes_of(&proposed.placement_id).await, [node]);
    }
    // The first is where the other one still runs, until that has moved too.
    assert!(site.apply(&site.row(&large).await).await);
    site.settle().await;
    assert_eq!(site.row(&small).await.condition.status, ConditionStatus::Broken);
    assert!(site.apply(&site.row(&small).await).await);
    site.settle().await;
    for id in [&large, &small] {
        let row = site.row(id).await;
        assert_eq!((row.condition.status, row.proposed), (ConditionStatus::Healthy, None));
    }
}

#[tokio::test]
async fn a_proposal_whose_companion_is_withdrawn_does_not_stay_in_its_place() {
    let (site, large, small) = crossed(quick()).await;
    site.deployments.plan_together(&site.tenant, &[large.clone(), small.clone()], LIMIT).await.unwrap();
    // Then the small one cannot go where it should.
    site.change_options(&small, json!({"cost_model": {"memory": "params"}, "constraints": {"exclude_nodes": ["n1"]}}))
        .await;
    site.settle().await;
    assert_eq!(site.row(&large).await.proposed, None);
    let last = *site.told(&large).await.last().unwrap();
    assert_eq!(last, (HistoryKind::Withdrawn, DeploymentReason::NoLongerFits));
}

#[tokio::test]
async fn what_the_policy_does_not_allow_yet_stays_in_the_way() {
    let (site, large, small) = crossed(Policy { cool_down_s: 3600.0, ..quick() }).await;
    let ids = [large.clone(), small.clone()];
    let together = site.deployments.plan_together(&site.tenant, &ids, LIMIT).await.unwrap();
    assert_eq!(together.order, std::slice::from_ref(&large));
    assert_eq!(together.plans.len(), 2);
    assert_eq!(together.plans[1].deployment_id, small);
    assert!(together.plans[1].failure.as_ref().unwrap().contains("cool-down"), "{together:?}");
    // The fast node is taken, so that the large one is planned where it is.
    let proposed = site.row(&large).await.proposed.unwrap();
    assert_eq!(site.nodes_of(&proposed.placement_id).await, ["n1"]);
    site.settle().await;
    assert_eq!(site.row(&large).await.proposed, Some(proposed));
    let none = site.deployments.plan_together(&site.tenant, &[small], LIMIT).await.unwrap();
    assert_eq!((none.order.len(), none.orders_tried, none.plans.len()), (0, 0, 1));
}

#[tokio::test]
async fn a_proposal_in_place_of_another_withdraws_it() {
    use HistoryKind::{Proposed, Withdrawn};
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    let id = site.create(&chain("m", &[900; 3]), quick()).await;
    site.settle().await;
    site.deployments.plan_together(&site.tenant, std::slice::from_ref(&id), LIMIT).await.unwrap();
    let told = site.told(&id).await;
    let (new, together) = (DeploymentReason::New, DeploymentReason::Together);
    assert_eq!(told, [(Proposed, new), (Withdrawn, together), (Proposed, together)]);
    let history = site.history(&id).await;
    assert_eq!(history[0].placement_id, history[1].placement_id);
}

#[tokio::test]
async fn plans_for_a_site_that_has_got_a_proposal_meanwhile_come_too_late() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    let id = site.create(&chain("m", &[900; 3]), quick()).await;
    let store = &site.fixture.store;
    let changes = |changes| ProposedTogether { cluster_id: site.cluster.clone(), changes, proposals: Vec::new() };
    let mut before = store.site(&site.tenant, &site.cluster).await.unwrap().changes;
    while site.row(&id).await.proposed.is_none() {
        site.queue.wake();
        tokio::time::sleep(Duration::from_millis(1)).await;
        before = store.site(&site.tenant, &site.cluster).await.unwrap().changes;
        crate::deployments::worker::look_at_one(&site.deployments.inner).await.unwrap();
    }
    assert!(!store.propose_together(&site.tenant, changes(before)).await.unwrap());
    // The proposal is no change to look at again.
    assert!(store.claim_site(Duration::from_secs(30)).await.unwrap().is_none());
    let now = store.site(&site.tenant, &site.cluster).await.unwrap().changes;
    assert!(store.propose_together(&site.tenant, changes(now)).await.unwrap());
}

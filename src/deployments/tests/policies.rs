//! Policies over time: long cool-downs, proposals that are withdrawn, and what waits for what.

use std::time::Duration;

use serde_json::json;

use super::site::{Site, chain, inventory};
use crate::clock::RandomIds;
use crate::deployments::decide::{Now, decide};
use crate::deployments::plans::NewJobs;
use crate::deployments::sight::{Kept, Sight};
use crate::deployments::worker::{Looked, look_at_one};
use crate::domain::deployment::{ConditionStatus, DeploymentReason, HistoryKind, OnChange, Policy};
use crate::domain::id::{Id, IdKind};
use crate::store::deployments::site::Plan;

fn quick() -> Policy {
    Policy { cool_down_s: 0.0, max_proposals_per_hour: 100, ..Policy::default() }
}

#[tokio::test]
async fn a_cool_down_of_hours_holds() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    let policy = Policy { cool_down_s: 3.0 * 3600.0, ..Policy::default() };
    let id = site.create(&chain("m", &[900; 3]), policy).await;
    site.settle().await;
    assert!(site.row(&id).await.proposed.is_some());
    site.change_options(&id, json!({"cost_model": {"memory": "params"}, "solver": {"seed": 2}})).await;
    site.pass(Duration::from_secs(2 * 3600), 2).await;
    assert_eq!(site.fixture.store.site(&site.tenant, &site.cluster).await.unwrap().proposals.len(), 1);
    assert!(site.row(&id).await.proposed.is_none(), "two hours have passed, of three");
    site.pass(Duration::from_secs(3600), 2).await;
    assert_eq!(site.row(&id).await.proposed.unwrap().reason, DeploymentReason::OptionsChanged);
}

#[tokio::test]
async fn new_options_are_planned_again_when_their_proposal_is_withdrawn() {
    let mut site = Site::new(inventory(&[(2000, 1e8), (2000, 1e8), (2000, 0.99e8)])).await;
    let id = site.create(&chain("m", &[900, 900]), quick()).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    let options = json!({"cost_model": {"memory": "params"}, "objective": {"kind": "min_latency"}});
    site.change_options(&id, options).await;
    site.settle().await;
    let proposed = site.row(&id).await.proposed.unwrap();
    assert_eq!(proposed.reason, DeploymentReason::OptionsChanged);
    assert_eq!(site.nodes_of(&proposed.placement_id).await.len(), 1);
    for node in 0..2 {
        site.inventory["nodes"][node]["memory_bytes"] = json!(1000);
    }
    site.revise().await;
    site.settle().await;
    let row = site.row(&id).await;
    let told = site.told(&id).await;
    assert_eq!(told[3], (HistoryKind::Withdrawn, DeploymentReason::NoLongerFits), "{told:?}");
    assert_eq!(row.condition.status, ConditionStatus::Healthy);
    let again = row.proposed.expect("the options are still new");
    assert_eq!(again.reason, DeploymentReason::OptionsChanged);
    assert_eq!(site.nodes_of(&again.placement_id).await, ["n2"]);
}

#[tokio::test]
async fn a_proof_names_the_revision_that_was_planned_for() {
    let mut site = Site::new(inventory(&[(500, 1e8); 2])).await;
    let id = site.create(&chain("m", &[900, 900]), quick()).await;
    assert!(matches!(look_at_one(&site.deployments.inner).await.unwrap(), Looked::AtOne));
    for name in ["two", "three"] {
        site.inventory["name"] = json!(name);
        site.revise().await;
    }
    site.settle().await;
    let details: Vec<String> = site.history(&id).await.into_iter().filter_map(|entry| entry.detail).collect();
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(details[0].contains("revision 1 "), "{details:?}");
    assert!(details[1].contains("revision 3 "), "{details:?}");
}

/// A site where two slow nodes run something, to which a fast one is added.
async fn faster(policy: Policy) -> (Site, Id) {
    let mut site = Site::new(inventory(&[(2000, 1e7), (2000, 1e7)])).await;
    let id = site.create(&chain("m", &[900, 900]), policy).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    let fast = json!({"id": "fast", "memory_bytes": 4000, "flops_per_s": 1e9});
    site.inventory["nodes"].as_array_mut().unwrap().push(fast);
    site.revise().await;
    site.pass(Duration::from_secs(5), 10).await;
    (site, id)
}

#[tokio::test]
async fn an_improvement_within_the_cool_down_is_proposed_after_it() {
    let policy = Policy { min_improvement: Some(1.5), cool_down_s: 600.0, ..Policy::default() };
    let (site, id) = faster(policy).await;
    assert!(site.row(&id).await.proposed.is_none());
    site.pass(Duration::from_secs(600), 10).await;
    assert_eq!(site.row(&id).await.proposed.unwrap().reason, DeploymentReason::Improvement);
}

#[tokio::test]
async fn a_policy_that_only_notifies_improves_nothing() {
    let policy = Policy { min_improvement: Some(1.5), on_change: OnChange::Notify, ..quick() };
    let (site, id) = faster(policy).await;
    assert!(site.row(&id).await.proposed.is_none());
    assert!(site.told(&id).await.iter().all(|(_, reason)| *reason != DeploymentReason::Improvement));
    // Another policy looks again.
    site.change_policy(&id, Policy { on_change: OnChange::Automatic, ..policy }).await;
    site.pass(Duration::from_secs(5), 10).await;
    assert_eq!(site.row(&id).await.proposed.unwrap().reason, DeploymentReason::Improvement);
}

#[tokio::test]
async fn another_policy_looks_for_improvements_again() {
    let (site, id) = faster(Policy { min_improvement: Some(1e6), ..quick() }).await;
    assert!(site.row(&id).await.proposed.is_none());
    site.change_policy(&id, Policy { min_improvement: Some(1.5), ..quick() }).await;
    site.pass(Duration::from_secs(5), 10).await;
    assert_eq!(site.row(&id).await.proposed.unwrap().reason, DeploymentReason::Improvement);
}

#[tokio::test]
async fn improvements_are_looked_for_one_at_a_time() {
    let site = Site::new(inventory(&[(2000, 1e7); 4])).await;
    let policy = Policy { min_improvement: Some(1.5), ..quick() };
    for name in ["one", "two"] {
        let id = site.create(&chain(name, &[900, 900]), policy).await;
        site.settle().await;
        assert!(site.apply(&site.row(&id).await).await);
    }
    site.settle().await;
    site.clock.advance(Duration::from_secs(1));
    assert!(matches!(look_at_one(&site.deployments.inner).await.unwrap(), Looked::AtOne));
    let plans = site.fixture.store.site(&site.tenant, &site.cluster).await.unwrap().plans;
    assert_eq!(plans.len(), 1, "{plans:?}");
    assert_eq!(plans[0].reason, DeploymentReason::Improvement);
}

#[tokio::test]
async fn what_is_broken_does_not_wait_for_an_improvement() {
    let mut site = Site::new(inventory(&[(1000, 1e8); 4])).await;
    let id = site.create(&chain("m", &[900, 900]), quick()).await;
    site.settle().await;
    assert!(site.apply(&site.row(&id).await).await);
    let used = site.nodes_of(&site.row(&id).await.applied.unwrap().placement_id).await;
    site.inventory["nodes"].as_array_mut().unwrap().retain(|node| node["id"] != used[0].as_str());
    site.revise().await;
    let read = site.fixture.store.site(&site.tenant, &site.cluster).await.unwrap();
    let mut sight = Sight::of(&site.fixture.store, &Kept::default(), &site.tenant, read).await.unwrap();
    let (ids, now) = (RandomIds::default(), site.fixture.store.steady_now());
    let jobs = NewJobs { ids: &ids };
    let open = |reason| Plan {
        job_id: jobs.new_id(IdKind::Job),
        deployment_id: id.clone(),
        reason,
        stamp: "1.1".to_owned(),
        lost_node: None,
        end: None,
    };
    for (reason, ends) in [(DeploymentReason::Improvement, true), (DeploymentReason::Degraded, false)] {
        sight.plans = vec![open(reason)];
        let findings = decide(&sight, Now { wall: now, steady: now }, &jobs);
        let ended = if ends { vec![sight.plans[0].job_id.clone()] } else { Vec::new() };
        assert_eq!((&findings.ended, &findings.stopped), (&ended, &ended), "{reason:?}");
        assert_eq!(findings.plans.len(), ended.len(), "{reason:?}");
        assert!(findings.plans.iter().all(|plan| plan.reason == DeploymentReason::Broken));
    }
}

#[tokio::test]
async fn a_withdrawn_proposal_that_runs_is_acknowledged_and_no_roll_back() {
    let site = Site::new(inventory(&[(4000, 1e8); 3])).await;
    let id = site.create(&chain("m", &[900; 3]), quick()).await;
    site.settle().await;
    let first = site.row(&id).await.proposed.unwrap().placement_id;
    site.change_options(&id, json!({"cost_model": {"memory": "params"}, "solver": {"seed": 2}})).await;
    site.settle().await;
    let revision = site.row(&id).await.revision;
    site.deployments.apply(&site.tenant, &id, &first, revision).await.unwrap();
    assert_eq!(*site.told(&id).await.last().unwrap(), (HistoryKind::Applied, DeploymentReason::Acknowledged));
    let second = site.history(&id).await[2].placement_id.clone().unwrap();
    let revision = site.row(&id).await.revision;
    site.deployments.apply(&site.tenant, &id, &second, revision).await.unwrap();
    let revision = site.row(&id).await.revision;
    site.deployments.apply(&site.tenant, &id, &first, revision).await.unwrap();
    assert_eq!(*site.told(&id).await.last().unwrap(), (HistoryKind::Applied, DeploymentReason::RolledBack));
}

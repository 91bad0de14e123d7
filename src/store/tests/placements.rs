//! Placements: filters, and the newest of each model on each cluster, independent of the clock.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::PlacementFilter;

async fn list(fixture: &Fixture, filter: PlacementFilter) -> Vec<Option<crate::domain::id::Id>> {
    let listed = fixture.store.placements(&Tenant::default(), filter, page(10)).await.unwrap();
    listed.items.into_iter().map(|placement| Some(placement.id)).collect()
}

#[tokio::test]
async fn filters_and_latest_hold_together() {
    let fixture = Fixture::new().await;
    let old = fixture.insert_ended(new_job("one"), Status::Feasible).await;
    let new = fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let none = fixture.insert_ended(new_job("one"), Status::Infeasible).await;
    let labels = [("team".to_owned(), "core".to_owned())].into();
    let other = fixture.insert_ended(NewJob { labels, ..new_job("two") }, Status::Optimal).await;
    let [old_id, new_id, none_id, other_id] = [&old, &new, &none, &other].map(|job| job.placement_id.clone());
    let all = PlacementFilter::default();

    assert_eq!(list(&fixture, all.clone()).await, [&other_id, &none_id, &new_id, &old_id].map(Clone::clone));
    let latest = PlacementFilter { latest: true, ..all.clone() };
    assert_eq!(list(&fixture, latest.clone()).await, [other_id.clone(), none_id.clone()]);
    let placed = PlacementFilter { statuses: vec![Status::Optimal, Status::Feasible], ..latest.clone() };
    assert_eq!(list(&fixture, placed).await, [other_id.clone(), new_id.clone()]);
    let of_model = PlacementFilter { model_id: Some(old.model_id.clone()), ..latest };
    assert_eq!(list(&fixture, of_model).await, [none_id]);
    let on_node = PlacementFilter { node_id: Some("n2".to_owned()), ..all.clone() };
    assert_eq!(list(&fixture, on_node).await, [other_id.clone(), new_id.clone(), old_id]);
    let elsewhere = PlacementFilter { node_id: Some("n3".to_owned()), ..all.clone() };
    assert_eq!(list(&fixture, elsewhere).await, []);
    let labels = vec!["team=core".to_owned()];
    assert_eq!(list(&fixture, PlacementFilter { labels, ..all.clone() }).await, std::slice::from_ref(&other_id));
    let of_job = PlacementFilter { job_id: Some(new.id), ..all.clone() };
    assert_eq!(list(&fixture, of_job).await, [new_id]);
    let revision = PlacementFilter { cluster_id: Some(other.cluster_id), cluster_revision: Some(1), ..all.clone() };
    assert_eq!(list(&fixture, revision.clone()).await, [other_id]);
    assert_eq!(list(&fixture, PlacementFilter { cluster_revision: Some(2), ..revision }).await, []);
}

#[tokio::test]
async fn the_latest_is_the_last_that_was_stored_whatever_the_clock_says() {
    let fixture = Fixture::new().await;
    let old = fixture.insert_ended(new_job("one"), Status::Feasible).await;
    fixture.clock.turn(jiff::SignedDuration::from_hours(-24 * 365));
    let new = fixture.insert_ended(new_job("one"), Status::Optimal).await;
    assert!(new.created_at < old.created_at, "the clock did not step back");

    let latest = PlacementFilter { latest: true, ..PlacementFilter::default() };
    assert_eq!(list(&fixture, latest).await, std::slice::from_ref(&new.placement_id));
    assert_eq!(list(&fixture, PlacementFilter::default()).await, [new.placement_id, old.placement_id]);
}

#[tokio::test]
async fn pages_of_latest_join() {
    let fixture = Fixture::new().await;
    for name in ["one", "two", "three", "one"] {
        fixture.insert_ended(new_job(name), Status::Optimal).await;
    }
    let filter = PlacementFilter { latest: true, ..PlacementFilter::default() };

    let first = fixture.store.placements(&Tenant::default(), filter.clone(), page(2)).await.unwrap();
    let rest = Page { after: first.next, ..page(2) };
    let second = fixture.store.placements(&Tenant::default(), filter, rest).await.unwrap();

    assert_eq!((first.items.len(), second.items.len(), second.next), (2, 1, None));
    assert_eq!(first.items[0].figures, figures(Status::Optimal));
}

#[tokio::test]
async fn placements_are_found_by_the_nodes_that_they_use() {
    let fixture = Fixture::new().await;
    let mut ended = Vec::new();
    for (name, node_ids) in [("one", ["n1", "n2"]), ("one", ["n2", "n2"]), ("two", ["n3", "n1"])] {
        fixture.insert(name).await;
        let claimed = fixture.claim().await;
        let Ending::Answered { figures, document } = answered(Status::Optimal) else { panic!("no answer") };
        let figures = Box::new(PlacementFigures { node_ids: node_ids.map(str::to_owned).to_vec(), ..*figures });
        let ending = Ending::Answered { figures, document };
        ended.push(fixture.store.end_job(&claimed.lease, Figures::default(), ending).await.unwrap().placement_id);
    }
    let on = |node_id: &str| PlacementFilter { node_id: Some(node_id.to_owned()), ..PlacementFilter::default() };

    assert_eq!(list(&fixture, on("n1")).await, [ended[2].clone(), ended[0].clone()]);
    assert_eq!(list(&fixture, on("n2")).await, [ended[1].clone(), ended[0].clone()]);
    assert_eq!(list(&fixture, on("n")).await, []);
    // The newest placement that uses the node.
    let latest = PlacementFilter { latest: true, ..on("n1") };
    assert_eq!(list(&fixture, latest).await, [ended[2].clone(), ended[0].clone()]);
}

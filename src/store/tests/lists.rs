//! Lists: pages in both orders, job filters.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::{JobFilter, JobStatus};

#[tokio::test]
async fn pages_join_without_a_gap_in_both_orders() {
    let fixture = Fixture::new().await;
    let mut inserted = Vec::new();
    for number in 0..5 {
        // The clock shows the same time for each pair.
        if number % 2 == 0 {
            fixture.clock.advance(Duration::from_secs(1));
        }
        let document = ModelDocument::new(&model(&number.to_string()));
        inserted.push(fixture.store.register_model(&Tenant::default(), document, None).await.unwrap().row.id);
    }

    for order in [Order::OldestFirst, Order::NewestFirst] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let listed = fixture.store.models(&Tenant::default(), Page { limit: 2, order, after }).await.unwrap();
            assert!(listed.items.len() <= 2);
            seen.extend(listed.items.into_iter().map(|model| model.id));
            after = listed.next;
            if after.is_none() {
                break;
            }
        }
        if order == Order::NewestFirst {
            seen.reverse();
        }
        assert_eq!(seen, inserted);
    }
    let oldest = fixture
        .store
        .models(&Tenant::default(), Page { limit: 5, order: Order::OldestFirst, after: None })
        .await
        .unwrap();
    let newest = fixture.store.models(&Tenant::default(), page(5)).await.unwrap();
    assert!(oldest.next.is_none() && newest.next.is_none());
    assert!(oldest.items.iter().eq(newest.items.iter().rev()));
    assert!(oldest.items.is_sorted_by_key(|model| model.sequence));
}

#[tokio::test]
async fn job_filters_hold_together() {
    let fixture = Fixture::new().await;
    let first = fixture.insert("one").await;
    let second = fixture.insert("two").await;
    let labelled = NewJob { labels: [("team".to_owned(), "core".to_owned())].into(), ..new_job("one") };
    fixture.clock.advance(Duration::from_secs(1));
    let third = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), labelled, most(10)).await.unwrap().row;
    fixture.store.request_stop(&Tenant::default(), &second.id).await.unwrap();
    let list = async |filter: JobFilter| {
        let listed = fixture.store.jobs(&Tenant::default(), filter, page(10)).await.unwrap();
        listed.items.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let label = |value: &str| vec![format!("team={value}")];
    let all = JobFilter::default();

    assert_eq!(list(all.clone()).await, [third.id.clone(), second.id.clone(), first.id.clone()]);
    let queued = JobFilter { statuses: vec![JobStatus::Queued, JobStatus::Failed], ..all.clone() };
    assert_eq!(list(queued).await, [third.id.clone(), first.id.clone()]);
    let of_model = JobFilter { model_id: Some(first.model_id.clone()), labels: label("edge"), ..all.clone() };
    assert_eq!(list(of_model).await, std::slice::from_ref(&first.id));
    let on_cluster = JobFilter { cluster_id: Some(second.cluster_id), ..all.clone() };
    assert_eq!(list(on_cluster).await, std::slice::from_ref(&second.id));
    assert_eq!(list(JobFilter { labels: label("core"), ..all.clone() }).await, [third.id]);
    assert_eq!(list(JobFilter { labels: label("none"), ..all.clone() }).await, []);
    let early = JobFilter { created_before: Some(second.created_at), ..all.clone() };
    assert_eq!(list(early).await, [first.id]);
    let between = JobFilter { created_from: Some(second.created_at), created_before: Some(third.created_at), ..all };
    assert_eq!(list(between).await, [second.id]);
}

/// Returns the job ids of consecutive pages.
async fn jobs_by_pages(fixture: &Fixture, limit: u32) -> Vec<Id> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, ..page(limit) };
        let listed = fixture.store.jobs(&Tenant::default(), JobFilter::default(), page).await.unwrap();
        seen.extend(listed.items.into_iter().map(|job| job.id));
        after = listed.next;
        if after.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_changes_no_order() {
    let fixture = Fixture::new().await;
    let mut inserted = Vec::new();
    for name in ["one", "two", "three", "four"] {
        inserted.push(fixture.insert(name).await);
        fixture.clock.turn(jiff::SignedDuration::from_hours(-1));
    }
    assert!(inserted.is_sorted_by_key(|job| std::cmp::Reverse(job.created_at)), "the clock did not step back");
    let newest_first: Vec<Id> = inserted.iter().rev().map(|job| job.id.clone()).collect();

    assert_eq!(jobs_by_pages(&fixture, 3).await, newest_first);
    let models = fixture.store.models(&Tenant::default(), page(10)).await.unwrap().items;
    assert!(models.iter().map(|model| &model.id).eq(inserted.iter().rev().map(|job| &job.model_id)));
    let clusters = fixture.store.clusters(&Tenant::default(), page(10)).await.unwrap().items;
    assert!(clusters.iter().map(|cluster| &cluster.id).eq(inserted.iter().rev().map(|job| &job.cluster_id)));
    // Jobs are claimed in the order of inserts.
    for job in &inserted {
        assert_eq!(fixture.claim().await.job.id, job.id);
    }
}

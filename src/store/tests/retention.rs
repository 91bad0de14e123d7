//! Retention: which rows are deleted, and that the writer checks them again.

use super::*;
use crate::store::{JobFilter, PlacementFilter, Retention, StoreError, Swept, sql};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Fixture {
    /// Inserts a job that refers to placements, and ends it with a placement.
    async fn placed(&self, name: &str, named: &[&Id]) -> Id {
        let named = named.iter().map(|id| (*id).clone()).collect();
        let ended = self.insert_ended(NewJob { named_placements: named, ..new_job(name) }, Status::Optimal).await;
        ended.placement_id.unwrap()
    }

    /// Runs a sweep and returns the remaining placements, the oldest first.
    async fn swept(&self, retention: Retention) -> Vec<Id> {
        let before = self.placements().await.len() as u64;
        let swept = self.store.sweep(retention).await.unwrap();
        assert_eq!(self.store.sweep(retention).await.unwrap(), Swept::default());
        let left = self.placements().await;
        assert_eq!(before - swept.placements, left.len() as u64);
        left
    }

    async fn placements(&self) -> Vec<Id> {
        let page = Page { order: Order::OldestFirst, ..page(100) };
        let listed = self.store.placements(&Tenant::default(), PlacementFilter::default(), page).await.unwrap();
        listed.items.into_iter().map(|placement| placement.id).collect()
    }

    async fn count(&self, count: &'static str) -> i64 {
        sql::query_scalar(count).fetch_one(&mut self.store.read().await.unwrap()).await.unwrap()
    }
}

fn at_most(placements: u32) -> Retention {
    Retention { placements_of_pair: Some(placements), ..Retention::default() }
}

fn younger_than(age: Duration) -> Retention {
    Retention { placements_age: Some(age), ..Retention::default() }
}

#[tokio::test]
async fn so_many_of_each_pair_stay() {
    let fixture = Fixture::new().await;
    let mut of_one = Vec::new();
    for _ in 0..4 {
        of_one.push(fixture.placed("one", &[]).await);
    }
    let of_two = fixture.placed("two", &[]).await;
    assert_eq!(fixture.swept(Retention::default()).await.len(), 5);

    assert_eq!(fixture.swept(at_most(2)).await, [of_one[2].clone(), of_one[3].clone(), of_two]);
    // The rows that belong to them are deleted too.
    assert_eq!(fixture.count("SELECT COUNT(*) FROM placement_nodes").await, 6);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM placement_labels").await, 3);
    let gone = fixture.store.placement(&Tenant::default(), &of_one[0]).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
    assert!(fixture.store.placement_deletions() > 0);
}

#[tokio::test]
async fn the_newest_of_a_pair_outlives_every_age_and_every_step_of_the_clock() {
    let fixture = Fixture::new().await;
    let old = fixture.placed("one", &[]).await;
    fixture.clock.advance(2 * DAY);
    let new = fixture.placed("one", &[]).await;
    let other = fixture.placed("two", &[]).await;

    assert_eq!(fixture.swept(younger_than(3 * DAY)).await, [old, new.clone(), other.clone()]);
    assert_eq!(fixture.swept(younger_than(DAY)).await, [new.clone(), other.clone()]);
    fixture.clock.turn(jiff::SignedDuration::from_hours(24 * 365 * 50));
    let last = fixture.placed("two", &[]).await;
    assert_eq!(fixture.swept(younger_than(DAY)).await, [new.clone(), last.clone()]);
    fixture.clock.turn(jiff::SignedDuration::from_hours(-24 * 365 * 100));
    assert_eq!(fixture.swept(younger_than(DAY)).await, [new, last]);
}

#[tokio::test]
async fn what_an_open_job_names_stays_until_it_has_ended() {
    let fixture = Fixture::new().await;
    let named = fixture.placed("one", &[]).await;
    let newest = fixture.placed("one", &[]).await;
    let replan = NewJob { named_placements: vec![named.clone()], ..new_job("two") };
    let open = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), replan, most(10)).await.unwrap().row;

    assert_eq!(fixture.swept(at_most(1)).await, [named.clone(), newest.clone()]);
    let refused = fixture.store.delete_placement(&Tenant::default(), &named).await;
    assert!(matches!(refused, Err(StoreError::InUse { by, .. }) if by == open.id));
    fixture.store.request_stop(&Tenant::default(), &open.id).await.unwrap();
    assert_eq!(fixture.swept(at_most(1)).await, [newest]);
}

#[tokio::test]
async fn what_came_into_use_since_it_was_found_is_not_deleted() {
    let fixture = Fixture::new().await;
    let [first, second, third] =
        [fixture.placed("one", &[]).await, fixture.placed("one", &[]).await, fixture.placed("one", &[]).await];
    let found = fixture.store.placements_to_go(None, Some(1)).await.unwrap();
    assert_eq!(found, [first.as_str(), second.as_str()]);
    let replan = NewJob { named_placements: vec![first.clone()], ..new_job("two") };
    fixture.store.insert_job(RandomIds::default().id(IdKind::Job), replan, most(10)).await.unwrap();
    // The second is the newest now.
    fixture.store.delete_placement(&Tenant::default(), &third).await.unwrap();

    assert_eq!(fixture.store.delete_placements(found).await.unwrap(), 0);

    assert_eq!(fixture.placements().await, [first, second]);
}

#[tokio::test]
async fn what_a_kept_placement_was_made_from_stays_and_a_chain_of_replans_ends() {
    let fixture = Fixture::new().await;
    let occupant = fixture.placed("other", &[]).await;
    let newest_other = fixture.placed("other", &[]).await;
    let mut chain = vec![fixture.placed("one", &[]).await];
    for _ in 0..5 {
        chain.push(fixture.placed("one", &[chain.last().unwrap(), &occupant]).await);
    }

    // The last placement stays as the newest, the one before as its base, and the occupant of both.
    let kept = [occupant.clone(), newest_other.clone(), chain[4].clone(), chain[5].clone()];
    assert_eq!(fixture.swept(at_most(1)).await, kept);
    let alone = fixture.placed("one", &[]).await;
    assert_eq!(fixture.swept(at_most(1)).await, [newest_other, alone]);
    assert_eq!(fixture.count("SELECT COUNT(*) FROM named_placements").await, 0);
}

#[tokio::test]
async fn a_job_cannot_name_what_was_deleted() {
    let fixture = Fixture::new().await;
    let [gone, theirs] = [fixture.placed("one", &[]).await, fixture.placed("one", &[]).await];
    fixture.store.delete_placement(&Tenant::default(), &gone).await.unwrap();
    let roof = Tenant::parse("roof").unwrap();
    for (tenant, named) in [(Tenant::default(), gone), (roof, theirs)] {
        let job = NewJob { tenant: tenant.clone(), named_placements: vec![named.clone()], ..new_job("two") };
        let refused = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, most(10)).await;
        assert!(matches!(&refused, Err(StoreError::NotFound { id, .. }) if id == named.as_str()), "{refused:?}");
        // Its inline model and cluster are not stored either.
        assert_eq!(
            fixture
                .store
                .models(&tenant, page(10))
                .await
                .unwrap()
                .items
                .iter()
                .filter(|model| model.name == "two")
                .count(),
            0
        );
    }
}

#[tokio::test]
async fn records_of_ended_jobs_go_and_retries_find_theirs() {
    let fixture = Fixture::new().await;
    let ended = fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let with_key = NewJob { idempotency: key("k", "f"), ..new_job("one") };
    let retried = fixture.insert_ended(with_key.clone(), Status::Optimal).await;
    let waiting = fixture.insert("two").await;
    let retention = Retention { jobs_age: Some(Duration::from_secs(60 * 60)), ..Retention::default() };
    let sweep = async || fixture.store.sweep(retention).await.unwrap().jobs;
    assert_eq!(sweep().await, 0);
    fixture.clock.advance(Duration::from_secs(2 * 60 * 60));

    assert_eq!(sweep().await, 1);
    let left = async || {
        let listed = fixture.store.jobs(&Tenant::default(), JobFilter::default(), page(10)).await.unwrap();
        listed.items.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(left().await, [waiting.id.clone(), retried.id.clone()]);
    assert!(fixture.placements().await.contains(ended.placement_id.as_ref().unwrap()));
    let again = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), with_key, most(10)).await.unwrap();
    assert!(again.replayed && again.row.id == retried.id);
    // The key expires after a day, and then the record is deleted.
    fixture.clock.advance(DAY);
    fixture.store.forget_expired_keys().await.unwrap();
    assert_eq!((sweep().await, left().await), (1, vec![waiting.id]));
}

#[tokio::test]
async fn replaced_revisions_go_that_nothing_names() {
    let fixture = Fixture::new().await;
    let document = |name: &str| ClusterDocument::new(&cluster(name));
    let registered = fixture.store.register_cluster(&Tenant::default(), document("c"), None).await.unwrap().row;
    for revision in 1..5 {
        let next = document(&revision.to_string());
        fixture.store.replace_cluster(&Tenant::default(), &registered.id, revision, next).await.unwrap();
    }
    for revision in [2, 3, 3] {
        let cluster = JobCluster::Registered { id: registered.id.clone(), revision };
        fixture.insert_ended(NewJob { cluster, ..new_job("one") }, Status::Optimal).await;
    }
    let retention = Retention { jobs_age: Some(Duration::ZERO), ..at_most(1) };
    fixture.clock.advance(Duration::from_secs(1));

    let swept = fixture.store.sweep(retention).await.unwrap();

    assert_eq!(swept, Swept { placements: 2, jobs: 3, revisions: 3 });
    for (revision, there) in [(1, false), (2, false), (3, true), (4, false), (5, true)] {
        let found = fixture.store.cluster(&Tenant::default(), &registered.id, Some(revision)).await;
        assert_eq!(found.is_ok(), there, "{revision}");
    }
}

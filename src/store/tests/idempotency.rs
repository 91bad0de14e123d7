//! Idempotency keys: a replay, another request with the same key, an expired key.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::{JobFilter, StoreError};

async fn insert(fixture: &Fixture, fingerprint: &str) -> Result<crate::store::Registered<Job>, StoreError> {
    let job = NewJob { idempotency: key("k", fingerprint), ..new_job("one") };
    fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, most(1000)).await
}

#[tokio::test]
async fn a_replay_answers_the_same_and_another_request_is_refused() {
    let fixture = Fixture::new().await;

    let (first, again) = tokio::join!(insert(&fixture, "f"), insert(&fixture, "f"));
    let other = insert(&fixture, "g").await;

    let (first, again) = (first.unwrap(), again.unwrap());
    assert!(first.created && !first.replayed && again.created && again.replayed);
    assert_eq!(first.row, again.row);
    assert!(matches!(other, Err(StoreError::KeyReused { key }) if key == "k"));
    assert_eq!(fixture.store.jobs(&Tenant::default(), JobFilter::default(), page(10)).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_replay_is_answered_though_the_queue_is_full() {
    let fixture = Fixture::new().await;
    let first = insert(&fixture, "f").await.unwrap();
    let job = NewJob { idempotency: key("k", "f"), ..new_job("one") };

    let again = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, most(1)).await.unwrap();

    assert_eq!(again.row.id, first.row.id);
}

#[tokio::test]
async fn models_and_clusters_replay_as_well() {
    let fixture = Fixture::new().await;
    let (profile, inventory) = (ModelDocument::new(&model("one")), ClusterDocument::new(&cluster("one")));

    let first = fixture.store.register_model(&Tenant::default(), profile.clone(), key("m", "f")).await.unwrap();
    let again = fixture.store.register_model(&Tenant::default(), profile.clone(), key("m", "f")).await.unwrap();
    let known = fixture.store.register_model(&Tenant::default(), profile, key("n", "f")).await.unwrap();
    assert!(again.created && again.replayed && again.row == first.row);
    assert!(!known.created && !known.replayed);

    let first = fixture.store.register_cluster(&Tenant::default(), inventory.clone(), key("c", "f")).await.unwrap();
    fixture
        .store
        .replace_cluster(&Tenant::default(), &first.row.id, 1, ClusterDocument::new(&cluster("two")))
        .await
        .unwrap();
    let again = fixture.store.register_cluster(&Tenant::default(), inventory.clone(), key("c", "f")).await.unwrap();
    assert!(again.replayed && again.row == first.row);
    let other = fixture.store.register_cluster(&Tenant::default(), inventory, key("m", "g")).await;
    assert!(matches!(other, Err(StoreError::KeyReused { .. })));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_or_with_its_row() {
    let fixture = Fixture::new().await;
    let first = insert(&fixture, "f").await.unwrap().row;
    fixture.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert!(insert(&fixture, "f").await.unwrap().replayed);
    fixture.clock.advance(Duration::from_secs(2));

    let second = insert(&fixture, "g").await.unwrap();
    assert!(!second.replayed && second.row.id != first.id);

    fixture.store.request_stop(&Tenant::default(), &second.row.id).await.unwrap();
    fixture.store.delete_job(&Tenant::default(), &second.row.id).await.unwrap();
    assert!(!insert(&fixture, "h").await.unwrap().replayed);
    fixture.clock.advance(Duration::from_secs(25 * 60 * 60));
    assert_eq!(fixture.store.forget_expired_keys().await.unwrap(), 1);
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let fixture = Fixture::new().await;
    let id = || RandomIds::default().id(IdKind::Job);
    let job = NewJob { idempotency: key("k", "f"), ..new_job("one") };

    let refused = fixture.store.insert_job(id(), job.clone(), most(0)).await;
    let taken = fixture.store.insert_job(id(), job, most(1)).await.unwrap();

    assert!(matches!(refused, Err(StoreError::QueueFull { limit: 0 })));
    assert!(!taken.replayed);
}

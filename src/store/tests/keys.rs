//! Keys: stored fields and revocation.

use super::*;
use crate::domain::key::KeyText;
use crate::domain::scope::Scope;
use crate::store::{NewKey, QueueLimits, StoreError};

fn new_key(name: &str) -> NewKey {
    NewKey { tenant: Tenant::parse("roof").unwrap(), name: name.to_owned(), scope: Scope::Plan }
}

#[tokio::test]
async fn a_key_is_listed_without_its_text_and_known_by_it() {
    let fixture = Fixture::new().await;
    let (made, text) = fixture.store.create_key(new_key("one")).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    fixture.store.create_key(new_key("two")).await.unwrap();

    let keys = fixture.store.keys().await.unwrap().readable;

    assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!((&keys[0].id, &keys[0].tenant, keys[0].scope), (&made.id, &made.tenant, Scope::Plan));
    assert!(keys[0].hash.is_of(&text) && !keys[1].hash.is_of(&text));
    assert_eq!(KeyText::parse(text.reveal()).unwrap().id(), made.id);
    let stored = fixture.stored_keys().await;
    let secret = text.reveal().split_at(text.reveal().len() - 40).1.as_bytes();
    assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret), "the key stands in the database");
}

#[tokio::test]
async fn a_revoked_key_keeps_its_row_and_the_time() {
    let fixture = Fixture::new().await;
    let (made, _) = fixture.store.create_key(new_key("one")).await.unwrap();

    let first = fixture.store.revoke_key(&made.id).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    let again = fixture.store.revoke_key(&made.id).await.unwrap();

    assert!(first.revoked_at.is_some());
    assert_eq!(again.revoked_at, first.revoked_at);
    assert_eq!(fixture.store.keys().await.unwrap().readable.len(), 1);
    let unknown = RandomIds::default().id(IdKind::Key);
    assert!(matches!(fixture.store.revoke_key(&unknown).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_key_has_no_more_open_jobs_than_it_may() {
    let fixture = Fixture::new().await;
    let (key, _) = fixture.store.create_key(new_key("one")).await.unwrap();
    let (other, _) = fixture.store.create_key(new_key("two")).await.unwrap();
    let insert = async |key_id: &Id, name: &str| {
        let job = NewJob { key_id: Some(key_id.clone()), ..new_job(name) };
        let limits = QueueLimits { waiting: 10, of_key: 1 };
        fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, limits).await
    };
    insert(&key.id, "one").await.unwrap();
    assert!(matches!(insert(&key.id, "two").await, Err(StoreError::QuotaUsed { limit: 1 })));
    insert(&other.id, "three").await.unwrap();

    let claimed = fixture.claim().await;
    assert!(matches!(insert(&key.id, "two").await, Err(StoreError::QuotaUsed { .. })), "a running job is open");
    fixture.store.end_job(&claimed.lease, Figures::default(), answered(Status::Optimal)).await.unwrap();

    insert(&key.id, "two").await.unwrap();
}

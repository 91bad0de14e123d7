//! The writer: groups, savepoints, panics, callers that go away.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

pub(super) async fn put(store: &Store, name: &str) -> Result<(), StoreError> {
    store.register_model(&Tenant::default(), ModelDocument::new(&model(name)), None).await.map(drop)
}

/// Writes a row and returns the result of `end`.
async fn put_and(store: &Store, name: &str, end: fn() -> Result<(), StoreError>) -> Result<(), StoreError> {
    let (inner, document) = (store.clone(), ModelDocument::new(&model(name)));
    let write = store.write(move |connection| {
        Box::pin(async move {
            inner.put_model(connection, &Tenant::default(), document, inner.clock.now()).await?;
            end()
        })
    });
    write.await
}

/// Ends the group's transaction, as the database does by itself when the disk is full.
async fn roll_back(store: &Store) -> Result<(), StoreError> {
    let write = store.write(|connection| {
        Box::pin(async move {
            connection.run("ROLLBACK").await?;
            Ok(())
        })
    });
    write.await
}

pub(super) async fn names(store: &Store) -> Vec<String> {
    let page = Page { limit: 100, order: Order::OldestFirst, after: None };
    let mut names: Vec<_> =
        store.models(&Tenant::default(), page).await.unwrap().items.into_iter().map(|model| model.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn one_operation_that_fails_takes_nothing_with_it() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;

    // All are polled on one thread before the writer runs, so that they form one group.
    let (before, failed, panicked, after) = tokio::join!(
        put(store, "before"),
        put_and(store, "failed", || Err(StoreError::QueueFull { limit: 0 })),
        put_and(store, "panicked", || panic!("on purpose")),
        put(store, "after")
    );

    assert!(before.is_ok() && after.is_ok());
    assert!(matches!(failed, Err(StoreError::QueueFull { .. })));
    assert!(matches!(panicked, Err(StoreError::Panicked)));
    assert_eq!(names(store).await, ["after", "before"]);
}

#[tokio::test]
async fn a_write_whose_caller_went_away_is_whole_or_not_there() {
    let fixture = Fixture::new().await;
    for number in 0..50_u64 {
        let (store, job) = (fixture.store.clone(), new_job(&number.to_string()));
        let id = RandomIds::default().id(IdKind::Job);
        let caller = tokio::spawn(async move { store.insert_job(id, job, most(100)).await });
        tokio::time::sleep(Duration::from_micros(number * 20)).await;
        caller.abort();
    }
    fixture.store.check().await.unwrap();

    let jobs = fixture.store.jobs(&Tenant::default(), Default::default(), page(100)).await.unwrap().items;
    let models = fixture.store.models(&Tenant::default(), page(100)).await.unwrap().items;
    let clusters = fixture.store.clusters(&Tenant::default(), page(100)).await.unwrap().items;

    assert!(!jobs.is_empty());
    assert_eq!((models.len(), clusters.len()), (jobs.len(), jobs.len()));
}

#[tokio::test]
async fn many_writers_at_once_all_succeed() {
    let fixture = Fixture::new().await;
    let writes = (0..300).map(|number| {
        let store = fixture.store.clone();
        async move { put(&store, &number.to_string()).await }
    });

    futures::future::try_join_all(writes).await.unwrap();

    assert_eq!(fixture.store.models(&Tenant::default(), page(1000)).await.unwrap().items.len(), 300);
}

#[tokio::test]
async fn a_group_that_is_not_committed_is_answered_so_and_the_next_one_works() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;

    let (lost, broken) = tokio::join!(put(store, "lost"), roll_back(store));

    assert!(matches!(lost, Err(StoreError::Commit(_))), "{lost:?}");
    assert!(matches!(broken, Err(StoreError::Commit(_))), "{broken:?}");
    put(store, "next").await.unwrap();
    assert_eq!(names(store).await, ["next"]);
}

#[tokio::test]
async fn what_was_not_run_was_not_committed_and_is_no_closed_store() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;

    let (broken, behind) = tokio::join!(roll_back(store), put(store, "behind"));

    assert!(matches!(broken, Err(StoreError::Commit(_))), "{broken:?}");
    assert!(matches!(behind, Err(StoreError::Commit(_))), "{behind:?}");
    assert!(names(store).await.is_empty());
}

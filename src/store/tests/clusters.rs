//! Clusters: immutable revisions, and changes with an expected revision.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

#[tokio::test]
async fn a_replacement_makes_a_revision_and_keeps_the_old_one() {
    let fixture = Fixture::new().await;
    let (first, second) = (ClusterDocument::new(&cluster("one")), ClusterDocument::new(&cluster("two")));
    let row = fixture.store.register_cluster(&Tenant::default(), first.clone(), None).await.unwrap().row;
    fixture.clock.advance(Duration::from_secs(1));

    let replaced = fixture.store.replace_cluster(&Tenant::default(), &row.id, 1, second.clone()).await.unwrap();

    assert_eq!((replaced.revision, replaced.name.as_str(), replaced.created_at), (2, "two", row.created_at));
    assert!(replaced.revised_at > replaced.created_at);
    assert_eq!(fixture.store.cluster(&Tenant::default(), &row.id, None).await.unwrap(), replaced);
    assert_eq!(
        fixture.store.cluster_document(&Tenant::default(), &row.id, Some(1)).await.unwrap(),
        (row.clone(), first.document)
    );
    assert_eq!(
        fixture.store.cluster_document(&Tenant::default(), &row.id, None).await.unwrap(),
        (replaced.clone(), second.document)
    );
    assert_eq!(fixture.store.clusters(&Tenant::default(), page(10)).await.unwrap().items, [replaced]);
    assert!(matches!(
        fixture.store.cluster(&Tenant::default(), &row.id, Some(3)).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        fixture.store.cluster(&Tenant::default(), &row.id, Some(u64::MAX)).await,
        Err(StoreError::NotFound { .. })
    ));
}

#[tokio::test]
async fn of_two_replacements_of_one_revision_one_fails() {
    let fixture = Fixture::new().await;
    let row = fixture
        .store
        .register_cluster(&Tenant::default(), ClusterDocument::new(&cluster("one")), None)
        .await
        .unwrap()
        .row;
    let tenant = Tenant::default();
    let replace = |name: &str| fixture.store.replace_cluster(&tenant, &row.id, 1, ClusterDocument::new(&cluster(name)));

    let (first, second) = tokio::join!(replace("two"), replace("three"));

    assert_eq!(first.unwrap().revision, 2);
    assert!(matches!(second, Err(StoreError::RevisionChanged { expected: 1, current: 2, .. })));
    assert_eq!(fixture.store.cluster(&Tenant::default(), &row.id, None).await.unwrap().name, "two");
}

#[tokio::test]
async fn every_registration_is_new_but_inline_clusters_are_known_again() {
    let fixture = Fixture::new().await;
    let document = ClusterDocument::new(&cluster("one"));

    let first = fixture.store.register_cluster(&Tenant::default(), document.clone(), None).await.unwrap().row;
    let second = fixture.store.register_cluster(&Tenant::default(), document, None).await.unwrap().row;
    let jobs = [fixture.insert("one").await, fixture.insert("one").await];

    assert_ne!(first.id, second.id);
    assert_eq!(jobs[0].cluster_id, jobs[1].cluster_id);
    assert_eq!(jobs[0].model_id, jobs[1].model_id);
    assert_eq!(fixture.store.clusters(&Tenant::default(), page(10)).await.unwrap().items.len(), 3);
}

#[tokio::test]
async fn an_unused_cluster_goes_with_its_revisions() {
    let fixture = Fixture::new().await;
    let row = fixture
        .store
        .register_cluster(&Tenant::default(), ClusterDocument::new(&cluster("one")), None)
        .await
        .unwrap()
        .row;
    fixture.store.replace_cluster(&Tenant::default(), &row.id, 1, ClusterDocument::new(&cluster("two"))).await.unwrap();
    let job = fixture.insert("one").await;

    let stale = fixture.store.delete_cluster(&Tenant::default(), &row.id, Some(7)).await;
    assert!(matches!(stale, Err(StoreError::RevisionChanged { expected: 7, current: 2, .. })), "{stale:?}");
    fixture.store.delete_cluster(&Tenant::default(), &row.id, Some(2)).await.unwrap();
    let refused = fixture.store.delete_cluster(&Tenant::default(), &job.cluster_id, None).await;

    assert!(matches!(
        fixture.store.cluster(&Tenant::default(), &row.id, Some(1)).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        fixture.store.delete_cluster(&Tenant::default(), &row.id, None).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(refused, Err(StoreError::InUse { by, .. }) if by == job.id));
}

#[tokio::test]
async fn heartbeats_of_removed_nodes_go_with_them() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, Tenant::default());
    let row = store.register_cluster(&tenant, ClusterDocument::new(&cluster("one")), None).await.unwrap().row;
    let other = store.register_cluster(&tenant, ClusterDocument::new(&cluster("other")), None).await.unwrap().row;
    for id in [&row.id, &other.id] {
        store.record_heartbeats(id.as_str(), vec!["n1".to_owned(), "n2".to_owned()]).await.unwrap();
    }
    let left = json!({"name": "one", "nodes": [{"id": "n2", "memory_bytes": 1}, {"id": "n3", "memory_bytes": 1}]});
    let left = ClusterDocument::new(&ClusterInventory::from_json(&left).unwrap());
    store.replace_cluster(&tenant, &row.id, 1, left).await.unwrap();
    let seen = async |id: &Id| {
        let heartbeats = store.heartbeats(id.as_str()).await.unwrap();
        heartbeats.into_iter().map(|heartbeat| heartbeat.node_id).collect::<Vec<_>>()
    };
    assert_eq!(seen(&row.id).await, ["n2"]);
    assert_eq!(seen(&other.id).await, ["n1", "n2"]);
}

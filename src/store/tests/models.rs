//! Models: identification by content, and deletion only without references.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

#[tokio::test]
async fn the_same_content_is_the_same_row() {
    let fixture = Fixture::new().await;
    let profile = model("one");

    let first = fixture.store.register_model(&Tenant::default(), ModelDocument::new(&profile), None).await.unwrap();
    let again = fixture.store.register_model(&Tenant::default(), ModelDocument::new(&profile), None).await.unwrap();
    let other =
        fixture.store.register_model(&Tenant::default(), ModelDocument::new(&model("two")), None).await.unwrap();

    assert!(first.created && other.created && !again.created);
    assert_eq!(first.row, again.row);
    assert_ne!(first.row.id, other.row.id);
    let statistics = first.row.statistics;
    assert_eq!((statistics.layers, statistics.edges, statistics.cut_points), (3, 2, 2));
    assert_eq!((statistics.more_cut_points, statistics.constant_layers), (false, 0));
    assert_eq!((statistics.param_bytes, statistics.flops), (3000, 30));
}

#[tokio::test]
async fn a_document_comes_back_as_it_was_written() {
    let fixture = Fixture::new().await;
    let document = ModelDocument::new(&model("one"));

    let row = fixture.store.register_model(&Tenant::default(), document.clone(), None).await.unwrap().row;

    assert_eq!(fixture.store.model(&Tenant::default(), &row.id).await.unwrap(), row);
    assert_eq!(fixture.store.model_document(&Tenant::default(), &row.id).await.unwrap(), document.document);
    let read = ModelProfile::from_json(&serde_json::from_str(&document.document).unwrap()).unwrap();
    assert_eq!(ModelDocument::new(&read), document);
}

#[tokio::test]
async fn a_model_in_use_stays() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;

    let refused = fixture.store.delete_model(&Tenant::default(), &job.model_id).await;
    assert!(matches!(refused, Err(StoreError::InUse { by, .. }) if by == job.id));

    fixture.store.request_stop(&Tenant::default(), &job.id).await.unwrap();
    fixture.store.delete_job(&Tenant::default(), &job.id).await.unwrap();
    fixture.store.delete_model(&Tenant::default(), &job.model_id).await.unwrap();
    let gone = fixture.store.delete_model(&Tenant::default(), &job.model_id).await;
    assert!(matches!(gone, Err(StoreError::NotFound { kind: IdKind::Model, .. })));
    assert!(matches!(fixture.store.model(&Tenant::default(), &job.model_id).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_model_with_a_placement_stays() {
    let fixture = Fixture::new().await;
    let job = fixture.insert_ended(new_job("one"), Status::Optimal).await;
    fixture.store.delete_job(&Tenant::default(), &job.id).await.unwrap();

    let refused = fixture.store.delete_model(&Tenant::default(), &job.model_id).await;

    assert!(matches!(refused, Err(StoreError::InUse { by, .. }) if Some(&by) == job.placement_id.as_ref()));
}

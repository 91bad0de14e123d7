//! Copies between the engines.

use super::*;
use crate::domain::scope::Scope;
use crate::store::copy::TABLES;
use crate::store::{JobFilter, NewKey, NewWebhook, PlacementFilter, StoreError, sql};

async fn open_file(folder: &TempDir, name: &str) -> Store {
    let url = format!("sqlite://{}", folder.path().join(name).display());
    let settings = StoreSettings::new(url);
    Store::open(&settings, Arc::new(ManualClock::new()), Arc::new(RandomIds::default())).await.unwrap()
}

/// What a tenant sees, as text.
async fn seen(store: &Store) -> String {
    let tenant = Tenant::default();
    let all = || page(100);
    let jobs = store.jobs(&tenant, JobFilter::default(), all()).await.unwrap();
    let mut best = Vec::new();
    for job in &jobs.items {
        best.push(store.best_placement(&tenant, &job.id).await.unwrap());
    }
    let webhooks = store.webhooks(&tenant, all()).await.unwrap();
    let deliveries = store.deliveries(&tenant, &webhooks.items[0].id, &[], all()).await.unwrap();
    let (models, clusters) =
        (store.models(&tenant, all()).await.unwrap(), store.clusters(&tenant, all()).await.unwrap());
    let placements = store.placements(&tenant, PlacementFilter::default(), all()).await.unwrap();
    let keys = store.keys().await.unwrap().readable;
    format!("{jobs:#?}{best:#?}{webhooks:#?}{deliveries:#?}{models:#?}{clusters:#?}{placements:#?}{keys:#?}")
}

async fn fill(store: &Store) {
    let tenant = Tenant::default();
    let webhook =
        NewWebhook { url: "https://example.net/".to_owned(), description: Some("roof \u{202e} \u{e9}".to_owned()) };
    store.register_webhook(&tenant, webhook, None).await.unwrap();
    let (key, _) = store.create_key(NewKey { tenant, name: "roof".to_owned(), scope: Scope::Plan }).await.unwrap();
    for name in ["one", "two", "three"] {
        let job = NewJob { key_id: Some(key.id.clone()), idempotency: super::key(name, "f"), ..new_job(name) };
        store.insert_job(RandomIds::default().id(IdKind::Job), job, most(10)).await.unwrap();
    }
    let ended = store.claim_job("boot", Duration::from_secs(15), None).await.unwrap().unwrap();
    store.end_job(&ended.lease, Figures::default(), answered(Status::Optimal)).await.unwrap();
    store.claim_job("boot", Duration::from_secs(15), None).await.unwrap().unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn a_database_is_the_same_after_a_copy_there_and_back() {
    let fixture = Fixture::new().await;
    let from = open_file(&fixture.folder, "from.db").await;
    fill(&from).await;
    let before = seen(&from).await;
    assert!(before.contains("Running") && before.contains("Queued") && before.contains("Succeeded"));

    let (send, copied) = std::sync::mpsc::channel();
    from.copy_to(&fixture.store, move |table| send.send(table).unwrap()).await.unwrap();

    let copied: Vec<_> = copied.iter().collect();
    assert_eq!(copied.len(), TABLES.len());
    assert_eq!(copied.iter().find(|table| table.name == "jobs").unwrap().rows, 3);
    assert_eq!(seen(&fixture.store).await, before);
    let back = open_file(&fixture.folder, "back.db").await;
    fixture.store.copy_to(&back, |_| ()).await.unwrap();
    assert_eq!(seen(&back).await, before);
    // The copy is one to work with.
    let next = fixture.store.claim_job("boot", Duration::from_secs(15), None).await.unwrap().unwrap();
    fixture.store.end_job(&next.lease, Figures::default(), answered(Status::Optimal)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/with_postgres.sh"]
async fn only_an_empty_database_of_the_other_engine_is_filled_and_wholly_or_not_at_all() {
    let fixture = Fixture::new().await;
    let from = open_file(&fixture.folder, "from.db").await;
    fill(&from).await;
    let same = open_file(&fixture.folder, "same.db").await;
    assert!(matches!(from.copy_to(&same, |_| ()).await, Err(StoreError::SameEngine)));

    from.tamper("UPDATE webhook_deliveries SET attempts = 'many'").await;
    let refused = from.copy_to(&fixture.store, |_| ()).await;
    let is_named = |error: &StoreError| matches!(error, StoreError::Uncopied { table: "webhook_deliveries", column, .. } if column == "attempts");
    assert!(refused.as_ref().is_err_and(is_named), "{refused:?}");
    assert_eq!(fixture.store.models(&Tenant::default(), page(10)).await.unwrap().items, []);

    fixture.insert("there").await;
    let refused = from.copy_to(&fixture.store, |_| ()).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty { table: "models" })), "{refused:?}");
}

#[tokio::test]
async fn every_table_is_copied() {
    let fixture = Fixture::new().await;
    let mut connection = fixture.store.read().await.unwrap();
    let select = connection.pick(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()",
    );
    let mut tables: Vec<String> = sql::query_scalar(select).fetch_all(&mut connection).await.unwrap();
    tables.retain(|table| !["_sqlx_migrations", "cutpoint_schema"].contains(&table.as_str()));
    tables.sort();
    let mut copied = TABLES.to_vec();
    copied.sort_unstable();
    assert_eq!(tables, copied);
}

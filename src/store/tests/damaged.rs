//! Damaged rows: lists omit and name them, damaged jobs fail, and other rows are not affected.

use super::*;
use crate::domain::scope::Scope;
use crate::store::leases::{Abandoned, Found, Incumbent};
use crate::store::{JobFilter, NewKey, NewWebhook, PlacementFilter, StoreError};

const MODEL_ID: &str = "mdl_00000000-0000-7000-8000-00000000000";

/// Returns the text for the engine of the tests. Columns of PostgreSQL refuse values of another type.
fn of_engine(sqlite: &'static str, postgres: &'static str) -> &'static str {
    if on_postgres() { postgres } else { sqlite }
}

/// Seven models, of which only the second and the fifth can be read.
async fn models(fixture: &Fixture) {
    for name in ["0", "1", "2", "3", "4", "5", "6"] {
        fixture.clock.advance(Duration::from_secs(1));
        let document = ModelDocument::new(&model(name));
        fixture.store.register_model(&Tenant::default(), document, None).await.unwrap();
    }
    for damage in [
        "UPDATE models SET id = 'mdl_00000000-0000-7000-8000-00000000000' || name",
        "UPDATE models SET layers = -1 WHERE name IN ('0', '6')",
        of_engine(
            "UPDATE models SET created_at = 'yesterday' WHERE name = '2'",
            "UPDATE models SET created_at = 9223372036854775807 WHERE name = '2'",
        ),
        "UPDATE models SET id = 'nothing' WHERE name = '3'",
        of_engine(
            "UPDATE models SET content_hash = x'ff' WHERE name = '5'",
            "UPDATE models SET edges = -1 WHERE name = '5'",
        ),
    ] {
        fixture.store.tamper(damage).await;
    }
}

#[tokio::test]
async fn pages_lead_on_past_damaged_rows_and_name_each_once() {
    let fixture = Fixture::new().await;
    models(&fixture).await;
    for order in [Order::OldestFirst, Order::NewestFirst] {
        for limit in 1..9 {
            let (mut seen, mut lost, mut after) = (Vec::new(), Vec::new(), None);
            loop {
                let page = Page { limit, order, after };
                let listed = fixture.store.models(&Tenant::default(), page).await.unwrap();
                assert!(listed.items.len() <= limit as usize);
                seen.extend(listed.items.into_iter().map(|model| model.name));
                lost.extend(listed.unreadable);
                after = listed.next;
                if after.is_none() {
                    break;
                }
            }
            if order == Order::NewestFirst {
                seen.reverse();
            }
            lost.sort();
            assert_eq!(seen, ["1", "4"], "{order:?} {limit}");
            let expected = ["0", "2", "5", "6"].map(|name| format!("{MODEL_ID}{name}")).into_iter();
            assert_eq!(lost, expected.chain(["nothing".to_owned()]).collect::<Vec<_>>(), "{order:?} {limit}");
        }
    }
}

#[tokio::test]
async fn every_list_leaves_a_damaged_row_out() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, Tenant::default());
    for name in ["bad", "good"] {
        let webhook = NewWebhook { url: format!("https://{name}.example/"), description: None };
        store.register_webhook(&tenant, webhook, None).await.unwrap();
    }
    let bad = fixture.insert_ended(new_job("bad"), Status::Optimal).await;
    let good = fixture.insert_ended(new_job("good"), Status::Optimal).await;
    for damage in [
        "UPDATE jobs SET labels = '{' WHERE model_id = (SELECT id FROM models WHERE name = 'bad')",
        "UPDATE placements SET figures = '{' WHERE model_id = (SELECT id FROM models WHERE name = 'bad')",
        of_engine(
            "UPDATE cluster_revisions SET nodes = 'many' WHERE name = 'bad'",
            "UPDATE cluster_revisions SET nodes = -1 WHERE name = 'bad'",
        ),
        "UPDATE webhooks SET secret = 'open' WHERE url LIKE '%bad%'",
        "UPDATE webhook_deliveries SET last_status_code = 70000, last_attempt_at = 1, last_duration_us = 1,
             last_outcome = 'rejected' WHERE message_id = (SELECT MIN(id) FROM webhook_messages)",
    ] {
        store.tamper(damage).await;
    }

    let jobs = store.jobs(&tenant, JobFilter::default(), page(10)).await.unwrap();
    assert_eq!((jobs.items.len(), &jobs.items[0].id), (1, &good.id));
    assert_eq!(jobs.unreadable, [bad.id.as_str()]);
    let placements = store.placements(&tenant, PlacementFilter::default(), page(10)).await.unwrap();
    assert_eq!((placements.items.len(), placements.unreadable.len()), (1, 1));
    let clusters = store.clusters(&tenant, page(10)).await.unwrap();
    assert_eq!((clusters.items.len(), clusters.unreadable), (1, vec![bad.cluster_id.to_string()]));
    let webhooks = store.webhooks(&tenant, page(10)).await.unwrap();
    assert_eq!((webhooks.items.len(), webhooks.unreadable.len()), (1, 1));
    let deliveries = store.deliveries(&tenant, &webhooks.items[0].id, &[], page(10)).await.unwrap();
    assert_eq!((deliveries.items.len(), deliveries.unreadable.len()), (1, 1));

    let alone = store.job(&tenant, &bad.id).await;
    assert!(matches!(&alone, Err(StoreError::Unreadable { column, .. }) if column == "labels"), "{alone:?}");
    let alone = store.cluster(&tenant, &bad.cluster_id, None).await;
    assert!(matches!(&alone, Err(StoreError::Unreadable { column, .. }) if column == "nodes"), "{alone:?}");
}

#[tokio::test]
async fn a_damaged_job_holds_no_other_up() {
    let damages = [
        "UPDATE jobs SET labels = '{'",
        "UPDATE jobs SET id = 'nothing'",
        "UPDATE jobs SET model_id = 'nothing', created_at = 0",
    ];
    // Only columns of SQLite take values of another type, and only its numbers grow past their end.
    let of_sqlite = [
        "UPDATE jobs SET id = x'ff'",
        "UPDATE jobs SET version = 9223372036854775807",
        "UPDATE jobs SET lease_token = 'many'",
        "UPDATE incumbents SET objective = x'ff'",
    ];
    for damage in damages.into_iter().chain(of_sqlite.into_iter().filter(|_| !on_postgres())) {
        let fixture = Fixture::new().await;
        fixture.insert("bad").await;
        let claimed = fixture.claim().await;
        let incumbent = Some(Incumbent { objective: 1.0, document: "{}".to_owned() });
        let found = Found { incumbent, ..Found::default() };
        fixture.store.release_job(&claimed.lease, found).await.unwrap();
        fixture.damage(damage).await;
        let good = fixture.insert("good").await;

        let claimed = fixture.claim().await;

        // SQLite converts a word to the number 0, and increments it to 1.
        let heals = damage.contains("'many'");
        assert_eq!(claimed.job.id == good.id, !heals, "{damage}");
        assert_eq!(fixture.store.backlog().await.unwrap().queued, u64::from(heals), "{damage}");
    }
}

#[tokio::test]
async fn a_damaged_job_that_was_abandoned_stops_no_recovery() {
    for most_crashes in [3, 0] {
        let fixture = Fixture::new().await;
        fixture.insert("bad").await;
        let good = fixture.insert("good").await;
        fixture.claim().await;
        fixture.claim().await;
        fixture
            .store
            .tamper("UPDATE jobs SET termination = 'tired' WHERE model_id = (SELECT id FROM models WHERE name = 'bad')")
            .await;

        fixture.store.end_leases().await;
        let abandoned = Abandoned::NotOwnedBy("the next".to_owned());
        let recovered = fixture.store.recover_jobs(abandoned, most_crashes).await.unwrap();

        let backlog = fixture.store.backlog().await.unwrap();
        if most_crashes == 0 {
            assert_eq!((recovered.failed, backlog.queued, backlog.running), (vec![good.id], 0, 0));
        } else {
            assert_eq!((recovered.requeued.len(), backlog.queued), (2, 2));
            assert_eq!(fixture.claim().await.job.id, good.id);
        }
    }
}

#[tokio::test]
async fn a_damaged_webhook_holds_no_delivery_of_another_up() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, Tenant::default());
    let mut ids = Vec::new();
    for name in ["bad", "good"] {
        let webhook = NewWebhook { url: format!("https://{name}.example/"), description: None };
        ids.push(store.register_webhook(&tenant, webhook, None).await.unwrap().row.id);
    }
    fixture.insert_ended(new_job("one"), Status::Optimal).await;
    store.tamper("UPDATE webhooks SET secret = 'open' WHERE url LIKE '%bad%'").await;

    let due = store.due_deliveries(4, 10).await.unwrap();
    let claimed = store.claim_deliveries(due, Duration::from_secs(60)).await.unwrap();

    assert_eq!(claimed.iter().map(|delivery| &delivery.webhook_id).collect::<Vec<_>>(), [&ids[1]]);
    assert!(store.due_deliveries(4, 10).await.unwrap().is_empty());
    if !on_postgres() {
        store.tamper("UPDATE webhook_deliveries SET next_attempt_at = 'soon' WHERE status = 'pending'").await;
        assert_eq!(store.next_delivery_at().await.unwrap(), None);
    }
    // Once the webhook is repaired, its failed deliveries can be sent again.
    store.tamper("UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE url LIKE '%good%')").await;
    let delivery = store.deliveries(&tenant, &ids[0], &[], page(10)).await.unwrap().items.remove(0);
    store.resend(&tenant, &ids[0], &delivery.message_id).await.unwrap();
    assert_eq!(store.due_deliveries(4, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_key_opens_nothing_and_is_no_missing_key() {
    let fixture = Fixture::new().await;
    assert!(fixture.store.keys().await.unwrap().is_empty());
    let key = NewKey { tenant: Tenant::default(), name: "roof".to_owned(), scope: Scope::Read };
    let (key, _) = fixture.store.create_key(key).await.unwrap();
    fixture.store.tamper("UPDATE api_keys SET key_hash = 'none'").await;

    let keys = fixture.store.keys().await.unwrap();

    assert!(!keys.is_empty() && keys.readable.is_empty());
    assert_eq!(keys.unreadable, [key.id.as_str()]);
}

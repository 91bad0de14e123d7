//! Migrations: rows of older versions are kept and belong to the tenant `default`.

use super::super::*;
use crate::store::sqlite::{MIGRATIONS, migrate};
use crate::store::{ModelStatistics, PlacementFilter, StoreError};

/// Rows as version 2 of the schema had them.
const OLD_ROWS: &str = r#"
    INSERT INTO models VALUES ('mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'm', 'hash', 1, 0, 0, 0, 1, 1, 1, 1, 5, '{}');
    INSERT INTO clusters VALUES ('cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 'hash', 6);
    INSERT INTO cluster_revisions VALUES ('cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 'c', 'hash', 1, 0, 6, '{}');
    INSERT INTO jobs (id, status, termination, model_id, cluster_id, cluster_revision, placement_id, created_at,
            finished_at, labels, options)
        VALUES ('job_01931e5c-9d2f-7c1a-b0c4-000000000003', 'succeeded', 'optimal',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1,
            'plc_01931e5c-9d2f-7c1a-b0c4-000000000004', 7, 8, '{"team":"edge"}', '{"options":1}');
    INSERT INTO job_labels VALUES ('job_01931e5c-9d2f-7c1a-b0c4-000000000003', 'team', 'edge');
    INSERT INTO placements
        VALUES ('plc_01931e5c-9d2f-7c1a-b0c4-000000000004', 'job_01931e5c-9d2f-7c1a-b0c4-000000000003',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 'optimal', 8,
            '{"team":"edge"}', '{"status":"optimal","termination":"optimal","algorithm":"exact","period_s":0.10000000000000002,"stages":[{"node_id":"b"},{"node_id":"a"}]}');
    INSERT INTO incumbents VALUES ('job_01931e5c-9d2f-7c1a-b0c4-000000000003', 0.5,
        '{"status":"feasible","period_s":0.5,"latency_s":0.7,"bottleneck":{"kind":"stage","stage_index":0},"stages":[{"node_id":"b"}]}');
    INSERT INTO placement_labels VALUES ('plc_01931e5c-9d2f-7c1a-b0c4-000000000004', 'team', 'edge');
    INSERT INTO idempotency_keys VALUES ('k', 'f', 'job_01931e5c-9d2f-7c1a-b0c4-000000000003', TRUE, 7);
"#;

async fn old_database(folder: &TempDir, rows: &'static str) -> SqliteConnectOptions {
    database_of(folder, 2, rows).await
}

/// A database of this version of the schema.
async fn database_of(folder: &TempDir, version: i64, rows: &'static str) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::from_str(&settings(folder).database_url).unwrap().create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options.clone().foreign_keys(false)).await.unwrap();
    MIGRATIONS.run_to(version, &mut connection).await.unwrap();
    sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    options
}

#[tokio::test]
async fn what_was_stored_before_there_were_tenants_belongs_to_the_default_one() {
    let folder = tempfile::tempdir().unwrap();
    old_database(&folder, OLD_ROWS).await;

    let ids = Arc::new(RandomIds::default());
    let store = Store::open(&settings(&folder), Arc::new(ManualClock::new()), ids).await.unwrap();

    let (default, other) = (Tenant::default(), Tenant::parse("roof").unwrap());
    let models = store.models(&default, page(10)).await.unwrap().items;
    assert_eq!((models.len(), models[0].name.as_str(), models[0].created_at.as_microsecond()), (1, "m", 5));
    let filter = PlacementFilter { labels: vec!["team=edge".into()], ..PlacementFilter::default() };
    let placement = &store.placements(&default, filter, page(10)).await.unwrap().items[0];
    let PlacementFigures { algorithm, period_s, gap, pipelines, stages, node_ids, .. } = &placement.figures;
    // Numbers keep every digit, and absent members stay absent.
    assert_eq!((*algorithm, *period_s, *gap), (Algorithm::Exact, Some(0.10000000000000002), None));
    assert_eq!((*pipelines, *stages, node_ids.join(" ").as_str()), (1, 2, "b a"));
    let on_node = PlacementFilter { node_id: Some("a".to_owned()), ..PlacementFilter::default() };
    assert_eq!(store.placements(&default, on_node, page(10)).await.unwrap().items.len(), 1);
    let whole = store.placement(&default, &placement.id).await.unwrap();
    assert!(whole.document.starts_with(r#"{"status":"optimal""#));
    assert!(
        whole
            .document
            .ends_with(r#""pipelines":[{"period_s":0.10000000000000002,"stages":[{"node_id":"b"},{"node_id":"a"}]}]}"#)
    );
    let mut connection = SqliteConnection::connect(&settings(&folder).database_url).await.unwrap();
    let incumbent: String =
        sqlx::query_scalar("SELECT document FROM incumbents").fetch_one(&mut connection).await.unwrap();
    assert_eq!(
        incumbent,
        r#"{"status":"feasible","period_s":0.5,"latency_s":0.7,"pipelines":[{"period_s":0.5,"latency_s":0.7,"bottleneck":{"kind":"stage","stage_index":0},"stages":[{"node_id":"b"}]}]}"#
    );
    assert_eq!(
        whole.options.as_deref(),
        Some(
            r#"{"options":1,"cost_model":{"cuts":"in_order","unknown_compute":"free","transfers":"acknowledged"},"solver":{"tolerance":0}}"#
        )
    );
    let job = store.job(&default, placement.job_id.as_ref().unwrap()).await.unwrap();
    assert_eq!((job.tenant, job.placement_id.as_ref()), (default.clone(), Some(&placement.id)));
    assert!(store.models(&other, page(10)).await.unwrap().items.is_empty());
    assert!(matches!(store.job(&other, &job.id).await, Err(StoreError::NotFound { .. })));
    // References are enforced as before.
    let in_use = store.delete_model(&default, &models[0].id).await;
    assert!(matches!(in_use, Err(StoreError::InUse { by, .. }) if by == job.id));
}

#[tokio::test]
async fn a_database_with_broken_references_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let orphan = "PRAGMA foreign_keys = OFF; INSERT INTO job_labels VALUES ('job_1', 'team', 'edge');";
    let options = old_database(&folder, orphan).await;

    let refused = migrate(&MIGRATIONS, options).await;

    assert!(matches!(refused, Err(StoreError::BrokenReferences { rows: 1 })), "{refused:?}");
}

/// Rows as version 8 of the schema had them: a queued and a failed job that had found something, and a model of two branches.
const ROWS_OF_8: &str = r#"
    INSERT INTO models VALUES ('mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'default', 1, 'm', 'hash', 5, 4, 2, 1, 1, 1, 1, 1, 5,
        '{"name":"m","layers":[{"id":"image","param_bytes":0,"output_bytes":4},
            {"id":"weight","param_bytes":8,"output_bytes":8},
            {"id":"left","param_bytes":0,"output_bytes":4,"flops":2},
            {"id":"right","param_bytes":0,"output_bytes":4,"flops":2},
            {"id":"both","param_bytes":0,"output_bytes":4,"flops":2}],
          "edges":[{"from":"image","to":"left"},{"from":"image","to":"right"},{"from":"weight","to":"right"},
            {"from":"left","to":"both"},{"from":"right","to":"both"}]}');
    INSERT INTO clusters VALUES ('cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 'default', 1, 'hash', 6, 1);
    INSERT INTO cluster_revisions VALUES ('cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 'c', 'hash', 1, 0, 6, '{}');
    INSERT INTO jobs (sequence, id, tenant, status, model_id, cluster_id, cluster_revision, period_s, lower_bound_s, gap,
            incumbent_version, created_at, finished_at, error_code, labels, options)
        VALUES (1, 'job_01931e5c-9d2f-7c1a-b0c4-000000000003', 'default', 'queued',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 0.5, 0.25, 0.5, 1,
            7, NULL, NULL, '{}', '{"cost_model":{"cuts":"any","transfer_scale":1.10}}'),
        (2, 'job_01931e5c-9d2f-7c1a-b0c4-000000000004', 'default', 'failed',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 0.5, 0.25, 0.5, 1,
            7, 8, 'check_failed', '{}', '{"cost_model":{"cuts":"single_tensor"}}'),
        (3, 'job_01931e5c-9d2f-7c1a-b0c4-000000000005', 'default', 'queued',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, NULL, NULL, NULL,
            NULL, 7, NULL, NULL, '{}', '{"cost_model"');
    INSERT INTO incumbents VALUES ('job_01931e5c-9d2f-7c1a-b0c4-000000000003', 0.5, '{}'),
        ('job_01931e5c-9d2f-7c1a-b0c4-000000000004', 0.5, '{}');
"#;

#[tokio::test]
async fn what_was_asked_before_cuts_were_sets_means_the_cuts_of_the_files_order() {
    let folder = tempfile::tempdir().unwrap();
    database_of(&folder, 8, ROWS_OF_8).await;
    let ids = Arc::new(RandomIds::default());
    let store = Store::open(&settings(&folder), Arc::new(ManualClock::new()), ids).await.unwrap();

    let job = async |last: u32| {
        let id = Id::parse(IdKind::Job, &format!("job_01931e5c-9d2f-7c1a-b0c4-00000000000{last}")).unwrap();
        store.job(&Tenant::default(), &id).await.unwrap()
    };
    let (queued, failed) = (job(3).await, job(4).await);
    assert_eq!(
        queued.options,
        r#"{"cost_model":{"cuts":"in_order","transfer_scale":1.10,"unknown_compute":"free","transfers":"acknowledged"},"solver":{"tolerance":0}}"#
    );
    assert_eq!(
        failed.options,
        r#"{"cost_model":{"cuts":"single_tensor","unknown_compute":"free","transfers":"acknowledged"},"solver":{"tolerance":0}}"#
    );
    assert_eq!(job(5).await.options, r#"{"cost_model""#);
    // An unfinished search loses its incumbent; a failed job keeps it.
    assert_eq!((queued.progress, queued.version, queued.happened.incumbent), (None, 2, None));
    assert_eq!((failed.progress.unwrap().period_s, failed.version), (Some(0.5), 1));
    let mut connection = SqliteConnection::connect(&settings(&folder).database_url).await.unwrap();
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT job_id FROM incumbents").fetch_all(&mut connection).await.unwrap();
    assert_eq!(kept, [failed.id.as_str()]);
}

#[tokio::test]
async fn the_cuts_of_stored_models_are_counted_again() {
    let folder = tempfile::tempdir().unwrap();
    database_of(&folder, 8, ROWS_OF_8).await;
    let ids = Arc::new(RandomIds::default());
    let store = Store::open(&settings(&folder), Arc::new(ManualClock::new()), ids).await.unwrap();

    let model = store.models(&Tenant::default(), page(10)).await.unwrap().items.remove(0);
    let ModelStatistics { constant_layers, cut_points, more_cut_points, single_tensor_cut_points, .. } =
        model.statistics;
    // The cuts after `left`, after `right` and after both; two tensors cross each.
    assert_eq!((constant_layers, cut_points, more_cut_points, single_tensor_cut_points), (1, 3, false, 0));
}

/// Rows as version 9 of the schema had them: two queued jobs, of which the first had found something.
const ROWS_OF_9: &str = r#"
    INSERT INTO models (id, tenant, sequence, name, content_hash, layers, edges, cut_points, more_cut_points,
            single_tensor_cut_points, param_bytes, flops, input_bytes, output_bytes, created_at, document)
        VALUES ('mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'default', 1, 'm', 'hash', 1, 0, 0, FALSE, 0, 1, 1, 1, 1, 5, '{}');
    INSERT INTO clusters VALUES ('cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 'default', 1, 'hash', 6, 1);
    INSERT INTO cluster_revisions VALUES ('cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 'c', 'hash', 1, 0, 6, '{}');
    INSERT INTO jobs (sequence, id, tenant, status, model_id, cluster_id, cluster_revision, period_s, lower_bound_s, gap,
            incumbent_version, created_at, labels, options)
        VALUES (1, 'job_01931e5c-9d2f-7c1a-b0c4-000000000003', 'default', 'queued',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, 0.5, 0.25, 0.5, 1,
            7, '{}', '{"cost_model":{"cuts":"any","unknown_compute":"refuse"},"solver":{"gap":0.0,"tolerance":0.05}}'),
        (2, 'job_01931e5c-9d2f-7c1a-b0c4-000000000004', 'default', 'queued',
            'mdl_01931e5c-9d2f-7c1a-b0c4-000000000001', 'cls_01931e5c-9d2f-7c1a-b0c4-000000000002', 1, NULL, NULL, NULL,
            NULL, 7, '{}', '{"cost_model":{"cuts":"any"}}');
    INSERT INTO incumbents VALUES ('job_01931e5c-9d2f-7c1a-b0c4-000000000003', 0.5, '{}');
"#;

#[tokio::test]
async fn what_was_asked_before_defaults_changed_means_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    database_of(&folder, 9, ROWS_OF_9).await;
    let ids = Arc::new(RandomIds::default());
    let store = Store::open(&settings(&folder), Arc::new(ManualClock::new()), ids).await.unwrap();

    let job = async |last: u32| {
        let id = Id::parse(IdKind::Job, &format!("job_01931e5c-9d2f-7c1a-b0c4-00000000000{last}")).unwrap();
        store.job(&Tenant::default(), &id).await.unwrap()
    };
    let (found_something, found_nothing) = (job(3).await, job(4).await);
    // What was said stays.
    assert_eq!(
        found_something.options,
        r#"{"cost_model":{"cuts":"any","unknown_compute":"refuse","transfers":"acknowledged"},"solver":{"gap":0.0,"tolerance":0.05}}"#
    );
    assert_eq!(
        found_nothing.options,
        r#"{"cost_model":{"cuts":"any","unknown_compute":"free","transfers":"acknowledged"},"solver":{"tolerance":0}}"#
    );
    assert_eq!((found_something.progress, found_something.version), (None, 2));
    assert_eq!((found_nothing.progress, found_nothing.version), (None, 1));
    let mut connection = SqliteConnection::connect(&settings(&folder).database_url).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM incumbents").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_placement_that_is_damaged_does_not_hold_up_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let options = old_database(&folder, OLD_ROWS).await;
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let damage = r#"UPDATE placements SET document = '{"status":"opt'"#;
    sqlx::raw_sql(damage).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let ids = Arc::new(RandomIds::default());
    let store = Store::open(&settings(&folder), Arc::new(ManualClock::new()), ids).await.unwrap();

    let listed = store.placements(&Tenant::default(), PlacementFilter::default(), page(10)).await.unwrap();
    assert_eq!(
        (listed.items.len(), listed.unreadable),
        (0, vec!["plc_01931e5c-9d2f-7c1a-b0c4-000000000004".to_owned()])
    );
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let document: String =
        sqlx::query_scalar("SELECT document FROM placements").fetch_one(&mut connection).await.unwrap();
    assert_eq!(document, r#"{"status":"opt"#);
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = 'damaged_placements'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

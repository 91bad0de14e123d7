//! Jobs: atomic inserts, stops, deletions, and reading after a restart.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::{JobFilter, JobStatus, Stopped, StoreError};

#[tokio::test]
async fn a_job_comes_back_as_it_was_inserted() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;

    assert_eq!(fixture.store.job(&Tenant::default(), &job.id).await.unwrap(), job);
    assert_eq!((job.status, job.version, job.cluster_revision), (JobStatus::Queued, 1, 1));
    assert_eq!(job.labels.get("team").map(String::as_str), Some("edge"));
    assert_eq!(job.progress, None);
    let options = serde_json::from_str::<serde_json::Value>(&job.options).unwrap();
    let mut reader = cutpoint_planner::domain::read::Reader::new();
    assert_eq!(PlanOptions::read(&mut reader, options.as_object().unwrap()), PlanOptions::default());
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let fixture = Fixture::new().await;
    fixture.insert("one").await;
    fixture.insert("two").await;

    let refused = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), new_job("three"), most(2)).await;

    assert!(matches!(refused, Err(StoreError::QueueFull { limit: 2 })));
    fixture.claim().await;
    fixture.store.insert_job(RandomIds::default().id(IdKind::Job), new_job("three"), most(2)).await.unwrap();
}

#[tokio::test]
async fn a_job_waits_whatever_this_server_has_counted() {
    let fixture = Fixture::new().await;
    assert!(!fixture.store.has_waiting_jobs().await.unwrap());
    fixture.insert("one").await;
    assert!(fixture.store.has_waiting_jobs().await.unwrap());
    // Another server claims it, and the estimate of this one stays.
    fixture.store.tamper("UPDATE jobs SET status = 'running', lease_owner = 'another', lease_expires_at = 1").await;
    assert_eq!((fixture.store.waiting_jobs(), fixture.store.has_waiting_jobs().await.unwrap()), (1, false));
}

#[tokio::test]
async fn a_refused_job_leaves_no_row() {
    let fixture = Fixture::new().await;
    let missing = RandomIds::default().id(IdKind::Cluster);
    let job = NewJob { cluster: JobCluster::Registered { id: missing, revision: 1 }, ..new_job("one") };

    let refused = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, most(10)).await;

    assert!(matches!(refused, Err(StoreError::NotFound { kind: IdKind::Cluster, .. })));
    assert_eq!(fixture.store.models(&Tenant::default(), page(10)).await.unwrap().items, []);
    assert_eq!(fixture.store.jobs(&Tenant::default(), JobFilter::default(), page(10)).await.unwrap().items, []);
}

#[tokio::test]
async fn a_job_of_registered_inputs_names_them() {
    let fixture = Fixture::new().await;
    let model =
        fixture.store.register_model(&Tenant::default(), ModelDocument::new(&model("m")), None).await.unwrap().row;
    let cluster = fixture
        .store
        .register_cluster(&Tenant::default(), ClusterDocument::new(&super::cluster("c")), None)
        .await
        .unwrap()
        .row;
    let second = ClusterDocument::new(&super::cluster("d"));
    fixture.store.replace_cluster(&Tenant::default(), &cluster.id, 1, second).await.unwrap();
    let job = NewJob {
        model: JobModel::Registered(model.id.clone()),
        cluster: JobCluster::Registered { id: cluster.id.clone(), revision: 1 },
        ..new_job("unused")
    };

    let job = fixture.store.insert_job(RandomIds::default().id(IdKind::Job), job, most(10)).await.unwrap().row;

    assert_eq!((job.model_id, job.cluster_id, job.cluster_revision), (model.id, cluster.id, 1));
}

#[tokio::test]
async fn stopping_cancels_what_waits_and_marks_what_runs() {
    let fixture = Fixture::new().await;
    let running = fixture.insert("one").await;
    let waiting = fixture.insert("two").await;
    fixture.claim().await;

    let marked = fixture.store.request_stop(&Tenant::default(), &running.id).await.unwrap();
    let again = fixture.store.request_stop(&Tenant::default(), &running.id).await.unwrap();
    let cancelled = fixture.store.request_stop(&Tenant::default(), &waiting.id).await.unwrap();

    assert!(marked.job.status == JobStatus::Running && marked.job.stop_requested && !marked.cancelled);
    assert_eq!(again, marked);
    let Stopped { job, cancelled: true } = cancelled else { panic!("{cancelled:?}") };
    assert!(job.status == JobStatus::Cancelled && job.finished_at.is_some());
    // The job ends only once.
    let again = fixture.store.request_stop(&Tenant::default(), &waiting.id).await.unwrap();
    assert_eq!(again, Stopped { job, cancelled: false });
    let missing = RandomIds::default().id(IdKind::Job);
    assert!(matches!(fixture.store.request_stop(&Tenant::default(), &missing).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn only_a_finished_record_is_deleted_and_its_placement_stays() {
    let fixture = Fixture::new().await;
    let ended = fixture.insert_ended(new_job("one"), Status::Optimal).await;
    let waiting = fixture.insert("two").await;

    fixture.store.delete_job(&Tenant::default(), &ended.id).await.unwrap();
    let refused = fixture.store.delete_job(&Tenant::default(), &waiting.id).await;

    assert!(matches!(refused, Err(StoreError::NotFinished { .. })));
    assert!(matches!(fixture.store.delete_job(&Tenant::default(), &ended.id).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(
        fixture.store.best_placement(&Tenant::default(), &ended.id).await,
        Err(StoreError::NotFound { .. })
    ));
    let placement = fixture.store.placement(&Tenant::default(), &ended.placement_id.unwrap()).await.unwrap();
    assert_eq!(placement.summary.job_id, Some(ended.id));
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let fixture = Fixture::new().await;
    let waiting = fixture.insert("one").await;
    let ended = fixture.insert_ended(new_job("two"), Status::Optimal).await;
    fixture.store.close().await;
    assert!(matches!(fixture.store.request_stop(&Tenant::default(), &waiting.id).await, Err(StoreError::Closed)));

    let settings = settings(&fixture.folder);
    let reopened = Store::open(&settings, fixture.clock.clone(), Arc::new(RandomIds::default())).await.unwrap();

    reopened.check().await.unwrap();
    // The oldest was claimed and ended; the other waits.
    assert_eq!(ended.id, waiting.id);
    assert_eq!(reopened.job(&Tenant::default(), &ended.id).await.unwrap(), ended);
    let queued = JobFilter { statuses: vec![JobStatus::Queued], ..JobFilter::default() };
    assert_eq!(reopened.jobs(&Tenant::default(), queued, page(10)).await.unwrap().items.len(), 1);
}

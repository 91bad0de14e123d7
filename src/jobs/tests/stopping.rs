//! Stops and shutdowns.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::{BestSoFar, JobStatus};

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_keeps_its_best_and_ends_in_time() {
    // The heartbeat is too slow to help.
    let settings = QueueSettings { heartbeat: LONG, lease: LONG * 2, ..quick_settings() };
    let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), settings, with_incumbent(2.0)).await;
    let job = fixture.submit("one").await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;

    let asked = now();
    fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();
    let job = fixture.finished(&job.id).await;

    assert!(now() - asked < Duration::from_millis(250), "{:?}", now() - asked);
    assert_eq!((job.status, job.termination), (JobStatus::Succeeded, Some(Termination::Stopped)));
    assert_eq!(fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap(), job);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_placement_a_stopped_job_is_cancelled() {
    let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), one_worker(), in_vain).await;
    let running = fixture.submit("one").await;
    fixture.wait_for(&running.id, |job| job.status == JobStatus::Running).await;
    let waiting = fixture.submit("two").await;

    let cancelled = fixture.queue.stop(&Tenant::default(), &waiting.id).await.unwrap();
    fixture.queue.stop(&Tenant::default(), &running.id).await.unwrap();

    assert_eq!(cancelled.status, JobStatus::Cancelled);
    let running = fixture.finished(&running.id).await;
    assert_eq!((running.status, running.termination, running.error), (JobStatus::Cancelled, None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_right_behind_the_claim_is_heard() {
    for _ in 0..20 {
        let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), one_worker(), in_vain).await;
        let job = fixture.submit("one").await;

        fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();

        assert_eq!(fixture.finished(&job.id).await.status, JobStatus::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_puts_running_jobs_back_with_their_incumbents() {
    let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), one_worker(), with_incumbent(2.0)).await;
    let running = fixture.submit("one").await;
    fixture.wait_for(&running.id, |job| job.status == JobStatus::Running).await;
    let waiting = fixture.submit("two").await;

    let asked = now();
    fixture.queue.shutdown().await;

    assert!(now() - asked < Duration::from_secs(1));
    assert!(!fixture.queue.is_accepting());
    for id in [&running.id, &waiting.id] {
        let job = fixture.store.job(&Tenant::default(), id).await.unwrap();
        assert_eq!((job.status, job.crashes), (JobStatus::Queued, 0));
    }
    let best = fixture.store.best_placement(&Tenant::default(), &running.id).await.unwrap();
    assert!(matches!(best, BestSoFar::Incumbent(text) if text.contains("\"period_s\":2.0")));

    let fixture = fixture.restart(at_once).await;
    for id in [&running.id, &waiting.id] {
        assert_eq!(fixture.finished(id).await.progress.unwrap().period_s, Some(1.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_incumbent_of_an_interrupted_run_outlives_a_worse_one() {
    let fixture = Fixture::new(with_incumbent(2.0)).await;
    let job = fixture.submit("one").await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;
    fixture.queue.shutdown().await;

    let fixture = fixture.restart(with_incumbent(4.0)).await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let best = fixture.store.best_placement(&Tenant::default(), &job.id).await.unwrap();
    assert!(matches!(best, BestSoFar::Incumbent(text) if text.contains("\"period_s\":2.0")));
    fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();

    let job = fixture.finished(&job.id).await;
    let progress = job.progress.unwrap();
    assert_eq!((progress.period_s, progress.gap), (Some(2.0), Some(0.5)));
    assert_eq!(job.termination, Some(Termination::Stopped));
    let placement = fixture.store.placement(&Tenant::default(), &job.placement_id.unwrap()).await.unwrap();
    let stored: serde_json::Value = serde_json::from_str(&placement.document).unwrap();
    assert_eq!((&stored["period_s"], &stored["termination"]), (&2.0.into(), &"stopped".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_with_an_incumbent_ends_with_it_without_a_worker() {
    let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), one_worker(), with_incumbent(2.0)).await;
    let job = fixture.submit("one").await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;
    fixture.queue.shutdown().await;
    let fixture = fixture.restart_idle().await;

    let stopped = fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();

    assert_eq!((stopped.status, stopped.termination), (JobStatus::Succeeded, Some(Termination::Stopped)));
    assert_eq!(stopped.progress.unwrap().period_s, Some(2.0));
}

fn one_worker() -> QueueSettings {
    QueueSettings { workers: 1, ..quick_settings() }
}

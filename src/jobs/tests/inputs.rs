//! Workers solve the kept or the stored request, which are equal.

use std::sync::Mutex;

use cutpoint_planner::domain::hash::content_hash;
use cutpoint_planner::domain::options::{Objective, Pin};

use super::*;
use crate::jobs::Planner;
use crate::store::{JobErrorCode, JobStatus};

fn awkward() -> PlanRequest {
    let mut request = request("awkward");
    request.options.objective = Objective::MinNodes { target_period_s: 1.0 / 3.0 };
    request.options.constraints.pins =
        vec![Pin { layer_id: "b".to_owned(), node_id: Some("n2".to_owned()), ..Pin::default() }];
    request.options.constraints.max_latency_s = Some(2e-7 / 3.0);
    request.options.solver.gap = 0.1 + 0.2;
    request.options.solver.seed = (1 << 53) - 1;
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_read_from_the_store_is_the_request_that_was_submitted() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let recorder = |seen: &Arc<Mutex<Vec<String>>>| {
        let seen = seen.clone();
        move |request: &PlanRequest, env: &Env<'_>| {
            seen.lock().unwrap().push(content_hash(request));
            in_vain(request, env)
        }
    };
    let fixture = Fixture::new(recorder(&seen)).await;
    let job = fixture.submit_request(awkward()).await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;
    fixture.queue.shutdown().await;

    let fixture = fixture.restart(recorder(&seen)).await;
    fixture.wait_for(&job.id, |job| job.status == JobStatus::Running).await;
    fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();
    fixture.finished(&job.id).await;

    let submitted = content_hash(&awkward());
    assert!(!seen.lock().unwrap().is_empty());
    assert!(seen.lock().unwrap().iter().all(|hash| *hash == submitted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let one_waits = QueueSettings { workers: 0, queue_limit: 1, ..quick_settings() };
    let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), one_waits, in_vain).await;
    let queue = &fixture.queue;
    let begin_and_leave = async |name: &str| {
        let request = request(name);
        let slot = queue.inner.admission.reserve(0, u32::MAX);
        let mut submitted = Box::pin(queue.submit(job_of(&request), (Arc::new(request), 1000), slot));
        // The insert cannot end while the writer is held.
        let release = fixture.store.hold_writer().await;
        assert!(futures::poll!(&mut submitted).is_pending());
        drop(submitted);
        release.send(()).unwrap();
    };
    begin_and_leave("one").await;
    while fixture.store.backlog().await.unwrap().queued == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The caller goes away before the insert: neither the request nor the slot of the job is kept. The task of the
    // insert has started, and the next insert comes after it in the writer.
    begin_and_leave("two").await;
    let refused = fixture.queue.submit(job_of(&request("three")), (Arc::new(request("three")), 1000), None).await;
    assert!(matches!(refused, Err(crate::store::StoreError::QueueFull { limit: 1 })));
    while queue.inner.requests.len() > 1 || queue.inner.admission.reserved() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiting = fixture.store.backlog().await.unwrap();
    assert_eq!((waiting.queued, waiting.running, queue.inner.requests.len()), (1, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_cannot_be_read_fail_their_job() {
    let fixture = Fixture::new(at_once).await.restart_idle().await;
    let job = fixture.submit("one").await;
    fixture.store.tamper("UPDATE jobs SET options = '{\"solver\": {\"gap\": 2}}'").await;

    let fixture = fixture.restart(at_once).await;

    let job = fixture.finished(&job.id).await;
    assert_eq!(job.status, JobStatus::Failed);
    let error = job.error.unwrap();
    assert_eq!(error.code, JobErrorCode::InputUnreadable);
    assert!(error.detail.contains("gap"), "{}", error.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_planner_ends_a_job() {
    let fixture = Fixture::new(Planner).await;

    let job = fixture.submit("one").await;

    let job = fixture.finished(&job.id).await;
    assert_eq!((job.status, job.termination), (JobStatus::Succeeded, Some(Termination::Optimal)));
    let progress = job.progress.unwrap();
    assert_eq!(progress.period_s, progress.lower_bound_s);
    assert!(job.placement_id.is_some());
}

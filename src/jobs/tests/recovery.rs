//! Crashes between the steps of a worker, and the recovery by the next process.

use super::super::faults::{Crash, Step};
use super::*;
use crate::domain::tenant::Tenant;
use crate::store::leases::Abandoned;
use crate::store::{JobErrorCode, JobStatus, PlacementFilter};

impl Fixture {
    /// Makes every worker crash at this step.
    fn crash_at(&self, step: Step) {
        *self.queue.inner.crash.lock().unwrap() = Some(Crash { at: step, once: false });
    }

    /// Makes the next worker that reaches this step crash.
    fn crash_once_at(&self, step: Step) {
        *self.queue.inner.crash.lock().unwrap() = Some(Crash { at: step, once: true });
    }

    async fn placements(&self) -> usize {
        let page = crate::store::Page { limit: 100, order: Default::default(), after: None };
        self.store.placements(&Tenant::default(), PlacementFilter::default(), page).await.unwrap().items.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_recovers_at_once_and_every_job_ends_once() {
    for step in [Step::Claimed, Step::Solved] {
        let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), quick_settings(), at_once).await;
        fixture.crash_at(step);
        let mut jobs = Vec::new();
        for number in 0..5 {
            jobs.push(fixture.submit(&number.to_string()).await.id);
        }
        for id in &jobs {
            fixture.wait_for(id, |job| job.status == JobStatus::Running).await;
        }
        assert_eq!(fixture.placements().await, 0);

        let fixture = fixture.restart(at_once).await;

        for id in &jobs {
            let job = fixture.finished(id).await;
            assert_eq!((job.status, job.crashes), (JobStatus::Succeeded, 1));
        }
        assert_eq!(fixture.placements().await, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_crashes_every_process_fails_at_the_fourth() {
    let mut fixture = Fixture::new(at_once).await;
    fixture.queue.inner.closing.cancel();
    let job = fixture.submit("one").await;
    for _ in 0..4 {
        fixture.store.claim_job("a process that dies", LONG, None).await.unwrap().unwrap();
        fixture.store.end_leases().await;
        fixture = fixture.restart_idle().await;
    }

    let job = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();
    assert_eq!((job.status, job.crashes), (JobStatus::Failed, 3));
    let error = job.error.unwrap();
    assert_eq!(error.code, JobErrorCode::CrashedTooOften);
    assert!(error.detail.contains("4 times"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_vanishes_costs_its_job_one_lease() {
    let fixture = Fixture::new(at_once).await;
    fixture.crash_once_at(Step::Claimed);
    let job = fixture.submit("one").await;

    let job = fixture.finished(&job.id).await;
    assert_eq!((job.status, job.crashes), (JobStatus::Succeeded, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_lost_its_lease_stops_and_writes_nothing() {
    let fixture = Fixture::new(with_incumbent(2.0)).await;
    let job = fixture.submit("one").await;
    fixture.wait_for(&job.id, |job| job.progress.is_some_and(|progress| progress.period_s.is_some())).await;
    // Another process opens the database, and its worker claims the job.
    fixture.queue.inner.closing.cancel();
    fixture.store.end_leases().await;
    fixture.store.recover_jobs(Abandoned::NotOwnedBy("other".to_owned()), 3).await.unwrap();
    fixture.store.claim_job("other", LONG, Some(&job.id)).await.unwrap().unwrap();
    let theirs = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();

    while !fixture.queue.inner.running().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    assert_eq!(fixture.store.job(&Tenant::default(), &job.id).await.unwrap(), theirs);
    assert_eq!(fixture.placements().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_stopped_before_the_crash_ends_with_what_it_had() {
    let fixture = Fixture::new(with_incumbent(2.0)).await;
    let job = fixture.submit("one").await;
    fixture.wait_for(&job.id, |job| job.progress.is_some_and(|progress| progress.period_s.is_some())).await;
    fixture.crash_at(Step::Solved);
    fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();
    while !fixture.queue.inner.running().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    let fixture = fixture.restart(in_vain).await;

    let job = fixture.finished(&job.id).await;
    assert_eq!((job.status, job.termination), (JobStatus::Succeeded, Some(Termination::Stopped)));
    assert_eq!((job.progress.unwrap().period_s, job.crashes), (Some(2.0), 1));
}

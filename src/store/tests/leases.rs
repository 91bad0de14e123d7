//! Leases: one claim at a time, fenced writes, endings, recovery.

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::leases::{Abandoned, Found, Incumbent, Lease};
use crate::store::{BestSoFar, JobErrorCode, JobStatus, StoreError};

const LEASE: Duration = Duration::from_secs(15);

fn found(objective: f64) -> Found {
    let figures = Figures { period_s: Some(objective), lower_bound_s: Some(1.0), ..Figures::default() };
    Found { figures, incumbent: Some(Incumbent { objective, document: format!("{objective}") }) }
}

fn is_lost<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::LeaseLost { .. }))
}

/// Every write of an old token changes nothing.
async fn assert_fenced(fixture: &Fixture, old: &Lease) {
    let before = fixture.store.job(&Tenant::default(), &old.job_id).await.unwrap();
    assert!(is_lost(fixture.store.heartbeat(old, LEASE, Some(found(0.5))).await));
    assert!(is_lost(fixture.store.end_job(old, Figures::default(), answered(Status::Optimal)).await));
    assert!(is_lost(fixture.store.end_job(old, Figures::default(), Ending::Cancelled).await));
    assert!(is_lost(fixture.store.release_job(old, found(0.5)).await));
    assert_eq!(fixture.store.job(&Tenant::default(), &old.job_id).await.unwrap(), before);
    assert!(
        !matches!(fixture.store.best_placement(&Tenant::default(), &old.job_id).await.unwrap(), BestSoFar::Incumbent(text) if text == "0.5")
    );
}

#[tokio::test]
async fn the_oldest_is_claimed_first_and_each_once() {
    let fixture = Fixture::new().await;
    let first = fixture.insert("one").await;
    let second = fixture.insert("two").await;

    let claims = tokio::join!(fixture.claim(), fixture.claim());

    let mut claimed = [&claims.0.job.id, &claims.1.job.id];
    if on_postgres() {
        // Claims that run at once end in any order.
        claimed.sort();
    }
    assert_eq!(claimed, [&first.id, &second.id]);
    assert_eq!((claims.0.job.status, claims.0.job.version), (JobStatus::Running, 2));
    assert_eq!(fixture.store.claim_job("boot", LEASE, None).await.unwrap(), None);
    assert_eq!(fixture.store.claim_job("boot", LEASE, Some(&first.id)).await.unwrap(), None);
}

#[tokio::test]
async fn an_old_token_writes_nothing() {
    let fixture = Fixture::new().await;
    fixture.insert("one").await;
    let old = fixture.claim().await.lease;
    fixture.store.end_leases().await;
    fixture.store.recover_jobs(Abandoned::NotOwnedBy("next boot".to_owned()), 3).await.unwrap();
    assert_fenced(&fixture, &old).await;

    let new = fixture.claim().await;
    assert_fenced(&fixture, &old).await;

    fixture.store.end_job(&new.lease, Figures::default(), answered(Status::Feasible)).await.unwrap();
    assert_fenced(&fixture, &old).await;
    assert_fenced(&fixture, &new.lease).await;
}

#[tokio::test]
async fn a_heartbeat_stores_what_was_found_and_hears_of_a_stop() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;
    let lease = fixture.claim().await.lease;
    assert_eq!(fixture.store.best_placement(&Tenant::default(), &job.id).await.unwrap(), BestSoFar::Nothing);

    let version = fixture.store.job(&Tenant::default(), &job.id).await.unwrap().version;
    assert!(!fixture.store.heartbeat(&lease, LEASE, None).await.unwrap());
    assert_eq!(fixture.store.job(&Tenant::default(), &job.id).await.unwrap().version, version);
    assert!(!fixture.store.heartbeat(&lease, LEASE, Some(found(2.0))).await.unwrap());
    fixture.store.request_stop(&Tenant::default(), &job.id).await.unwrap();
    assert!(fixture.store.heartbeat(&lease, LEASE, None).await.unwrap());

    let job = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();
    let progress = job.progress.unwrap();
    assert!(job.version > version && progress.period_s == Some(2.0) && progress.lower_bound_s == Some(1.0));
    assert_eq!(
        fixture.store.best_placement(&Tenant::default(), &job.id).await.unwrap(),
        BestSoFar::Incumbent("2".to_owned())
    );
}

#[tokio::test]
async fn a_job_ends_once_with_its_placement() {
    let fixture = Fixture::new().await;
    fixture.insert("one").await;
    let lease = fixture.claim().await.lease;
    fixture.store.heartbeat(&lease, LEASE, Some(found(2.0))).await.unwrap();
    fixture.clock.advance(Duration::from_millis(1500));
    let figures = Figures { period_s: Some(1.5), gap: Some(0.25), ..Figures::default() };

    let job = fixture.store.end_job(&lease, figures, answered(Status::Optimal)).await.unwrap();

    assert_eq!((job.status, job.termination), (JobStatus::Succeeded, Some(Termination::Optimal)));
    let progress = job.progress.unwrap();
    assert_eq!((progress.elapsed_s, progress.period_s, progress.gap), (1.5, Some(1.5), Some(0.25)));
    let BestSoFar::Stored(placement) = fixture.store.best_placement(&Tenant::default(), &job.id).await.unwrap() else {
        panic!("stored")
    };
    assert_eq!(Some(&placement.summary.id), job.placement_id.as_ref());
    assert_eq!((placement.summary.figures.status, &placement.summary.labels), (Status::Optimal, &job.labels));
    assert_eq!(fixture.store.job(&Tenant::default(), &job.id).await.unwrap(), job);
}

#[tokio::test]
async fn the_proof_that_there_is_none_is_stored_and_errors_keep_the_incumbent() {
    let fixture = Fixture::new().await;
    let infeasible = fixture.insert_ended(new_job("one"), Status::Infeasible).await;
    let failing = fixture.insert("two").await;
    let lease = fixture.claim().await.lease;
    fixture.store.heartbeat(&lease, LEASE, Some(found(2.0))).await.unwrap();
    let error = crate::store::JobError { code: JobErrorCode::SolverPanicked, detail: "words".to_owned() };

    let failed = fixture.store.end_job(&lease, Figures::default(), Ending::Failed(error.clone())).await.unwrap();

    assert_eq!(infeasible.status, JobStatus::Infeasible);
    let placement = fixture.store.placement(&Tenant::default(), &infeasible.placement_id.unwrap()).await.unwrap();
    assert_eq!(placement.summary.figures.status, Status::Infeasible);
    assert_eq!((failed.status, failed.error, failed.placement_id), (JobStatus::Failed, Some(error), None));
    assert_eq!(
        fixture.store.best_placement(&Tenant::default(), &failing.id).await.unwrap(),
        BestSoFar::Incumbent("2".to_owned())
    );
}

#[tokio::test]
async fn a_released_job_waits_again_with_its_incumbent_and_no_crash() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;
    fixture.insert("two").await;
    let lease = fixture.claim().await.lease;

    fixture.store.release_job(&lease, found(2.0)).await.unwrap();
    let queued = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();
    let again = fixture.claim().await;

    assert_eq!((queued.status, queued.crashes, queued.started_at), (JobStatus::Queued, 0, None));
    assert_eq!(queued.progress.unwrap().period_s, Some(2.0));
    assert_eq!(again.job.id, job.id);
    assert_eq!(again.incumbent, found(2.0).incumbent);
}

#[tokio::test]
async fn a_job_is_put_back_three_times_and_then_fails() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;
    for crash in 1..=3 {
        fixture.claim().await;
        fixture.store.end_leases().await;
        let recovered = fixture.store.recover_jobs(Abandoned::NotOwnedBy(format!("boot {crash}")), 3).await.unwrap();
        assert_eq!(recovered.requeued, std::slice::from_ref(&job.id));
        assert_eq!(fixture.store.job(&Tenant::default(), &job.id).await.unwrap().crashes, crash);
    }
    fixture.claim().await;

    fixture.store.end_leases().await;
    let recovered = fixture.store.recover_jobs(Abandoned::NotOwnedBy("boot 4".to_owned()), 3).await.unwrap();

    assert_eq!((recovered.requeued, recovered.failed), (vec![], vec![job.id.clone()]));
    let failed = fixture.store.job(&Tenant::default(), &job.id).await.unwrap();
    assert_eq!(failed.error.unwrap().code, JobErrorCode::CrashedTooOften);
    assert!(failed.finished_at.is_some());
}

#[tokio::test]
async fn own_jobs_and_live_leases_are_not_recovered() {
    let fixture = Fixture::new().await;
    let job = fixture.insert("one").await;
    let lease = fixture.claim().await.lease;
    let none = Default::default();

    assert_eq!(fixture.store.recover_jobs(Abandoned::NotOwnedBy("boot".to_owned()), 3).await.unwrap(), none);
    fixture.clock.advance(Duration::from_secs(14));
    fixture.store.heartbeat(&lease, LEASE, None).await.unwrap();
    fixture.clock.advance(Duration::from_secs(14));
    assert_eq!(fixture.store.recover_jobs(Abandoned::Expired { alive: Vec::new() }, 3).await.unwrap(), none);

    fixture.clock.advance(Duration::from_secs(2));
    // A job that runs in this process is only late with its heartbeat.
    let alive = Abandoned::Expired { alive: vec![job.id.clone()] };
    assert_eq!(fixture.store.recover_jobs(alive, 3).await.unwrap(), none);
    assert_eq!(
        fixture.store.recover_jobs(Abandoned::Expired { alive: Vec::new() }, 3).await.unwrap().requeued,
        [job.id]
    );
}

//! The ends of jobs without a stop: answers, panics, refused placements, time limits.

use cutpoint_planner::domain::options::Algorithm;

use super::*;
use crate::domain::tenant::Tenant;
use crate::store::{BestSoFar, JobErrorCode, JobStatus};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_end_with_checked_placements() {
    let fixture = Fixture::new(at_once).await;
    let mut jobs = Vec::new();
    for number in 0..20 {
        jobs.push(fixture.submit(&number.to_string()).await);
    }

    for job in jobs {
        let job = fixture.finished(&job.id).await;
        assert_eq!((job.status, job.termination), (JobStatus::Succeeded, Some(Termination::Optimal)));
        let progress = job.progress.unwrap();
        assert_eq!((progress.period_s, progress.lower_bound_s, progress.gap), (Some(1.0), Some(1.0), Some(0.0)));
        let placement = fixture.store.placement(&Tenant::default(), &job.placement_id.unwrap()).await.unwrap();
        let stored: serde_json::Value = serde_json::from_str(&placement.document).unwrap();
        assert_eq!((placement.summary.job_id, &stored["status"]), (Some(job.id), &"optimal".into()));
        assert!(stored["solve_s"].as_f64().unwrap() > 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planner_gets_the_seed_and_the_request() {
    let fixture = Fixture::new(|request: &PlanRequest, env: &Env<'_>| {
        assert_eq!((env.seed, env.threads, request.model.name.as_str()), (7, 1, "seeded"));
        at_once(request, env)
    })
    .await;
    let mut request = request("seeded");
    request.options.solver.seed = 7;

    let job = fixture.submit_request(request).await;

    assert_eq!(fixture.finished(&job.id).await.error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_a_refused_placement_fail_their_jobs_alone() {
    let fixture = Fixture::new(|request: &PlanRequest, env: &Env<'_>| match request.model.name.as_str() {
        "panics" => panic!("on purpose"),
        "refused" => Err(CheckFailure { violations: vec!["too much memory".to_owned()] }),
        _ => at_once(request, env),
    })
    .await;

    let panics = fixture.submit("panics").await;
    let refused = fixture.submit("refused").await;
    let good = fixture.submit("good").await;

    let panics = fixture.finished(&panics.id).await.error.unwrap();
    assert_eq!(panics.code, JobErrorCode::SolverPanicked);
    assert!(panics.detail.contains("on purpose"));
    let refused = fixture.finished(&refused.id).await.error.unwrap();
    assert_eq!(refused.code, JobErrorCode::CheckFailed);
    assert!(refused.detail.contains("too much memory"));
    assert_eq!(fixture.finished(&good.id).await.status, JobStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_placement() {
    let fixture = Fixture::new(|request: &PlanRequest, env: &Env<'_>| match request.model.name.as_str() {
        "infeasible" => Ok(document(Status::Infeasible, Termination::Infeasible, None)),
        "exhausted" => Ok(document(Status::Unknown, Termination::Exhausted, None)),
        _ => in_vain(request, env),
    })
    .await;
    let mut slow = request("slow");
    slow.options.solver.time_limit_s = 0.05;

    let infeasible = fixture.submit("infeasible").await;
    let exhausted = fixture.submit("exhausted").await;
    let slow = fixture.submit_request(slow).await;

    let infeasible = fixture.finished(&infeasible.id).await;
    assert_eq!((infeasible.status, infeasible.termination), (JobStatus::Infeasible, Some(Termination::Infeasible)));
    let placement = fixture.store.placement(&Tenant::default(), &infeasible.placement_id.unwrap()).await.unwrap();
    assert_eq!(placement.summary.figures.status, Status::Infeasible);
    let exhausted = fixture.finished(&exhausted.id).await;
    assert_eq!(exhausted.error.unwrap().code, JobErrorCode::NoPlacementFound);
    let slow = fixture.finished(&slow.id).await;
    assert_eq!((slow.status, slow.placement_id), (JobStatus::Failed, None));
    assert_eq!(slow.error.unwrap().code, JobErrorCode::NoPlacementInTime);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_advised_was_not_tried_already() {
    let fixture = Fixture::new(|request: &PlanRequest, _: &Env<'_>| {
        let algorithm = request.options.solver.algorithm;
        Ok(PlacementDocument { algorithm, ..document(Status::Unknown, Termination::Exhausted, None) })
    })
    .await;
    for (algorithm, advice) in [
        (Algorithm::Auto, "fewer constraints, fewer layers, fewer nodes."),
        (Algorithm::Exact, "fewer constraints, fewer layers, fewer nodes."),
        (Algorithm::Kpath, "Ask for the algorithm auto."),
        (Algorithm::Greedy, "Ask for the algorithm auto."),
        (Algorithm::Random, "Ask for the algorithm auto."),
    ] {
        let mut request = request("exhausted");
        request.options.solver.algorithm = algorithm;
        let job = fixture.submit_request(request).await;
        let error = fixture.finished(&job.id).await.error.unwrap();
        assert_eq!(error.code, JobErrorCode::NoPlacementFound);
        assert!(error.detail.ends_with(advice), "{algorithm:?}: {}", error.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_visible_while_a_job_runs() {
    let fixture = Fixture::new(|_: &PlanRequest, env: &Env<'_>| {
        env.progress.incumbent(&document(Status::Feasible, Termination::Exhausted, Some(2.0)));
        env.progress.lower_bound(1.5);
        env.progress.incumbent(&document(Status::Feasible, Termination::Exhausted, Some(3.0)));
        Ok(document(Status::Feasible, until_stopped(env), Some(2.0)))
    })
    .await;
    let job = fixture.submit("one").await;

    let job = fixture.wait_for(&job.id, |job| job.progress.is_some_and(|progress| progress.period_s.is_some())).await;

    assert_eq!(job.status, JobStatus::Running);
    let progress = job.progress.unwrap();
    assert_eq!((progress.period_s, progress.lower_bound_s, progress.gap), (Some(2.0), Some(1.5), Some(0.25)));
    let BestSoFar::Incumbent(text) = fixture.store.best_placement(&Tenant::default(), &job.id).await.unwrap() else {
        panic!("incumbent")
    };
    assert!(text.contains("\"period_s\":2.0"));
    fixture.queue.stop(&Tenant::default(), &job.id).await.unwrap();
    assert!(matches!(fixture.finished(&job.id).await.status, JobStatus::Succeeded));
    assert!(matches!(fixture.store.best_placement(&Tenant::default(), &job.id).await.unwrap(), BestSoFar::Stored(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_survives_heartbeats_beyond_its_first_lease() {
    let settings = QueueSettings { lease: Duration::from_millis(200), ..quick_settings() };
    let fixture = Fixture::in_folder(tempfile::tempdir().unwrap(), settings, in_vain).await;
    let mut request = request("one");
    request.options.solver.time_limit_s = 1.0;

    let job = fixture.submit_request(request).await;

    let job = fixture.finished(&job.id).await;
    assert_eq!((job.crashes, job.error.unwrap().code), (0, JobErrorCode::NoPlacementInTime));
}

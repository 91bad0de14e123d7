//! Tests of the queue, with substitutes for the planner.

mod endings;
mod inputs;
mod recovery;
mod space;
mod stopping;

use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::domain::placement::{
    Bottleneck, BottleneckKind, Pipeline, PlacementDocument, Stage, Status, Termination,
};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::{CheckFailure, Env, StopReason};
use tempfile::TempDir;

use super::{Queue, QueueSettings, Solver};
use crate::clock::{Clock, RandomIds, SystemClock};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::store::tests::{job_of, request, settings};
use crate::store::{Job, Store};

const LONG: Duration = Duration::from_secs(20);

type Answer = Result<PlacementDocument, CheckFailure>;

/// A queue with its own database, and the machine's clock.
struct Fixture {
    queue: Queue,
    store: Store,
    folder: TempDir,
}

impl Fixture {
    async fn new(solver: impl Solver) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), quick_settings(), solver).await
    }

    async fn in_folder(folder: TempDir, queue_settings: QueueSettings, solver: impl Solver) -> Self {
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open(&settings(&folder), clock.clone(), ids.clone()).await.unwrap();
        let queue = Queue::start(store.clone(), clock, ids, queue_settings, Arc::new(solver)).await.unwrap();
        Self { queue, store, folder }
    }

    /// Opens the same database as another process, with another solver.
    async fn restart(self, solver: impl Solver) -> Self {
        self.store.close().await;
        Self::in_folder(self.folder, quick_settings(), solver).await
    }

    /// Opens the same database as another process that recovers jobs but claims none.
    async fn restart_idle(self) -> Self {
        self.store.close().await;
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open(&settings(&self.folder), clock.clone(), ids.clone()).await.unwrap();
        let queue_settings = QueueSettings { workers: 0, ..quick_settings() };
        let queue = Queue::start(store.clone(), clock, ids, queue_settings, Arc::new(at_once)).await.unwrap();
        Self { queue, store, folder: self.folder }
    }

    async fn submit(&self, name: &str) -> Job {
        self.submit_request(request(name)).await
    }

    async fn submit_request(&self, request: PlanRequest) -> Job {
        self.queue.submit(job_of(&request), (Arc::new(request), 1000), None).await.unwrap().row
    }

    async fn finished(&self, id: &Id) -> Job {
        let job = self.store.job(&Tenant::default(), id).await.unwrap();
        let job = self.queue.wait_until_finished(&job, LONG).await.unwrap();
        assert!(job.is_finished(), "{job:?}");
        job
    }

    /// Waits until a job meets the condition.
    async fn wait_for(&self, id: &Id, wanted: impl Fn(&Job) -> bool) -> Job {
        let mut job = self.store.job(&Tenant::default(), id).await.unwrap();
        while !wanted(&job) {
            let changed = self.queue.wait_for_change(&job, LONG).await.unwrap();
            assert_ne!(changed.version, job.version, "nothing changed: {job:?}");
            job = changed;
        }
        job
    }
}

fn quick_settings() -> QueueSettings {
    QueueSettings {
        workers: 2,
        heartbeat: Duration::from_millis(20),
        lease: Duration::from_millis(1000),
        ..QueueSettings::default()
    }
}

fn document(status: Status, termination: Termination, period_s: Option<f64>) -> PlacementDocument {
    let stage = Stage {
        index: 0,
        node_id: "n1".to_owned(),
        layer_ids: vec!["a".to_owned()],
        constant_layer_ids: Vec::new(),
        param_bytes: 1,
        memory_bytes: 1,
        memory_capacity_bytes: 2,
        compute_s: 0.0,
        compute_share: None,
        receive: None,
        send: None,
    };
    let pipeline = |period_s: f64| Pipeline {
        period_s,
        rate_per_s: Some(1.0 / period_s),
        latency_s: period_s,
        bottleneck: Bottleneck { kind: BottleneckKind::Stage, stage_index: 0, medium_id: None },
        stages: vec![stage.clone()],
    };
    PlacementDocument {
        media: Vec::new(),
        status,
        termination,
        algorithm: Default::default(),
        seed: 0,
        period_s,
        throughput_per_s: period_s.map(|period_s| 1.0 / period_s),
        throughput_upper_bound_per_s: None,
        inferences_per_s: period_s.map(|period_s| 1.0 / period_s),
        latency_s: period_s,
        lower_bound_s: Some(1.0),
        latency_is_least: None,
        least_period_s: None,
        fastest: None,
        lower_bound_nodes: None,
        gap: period_s.map(|period_s| (period_s - 1.0) / period_s),
        cuts: None,
        pipelines: period_s.into_iter().map(pipeline).collect(),
        front: Vec::new(),
        migration: None,
        occupants: Vec::new(),
        warnings: Vec::new(),
        reasons: Vec::new(),
        solve_s: 0.0,
        solver_version: "test".to_owned(),
    }
}

/// Proves an optimum at once.
fn at_once(_: &PlanRequest, _: &Env<'_>) -> Answer {
    Ok(document(Status::Optimal, Termination::Optimal, Some(1.0)))
}

/// Searches until it is stopped, and has found nothing.
fn in_vain(_: &PlanRequest, env: &Env<'_>) -> Answer {
    Ok(document(Status::Unknown, until_stopped(env), None))
}

/// Reports an incumbent, then searches until it is stopped.
fn with_incumbent(period_s: f64) -> impl Solver {
    move |_: &PlanRequest, env: &Env<'_>| {
        env.progress.incumbent(&document(Status::Feasible, Termination::Exhausted, Some(period_s)));
        Ok(document(Status::Feasible, until_stopped(env), Some(period_s)))
    }
}

fn until_stopped(env: &Env<'_>) -> Termination {
    loop {
        match env.stop.reason() {
            Some(StopReason::Stopped) => return Termination::Stopped,
            Some(StopReason::TimeLimit) => return Termination::TimeLimit,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn now() -> Duration {
    std::sync::LazyLock::force(&START).monotonic()
}

static START: std::sync::LazyLock<SystemClock> = std::sync::LazyLock::new(SystemClock::new);

//! Tests of the store, and helpers that other modules' tests use.
//!
//! These are the conformance tests of both engines. They run on SQLite, and on PostgreSQL where the variable
//! CUTPOINT_TEST_POSTGRES_URL names a database: each test then has a schema of its own. Those in `sqlite` and `postgres`
//! are about what only one engine does.

mod clocks;
mod clusters;
mod copy;
mod damaged;
mod idempotency;
mod jobs;
mod keys;
mod leases;
mod lists;
mod models;
mod names;
mod placements;
mod postgres;
mod retention;
mod sqlite;
mod turns;
mod webhooks;
mod writer;

#[path = "../../../tests/it/postgres_url.rs"]
mod postgres_url;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::{Algorithm, PlanOptions};
use cutpoint_planner::domain::placement::{Status, Termination};
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::leases::{Claimed, Ending, Figures};
use super::{
    ClusterDocument, Idempotency, Job, JobCluster, JobModel, ModelDocument, NewJob, Order, Page, QueueLimits, Store,
    StoreSettings,
};
use crate::clock::{Ids, ManualClock, RandomIds};
use crate::domain::figures::PlacementFigures;
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;

/// A store in its own file, with a clock that stands still.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new());
        let store = Store::open(&settings(&folder), clock.clone(), Arc::new(RandomIds::default())).await.unwrap();
        Self { store, clock, folder }
    }

    /// Inserts a job of its own model and cluster.
    pub(crate) async fn insert(&self, name: &str) -> Job {
        let id = RandomIds::default().id(IdKind::Job);
        self.clock.advance(Duration::from_millis(1));
        self.store.insert_job(id, new_job(name), most(1000)).await.unwrap().row
    }

    pub(crate) async fn claim(&self) -> Claimed {
        self.store.claim_job("boot", Duration::from_secs(15), None).await.unwrap().unwrap()
    }

    /// Executes SQL without checks and foreign keys, as another program could.
    pub(crate) async fn damage(&self, statement: &'static str) {
        let url = settings(&self.folder).database_url;
        if on_postgres() {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let statements = AssertSqlSafe(format!("SET session_replication_role = replica; {statement}"));
            sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
            return connection.close().await.unwrap();
        }
        let options = SqliteConnectOptions::from_str(&url).unwrap();
        let mut connection = SqliteConnection::connect_with(&options.foreign_keys(false)).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Closes the store and returns what the database holds of keys: the file, or their rows.
    pub(crate) async fn stored_keys(&self) -> Vec<u8> {
        self.store.close().await;
        if !on_postgres() {
            return std::fs::read(self.folder.path().join("test.db")).unwrap();
        }
        let mut connection = PgConnection::connect(&settings(&self.folder).database_url).await.unwrap();
        let rows = sqlx::query_scalar("SELECT STRING_AGG(CAST(api_keys AS TEXT), ' ') FROM api_keys");
        let rows: String = rows.fetch_one(&mut connection).await.unwrap();
        rows.into_bytes()
    }

    /// Inserts a job and ends it with a placement.
    pub(crate) async fn insert_ended(&self, job: NewJob, status: Status) -> Job {
        let id = RandomIds::default().id(IdKind::Job);
        self.clock.advance(Duration::from_millis(1));
        self.store.insert_job(id, job, most(1000)).await.unwrap();
        let claimed = self.claim().await;
        self.store.end_job(&claimed.lease, Figures::default(), answered(status)).await.unwrap()
    }
}

/// Returns `true` if the tests run on PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    postgres_url::server().is_some()
}

/// The options of a store of this folder's own. Time is that of the test's clock.
pub(crate) fn settings(folder: &TempDir) -> StoreSettings {
    let url = postgres_url::of_folder(folder.path());
    let url = url.unwrap_or_else(|| format!("sqlite://{}", folder.path().join("test.db").display()));
    StoreSettings { follow_database_clock: false, connections: 4, ..StoreSettings::new(url) }
}

pub(crate) fn model(name: &str) -> ModelProfile {
    let layer = |id: &str| json!({ "id": id, "param_bytes": 1000, "output_bytes": 500, "flops": 10 });
    let document = json!({
        "name": name,
        "layers": [layer("a"), layer("b"), layer("c")],
        "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }]
    });
    ModelProfile::from_json(&document).unwrap()
}

pub(crate) fn cluster(name: &str) -> ClusterInventory {
    let document = json!({
        "name": name,
        "nodes": [{ "id": "n1", "memory_bytes": 100000 }, { "id": "n2", "memory_bytes": 100000 }],
        "links": [{ "from": "n1", "to": "n2", "bandwidth_bps": 0.1, "bidirectional": true }]
    });
    ClusterInventory::from_json(&document).unwrap()
}

pub(crate) fn request(name: &str) -> PlanRequest {
    let (model, cluster) = (Arc::new(model(name)), Arc::new(cluster(name)));
    PlanRequest { model, cluster, options: PlanOptions::default() }
}

pub(crate) fn job_of(request: &PlanRequest) -> NewJob {
    NewJob {
        tenant: Tenant::default(),
        key_id: None,
        model: JobModel::Inline(ModelDocument::new(&request.model)),
        cluster: JobCluster::Inline(ClusterDocument::new(&request.cluster)),
        options: request.options.clone(),
        labels: [("team".to_owned(), "edge".to_owned())].into(),
        named_placements: Vec::new(),
        idempotency: None,
    }
}

pub(crate) fn new_job(name: &str) -> NewJob {
    job_of(&request(name))
}

pub(crate) fn key(key: &str, fingerprint: &str) -> Option<Idempotency> {
    Some(Idempotency { key: key.to_owned(), fingerprint: fingerprint.to_owned() })
}

/// Returns limits with this number of waiting jobs and of jobs of a key.
pub(crate) fn most(jobs: u32) -> QueueLimits {
    QueueLimits { waiting: jobs, of_key: jobs }
}

fn page(limit: u32) -> Page {
    Page { limit, order: Order::NewestFirst, after: None }
}

pub(crate) fn answered(status: Status) -> Ending {
    let figures = Box::new(figures(status));
    Ending::Answered { figures, document: format!("{{\"status\": \"{status:?}\"}}") }
}

/// The figures of a placement on both nodes of [`cluster`], or of none.
pub(crate) fn figures(status: Status) -> PlacementFigures {
    let node_ids = if status == Status::Infeasible { Vec::new() } else { vec!["n1".to_owned(), "n2".to_owned()] };
    PlacementFigures {
        status,
        termination: Termination::Optimal,
        algorithm: Algorithm::Auto,
        period_s: None,
        throughput_per_s: None,
        throughput_upper_bound_per_s: None,
        inferences_per_s: None,
        latency_s: None,
        least_period_s: None,
        lower_bound_s: None,
        lower_bound_nodes: None,
        gap: None,
        pipelines: u64::from(!node_ids.is_empty()),
        stages: node_ids.len() as u64,
        node_ids,
    }
}

impl Store {
    /// Keeps the writer busy until something is sent to the returned channel.
    pub(crate) async fn hold_writer(&self) -> oneshot::Sender<()> {
        let (begun, begins) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let store = self.clone();
        tokio::spawn(async move {
            let write = store.write(move |_| {
                Box::pin(async move {
                    begun.send(()).unwrap();
                    released.await.unwrap();
                    Ok(())
                })
            });
            write.await.unwrap();
        });
        begins.await.unwrap();
        release
    }

    /// Lets leases and claims of dead processes run out, where a start must wait for that because others may live.
    pub(crate) async fn end_leases(&self) {
        if on_postgres() {
            self.tamper("UPDATE jobs SET lease_expires_at = 0 WHERE status = 'running'").await;
            self.tamper("UPDATE webhook_deliveries SET claimed_until = 0 WHERE claimed_until IS NOT NULL").await;
        }
    }

    /// Executes SQL without checks.
    pub(crate) async fn tamper(&self, statement: impl Into<String>) {
        let statement = AssertSqlSafe(statement.into());
        let write = self.write(move |connection| {
            Box::pin(async move {
                connection.run(statement).await?;
                Ok(())
            })
        });
        write.await.unwrap();
    }
}

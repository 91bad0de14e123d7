//! The service under test, and answers that were held against the contract.

use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use cutpoint::clock::{ManualClock, RandomIds, SystemClock};
use cutpoint::deployments::Deployments;
use cutpoint::domain::tenant::Tenant;
use cutpoint::http::{self, Api, Limits};
use cutpoint::jobs::{Planner, Queue, QueueSettings, Solver};
use cutpoint::store::{JobFilter, Order, Page, PlacementFilter, Space, Store, StoreSettings};
use cutpoint::webhook::Guard;
use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::placement::{
    Bottleneck, BottleneckKind, Pipeline, PlacementDocument, Stage, Status, Termination,
};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::{CheckFailure, Env};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tower::ServiceExt;

/// A router, and what stands behind it.
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    /// The clock of the API alone: it says how old what is known of the keys is.
    pub(crate) clock: Arc<ManualClock>,
    folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// The field of the answer that is a text.
    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field}: {self:?}")).to_owned()
    }

    /// Asserts a problem of this type, and gives the pointers of its faults.
    pub(crate) fn problem(&self, status: u16, name: &str) -> Vec<String> {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["type"], format!("/problems/{name}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        for error in &errors {
            assert!(error["detail"].is_string() && error["action"].is_string() && error["code"].is_string());
        }
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

/// Puts everything on the first node, at once.
pub(crate) fn first_node(request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    Ok(placement(request, env, Termination::Exhausted))
}

/// Finds the placement of [`first_node`], then searches until it is stopped.
pub(crate) fn patient(request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    env.progress.incumbent(&placement(request, env, Termination::Stopped));
    while env.stop.reason().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(placement(request, env, Termination::Stopped))
}

fn placement(request: &PlanRequest, env: &Env<'_>, termination: Termination) -> PlacementDocument {
    let node = &request.cluster.nodes[0];
    let stage = Stage {
        index: 0,
        node_id: node.id.clone(),
        layer_ids: request.model.layers.iter().map(|layer| layer.id.clone()).collect(),
        constant_layer_ids: Vec::new(),
        param_bytes: request.model.layers.iter().map(|layer| layer.param_bytes).sum(),
        memory_bytes: 1,
        memory_capacity_bytes: node.free_bytes(),
        compute_s: 0.5,
        compute_share: None,
        receive: None,
        send: None,
    };
    PlacementDocument {
        media: Vec::new(),
        status: Status::Feasible,
        termination,
        algorithm: Algorithm::Auto,
        seed: env.seed,
        period_s: Some(0.5),
        throughput_per_s: Some(2.0),
        throughput_upper_bound_per_s: None,
        inferences_per_s: Some(2.0),
        latency_s: Some(0.5),
        lower_bound_s: Some(0.25),
        latency_is_least: None,
        least_period_s: None,
        fastest: None,
        lower_bound_nodes: None,
        gap: Some(0.5),
        cuts: None,
        pipelines: vec![Pipeline {
            period_s: 0.5,
            rate_per_s: Some(2.0),
            latency_s: 0.5,
            bottleneck: Bottleneck { kind: BottleneckKind::Stage, stage_index: 0, medium_id: None },
            stages: vec![stage],
        }],
        front: Vec::new(),
        migration: None,
        occupants: Vec::new(),
        warnings: Vec::new(),
        reasons: Vec::new(),
        solve_s: 0.0,
        solver_version: "test".to_owned(),
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(first_node, QueueSettings::default(), Limits::default()).await
    }

    pub(crate) async fn with(solver: impl Solver, settings: QueueSettings, limits: Limits) -> Self {
        Self::guarded(solver, settings, limits, Guard::default()).await
    }

    pub(crate) async fn guarded(solver: impl Solver, settings: QueueSettings, limits: Limits, guard: Guard) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open(&database(&folder), clock, ids).await.unwrap();
        Self::serving(folder, store, solver, settings, limits, guard).await
    }

    /// On a copy of a database of `tests/data`.
    pub(crate) async fn of_database(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        std::fs::copy(file, folder.path().join(DATABASE)).unwrap();
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open(&database(&folder), clock, ids).await.unwrap();
        Self::serving(folder, store, Planner, QueueSettings::default(), Limits::default(), Guard::default()).await
    }

    /// On a disk, with a database of this many pages at the most.
    pub(crate) async fn on(space: Arc<dyn Space>, most_pages: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = StoreSettings { most_pages: Some(most_pages), ..database(&folder) };
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open_on(&database, space, clock, ids).await.unwrap();
        Self::serving(folder, store, first_node, QueueSettings::default(), Limits::default(), Guard::default()).await
    }

    async fn serving(
        folder: TempDir,
        store: Store,
        solver: impl Solver,
        settings: QueueSettings,
        limits: Limits,
        guard: Guard,
    ) -> Self {
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let queue = Queue::start(store.clone(), clock, ids.clone(), settings, Arc::new(solver)).await.unwrap();
        let clock = Arc::new(ManualClock::new());
        let api = Api::new(store.clone(), queue.clone(), clock.clone(), ids, limits, guard, true);
        Self { router: http::router(api), store, queue, clock, folder }
    }

    /// Looks at clusters with deployments, as the whole service does, until the answer is dropped.
    pub(crate) async fn watch_deployments(&self) -> Deployments {
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        Deployments::start(self.store.clone(), self.queue.clone(), clock, ids).await.unwrap()
    }

    /// Sends a request, and holds the answer against the OpenAPI document.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let answer = Answer { status: head.status, headers: head.headers, bytes };
        hold_against_contract(&method, &path, &answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request("GET", path, headers, Body::empty())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(request("DELETE", path, &[], Body::empty())).await
    }

    pub(crate) async fn delete_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request("DELETE", path, headers, Body::empty())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.write("POST", path, &[], body).await
    }

    pub(crate) async fn write(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.write_text(method, path, headers, body.to_string()).await
    }

    pub(crate) async fn write_text(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(request(method, path, &headers, body.into())).await
    }

    /// Writes SQL past every check and every reference, as whoever has the file can.
    pub(crate) async fn damage(&self, statement: &'static str) {
        let options = SqliteConnectOptions::from_str(&database(&self.folder).database_url).unwrap();
        let mut connection = SqliteConnection::connect_with(&options.foreign_keys(false)).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What jobs and placements were asked, as it is stored.
    pub(crate) async fn stored_options(&self) -> Vec<String> {
        let mut connection = SqliteConnection::connect(&database(&self.folder).database_url).await.unwrap();
        let select = "SELECT options FROM jobs UNION ALL SELECT options FROM placements";
        let options = sqlx::query_scalar(select).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        options
    }

    /// How many models, clusters, jobs and placements are stored.
    pub(crate) async fn rows(&self) -> [usize; 4] {
        let page = || Page { limit: 200, order: Order::NewestFirst, after: None };
        [
            self.store.models(&Tenant::default(), page()).await.unwrap().items.len(),
            self.store.clusters(&Tenant::default(), page()).await.unwrap().items.len(),
            self.store.jobs(&Tenant::default(), JobFilter::default(), page()).await.unwrap().items.len(),
            self.store.placements(&Tenant::default(), PlacementFilter::default(), page()).await.unwrap().items.len(),
        ]
    }
}

impl Service {
    /// How many pages the database has, free ones too: what its file grows by.
    pub(crate) async fn pages(&self) -> i64 {
        let options = SqliteConnectOptions::new().filename(self.folder.path().join(DATABASE)).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let pages = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        pages
    }
}

const DATABASE: &str = "http.db";

fn database(folder: &TempDir) -> StoreSettings {
    StoreSettings::new(format!("sqlite://{}", folder.path().join(DATABASE).display()))
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body).unwrap()
}

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::from_str(&http::openapi_json()).unwrap())
}

/// The operation that answers this; `None` for paths that the document leaves out.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(&parts).all(|(template, part)| template.starts_with('{') || template == part)
    };
    let (_, item) = document()["paths"].as_object()?.iter().find(|(template, _)| fits(template))?;
    item.get(method.as_str().to_ascii_lowercase())
}

/// An answer has a status that the operation lists, the media type of that status, and a body that validates.
fn hold_against_contract(method: &Method, path: &str, answer: &Answer) {
    let Some(operation) = operation(method, path) else { return };
    let response = operation["responses"].get(answer.status.as_str());
    let response = response.unwrap_or_else(|| panic!("{method} {path} does not list {}: {answer:?}", answer.status));
    hold_headers(&format!("{method} {path}"), response, answer);
    let Some(content) = response.get("content") else {
        assert!(answer.bytes.is_empty(), "{method} {path}: {answer:?}");
        return;
    };
    if answer.headers.contains_key("content-encoding") {
        return;
    }
    let media_type = answer.header("content-type").split(';').next().unwrap();
    let mut schema = content[media_type]["schema"].clone();
    assert!(schema.is_object(), "{method} {path} does not list the media type: {answer:?}");
    schema["components"] = document()["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let is_json = answer.header("content-type").ends_with("json");
    let body = if is_json { answer.json() } else { String::from_utf8_lossy(&answer.bytes).into() };
    let faults: Vec<String> = validator.iter_errors(&body).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{method} {path}: {faults:?}");
}

/// Headers that HTTP itself gives every answer its own way.
const STANDARD: [&str; 7] =
    ["content-type", "content-length", "content-encoding", "transfer-encoding", "vary", "cache-control", "date"];

/// An answer has no header that its operation does not list, and of those that it lists all but what depends on the
/// request.
fn hold_headers(place: &str, response: &Value, answer: &Answer) {
    let listed: Vec<String> = response["headers"].as_object().unwrap().keys().map(|name| name.to_lowercase()).collect();
    for name in answer.headers.keys().map(|name| name.as_str()) {
        assert!(STANDARD.contains(&name) || listed.iter().any(|listed| listed == name), "{place} does not list {name}");
    }
    for name in listed.iter().filter(|name| *name != "preference-applied") {
        assert!(answer.headers.contains_key(name), "{place} lists {name}: {answer:?}");
    }
}

/// A model of three layers.
pub(crate) fn model() -> Value {
    json!({
        "name": "tiny",
        "layers": [
            {"id": "input", "param_bytes": 0, "output_bytes": 100},
            {"id": "a", "param_bytes": 10, "output_bytes": 50, "flops": 1000},
            {"id": "b", "param_bytes": 20, "output_bytes": 5, "flops": 2000}
        ],
        "edges": [{"from": "input", "to": "a"}, {"from": "a", "to": "b"}]
    })
}

/// A cluster of two nodes.
pub(crate) fn cluster() -> Value {
    json!({
        "name": "lab",
        "nodes": [
            {"id": "n1", "memory_bytes": 1000, "flops_per_s": 1000.0},
            {"id": "n2", "memory_bytes": 1000, "flops_per_s": 1000.0}
        ],
        "network": {"kind": "full_mesh", "bandwidth_bps": 8000.0}
    })
}

/// A job with both inline.
pub(crate) fn job() -> Value {
    json!({"model": model(), "cluster": cluster()})
}

//! What is measured: the whole service in this process, on a free port, with its database in a temporary folder.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use cutpoint::clock::{RandomIds, SystemClock};
use cutpoint::domain::scope::Scope;
use cutpoint::domain::tenant::Tenant;
use cutpoint::http::{self, Api, ConnectionLimits, Limits};
use cutpoint::jobs::{Planner, Queue, QueueSettings};
use cutpoint::store::{NewKey, Store, StoreSettings};
use cutpoint::webhook::Guard;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const DATABASE: &str = "bench.db";

pub struct Target {
    pub address: SocketAddr,
    pub key: String,
    pub store: Store,
    queue: Queue,
    closing: CancellationToken,
    /// The folder of a database of its own.
    folder: Option<TempDir>,
}

impl Target {
    pub async fn start(settings: QueueSettings, limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join(DATABASE).display());
        Self { folder: Some(folder), ..Self::on(&url, settings, limits).await }
    }

    /// Starts it on the database of a URL.
    pub async fn on(url: &str, settings: QueueSettings, limits: Limits) -> Self {
        let (clock, ids) = (Arc::new(SystemClock::new()), Arc::new(RandomIds::default()));
        let store = Store::open(&StoreSettings::new(url), clock.clone(), ids.clone()).await.expect("a database");
        let key = NewKey { tenant: Tenant::default(), name: "bench".to_owned(), scope: Scope::Plan };
        let (_, key) = store.create_key(key).await.expect("a key");
        let queue = Queue::start(store.clone(), clock.clone(), ids.clone(), settings, Arc::new(Planner)).await;
        let queue = queue.expect("a queue");
        let router = http::router(Api::new(store.clone(), queue.clone(), clock, ids, limits, Guard::default(), false));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let closing = CancellationToken::new();
        tokio::spawn(http::serve(listener, router, ConnectionLimits::default(), closing.clone()));
        Self { address, key: key.reveal().to_owned(), store, queue, closing, folder: None }
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().expect("a database of its own").path()
    }

    /// The size of the database's main file.
    pub fn database_bytes(&self) -> u64 {
        std::fs::metadata(self.folder().join(DATABASE)).expect("a database").len()
    }

    /// The size of the write-ahead log, or 0 if there is none.
    pub fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.folder().join(format!("{DATABASE}-wal"))).map_or(0, |file| file.len())
    }

    pub async fn stop(self) {
        self.closing.cancel();
        self.queue.shutdown().await;
        self.store.close().await;
    }
}

/// An example file of the project.
pub fn example(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// MobileNetV2 on ten devices with radio links, both inline.
pub fn small_job() -> Value {
    let mut cluster = example("clusters/radio-20.json");
    let nodes = cluster["nodes"].as_array_mut().expect("nodes");
    nodes.truncate(10);
    json!({"model": example("models/MobileNetV2.json"), "cluster": cluster})
}

//! A site for tests: a store with a clock that is moved by hand, a queue with the real planner, and an orchestrator.

use std::sync::Arc;
use std::time::Duration;

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::placed::Placed;
use serde_json::{Value, json};

use crate::clock::{ManualClock, RandomIds};
use crate::deployments::worker::{self, Looked};
use crate::deployments::{ApplyError, Deployments};
use crate::domain::deployment::{DeploymentReason, HistoryKind, Policy};
use crate::domain::id::Id;
use crate::domain::tenant::Tenant;
use crate::jobs::{Planner, Queue, QueueSettings};
use crate::store::deployments::history::HistoryEntry;
use crate::store::tests::Fixture;
use crate::store::{ClusterDocument, Deployment, DeploymentChange, ModelDocument, NewDeployment, Order, Page};

/// How long a plan may take by the real clock before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Site {
    pub(super) fixture: Fixture,
    pub(super) queue: Queue,
    pub(super) deployments: Deployments,
    pub(super) tenant: Tenant,
    pub(super) cluster: Id,
    pub(super) inventory: Value,
    pub(super) clock: Arc<ManualClock>,
}

impl Site {
    pub(super) async fn new(inventory: Value) -> Self {
        let fixture = Fixture::new().await;
        let (clock, ids) = (fixture.clock.clone(), Arc::new(RandomIds::default()));
        let settings = QueueSettings { workers: 1, threads_per_job: 1, ..QueueSettings::default() };
        let queue = Queue::start(fixture.store.clone(), clock.clone(), ids.clone(), settings, Arc::new(Planner));
        let queue = queue.await.unwrap();
        let deployments = Deployments::idle(fixture.store.clone(), queue.clone(), clock.clone(), ids);
        let tenant = Tenant::default();
        let document = ClusterDocument::new(&ClusterInventory::from_json(&inventory).unwrap());
        let cluster = fixture.store.register_cluster(&tenant, document, None).await.unwrap().row.id;
        Self { fixture, queue, deployments, tenant, cluster, inventory, clock }
    }

    /// Stores the inventory as a new revision.
    pub(super) async fn revise(&self) {
        let store = &self.fixture.store;
        let newest = store.cluster(&self.tenant, &self.cluster, None).await.unwrap().revision;
        let document = ClusterDocument::new(&ClusterInventory::from_json(&self.inventory).unwrap());
        store.replace_cluster(&self.tenant, &self.cluster, newest, document).await.unwrap();
    }

    pub(super) async fn create(&self, model: &Value, policy: Policy) -> Id {
        let model = ModelDocument::new(&ModelProfile::from_json(model).unwrap());
        let store = &self.fixture.store;
        let model_id = store.register_model(&self.tenant, model, None).await.unwrap().row.id;
        let new = NewDeployment {
            tenant: self.tenant.clone(),
            name: "camera".to_owned(),
            model_id,
            cluster_id: self.cluster.clone(),
            options: json!({"cost_model": {"memory": "params"}, "solver": {"seed": 1}}),
            labels: [].into(),
            policy,
            idempotency: None,
        };
        store.create_deployment(new).await.unwrap().row.id
    }

    /// Replaces the options of a deployment.
    pub(super) async fn change_options(&self, id: &Id, options: Value) {
        let change = DeploymentChange { options: Some(options), ..DeploymentChange::default() };
        let version = self.row(id).await.version;
        self.fixture.store.change_deployment(&self.tenant, id, version, change).await.unwrap();
    }

    /// Replaces the policy of a deployment.
    pub(super) async fn change_policy(&self, id: &Id, policy: Policy) {
        let change = DeploymentChange { policy: Some(policy), ..DeploymentChange::default() };
        let version = self.row(id).await.version;
        self.fixture.store.change_deployment(&self.tenant, id, version, change).await.unwrap();
    }

    /// What has happened to a deployment, the oldest first.
    pub(super) async fn history(&self, id: &Id) -> Vec<HistoryEntry> {
        let page = Page { limit: 100, order: Order::OldestFirst, after: None };
        self.fixture.store.deployment_history(&self.tenant, id, page).await.unwrap().items
    }

    /// The same as kinds and reasons.
    pub(super) async fn told(&self, id: &Id) -> Vec<(HistoryKind, DeploymentReason)> {
        self.history(id).await.into_iter().map(|entry| (entry.kind, entry.reason)).collect()
    }

    pub(super) async fn row(&self, id: &Id) -> Deployment {
        self.fixture.store.deployment(&self.tenant, id).await.unwrap()
    }

    /// The nodes of a placement.
    pub(super) async fn nodes_of(&self, placement: &Id) -> Vec<String> {
        let document = self.fixture.store.placement(&self.tenant, placement).await.unwrap().document;
        let placed = Placed::from_json(&serde_json::from_str(&document).unwrap()).unwrap();
        placed.stages().map(|stage| stage.node_id.clone()).collect()
    }

    /// Looks at the cluster until nothing is to be done at this time, and no plan is open.
    pub(super) async fn settle(&self) {
        let waiting = async {
            loop {
                loop {
                    match worker::look_at_one(&self.deployments.inner).await.unwrap() {
                        Looked::AtOne => {}
                        Looked::AtNone => break,
                        Looked::Failed(_, error) => panic!("{error}"),
                    }
                }
                let site = self.fixture.store.site(&self.tenant, &self.cluster).await.unwrap();
                // One that has ended is looked at first.
                if site.plans.is_empty() && self.queue.is_idle().await.unwrap() {
                    break;
                }
                self.queue.wake();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a plan does not end");
    }

    /// Moves the clock in steps, and settles at each.
    pub(super) async fn pass(&self, by: Duration, steps: u32) {
        for _ in 0..steps {
            self.clock.advance(by / steps);
            self.settle().await;
        }
    }

    pub(super) async fn rows(&self) -> Vec<Deployment> {
        self.fixture.store.deployments_of_cluster(&self.tenant, &self.cluster).await.unwrap()
    }

    /// Applies what is proposed. Returns `false` if it does not fit any more.
    pub(super) async fn apply(&self, row: &Deployment) -> bool {
        let Some(proposed) = &row.proposed else { return false };
        let applied = self.deployments.apply(&self.tenant, &row.id, &proposed.placement_id, row.revision).await;
        match applied {
            Ok(_) => true,
            Err(ApplyError::Invalid { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A chain of layers with these bytes of parameters.
pub(super) fn chain(name: &str, params: &[u64]) -> Value {
    let input = json!({"id": "input", "op": "Input", "param_bytes": 0, "output_bytes": 1000});
    let layer = |(index, bytes): (usize, &u64)| json!({"id": format!("l{index}"), "param_bytes": bytes, "output_bytes": 1000 + 100 * index, "flops": 1_000_000});
    let layers: Vec<Value> = std::iter::once(input).chain(params.iter().enumerate().map(layer)).collect();
    let edge = |pair: &[Value]| json!({"from": pair[0]["id"], "to": pair[1]["id"]});
    let edges: Vec<Value> = layers.windows(2).map(edge).collect();
    json!({"name": name, "layers": layers, "edges": edges})
}

/// Nodes on one network.
pub(super) fn inventory(nodes: &[(u64, f64)]) -> Value {
    let node = |(index, (memory, flops)): (usize, &(u64, f64))| json!({"id": format!("n{index}"), "memory_bytes": memory, "flops_per_s": flops});
    let nodes: Vec<Value> = nodes.iter().enumerate().map(node).collect();
    json!({"name": "site", "nodes": nodes,
        "network": {"kind": "full_mesh", "bandwidth_bps": 1e8, "latency_s": 0.0005}})
}

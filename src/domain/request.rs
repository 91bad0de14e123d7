//! A planning request: a model, a cluster and options that fit them.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::Value;

use super::cluster::ClusterInventory;
use super::fault::{Fault, FaultCode};
use super::model::ModelProfile;
use super::options::PlanOptions;
use super::read::{Reader, Step};

/// Everything that determines a placement.
#[derive(Debug, Clone, Serialize)]
pub struct PlanRequest {
    /// The model to place.
    pub model: Arc<ModelProfile>,
    /// The cluster to place it on.
    pub cluster: Arc<ClusterInventory>,
    /// What is wanted of the placement.
    #[serde(flatten)]
    pub options: PlanOptions,
}

impl PlanRequest {
    /// Field names of the document; `labels` are for whoever keeps it.
    pub const FIELDS: [&'static str; 7] =
        ["model", "cluster", "objective", "constraints", "cost_model", "solver", "labels"];

    /// Reads a whole document that holds a request with its model and cluster inline.
    pub fn from_json(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new();
        let request = Self::read(&mut reader, value);
        reader.finish(request)
    }

    /// Reads a request with its model and cluster inline.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let model = reader.required(map, "model", ModelProfile::read).map(Arc::new);
        let cluster = reader.required(map, "cluster", ClusterInventory::read).map(Arc::new);
        reader.optional(map, "labels", Reader::labels);
        let options = PlanOptions::read(reader, map);
        Self::assemble(reader, model, cluster, options)
    }

    /// Puts a request together from parts that were read before. What the constraints name must exist; where the
    /// model or the cluster is missing (its own faults are recorded already), the other is still checked.
    pub fn assemble(
        reader: &mut Reader,
        model: Option<Arc<ModelProfile>>,
        cluster: Option<Arc<ClusterInventory>>,
        options: PlanOptions,
    ) -> Option<Self> {
        reader.within("constraints", |reader| {
            if let Some(cluster) = &cluster {
                check_nodes(reader, cluster, &options);
            }
            check_pins(reader, model.as_deref(), &options);
        });
        Some(Self { model: model?, cluster: cluster?, options })
    }
}

fn check_nodes(reader: &mut Reader, cluster: &ClusterInventory, options: &PlanOptions) {
    let constraints = &options.constraints;
    let ends = [("source_node", &constraints.source_node), ("sink_node", &constraints.sink_node)];
    let ends = ends.into_iter().filter_map(|(field, id)| id.as_ref().map(|id| (vec![Step::Field(field)], id)));
    let excluded = constraints.exclude_nodes.iter().enumerate();
    let excluded = excluded.map(|(index, id)| (vec![Step::Field("exclude_nodes"), Step::Index(index)], id));
    let pinned = constraints.pins.iter().enumerate();
    let pinned = pinned.map(|(index, pin)| (vec!["pins".into(), index.into(), "node_id".into()], &pin.node_id));
    for (below, id) in ends.chain(excluded).chain(pinned) {
        // An empty id stands for one that could not be read and has its fault.
        if !id.is_empty() && cluster.node_index(id).is_none() {
            let detail = format!("no node of the cluster has the id {id:?}");
            reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a node of this cluster");
        }
    }
}

fn check_pins(reader: &mut Reader, model: Option<&ModelProfile>, options: &PlanOptions) {
    let mut pinned_to: FxHashMap<&str, &str> = FxHashMap::default();
    let known =
        model.map(|model| model.layers.iter().map(|layer| layer.id.as_str()).collect::<rustc_hash::FxHashSet<_>>());
    for (index, pin) in options.constraints.pins.iter().enumerate() {
        let below = ["pins".into(), index.into(), "layer_id".into()];
        if pin.layer_id.is_empty() {
            continue;
        }
        if known.as_ref().is_some_and(|known| !known.contains(pin.layer_id.as_str())) {
            let detail = format!("no layer of the model has the id {:?}", pin.layer_id);
            reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a layer of this model");
        }
        match pinned_to.insert(&pin.layer_id, &pin.node_id) {
            Some(node_id) if node_id != pin.node_id => {
                let detail = format!("layer {:?} is pinned to node {node_id:?} already", pin.layer_id);
                reader.fault_at(&below, FaultCode::Conflict, detail, "Pin a layer to one node");
            }
            _ => {}
        }
    }
}

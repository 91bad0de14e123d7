//! A planning request: a model, a cluster and options that fit them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::cluster::ClusterInventory;
use super::fault::{Fault, FaultCode};
use super::known_compute::{self, ClusterSource};
use super::model::ModelProfile;
use super::options::{Objective, PlanOptions};
use super::read::{Owner, Reader, Step};

/// Everything that determines a placement.
#[derive(Debug, Clone, Serialize)]
pub struct PlanRequest {
    /// The model to place.
    pub model: Arc<ModelProfile>,
    /// The cluster on which to place the model.
    pub cluster: Arc<ClusterInventory>,
    /// The options of the placement.
    #[serde(flatten)]
    pub options: PlanOptions,
}

impl PlanRequest {
    /// The field names of the document. `labels` are only for the client.
    pub const FIELDS: [&'static str; 11] = [
        "model",
        "cluster",
        "objective",
        "constraints",
        "cost_model",
        "solver",
        "base",
        "max_period_ratio",
        "occupants",
        "pipelines",
        "labels",
    ];

    /// Reads a whole document that holds a request with its model and cluster inline.
    ///
    /// # Errors
    /// Returns every fault of the document, each with its place.
    ///
    /// # Examples
    ///
    /// ```
    /// use cutpoint_planner::domain::request::PlanRequest;
    /// use serde_json::json;
    ///
    /// let faults = PlanRequest::from_json(&json!({
    ///     "model": {"name": "m", "layers": [{"id": "a", "param_bytes": -1, "output_bytes": 4}]},
    ///     "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": "1 GiB"}]}
    /// }))
    /// .unwrap_err();
    ///
    /// let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    /// assert_eq!(places, ["/model/layers/0/param_bytes", "/cluster/nodes/0/memory_bytes"]);
    /// ```
    pub fn from_json(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new();
        let request = Self::read(&mut reader, value);
        reader.finish(request)
    }

    /// Reads a request with its model and cluster inline. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let model = reader.required(map, "model", ModelProfile::read).map(Arc::new);
        let cluster = reader.required(map, "cluster", ClusterInventory::read).map(Arc::new);
        reader.optional(map, "labels", Reader::labels);
        let options = PlanOptions::read(reader, map);
        Self::assemble(reader, model, (ClusterSource::Inline, cluster), options)
    }

    /// Assembles a request from parts that were read before. The layers and nodes that constraints
    /// name must exist, and of each node that may host stages it must be known how fast it computes,
    /// or of none (see [`known_compute`]). If the model or the cluster is missing, its own faults
    /// are recorded already, and the other is still checked.
    pub fn assemble(
        reader: &mut Reader,
        model: Option<Arc<ModelProfile>>,
        (source, cluster): (ClusterSource, Option<Arc<ClusterInventory>>),
        options: PlanOptions,
    ) -> Option<Self> {
        // What could not be read may be what says it.
        if let (Some(model), Some(cluster), false) = (&model, &cluster, reader.has_faults()) {
            known_compute::check(reader, model, (source, cluster), &options);
        }
        reader.within("constraints", |reader| {
            if let Some(cluster) = &cluster {
                check_nodes(reader, cluster, &options);
            }
            check_pins(reader, &options);
            if let Some(model) = &model {
                check_layers(reader, model, &options);
            }
        });
        check_replanning(reader, &options);
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
    let pinned = pinned.filter_map(|(index, pin)| Some((index, pin.node_id.as_ref()?)));
    let pinned = pinned.map(|(index, id)| (vec!["pins".into(), index.into(), "node_id".into()], id));
    for (below, id) in ends.chain(excluded).chain(pinned) {
        // An empty id stands for one that could not be read. Its fault is recorded already.
        if !id.is_empty() && cluster.node_index(id).is_none() {
            let detail = format!("no node of the cluster has the id {id:?}");
            reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a node of this cluster");
        }
    }
}

/// Checks that no layer is pinned to two nodes. Whether pins to labels can be met together is found
/// out by the planner.
fn check_pins(reader: &mut Reader, options: &PlanOptions) {
    let mut pinned_to: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, pin) in options.constraints.pins.iter().enumerate() {
        let Some(node_id) = pin.node_id.as_ref().filter(|_| !pin.layer_id.is_empty()) else { continue };
        match pinned_to.insert(&pin.layer_id, node_id) {
            Some(other) if other != node_id => {
                let below = ["pins".into(), index.into(), "layer_id".into()];
                let detail = format!("layer {:?} is pinned to node {other:?} already", pin.layer_id);
                reader.fault_at(&below, FaultCode::Conflict, detail, "Pin a layer to one node");
            }
            _ => {}
        }
    }
}

/// Checks that the layers that constraints name exist, and that no layer is to stay together with
/// itself.
fn check_layers(reader: &mut Reader, model: &ModelProfile, options: &PlanOptions) {
    let constraints = &options.constraints;
    let pinned = constraints.pins.iter().enumerate();
    let pinned = pinned.map(|(index, pin)| (vec!["pins".into(), index.into(), "layer_id".into()], &pin.layer_id));
    let together = constraints.colocate.iter().enumerate().flat_map(|(index, colocation)| {
        let below = move |at: usize| vec!["colocate".into(), index.into(), "layer_ids".into(), at.into()];
        colocation.layer_ids.iter().enumerate().map(move |(at, id)| (below(at), id))
    });
    // An empty id stands for one that could not be read. Its fault is recorded already.
    for (below, id) in pinned.chain(together).filter(|(_, id)| !id.is_empty()) {
        match model.layer_index(id) {
            None => {
                let detail = format!("no layer of the model has the id {id:?}");
                reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a layer of this model");
            }
            Some(layer) if model.is_constant(layer) => refuse_constant(reader, model, layer, &below),
            Some(_) => {}
        }
    }
    for (index, colocation) in constraints.colocate.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for (at, id) in colocation.layer_ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            if !seen.insert(id) {
                let below: [Step; 4] = ["colocate".into(), index.into(), "layer_ids".into(), at.into()];
                let detail = format!("layer {id:?} stands here already");
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Name each layer once");
            }
        }
    }
}

/// Records a fault for a constraint on a constant. Each stage that needs a constant has a copy,
/// wherever it runs.
fn refuse_constant(reader: &mut Reader, model: &ModelProfile, constant: usize, below: &[Step]) {
    const MOST_NAMED: usize = 3;
    let id = &model.layers[constant].id;
    let readers = model.readers_of_constant(constant);
    let mut names: Vec<String> =
        readers.iter().take(MOST_NAMED).map(|&layer| format!("{:?}", model.layers[layer].id)).collect();
    if readers.len() > MOST_NAMED {
        names.push(format!("{} more", readers.len() - MOST_NAMED));
    }
    let detail = format!("layer {id:?} is constant: no input reaches it, and each stage that needs it has a copy");
    let action = match names.split_last() {
        None => "Remove it: no layer needs this one".to_owned(),
        Some((only, [])) => format!("Name the layer that needs it: {only}"),
        Some((last, others)) => format!("Name the layers that need it: {} and {last}", others.join(", ")),
    };
    reader.owned_by(Some(Owner::Layer(id.clone())), |reader| {
        reader.fault_at(below, FaultCode::Conflict, detail, action);
    });
}

/// Checks replanning: bytes shipped are compared only with the period.
fn check_replanning(reader: &mut Reader, options: &PlanOptions) {
    if options.base.is_some() && options.objective != Objective::MaxThroughput {
        let detail = "a base goes with the objective max_throughput alone";
        let action = "Set kind to max_throughput, or leave the base out";
        reader.fault_at(&["objective".into(), "kind".into()], FaultCode::Conflict, detail, action);
    }
    if options.base.is_none() && options.max_period_ratio.is_some() {
        let detail = "max_period_ratio goes with a base alone";
        let action = "Remove it, or give the placement that runs already";
        reader.fault_at(&["max_period_ratio".into()], FaultCode::Conflict, detail, action);
    }
}

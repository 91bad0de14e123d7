//! The inputs of a planning request: model and cluster, inline or by id, and placements.

use std::sync::Arc;

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::known_compute::ClusterSource;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use serde_json::{Map, Value};

use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::http::api::{Api, Limits};
use crate::http::compute::{compute, compute_apart};
use crate::http::problem::{Problem, ProblemType};
use crate::http::request::named_placements::NamedPlacements;
use crate::http::request::stored::{found, read_stored};
use crate::store::{ClusterDocument, JobCluster, JobModel, ModelDocument};

/// The inputs that a request refers to. One with a fault is absent.
#[derive(Debug)]
pub struct Inputs {
    model: Option<ModelInput>,
    cluster: Option<ClusterInput>,
    placements: NamedPlacements,
}

#[derive(Debug)]
enum ModelInput {
    Stored(String),
    Inline(Arc<ModelProfile>),
}

#[derive(Debug)]
enum ClusterInput {
    Stored { id: String, revision: Option<u64> },
    Inline(Arc<ClusterInventory>),
}

/// A valid request, with the references of a job to its model and cluster.
#[derive(Debug)]
pub struct Resolved {
    /// The request.
    pub request: PlanRequest,
    /// Its model if registered, or `None` if the request contains it.
    pub model: Option<Id>,
    /// Its cluster.
    pub cluster: JobCluster,
    /// The size of its JSON, bytes.
    pub bytes: usize,
}

impl Inputs {
    /// Reads the inputs from a request's members.
    pub fn read(reader: &mut Reader, map: &Map<String, Value>, limits: &Limits) -> Self {
        let model_id = reader.optional(map, "model_id", Reader::id).map(ModelInput::Stored);
        let model = reader.optional(map, "model", |reader, value| limits.read_model(reader, value));
        let model = model.map(|model| ModelInput::Inline(Arc::new(model)));
        let cluster_id = reader.optional(map, "cluster_id", Reader::id);
        let read_revision = |reader: &mut Reader, value: &Value| reader.integer(value, 1, MAX_SAFE_INTEGER);
        let revision = reader.optional(map, "cluster_revision", read_revision);
        let cluster = reader.optional(map, "cluster", |reader, value| limits.read_cluster(reader, value));
        one_of_two(reader, map, "model", "model_id");
        one_of_two(reader, map, "cluster", "cluster_id");
        if map.contains_key("cluster_revision") && !map.contains_key("cluster_id") {
            let detail = "cluster_revision goes with cluster_id alone";
            reader.fault_at(&["cluster_revision".into()], FaultCode::Conflict, detail, "Remove it, or give cluster_id");
        }
        let placements = NamedPlacements::read(reader, map);
        let cluster_id = cluster_id.map(|id| ClusterInput::Stored { id, revision });
        Self {
            // Giving both is a fault; then the id is not looked up.
            model: model.or(model_id),
            cluster: cluster.map(|cluster| ClusterInput::Inline(Arc::new(cluster))).or(cluster_id),
            placements,
        }
    }

    /// Returns the ids of stored placements, each once.
    pub fn named_placements(&self) -> Vec<Id> {
        self.placements.ids()
    }
}

fn one_of_two(reader: &mut Reader, map: &Map<String, Value>, inline: &'static str, by_id: &'static str) {
    match (map.contains_key(inline), map.contains_key(by_id)) {
        (true, true) => {
            let detail = format!("{by_id} and {inline} are both given");
            reader.fault_at(&[by_id.into()], FaultCode::Conflict, detail, "Give one of the two");
        }
        (false, false) => {
            let detail = format!("neither {inline} nor {by_id} is given");
            reader.fault_at(&[inline.into()], FaultCode::Missing, detail, format!("Give {inline} or {by_id}"));
        }
        _ => {}
    }
}

/// A stored document and a job's reference to it.
struct Stored<R> {
    reference: R,
    text: String,
}

/// Fetches the inputs and assembles the request.
///
/// # Errors
/// 404 if the only faults are unknown ids, else 422 with every fault.
pub async fn resolve(
    api: &Api,
    tenant: &Tenant,
    mut reader: Reader,
    mut inputs: Inputs,
    mut options: PlanOptions,
    bytes: usize,
) -> Result<Resolved, Problem> {
    std::mem::take(&mut inputs.placements).resolve(api, tenant, &mut reader, &mut options).await?;
    let model = match &inputs.model {
        Some(ModelInput::Stored(id)) => stored_model(api, tenant, &mut reader, id).await?,
        _ => None,
    };
    let cluster = match &inputs.cluster {
        Some(ClusterInput::Stored { id, revision }) => stored_cluster(api, tenant, &mut reader, id, *revision).await?,
        _ => None,
    };
    let bytes = bytes + stored_bytes(&model, &cluster);
    let assembled = move || assemble(reader, inputs, options, model, cluster, bytes);
    compute(bytes, assembled).await
}

/// Returns the model to store a row with: the registered one, or the one that the request contains.
pub async fn stored_or_inline(model: Option<Id>, profile: &Arc<ModelProfile>) -> JobModel {
    match model {
        Some(id) => JobModel::Registered(id),
        None => {
            // Even a small profile can have many cuts to count.
            JobModel::Inline(match ModelDocument::counted(profile) {
                Some(counted) => counted,
                None => {
                    let profile = Arc::clone(profile);
                    compute_apart(move || ModelDocument::new(&profile)).await
                }
            })
        }
    }
}

fn stored_bytes(model: &Option<Stored<Id>>, cluster: &Option<Stored<(Id, u64)>>) -> usize {
    model.as_ref().map_or(0, |model| model.text.len()) + cluster.as_ref().map_or(0, |cluster| cluster.text.len())
}

async fn stored_model(
    api: &Api,
    tenant: &Tenant,
    reader: &mut Reader,
    id: &str,
) -> Result<Option<Stored<Id>>, Problem> {
    let found = match Id::parse(IdKind::Model, id) {
        Some(id) => found(api.store.model_document(tenant, &id).await)?.map(|text| Stored { reference: id, text }),
        None => None,
    };
    if found.is_none() {
        let detail = format!("there is no model {id:?}");
        let action = "Give the id of a registered model, or the model itself under model";
        reader.fault_at(&["model_id".into()], FaultCode::UnknownReference, detail, action);
    }
    Ok(found)
}

async fn stored_cluster(
    api: &Api,
    tenant: &Tenant,
    reader: &mut Reader,
    id: &str,
    revision: Option<u64>,
) -> Result<Option<Stored<(Id, u64)>>, Problem> {
    let known = Id::parse(IdKind::Cluster, id);
    if let Some(id) = &known
        && let Some((row, text)) = found(api.store.cluster_document(tenant, id, revision).await)?
    {
        return Ok(Some(Stored { reference: (row.id, row.revision), text }));
    }
    let other_revision = match (&known, revision) {
        (Some(id), Some(_)) => found(api.store.cluster(tenant, id, None).await)?.is_some(),
        _ => false,
    };
    if other_revision {
        let detail = format!("cluster {id:?} has no revision {}", revision.unwrap_or_default());
        let action = "Give a revision that the cluster has, or leave it out for the newest";
        reader.fault_at(&["cluster_revision".into()], FaultCode::UnknownReference, detail, action);
    } else {
        let action = "Give the id of a registered cluster, or the cluster itself under cluster";
        let detail = format!("there is no cluster {id:?}");
        reader.fault_at(&["cluster_id".into()], FaultCode::UnknownReference, detail, action);
    }
    Ok(None)
}

fn assemble(
    mut reader: Reader,
    inputs: Inputs,
    options: PlanOptions,
    model: Option<Stored<Id>>,
    cluster: Option<Stored<(Id, u64)>>,
    bytes: usize,
) -> Result<Resolved, Problem> {
    let model_profile = match (inputs.model, &model) {
        (Some(ModelInput::Inline(model)), _) => Some(model),
        (_, Some(stored)) => Some(Arc::new(read_stored(&stored.text, ModelProfile::from_json)?)),
        _ => None,
    };
    let inventory = match (inputs.cluster, &cluster) {
        (Some(ClusterInput::Inline(cluster)), _) => (ClusterSource::Inline, Some(cluster)),
        (_, Some(stored)) => {
            (ClusterSource::ById, Some(Arc::new(read_stored(&stored.text, ClusterInventory::from_json)?)))
        }
        _ => (ClusterSource::ById, None),
    };
    let request = PlanRequest::assemble(&mut reader, model_profile, inventory, options);
    let request = reader.finish(request).map_err(unknown_or_invalid)?;
    let model = model.map(|stored| stored.reference);
    let cluster = match cluster {
        Some(Stored { reference: (id, revision), .. }) => JobCluster::Registered { id, revision },
        None => JobCluster::Inline(ClusterDocument::new(&request.cluster)),
    };
    Ok(Resolved { request, model, cluster, bytes })
}

fn unknown_or_invalid(faults: Vec<Fault>) -> Problem {
    let stored = ["/model_id", "/cluster_id", "/cluster_revision", "/base_placement_id", "/origin_placement_id"];
    let names_stored = |fault: &Fault| stored.contains(&&*fault.pointer) || fault.pointer.starts_with("/occupied_by/");
    let all_unknown = faults.iter().all(|fault| fault.code == FaultCode::UnknownReference && names_stored(fault));
    if all_unknown && !faults.is_empty() {
        let details: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
        return Problem::new(ProblemType::NotFound, details.join("; ")).with_errors(faults);
    }
    Problem::invalid_request(faults)
}

//! Limits of what a document may hold, beside what the domain itself refuses.

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::SolverOptions;
use cutpoint_planner::domain::read::Reader;
use serde_json::{Map, Value};

use crate::http::api::Limits;

/// The most labels of a job: each is a row where filters find it.
pub(crate) const MOST_LABELS: usize = 64;
/// The most stored placements that a request may name in `occupied_by`: each is read, with its cluster.
pub(crate) const MOST_OCCUPIED_BY: usize = 100;

impl Limits {
    /// Reads a profile that has no more layers than may be.
    pub(crate) fn read_model(&self, reader: &mut Reader, value: &Value) -> Option<ModelProfile> {
        fits(reader, value.get("layers"), "layers", self.layers).then(|| ModelProfile::read(reader, value)).flatten()
    }

    /// Reads an inventory that has no more nodes and links than may be.
    pub(crate) fn read_cluster(&self, reader: &mut Reader, value: &Value) -> Option<ClusterInventory> {
        let nodes_fit = fits(reader, value.get("nodes"), "nodes", self.nodes);
        let links_fit = fits(reader, value.get("links"), "links", self.links);
        (nodes_fit && links_fit).then(|| ClusterInventory::read(reader, value)).flatten()
    }

    /// Whether constraints exclude no more nodes than a cluster may have: each node is looked up among them.
    pub(crate) fn admit_constraints(&self, reader: &mut Reader, map: &Map<String, Value>) -> bool {
        let excluded = map.get("constraints").and_then(|constraints| constraints.get("exclude_nodes"));
        reader.within("constraints", |reader| fits(reader, excluded, "exclude_nodes", self.nodes))
    }

    /// Keeps the time limit of a solve within what may be: one that is asked for is a fault, the default gives way.
    pub(crate) fn bound_time(&self, reader: &mut Reader, map: &Map<String, Value>, solver: &mut SolverOptions) {
        if solver.time_limit_s <= self.time_limit_s {
            return;
        }
        if map.get("solver").is_some_and(|solver| solver.get("time_limit_s").is_some()) {
            let detail = format!("a time limit of {} s", solver.time_limit_s);
            let action = format!("Give at most {} s, which is the limit of this service", self.time_limit_s);
            reader.fault_at(&["solver".into(), "time_limit_s".into()], FaultCode::OutOfRange, detail, action);
        }
        solver.time_limit_s = self.time_limit_s;
    }
}

/// Whether a list or a map of a document, if there is one, is short enough to be read at all.
pub(crate) fn fits(reader: &mut Reader, members: Option<&Value>, name: &'static str, most: usize) -> bool {
    let count = match members {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(map)) => map.len(),
        _ => 0,
    };
    if count > most {
        let action = format!("Give at most {most}, which is the limit of this service");
        reader.fault_at(&[name.into()], FaultCode::OutOfRange, format!("{count} {name}"), action);
    }
    count <= most
}

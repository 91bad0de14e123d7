//! Limits of what a document may hold, beside what the domain itself refuses.

use serde_json::{Map, Value};

use super::api::Limits;
use crate::domain::cluster::ClusterInventory;
use crate::domain::fault::FaultCode;
use crate::domain::model::ModelProfile;
use crate::domain::options::SolverOptions;
use crate::domain::read::Reader;

impl Limits {
    /// Reads a profile that has no more layers than may be.
    pub(super) fn read_model(&self, reader: &mut Reader, value: &Value) -> Option<ModelProfile> {
        fits(reader, value, "layers", self.layers).then(|| ModelProfile::read(reader, value)).flatten()
    }

    /// Reads an inventory that has no more nodes and links than may be.
    pub(super) fn read_cluster(&self, reader: &mut Reader, value: &Value) -> Option<ClusterInventory> {
        let nodes_fit = fits(reader, value, "nodes", self.nodes);
        let links_fit = fits(reader, value, "links", self.links);
        (nodes_fit && links_fit).then(|| ClusterInventory::read(reader, value)).flatten()
    }

    /// Keeps the time limit of a solve within what may be: one that is asked for is a fault, the default gives way.
    pub(super) fn bound_time(&self, reader: &mut Reader, map: &Map<String, Value>, solver: &mut SolverOptions) {
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

/// Whether a list of a document is short enough to be read at all.
pub(super) fn fits(reader: &mut Reader, value: &Value, list: &'static str, most: usize) -> bool {
    let count = value.get(list).and_then(Value::as_array).map_or(0, Vec::len);
    if count > most {
        let action = format!("Give at most {most}, which is the limit of this service");
        reader.fault_at(&[list.into()], FaultCode::OutOfRange, format!("{count} {list}"), action);
    }
    count <= most
}

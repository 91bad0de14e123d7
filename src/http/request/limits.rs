//! Configured limits on documents, in addition to the limits of the domain.

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::SolverOptions;
use cutpoint_planner::domain::read::Reader;
use serde_json::{Map, Value};

use crate::http::api::Limits;

/// The most labels of a job. Each is a row in a table for filters.
pub(crate) const MOST_LABELS: usize = 64;
/// The most stored placements in `occupied_by`. Each is read with its cluster.
pub(crate) const MOST_OCCUPIED_BY: usize = 100;

impl Limits {
    /// Reads a profile within the limit on layers.
    pub(crate) fn read_model(&self, reader: &mut Reader, value: &Value) -> Option<ModelProfile> {
        fits(reader, value.get("layers"), "layers", self.layers).then(|| ModelProfile::read(reader, value)).flatten()
    }

    /// Reads an inventory within the limits on nodes and links. Segments are links, and switches, stations and rows of a
    /// matrix are nodes.
    pub(crate) fn read_cluster(&self, reader: &mut Reader, value: &Value) -> Option<ClusterInventory> {
        let nodes_fit = fits(reader, value.get("nodes"), "nodes", self.nodes);
        let links_fit = fits(reader, value.get("links"), "links", self.links);
        let network = value.get("network");
        let network_fits = reader.within("network", |reader| {
            let of_nodes = ["switches", "stations", "wired", "node_ids"].map(|name| (name, self.nodes));
            let lists = of_nodes.into_iter().chain([("segments", self.links)]);
            let fit = lists.map(|(name, most)| fits(reader, network.and_then(|network| network.get(name)), name, most));
            fit.fold(true, |all, fits| all & fits)
        });
        (nodes_fit && links_fit && network_fits).then(|| ClusterInventory::read(reader, value)).flatten()
    }

    /// Returns `true` if constraints exclude no more nodes than a cluster may have. Each node is looked up among them.
    pub(crate) fn admit_constraints(&self, reader: &mut Reader, map: &Map<String, Value>) -> bool {
        let excluded = map.get("constraints").and_then(|constraints| constraints.get("exclude_nodes"));
        reader.within("constraints", |reader| fits(reader, excluded, "exclude_nodes", self.nodes))
    }

    /// Applies the maximum time limit. A given limit above it is a fault; the default is lowered to it.
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

/// Returns `true` if a list or a map of a document is absent or short enough to be read.
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

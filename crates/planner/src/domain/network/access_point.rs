//! Stations that share the channel of an access point, and nodes that are wired to it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::read_latency;
use crate::domain::fault::FaultCode;
use crate::domain::read::Reader;

/// An access point. A transfer between two stations occupies the channel twice, one between a station and a wired node
/// once, one between two wired nodes not at all.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct AccessPoint {
    /// The channel: what has the same name elsewhere shares it.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub medium: String,
    /// Seconds that every transfer takes in addition, over one turn or two.
    #[cfg_attr(feature = "schema", schema(default = 0.0, required = false, minimum = 0, maximum = 1e100))]
    pub latency_s: f64,
    /// Nodes on the channel.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub stations: Vec<Station>,
    /// Nodes on a wire of their own, which carries both directions at once.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub wired: Vec<Station>,
}

/// A node with its rate to and from the access point.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Station {
    /// The node.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub node_id: String,
    /// Bits per second.
    #[cfg_attr(feature = "schema", schema(minimum = 1e-100, maximum = 1e100))]
    pub bandwidth_bps: f64,
}

impl AccessPoint {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 5] = ["kind", "medium", "latency_s", "stations", "wired"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let medium = reader.required(map, "medium", Reader::id);
        let latency_s = read_latency(reader, map);
        let stations = reader.optional(map, "stations", |reader, value| reader.items(value, Station::read));
        let wired = reader.optional(map, "wired", |reader, value| reader.items(value, Station::read));
        // What could not be read has its fault; an empty id stands for it, so that pointers to the others stay right.
        let read = |stations: Option<Vec<Option<Station>>>| -> Vec<Station> {
            let unread = || Station { node_id: String::new(), bandwidth_bps: 1.0 };
            stations.unwrap_or_default().into_iter().map(|station| station.unwrap_or_else(unread)).collect()
        };
        Some(Self { medium: medium?, latency_s, stations: read(stations), wired: read(wired) })
    }

    /// Records what does not fit the nodes.
    pub fn check(&self, reader: &mut Reader, index_of: &BTreeMap<String, usize>) {
        let mut seen: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
        for (list, stations) in [("stations", &self.stations), ("wired", &self.wired)] {
            for (index, Station { node_id, .. }) in stations.iter().enumerate().filter(|(_, at)| !at.node_id.is_empty())
            {
                let below = [list.into(), index.into(), "node_id".into()];
                if !index_of.contains_key(node_id) {
                    let detail = format!("no node has the id {node_id:?}");
                    reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a node of this cluster");
                }
                if let Some((list, first)) = seen.insert(node_id, (list, index)) {
                    let detail = format!("{node_id:?} stands at {list}/{first} already");
                    reader.fault_at(&below, FaultCode::Duplicate, detail, "List each node once");
                }
            }
        }
    }
}

impl Station {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 2] = ["node_id", "bandwidth_bps"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let node_id = reader.required(map, "node_id", Reader::id);
        let bandwidth_bps = reader.required(map, "bandwidth_bps", Reader::positive);
        Some(Self { node_id: node_id?, bandwidth_bps: bandwidth_bps? })
    }
}

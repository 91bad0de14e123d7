//! Occupants: placements of other models that run on the same cluster, and the effect of a new
//! placement on them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::FaultCode;
use super::read::{Reader, Step};

/// The most characters of a medium's id: two ids of nodes, and what stands between them.
const MAX_MEDIUM_CHARS: usize = 1024;

/// A placement that runs already and goes on running.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Occupant {
    /// What to call it; unique in the request.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub id: String,
    /// Passes per second that it runs at, each of one batch of its model.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1e100))]
    pub rate_per_s: f64,
    /// Its period while nobody else is there.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1e100))]
    pub period_s: f64,
    /// What it takes of nodes.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub nodes: Vec<OccupiedNode>,
    /// What it takes of directed links.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub hops: Vec<OccupiedHop>,
    /// What it takes of media that have an id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub media: Vec<OccupiedMedium>,
}

/// What an occupant takes of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct OccupiedNode {
    /// The node.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub node_id: String,
    /// Bytes of memory.
    #[cfg_attr(feature = "schema", schema(default = 0, required = false, maximum = 9007199254740991_i64))]
    pub memory_bytes: u64,
    /// Seconds of compute for one pass, the node unshared.
    #[cfg_attr(feature = "schema", schema(default = 0, required = false, minimum = 0, maximum = 1e100))]
    pub compute_s: f64,
}

/// What an occupant takes of a directed link.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct OccupiedHop {
    /// The sending node.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub from_node_id: String,
    /// The receiving node.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub to_node_id: String,
    /// Seconds on the link for one pass, without the link's latency, the link unshared.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1e100))]
    pub transfer_s: f64,
}

/// What an occupant takes of a medium.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct OccupiedMedium {
    /// The medium: its name, or the id that placements give one that nobody named.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 1024))]
    pub id: String,
    /// Seconds on the medium for one pass, the medium unshared.
    #[cfg_attr(feature = "schema", schema(minimum = 0, maximum = 1e100))]
    pub occupied_s: f64,
}

/// What the newcomer does to an occupant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct OccupantEffect {
    /// The occupant.
    pub id: String,
    /// Its period before.
    pub period_s: f64,
    /// Its period beside the newcomer.
    pub new_period_s: f64,
}

impl Occupant {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 6] = ["id", "rate_per_s", "period_s", "nodes", "hops", "media"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let id = reader.required(map, "id", Reader::id);
        let rate_per_s = reader.required(map, "rate_per_s", Reader::non_negative);
        let period_s = reader.required(map, "period_s", Reader::non_negative);
        let nodes = reader.optional(map, "nodes", |reader, value| reader.items(value, OccupiedNode::read));
        let hops = reader.optional(map, "hops", |reader, value| reader.items(value, OccupiedHop::read));
        let media = reader.optional(map, "media", |reader, value| reader.items(value, OccupiedMedium::read));
        let (nodes, hops, media) = (nodes.unwrap_or_default(), hops.unwrap_or_default(), media.unwrap_or_default());
        let node_id = |node: &OccupiedNode| node.node_id.clone();
        reader.within("nodes", |reader| refuse_twins(reader, &nodes, "node", node_id, "node_id"));
        let pair = |hop: &OccupiedHop| (hop.from_node_id.clone(), hop.to_node_id.clone());
        reader.within("hops", |reader| refuse_twins(reader, &hops, "link", pair, "to_node_id"));
        let medium_id = |medium: &OccupiedMedium| medium.id.clone();
        reader.within("media", |reader| refuse_twins(reader, &media, "medium", medium_id, "id"));
        Some(Self {
            id: id?,
            rate_per_s: rate_per_s?,
            period_s: period_s?,
            nodes: nodes.into_iter().flatten().collect(),
            hops: hops.into_iter().flatten().collect(),
            media: media.into_iter().flatten().collect(),
        })
    }
}

impl OccupiedNode {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 3] = ["node_id", "memory_bytes", "compute_s"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let node_id = reader.required(map, "node_id", Reader::id);
        let memory_bytes = reader.optional(map, "memory_bytes", Reader::size).unwrap_or(0);
        let compute_s = reader.optional(map, "compute_s", Reader::non_negative).unwrap_or(0.0);
        Some(Self { node_id: node_id?, memory_bytes, compute_s })
    }
}

impl OccupiedHop {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 3] = ["from_node_id", "to_node_id", "transfer_s"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let from_node_id = reader.required(map, "from_node_id", Reader::id);
        let to_node_id = reader.required(map, "to_node_id", Reader::id);
        let transfer_s = reader.required(map, "transfer_s", Reader::non_negative);
        if from_node_id.is_some() && from_node_id == to_node_id {
            let action = "Leave it out: what stays on a node takes no link";
            reader.fault_at(&["to_node_id".into()], FaultCode::SelfLoop, "a link from a node to itself", action);
        }
        Some(Self { from_node_id: from_node_id?, to_node_id: to_node_id?, transfer_s: transfer_s? })
    }
}

impl OccupiedMedium {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 2] = ["id", "occupied_s"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let id = reader.required(map, "id", |reader, value| reader.text(value, MAX_MEDIUM_CHARS));
        let occupied_s = reader.required(map, "occupied_s", Reader::non_negative);
        Some(Self { id: id?, occupied_s: occupied_s? })
    }
}

/// Reads the occupants of a request, each with an id of its own.
pub fn read_occupants(reader: &mut Reader, value: &Value) -> Option<Vec<Occupant>> {
    let occupants = reader.items(value, Occupant::read)?;
    refuse_twins(reader, &occupants, "occupant", |occupant: &Occupant| occupant.id.clone(), "id");
    Some(occupants.into_iter().flatten().collect())
}

fn refuse_twins<T, K: Ord>(
    reader: &mut Reader,
    items: &[Option<T>],
    what: &str,
    key: impl Fn(&T) -> K,
    field: &'static str,
) {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        if item.as_ref().is_some_and(|item| !seen.insert(key(item))) {
            let below = [Step::Index(index), field.into()];
            let detail = format!("this {what} stands here already");
            reader.fault_at(&below, FaultCode::Duplicate, detail, format!("Name each {what} once"));
        }
    }
}

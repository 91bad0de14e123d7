//! Segments between nodes and switches: transfers take routes over them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::read_latency;
use crate::domain::fault::FaultCode;
use crate::domain::read::{Owner, Reader};

/// A graph of nodes and switches. Nodes may forward.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Topology {
    /// Vertices that are no nodes: switches, routers, repeaters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub switches: Vec<String>,
    /// What joins two vertices.
    pub segments: Vec<Segment>,
}

/// What joins two vertices, in both directions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Segment {
    /// A node or a switch.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub a: String,
    /// Another one.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub b: String,
    /// Bits per second in each direction.
    #[cfg_attr(feature = "schema", schema(minimum = 1e-100, maximum = 1e100))]
    pub bandwidth_bps: f64,
    /// Seconds that a transfer takes in addition.
    #[cfg_attr(feature = "schema", schema(default = 0.0, required = false, minimum = 0, maximum = 1e100))]
    pub latency_s: f64,
    /// Whether both directions are carried at once.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub duplex: Duplex,
    /// The medium of both directions: what has the same name elsewhere shares it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub medium: Option<String>,
}

/// Whether two directions are carried at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Duplex {
    /// Both at once: each direction is a medium of its own.
    #[default]
    Full,
    /// One at a time: both directions are one medium.
    Half,
}

impl Duplex {
    /// The allowed values by name.
    pub const NAMES: [(&'static str, Self); 2] = [("full", Self::Full), ("half", Self::Half)];
}

impl Topology {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 3] = ["kind", "switches", "segments"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let switches = reader.optional(map, "switches", |reader, value| reader.items(value, Reader::id));
        let segments = reader.required(map, "segments", |reader, value| reader.items(value, Segment::read));
        // An empty id stands for what could not be read here too.
        let unread = if map.contains_key("switches") { vec![None] } else { Vec::new() };
        let switches = switches.unwrap_or(unread).into_iter().map(Option::unwrap_or_default).collect();
        // What could not be read has its fault; empty ends stand for it, so that pointers to the others stay right.
        let segments = segments?.into_iter().map(|segment| segment.unwrap_or_else(Segment::unread)).collect();
        Some(Self { switches, segments })
    }

    /// Records what does not fit the nodes, of which `linked` have a listed link.
    pub fn check(&self, reader: &mut Reader, index_of: &BTreeMap<String, usize>, linked: &BTreeSet<usize>) {
        let switches = self.check_switches(reader, index_of);
        let mut joined: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        // A segment to a switch that could not be read would look dangling; the switch's own fault says enough.
        let all_read = self.switches.iter().all(|id| !id.is_empty());
        let known = |id: &String| !all_read || index_of.contains_key(id) || switches.contains(id.as_str());
        for (index, Segment { a, b, .. }) in self.segments.iter().enumerate() {
            if a.is_empty() || b.is_empty() {
                continue;
            }
            for (field, id) in [("a", a), ("b", b)].into_iter().filter(|(_, id)| !known(id)) {
                let detail = format!("neither a node nor a switch has the id {id:?}");
                let action = "Name a node of this cluster, or list it among the switches";
                let below = ["segments".into(), index.into(), field.into()];
                reader.fault_at(&below, FaultCode::UnknownReference, detail, action);
            }
            let below = ["segments".into(), index.into()];
            if a == b {
                let detail = format!("the segment leads from {a:?} to itself");
                reader.fault_at(&below, FaultCode::SelfLoop, detail, "Remove it");
            } else if let Some(first) = joined.insert((a.min(b), a.max(b)), index) {
                let detail = format!("segment {first} joins {a:?} and {b:?} already");
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Give one segment for each pair");
            }
        }
        self.check_routes(reader, index_of, linked);
    }

    /// Records switches that stand twice or are nodes. Returns their ids.
    fn check_switches(&self, reader: &mut Reader, index_of: &BTreeMap<String, usize>) -> BTreeSet<&str> {
        let mut switches = BTreeSet::new();
        for (index, switch) in self.switches.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            let below = ["switches".into(), index.into()];
            if index_of.contains_key(switch) {
                let detail = format!("the switch {switch:?} is a node");
                let action = "Remove it from the switches: nodes may stand in segments, and forward";
                reader.fault_at(&below, FaultCode::Conflict, detail, action);
            }
            if !switches.insert(switch.as_str()) {
                let detail = format!("the switch {switch:?} stands here already");
                reader.fault_at(&below, FaultCode::Duplicate, detail, "List each switch once");
            }
        }
        switches
    }

    /// Records nodes to which no route leads from the first node that has a segment. A node with a listed link needs no route.
    fn check_routes(&self, reader: &mut Reader, index_of: &BTreeMap<String, usize>, linked: &BTreeSet<usize>) {
        if self.segments.iter().any(|segment| segment.a.is_empty()) {
            return;
        }
        let mut neighbours: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Segment { a, b, .. } in &self.segments {
            neighbours.entry(a).or_default().push(b);
            neighbours.entry(b).or_default().push(a);
        }
        let mut ids: Vec<(usize, &String)> = index_of.iter().map(|(id, &index)| (index, id)).collect();
        ids.sort_unstable();
        let Some((_, first)) = ids.iter().find(|(_, id)| neighbours.contains_key(id.as_str())) else { return };
        let mut reached = BTreeSet::from([first.as_str()]);
        let mut ahead = vec![first.as_str()];
        while let Some(vertex) = ahead.pop() {
            ahead.extend(neighbours[vertex].iter().filter(|next| reached.insert(next)));
        }
        for (_, id) in ids.iter().filter(|(index, id)| !reached.contains(id.as_str()) && !linked.contains(index)) {
            let detail = format!("no route leads from {first:?} to {id:?}");
            let action = "Give the segments between them, or list the node's links";
            reader.owned_by(Some(Owner::Node((*id).clone())), |reader| {
                reader.fault_at(&["segments".into()], FaultCode::NoRoute, detail, action);
            });
        }
    }
}

impl Segment {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 6] = ["a", "b", "bandwidth_bps", "latency_s", "duplex", "medium"];

    fn unread() -> Self {
        let (a, b) = (String::new(), String::new());
        Self { a, b, bandwidth_bps: 1.0, latency_s: 0.0, duplex: Duplex::Full, medium: None }
    }

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let a = reader.required(map, "a", Reader::id);
        let b = reader.required(map, "b", Reader::id);
        let bandwidth_bps = reader.required(map, "bandwidth_bps", Reader::positive);
        let latency_s = read_latency(reader, map);
        let duplex = reader.optional(map, "duplex", |reader, value| reader.one_of(value, &Duplex::NAMES));
        let medium = reader.optional(map, "medium", Reader::id);
        Some(Self {
            a: a?,
            b: b?,
            bandwidth_bps: bandwidth_bps?,
            latency_s,
            duplex: duplex.unwrap_or_default(),
            medium,
        })
    }
}

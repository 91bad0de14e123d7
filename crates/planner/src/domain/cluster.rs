//! Cluster inventories: nodes, listed links, and the rule for pairs that are not listed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::{Fault, FaultCode};
use super::network::{Duplex, Network};
use super::read::{Owner, Reader};
use super::unit::counted;

/// A device that can host a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Node {
    /// Unique within the cluster.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub id: String,
    /// Memory of the device, bytes.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub memory_bytes: u64,
    /// What of it is not for us: the operating system and other programs.
    #[cfg_attr(feature = "schema", schema(default = 0, required = false, maximum = 9007199254740991_i64))]
    pub reserved_bytes: u64,
    /// Operations per second, for layers that have no measured time on its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 1e-100, maximum = 1e100))]
    pub flops_per_s: Option<f64>,
    /// The name under which profiles give measured times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub device_class: Option<String>,
    /// For selectors.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub labels: BTreeMap<String, String>,
    /// Whether the node takes stages now.
    #[cfg_attr(feature = "schema", schema(default = true, required = false))]
    pub schedulable: bool,
    /// Where it stands, for radio networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub position_m: Option<Position>,
    /// Bits per second that its network port sends, and as many that it receives; without it the port has no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 1e-100, maximum = 1e100))]
    pub port_bps: Option<f64>,
    /// Whether the port sends and receives at once.
    #[serde(skip_serializing_if = "is_full_duplex")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub port_duplex: Duplex,
}

fn is_full_duplex(duplex: &Duplex) -> bool {
    *duplex == Duplex::Full
}

/// A place in the plane, metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Position {
    /// East.
    #[cfg_attr(feature = "schema", schema(minimum = -1e9, maximum = 1e9))]
    pub x: f64,
    /// North.
    #[cfg_attr(feature = "schema", schema(minimum = -1e9, maximum = 1e9))]
    pub y: f64,
}

/// A link that holds for its pair, whatever `network` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Link {
    /// The sending node.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub from: String,
    /// The receiving node.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub to: String,
    /// Bits per second.
    #[cfg_attr(feature = "schema", schema(minimum = 1e-100, maximum = 1e100))]
    pub bandwidth_bps: f64,
    /// Seconds that every transfer takes in addition.
    #[cfg_attr(feature = "schema", schema(default = 0.0, required = false, minimum = 0, maximum = 1e100))]
    pub latency_s: f64,
    /// Whether the same holds for the way back.
    #[cfg_attr(feature = "schema", schema(default = false, required = false))]
    pub bidirectional: bool,
    /// The medium that carries it: what has the same name elsewhere shares it. Without one each direction has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub medium: Option<String>,
}

/// A cluster inventory.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct ClusterInventory {
    /// For people; two clusters may share it.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub name: String,
    /// What the cluster is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 4096))]
    pub description: Option<String>,
    /// The devices, in the given order.
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub nodes: Vec<Node>,
    /// Links that are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub links: Vec<Link>,
    /// The rule for pairs that are not listed; without it they have no direct path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pub network: Option<Network>,
    #[serde(skip)]
    index_of: BTreeMap<String, usize>,
}

impl ClusterInventory {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 5] = ["name", "description", "nodes", "links", "network"];

    /// Reads a whole document that is a cluster inventory.
    ///
    /// # Errors
    /// Returns every fault of the document.
    pub fn from_json(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new();
        let cluster = Self::read(&mut reader, value);
        reader.finish(cluster)
    }

    /// Reads an inventory within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let name = reader.required(map, "name", Reader::id);
        let description = reader.optional(map, "description", |reader, value| reader.text(value, 4096));
        let nodes = reader.required(map, "nodes", read_nodes);
        let links = reader.optional(map, "links", |reader, value| reader.items(value, Link::read)).unwrap_or_default();
        let network = reader.optional(map, "network", Network::read);
        let nodes = nodes?;
        let index_of = index_nodes(reader, &nodes);
        // If a node could not be read, a link to it would look dangling. The node's own fault is
        // enough.
        let all_known = nodes.iter().all(Option::is_some);
        if all_known {
            reader.within("links", |reader| check_links(reader, &links, &index_of));
        }
        match &network {
            Some(Network::Radio(_)) => check_positions(reader, &nodes),
            Some(network) if all_known => reader.within("network", |reader| match network {
                Network::Matrix(matrix) => matrix.check(reader, &index_of),
                Network::AccessPoint(access_point) => access_point.check(reader, &index_of),
                Network::Topology(topology) => topology.check(reader, &index_of, &linked(&links, &index_of)),
                Network::FullMesh(_) | Network::Radio(_) => {}
            }),
            _ => {}
        }
        let nodes: Option<Vec<Node>> = nodes.into_iter().collect();
        let links: Option<Vec<Link>> = links.into_iter().collect();
        Some(Self { name: name?, description, nodes: nodes?, links: links?, network, index_of })
    }

    /// Returns a node's index in the list, or `None` if no node has this id.
    pub fn node_index(&self, id: &str) -> Option<usize> {
        self.index_of.get(id).copied()
    }

    /// Appends a node. Its id must be new.
    pub fn add_node(&mut self, node: Node) {
        self.index_of.insert(node.id.clone(), self.nodes.len());
        self.nodes.push(node);
    }
}

impl Node {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 10] = [
        "id",
        "memory_bytes",
        "reserved_bytes",
        "flops_per_s",
        "device_class",
        "labels",
        "schedulable",
        "position_m",
        "port_bps",
        "port_duplex",
    ];

    /// Reads a node within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let id = reader.required(map, "id", Reader::id);
        let memory_bytes = reader.required(map, "memory_bytes", Reader::size);
        let reserved_bytes = reader.optional(map, "reserved_bytes", Reader::size).unwrap_or(0);
        if let Some(memory_bytes) = memory_bytes.filter(|&memory_bytes| reserved_bytes > memory_bytes) {
            let detail = format!("{} reserved of {memory_bytes}", counted(reserved_bytes, "byte"));
            let action = "Reserve at most memory_bytes; to take the node out, set schedulable to false";
            reader.fault_at(&["reserved_bytes".into()], FaultCode::OutOfRange, detail, action);
        }
        let flops_per_s = reader.optional(map, "flops_per_s", Reader::positive);
        let device_class = reader.optional(map, "device_class", Reader::id);
        let labels = reader.optional(map, "labels", Reader::labels).unwrap_or_default();
        let schedulable = reader.optional(map, "schedulable", Reader::flag).unwrap_or(true);
        // The fault of a position that could not be read is recorded. A placeholder prevents a
        // second fault for a missing position.
        let nowhere = Position { x: f64::NAN, y: f64::NAN };
        let position_m =
            reader.optional(map, "position_m", |reader, value| Some(Position::read(reader, value).unwrap_or(nowhere)));
        let port_bps = reader.optional(map, "port_bps", Reader::positive);
        let port_duplex = reader.optional(map, "port_duplex", |reader, value| reader.one_of(value, &Duplex::NAMES));
        if map.contains_key("port_duplex") && !map.contains_key("port_bps") {
            let detail = "port_duplex is given without port_bps";
            let action = "Give port_bps, or remove port_duplex: a port without a rate has no limit";
            reader.fault_at(&["port_bps".into()], FaultCode::Missing, detail, action);
        }
        // A faulty size is recorded; zero stands for it, so that the links can still be judged.
        let memory_bytes = memory_bytes.unwrap_or(0);
        Some(Self {
            id: id?,
            memory_bytes,
            reserved_bytes,
            flops_per_s,
            device_class,
            labels,
            schedulable,
            position_m,
            port_bps,
            port_duplex: port_duplex.unwrap_or_default(),
        })
    }

    /// Returns the memory that stages may take, in bytes.
    pub fn free_bytes(&self) -> u64 {
        self.memory_bytes.saturating_sub(self.reserved_bytes)
    }
}

impl Position {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 2] = ["x", "y"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let any = |reader: &mut Reader, value: &Value| {
            reader.number(value, "between -1e9 and 1e9", |metres| metres.abs() <= 1e9)
        };
        let x = reader.required(map, "x", any);
        let y = reader.required(map, "y", any);
        Some(Self { x: x?, y: y? })
    }
}

impl Link {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 6] = ["from", "to", "bandwidth_bps", "latency_s", "bidirectional", "medium"];

    /// Reads a link within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let from = reader.required(map, "from", Reader::id);
        let to = reader.required(map, "to", Reader::id);
        let bandwidth_bps = reader.required(map, "bandwidth_bps", Reader::positive);
        let latency_s = reader.optional(map, "latency_s", Reader::non_negative).unwrap_or(0.0);
        let bidirectional = reader.optional(map, "bidirectional", Reader::flag).unwrap_or(false);
        let medium = reader.optional(map, "medium", Reader::id);
        let bandwidth_bps = bandwidth_bps.unwrap_or(1.0);
        Some(Self { from: from?, to: to?, bandwidth_bps, latency_s, bidirectional, medium })
    }
}

fn read_nodes(reader: &mut Reader, value: &Value) -> Option<Vec<Option<Node>>> {
    let nodes = reader.items(value, |reader, value| reader.owned(value, Owner::Node, Node::read))?;
    if nodes.is_empty() {
        reader.fault(FaultCode::Empty, "the cluster has no node", "Give at least one node");
        return None;
    }
    Some(nodes)
}

fn index_nodes(reader: &mut Reader, nodes: &[Option<Node>]) -> BTreeMap<String, usize> {
    let mut index_of: BTreeMap<String, usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(node) = node else { continue };
        if let Some(&first) = index_of.get(&node.id) {
            let below = ["nodes".into(), index.into(), "id".into()];
            let detail = format!("the id {:?} is that of node {first} already", node.id);
            reader.owned_by(Some(Owner::Node(node.id.clone())), |reader| {
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Give each node an id of its own");
            });
        } else {
            index_of.insert(node.id.clone(), index);
        }
    }
    index_of
}

/// The nodes that a listed link leads from or to.
fn linked(links: &[Option<Link>], index_of: &BTreeMap<String, usize>) -> BTreeSet<usize> {
    links.iter().flatten().flat_map(|link| [&link.from, &link.to]).filter_map(|id| index_of.get(id).copied()).collect()
}

fn check_links(reader: &mut Reader, links: &[Option<Link>], index_of: &BTreeMap<String, usize>) {
    let mut first_link: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (index, link) in links.iter().enumerate() {
        let Some(link) = link else { continue };
        let ends = [("from", &link.from), ("to", &link.to)].map(|(field, id)| {
            let found = index_of.get(id).copied();
            if found.is_none() {
                let detail = format!("no node has the id {id:?}");
                reader.fault_at(
                    &[index.into(), field.into()],
                    FaultCode::UnknownReference,
                    detail,
                    "Name a node of this cluster",
                );
            }
            found
        });
        let [Some(from), Some(to)] = ends else { continue };
        if from == to {
            let detail = format!("the link leads from {:?} to itself", link.from);
            reader.fault_at(&[index.into()], FaultCode::SelfLoop, detail, "Remove it");
            continue;
        }
        let there = (from, to, &link.from, &link.to);
        let back = (to, from, &link.to, &link.from);
        for (from, to, from_id, to_id) in [Some(there), link.bidirectional.then_some(back)].into_iter().flatten() {
            if let Some(first) = first_link.insert((from, to), index) {
                let detail = format!("link {first} gives a value for {from_id:?} to {to_id:?} already");
                reader.fault_at(&[index.into()], FaultCode::Duplicate, detail, "Give one value for each directed pair");
            }
        }
    }
}

const NO_POSITION: &str = "the node has no position, but the network is radio";

/// Checks positions: a radio network needs a different position for every node.
fn check_positions(reader: &mut Reader, nodes: &[Option<Node>]) {
    let mut first_at: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(node) = node else { continue };
        let below = ["nodes".into(), index.into(), "position_m".into()];
        reader.owned_by(Some(Owner::Node(node.id.clone())), |reader| {
            let Some(position) = node.position_m else {
                let action = "Give position_m, or list its links under another network";
                return reader.fault_at(&below, FaultCode::Missing, NO_POSITION, action);
            };
            if position.x.is_nan() || position.y.is_nan() {
                return;
            }
            let place = (position.x.to_bits(), position.y.to_bits());
            if let Some(first) = first_at.insert(place, index) {
                let detail = format!("node {first} stands at the same place");
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Give each node a place of its own");
            }
        });
    }
}

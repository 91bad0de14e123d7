//! A cluster inventory as far as rates and latencies are corrected, and the changes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::cursor::{Cursor, shortened};
use crate::fault::Faults;
use crate::source::{self, SOURCE_LABEL, Source};

/// How faults name the cluster.
const CLUSTER: &str = "cluster";

/// A node.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    place: usize,
    pub(super) device_class: Option<String>,
    pub(super) flops_per_s: Option<f64>,
    pub(super) port_bps: Option<f64>,
    pub(super) is_half_duplex: bool,
}

/// What carries transfers from one node directly to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    /// Absent where it follows from a distance.
    pub(super) bandwidth_bps: Option<f64>,
    pub(super) latency_s: f64,
    pub(super) medium: Option<String>,
}

/// The document, read once and changed in place.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) document: Value,
    pub(super) nodes: BTreeMap<String, Node>,
    listed: BTreeMap<(String, String), Link>,
}

impl Site {
    /// Reads a cluster. Records a fault for each figure that is not one.
    pub(super) fn read(document: &Value, faults: &mut Faults) -> Option<Self> {
        let top = Cursor::new(CLUSTER, document);
        let list = top.required(&["nodes"], faults)?;
        let mut nodes = BTreeMap::new();
        for (place, node) in list.items(faults).iter().enumerate() {
            let Some(id) = node.required(&["id"], faults).and_then(|id| id.id(faults)) else { continue };
            let read = Node {
                place,
                device_class: node.get("device_class").and_then(|class| class.id(faults)).map(str::to_owned),
                flops_per_s: node.get("flops_per_s").and_then(|flops| flops.positive(faults)),
                port_bps: node.get("port_bps").and_then(|bps| bps.positive(faults)),
                is_half_duplex: node.get("port_duplex").is_some_and(|duplex| duplex.value == "half"),
            };
            nodes.insert(id.to_owned(), read);
        }
        let mut listed = BTreeMap::new();
        for link in top.get("links").map(|links| links.items(faults)).unwrap_or_default() {
            let mut end = |name| link.required(&[name], faults).and_then(|id| id.id(faults)).map(str::to_owned);
            let (from, to) = (end("from"), end("to"));
            let bandwidth_bps = link.required(&["bandwidth_bps"], faults).and_then(|bps| bps.positive(faults));
            let (Some(from), Some(to), Some(_)) = (from, to, bandwidth_bps) else { continue };
            let read = Link { bandwidth_bps, latency_s: latency(&link, faults), medium: medium(&link) };
            if link.get("bidirectional").is_some_and(|both| both.is_set()) {
                listed.insert((to.clone(), from.clone()), read.clone());
            }
            listed.insert((from, to), read);
        }
        Some(Self { document: document.clone(), nodes, listed })
    }

    /// Returns what carries transfers from a node to another, or `None` where a route over other media does.
    pub(super) fn link(&self, from: &str, to: &str) -> Option<Link> {
        let listed = self.listed.get(&(from.to_owned(), to.to_owned())).cloned();
        listed.or_else(|| self.link_of_network(from, to))
    }

    fn link_of_network(&self, from: &str, to: &str) -> Option<Link> {
        let network = Cursor::new(CLUSTER, self.document.get("network")?);
        // The planner's reader has judged the document, or will.
        let mut unheard = Faults::default();
        let number = |name: &str| network.get(name).and_then(|it| it.value.as_f64());
        let (bandwidth_bps, latency_s) = match network.get("kind")?.value.as_str()? {
            "full_mesh" => (Some(number("bandwidth_bps")?), latency(&network, &mut unheard)),
            "radio" => (None, latency(&network, &mut unheard)),
            "matrix" => {
                let ids = network.get("node_ids")?.value.as_array()?;
                let place = |node: &str| ids.iter().position(|id| id == node);
                let (row, column) = (place(from)?, place(to)?);
                let entry = |rows: &Value| rows.get(row)?.get(column)?.as_f64();
                let bandwidth_bps = entry(network.get("bandwidth_bps")?.value).filter(|&bps| bps > 0.0)?;
                let latency_s = network.get("latency_s").and_then(|rows| rows.value.as_f64().or(entry(rows.value)));
                (Some(bandwidth_bps), latency_s.unwrap_or(0.0))
            }
            _ => return None,
        };
        Some(Link { bandwidth_bps, latency_s, medium: medium(&network) })
    }

    /// Writes a link of its own for one direction of a pair.
    pub(super) fn set_link(&mut self, from: &str, to: &str, link: &Link) {
        let Some(map) = self.document.as_object_mut() else { return };
        let list = map.entry("links").or_insert_with(|| json!([]));
        let Some(list) = list.as_array_mut() else { return };
        let mut place = list.iter().position(|it| it["from"] == from && it["to"] == to);
        let reverse = list.iter().position(|it| it["from"] == to && it["to"] == from && it["bidirectional"] == true);
        if let Some(both) = place.or(reverse).filter(|&at| list[at]["bidirectional"] == true) {
            // The other direction keeps what both had.
            let mut other = list[both].clone();
            other["from"] = json!(to);
            other["to"] = json!(from);
            remove(&mut other, "bidirectional");
            remove(&mut list[both], "bidirectional");
            list[both]["from"] = json!(from);
            list[both]["to"] = json!(to);
            list.push(other);
            place = Some(both);
        }
        let place = place.unwrap_or_else(|| {
            list.push(Value::Object(Map::new()));
            list.len() - 1
        });
        let entry = &mut list[place];
        entry["from"] = json!(from);
        entry["to"] = json!(to);
        entry["bandwidth_bps"] = json!(link.bandwidth_bps);
        entry["latency_s"] = json!(link.latency_s);
        if let Some(medium) = &link.medium {
            entry["medium"] = json!(medium);
        }
        self.listed.insert((from.to_owned(), to.to_owned()), link.clone());
    }

    /// Writes a member of a node.
    pub(super) fn set(&mut self, node: &str, member: &str, value: Value) {
        if let Some(node) = self.nodes.get(node) {
            self.document["nodes"][node.place][member] = value;
        }
    }

    /// Labels nodes with the source of a figure.
    pub(super) fn label(&mut self, source: &Source) {
        for node in source.of.iter().filter_map(|id| self.nodes.get(id)) {
            let labels = &mut self.document["nodes"][node.place]["labels"];
            if labels.is_null() {
                *labels = json!({});
            }
            if let Some(labels) = labels.as_object_mut() {
                let line = shortened(&source.line());
                labels.insert(format!("{SOURCE_LABEL}{}", source.figure), Value::String(line));
            }
        }
    }

    /// Adds to the description where the new figures come from.
    pub(super) fn describe(&mut self, sources: &[Source]) {
        if let Some(map) = self.document.as_object_mut().filter(|_| !sources.is_empty()) {
            let before = map.get("description").and_then(Value::as_str).unwrap_or_default();
            let description = source::joined(before, &source::description(sources));
            map.insert("description".to_owned(), Value::String(description));
        }
    }
}

fn latency(of: &Cursor<'_>, faults: &mut Faults) -> f64 {
    of.get("latency_s").and_then(|latency| latency.amount(faults)).unwrap_or(0.0)
}

fn medium(of: &Cursor<'_>) -> Option<String> {
    of.get("medium").and_then(|medium| medium.value.as_str()).map(str::to_owned)
}

fn remove(entry: &mut Value, member: &str) {
    if let Some(map) = entry.as_object_mut() {
        map.remove(member);
    }
}

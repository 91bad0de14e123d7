//! A change of a cluster: nodes and links that are added, changed and removed at once.

use std::collections::{BTreeMap, BTreeSet};

use cutpoint_planner::domain::cluster::{ClusterInventory, Link, Position};
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::network::Duplex;
use cutpoint_planner::domain::read::Reader;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::domain::removed_nodes::{remove_from_network, remove_from_nodes};
use crate::http::api::Limits;
use crate::http::problem::Problem;
use crate::http::request::body::document;
use crate::http::request::limits::fits;

document! {
    /// Changes of a cluster.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct ClusterPatch {
        /// Changes of nodes.
        #[schema(nullable = false)]
        pub nodes: Option<NodesChange>,
        /// Changes of listed links.
        #[schema(nullable = false)]
        pub links: Option<LinksChange>,
    }
}

document! {
    /// Changes of nodes.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct NodesChange {
        /// Nodes to add or to change.
        #[schema(nullable = false)]
        pub upsert: Option<Vec<NodeUpsert>>,
        /// Ids of nodes to remove. Their links go with them, and so do their places in the network.
        #[schema(nullable = false)]
        pub remove: Option<Vec<String>>,
    }
}

document! {
    /// A node to add, or to change: the given members replace those of the node, and others stay.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct NodeUpsert {
        /// The node.
        #[schema(min_length = 1, max_length = 256)]
        pub id: String,
        /// Memory of the device, bytes. A new node must have it.
        #[schema(nullable = false, maximum = 9007199254740991_i64)]
        pub memory_bytes: Option<u64>,
        /// Memory that is reserved for the operating system and other programs, bytes.
        #[schema(nullable = false, maximum = 9007199254740991_i64)]
        pub reserved_bytes: Option<u64>,
        /// Operations per second.
        #[schema(nullable = false, exclusive_minimum = 0)]
        pub flops_per_s: Option<f64>,
        /// The device class under which profiles give measured times.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub device_class: Option<String>,
        /// Labels for selectors.
        #[schema(nullable = false)]
        pub labels: Option<BTreeMap<String, String>>,
        /// Whether the node can host stages now.
        #[schema(nullable = false)]
        pub schedulable: Option<bool>,
        /// The position, for radio networks.
        #[schema(nullable = false)]
        pub position_m: Option<Position>,
        /// Bits per second that its network port sends, and as many that it receives.
        #[schema(nullable = false, exclusive_minimum = 0)]
        pub port_bps: Option<f64>,
        /// Whether the port sends and receives at once.
        #[schema(nullable = false)]
        pub port_duplex: Option<Duplex>,
    }
}

document! {
    /// Changes of listed links.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct LinksChange {
        /// Links to add, or to put in place of the listed links of their pairs, in their directions.
        #[schema(nullable = false)]
        pub upsert: Option<Vec<Link>>,
        /// Directed pairs whose listed links are removed.
        #[schema(nullable = false)]
        pub remove: Option<Vec<LinkPair>>,
    }
}

document! {
    /// A directed pair of nodes.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct LinkPair {
        /// The node that sends.
        #[schema(min_length = 1, max_length = 256)]
        pub from: String,
        /// The node that receives.
        #[schema(min_length = 1, max_length = 256)]
        pub to: String,
    }
}

/// A change that was read.
#[derive(Default)]
struct Change {
    nodes: Vec<Map<String, Value>>,
    removed: Vec<String>,
    links: Vec<Link>,
    unlinked: Vec<(String, String)>,
}

/// Returns the inventory after a change.
///
/// # Errors
/// Every fault of the change, with pointers into it.
pub(crate) fn changed(inventory: &str, patch: &Value, limits: &Limits) -> Result<ClusterInventory, Problem> {
    let mut reader = Reader::new();
    let change = read_change(&mut reader, patch, limits);
    let mut faults = reader.finish(Some(())).err().unwrap_or_default();
    let Some(change) = change else { return Err(Problem::invalid_request(faults)) };
    let stored = |faults| Problem::internal(format!("a stored cluster has faults: {faults:?}"));
    let mut cluster = Reader::parse(inventory.as_bytes()).map_err(stored)?;
    let listed = ClusterInventory::from_json(&cluster).map_err(stored)?.links;
    faults.extend(remove_nodes(&mut cluster, &change.removed));
    let upserted = upsert_nodes(&mut cluster, &change.nodes);
    let gone: BTreeSet<&str> = change.removed.iter().map(String::as_str).collect();
    let left = listed.into_iter().filter(|link| !gone.contains(&*link.from) && !gone.contains(&*link.to));
    let (left, unlisted) = unlink(left.collect(), &change);
    faults.extend(unlisted);
    // The changed links come first, so that the number of a fault is that in the change.
    let links: Vec<Link> = change.links.iter().cloned().chain(left).collect();
    cluster["links"] = json!(links);
    let mut reader = Reader::new();
    let read = limits.read_cluster(&mut reader, &cluster);
    match reader.finish(read) {
        Ok(inventory) if faults.is_empty() => Ok(inventory),
        judged => {
            let found = judged.err().unwrap_or_default();
            let index_of: BTreeMap<usize, usize> =
                upserted.into_iter().enumerate().rev().map(|(index, place)| (place, index)).collect();
            faults.extend(found.into_iter().map(|fault| of_change(fault, &index_of, change.links.len())));
            Err(Problem::invalid_request(faults))
        }
    }
}

fn read_change(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<Change> {
    let map = reader.object(value, ClusterPatch::FIELDS)?;
    let mut change = Change::default();
    let mut whole = true;
    if let Some(nodes) = map.get("nodes") {
        whole &= reader.within("nodes", |reader| read_nodes(reader, nodes, limits, &mut change)).is_some();
    }
    if let Some(links) = map.get("links") {
        whole &= reader.within("links", |reader| read_links(reader, links, limits, &mut change)).is_some();
    }
    whole.then_some(change)
}

fn read_nodes(reader: &mut Reader, value: &Value, limits: &Limits, change: &mut Change) -> Option<()> {
    let map = reader.object(value, NodesChange::FIELDS)?;
    let fit = [("upsert", limits.nodes), ("remove", limits.nodes)];
    if !fit.into_iter().fold(true, |all, (name, most)| all & fits(reader, map.get(name), name, most)) {
        return None;
    }
    let upsert = reader.optional(map, "upsert", |reader, value| reader.items(value, read_node));
    let remove = reader.optional(map, "remove", |reader, value| reader.items(value, Reader::id));
    let upsert: Vec<Option<Map<String, Value>>> = upsert.unwrap_or_default();
    change.nodes = upsert.into_iter().collect::<Option<_>>()?;
    change.removed = remove.unwrap_or_default().into_iter().collect::<Option<_>>()?;
    let ids: Vec<&str> = change.nodes.iter().filter_map(|node| node.get("id")?.as_str()).collect();
    let mut named: BTreeSet<&str> = change.removed.iter().map(String::as_str).collect();
    for (index, id) in ids.into_iter().enumerate() {
        if !named.insert(id) {
            let below = ["upsert".into(), index.into(), "id".into()];
            let detail = format!("node {id:?} is changed or removed already");
            reader.fault_at(&below, FaultCode::Duplicate, detail, "Name each node once");
        }
    }
    Some(())
}

/// Reads the members of a node. Their values are read with the whole inventory.
fn read_node(reader: &mut Reader, value: &Value) -> Option<Map<String, Value>> {
    let map = reader.object(value, NodeUpsert::FIELDS)?;
    reader.required(map, "id", Reader::id)?;
    let known = |(name, _): &(String, Value)| NodeUpsert::FIELDS.contains(&name.as_str());
    Some(map.clone().into_iter().filter(known).collect())
}

fn read_links(reader: &mut Reader, value: &Value, limits: &Limits, change: &mut Change) -> Option<()> {
    let map = reader.object(value, LinksChange::FIELDS)?;
    let fit = [("upsert", limits.links), ("remove", limits.links)];
    if !fit.into_iter().fold(true, |all, (name, most)| all & fits(reader, map.get(name), name, most)) {
        return None;
    }
    let upsert = reader.optional(map, "upsert", |reader, value| reader.items(value, Link::read));
    let pair = |reader: &mut Reader, value: &Value| {
        let map = reader.object(value, LinkPair::FIELDS)?;
        let from = reader.required(map, "from", Reader::id);
        let to = reader.required(map, "to", Reader::id);
        Some((from?, to?))
    };
    let remove = reader.optional(map, "remove", |reader, value| reader.items(value, pair));
    change.links = upsert.unwrap_or_default().into_iter().collect::<Option<_>>()?;
    change.unlinked = remove.unwrap_or_default().into_iter().collect::<Option<_>>()?;
    Some(())
}

fn remove_nodes(cluster: &mut Value, removed: &[String]) -> Vec<Fault> {
    let gone: BTreeSet<&str> = removed.iter().map(String::as_str).collect();
    let mut found = remove_from_nodes(cluster, &gone);
    remove_from_network(cluster, &gone);
    // One that is named twice is not there the second time.
    let missing = removed.iter().enumerate().filter(|(_, id)| !found.remove(id.as_str()));
    let fault = |(index, id): (usize, &String)| {
        let detail = format!("no node of the cluster has the id {id:?}");
        let pointer = format!("/nodes/remove/{index}");
        Fault::new(pointer, FaultCode::UnknownReference, detail, "Name a node of this cluster")
    };
    missing.map(fault).collect()
}

/// Returns the place in the inventory of each node that was added or changed, in order.
fn upsert_nodes(cluster: &mut Value, upsert: &[Map<String, Value>]) -> Vec<usize> {
    let Some(nodes) = cluster.get_mut("nodes").and_then(Value::as_array_mut) else { return Vec::new() };
    let id_at = |id: &Value, place: usize| Some((id.as_str()?.to_owned(), place));
    let ids = nodes.iter().enumerate().filter_map(|(place, node)| id_at(&node["id"], place));
    let mut place_of: BTreeMap<String, usize> = ids.collect();
    let mut places = Vec::with_capacity(upsert.len());
    for members in upsert {
        let place = members["id"].as_str().and_then(|id| place_of.get(id).copied());
        match place.and_then(|place| Some((place, nodes[place].as_object_mut()?))) {
            Some((place, node)) => {
                node.extend(members.clone());
                places.push(place);
            }
            None => {
                places.push(nodes.len());
                place_of.extend(id_at(&members["id"], nodes.len()));
                nodes.push(Value::Object(members.clone()));
            }
        }
    }
    places
}

/// Returns the listed links without the pairs that are removed or listed anew, and the faults of pairs that are not listed.
fn unlink(listed: Vec<Link>, change: &Change) -> (Vec<Link>, Vec<Fault>) {
    let there = change.links.iter().map(|link| (link.from.as_str(), link.to.as_str()));
    let back = change.links.iter().filter(|link| link.bidirectional);
    let back = back.map(|link| (link.to.as_str(), link.from.as_str()));
    let removed: BTreeSet<(&str, &str)> =
        change.unlinked.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let gone: BTreeSet<(&str, &str)> = there.chain(back).chain(removed.iter().copied()).collect();
    let directions = |link: &Link| {
        let back = link.bidirectional.then(|| (link.to.clone(), link.from.clone()));
        std::iter::once((link.from.clone(), link.to.clone())).chain(back).collect::<Vec<_>>()
    };
    let known: BTreeSet<(String, String)> = listed.iter().flat_map(directions).collect();
    let missing = change.unlinked.iter().enumerate().filter(|(_, pair)| !known.contains(*pair));
    let faults = missing.map(|(index, (from, to))| {
        let detail = format!("no link from {from:?} to {to:?} is listed");
        let pointer = format!("/links/remove/{index}");
        Fault::new(pointer, FaultCode::UnknownReference, detail, "Name the pair of a listed link")
    });
    let faults = faults.collect();
    let left = listed.into_iter().filter_map(|link| {
        let there = !gone.contains(&(link.from.as_str(), link.to.as_str()));
        let back = link.bidirectional && !gone.contains(&(link.to.as_str(), link.from.as_str()));
        match (there, back) {
            (true, back) => Some(Link { bidirectional: back, ..link }),
            (false, true) => Some(Link { from: link.to, to: link.from, bidirectional: false, ..link }),
            (false, false) => None,
        }
    });
    (left.collect(), faults)
}

/// Returns a fault of the changed inventory with a pointer into the change, whose nodes stand at these places of the
/// inventory. One that is not about a changed member has the
/// root as its pointer, and names its place in its detail.
fn of_change(fault: Fault, index_of: &BTreeMap<usize, usize>, links: usize) -> Fault {
    let mut steps = fault.pointer.splitn(4, '/').skip(1);
    let (list, index, rest) = (steps.next(), steps.next(), steps.next());
    let rest = rest.map(|rest| format!("/{rest}")).unwrap_or_default();
    let index: Option<usize> = index.and_then(|index| index.parse().ok());
    let pointer = match (list, index) {
        (Some("nodes"), Some(place)) => index_of.get(&place).map(|index| format!("/nodes/upsert/{index}{rest}")),
        (Some("links"), Some(index)) if index < links => Some(format!("/links/upsert/{index}{rest}")),
        _ => None,
    };
    match pointer {
        Some(pointer) => Fault { pointer, ..fault },
        None => Fault { detail: format!("{}: {}", fault.pointer, fault.detail), pointer: String::new(), ..fault },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_planner::domain::cluster::Node;

    const CLUSTER: &str = r#"{"name":"lab","nodes":[{"id":"a","memory_bytes":1},{"id":"b","memory_bytes":1},
        {"id":"c","memory_bytes":1}],"links":[{"from":"a","to":"b","bandwidth_bps":1,"bidirectional":true},
        {"from":"b","to":"c","bandwidth_bps":1}]}"#;

    fn after(cluster: &str, patch: &Value) -> Value {
        serde_json::to_value(changed(cluster, patch, &Limits::default()).unwrap()).unwrap()
    }

    fn pointers(patch: &Value) -> Vec<String> {
        let problem = changed(CLUSTER, patch, &Limits::default()).unwrap_err();
        problem.errors.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn members_are_those_of_a_node() {
        assert_eq!(NodeUpsert::FIELDS, Node::FIELDS);
    }

    #[test]
    fn nodes_are_added_changed_and_removed_with_their_links() {
        let patch = json!({"nodes": {"upsert": [{"id": "d", "memory_bytes": 9}, {"id": "a", "schedulable": false}],
            "remove": ["b"]}, "links": {"upsert": [{"from": "a", "to": "d", "bandwidth_bps": 5}]}});
        let changed = after(CLUSTER, &patch);
        let ids: Vec<&str> =
            changed["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["a", "c", "d"]);
        assert_eq!(
            (&changed["nodes"][0]["schedulable"], &changed["nodes"][0]["memory_bytes"]),
            (&json!(false), &json!(1))
        );
        let links = changed["links"].as_array().unwrap();
        assert_eq!((links.len(), &links[0]["to"]), (1, &json!("d")));
    }

    #[test]
    fn a_node_is_named_once() {
        let twice = json!({"nodes": {"upsert": [{"id": "d", "memory_bytes": 9}, {"id": "d", "memory_bytes": 8}]}});
        assert_eq!(pointers(&twice), ["/nodes/upsert/1/id"]);
        assert_eq!(
            pointers(&json!({"nodes": {"remove": ["a", "c", "a", "x"]}})),
            ["/nodes/remove/2", "/nodes/remove/3"]
        );
    }

    #[test]
    fn one_direction_of_a_link_is_removed() {
        let changed = after(CLUSTER, &json!({"links": {"remove": [{"from": "a", "to": "b"}]}}));
        assert_eq!(changed["links"][0]["from"], "b");
        assert_eq!(changed["links"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn faults_point_into_the_change() {
        assert_eq!(pointers(&json!({"colour": 1})), ["/colour"]);
        assert_eq!(pointers(&json!({"nodes": {"remove": ["x"]}})), ["/nodes/remove/0"]);
        assert_eq!(pointers(&json!({"nodes": {"upsert": [{"memory_bytes": 1}]}})), ["/nodes/upsert/0/id"]);
        assert_eq!(
            pointers(&json!({"nodes": {"upsert": [{"id": "c", "memory_bytes": -1}, {"id": "d"}]}})),
            ["/nodes/upsert/0/memory_bytes", "/nodes/upsert/1/memory_bytes"]
        );
        assert_eq!(
            pointers(&json!({"nodes": {"upsert": [{"id": "c", "memory_bytes": 1}], "remove": ["c"]}})),
            ["/nodes/upsert/0/id"]
        );
        assert_eq!(pointers(&json!({"links": {"remove": [{"from": "a", "to": "c"}]}})), ["/links/remove/0"]);
        let link = json!({"from": "a", "to": "x", "bandwidth_bps": 1});
        assert_eq!(pointers(&json!({"links": {"upsert": [link]}})), ["/links/upsert/0/to"]);
    }
}

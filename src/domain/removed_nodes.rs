//! Inventories without some of their nodes: these leave the list of nodes, the rows of a matrix, the stations of an access
//! point, and the segments of a topology.

use std::collections::BTreeSet;

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::read::Reader;
use serde_json::Value;

/// Returns an inventory as it is when a node is lost, with its links and whatever it forwarded. Parts of a topology that
/// only this node joined have no route to each other. Returns `None` if no inventory is left.
pub fn without_node(inventory: &ClusterInventory, id: &str) -> Option<ClusterInventory> {
    let mut cluster = serde_json::to_value(inventory).ok()?;
    let gone = BTreeSet::from([id]);
    remove_from_nodes(&mut cluster, &gone);
    if let Some(links) = cluster.get_mut("links").and_then(Value::as_array_mut) {
        links.retain(|link| link["from"] != id && link["to"] != id);
    }
    remove_from_network(&mut cluster, &gone);
    let mut reader = Reader::new();
    let read = ClusterInventory::read(&mut reader, &cluster)?;
    let faults = reader.finish(Some(())).err().unwrap_or_default();
    faults.iter().all(|fault| fault.code == FaultCode::NoRoute).then_some(read)
}

/// Removes nodes from the list of nodes. Returns those that it had.
pub(crate) fn remove_from_nodes<'g>(cluster: &mut Value, gone: &BTreeSet<&'g str>) -> BTreeSet<&'g str> {
    let mut found = BTreeSet::new();
    if let Some(nodes) = cluster.get_mut("nodes").and_then(Value::as_array_mut) {
        nodes.retain(|node| match node["id"].as_str().and_then(|id| gone.get(id)) {
            Some(id) => {
                found.insert(*id);
                false
            }
            None => true,
        });
    }
    found
}

/// Removes nodes from the network, wherever they are named.
pub(crate) fn remove_from_network(cluster: &mut Value, gone: &BTreeSet<&str>) {
    let Some(network) = cluster.get_mut("network").and_then(Value::as_object_mut) else { return };
    let is_gone = |id: &Value| id.as_str().is_some_and(|id| gone.contains(id));
    for list in ["stations", "wired"] {
        if let Some(list) = network.get_mut(list).and_then(Value::as_array_mut) {
            list.retain(|station| !is_gone(&station["node_id"]));
        }
    }
    if let Some(segments) = network.get_mut("segments").and_then(Value::as_array_mut) {
        segments.retain(|segment| !is_gone(&segment["a"]) && !is_gone(&segment["b"]));
    }
    let Some(ids) = network.get("node_ids").and_then(Value::as_array) else { return };
    let stays: Vec<bool> = ids.iter().map(|id| !is_gone(id)).collect();
    if stays.iter().all(|stays| *stays) {
        return;
    }
    for rows in ["node_ids", "bandwidth_bps", "latency_s"] {
        // A latency may be one number for all.
        let Some(rows) = network.get_mut(rows).and_then(Value::as_array_mut) else { continue };
        keep_places(rows, &stays);
        rows.iter_mut().filter_map(Value::as_array_mut).for_each(|row| keep_places(row, &stays));
    }
}

/// Keeps the values at the places that stay.
fn keep_places(values: &mut Vec<Value>, stays: &[bool]) {
    let mut place = 0;
    values.retain(|_| {
        place += 1;
        stays.get(place - 1).copied().unwrap_or(true)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_leaves_its_row_and_its_column() {
        let mut cluster = json!({"network": {"kind": "matrix", "node_ids": ["a", "b", "c"],
            "bandwidth_bps": [[0, 1, 2], [3, 0, 4], [5, 6, 0]], "latency_s": 0.1}});
        remove_from_network(&mut cluster, &BTreeSet::from(["b"]));
        assert_eq!(
            cluster["network"],
            json!({"kind": "matrix", "node_ids": ["a", "c"],
            "bandwidth_bps": [[0, 2], [5, 0]], "latency_s": 0.1})
        );
        remove_from_network(&mut cluster, &BTreeSet::from(["a", "x"]));
        assert_eq!(cluster["network"]["bandwidth_bps"], json!([[0]]));
    }

    #[test]
    fn a_node_leaves_stations_and_segments() {
        let mut cluster = json!({"network": {"stations": [{"node_id": "a"}, {"node_id": "b"}], "wired": [{"node_id": "b"}],
            "segments": [{"a": "a", "b": "s"}, {"a": "s", "b": "b"}]}});
        remove_from_network(&mut cluster, &BTreeSet::from(["b"]));
        assert_eq!(
            cluster["network"],
            json!({"stations": [{"node_id": "a"}], "wired": [],
            "segments": [{"a": "a", "b": "s"}]})
        );
    }

    #[test]
    fn what_a_lost_node_joined_has_no_route() {
        let segment = |a: &str, b: &str| json!({"a": a, "b": b, "bandwidth_bps": 1e6});
        let cluster = json!({"name": "line", "nodes": [{"id": "a", "memory_bytes": 1}, {"id": "b", "memory_bytes": 1},
            {"id": "c", "memory_bytes": 1}], "links": [{"from": "b", "to": "a", "bandwidth_bps": 1}],
            "network": {"kind": "topology", "segments": [segment("a", "b"), segment("b", "c")]}});
        let cluster = ClusterInventory::from_json(&cluster).unwrap();
        let rest = without_node(&cluster, "b").unwrap();
        assert_eq!(rest.nodes.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert!(rest.links.is_empty());
        let one = json!({"name": "one", "nodes": [{"id": "a", "memory_bytes": 1}]});
        assert!(without_node(&ClusterInventory::from_json(&one).unwrap(), "a").is_none());
    }
}

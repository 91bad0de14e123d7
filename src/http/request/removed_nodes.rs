//! Removes a node from the network of an inventory: from the rows of a matrix, the stations of an access point, and the
//! segments of a topology.

use serde_json::Value;

/// Removes a node from the network, wherever it is named.
pub(crate) fn remove_from_network(cluster: &mut Value, id: &str) {
    let Some(network) = cluster.get_mut("network").and_then(Value::as_object_mut) else { return };
    for list in ["stations", "wired"] {
        if let Some(list) = network.get_mut(list).and_then(Value::as_array_mut) {
            list.retain(|station| station["node_id"] != id);
        }
    }
    if let Some(segments) = network.get_mut("segments").and_then(Value::as_array_mut) {
        segments.retain(|segment| segment["a"] != id && segment["b"] != id);
    }
    let ids = network.get("node_ids").and_then(Value::as_array);
    let Some(place) = ids.and_then(|ids| ids.iter().position(|it| it == id)) else { return };
    for rows in ["node_ids", "bandwidth_bps", "latency_s"] {
        // A latency may be one number for all.
        let Some(rows) = network.get_mut(rows).and_then(Value::as_array_mut) else { continue };
        if place < rows.len() {
            rows.remove(place);
        }
        for row in rows.iter_mut().filter_map(Value::as_array_mut) {
            if place < row.len() {
                row.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_leaves_its_row_and_its_column() {
        let mut cluster = json!({"network": {"kind": "matrix", "node_ids": ["a", "b", "c"],
            "bandwidth_bps": [[0, 1, 2], [3, 0, 4], [5, 6, 0]], "latency_s": 0.1}});
        remove_from_network(&mut cluster, "b");
        assert_eq!(
            cluster["network"],
            json!({"kind": "matrix", "node_ids": ["a", "c"],
            "bandwidth_bps": [[0, 2], [5, 0]], "latency_s": 0.1})
        );
    }

    #[test]
    fn a_node_leaves_stations_and_segments() {
        let mut cluster = json!({"network": {"stations": [{"node_id": "a"}, {"node_id": "b"}], "wired": [{"node_id": "b"}],
            "segments": [{"a": "a", "b": "s"}, {"a": "s", "b": "b"}]}});
        remove_from_network(&mut cluster, "b");
        assert_eq!(
            cluster["network"],
            json!({"stations": [{"node_id": "a"}], "wired": [],
            "segments": [{"a": "a", "b": "s"}]})
        );
    }
}

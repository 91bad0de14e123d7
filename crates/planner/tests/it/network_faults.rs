//! Faults of networks, ports and media: the cluster is good but for one change, and the answer names the change's place and
//! kind, and nothing else.

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::fault::FaultCode::{self, *};
use serde_json::{Value, json};

fn cluster(network: Value) -> Value {
    let node = |id: &str| json!({"id": id, "memory_bytes": 100, "port_bps": 1e9, "port_duplex": "half"});
    json!({
        "name": "c", "nodes": [node("x"), node("y"), node("z")],
        "links": [{"from": "x", "to": "y", "bandwidth_bps": 1e6, "medium": "air"}],
        "network": network
    })
}

fn access_point() -> Value {
    cluster(json!({
        "kind": "access_point", "medium": "channel", "latency_s": 0.5,
        "stations": [{"node_id": "x", "bandwidth_bps": 1e6}, {"node_id": "y", "bandwidth_bps": 2e6}],
        "wired": [{"node_id": "z", "bandwidth_bps": 3e6}]
    }))
}

fn topology() -> Value {
    cluster(json!({
        "kind": "topology", "switches": ["s", "r"],
        "segments": [
            {"a": "x", "b": "s", "bandwidth_bps": 1e6, "latency_s": 0.5, "duplex": "half"},
            {"a": "s", "b": "y", "bandwidth_bps": 1e6, "medium": "air"},
            {"a": "z", "b": "x", "bandwidth_bps": 1e6, "duplex": "full"}
        ]
    }))
}

fn matrix() -> Value {
    cluster(json!({
        "kind": "matrix", "node_ids": ["x", "y"], "bandwidth_bps": [[0.0, 1.0], [1.0, 0.0]],
        "latency_s": [[0.0, 0.5], [0.25, 0.0]], "medium": "air"
    }))
}

fn faults(cluster: &Value) -> Vec<Fault> {
    ClusterInventory::from_json(cluster).err().unwrap_or_default()
}

fn found(cluster: &Value) -> Vec<(String, FaultCode)> {
    faults(cluster).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

/// The cluster with a value at a pointer. The last step may be new; `-` adds to a list.
fn with(mut cluster: Value, pointer: &str, value: Value) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match cluster.pointer_mut(parent).unwrap() {
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        parent => parent[last] = value,
    }
    cluster
}

fn without(mut cluster: Value, pointer: &str) -> Value {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    cluster.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(last).unwrap();
    cluster
}

/// Each change gives one fault, at its own place.
fn assert_each(good: fn() -> Value, code: FaultCode, changes: &[(&str, Value)]) {
    for (pointer, value) in changes {
        let changed = with(good(), pointer, value.clone());
        assert_eq!(found(&changed), [((*pointer).to_owned(), code)], "{pointer} set to {value}");
    }
}

/// The cluster with a change has one fault, at another place.
fn assert_at(changed: &Value, pointer: &str, code: FaultCode) {
    assert_eq!(found(changed), [(pointer.to_owned(), code)], "{changed}");
}

#[test]
fn good_clusters_are_read_as_they_stand() {
    for good in [access_point(), topology(), matrix()] {
        let cluster = ClusterInventory::from_json(&good).unwrap_or_else(|faults| panic!("{faults:?}"));
        let written = serde_json::to_value(&cluster).unwrap();
        assert_eq!(found(&written), [], "{written}");
        assert_eq!(written["network"]["medium"], good["network"]["medium"]);
        assert_eq!(written["links"][0]["medium"], "air");
        assert_eq!(written["nodes"][0]["port_duplex"], "half");
        let again = ClusterInventory::from_json(&written).unwrap();
        assert_eq!((again.nodes, again.links, again.network), (cluster.nodes, cluster.links, cluster.network));
    }
}

#[test]
fn what_may_be_left_out() {
    for (good, pointers) in [
        (access_point(), &["network/latency_s", "network/stations", "network/wired", "nodes/0/port_duplex"][..]),
        (topology(), &["network/segments/0/latency_s", "network/segments/0/duplex", "network/segments/1/medium"][..]),
        (matrix(), &["network/latency_s", "network/medium", "links/0/medium", "links", "network"][..]),
    ] {
        for pointer in pointers {
            assert_eq!(found(&without(good.clone(), &format!("/{pointer}"))), [], "{pointer}");
        }
    }
    // Switches that no segment names.
    let changed = with(topology(), "/network/switches", json!(["s"]));
    assert_eq!(found(&changed), []);
}

#[test]
fn what_must_be_given() {
    for (good, pointers) in [
        (access_point(), &["network/medium", "network/stations/0/node_id", "network/wired/0/bandwidth_bps"][..]),
        (topology(), &["network/segments", "network/segments/0/a", "network/segments/0/b"][..]),
        (topology(), &["network/segments/0/bandwidth_bps"][..]),
        (matrix(), &["network/node_ids", "network/bandwidth_bps"][..]),
    ] {
        for pointer in pointers {
            assert_at(&without(good.clone(), &format!("/{pointer}")), &format!("/{pointer}"), Missing);
        }
    }
}

#[test]
fn a_duplex_goes_with_a_rate() {
    for good in [access_point, topology, matrix] {
        assert_at(&without(good(), "/nodes/1/port_bps"), "/nodes/1/port_bps", Missing);
        let ids: Vec<Option<String>> =
            faults(&without(good(), "/nodes/1/port_bps")).into_iter().map(|fault| fault.node_id).collect();
        assert_eq!(ids, [Some("y".to_owned())]);
    }
}

#[test]
fn values_have_their_type_and_range() {
    for (pointer, positive) in
        [("/nodes/0/port_bps", true), ("/network/stations/0/bandwidth_bps", true), ("/network/latency_s", false)]
    {
        assert_each(access_point, WrongType, &[(pointer, json!("1")), (pointer, Value::Null)]);
        assert_each(access_point, OutOfRange, &[(pointer, json!(-1)), (pointer, json!(1e101))]);
        if positive {
            assert_each(access_point, OutOfRange, &[(pointer, json!(0))]);
        }
    }
    assert_each(access_point, UnknownValue, &[("/nodes/0/port_duplex", json!("both"))]);
    assert_each(access_point, WrongType, &[("/nodes/0/port_duplex", json!(1)), ("/network/stations", json!({}))]);
    assert_each(access_point, WrongType, &[("/network/stations/0", json!("x")), ("/network/medium", json!(1))]);
    assert_each(access_point, OutOfRange, &[("/network/medium", json!("")), ("/links/0/medium", json!(""))]);
    assert_each(
        access_point,
        UnknownField,
        &[("/network/stations/0/latency_s", json!(1)), ("/network/switches", json!([]))],
    );
    assert_each(topology, UnknownValue, &[("/network/segments/0/duplex", json!("both"))]);
    assert_each(
        topology,
        OutOfRange,
        &[("/network/segments/0/bandwidth_bps", json!(0)), ("/network/segments/0/latency_s", json!(-1))],
    );
    assert_each(topology, OutOfRange, &[("/network/segments/0/medium", json!("x".repeat(257)))]);
    assert_each(topology, WrongType, &[("/network/segments", json!({})), ("/network/switches", json!("s"))]);
    assert_each(
        topology,
        WrongType,
        &[("/network/segments/0", json!(1)), ("/network/segments/0/a", json!(1)), ("/network/switches/0", json!(1))],
    );
    assert_each(
        topology,
        UnknownField,
        &[("/network/medium", json!("air")), ("/network/segments/0/bidirectional", json!(true))],
    );
}

#[test]
fn stations_are_known_nodes_that_stand_once() {
    assert_each(
        access_point,
        UnknownReference,
        &[("/network/stations/1/node_id", json!("q")), ("/network/wired/0/node_id", json!("q"))],
    );
    assert_each(
        access_point,
        Duplicate,
        &[("/network/stations/1/node_id", json!("x")), ("/network/wired/0/node_id", json!("y"))],
    );
    let twice = json!({"node_id": "z", "bandwidth_bps": 1e6});
    assert_at(&with(access_point(), "/network/wired/-", twice), "/network/wired/1/node_id", Duplicate);
    let detail = faults(&with(access_point(), "/network/wired/0/node_id", json!("y")))[0].detail.clone();
    assert!(detail.contains("stations/1"), "{detail}");
}

#[test]
fn segments_join_two_known_vertices_once() {
    assert_each(topology, UnknownReference, &[("/network/segments/1/a", json!("q"))]);
    assert_at(&with(topology(), "/network/segments/0/b", json!("x")), "/network/segments/0", SelfLoop);
    for (a, b) in [("x", "s"), ("s", "x")] {
        let twice = json!({"a": a, "b": b, "bandwidth_bps": 1.0});
        assert_at(&with(topology(), "/network/segments/-", twice), "/network/segments/3", Duplicate);
    }
}

#[test]
fn switches_stand_once_and_are_no_nodes() {
    assert_each(topology, Duplicate, &[("/network/switches/1", json!("s"))]);
    assert_each(topology, Conflict, &[("/network/switches/1", json!("z"))]);
}

#[test]
fn a_node_without_a_route_has_a_fault() {
    let joined = |a: &str, b: &str| json!({"a": a, "b": b, "bandwidth_bps": 1.0});
    let with_segments = |segments: Value| with(topology(), "/network/segments", segments);
    // x and y are listed with a link; z has none and no segment.
    let apart = with_segments(json!([joined("x", "s"), joined("s", "y")]));
    assert_at(&apart, "/network/segments", NoRoute);
    assert_eq!(faults(&apart)[0].node_id.as_deref(), Some("z"));
    // It has a segment, but to nobody.
    assert_at(
        &with_segments(json!([joined("x", "s"), joined("s", "y"), joined("z", "r")])),
        "/network/segments",
        NoRoute,
    );
    // What a listed link reaches needs no route.
    assert_eq!(found(&with_segments(json!([joined("x", "s"), joined("s", "z")]))), []);
    // Without links each of two is named.
    let none = with(with_segments(json!([joined("x", "s")])), "/links", json!([]));
    let ids: Vec<Option<String>> = faults(&none).into_iter().map(|fault| fault.node_id).collect();
    assert_eq!(ids, [Some("y".to_owned()), Some("z".to_owned())]);
}

#[test]
fn rows_of_latencies_are_as_many_and_as_long_as_there_are_nodes() {
    let latency = "/network/latency_s";
    assert_each(matrix, OutOfRange, &[(latency, json!([[0, 1]])), (latency, json!([])), (latency, json!(-1))]);
    for (rows, below, code) in [
        (json!([[0, 1], [1]]), "/1", OutOfRange),
        (json!([[0, 1, 2], [1, 0]]), "/0", OutOfRange),
        (json!([[0, -1], [1, 0]]), "/0/1", OutOfRange),
        (json!([[0, 1], 1]), "/1", WrongType),
        (json!([[0, "1"], [1, 0]]), "/0/1", WrongType),
    ] {
        assert_at(&with(matrix(), latency, rows), &format!("{latency}{below}"), code);
    }
    assert_each(matrix, WrongType, &[(latency, json!("1")), (latency, json!({})), (latency, Value::Null)]);
}

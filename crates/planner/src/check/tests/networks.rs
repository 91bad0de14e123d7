//! Networks of every kind, the media of their transfers, and figures worked out by hand.
//!
//! The input has 800 bits, what `a` sends 160, what `b` sends 400, and the output 320.

use super::*;

/// The request with a network and no listed link. Nodes compute in no time.
fn on(network: Value, changes: &[(&str, &str, Value)]) -> PlanRequest {
    let mut all = vec![
        ("", "cost_model", json!({"compute": "ignore"})),
        ("/cluster", "links", json!([])),
        ("/cluster", "network", network),
    ];
    all.extend(changes.iter().cloned());
    request_with(&all)
}

fn mesh(bandwidth_bps: f64) -> Value {
    json!({"kind": "full_mesh", "bandwidth_bps": bandwidth_bps})
}

fn cost_model(name: &str, value: &str) -> (&'static str, &'static str, Value) {
    ("", "cost_model", json!({"compute": "ignore", name: value}))
}

fn acknowledged() -> (&'static str, &'static str, Value) {
    cost_model("transfers", "acknowledged")
}

fn ends(source: &str, sink: &str) -> (&'static str, &'static str, Value) {
    ("", "constraints", json!({"source_node": source, "sink_node": sink}))
}

/// Period, latency, bottleneck and media.
fn costs(request: &PlanRequest, stages: &[(&str, &[&str])]) -> (f64, f64, String, Vec<(String, f64)>) {
    let evaluation = evaluated(request, stages);
    assert_eq!(evaluation.violations, []);
    let bottleneck = evaluation.bottleneck.unwrap();
    let name = serde_json::to_value(bottleneck.kind).unwrap();
    let medium = bottleneck.medium_id.map_or(String::new(), |id| format!(" {id}"));
    let text = format!("{} {}{medium}", name.as_str().unwrap(), bottleneck.stage_index);
    let media = evaluation.media.into_iter().map(|it| (it.id, rounded(it.occupied_s))).collect();
    (rounded(evaluation.period_s.unwrap()), rounded(evaluation.latency_s.unwrap()), text, media)
}

/// To twelve digits behind the point, so that sums of tenths are tenths.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e12).round() / 1e12
}

fn sent(request: &PlanRequest, stages: &[(&str, &[&str])]) -> Vec<(f64, Vec<String>)> {
    let evaluation = evaluated(request, stages);
    let sends = evaluation.stages.iter().filter_map(|stage| stage.send.as_ref());
    sends.map(|send| (rounded(send.transfer_s), send.route.clone())).collect()
}

fn media(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
    pairs.iter().map(|&(id, seconds)| (id.to_owned(), seconds)).collect()
}

fn has_link(request: &PlanRequest, from: &str, to: &str) -> bool {
    let evaluation = evaluated(request, &[(from, &["in", "a"]), (to, &["b", "c"])]);
    !evaluation.violations.iter().any(|violation| violation.code == ViolationCode::NoLink)
}

#[test]
fn latency_occupies_only_what_waits_for_an_answer() {
    let no_compute = ("", "cost_model", json!({"compute": "ignore"}));
    // 160 bits at 800 bit/s, and 0.5 s of latency.
    assert_eq!(costs(&request_with(&[no_compute]), TWO), (0.2, 0.7, "hop 0".to_owned(), vec![]));
    assert_eq!(costs(&request_with(&[acknowledged()]), TWO), (0.7, 0.7, "hop 0".to_owned(), vec![]));
    let one_at_a_time = cost_model("overlap", "none");
    assert_eq!(costs(&request_with(&[one_at_a_time]), TWO), (0.7, 0.7, "node 0".to_owned(), vec![]));
}

#[test]
fn links_of_one_name_take_turns() {
    let link = |from: &str, to: &str, bandwidth_bps: f64, medium: &str| json!({"from": from, "to": to, "bandwidth_bps": bandwidth_bps, "medium": medium});
    let links = |first: &str, second: &str| {
        let links = json!([link("n1", "n2", 800.0, first), link("n2", "n3", 400.0, second)]);
        [("", "cost_model", json!({"compute": "ignore"})), ("/cluster", "links", links)]
    };
    // 160 / 800 and 400 / 400
    let shared = media(&[("air", 1.2)]);
    assert_eq!(
        costs(&request_with(&links("air", "air")), THREE),
        (1.2, 1.2, "medium 0 air".to_owned(), shared.clone())
    );
    assert_eq!(costs(&request_with(&links("air", "sea")), THREE), (1.0, 1.2, "hop 1".to_owned(), vec![]));
    let mut changes = links("air", "air").to_vec();
    changes.push(acknowledged());
    assert_eq!(costs(&request_with(&changes), THREE), (1.2, 1.2, "medium 0 air".to_owned(), shared.clone()));
    // Without overlap, n2 is as busy as the medium, since it takes part in both transfers.
    changes.push(cost_model("overlap", "none"));
    assert_eq!(costs(&request_with(&changes), THREE), (1.2, 1.2, "node 1".to_owned(), shared.clone()));
    // The same name elsewhere is the same medium: the output takes 320 / 320.
    let mut changes = links("air", "sea").to_vec();
    changes.push(("/cluster", "network", json!({"kind": "full_mesh", "bandwidth_bps": 320.0, "medium": "air"})));
    changes.push(("", "constraints", json!({"sink_node": "n4"})));
    assert_eq!(costs(&request_with(&changes), THREE), (1.2, 2.2, "medium 0 air".to_owned(), shared));
}

#[test]
fn input_and_output_over_one_link_take_turns() {
    let stages: &[(&str, &[&str])] = &[("n2", &["in", "a"]), ("n1", &["b", "c"])];
    // n1 sends 800 and then 320 bits to n2 at 80 bit/s, and n2 sends 160 to n1.
    let request = on(mesh(80.0), &[ends("n1", "n2")]);
    let shared = media(&[("n1 -> n2", 14.0)]);
    assert_eq!(costs(&request, stages), (14.0, 16.0, "medium 0 n1 -> n2".to_owned(), shared));
    // Nobody named it.
    let request = on(mesh(80.0), &[ends("n1", "n2"), acknowledged()]);
    assert_eq!(costs(&request, stages), (10.0, 16.0, "source 0".to_owned(), vec![]));
}

#[test]
fn a_medium_is_the_bottleneck_only_if_nothing_else_is() {
    let named = |bandwidth_bps: f64| json!({"kind": "full_mesh", "bandwidth_bps": bandwidth_bps, "medium": "air"});
    // No transfer takes any time, and no stage.
    let outputs = ("/model/layers/1", "output_bytes", json!(0));
    let request = on(named(80.0), &[outputs.clone(), ("/model/layers/2", "output_bytes", json!(0))]);
    assert_eq!(costs(&request, THREE), (0.0, 0.0, "stage 0".to_owned(), media(&[("air", 0.0)])));
    // The first hop carries nothing, so that the second alone takes as long as the medium: 30 bytes at 80 bit/s.
    assert_eq!(costs(&on(named(80.0), &[outputs]), THREE), (3.0, 3.0, "hop 1".to_owned(), media(&[("air", 3.0)])));
}

#[test]
fn ports_carry_what_a_node_sends_and_receives() {
    let port = |duplex: &str| {
        let node = json!({"id": "n2", "memory_bytes": 1000, "port_bps": 400.0, "port_duplex": duplex});
        json!([{"id": "n1", "memory_bytes": 1000}, node, {"id": "n3", "memory_bytes": 1000}])
    };
    let with = |duplex: &str, more: &[(&'static str, &'static str, Value)]| {
        let mut changes = vec![("/cluster", "nodes", port(duplex))];
        changes.extend(more.iter().cloned());
        on(mesh(1600.0), &changes)
    };
    // n2 receives 160 and sends 400 bits.
    assert_eq!(costs(&with("full", &[]), THREE), (1.0, 1.4, "hop 1".to_owned(), vec![]));
    let shared = media(&[("n2 port", 1.4)]);
    assert_eq!(costs(&with("half", &[]), THREE), (1.4, 1.4, "medium 0 n2 port".to_owned(), shared));
    assert_eq!(costs(&with("half", &[acknowledged()]), THREE), (1.0, 1.4, "hop 1".to_owned(), vec![]));
    // As the source, n2 sends 800 bits in addition; as the sink, it receives 320.
    let evaluation = costs(&with("full", &[ends("n2", "n2")]), THREE);
    let shared = media(&[("n2 port out", 3.0), ("n2 port in", 1.2)]);
    assert_eq!(evaluation, (3.0, 2.0 + 0.4 + 1.0 + 0.8, "medium 0 n2 port out".to_owned(), shared));
    // A port of a listed link, beside a link that is slower.
    let links =
        json!([{"from": "n1", "to": "n2", "bandwidth_bps": 100.0}, {"from": "n2", "to": "n3", "bandwidth_bps": 1e6}]);
    assert_eq!(sent(&with("full", &[("/cluster", "links", links)]), THREE), [(1.6, vec![]), (1.0, vec![])]);
}

#[test]
fn a_radio_and_a_matrix_may_be_one_medium_each() {
    let mut changes = Vec::new();
    let places =
        [("/cluster/nodes/0", 0.0), ("/cluster/nodes/1", 5.0), ("/cluster/nodes/2", 10.0), ("/cluster/nodes/3", 99.0)];
    for (node, x) in places {
        changes.push((node, "position_m", json!({"x": x, "y": 0.0})));
    }
    // 20 · log2(1 + 75 / 25) = 40 bit/s over 5 m: 160 and 400 bits.
    let radio = json!({"kind": "radio", "bandwidth_hz": 20.0, "snr_at_1m": 75.0, "latency_s": 1.0, "medium": "air"});
    assert_eq!(costs(&on(radio, &changes), THREE), (14.0, 16.0, "medium 0 air".to_owned(), media(&[("air", 14.0)])));

    let matrix = json!({"kind": "matrix", "node_ids": ["n3", "n2", "n1"], "medium": "air",
                        "bandwidth_bps": [[0.0, 0.0, 0.0], [400.0, 0.0, 0.0], [0.0, 160.0, 0.0]],
                        "latency_s": [[9.0, 9.0, 9.0], [0.25, 9.0, 9.0], [9.0, 0.5, 9.0]]});
    let request = on(matrix, &[]);
    assert_eq!(sent(&request, THREE), [(1.5, vec![]), (1.25, vec![])]);
    assert_eq!(costs(&request, THREE), (2.0, 2.75, "medium 0 air".to_owned(), media(&[("air", 2.0)])));
    assert!(!has_link(&request, "n2", "n1"));
}

/// n1 and n2 on the channel, n3 wired, n4 neither.
fn access_point() -> Value {
    json!({"kind": "access_point", "medium": "channel", "latency_s": 0.25,
           "stations": [{"node_id": "n1", "bandwidth_bps": 800.0}, {"node_id": "n2", "bandwidth_bps": 400.0}],
           "wired": [{"node_id": "n3", "bandwidth_bps": 1600.0}]})
}

#[test]
fn stations_take_the_channel_twice_and_wired_nodes_do_not() {
    let request = on(access_point(), &[]);
    // 160 / 800 + 160 / 400, then 400 / 400 and, on the wire, 400 / 1600; each arrives 0.25 s later.
    assert_eq!(sent(&request, THREE), [(0.85, vec![]), (1.25, vec![])]);
    let shared = media(&[("channel", 1.6)]);
    assert_eq!(costs(&request, THREE), (1.6, 2.1, "medium 0 channel".to_owned(), shared.clone()));
    // The channel always has a name.
    let waiting = on(access_point(), &[acknowledged()]);
    assert_eq!(costs(&waiting, THREE), (1.6, 2.1, "medium 0 channel".to_owned(), shared));
    // n3 is the source: 800 / 800 on the channel.
    let request = on(access_point(), &[ends("n3", "n3")]);
    // The output does not travel, and the wires carry 800 bits out and 400 in.
    assert_eq!(costs(&request, THREE).3, media(&[("channel", 2.6)]));
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n3", &["b"]), ("n2", &["c"])];
    // On the wire out 800 + 400 bits, in 160 + 320. On the channel 1 + 0.2 + 1 + 0.8.
    let shared = media(&[("channel", 3.0), ("n3 wire out", 0.75), ("n3 wire in", 0.3)]);
    assert_eq!(costs(&request, stages).3, shared);
    assert!(!has_link(&request, "n4", "n1") && !has_link(&request, "n1", "n4"));
    // A listed link is as good as any.
    let links = ("/cluster", "links", json!([{"from": "n1", "to": "n4", "bandwidth_bps": 100.0}]));
    let request = on(access_point(), &[links]);
    assert!(has_link(&request, "n1", "n4") && !has_link(&request, "n4", "n1"));
}

#[test]
fn wired_nodes_do_not_take_the_channel() {
    let mut point = access_point();
    point["wired"] = json!([{"node_id": "n3", "bandwidth_bps": 1600.0}, {"node_id": "n4", "bandwidth_bps": 800.0}]);
    let stages: &[(&str, &[&str])] = &[("n3", &["in", "a"]), ("n4", &["b", "c"])];
    // Out at 1600 bit/s, in at 800: the larger of 0.1 and 0.2 s, and 0.25 s of latency.
    assert_eq!(costs(&on(point.clone(), &[]), stages), (0.2, 0.45, "hop 0".to_owned(), vec![]));
    // Without stations the channel is idle.
    point["stations"] = json!([]);
    assert_eq!(costs(&on(point, &[]), stages), (0.2, 0.45, "hop 0".to_owned(), vec![]));
}

/// n1 - hall - n2 - n3, and n4 at the hall.
fn topology() -> Value {
    json!({"kind": "topology", "switches": ["hall"], "segments": [
        {"a": "n1", "b": "hall", "bandwidth_bps": 1600.0, "latency_s": 0.125},
        {"a": "hall", "b": "n2", "bandwidth_bps": 800.0, "latency_s": 0.25, "duplex": "half"},
        {"a": "n2", "b": "n3", "bandwidth_bps": 320.0, "latency_s": 0.5},
        {"a": "n4", "b": "hall", "bandwidth_bps": 1600.0, "medium": "mast", "duplex": "half"}
    ]})
}

#[test]
fn routes_lead_over_segments() {
    let route = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<String>>();
    let request = on(topology(), &[]);
    // 160 bits: 0.1 to the hall, 0.2 to n2. Then 400 bits at 320 bit/s.
    assert_eq!(sent(&request, THREE), [(0.2 + 0.375, route(&["n1", "hall", "n2"])), (1.75, vec![])]);
    assert_eq!(costs(&request, THREE), (1.25, 2.325, "hop 1".to_owned(), vec![]));
    // n2 forwards: the slowest of its segments counts.
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n3", &["b", "c"])];
    assert_eq!(sent(&request, stages), [(0.5 + 0.875, route(&["n1", "hall", "n2", "n3"]))]);
    // It gets the input back to front: 800 / 320 + 0.5, 800 / 800 + 0.375.
    let request = on(topology(), &[ends("n3", "n1")]);
    let evaluation = evaluated(&request, &[("n1", &["in", "a"]), ("n4", &["b", "c"])]);
    let receive = evaluation.stages[0].receive.clone().unwrap();
    assert_eq!((receive.transfer_s, receive.route), (2.5 + 0.875, route(&["n3", "n2", "hall", "n1"])));
    assert_eq!(evaluation.stages[1].send.as_ref().unwrap().route, ["n4", "hall", "n1"]);
}

#[test]
fn a_half_duplex_segment_is_one_medium_for_both_ways() {
    // n2 sends the input of 800 bits to n1 and gets 160 bits back: 1 s and 0.2 s on the half-duplex segment.
    let request = on(topology(), &[("", "constraints", json!({"source_node": "n2"}))]);
    let shared = media(&[("hall -- n2", 1.2)]);
    let expected = (1.2, 1.375 + 0.575, "medium 0 hall -- n2".to_owned(), shared);
    assert_eq!(costs(&request, TWO), expected);
    let mut full = topology();
    full["segments"][1].as_object_mut().unwrap().remove("duplex");
    let request = on(full.clone(), &[("", "constraints", json!({"source_node": "n2"}))]);
    assert_eq!(costs(&request, TWO), (1.0, 1.95, "source 0".to_owned(), vec![]));
    // A direction that two transfers take: the input from n1, and what n3 sends.
    let stages: &[(&str, &[&str])] = &[("n2", &["in", "a"]), ("n1", &["b", "c"])];
    let request = on(full, &[ends("n1", "n3")]);
    // 800 + 320 bits from n1 to the hall, and from there to n2.
    let shared = media(&[("hall -> n2", 1.4), ("n1 -> hall", 0.7)]);
    assert_eq!(costs(&request, stages).3, shared);
    // With a name it is that medium, whatever its duplex.
    let request = on(topology(), &[("", "constraints", json!({"source_node": "n4", "sink_node": "n4"}))]);
    assert_eq!(costs(&request, TWO).3, media(&[("mast", 0.7), ("hall -- n2", 0.6)]));
}

#[test]
fn a_node_that_forwards_needs_its_ports() {
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n3", &["b", "c"])];
    let with = |duplex: &str| {
        let port = json!(100.0);
        on(topology(), &[("/cluster/nodes/1", "port_bps", port), ("/cluster/nodes/1", "port_duplex", json!(duplex))])
    };
    // 160 bits in and out at 100 bit/s, at once or one after the other.
    assert_eq!(costs(&with("full"), stages), (1.6, 1.6 + 0.875, "hop 0".to_owned(), vec![]));
    assert_eq!(costs(&with("half"), stages), (3.2, 3.2 + 0.875, "hop 0".to_owned(), vec![]));
    // Forwarding occupies the port, and never the load of a node: 800 bits for n1, from n3 by way of n2.
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n2", &["b", "c"])];
    let more = [
        ("/cluster/nodes/1", "port_bps", json!(100.0)),
        ("", "cost_model", json!({"compute": "ignore", "overlap": "none"})),
        ("", "constraints", json!({"source_node": "n3"})),
    ];
    let request = on(topology(), &more);
    // Into n2 go 800 and 160 bits. n1 receives for 8.875 s and sends for 1.975 s.
    let shared = media(&[("n2 port in", 9.6), ("hall -- n2", 1.2)]);
    assert_eq!(costs(&request, stages), (10.85, 10.85, "node 0".to_owned(), shared));
}

#[test]
fn a_route_has_the_least_cost_and_of_equals_the_first_vertices() {
    let segment = |a: &str, b: &str, bandwidth_bps: f64| json!({"a": a, "b": b, "bandwidth_bps": bandwidth_bps});
    let route = |segments: Value| {
        let network = json!({"kind": "topology", "switches": ["s", "r"], "segments": segments});
        let (_, route) = sent(&on(network, &[]), TWO).remove(0);
        route.join(" ")
    };
    let by_s = [segment("n1", "s", 2e9), segment("s", "n2", 2e9)];
    let by_r = [segment("n1", "r", 2e9), segment("r", "n2", 2e9)];
    let by_n4 = [segment("n1", "n4", 2e9), segment("n4", "n2", 2e9)];
    let all = |parts: &[&[Value]]| json!(parts.concat());
    // Two segments of 2 Gbit/s cost as much as one of 1: n2 comes before the others.
    assert_eq!(
        route(all(&[&by_s, &by_n4, &[segment("n2", "n1", 1e9), segment("n3", "s", 1.0), segment("r", "s", 1.0)]])),
        ""
    );
    let n3 = [segment("n3", "s", 1.0), segment("r", "s", 1.0)];
    assert_eq!(route(all(&[&by_s, &by_n4, &n3, &[segment("n2", "n1", 0.99e9)]])), "n1 n4 n2");
    assert_eq!(route(all(&[&by_r, &by_s, &[segment("n3", "n1", 1.0), segment("n4", "s", 1.0)]])), "n1 s n2");
    // So fast that a segment costs less than 1: it costs 1, and fewer segments win.
    let fast = [
        segment("n1", "n2", 1e25),
        segment("n1", "n3", 1e90),
        segment("n3", "n2", 1e90),
        segment("n4", "s", 1.0),
        segment("s", "n1", 1.0),
        segment("s", "r", 1.0),
    ];
    assert_eq!(route(json!(fast)), "");
    // So slow that costs have no room: there is still a route.
    let slow = [
        segment("n1", "n3", 1e-100),
        segment("n3", "n4", 1e-100),
        segment("n4", "n2", 1e-100),
        segment("s", "r", 1.0),
        segment("s", "n3", 1e-100),
    ];
    assert_eq!(route(json!(slow)), "n1 n3 n4 n2");
}

#[test]
fn a_listed_link_replaces_the_route_of_its_pair_alone() {
    let link = json!([{"from": "n1", "to": "n2", "bandwidth_bps": 1e6, "latency_s": 1.0}]);
    let request = on(topology(), &[("/cluster", "links", link)]);
    let (transfer_s, route) = sent(&request, TWO).remove(0);
    assert_eq!((transfer_s, route), (1.00016, vec![]));
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a"]), ("n3", &["b", "c"])];
    assert_eq!(sent(&request, stages)[0].1, ["n1", "hall", "n2", "n3"]);
    let stages: &[(&str, &[&str])] = &[("n2", &["in", "a"]), ("n1", &["b", "c"])];
    assert_eq!(sent(&request, stages)[0].1, ["n2", "hall", "n1"]);
}

#[test]
fn a_link_and_a_segment_of_the_same_ends_are_two_media() {
    let mut network = topology();
    network["segments"][1] = json!({"a": "n1", "b": "n2", "bandwidth_bps": 400.0});
    let links = json!([{"from": "n1", "to": "n2", "bandwidth_bps": 400.0}]);
    // The input of 800 bits takes the link to n2, and the output of 320 the segment on its way to n3.
    let request = on(network, &[("/cluster", "links", links), ends("n1", "n3")]);
    let stages: &[(&str, &[&str])] = &[("n2", &["in", "a"]), ("n1", &["b", "c"])];
    assert_eq!(costs(&request, stages), (2.0, 2.0 + 0.4 + 1.5, "source 0".to_owned(), vec![]));
}

#[test]
fn nodes_without_a_route_have_no_link() {
    let segments = json!([{"a": "n1", "b": "n2", "bandwidth_bps": 1e3}, {"a": "n3", "b": "n4", "bandwidth_bps": 1e3}]);
    let links =
        json!([{"from": "n1", "to": "n3", "bandwidth_bps": 1e3}, {"from": "n1", "to": "n4", "bandwidth_bps": 1e3}]);
    let network = json!({"kind": "topology", "segments": segments});
    let request = on(network, &[("/cluster", "links", links)]);
    assert!(has_link(&request, "n1", "n2") && has_link(&request, "n3", "n4") && has_link(&request, "n1", "n3"));
    assert!(!has_link(&request, "n2", "n3") && !has_link(&request, "n4", "n1"));
}

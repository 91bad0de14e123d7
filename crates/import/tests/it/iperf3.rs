//! Results that iperf3 printed, in every direction.

use cutpoint_planner::domain::network::Duplex;

use crate::data::{cluster, codes, link, measured};

#[test]
fn a_client_sends_and_a_reversed_client_receives() {
    let lab = cluster(&measured(&["a-b", "a-b-reverse", "a-c-parallel"]).unwrap());
    // Half of 5780 microseconds. The reversed test has no round trip, so that of the other direction counts.
    assert_eq!(link(&lab, "a", "b"), Some((19193360.070611186, 0.00289)));
    assert_eq!(link(&lab, "b", "a"), Some((38318166.84157555, 0.00289)));
    // Two streams: the smaller round trip.
    assert_eq!(link(&lab, "a", "c"), Some((19088204.561665487, 0.0143505)));
    assert_eq!(lab.links.len(), 3);
    assert_eq!(lab.nodes[0].port_bps, Some(38318166.84157555));
    assert_eq!(lab.nodes[2].port_bps, Some(19088204.561665487));
    assert_eq!(lab.nodes[3].port_bps, None);
}

#[test]
fn a_servers_result_is_the_mirror_image() {
    let imported = measured(&["b-server", "b-server-reverse"]).unwrap();
    let lab = cluster(&imported);
    assert_eq!(link(&lab, "a", "b"), Some((19182052.4915264, 0.0)));
    // A server that sends does not know what arrives.
    assert_eq!(link(&lab, "b", "a"), None);
    assert!(codes(&imported).contains(&"nothing_arrived"), "{:?}", codes(&imported));
}

#[test]
fn of_several_tests_the_median_counts() {
    let imported = measured(&["a-b", "a-b-2", "a-b-3"]).unwrap();
    // Rates 19193360, 19195448, 19171110; round trips 5780, 6314, 5623.
    assert_eq!(link(&cluster(&imported), "a", "b"), Some((19193360.070611186, 0.00289)));
    let source = imported.report.sources.iter().find(|source| source.figure == "bandwidth_bps").unwrap();
    assert_eq!(source.files, ["a-b", "a-b-2", "a-b-3"]);
    assert_eq!(source.note.as_deref(), Some("the median of 3 tests"));
    let even = cluster(&measured(&["a-b", "a-b-3"]).unwrap());
    assert_eq!(link(&even, "a", "b").map(|(rate, _)| rate), Some((19193360.070611186 + 19171110.145867813) / 2.0));
}

#[test]
fn full_duplex_ports_are_not_taken_for_half_duplex_ones() {
    let imported = measured(&["a-b", "a-b-reverse", "a-b-bidir"]).unwrap();
    let lab = cluster(&imported);
    assert!(lab.nodes.iter().all(|node| node.port_duplex == Duplex::Full));
    // What each direction carries alone wins over what it carries beside the other.
    assert_eq!(link(&lab, "a", "b").map(|(rate, _)| rate), Some(19193360.070611186));
    assert!(!codes(&imported).contains(&"half_duplex"));
}

#[test]
fn both_ways_that_sum_to_one_mean_a_half_duplex_port() {
    let imported = measured(&["h1-h2", "h1-h2-reverse", "h1-h2-bidir", "h1-h2-bidir-2"]).unwrap();
    let lab = cluster(&imported);
    for node in &lab.nodes[3..] {
        assert_eq!(node.port_duplex, Duplex::Half, "{}", node.id);
        assert_eq!(node.port_bps, Some(22972437.28677753), "{}", node.id);
        assert!(node.labels["source.port_duplex"].starts_with("derived by iperf3 in h1-h2"), "{:?}", node.labels);
    }
    assert_eq!(lab.nodes[0].port_duplex, Duplex::Full);
    assert_eq!(codes(&imported).iter().filter(|&&code| code == "half_duplex").count(), 2);
    // A half-duplex port is a radio until somebody says otherwise.
    assert!(codes(&imported).contains(&"wireless_without_medium"));
}

#[test]
fn both_ways_alone_are_taken_and_warned_of() {
    let imported = measured(&["b-c-bidir"]).unwrap();
    let lab = cluster(&imported);
    // The stream that only acknowledges claims a round trip of 5 microseconds: it is not believed.
    assert_eq!(link(&lab, "b", "c"), Some((37065587.34137116, 0.0054945)));
    assert_eq!(link(&lab, "c", "b"), Some((50243949.96398817, 0.0054945)));
    assert!(codes(&imported).contains(&"both_ways_only"));
}

#[test]
fn what_says_nothing_of_a_link_is_warned_of() {
    let imported = measured(&["a-b-udp", "a-nobody"]).unwrap();
    assert_eq!(cluster(&imported).links.len(), 0);
    let failed: Vec<&str> = imported.report.warnings.iter().map(|warning| warning.detail.as_str()).take(2).collect();
    assert!(failed[0].starts_with("a-b-udp: a test over UDP"), "{failed:?}");
    assert!(failed[1].contains("unable to connect"), "{failed:?}");
}

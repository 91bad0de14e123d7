//! Placements that run already: what is shipped from a base, and what a newcomer does to occupants.

use serde_json::{Value, json};

use super::{TWO, evaluated, request_with};
use crate::domain::placed::Placed;
use crate::{diff, occupant_of};

/// The base holds `in` and `a` on n2 and `b` on n3; `c` is on a node that is gone.
fn base() -> Value {
    json!({"stages": [
        {"node_id": "n2", "layer_ids": ["in", "a"]}, {"node_id": "n3", "layer_ids": ["b"]},
        {"node_id": "n9", "layer_ids": ["c"]}
    ]})
}

#[test]
fn what_a_node_does_not_hold_is_shipped_over_direct_links() {
    let request = request_with(&[("", "base", base())]);
    let migration = evaluated(&request, TWO).migration.unwrap();
    let moved: Vec<(&str, Option<&str>, &str, u64)> = migration
        .moved_layers
        .iter()
        .map(|it| (it.layer_id.as_str(), it.from_node_id.as_deref(), it.to_node_id.as_str(), it.param_bytes))
        .collect();
    let wanted =
        [("in", Some("n2"), "n1", 0), ("a", Some("n2"), "n1", 10), ("b", Some("n3"), "n2", 20), ("c", None, "n2", 30)];
    assert_eq!(moved, wanted);
    assert_eq!(migration.shipped_bytes, 60);
    // No link leads from n2 to n1 (10 bytes), nobody holds c (30 bytes). b: 160 bits at 400 bit/s.
    assert_eq!((migration.unsourced_bytes, migration.estimated_s), (40, 0.4));
}

/// The planner's own account of what is shipped is the checker's, also where constants and branches are in it.
#[test]
fn a_diff_moves_sets_of_layers_and_the_constants_that_they_need() {
    let layer = |id: &str, param_bytes: u64, flops: u64| json!({"id": id, "param_bytes": param_bytes, "output_bytes": 1, "flops": flops});
    let edge = |(from, to): (&str, &str)| json!({"from": from, "to": to});
    let layers =
        [layer("in", 0, 0), layer("a", 1, 1), layer("w", 64, 0), layer("b", 2, 1), layer("c", 4, 1), layer("d", 8, 1)];
    let edges = [("in", "a"), ("in", "b"), ("a", "c"), ("b", "d"), ("w", "c"), ("w", "d")].map(edge);
    let model = json!({"name": "branches", "layers": layers, "edges": edges});
    let before = json!({"stages": [
        {"node_id": "n3", "layer_ids": ["in", "b", "d"]}, {"node_id": "n2", "layer_ids": ["a", "c", "w"]}
    ]});
    let request = request_with(&[("", "model", model), ("", "base", before)]);
    let stages: &[(&str, &[&str])] = &[("n1", &["in", "a", "c"]), ("n2", &["b", "d"])];
    let evaluation = evaluated(&request, stages);
    assert_eq!(evaluation.violations, []);
    let migration = evaluation.migration.clone().unwrap();
    assert_eq!(migration.shipped_bytes, 1 + 4 + 64 + 2 + 8);
    let placed = Placed::from_json(&json!(evaluation)).unwrap();
    let base: &[(&str, &[&str])] = &[("n3", &["in", "b", "d"]), ("n2", &["a", "c"])];
    let base = Placed::from_json(&json!(evaluated(
        &request_with(&[
            ("", "model", json!(*request.model)),
            ("/cluster", "network", json!({"kind": "full_mesh", "bandwidth_bps": 80.0}))
        ]),
        base
    )))
    .unwrap();
    let diff = diff(&request.model, &request.cluster, &base, &placed);
    assert_eq!((diff.moved_layers, diff.shipped_bytes), (migration.moved_layers, migration.shipped_bytes));
    assert_eq!((diff.estimated_s, diff.unsourced_bytes), (migration.estimated_s, migration.unsourced_bytes));
}

#[test]
fn a_node_sends_and_receives_one_pair_at_a_time() {
    let base = json!({"stages": [
        {"node_id": "n2", "layer_ids": ["b", "c"]}, {"node_id": "n1", "layer_ids": ["in", "a"]}
    ]});
    let request = request_with(&[("", "base", base)]);
    // a: n1 → n2, 80 bits at 800 bit/s and 0.5 s of latency. b, c: n2 → n3, 400 bits at 400 bit/s.
    let stages: &[(&str, &[&str])] = &[("n2", &["in", "a"]), ("n3", &["b", "c"])];
    let migration = evaluated(&request, stages).migration.unwrap();
    // n2 receives for 0.6 s while it sends for 1 s.
    assert_eq!((migration.shipped_bytes, migration.estimated_s, migration.unsourced_bytes), (60, 1.0, 0));
}

#[test]
fn occupants_and_newcomer_share_max_min_fairly() {
    let occupant = json!({"id": "o", "rate_per_s": 0.5, "period_s": 2.0,
        "nodes": [{"node_id": "n2", "memory_bytes": 400, "compute_s": 1.0}],
        "hops": [{"from_node_id": "n1", "to_node_id": "n2", "transfer_s": 2.0}]});
    let evaluation = evaluated(&request_with(&[("", "occupants", json!([occupant]))]), TWO);
    // It asks for half of n2 and for all of the link: 1/2 is left of each.
    let second = &evaluation.stages[1];
    assert_eq!((second.memory_capacity_bytes, second.compute_share, second.compute_s), (600, Some(0.5), 5.0));
    // 20 bytes at half of 800 bit/s, and 0.5 s of latency.
    let send = evaluation.stages[0].send.as_ref().unwrap();
    assert_eq!((send.transfer_s, send.bandwidth_share), (0.9, Some(0.5)));
    assert_eq!(evaluation.period_s, Some(5.0));
    // With a period of 5 s the newcomer asks for 2.5 / 5 of n2, which fits beside 1/2, and for 0.2 / 5 of the link, which
    // leaves the occupant 0.96 of it.
    let effect = &evaluation.occupants[0];
    assert_eq!(effect.period_s, 2.0);
    assert!((effect.new_period_s - 2.0 / 0.96).abs() < 1e-12, "{effect:?}");
}

#[test]
fn a_placement_is_an_occupant_with_its_raw_seconds() {
    let request = request_with(&[]);
    let evaluation = evaluated(&request, TWO);
    let placed = Placed::from_json(&json!(evaluation)).unwrap();
    let occupant = occupant_of("p", &placed, &request.cluster, None);
    // b and c take 2.5 s on n2, which is the period; the hop is 0.2 s without its latency of 0.5 s.
    assert_eq!((occupant.period_s, occupant.rate_per_s), (2.5, 0.4));
    let nodes: Vec<(&str, f64)> = occupant.nodes.iter().map(|node| (node.node_id.as_str(), node.compute_s)).collect();
    assert_eq!(nodes, [("n1", 1.0), ("n2", 2.5)]);
    assert!((occupant.hops[0].transfer_s - 0.2).abs() < 1e-12, "{occupant:?}");
}

#[test]
fn a_diff_says_what_moves_and_what_it_gains() {
    let request = request_with(&[]);
    let placed = |stages| Placed::from_json(&json!(evaluated(&request, stages))).unwrap();
    let one: &[(&str, &[&str])] = &[("n1", &["in", "a", "b", "c"])];
    let (base, now) = (placed(one), placed(TWO));
    let diff = diff(&request.model, &request.cluster, &base, &now);
    let moved: Vec<&str> = diff.moved_layers.iter().map(|moved| moved.layer_id.as_str()).collect();
    // 50 bytes from n1 to n2: 400 bits at 800 bit/s and 0.5 s.
    assert_eq!((moved, diff.shipped_bytes, diff.estimated_s), (vec!["b", "c"], 50, 1.0));
    assert_eq!((diff.gained_node_ids, diff.lost_node_ids), (vec!["n2".to_owned()], vec![]));
    // 6 s on n1, against 2.5 s on n2; 1 + 0.7 + 2.5 s for one input.
    assert_eq!((diff.base_period_s, diff.period_s, diff.period_change_s), (6.0, 2.5, -3.5));
    assert!((diff.latency_s - 4.2).abs() < 1e-12 && (diff.latency_change_s + 1.8).abs() < 1e-12);
}

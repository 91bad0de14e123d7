//! Media beside occupants, and what documents say of media and routes.

use super::claims::{codes, true_document};
use super::*;
use crate::domain::placement::{Bottleneck, MediumUse, PlacementDocument};

fn occupant(media: Value) -> Value {
    json!({"id": "o", "rate_per_s": 0.5, "period_s": 2.0, "media": media})
}

/// Both hops of [`THREE`] on one medium: 160 bits at 800 bit/s and 400 bits at 400 bit/s.
fn air(changes: &[(&str, &str, Value)]) -> PlanRequest {
    let links = json!([
        {"from": "n1", "to": "n2", "bandwidth_bps": 800.0, "latency_s": 0.5, "medium": "air"},
        {"from": "n2", "to": "n3", "bandwidth_bps": 400.0, "medium": "air"}
    ]);
    let mut all = vec![("", "cost_model", json!({"compute": "ignore"})), ("/cluster", "links", links)];
    all.extend(changes.iter().cloned());
    request_with(&all)
}

fn sends(evaluation: &Evaluation) -> Vec<(f64, Option<f64>)> {
    let sends = evaluation.stages.iter().filter_map(|stage| stage.send.as_ref());
    sends.map(|send| (send.transfer_s, send.bandwidth_share)).collect()
}

#[test]
fn occupants_and_newcomer_share_a_medium() {
    let request = air(&[("", "occupants", json!([occupant(json!([{"id": "air", "occupied_s": 1.0}]))]))]);
    let evaluation = evaluated(&request, THREE);
    // Half of the air is left: 0.4 and 2 s, and 0.5 s of latency.
    assert_eq!(sends(&evaluation), [(0.9, Some(0.5)), (2.0, Some(0.5))]);
    assert_eq!((evaluation.period_s, evaluation.media[0].occupied_s), (Some(2.4), 2.4));
    // It asks for 1.2 / 2.4 of the air, which fits beside the occupant.
    assert_eq!(evaluation.occupants[0].new_period_s, 2.0);

    let request = air(&[("", "occupants", json!([occupant(json!([{"id": "air", "occupied_s": 2.0}]))]))]);
    let evaluation = evaluated(&request, THREE);
    // The occupant asked for all, and has one half now.
    assert_eq!((evaluation.period_s, evaluation.occupants[0].new_period_s), (Some(2.4), 4.0));
}

#[test]
fn shares_of_links_and_media_apply_together() {
    let mut both = occupant(json!([{"id": "air", "occupied_s": 1.0}]));
    both["hops"] = json!([{"from_node_id": "n1", "to_node_id": "n2", "transfer_s": 1.0}]);
    let evaluation = evaluated(&air(&[("", "occupants", json!([both]))]), THREE);
    assert_eq!(sends(&evaluation), [(0.5 + 0.8, Some(0.25)), (2.0, Some(0.5))]);
}

#[test]
fn a_share_of_a_medium_that_is_not_the_slowest_may_change_nothing() {
    let port = ("/cluster/nodes/1", "port_bps", json!(3200.0));
    let beside = |occupied_s: f64| {
        let occupants = json!([occupant(json!([{"id": "n2 port in", "occupied_s": occupied_s}]))]);
        sends(&evaluated(&air(&[port.clone(), ("", "occupants", occupants)]), THREE))
    };
    // The port takes 0.05 s, or with one half of it 0.1 s; the air takes 0.2 s.
    assert_eq!(beside(1.0)[0], (0.7, None));
    // With all asked for by three occupants, an eighth of it would be slower. Here 1 / 2 is left at least.
    assert_eq!(beside(100.0)[0], (0.7, None));
    let three = json!([
        {"id": "o", "rate_per_s": 9.0, "period_s": 1.0, "media": [{"id": "n2 port in", "occupied_s": 1.0}]},
        {"id": "p", "rate_per_s": 9.0, "period_s": 1.0, "media": [{"id": "n2 port in", "occupied_s": 1.0}]},
        {"id": "q", "rate_per_s": 9.0, "period_s": 1.0, "media": [{"id": "n2 port in", "occupied_s": 1.0}]},
        {"id": "r", "rate_per_s": 9.0, "period_s": 1.0, "media": [{"id": "n2 port in", "occupied_s": 1.0}]}
    ]);
    let (transfer_s, share) = sends(&evaluated(&air(&[port, ("", "occupants", three)]), THREE))[0];
    // A fifth of the port: 0.25 s in place of the 0.2 s on the air.
    assert!((transfer_s - 0.75).abs() < 1e-12 && (share.unwrap() - 0.8).abs() < 1e-12, "{transfer_s} {share:?}");
}

#[test]
fn every_medium_has_an_id_and_other_ids_are_ignored() {
    let network = json!({"kind": "topology", "switches": ["hall"], "segments": [
        {"a": "n1", "b": "hall", "bandwidth_bps": 1600.0}, {"a": "hall", "b": "n2", "bandwidth_bps": 1600.0, "duplex": "half"},
        {"a": "hall", "b": "n3", "bandwidth_bps": 1600.0, "medium": "mast"}, {"a": "hall", "b": "n4", "bandwidth_bps": 1600.0}
    ]});
    let ports = [
        ("/cluster/nodes/0", "port_bps", json!(1600.0)),
        ("/cluster/nodes/1", "port_bps", json!(1600.0)),
        ("/cluster/nodes/1", "port_duplex", json!("half")),
    ];
    let links = json!([{"from": "n2", "to": "n3", "bandwidth_bps": 4000.0}, {"from": "n3", "to": "n2", "bandwidth_bps": 4000.0, "medium": "air"}]);
    let share = |id: &str| {
        let mut changes = vec![("/cluster", "network", network.clone()), ("/cluster", "links", links.clone())];
        changes.extend(ports.iter().cloned());
        changes.push(("", "occupants", json!([occupant(json!([{"id": id, "occupied_s": 1.0}]))])));
        let request = request_with(&changes);
        let shares = sends(&evaluated(&request, THREE)).into_iter().map(|(_, share)| share.unwrap_or(1.0));
        let slower: Vec<usize> = shares.enumerate().filter(|(_, share)| *share < 1.0).map(|(hop, _)| hop).collect();
        slower
    };
    for id in ["n1 port out", "n1 -> hall", "hall -- n2"] {
        assert_eq!(share(id), [0], "{id}");
    }
    assert_eq!(share("n2 port"), [0, 1]);
    assert_eq!(share("n2 -> n3"), [] as [usize; 0], "the port is still slower");
    for id in [
        "n1 port",
        "n1 port in",
        "n2 port in",
        "n2 -- hall",
        "hall -> n2",
        "mast",
        "air",
        "n1 -> n2",
        "n3 -> n2",
        "->",
        " -> ",
    ] {
        assert_eq!(share(id), [] as [usize; 0], "{id}");
    }
}

#[test]
fn occupants_slow_each_other_down_on_media_that_are_there() {
    let both = |id: &str| {
        let one = |name: &str| json!({"id": name, "rate_per_s": 1.0, "period_s": 1.0, "media": [{"id": id, "occupied_s": 1.0}]});
        let evaluation = evaluated(&air(&[("", "occupants", json!([one("o"), one("p")]))]), TWO);
        evaluation.occupants[0].new_period_s
    };
    // All of the air is asked for three times.
    assert!((both("air") - 3.0).abs() < 1e-12);
    // No medium: n1 has no port, and the link from n1 to n2 is on the air.
    for id in ["n1 port", "n1 port out", "n1 -> n2", "n1 wire out", "sea"] {
        assert_eq!(both(id), 1.0, "{id}");
    }
}

#[test]
fn names_of_nodes_may_look_like_ids_of_media() {
    let nodes = json!([{"id": "a", "memory_bytes": 1000}, {"id": "b -> c", "memory_bytes": 1000},
                       {"id": "a -> b", "memory_bytes": 1000}, {"id": "c", "memory_bytes": 1000}]);
    let network = json!({"kind": "full_mesh", "bandwidth_bps": 80.0});
    let changes = [("/cluster", "nodes", nodes), ("/cluster", "links", json!([])), ("/cluster", "network", network)];
    let request = request_with(&changes);
    let stages: &[(&str, &[&str])] = &[("a", &["in", "a"]), ("b -> c", &["b"]), ("a -> b", &["c"])];
    let ends = ("", "constraints", json!({"sink_node": "c"}));
    // From a to "b -> c", and from "a -> b" to c: two media with the same id.
    assert_eq!(evaluated(&request, stages).media, []);
    let mut changes = changes.to_vec();
    changes.push(ends);
    assert_eq!(evaluated(&request_with(&changes), stages).media, []);
}

fn found(request: &PlanRequest, lie: impl FnOnce(&mut PlacementDocument)) -> Vec<(ViolationCode, Option<u64>)> {
    let mut document = true_document(request, THREE, 0.0);
    assert_eq!(codes(request, &document), [], "the document is true before it is changed");
    lie(&mut document);
    codes(request, &document)
}

#[test]
fn what_documents_say_of_media_is_recomputed() {
    const CLAIM: (ViolationCode, Option<u64>) = (ViolationCode::ClaimWrong, None);
    let lies: [fn(&mut PlacementDocument); 6] = [
        |document| document.media[0].id = "sea".to_owned(),
        |document| document.media[0].occupied_s *= 1.0 + 1e-8,
        |document| document.media[0].occupied_s = f64::NAN,
        |document| document.media.clear(),
        |document| document.media.push(document.media[0].clone()),
        |document| document.media.push(MediumUse { id: "sea".to_owned(), occupied_s: 0.0 }),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        assert_eq!(found(&air(&[]), lie), [CLAIM], "lie {number}");
    }
    assert_eq!(found(&air(&[]), |document| document.media[0].occupied_s *= 1.0 + 1e-10), []);
    // Two media in the wrong order: the air takes 1.2 s, and the port of n2 takes 0.7 s.
    let port = [("/cluster/nodes/1", "port_bps", json!(800.0)), ("/cluster/nodes/1", "port_duplex", json!("half"))];
    assert_eq!(found(&air(&port), |document| document.media.reverse()), [CLAIM]);
    let ids: Vec<String> = evaluated(&air(&port), THREE).media.into_iter().map(|medium| medium.id).collect();
    assert_eq!(ids, ["air", "n2 port"]);
}

#[test]
fn a_medium_that_sets_the_pace_is_named() {
    const CLAIM: (ViolationCode, Option<u64>) = (ViolationCode::ClaimWrong, None);
    let named = |kind, stage_index, medium_id: Option<&str>| {
        found(&air(&[]), |document| {
            let medium_id = medium_id.map(str::to_owned);
            document.pipelines[0].bottleneck = Bottleneck { kind, stage_index, medium_id };
        })
    };
    assert_eq!(named(BottleneckKind::Medium, 0, Some("air")), []);
    assert_eq!(named(BottleneckKind::Medium, 1, Some("air")), [CLAIM]);
    assert_eq!(named(BottleneckKind::Medium, 0, Some("sea")), [CLAIM]);
    assert_eq!(named(BottleneckKind::Medium, 0, None), [CLAIM]);
    assert_eq!(named(BottleneckKind::Hop, 1, None), [CLAIM]);
    assert_eq!(named(BottleneckKind::Hop, 1, Some("air")), [CLAIM]);
}

#[test]
fn routes_are_recomputed() {
    let segment = |a: &str, b: &str| json!({"a": a, "b": b, "bandwidth_bps": 800.0});
    let segments = [segment("n1", "hall"), segment("hall", "n2"), segment("n2", "n3"), segment("n4", "hall")];
    let network = json!({"kind": "topology", "switches": ["hall"], "segments": segments});
    let request = request_with(&[("/cluster", "links", json!([])), ("/cluster", "network", network)]);
    type Lie = fn(&mut PlacementDocument);
    let lies: [(u64, Lie); 4] = [
        (0, |document| document.pipelines[0].stages[0].send.as_mut().unwrap().route.clear()),
        (1, |document| document.pipelines[0].stages[1].receive.as_mut().unwrap().route.clear()),
        (0, |document| document.pipelines[0].stages[0].send.as_mut().unwrap().route.reverse()),
        (1, |document| {
            document.pipelines[0].stages[1].send.as_mut().unwrap().route = vec!["n2".to_owned(), "n3".to_owned()]
        }),
    ];
    for (number, (stage, lie)) in lies.into_iter().enumerate() {
        assert_eq!(found(&request, lie), [(ViolationCode::TransferWrong, Some(stage))], "lie {number}");
    }
}

#[test]
fn what_is_shipped_takes_routes_too() {
    let base = json!({"stages": [{"node_id": "n1", "layer_ids": ["in", "a", "b", "c"]}]});
    let network = json!({"kind": "topology", "switches": ["hall"], "segments": [
        {"a": "n1", "b": "hall", "bandwidth_bps": 800.0, "latency_s": 0.5}, {"a": "hall", "b": "n2", "bandwidth_bps": 400.0, "latency_s": 0.25},
        {"a": "n3", "b": "hall", "bandwidth_bps": 1.0}, {"a": "n4", "b": "hall", "bandwidth_bps": 1.0}
    ]});
    let changes = [("", "base", base), ("/cluster", "links", json!([])), ("/cluster", "network", network)];
    let migration = evaluated(&request_with(&changes), TWO).migration.unwrap();
    // b and c: 400 bits, on the slower segment 1 s.
    assert_eq!((migration.shipped_bytes, migration.estimated_s, migration.unsourced_bytes), (50, 1.75, 0));
}

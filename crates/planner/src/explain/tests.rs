//! Explanations of requests whose every figure is worked out by hand.

use serde_json::{Value, json};

use super::{ExplainEnv, explain};
use crate::domain::explanation::{Explanation, Repair, RepairKind, Upgrade, UpgradeKind};
use crate::domain::placement::{Bottleneck, BottleneckKind, Status};
use crate::domain::request::PlanRequest;
use crate::env::{Env, NeverStop, NoProgress};
use crate::plan;

/// `in` → `a` (1 s of compute, 310 bytes with its buffers) → `b` (2 s). A hop behind `a` carries 50 bytes: 0.05 s.
/// All in one stage need 10 + 20 bytes of parameters, 150 live, 105 in buffers: 285.
fn document() -> Value {
    json!({
        "model": {
            "name": "tiny",
            "layers": [
                {"id": "in", "param_bytes": 0, "output_bytes": 100},
                {"id": "a", "param_bytes": 10, "output_bytes": 50, "flops": 1000},
                {"id": "b", "param_bytes": 20, "output_bytes": 5, "flops": 2000}
            ],
            "edges": [{"from": "in", "to": "a"}, {"from": "a", "to": "b"}]
        },
        "cluster": {
            "name": "lab",
            "nodes": [
                {"id": "n1", "memory_bytes": 320, "flops_per_s": 1000.0},
                {"id": "n2", "memory_bytes": 320, "flops_per_s": 1000.0}
            ],
            "network": {"kind": "full_mesh", "bandwidth_bps": 8000.0}
        }
    })
}

fn with(changes: &[(&str, &str, Value)]) -> Value {
    let mut document = document();
    for (pointer, field, value) in changes {
        document.pointer_mut(pointer).unwrap()[*field] = value.clone();
    }
    document
}

fn explained(document: &Value) -> Explanation {
    let request = PlanRequest::from_json(document).unwrap();
    let answer = plan(&request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap();
    explain(&request, &answer, &ExplainEnv { threads: 2, slices: &NeverStop }).unwrap()
}

fn bottleneck(kind: BottleneckKind, stage_index: u64) -> Bottleneck {
    Bottleneck { kind, stage_index, medium_id: None }
}

fn upgrade(explanation: &Explanation, kind: UpgradeKind) -> &Upgrade {
    explanation.upgrades.iter().find(|upgrade| upgrade.kind == kind).unwrap()
}

fn repair(explanation: &Explanation, kind: RepairKind) -> &Repair {
    explanation.repairs.iter().find(|repair| repair.kind == kind).unwrap_or_else(|| panic!("{:?}", explanation.repairs))
}

#[test]
fn slack_is_what_is_left_to_the_period() {
    let explanation = explained(&document());
    let slacks: Vec<f64> = explanation.stages.iter().map(|stage| stage.slack_s).collect();
    assert_eq!((explanation.period_s, slacks), (Some(2.0), vec![1.0, 0.0]));
    let hop = &explanation.transfers[0];
    assert_eq!((hop.kind, hop.bytes, hop.time_s, hop.slack_s), (BottleneckKind::Hop, 50, 0.05, 1.95));
    assert_eq!(explanation.binding, [bottleneck(BottleneckKind::Stage, 1)]);
    let next = explanation.next_bottleneck.unwrap();
    assert_eq!((next.time_s, next.binding), (1.0, vec![bottleneck(BottleneckKind::Stage, 0)]));
    // 10 of 320 bytes are 3 %, 190 are plenty.
    let free: Vec<u64> = explanation.stages.iter().map(|stage| stage.free_bytes).collect();
    assert_eq!(free, [10, 190]);
    let warned: Vec<u64> = explanation.warnings.iter().map(|warning| warning.stage_index).collect();
    assert_eq!(warned, [0]);
}

#[test]
fn upgrades_of_interchangeable_nodes_are_one_with_a_proven_worth() {
    let explanation = explained(&document());
    let kinds: Vec<UpgradeKind> = explanation.upgrades.iter().map(|upgrade| upgrade.kind).collect();
    assert_eq!(kinds, [UpgradeKind::NodeTwiceAsFast, UpgradeKind::OneMoreNode, UpgradeKind::NodeTwiceTheMemory]);
    for upgrade in &explanation.upgrades {
        assert_eq!((upgrade.node_ids.len(), upgrade.status), (2, Status::Optimal), "{upgrade:?}");
        // Only a faster node helps: b takes 1 s on it.
        let factor = if upgrade.kind == UpgradeKind::NodeTwiceAsFast { 2.0 } else { 1.0 };
        assert_eq!(upgrade.period_s, 2.0 / factor, "{upgrade:?}");
        let gains = [upgrade.gain, upgrade.gain_at_least, upgrade.gain_at_most];
        assert_eq!(gains, [Some(factor); 3], "{upgrade:?}");
    }
    assert_eq!(explanation.undecided, 0);
}

#[test]
fn a_link_that_binds_is_upgraded_in_its_direction() {
    let slow =
        with(&[("/cluster/network", "bandwidth_bps", json!(100.0)), ("/cluster/nodes/0", "memory_bytes", json!(311))]);
    // One stage needs 285 bytes: it fits, and takes 3 s. Only without room for it the hop of 4 s is taken.
    assert_eq!(explained(&slow).period_s, Some(3.0));
    let mut document = slow;
    for node in [0, 1] {
        document["cluster"]["nodes"][node]["memory_bytes"] = json!(320);
    }
    document["model"]["layers"][2]["state_bytes"] = json!(100);
    let explanation = explained(&document);
    assert_eq!(explanation.binding, [bottleneck(BottleneckKind::Hop, 0)]);
    let link = upgrade(&explanation, UpgradeKind::LinkTwiceAsFast);
    assert_eq!((link.from_node_id.as_deref(), link.to_node_id.as_deref()), (Some("n1"), Some("n2")));
    // 400 bits at 100 bit/s are 4 s; at 200 bit/s the hop and b take 2 s each.
    assert_eq!((explanation.period_s, link.period_s, link.gain_at_least), (Some(4.0), 2.0, Some(2.0)));
    let memory = upgrade(&explanation, UpgradeKind::NodeTwiceTheMemory);
    assert_eq!((memory.period_s, memory.stages), (3.0, 1));
}

#[test]
fn without_overlap_nodes_bind() {
    let explanation = explained(&with(&[("", "cost_model", json!({"overlap": "none", "io_buffers": 1}))]));
    assert_eq!(explanation.period_s, Some(2.05));
    let loads: Vec<f64> = explanation.stages.iter().map(|stage| stage.node_load_s.unwrap()).collect();
    assert_eq!(loads, [1.05, 2.05]);
    assert_eq!(explanation.stages[0].slack_s, 2.05 - 1.05);
    assert_eq!((explanation.stages[1].slack_s, explanation.transfers[0].slack_s), (0.0, 0.0));
    assert_eq!(explanation.binding, [bottleneck(BottleneckKind::Node, 1)]);
    assert_eq!(explanation.next_bottleneck.as_ref().unwrap().time_s, 1.05);
    let link = upgrade(&explanation, UpgradeKind::LinkTwiceAsFast);
    assert_eq!(link.period_s, 2.025);
}

#[test]
fn input_and_output_have_slack_too() {
    let pins = json!([{"layer_id": "a", "node_id": "n1"}]);
    let constraints = json!({"source_node": "n2", "sink_node": "n1", "pins": pins});
    let explanation = explained(&with(&[("", "constraints", constraints)]));
    let kinds: Vec<BottleneckKind> = explanation.transfers.iter().map(|transfer| transfer.kind).collect();
    assert_eq!(kinds, [BottleneckKind::Source, BottleneckKind::Hop, BottleneckKind::Sink]);
    // 100, 50 and 5 bytes.
    let times: Vec<f64> = explanation.transfers.iter().map(|transfer| transfer.time_s).collect();
    assert_eq!(times, [0.1, 0.05, 0.005]);
    // Named nodes are not interchangeable.
    let faster = explanation.upgrades.iter().filter(|it| it.kind == UpgradeKind::NodeTwiceAsFast);
    assert_eq!(faster.count(), 2);
}

#[test]
fn occupants_need_half_the_time_of_what_is_twice_as_fast() {
    let occupant = json!({"id": "o", "rate_per_s": 0.5, "period_s": 1.0,
        "nodes": [{"node_id": "n1", "compute_s": 1.0}], "hops": []});
    let explanation = explained(&with(&[("", "occupants", json!([occupant]))]));
    // On n1 with a share of 1/2 a takes 2 s, as b does on n2.
    assert_eq!(explanation.period_s, Some(2.0));
    let on = |node: &str| {
        let faster = explanation.upgrades.iter().filter(|it| it.kind == UpgradeKind::NodeTwiceAsFast);
        faster.filter(|it| it.node_ids == [node]).map(|it| it.period_s).next().unwrap()
    };
    // n1 twice as fast has a share of 3/4: b takes 1 / 0.75 s there, a 1 s on n2. n2 twice as fast takes 1.5 s for both.
    assert_eq!((on("n1"), on("n2")), (1.0 / 0.75, 1.5));
}

#[test]
fn the_least_memory_and_the_limits_are_found() {
    let small = json!([
        {"id": "n1", "memory_bytes": 280, "flops_per_s": 1000.0},
        {"id": "n2", "memory_bytes": 200, "flops_per_s": 1000.0}
    ]);
    let explanation = explained(&with(&[("/cluster", "nodes", small.clone())]));
    assert_eq!((explanation.status, explanation.undecided), (Status::Infeasible, 0));
    assert!(!explanation.reasons.is_empty());
    let memory = repair(&explanation, RepairKind::MoreMemory);
    assert_eq!((memory.node_ids.as_slice(), memory.extra_bytes), (["n1".to_owned()].as_slice(), Some(5)));
    assert_eq!((memory.is_least, memory.period_s), (Some(true), 3.0));
    assert_eq!(explanation.repairs.len(), 1);
}

#[test]
fn nodes_of_which_it_is_not_known_how_fast_they_compute_are_not_offered() {
    let nodes = |speed: Value| {
        let mut unknown = json!({"id": "n2", "memory_bytes": 1000, "schedulable": false});
        if !speed.is_null() {
            unknown["flops_per_s"] = speed;
        }
        json!([{"id": "n1", "memory_bytes": 200, "flops_per_s": 1000.0}, unknown])
    };
    let admits = |nodes: Value| {
        let explanation = explained(&with(&[("/cluster", "nodes", nodes)]));
        explanation.repairs.iter().any(|repair| repair.kind == RepairKind::AdmitNode)
    };
    assert!(admits(nodes(json!(1000.0))));
    assert!(!admits(nodes(Value::Null)));
}

#[test]
fn single_constraints_that_stand_in_the_way_are_named() {
    let constraints = json!({
        "pins": [{"layer_id": "a", "node_id": "n1"}, {"layer_id": "b", "node_id": "n2"}],
        "colocate": [{"layer_ids": ["a", "b"]}]
    });
    let explanation = explained(&with(&[("", "constraints", constraints)]));
    let pointers: Vec<&str> = explanation.repairs.iter().map(|repair| repair.pointer.as_deref().unwrap()).collect();
    assert_eq!(pointers, ["/constraints/pins/0", "/constraints/pins/1", "/constraints/colocate/0"]);

    let target = json!({"kind": "min_nodes", "target_period_s": 1.5});
    let explanation = explained(&with(&[("", "objective", target)]));
    let raise = repair(&explanation, RepairKind::RaiseTargetPeriod);
    assert_eq!((raise.raise_to, raise.is_least), (Some(2.0), Some(true)));

    let pinned = json!({"max_stages": 1, "pins": [{"layer_id": "b", "node_id": "n2"}]});
    let nodes = json!([
        {"id": "n1", "memory_bytes": 320, "flops_per_s": 1000.0},
        {"id": "n2", "memory_bytes": 200, "flops_per_s": 1000.0}
    ]);
    let explanation = explained(&with(&[("/cluster", "nodes", nodes), ("", "constraints", pinned)]));
    let raise = repair(&explanation, RepairKind::RaiseMaxStages);
    assert_eq!((raise.raise_to, raise.period_s), (Some(2.0), 2.0));
    assert_eq!(repair(&explanation, RepairKind::DropPin).period_s, 3.0);
}

#[test]
fn kept_out_nodes_and_missing_links_are_named() {
    let nodes = json!([
        {"id": "n1", "memory_bytes": 320, "flops_per_s": 1000.0, "schedulable": false},
        {"id": "n2", "memory_bytes": 320, "flops_per_s": 1000.0}
    ]);
    let excluded = json!({"exclude_nodes": ["n2"]});
    let explanation = explained(&with(&[("/cluster", "nodes", nodes), ("", "constraints", excluded)]));
    let admitted: Vec<&Vec<String>> = explanation.repairs.iter().map(|repair| &repair.node_ids).collect();
    assert_eq!(admitted, [&["n1".to_owned()], &["n2".to_owned()]]);

    // a alone needs 310 bytes, b 130, both 385: two nodes and a link between them.
    let mut split = with(&[("/model/layers/2", "state_bytes", json!(100)), ("/cluster", "links", json!([]))]);
    split["cluster"].as_object_mut().unwrap().remove("network");
    let explanation = explained(&split);
    let link = repair(&explanation, RepairKind::AddLink);
    assert_eq!(link.node_ids, ["n1", "n2"]);
    assert_eq!((link.bandwidth_bps, link.link_latency_s), (Some(1e8), Some(0.0)));
    assert_eq!(repair(&explanation, RepairKind::MoreMemory).extra_bytes, Some(65));
}

#[test]
fn a_copy_is_linked_as_its_original() {
    let request = |cluster: Value| PlanRequest::from_json(&with(&[("", "cluster", cluster)])).unwrap();
    let nodes = |places: [[f64; 2]; 2]| {
        let node = |at: usize| {
            let [x, y] = places[at];
            json!({"id": format!("n{at}"), "memory_bytes": 9, "position_m": {"x": x, "y": y}})
        };
        json!([node(0), node(1)])
    };
    let radio = json!({"kind": "radio", "bandwidth_hz": 1.0, "snr_at_1m": 1.0});
    let cluster = json!({"name": "c", "nodes": nodes([[0.0, 0.0], [1.0, 0.0]]), "network": radio});
    let copied = super::copy::with_copy_of(&request(cluster), 0);
    let place = copied.cluster.nodes[2].position_m.unwrap();
    // The place to the east is taken.
    assert!((place.x.hypot(place.y) - 1.0).abs() < 1e-12 && place != copied.cluster.nodes[1].position_m.unwrap());
    assert_eq!(copied.cluster.node_index("n0-copy"), Some(2));

    let matrix = json!({"kind": "matrix", "node_ids": ["n1", "n0"], "bandwidth_bps": [[7, 3], [5, 7]]});
    let cluster = json!({"name": "c", "nodes": nodes([[0.0, 0.0], [1.0, 0.0]]), "network": matrix});
    let copied = super::copy::with_copy_of(&request(cluster), 0);
    let routes = crate::routes::Routes::new(&copied.cluster);
    let speed = |from: usize, to: usize| routes.link(from, to).bandwidth_bps;
    assert_eq!([speed(2, 1), speed(1, 2), speed(0, 2), speed(2, 0)], [5.0, 3.0, 5.0, 5.0]);

    let links = json!([{"from": "n0", "to": "n1", "bandwidth_bps": 2.0, "latency_s": 0.5, "bidirectional": true}]);
    let cluster = json!({"name": "c", "nodes": nodes([[0.0, 0.0], [1.0, 0.0]]), "links": links});
    let copied = super::copy::with_copy_of(&request(cluster), 1);
    let routes = crate::routes::Routes::new(&copied.cluster);
    for (from, to) in [(0, 2), (2, 0), (1, 2), (2, 1)] {
        assert_eq!((routes.link(from, to).bandwidth_bps, routes.link(from, to).latency_s), (2.0, 0.5));
    }
}

/// `n1` alone takes 3 s. `a` on `n1` and `b` on `n2` take 1 + 0.05 + 2 s, with a period of 2 s.
#[test]
fn a_faster_placement_that_was_not_chosen_is_told() {
    let tolerant = |tolerance: f64| with(&[("", "solver", json!({"tolerance": tolerance}))]);
    let explanation = explained(&tolerant(0.5));
    assert_eq!(explanation.period_s, Some(3.0));
    let alternative = explanation.alternative.unwrap();
    assert_eq!(alternative.detail, "50 % faster with 1 node more and 1.02 times the latency");
    assert_eq!((alternative.period_s, alternative.latency_s), (2.0, 3.05));
    assert_eq!(alternative.node_ids, ["n1", "n2"]);

    let explanation = explained(&tolerant(0.49));
    assert_eq!((explanation.period_s, explanation.alternative), (Some(2.0), None));
}

/// Two nodes host `a` and `b`, a third one is source and sink. Within 2.5 s one stage takes too long. Two stages take 2 s,
/// but their transfers take 2 + 1 + 0.1 s of the channel.
fn on_a_channel(network: Value) -> Value {
    let mut document = with(&[
        ("", "objective", json!({"kind": "min_nodes", "target_period_s": 2.5})),
        ("", "constraints", json!({"source_node": "n3", "sink_node": "n3", "exclude_nodes": ["n3"]})),
        ("/cluster", "network", network),
    ]);
    let nodes = document["cluster"]["nodes"].as_array_mut().unwrap();
    nodes.push(json!({"id": "n3", "memory_bytes": 1, "flops_per_s": 1.0}));
    document
}

#[test]
fn a_medium_that_is_too_busy_is_named_and_made_faster() {
    let channel = json!({"kind": "full_mesh", "bandwidth_bps": 400.0, "medium": "air"});
    let explanation = explained(&on_a_channel(channel));
    assert_eq!(explanation.status, Status::Infeasible);
    let reason = &explanation.reasons[0];
    assert_eq!(reason.medium_ids, ["air"]);
    assert_eq!((reason.figures["occupied_s"], reason.figures["limit_s"]), (3.1, 2.5));
    assert!(reason.detail.ends_with("but it occupies air for 3.1 s in each period"), "{}", reason.detail);
    let faster = repair(&explanation, RepairKind::MediumTwiceAsFast);
    assert_eq!((faster.medium_id.as_deref(), faster.period_s), (Some("air"), 2.0));
    assert!(explanation.repairs.iter().all(|repair| repair.kind != RepairKind::NodeWired));
}

#[test]
fn a_station_of_a_channel_that_is_too_busy_is_wired() {
    let stations = ["n1", "n2", "n3"].map(|id| json!({"node_id": id, "bandwidth_bps": 800.0}));
    let channel = json!({"kind": "access_point", "medium": "channel-36", "stations": stations, "wired": []});
    let explanation = explained(&on_a_channel(channel));
    assert_eq!(explanation.reasons[0].medium_ids, ["channel-36"]);
    let wired: Vec<&Repair> = explanation.repairs.iter().filter(|it| it.kind == RepairKind::NodeWired).collect();
    let ids: Vec<&str> = wired.iter().flat_map(|repair| &repair.node_ids).map(String::as_str).collect();
    assert_eq!(ids, ["n1", "n2", "n3"]);
    assert!(wired.iter().all(|repair| repair.period_s <= 2.5), "{wired:?}");
}

#[test]
fn several_pipelines_with_their_slack_and_what_more_of_each_is_worth() {
    let explanation = explained(&with(&[("", "pipelines", json!({}))]));
    // A copy on each node, 3 s each.
    assert_eq!((explanation.status, explanation.period_s), (Status::Optimal, Some(1.5)));
    assert!(explanation.stages.is_empty() && explanation.binding.is_empty());
    assert_eq!(explanation.pipelines.len(), 2);
    for pipeline in &explanation.pipelines {
        assert_eq!((pipeline.period_s, pipeline.stages[0].slack_s), (3.0, 0.0));
        assert_eq!(pipeline.binding, [bottleneck(BottleneckKind::Stage, 0)]);
    }
    // Each of the two is worth what its copy makes.
    let prices: Vec<_> = explanation.prices.iter().map(|it| it.node_id.as_deref().unwrap_or_default()).collect();
    assert_eq!(prices, ["n1", "n2"]);
    assert!(explanation.prices.iter().all(|it| (it.price_per_s - 1.0 / 3.0).abs() < 1e-9), "{:?}", explanation.prices);
    // One of two alike twice as fast, and a third: one and a half times as much.
    let faster = upgrade(&explanation, UpgradeKind::NodeTwiceAsFast);
    assert_eq!((faster.node_ids.len(), faster.gain, faster.gain_at_most), (2, Some(1.5), Some(1.5)));
    let more = upgrade(&explanation, UpgradeKind::OneMoreNode);
    assert_eq!((more.gain, more.stages), (Some(1.5), 3));
    assert_eq!(explanation.undecided, 0);
}

#[test]
fn a_port_that_limits_several_pipelines_is_what_binds() {
    let mut document = with(&[("", "pipelines", json!({})), ("", "constraints", json!({"source_node": "hub"}))]);
    let hub = json!({"id": "hub", "memory_bytes": 0, "flops_per_s": 1.0, "port_bps": 480.0});
    document["cluster"]["nodes"].as_array_mut().unwrap().push(hub);
    // An input of 800 bits takes 5 / 3 s of the port; each copy alone makes one pass in 3 s, and two stages one in 2 s.
    let explanation = explained(&document);
    let is_near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
    assert!(is_near(explanation.period_s.unwrap(), 5.0 / 3.0));
    assert!(explanation.media[0].id == "hub port out" && is_near(explanation.media[0].slack_s, 0.0));
    let worth: Vec<_> = explanation.worth.iter().map(|it| (it.medium_id.as_deref(), it.worth_per_s)).collect();
    assert!(worth.len() == 1 && worth[0].0 == Some("hub port out") && is_near(worth[0].1, 0.6), "{worth:?}");
    let is_port = |it: &Bottleneck| it.medium_id.as_deref() == Some("hub port out");
    assert!(explanation.pipelines.iter().all(|pipeline| pipeline.binding.iter().any(is_port)));
    // At twice the speed the two copies bind: 2 / 3 a second in place of 3 / 5.
    let faster = upgrade(&explanation, UpgradeKind::MediumTwiceAsFast);
    assert!(is_near(faster.gain.unwrap(), 10.0 / 9.0), "{faster:?}");
}

#[test]
fn an_unreachable_target_of_several_pipelines_is_repaired() {
    let goal = json!({"kind": "min_nodes", "target_period_s": 1.0});
    let document = with(&[("", "pipelines", json!({})), ("", "objective", goal)]);
    let explanation = explained(&document);
    assert_eq!(explanation.status, Status::Infeasible);
    let raised = repair(&explanation, RepairKind::RaiseTargetPeriod);
    assert_eq!((raised.raise_to, raised.is_least, raised.period_s), (Some(1.5), Some(true), 1.5));
}

#[test]
fn too_few_nodes_are_allowed() {
    let document = with(&[
        ("", "constraints", json!({"max_nodes": 1})),
        ("/cluster/nodes/0", "memory_bytes", json!(220)),
        ("/cluster/nodes/1", "memory_bytes", json!(220)),
        ("", "cost_model", json!({"io_buffers": 0})),
        ("/model/layers/1", "param_bytes", json!(60)),
        ("/model/layers/2", "param_bytes", json!(60)),
    ]);
    for document in [document.clone(), {
        let mut several = document;
        several["pipelines"] = json!({});
        several
    }] {
        let explanation = explained(&document);
        assert_eq!(explanation.status, Status::Infeasible);
        let raised = repair(&explanation, RepairKind::RaiseMaxNodes);
        assert_eq!((raised.raise_to, raised.is_least), (Some(2.0), Some(true)));
        assert_eq!(raised.pointer.as_deref(), Some("/constraints/max_nodes"));
    }
}

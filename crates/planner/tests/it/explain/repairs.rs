//! Repairs of infeasible requests: each helps, and none that helps is missing.

use cutpoint_planner::domain::explanation::{Repair, RepairKind};
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NeverStop;
use cutpoint_planner::explain::{ExplainEnv, explain};
use serde_json::{Value, json};

use super::changed;
use crate::oracle::{Kind, OracleAnswer, Size, brute_force, planned, random_document};

const ENV: ExplainEnv<'static> = ExplainEnv { threads: 2, slices: &NeverStop };

fn is_feasible(document: &Value, context: &str) -> bool {
    matches!(brute_force(&changed::request(document, context)), OracleAnswer::Optimal(_))
}

/// A random document with little memory or a constraint that is hard to keep to. Without a base: it does not count here,
/// and goes with few objectives.
fn infeasible_document(seed: u64, kind: Kind) -> Value {
    let mut document = random_document(seed, kind, Size { layers: 4, nodes: 3 });
    let shrink = 0.4 + 0.2 * (seed % 3) as f64;
    if seed.is_multiple_of(2) {
        for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
            let reserved = node["reserved_bytes"].as_u64().unwrap_or(0);
            let bytes = (node["memory_bytes"].as_u64().unwrap() as f64 * shrink) as u64;
            node["memory_bytes"] = json!(bytes.max(reserved));
        }
    }
    let nodes = document["cluster"]["nodes"].as_array().unwrap().len() as u64;
    let constraints = &mut document["constraints"];
    match seed % 8 {
        1 => constraints["max_latency_s"] = json!(0.3),
        3 => constraints["max_stages"] = json!(1),
        5 => constraints["exclude_nodes"] = (0..nodes.min(2)).map(|node| json!(format!("n{node}"))).collect(),
        7 => {
            constraints["source_node"] = json!("n0");
            constraints["sink_node"] = json!(format!("n{}", nodes - 1));
        }
        _ => {}
    }
    if seed % 5 == 3 {
        document["objective"] = json!({"kind": "min_nodes", "target_period_s": 0.4});
    }
    if seed % 5 == 1 {
        document["objective"] = json!({"kind": "min_latency"});
        document["constraints"]["max_period_s"] = json!(0.4);
    }
    if seed % 16 == 7 {
        document["cluster"].as_object_mut().unwrap().remove("network");
    }
    for field in ["base", "max_period_ratio"] {
        document.as_object_mut().unwrap().remove(field);
    }
    document
}

#[test]
fn every_repair_helps_and_the_extra_memory_is_the_least() {
    let (mut infeasible, mut undecided) = (0, 0);
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for seed in 0..150 {
        for kind in Kind::ALL {
            let context = format!("seed {seed}, {kind:?}");
            let document = infeasible_document(seed, kind);
            let request = PlanRequest::from_json(&document).unwrap();
            let answer = planned(&request, &context);
            if answer.status != Status::Infeasible {
                continue;
            }
            infeasible += 1;
            let explanation = explain(&request, &answer, &ENV).unwrap();
            assert_eq!(explanation.reasons, answer.reasons, "{context}");
            for repair in &explanation.repairs {
                let repaired = repaired(&document, repair);
                assert!(is_feasible(&repaired, &context), "{context}: {repair:?}\n{repaired}");
                assert_least(&document, repair, &context);
            }
            for repair in &explanation.repairs {
                *kinds.entry(format!("{:?}", repair.kind)).or_default() += 1;
            }
            undecided += explanation.undecided;
            if explanation.undecided == 0 {
                assert_complete(&document, &request, &explanation.repairs, &context);
            }
        }
    }
    println!("{infeasible} infeasible, {undecided} undecided, {kinds:?}");
    assert!(infeasible > 500 && kinds.len() == 13, "{infeasible} infeasible, {kinds:?}");
}

fn repaired(document: &Value, repair: &Repair) -> Value {
    let pointer = repair.pointer.as_deref().unwrap_or_default();
    let node = repair.node_ids.first().map(String::as_str).unwrap_or_default();
    match repair.kind {
        RepairKind::MoreMemory => changed::with_more_memory(document, node, repair.extra_bytes.unwrap()),
        RepairKind::AddLink => {
            let (bandwidth_bps, latency_s) = (repair.bandwidth_bps.unwrap(), repair.link_latency_s.unwrap());
            changed::with_link(document, node, &repair.node_ids[1], bandwidth_bps, latency_s)
        }
        // What is unschedulable and excluded becomes both.
        RepairKind::AdmitNode => {
            let mut admitted = document.clone();
            for it in admitted["cluster"]["nodes"].as_array_mut().unwrap() {
                if it["id"] == json!(node) {
                    it["schedulable"] = json!(true);
                }
            }
            if let Some(excluded) = admitted["constraints"]["exclude_nodes"].as_array_mut() {
                excluded.retain(|id| *id != json!(node));
            }
            admitted
        }
        RepairKind::RaiseMaxStages => changed::with(document, pointer, json!(repair.raise_to.unwrap() as u64)),
        // Another order of summing may differ by a rounding.
        RepairKind::RaiseMaxLatency | RepairKind::RaiseMaxPeriod | RepairKind::RaiseTargetPeriod => {
            changed::with(document, pointer, json!(repair.raise_to.unwrap() * (1.0 + 1e-12)))
        }
        _ => changed::without(document, pointer),
    }
}

/// What is said to be the least is: a little less is not enough, on any node.
fn assert_least(document: &Value, repair: &Repair, context: &str) {
    if repair.is_least != Some(true) {
        return;
    }
    let less = match repair.kind {
        RepairKind::MoreMemory => {
            let bytes = repair.extra_bytes.unwrap() - 1;
            let nodes = document["cluster"]["nodes"].as_array().unwrap().iter();
            let ids = nodes.map(|node| node["id"].as_str().unwrap());
            ids.map(|id| changed::with_more_memory(document, id, bytes)).collect()
        }
        RepairKind::RaiseMaxStages => {
            vec![changed::with(document, repair.pointer.as_ref().unwrap(), json!(repair.raise_to.unwrap() as u64 - 1))]
        }
        _ => {
            vec![changed::with(
                document,
                repair.pointer.as_ref().unwrap(),
                json!(repair.raise_to.unwrap() * (1.0 - 1e-6)),
            )]
        }
    };
    for less in less {
        assert!(!is_feasible(&less, context), "{context}: {repair:?}, but less is enough: {less}");
    }
}

/// Where nothing is undecided, what is not named does not help.
fn assert_complete(document: &Value, request: &PlanRequest, repairs: &[Repair], context: &str) {
    let named = |pointer: &str| repairs.iter().any(|repair| repair.pointer.as_deref() == Some(pointer));
    let constraints = &request.options.constraints;
    let mut pointers: Vec<String> = (0..constraints.pins.len()).map(|at| format!("/constraints/pins/{at}")).collect();
    pointers.extend((0..constraints.colocate.len()).map(|at| format!("/constraints/colocate/{at}")));
    for field in ["node_selector", "source_node", "sink_node", "max_stages", "max_latency_s", "max_period_s"] {
        let given = &document["constraints"][field];
        if !given.is_null() {
            pointers.push(format!("/constraints/{field}"));
        }
    }
    for pointer in pointers {
        let helps = is_feasible(&changed::without(document, &pointer), context);
        assert_eq!(named(&pointer), helps, "{context}: {pointer}, {repairs:?}");
    }
    if !repairs.iter().any(|repair| repair.kind == RepairKind::MoreMemory) {
        for node in &request.cluster.nodes {
            let plenty = changed::with_more_memory(document, &node.id, 1 << 40);
            assert!(!is_feasible(&plenty, context), "{context}: more memory for {} helps", node.id);
        }
    }
}

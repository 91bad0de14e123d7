//! Random small requests for several pipelines.

use cutpoint_planner::domain::placement::Stage;
use cutpoint_planner::domain::request::PlanRequest;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use crate::oracle::{Kind, Size, planned, random_document, random_graph_document, random_network_document};

/// What a random request is rich in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Models and clusters of every kind.
    Any,
    /// Media that several transfers use, with a source and a sink.
    Shared,
}

/// A request from a seed.
pub fn random_packing_request(seed: u64, sort: Sort) -> PlanRequest {
    let document = random_packing_document(seed, sort);
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}\n{document:#}"))
}

/// The document of [`random_packing_request`].
pub fn random_packing_document(seed: u64, sort: Sort) -> Value {
    let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(sort as u64));
    let size = if seed.is_multiple_of(2) { Size { layers: 4, nodes: 5 } } else { Size { layers: 5, nodes: 4 } };
    let mut document = match sort {
        Sort::Any if seed.is_multiple_of(3) => random_graph_document(seed, size),
        Sort::Any => random_document(seed, Kind::ALL[seed as usize % Kind::ALL.len()], size),
        Sort::Shared => random_network_document(seed, size),
    };
    let nodes = document["cluster"]["nodes"].as_array().unwrap().len();
    let map = document.as_object_mut().unwrap();
    map.remove("base");
    map.remove("max_period_ratio");
    document["constraints"].as_object_mut().unwrap().remove("max_period_s");
    document["objective"] = if rng.random_bool(0.7) {
        json!({"kind": "max_throughput"})
    } else {
        json!({"kind": "min_nodes", "target_period_s": rng.random_range(0.05..2.0)})
    };
    document["pipelines"] = if rng.random_bool(0.5) { json!({}) } else { json!({"most": rng.random_range(2..=4)}) };
    if rng.random_bool(0.25) {
        document["constraints"]["max_nodes"] = json!(rng.random_range(1..=nodes));
    }
    if sort == Sort::Shared {
        for end in ["source_node", "sink_node"] {
            if rng.random_bool(0.6) {
                document["constraints"][end] = json!(format!("n{}", rng.random_range(0..nodes)));
            }
        }
    }
    if sort == Sort::Shared && rng.random_bool(0.7) {
        document["cost_model"].as_object_mut().unwrap().remove("compute");
        for node in document["cluster"]["nodes"].as_array_mut().unwrap() {
            node["flops_per_s"] = json!(rng.random_range(1000.0..20_000.0));
        }
    }
    // One stage needs so large a part of a node's memory that some models take one node, and others several.
    let factors = if sort == Sort::Shared { [1.5, 3.0, 6.0, 12.0] } else { [1.0, 1.5, 3.0, 6.0] };
    let factor = factors[rng.random_range(0..4)];
    let equal = rng.random_bool(0.3);
    let described = document["cluster"]["nodes"].as_array_mut().unwrap();
    let first = described[0].clone();
    for node in described {
        let of = if equal { &first } else { &*node };
        let bytes = of["memory_bytes"].as_u64().unwrap() as f64 * factor;
        if equal && let Some(speed) = first.get("flops_per_s").filter(|_| node.get("flops_per_s").is_some()) {
            node["flops_per_s"] = speed.clone();
        }
        let reserved_bytes = node["reserved_bytes"].as_u64().unwrap_or(0);
        node["memory_bytes"] = json!((bytes as u64).max(reserved_bytes));
    }
    document
}

/// A request from a seed with a base: pipelines with random cuts, or those that the planner finds without one of the nodes.
pub fn random_replanning_request(seed: u64, sort: Sort) -> PlanRequest {
    let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(sort as u64));
    let mut document = random_packing_document(seed, sort);
    document["objective"] = json!({"kind": "max_throughput"});
    let ids = |of: &Value| -> Vec<String> {
        of.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let (layers, nodes) = (ids(&document["model"]["layers"]), ids(&document["cluster"]["nodes"]));
    document["base"] = if rng.random_bool(0.5) {
        let mut without = document.clone();
        without["constraints"]["exclude_nodes"] = json!([nodes[rng.random_range(0..nodes.len())]]);
        let request = PlanRequest::from_json(&without).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}"));
        let found = planned(&request, &format!("the base of seed {seed}"));
        let pipelines = found.pipelines.iter().map(|it| json!({"stages": proposals(&it.stages)}));
        json!({"pipelines": pipelines.collect::<Vec<Value>>()})
    } else {
        let pipelines: Vec<Value> = (0..rng.random_range(1..=3))
            .map(|_| {
                let (mut first, mut stages) = (0, Vec::new());
                while first < layers.len() {
                    let end = rng.random_range(first + 1..=layers.len());
                    let node = rng.random_range(0..=nodes.len());
                    let node_id = nodes.get(node).map_or("gone", String::as_str);
                    stages.push(json!({"node_id": node_id, "layer_ids": layers[first..end]}));
                    first = end;
                }
                json!({"stages": stages})
            })
            .collect();
        if let [only] = &pipelines[..] { only.clone() } else { json!({"pipelines": pipelines}) }
    };
    if rng.random_bool(0.7) {
        document["max_period_ratio"] = json!([1.0, 1.05, 1.25, 1.5, 2.0, 3.5][rng.random_range(0..6)]);
    }
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}\n{document:#}"))
}

fn proposals(stages: &[Stage]) -> Vec<Value> {
    stages.iter().map(|stage| json!({"node_id": stage.node_id, "layer_ids": stage.layer_ids})).collect()
}

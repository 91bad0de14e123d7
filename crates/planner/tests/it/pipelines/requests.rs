//! Random small requests for several pipelines.

use cutpoint_planner::domain::request::PlanRequest;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use crate::oracle::{Kind, Size, random_document, random_graph_document, random_network_document};

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

//! Random requests whose models are graphs of every shape: constants, several inputs and outputs, long skips, layers and
//! edges in any order of the file.

use cutpoint_planner::domain::request::PlanRequest;
use rand::RngExt;
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_pcg::Pcg64Mcg;
use serde_json::{Map, Value, json};

use super::graph_changes::constant_ids;
use super::instance::{Kind, Maker, Size, random_document_of};

/// A request from a seed: the kinds take turns.
pub fn random_graph_request(seed: u64, size: Size) -> PlanRequest {
    let document = random_graph_document(seed, size);
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}\n{document:#}"))
}

/// The document of [`random_graph_request`].
pub fn random_graph_document(seed: u64, size: Size) -> Value {
    let kind = Kind::ALL[seed as usize % Kind::ALL.len()];
    let mut document = random_document_of(seed, kind, size, graph);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let policy = ["any", "any", "any", "any", "in_order", "single_tensor"].choose(&mut rng).unwrap();
    document["cost_model"]["cuts"] = json!(policy);
    if document["objective"]["kind"] == "max_throughput" && document.get("base").is_none() && rng.random_bool(0.1) {
        document["objective"] = json!({"kind": "tradeoff"});
    }
    let constants = constant_ids(&document["model"]);
    let is_constant = |id: &Value| constants.iter().any(|constant| *id == json!(constant));
    let constraints = &mut document["constraints"];
    if let Some(pins) = constraints.get_mut("pins").and_then(Value::as_array_mut) {
        pins.retain(|pin| !is_constant(&pin["layer_id"]));
    }
    if let Some(colocate) = constraints.get_mut("colocate").and_then(Value::as_array_mut) {
        for colocation in colocate.iter_mut() {
            colocation["layer_ids"].as_array_mut().unwrap().retain(|id| !is_constant(id));
        }
        colocate.retain(|colocation| colocation["layer_ids"].as_array().unwrap().len() > 1);
    }
    if document["objective"]["kind"] == "min_latency" && rng.random_bool(0.5) {
        document["constraints"]["max_period_s"] = json!(rng.random_range(0.2..6.0));
    }
    document
}

fn graph(maker: &mut Maker, layers: usize) -> Value {
    let timed = maker.when(Kind::Timed, 0.3);
    let (next, skips) = (maker.rng.random_range(0.3..0.95), maker.rng.random_range(0.0..0.5));
    let constants = if maker.rng.random_bool(0.6) { maker.rng.random_range(0.0..0.7) } else { 0.0 };
    let mut edges = Vec::new();
    let mut described = Vec::new();
    for to in 0..layers {
        let mut is_source = true;
        for from in 0..to {
            if maker.rng.random_bool(if from + 1 == to { next } else { skips }) {
                edges.push(json!({"from": format!("l{from}"), "to": format!("l{to}")}));
                is_source = false;
            }
        }
        let is_constant = is_source && to > 0 && maker.rng.random_bool(constants);
        let is_input = is_source && !is_constant && maker.rng.random_bool(0.7);
        described.push(layer(maker, to, timed, is_input, is_constant));
    }
    if maker.rng.random_bool(0.7) {
        described.shuffle(&mut maker.rng);
        edges.shuffle(&mut maker.rng);
    }
    json!({"name": "graph", "layers": described, "edges": edges})
}

fn layer(maker: &mut Maker, number: usize, timed: bool, is_input: bool, is_constant: bool) -> Value {
    let mut it = Map::new();
    let mut put = |name: &str, value: Value| it.insert(name.to_owned(), value);
    put("id", json!(format!("l{number}")));
    put("output_bytes", json!(maker.size(1000)));
    put("param_bytes", json!(if is_input { 0 } else { maker.size(4000).max(u64::from(is_constant)) }));
    if !is_input && maker.rng.random_bool(0.2) {
        put("state_bytes", json!(maker.size(500)));
    }
    if !is_input && !is_constant {
        put("flops", json!(maker.size(2000)));
        let mut times = Map::new();
        for class in ["pi", "jetson"] {
            if timed && maker.rng.random_bool(0.6) {
                times.insert(class.to_owned(), json!(maker.rng.random_range(0.0..2.0)));
            }
        }
        put("time_s", json!(times));
    }
    if maker.rng.random_bool(0.3) {
        put("activation_bytes", json!(maker.size(2000)));
    }
    Value::Object(it)
}

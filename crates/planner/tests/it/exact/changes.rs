//! Changes of a request document whose effect on the smallest period is known.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

/// Calls `change` with every number of the given fields, at any depth.
fn each_number(value: &mut Value, fields: &[&str], change: &mut dyn FnMut(f64) -> f64) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if fields.contains(&name.as_str()) {
                    numbers(value, change);
                } else {
                    each_number(value, fields, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_number(item, fields, change)),
        _ => {}
    }
}

/// Calls `change` with a number, or with all in nested rows of numbers.
fn numbers(value: &mut Value, change: &mut dyn FnMut(f64) -> f64) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| numbers(item, change)),
        Value::Number(number) if number.is_u64() => *value = json!(change(number.as_f64().unwrap()) as u64),
        Value::Number(number) => *value = json!(change(number.as_f64().unwrap())),
        _ => {}
    }
}

const BANDWIDTHS: [&str; 2] = ["bandwidth_bps", "bandwidth_hz"];

/// Some nodes get more memory.
pub fn more_memory(document: &mut Value, rng: &mut Pcg64Mcg) {
    let factor = rng.random_range(1.0..2.0);
    let mut more = |bytes: f64| if rng.random_bool(0.5) { (bytes * factor).ceil() } else { bytes };
    each_number(&mut document["cluster"]["nodes"], &["memory_bytes"], &mut more);
}

/// Some links get faster, some get less latency.
pub fn faster_links(document: &mut Value, rng: &mut Pcg64Mcg) {
    let factor = rng.random_range(1.0..3.0);
    let mut faster = |bandwidth: f64| if rng.random_bool(0.5) { bandwidth * factor } else { bandwidth };
    each_number(&mut document["cluster"], &BANDWIDTHS, &mut faster);
    let mut sooner = |latency_s: f64| if rng.random_bool(0.5) { latency_s / factor } else { latency_s };
    each_number(&mut document["cluster"], &["latency_s"], &mut sooner);
}

/// Some nodes compute faster.
pub fn faster_nodes(document: &mut Value, rng: &mut Pcg64Mcg) {
    let factor = rng.random_range(1.0..3.0);
    let mut faster = |speed: f64| if rng.random_bool(0.5) { speed * factor } else { speed };
    each_number(&mut document["cluster"]["nodes"], &["flops_per_s"], &mut faster);
}

/// A node more, like one that is there but elsewhere, linked as that one is.
pub fn another_node(document: &mut Value, rng: &mut Pcg64Mcg) {
    let cluster = &mut document["cluster"];
    let nodes = cluster["nodes"].as_array_mut().unwrap();
    let mut node = nodes[rng.random_range(0..nodes.len())].clone();
    let like = std::mem::replace(&mut node["id"], json!("another"));
    if node.get("position_m").is_some() {
        node["position_m"] = json!({"x": rng.random_range(151.0..160.0), "y": rng.random_range(1.0..150.0)});
    }
    nodes.push(node);
    let Some(links) = cluster.get_mut("links").and_then(Value::as_array_mut) else { return };
    let of_like: Vec<Value> = links.iter().filter(|link| link["from"] == like || link["to"] == like).cloned().collect();
    for mut link in of_like {
        let end = if link["from"] == like { "from" } else { "to" };
        link[end] = json!("another");
        links.push(link);
    }
}

/// Any number of stages.
pub fn without_max_stages(document: &mut Value) {
    if let Some(constraints) = document.get_mut("constraints").and_then(Value::as_object_mut) {
        constraints.remove("max_stages");
    }
}

/// Other names for the nodes, and nodes, links and rows of a matrix in another order.
pub fn renamed_and_reordered(document: &mut Value, rng: &mut Pcg64Mcg) {
    let nodes = document["cluster"]["nodes"].as_array_mut().unwrap();
    let mut numbers: Vec<usize> = (0..nodes.len()).collect();
    numbers.shuffle(rng);
    let name = |(node, number): (&Value, &usize)| (node["id"].as_str().unwrap().to_owned(), format!("w{number}"));
    let names: BTreeMap<String, String> = nodes.iter().zip(&numbers).map(name).collect();
    nodes.shuffle(rng);
    if let Some(links) = document["cluster"].get_mut("links").and_then(Value::as_array_mut) {
        links.shuffle(rng);
    }
    if document["cluster"]["network"]["kind"] == json!("matrix") {
        reorder_matrix(&mut document["cluster"]["network"], rng);
    }
    rename(&mut document["cluster"], &names);
    for part in ["constraints", "occupants"] {
        if let Some(part) = document.get_mut(part) {
            rename(part, &names);
        }
    }
}

fn reorder_matrix(matrix: &mut Value, rng: &mut Pcg64Mcg) {
    let mut order: Vec<usize> = (0..matrix["node_ids"].as_array().unwrap().len()).collect();
    order.shuffle(rng);
    let sorted = |items: &Value| -> Value { order.iter().map(|&at| items[at].clone()).collect() };
    matrix["node_ids"] = sorted(&matrix["node_ids"]);
    matrix["bandwidth_bps"] = sorted(&matrix["bandwidth_bps"]).as_array().unwrap().iter().map(sorted).collect();
}

fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                text.clone_from(name);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(map) => map.values_mut().for_each(|value| rename(value, names)),
        _ => {}
    }
}

/// Nothing counts but bytes over bandwidths.
pub fn only_communication(document: &mut Value) {
    document["cost_model"]["compute"] = json!("ignore");
    each_number(&mut document["cluster"], &["latency_s"], &mut |_| 0.0);
}

/// All bandwidths twice as high.
pub fn doubled_bandwidths(document: &mut Value) {
    each_number(&mut document["cluster"], &BANDWIDTHS, &mut |bandwidth| 2.0 * bandwidth);
}

/// All bytes of model and nodes, and all bandwidths, twice as many.
pub fn doubled_bytes_and_bandwidths(document: &mut Value) {
    let sizes = ["param_bytes", "state_bytes", "output_bytes", "activation_bytes", "memory_bytes", "reserved_bytes"];
    each_number(document, &sizes, &mut |bytes| 2.0 * bytes);
    doubled_bandwidths(document);
}

/// All work and all speeds twice as high.
pub fn doubled_work_and_speeds(document: &mut Value) {
    each_number(document, &["flops", "flops_per_s"], &mut |flops| 2.0 * flops);
}

//! Changes of a model's graph in a request document whose effect on the answer is known.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn items<'v>(model: &'v Value, field: &str) -> &'v [Value] {
    model.get(field).and_then(Value::as_array).map_or(&[], |items| items)
}

/// The ids of the layers that no root reaches, ascending.
pub fn constant_ids(model: &Value) -> Vec<String> {
    let edges: Vec<(String, String)> =
        items(model, "edges").iter().map(|edge| (text(&edge["from"]), text(&edge["to"]))).collect();
    let is_root = |layer: &&Value| {
        let times = layer.get("time_s").and_then(Value::as_object);
        let measured = times.is_some_and(|times| times.values().any(|seconds| seconds.as_f64() > Some(0.0)));
        let works = measured || layer.get("flops").and_then(Value::as_u64).unwrap_or(0) > 0;
        (works || layer["param_bytes"] == json!(0)) && !edges.iter().any(|(_, to)| *to == layer["id"])
    };
    let mut reached: BTreeSet<String> =
        items(model, "layers").iter().filter(is_root).map(|layer| text(&layer["id"])).collect();
    if reached.is_empty() {
        return Vec::new();
    }
    loop {
        let before = reached.len();
        let further: Vec<String> =
            edges.iter().filter(|(from, _)| reached.contains(from)).map(|(_, to)| to.clone()).collect();
        reached.extend(further);
        if reached.len() == before {
            break;
        }
    }
    let all: BTreeSet<String> = items(model, "layers").iter().map(|layer| text(&layer["id"])).collect();
    all.difference(&reached).cloned().collect()
}

/// Layers and edges in another order of the file: changes nothing under the policies `any` and `single_tensor`.
pub fn shuffle_layers_and_edges(document: &mut Value, rng: &mut Pcg64Mcg) {
    for field in ["layers", "edges"] {
        if let Some(items) = document["model"].get_mut(field).and_then(Value::as_array_mut) {
            items.shuffle(rng);
        }
    }
}

/// Other ids for the layers: changes nothing.
pub fn rename_layers(document: &mut Value, rng: &mut Pcg64Mcg) {
    let mut numbers: Vec<usize> = (0..items(&document["model"], "layers").len()).collect();
    numbers.shuffle(rng);
    let layers = items(&document["model"], "layers").iter().zip(&numbers);
    let names: BTreeMap<String, String> =
        layers.map(|(layer, number)| (text(&layer["id"]), format!("renamed-{number}"))).collect();
    for layer in document["model"]["layers"].as_array_mut().unwrap() {
        layer["id"] = json!(names[layer["id"].as_str().unwrap()]);
    }
    if let Some(edges) = document["model"].get_mut("edges").and_then(Value::as_array_mut) {
        for edge in edges {
            for end in ["from", "to"] {
                edge[end] = json!(names[edge[end].as_str().unwrap()]);
            }
        }
    }
    each_mention(document, &mut |id| vec![names[id].clone()]);
}

/// Puts something that only passes a constant on between it and all of its readers: changes nothing. Says whether there
/// is a constant with readers.
pub fn pass_a_constant_on(document: &mut Value, rng: &mut Pcg64Mcg) -> bool {
    let model = &mut document["model"];
    let mut constants = constant_ids(model);
    constants.retain(|id| items(model, "edges").iter().any(|edge| edge["from"] == json!(id)));
    let Some(constant) = constants.choose(rng) else { return false };
    let layers = model["layers"].as_array_mut().unwrap();
    let place = layers.iter().position(|layer| layer["id"] == json!(constant)).unwrap();
    let passed = format!("{constant}-identity");
    let output_bytes = layers[place]["output_bytes"].clone();
    layers.insert(place + 1, json!({"id": passed, "op": "Identity", "param_bytes": 0, "output_bytes": output_bytes}));
    let edges = model["edges"].as_array_mut().unwrap();
    for edge in edges.iter_mut().filter(|edge| edge["from"] == json!(constant)) {
        edge["from"] = json!(passed);
    }
    edges.push(json!({"from": constant, "to": passed}));
    true
}

/// Splits a layer with predecessors in two, which share its parameters, state and work, and between which a tensor of no
/// bytes goes: never makes the optimum worse. Says whether there is such a layer.
pub fn split_a_layer(document: &mut Value, rng: &mut Pcg64Mcg) -> bool {
    let model = &mut document["model"];
    let constants = constant_ids(model);
    let read: BTreeSet<String> = items(model, "edges").iter().map(|edge| text(&edge["to"])).collect();
    let split: Vec<String> = read.into_iter().filter(|id| !constants.contains(id)).collect();
    let Some(id) = split.choose(rng) else { return false };
    let layers = model["layers"].as_array_mut().unwrap();
    let place = layers.iter().position(|layer| layer["id"] == json!(id)).unwrap();
    let (mut first, mut second) = (layers[place].clone(), layers[place].clone());
    first["id"] = json!(format!("{id}-first"));
    second["id"] = json!(format!("{id}-second"));
    first["output_bytes"] = json!(0);
    for field in ["param_bytes", "state_bytes", "flops"] {
        if let Some(whole) = layers[place].get(field).and_then(Value::as_u64) {
            let part = rng.random_range(0..=whole);
            (first[field], second[field]) = (json!(part), json!(whole - part));
        }
    }
    if let Some(times) = layers[place].get("time_s").and_then(Value::as_object) {
        for (class, seconds) in times {
            let whole = (seconds.as_f64().unwrap() * 1e12).round() as u64;
            let part = rng.random_range(0..=whole);
            let seconds = |picoseconds: u64| json!(picoseconds as f64 / 1e12);
            (first["time_s"][class], second["time_s"][class]) = (seconds(part), seconds(whole - part));
        }
    }
    let (id, names) = (id.clone(), [text(&first["id"]), text(&second["id"])]);
    layers.splice(place..=place, [first, second]);
    let edges = model["edges"].as_array_mut().unwrap();
    for edge in edges.iter_mut() {
        if edge["to"] == json!(id) {
            edge["to"] = json!(names[0]);
        }
        if edge["from"] == json!(id) {
            edge["from"] = json!(names[1]);
        }
    }
    edges.push(json!({"from": names[0], "to": names[1]}));
    each_mention(document, &mut |mentioned| if mentioned == id { names.to_vec() } else { vec![mentioned.to_owned()] });
    true
}

/// Puts other ids in the place of each id of a layer that pins, colocations, groups and the base name.
fn each_mention(document: &mut Value, others: &mut dyn FnMut(&str) -> Vec<String>) {
    if let Some(pins) = document["constraints"].get_mut("pins").and_then(Value::as_array_mut) {
        let renamed = pins.iter().flat_map(|pin| {
            let with_id = |id: String| {
                let mut pin = pin.clone();
                pin["layer_id"] = json!(id);
                pin
            };
            others(pin["layer_id"].as_str().unwrap()).into_iter().map(with_id).collect::<Vec<Value>>()
        });
        *pins = renamed.collect();
    }
    let mut rename = |items: &mut Vec<Value>| {
        for item in items {
            let ids = item["layer_ids"].as_array().unwrap();
            item["layer_ids"] = ids.iter().flat_map(|id| others(id.as_str().unwrap())).collect();
        }
    };
    if let Some(colocate) = document["constraints"].get_mut("colocate").and_then(Value::as_array_mut) {
        rename(colocate);
    }
    if let Some(groups) = document["model"].get_mut("groups").and_then(Value::as_array_mut) {
        rename(groups);
    }
    if let Some(base) = document.get_mut("base") {
        rename(base["stages"].as_array_mut().unwrap());
    }
}

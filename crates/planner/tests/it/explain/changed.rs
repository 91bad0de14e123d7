//! Documents of requests with one thing changed, straight from the law.

use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

fn is(value: &Value, id: &str) -> bool {
    value.as_str() == Some(id)
}

fn items(value: &mut Value) -> &mut Vec<Value> {
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().unwrap()
}

fn node<'a>(document: &'a mut Value, id: &str) -> &'a mut Value {
    items(&mut document["cluster"]["nodes"]).iter_mut().find(|node| is(&node["id"], id)).unwrap()
}

/// The request of a document, without the nulls that looking for absent members left in it.
pub fn request(document: &Value, context: &str) -> PlanRequest {
    let mut document = document.clone();
    drop_nulls(&mut document);
    PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("{context}: {faults:?}\n{document}"))
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, member| !member.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Bandwidth and latency from one node to another.
pub fn link(document: &Value, from: &str, to: &str) -> Option<(f64, f64)> {
    let cluster = &document["cluster"];
    for link in cluster["links"].as_array().into_iter().flatten() {
        let there = is(&link["from"], from) && is(&link["to"], to);
        let back = link["bidirectional"] == true && is(&link["from"], to) && is(&link["to"], from);
        if there || back {
            return Some((link["bandwidth_bps"].as_f64()?, link["latency_s"].as_f64().unwrap_or(0.0)));
        }
    }
    let network = &cluster["network"];
    let latency_s = network["latency_s"].as_f64().unwrap_or(0.0);
    let bandwidth_bps = match network["kind"].as_str()? {
        "full_mesh" => network["bandwidth_bps"].as_f64()?,
        "radio" => {
            let place = |id: &str| {
                let nodes = cluster["nodes"].as_array().unwrap();
                let at = &nodes.iter().find(|node| is(&node["id"], id)).unwrap()["position_m"];
                (at["x"].as_f64().unwrap(), at["y"].as_f64().unwrap())
            };
            let ((ax, ay), (bx, by)) = (place(from), place(to));
            let squared = (ax - bx) * (ax - bx) + (ay - by) * (ay - by);
            network["bandwidth_hz"].as_f64()? * (1.0 + network["snr_at_1m"].as_f64()? / squared).log2()
        }
        _ => {
            let row = |id: &str| network["node_ids"].as_array().unwrap().iter().position(|it| is(it, id));
            network["bandwidth_bps"][row(from)?][row(to)?].as_f64()?
        }
    };
    (bandwidth_bps > 0.0).then_some((bandwidth_bps, latency_s))
}

pub fn with_faster_link(document: &Value, from: &str, to: &str) -> Value {
    let (bandwidth_bps, latency_s) = link(document, from, to).unwrap();
    let mut changed = document.clone();
    let mut both_ways = false;
    let listed = items(&mut changed["cluster"]["links"]).iter_mut().find(|link| {
        let there = is(&link["from"], from) && is(&link["to"], to);
        there || (link["bidirectional"] == true && is(&link["from"], to) && is(&link["to"], from))
    });
    match listed {
        Some(listed) => {
            both_ways = listed["bidirectional"] == true;
            listed["bandwidth_bps"] = json!(2.0 * bandwidth_bps);
        }
        None => items(&mut changed["cluster"]["links"]).push(json!({
            "from": from, "to": to, "bandwidth_bps": 2.0 * bandwidth_bps, "latency_s": latency_s
        })),
    }
    for occupant in changed["occupants"].as_array_mut().into_iter().flatten() {
        for hop in items(&mut occupant["hops"]) {
            let there = is(&hop["from_node_id"], from) && is(&hop["to_node_id"], to);
            let back = both_ways && is(&hop["from_node_id"], to) && is(&hop["to_node_id"], from);
            if there || back {
                hop["transfer_s"] = json!(hop["transfer_s"].as_f64().unwrap() / 2.0);
            }
        }
    }
    changed
}

pub fn with_faster_node(document: &Value, id: &str) -> Value {
    let mut changed = document.clone();
    let it = node(&mut changed, id);
    if let Some(speed) = it["flops_per_s"].as_f64() {
        it["flops_per_s"] = json!(speed * 2.0);
    }
    let class = it.get("device_class").and_then(Value::as_str).map(str::to_owned);
    if let Some(class) = class {
        it["device_class"] = json!("fast");
        for list in ["layers", "groups"] {
            for timed in changed["model"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                let seconds = timed.get("time_s").and_then(|times| times.get(&class)).and_then(Value::as_f64);
                if let Some(seconds) = seconds {
                    timed["time_s"]["fast"] = json!(seconds / 2.0);
                }
            }
        }
    }
    for occupant in changed["occupants"].as_array_mut().into_iter().flatten() {
        for taken in items(&mut occupant["nodes"]).iter_mut().filter(|taken| is(&taken["node_id"], id)) {
            taken["compute_s"] = json!(taken["compute_s"].as_f64().unwrap() / 2.0);
        }
    }
    changed
}

pub fn with_more_memory(document: &Value, id: &str, bytes: u64) -> Value {
    let mut changed = document.clone();
    let it = node(&mut changed, id);
    it["memory_bytes"] = json!(it["memory_bytes"].as_u64().unwrap() + bytes);
    changed
}

pub fn with_twice_the_memory(document: &Value, id: &str) -> Value {
    let bytes = node(&mut document.clone(), id)["memory_bytes"].as_u64().unwrap();
    with_more_memory(document, id, bytes)
}

pub fn with_copy(document: &Value, id: &str) -> Value {
    let mut changed = document.clone();
    let ids: Vec<String> =
        items(&mut changed["cluster"]["nodes"]).iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect();
    let others = ids.iter().filter(|other| *other != id);
    let links = others.flat_map(|other| [link(document, id, other), link(document, other, id)]).flatten();
    let best = links.reduce(|a, b| if b.0 > a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a });
    let mut copy = node(&mut changed, id).clone();
    copy["id"] = json!("copy");
    if let Some(place) = copy.get_mut("position_m") {
        place["x"] = json!(place["x"].as_f64().unwrap() + 1.0);
    }
    items(&mut changed["cluster"]["nodes"]).push(copy);
    let links = items(&mut changed["cluster"]["links"]);
    let copies: Vec<Value> = links
        .iter()
        .filter(|link| is(&link["from"], id) || is(&link["to"], id))
        .map(|link| {
            let mut link = link.clone();
            for end in ["from", "to"] {
                if is(&link[end], id) {
                    link[end] = json!("copy");
                }
            }
            link
        })
        .collect();
    links.extend(copies);
    let network = &mut changed["cluster"]["network"];
    if network["kind"] == "matrix" {
        let place = network["node_ids"].as_array().unwrap().iter().position(|it| is(it, id));
        if let Some(place) = place {
            items(&mut network["node_ids"]).push(json!("copy"));
            let mut copied = network["bandwidth_bps"][place].clone();
            items(&mut copied).push(json!(0.0));
            for (at, row) in items(&mut network["bandwidth_bps"]).iter_mut().enumerate() {
                let speed = if at == place { json!(0.0) } else { row[place].clone() };
                items(row).push(speed);
            }
            copied[place] = json!(0.0);
            items(&mut network["bandwidth_bps"]).push(copied);
        }
    }
    let needs_bridge = network.is_null() || network["kind"] == "matrix";
    if let Some((bandwidth_bps, latency_s)) = best.filter(|_| needs_bridge) {
        items(&mut changed["cluster"]["links"]).push(json!({
            "from": id, "to": "copy", "bandwidth_bps": bandwidth_bps, "latency_s": latency_s, "bidirectional": true
        }));
    }
    changed
}

/// The request without what a JSON pointer leads to.
pub fn without(document: &Value, pointer: &str) -> Value {
    let mut changed = document.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(name).unwrap()),
        Value::Array(items) => drop(items.remove(name.parse().unwrap())),
        other => panic!("{other} has no members"),
    }
    changed
}

pub fn with(document: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = document.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap()[name] = value;
    changed
}

/// The request with a link of both directions; what is there stays.
pub fn with_link(document: &Value, a: &str, b: &str, bandwidth_bps: f64, latency_s: f64) -> Value {
    let mut changed = document.clone();
    for (from, to) in [(a, b), (b, a)] {
        if link(document, from, to).is_none() {
            items(&mut changed["cluster"]["links"]).push(json!({
                "from": from, "to": to, "bandwidth_bps": bandwidth_bps, "latency_s": latency_s
            }));
        }
    }
    changed
}

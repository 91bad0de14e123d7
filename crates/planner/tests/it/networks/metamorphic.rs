//! What must hold between the least periods of two requests of which one is a change of the other's network.

use std::collections::BTreeSet;

use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::request::PlanRequest;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use crate::oracle::{Size, planned, random_network_document};

const ROUNDING: f64 = 1e-12;

/// The least period; `None` where it was not proven, infinite where there is no placement.
fn least_period_s(document: &Value, context: &str) -> Option<f64> {
    let request = PlanRequest::from_json(document).unwrap_or_else(|faults| panic!("{context}: {faults:?}"));
    let answer = planned(&request, context);
    match answer.status {
        Status::Optimal => answer.least_period_s,
        Status::Infeasible => Some(f64::INFINITY),
        Status::Feasible | Status::Unknown => None,
    }
}

/// Compares the least periods before and after a change that says whether it applies.
fn compare(
    prepare: fn(&mut Value),
    change: fn(&mut Value, &mut Pcg64Mcg) -> bool,
    holds: fn(f64, f64) -> bool,
    least_compared: usize,
) {
    let (mut compared, mut different) = (0, 0);
    for seed in 0..5000 {
        let mut document = random_network_document(seed, Size { layers: 5, nodes: 3 });
        only_the_period(&mut document);
        prepare(&mut document);
        let mut changed = document.clone();
        if !change(&mut changed, &mut Pcg64Mcg::seed_from_u64(seed)) {
            continue;
        }
        let context = format!("seed {seed}");
        let periods = (least_period_s(&document, &context), least_period_s(&changed, &format!("{context}, changed")));
        let (Some(before_s), Some(after_s)) = periods else { continue };
        assert!(holds(before_s, after_s), "{context}: {before_s} before, {after_s} after\n{document}\n{changed}");
        compared += usize::from(after_s.is_finite() && after_s > 0.0);
        different += usize::from(after_s != before_s);
    }
    println!("{compared} compared, {different} different");
    assert!(compared >= least_compared, "{compared}");
}

/// The least period is wanted, and no limit of latency or other placement is in the way.
fn only_the_period(document: &mut Value) {
    document["objective"] = json!({"kind": "max_throughput"});
    document["constraints"]
        .as_object_mut()
        .unwrap()
        .retain(|limit, _| limit != "max_latency_s" && limit != "max_period_s");
    for field in ["base", "max_period_ratio", "occupants"] {
        document.as_object_mut().unwrap().remove(field);
    }
}

fn the_same(before_s: f64, after_s: f64) -> bool {
    before_s == after_s || (before_s - after_s).abs() <= ROUNDING * before_s
}

fn never_shorter(before_s: f64, after_s: f64) -> bool {
    after_s >= before_s * (1.0 - ROUNDING)
}

/// Calls `change` with the value of each such field, at any depth.
fn each_field(value: &mut Value, fields: &[&str], change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if fields.contains(&name.as_str()) {
                    change(value);
                } else {
                    each_field(value, fields, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_field(item, fields, change)),
        _ => {}
    }
}

/// Changes a number, or all numbers of rows.
fn each_number(value: &mut Value, change: &dyn Fn(f64) -> f64) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_number(item, change)),
        value => *value = json!(change(value.as_f64().unwrap())),
    }
}

/// Whether input and output may take the same link.
fn input_and_output(document: &Value) -> bool {
    let end = |name: &str| document["constraints"].get(name).cloned();
    end("source_node").is_some() && end("sink_node").is_some() && end("source_node") != end("sink_node")
}

#[test]
fn a_name_that_one_transfer_alone_can_use_changes_nothing() {
    let name_a_link = |document: &mut Value, rng: &mut Pcg64Mcg| {
        // What is acknowledged is summed only on media that have a name.
        if document["cost_model"]["transfers"] == "acknowledged" && input_and_output(document) {
            return false;
        }
        let links = document["cluster"]["links"].as_array().unwrap();
        let unnamed = |link: &Value| link.get("medium").is_none() && link["bidirectional"] != json!(true);
        let unnamed: Vec<usize> = (0..links.len()).filter(|&at| unnamed(&links[at])).collect();
        let Some(&link) = unnamed.choose(rng) else { return false };
        document["cluster"]["links"][link]["medium"] = json!("a name of its own");
        true
    };
    compare(|_| {}, name_a_link, the_same, 200);
}

#[test]
fn merging_two_media_never_shortens_the_period() {
    let merge = |document: &mut Value, _: &mut Pcg64Mcg| {
        let mut names = BTreeSet::new();
        each_field(&mut document["cluster"], &["medium"], &mut |name| {
            names.insert(name.as_str().unwrap().to_owned());
            *name = json!("both");
        });
        names.len() > 1
    };
    compare(|_| {}, merge, never_shorter, 200);
}

#[test]
fn a_name_for_what_has_none_never_shortens_the_period() {
    let name_all = |document: &mut Value, rng: &mut Pcg64Mcg| {
        let name = ["air", "sea"].choose(rng).unwrap();
        let cluster = &mut document["cluster"];
        let mut any = false;
        let mut set = |it: &mut Value| {
            any |= it.get("medium").is_none();
            it["medium"] = json!(name);
        };
        cluster["links"].as_array_mut().unwrap().iter_mut().filter(|it| it.get("medium").is_none()).for_each(&mut set);
        match cluster.get_mut("network") {
            Some(network) if network["kind"] == "topology" => {
                let segments = network["segments"].as_array_mut().unwrap().iter_mut();
                segments.filter(|it| it.get("medium").is_none()).for_each(&mut set);
            }
            Some(network) if network.get("medium").is_none() => set(network),
            _ => {}
        }
        any
    };
    compare(|_| {}, name_all, never_shorter, 500);
}

#[test]
fn wider_ports_never_lengthen_the_period() {
    let widen = |document: &mut Value, rng: &mut Pcg64Mcg| {
        let widened = rng.random_range(0..3);
        let mut ports = 0;
        each_field(&mut document["cluster"]["nodes"], &["port_bps"], &mut |port| {
            let factor = if ports == widened { 3.0 } else { 1.0 };
            each_number(port, &|bits_per_s| bits_per_s * factor);
            ports += 1;
        });
        ports > widened
    };
    compare(|_| {}, widen, |before_s, after_s| never_shorter(after_s, before_s), 500);
}

#[test]
fn doubled_bandwidths_halve_pure_communication() {
    let only_communication = |document: &mut Value| {
        document["cost_model"]["compute"] = json!("ignore");
        each_field(&mut document["cluster"], &["latency_s"], &mut |latency| each_number(latency, &|_| 0.0));
    };
    let double = |document: &mut Value, _: &mut Pcg64Mcg| {
        let fields = ["bandwidth_bps", "bandwidth_hz", "port_bps"];
        let double = &mut |bandwidth: &mut Value| each_number(bandwidth, &|bits_per_s| 2.0 * bits_per_s);
        each_field(&mut document["cluster"], &fields, double);
        true
    };
    compare(only_communication, double, |before_s, after_s| the_same(before_s / 2.0, after_s), 500);
}

//! Nodes of which it is not known how fast they compute: a fault where something is known of others.

use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::read::MAX_FAULTS;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

use crate::oracle::{Kind, Size, random_document, random_graph_document};

/// Two layers that work behind an input, on nodes that each test describes.
fn document(nodes: Value) -> Value {
    json!({
        "model": {
            "name": "m",
            "layers": [
                {"id": "image", "param_bytes": 0, "output_bytes": 8},
                {"id": "weight", "param_bytes": 8, "output_bytes": 8},
                {"id": "a", "param_bytes": 0, "output_bytes": 8, "flops": 10, "time_s": {"pi-4": 0.1, "jetson": 0.01}},
                {"id": "b", "param_bytes": 0, "output_bytes": 8, "time_s": {"pi-4": 0.1}}
            ],
            "edges": [{"from": "image", "to": "a"}, {"from": "weight", "to": "a"}, {"from": "a", "to": "b"}],
        },
        "cluster": {"name": "c", "nodes": nodes, "network": {"kind": "full_mesh", "bandwidth_bps": 64}},
    })
}

fn faults(document: &Value) -> Vec<Fault> {
    PlanRequest::from_json(document).err().unwrap_or_default()
}

#[test]
fn a_misspelt_class_is_named_with_what_was_perhaps_meant() {
    let document = document(json!([
        {"id": "x", "memory_bytes": 100, "device_class": "pi-4"},
        {"id": "y", "memory_bytes": 100, "device_class": "Pi4"},
    ]));
    let faults = faults(&document);
    assert_eq!(faults.len(), 1);
    assert_eq!((faults[0].code, faults[0].node_id.as_deref()), (FaultCode::UnknownCompute, Some("y")));
    assert_eq!(
        faults[0].to_string(),
        "/cluster/nodes/1/device_class (node \"y\"): node \"y\" has no flops_per_s, and its class \"Pi4\" no time_s \
         for any of the 2 layers that work: \"a\", \"b\". Correct the class (the profile times \"pi-4\"), give flops_per_s, or set \
         cost_model.unknown_compute to \"free\", which counts what is not known as zero."
    );
}

#[test]
fn what_is_partly_known_is_refused_even_alone() {
    let faults = faults(&document(json!([{"id": "x", "memory_bytes": 100, "device_class": "jetson"}])));
    assert_eq!(
        faults[0].to_string(),
        "/cluster/nodes/0/device_class (node \"x\"): node \"x\" has no flops_per_s, and its class \"jetson\" no \
         time_s for 1 of the 2 layers that work: \"b\". Give flops_per_s, or the missing time_s, or set \
         cost_model.unknown_compute to \"free\", which counts what is not known as zero."
    );
}

#[test]
fn a_node_without_class_and_speed_is_named_itself() {
    let faults = faults(&document(json!([
        {"id": "x", "memory_bytes": 100},
        {"id": "y", "memory_bytes": 100, "flops_per_s": 10},
        {"id": "z", "memory_bytes": 100, "device_class": "toaster"},
    ])));
    let found: Vec<(&str, bool)> =
        faults.iter().map(|it| (it.pointer.as_str(), it.action.starts_with("Give flops_per_s"))).collect();
    assert_eq!(found, [("/cluster/nodes/0", true), ("/cluster/nodes/2/device_class", true)]);
}

#[test]
fn nothing_is_refused_where_it_does_not_matter() {
    let unknown = json!({"id": "x", "memory_bytes": 100, "device_class": "toaster"});
    let known = json!({"id": "y", "memory_bytes": 100, "device_class": "pi-4"});
    // Nothing is known of any node.
    assert_eq!(faults(&document(json!([unknown]))), []);
    let mut document = document(json!([unknown, known]));
    assert_eq!(faults(&document).len(), 1);
    for (field, value) in [("compute", "ignore"), ("unknown_compute", "free")] {
        document["cost_model"] = json!({field: value});
        assert_eq!(faults(&document), [], "{field}");
    }
    // One of the two hosts no stage.
    document["cost_model"] = json!({});
    for id in ["x", "y"] {
        document["constraints"] = json!({"exclude_nodes": [id], "source_node": id});
        assert_eq!(faults(&document), [], "{id}");
    }
}

#[test]
fn what_could_not_be_read_is_not_called_unknown_too() {
    let mut document = document(json!([
        {"id": "x", "memory_bytes": 100, "device_class": "pi-4"},
        {"id": "y", "memory_bytes": 100, "flops_per_s": "10"},
    ]));
    assert_eq!(faults(&document)[0].code, FaultCode::WrongType);
    assert_eq!(faults(&document).len(), 1);
    document["cluster"]["nodes"][1]["flops_per_s"] = json!(10);
    document["constraints"] = json!({"source_node": "z"});
    assert_eq!(faults(&document)[0].code, FaultCode::UnknownReference);
}

#[test]
fn long_lists_of_long_names_are_compared_within_bounds() {
    let nodes: Vec<Value> = (0..3000)
        .map(|node| json!({"id": format!("n{node}"), "memory_bytes": 1, "device_class": format!("{node:0>250}")}))
        .collect();
    let mut document = document(json!(nodes));
    for class in 0..3000 {
        document["model"]["layers"][2]["time_s"][format!("{class:1>250}")] = json!(1);
    }
    document["cluster"]["nodes"][0]["flops_per_s"] = json!(1);
    assert_eq!(faults(&document).len(), MAX_FAULTS);
}

/// The law's words over the document.
fn refused(document: &Value) -> Vec<String> {
    let model = &document["model"];
    let layers = model["layers"].as_array().unwrap();
    let group_of = |layer: &Value| {
        let mut groups = model["groups"].as_array().into_iter().flatten();
        groups.find(|group| group["layer_ids"].as_array().unwrap().contains(&layer["id"])).unwrap_or(&Value::Null)
    };
    let has = |it: &Value, class: &Value| class.as_str().is_some_and(|class| it["time_s"].get(class).is_some());
    let timed = |layer: &Value, class: &Value| has(layer, class) || has(group_of(layer), class);
    let takes = |it: &Value| it["time_s"].as_object().into_iter().flatten().any(|(_, it)| it != &json!(0.0));
    let works = |layer: &&Value| layer["flops"].as_u64().unwrap_or(0) > 0 || takes(layer) || takes(group_of(layer));
    let constants = crate::oracle::graph_changes::constant_ids(model);
    let working: Vec<&Value> =
        layers.iter().filter(works).filter(|it| !constants.iter().any(|id| it["id"] == json!(id))).collect();
    let nodes = document["cluster"]["nodes"].as_array().unwrap();
    let constraints = &document["constraints"];
    let eligible = |(_, node): &(usize, &Value)| {
        let excluded = constraints["exclude_nodes"].as_array().into_iter().flatten().any(|id| *id == node["id"]);
        let mut selector = constraints["node_selector"].as_object().into_iter().flatten();
        node["schedulable"] != json!(false) && !excluded && selector.all(|(key, value)| node["labels"][key] == *value)
    };
    let share = |node: &Value| {
        let times = working.iter().filter(|layer| timed(layer, &node["device_class"])).count();
        if node.get("flops_per_s").is_some() { working.len() } else { times }
    };
    let eligible: Vec<(usize, &Value)> = nodes.iter().enumerate().filter(eligible).collect();
    if eligible.iter().all(|(_, node)| share(node) == 0) {
        return Vec::new();
    }
    let refused = eligible.into_iter().filter(|(_, node)| share(node) < working.len());
    let place = |(index, node): (usize, &Value)| match node.get("device_class") {
        Some(_) => format!("/cluster/nodes/{index}/device_class"),
        None => format!("/cluster/nodes/{index}"),
    };
    refused.map(place).collect()
}

#[test]
fn random_requests_are_refused_as_the_law_says() {
    let (mut with_faults, mut without) = (0, 0);
    let size = Size { layers: 5, nodes: 4 };
    for seed in 0..1000 {
        let documents = [
            random_document(seed, Kind::Timed, size),
            random_document(seed, Kind::Mixed, size),
            random_graph_document(seed * 16 + 11, size),
        ];
        for mut document in documents {
            let mut expected = refused(&document);
            document["cost_model"].as_object_mut().unwrap().remove("unknown_compute");
            if document["cost_model"]["compute"] == json!("ignore") {
                expected.clear();
            }
            let found: Vec<String> = faults(&document).into_iter().map(|fault| fault.pointer).collect();
            assert_eq!(found, expected, "{document}");
            *(if found.is_empty() { &mut without } else { &mut with_faults }) += 1;
        }
    }
    println!("{with_faults} with faults, {without} without");
    assert!(with_faults > 500 && without > 500);
}

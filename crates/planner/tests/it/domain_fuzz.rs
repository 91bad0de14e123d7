//! Documents that were broken at random: reading them never panics, each fault points at a place of the document, and
//! what is still valid can be written and read again.

use crate::oracle::{Kind, Size, random_document, random_network_document};
use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::hash::content_hash;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::request::PlanRequest;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

const SIZE: Size = Size { layers: 6, nodes: 5 };

/// A document of any kind, every second with a network of any kind.
fn document_of(seed: u64) -> Value {
    if seed.is_multiple_of(2) {
        random_network_document(seed, SIZE)
    } else {
        random_document(seed, Kind::ALL[seed as usize / 2 % Kind::ALL.len()], SIZE)
    }
}

/// The pointers to every value of a document.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{here}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointers(item, &format!("{here}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

fn strange_value(rng: &mut Pcg64Mcg) -> Value {
    let deep =
        (0..100).fold(json!({}), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"": inner}) });
    let values = [
        json!(null),
        json!(true),
        json!(""),
        json!("l0"),
        json!("n0"),
        json!("é\u{0}/~\u{1f600}"),
        json!("x".repeat(300)),
        json!(0),
        json!(-0.0),
        json!(-1),
        json!(1.5),
        json!(18.0),
        json!(5e-324),
        json!(1e-100),
        json!(1e100),
        json!(f64::MAX),
        json!(f64::MIN),
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!([]),
        json!({}),
        json!({"/a~b": 1, "kind": "radio"}),
        deep,
    ];
    values.choose(rng).unwrap().clone()
}

fn mutate(document: &mut Value, rng: &mut Pcg64Mcg) {
    let mut places = Vec::new();
    pointers(document, "", &mut places);
    let place = places.choose(rng).unwrap();
    let other = document.pointer(places.choose(rng).unwrap()).unwrap().clone();
    let target = document.pointer_mut(place).unwrap();
    match (rng.random_range(0..6), target) {
        (0, Value::Array(items)) if !items.is_empty() => {
            items.remove(rng.random_range(0..items.len()));
        }
        (1, Value::Array(items)) if !items.is_empty() => {
            let twin = items[rng.random_range(0..items.len())].clone();
            items.insert(rng.random_range(0..=items.len()), twin);
        }
        (2, Value::Array(items)) => items.push(strange_value(rng)),
        (0 | 1, Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(rng.random_range(0..map.len())).unwrap().clone();
            map.remove(&key);
        }
        (2, Value::Object(map)) => {
            map.insert(["x", "", "a/b~c", "kind"].choose(rng).unwrap().to_string(), strange_value(rng));
        }
        (3, target) => *target = other,
        (_, target) => *target = strange_value(rng),
    }
}

/// A fault stands at a value of the document, or at a member that one lacks.
fn assert_faults_point_into(document: &Value, faults: &[Fault]) {
    assert!(!faults.is_empty());
    for fault in faults {
        let parent = fault.pointer.rsplit_once('/').map(|(parent, _)| parent);
        let exists = document.pointer(&fault.pointer).is_some();
        let below = parent.and_then(|parent| document.pointer(parent)).is_some_and(Value::is_object);
        assert!(exists || below, "{fault:?} in {document}");
        assert!(!fault.detail.is_empty() && !fault.action.is_empty(), "{fault:?}");
    }
}

fn assert_same_when_read_again(request: &PlanRequest) {
    let written = serde_json::to_vec(request).unwrap();
    let value = Reader::parse(&written).unwrap();
    let again = PlanRequest::from_json(&value).unwrap_or_else(|faults| panic!("{faults:?} in {value}"));
    assert_eq!(content_hash(request), content_hash(&again));
}

#[test]
fn broken_documents_are_refused_with_their_places() {
    let (mut valid, mut refused) = (0, 0);
    for seed in 0..2000 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut document = document_of(seed);
        for _ in 0..3 {
            mutate(&mut document, &mut rng);
            match PlanRequest::from_json(&document) {
                Ok(request) => {
                    assert_same_when_read_again(&request);
                    valid += 1;
                }
                Err(faults) => {
                    assert_faults_point_into(&document, &faults);
                    refused += 1;
                }
            }
        }
    }
    assert!(valid > 200 && refused > 2000, "{valid} valid, {refused} refused");
}

#[test]
fn broken_bytes_are_refused_or_read() {
    let (mut valid, mut refused) = (0, 0);
    for seed in 0..1500 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let document = document_of(seed);
        let mut text = serde_json::to_vec(&document).unwrap();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..text.len());
            match rng.random_range(0..4) {
                0 => text[at] = rng.random_range(0..=255_u32) as u8,
                1 => text[at] = b"0123456789\"{}[],:e.-"[rng.random_range(0..20)],
                2 => text.insert(at, b"0123456789\"{}[],:e.-"[rng.random_range(0..20)]),
                _ => text.truncate(at.max(1)),
            }
        }
        match Reader::parse(&text) {
            Err(faults) => {
                assert!(faults.len() == 1 && !faults[0].detail.is_empty());
                refused += 1;
            }
            Ok(value) => match PlanRequest::from_json(&value) {
                Ok(request) => {
                    assert_same_when_read_again(&request);
                    valid += 1;
                }
                Err(faults) => assert_faults_point_into(&value, &faults),
            },
        }
    }
    assert!(valid > 20 && refused > 300, "{valid} valid, {refused} refused");
}

#[test]
fn a_valid_request_has_finite_costs_whatever_its_numbers() {
    use cutpoint_planner::check::{StageProposal, evaluate};
    let extreme = [json!(1e-100), json!(1e100), json!(9_007_199_254_740_991_u64), json!(0), json!(0.0), json!(3)];
    let mut timed = 0;
    for seed in 0..1500 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut document = document_of(seed);
        let mut places = Vec::new();
        pointers(&document, "", &mut places);
        for place in places {
            let target = document.pointer_mut(&place).unwrap();
            if target.is_number() && rng.random_bool(0.05) {
                *target = extreme.choose(&mut rng).unwrap().clone();
            }
        }
        let Ok(request) = PlanRequest::from_json(&document) else { continue };
        // As many stages as there are nodes, of a layer each, the last with the rest.
        let layers: Vec<String> = request.model.layers.iter().map(|layer| layer.id.clone()).collect();
        let stages = request.cluster.nodes.len().min(layers.len());
        let end = |stage: usize| if stage + 1 == stages { layers.len() } else { stage + 1 };
        let proposal = |stage: usize| StageProposal {
            node_id: request.cluster.nodes[stage].id.clone(),
            layer_ids: layers[stage..end(stage)].to_vec(),
        };
        let evaluation = evaluate(&request, &(0..stages).map(proposal).collect::<Vec<StageProposal>>());
        let rates = [evaluation.throughput_per_s, evaluation.inferences_per_s];
        let times = [evaluation.period_s, evaluation.latency_s, rates[0], rates[1]];
        assert!(times.iter().flatten().all(|seconds| seconds.is_finite() && *seconds >= 0.0), "{times:?}");
        assert!(!serde_json::to_string(&evaluation).unwrap().contains("null"));
        timed += usize::from(evaluation.period_s.is_some());
    }
    assert!(timed > 100, "{timed}");
}

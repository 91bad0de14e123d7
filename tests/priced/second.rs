//! What comes second, against the oracles: the least latency among least periods, the front of period and latency, the
//! fewest bytes shipped.

use cutpoint::domain::placement::{PlacementDocument, Status};
use cutpoint::domain::request::PlanRequest;
use serde_json::{Value, json};

use crate::oracle::{
    Kind, OracleAnswer, Size, assert_document_true, brute_force, brute_front, brute_replan, dense_dp, dense_front,
    planned, random_document,
};

const SMALL: Size = Size { layers: 6, nodes: 4 };

fn request(document: &Value, context: &str) -> PlanRequest {
    PlanRequest::from_json(document).unwrap_or_else(|faults| panic!("{context}: {faults:?}"))
}

/// Planned afresh.
pub fn without_base(document: &mut Value) {
    document.as_object_mut().unwrap().retain(|field, _| field != "base" && field != "max_period_ratio");
}

/// Documents of every kind for one objective, both overlaps by turns, with names. Only throughput goes with a base.
fn documents(seeds: std::ops::Range<u64>, size: Size, objective: &str) -> impl Iterator<Item = (String, Value)> {
    seeds.flat_map(move |seed| Kind::ALL.map(|kind| (seed, kind))).map(move |(seed, kind)| {
        let mut document = random_document(seed, kind, size);
        document["objective"] = json!({"kind": objective});
        if objective != "max_throughput" {
            without_base(&mut document);
        }
        if seed % 2 == 1 {
            document["cost_model"]["overlap"] = json!("none");
        }
        (format!("seed {seed}, {kind:?}, {size:?}"), document)
    })
}

fn assert_tie_is_decided(document: &PlacementDocument, answer: &OracleAnswer, context: &str) {
    if let Some(best) = answer.optimum() {
        assert_eq!(document.latency_is_least, Some(true), "{context}");
        assert_eq!(document.latency_s.map(f64::to_bits), Some(best.latency_s.to_bits()), "{context}");
    }
}

#[test]
fn ties_of_period_go_to_the_least_latency() {
    let mut compared = 0;
    for (context, document) in documents(0..350, SMALL, "max_throughput") {
        let request = request(&document, &context);
        if request.options.base.is_some() {
            continue;
        }
        let (document, answer) = (planned(&request, &context), brute_force(&request));
        assert!(assert_document_true(&request, &document, &answer, &context), "{context}: not proven");
        assert_tie_is_decided(&document, &answer, &context);
        compared += 1;
    }
    assert!(compared >= 5_000, "{compared}");
}

#[test]
fn ties_of_period_on_up_to_twelve_nodes() {
    let mut compared = 0;
    for (context, document) in documents(0..40, Size { layers: 14, nodes: 12 }, "max_throughput") {
        let request = request(&document, &context);
        if let Some(answer) = dense_dp(&request) {
            assert_tie_is_decided(&planned(&request, &context), &answer, &context);
            compared += 1;
        }
    }
    assert!(compared >= 150, "{compared}");
}

fn figures(document: &PlacementDocument) -> Vec<(f64, f64)> {
    document.front.iter().map(|point| (point.period_s, point.latency_s)).collect()
}

#[test]
fn fronts_against_brute_force() {
    let (mut compared, mut points) = (0, 0);
    for (context, document) in documents(0..340, SMALL, "tradeoff") {
        let request = request(&document, &context);
        let document = planned(&request, &context);
        let front: Vec<(f64, f64)> =
            brute_front(&request).iter().map(|placed| (placed.period_s, placed.latency_s)).collect();
        assert_eq!(figures(&document), front, "{context}");
        assert!(matches!(document.status, Status::Optimal | Status::Infeasible), "{context}");
        compared += 1;
        points += front.len();
    }
    println!("{compared} fronts of {points} points");
    assert!(compared >= 5_000 && points > compared);
}

#[test]
fn larger_fronts_against_the_dense_program() {
    let mut points = 0;
    for (context, document) in documents(0..30, Size { layers: 12, nodes: 7 }, "tradeoff") {
        let request = request(&document, &context);
        let Some(front) = dense_front(&request) else { continue };
        assert_eq!(figures(&planned(&request, &context)), front, "{context}");
        points += front.len();
    }
    assert!(points >= 300, "{points}");
}

/// The same request on the placement that is best before a change of the cluster.
fn replanning(document: &Value, ratio: f64, context: &str) -> Option<PlanRequest> {
    let before = request(document, context);
    let best = brute_force(&before);
    let stages = &best.optimum()?.stages;
    let stage = |stage: &cutpoint::planner::check::StageProposal| json!({"node_id": stage.node_id, "layer_ids": stage.layer_ids});
    let mut changed = document.clone();
    changed["base"] = json!({"stages": stages.iter().map(stage).collect::<Vec<Value>>()});
    changed["max_period_ratio"] = json!(ratio);
    changed["constraints"]["exclude_nodes"] = json!([stages[0].node_id]);
    Some(request(&changed, context))
}

#[test]
fn replanning_against_brute_force() {
    let (mut compared, mut shipping) = (0, 0);
    for (number, (context, mut document)) in documents(0..520, SMALL, "max_throughput").enumerate() {
        without_base(&mut document);
        let ratio = [1.0, 1.1, 1.5][number % 3];
        let Some(request) = replanning(&document, ratio, &context) else { continue };
        let (document, answer) = (planned(&request, &context), brute_force(&request));
        assert!(assert_document_true(&request, &document, &answer, &context), "{context}: not proven: {document:?}");
        if let (Some(migration), Some(best)) = (&document.migration, brute_replan(&request)) {
            assert_eq!(migration.least_period_s.map(f64::to_bits), Some(best.least_period_s.to_bits()), "{context}");
            shipping += usize::from(migration.shipped_bytes > 0);
        }
        compared += 1;
    }
    println!("{compared} compared, {shipping} ship");
    assert!(compared >= 5_000 && shipping > compared / 10);
}

//! What comes second, against the oracles: the least latency among least periods, the front of period and latency, the
//! fewest bytes shipped.

use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

use crate::oracle::{
    Kind, OracleAnswer, Size, assert_choice_true, assert_document_true, brute_force, brute_front, brute_quickest,
    brute_replan, dense_dp, dense_front, planned, random_document,
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
fn periods_within_the_tolerance_go_to_the_least_latency() {
    let (mut compared, mut slower) = (0, 0);
    for (context, document) in documents(0..350, SMALL, "max_throughput") {
        let request = request(&document, &context);
        if request.options.base.is_some() {
            continue;
        }
        let (document, answer) = (planned(&request, &context), brute_force(&request));
        assert!(assert_document_true(&request, &document, &answer, &context), "{context}: not proven");
        if request.options.period_tolerance() == 0.0 {
            assert_tie_is_decided(&document, &answer, &context);
        } else if answer.optimum().is_some() {
            assert_eq!(document.latency_is_least, Some(true), "{context}");
        }
        assert_choice_true(&request, &document, &|limit_s| brute_quickest(&request, limit_s), &context);
        slower += usize::from(document.fastest.is_some());
        compared += 1;
    }
    println!("{compared} compared, {slower} slower than the fastest");
    assert!(compared >= 5_000 && slower > compared / 20, "{compared}, {slower}");
}

#[test]
fn ties_of_period_on_up_to_twelve_nodes() {
    let mut compared = 0;
    for (context, mut document) in documents(0..40, Size { layers: 14, nodes: 12 }, "max_throughput") {
        document["solver"]["tolerance"] = json!(0);
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

/// More than two orders of summing differ by.
const ROUNDING: f64 = 1e-12;

/// Whether a time is smaller than another by more than rounding.
fn is_less(less: f64, more: f64) -> bool {
    less < more && less <= more * (1.0 - ROUNDING)
}

/// The points are of the exact front, no two are equal but for rounding in either, and each point of the exact front has
/// one that is no worse in both but for rounding.
fn assert_is_front(points: &[(f64, f64)], exact: &[(f64, f64)], context: &str) {
    assert!(points.iter().all(|point| exact.contains(point)), "{context}: {points:?}, but {exact:?}");
    let in_order = |pair: &[(f64, f64)]| is_less(pair[0].0, pair[1].0) && is_less(pair[1].1, pair[0].1);
    assert!(points.windows(2).all(in_order), "{context}: {points:?}");
    for left_out in exact {
        let is_no_worse = |point: &(f64, f64)| !is_less(left_out.0, point.0) && !is_less(left_out.1, point.1);
        assert!(points.iter().any(is_no_worse), "{context}: {left_out:?} is missing in {points:?}");
    }
}

/// The front of a chain of four layers, each of 100 bytes, on a cluster.
fn tradeoff(flops: [u64; 4], nodes: &Value, links: &Value) -> PlanRequest {
    let layer = |(at, flops): (usize, u64)| json!({"id": format!("l{at}"), "param_bytes": 100, "output_bytes": 10, "flops": flops});
    let layers: Vec<Value> = flops.into_iter().enumerate().map(layer).collect();
    let edges: Vec<Value> = (1..4).map(|at| json!({"from": format!("l{}", at - 1), "to": format!("l{at}")})).collect();
    let document = json!({
        "model": {"name": "m", "layers": layers, "edges": edges},
        "cluster": {"name": "c", "nodes": nodes, "links": links},
        "objective": {"kind": "tradeoff"},
        "cost_model": {"memory": "params", "transfers": "acknowledged"},
    });
    request(&document, "tradeoff")
}

#[test]
fn a_latency_that_is_smaller_by_rounding_is_no_point_of_a_front() {
    let nodes = json!([
        {"id": "a", "memory_bytes": 399, "flops_per_s": 10.0},
        {"id": "b", "memory_bytes": 399, "flops_per_s": 10.0},
    ]);
    let links = json!([{"from": "a", "to": "b", "bandwidth_bps": 1.0e9, "latency_s": 0.0, "bidirectional": true}]);
    let mut several = 0;
    for flops in [[1, 1, 1, 1], [1, 1, 3, 1], [1, 1, 9, 8], [1, 2, 2, 1]] {
        let context = format!("{flops:?}");
        let request = tradeoff(flops, &nodes, &links);
        let exact: Vec<(f64, f64)> = brute_front(&request).iter().map(|at| (at.period_s, at.latency_s)).collect();
        let document = planned(&request, &context);
        assert_is_front(&figures(&document), &exact, &context);
        assert_eq!((document.front.len(), document.status), (1, Status::Optimal), "{context}");
        several += usize::from(exact.len() > 1);
    }
    assert!(several > 0, "no latency differs by rounding");
}

#[test]
fn the_first_of_a_front_is_no_slower_for_a_period_that_is_smaller_by_rounding() {
    // 0.1 + 0.2 is above 0.3 by rounding; what is behind it computes faster.
    let nodes = json!([
        {"id": "a", "memory_bytes": 300, "flops_per_s": 100.0},
        {"id": "b", "memory_bytes": 100, "flops_per_s": 10.0},
        {"id": "c", "memory_bytes": 100, "flops_per_s": 5.0},
    ]);
    let links = json!([
        {"from": "a", "to": "b", "bandwidth_bps": 400.0, "latency_s": 0.1},
        {"from": "a", "to": "c", "bandwidth_bps": 80.0 / 0.3},
    ]);
    let request = tradeoff([1, 1, 1, 1], &nodes, &links);
    let exact: Vec<f64> = brute_front(&request).iter().map(|at| at.period_s).collect();
    assert_eq!(exact, [0.3, 0.1 + 0.2]);
    let document = planned(&request, "smaller by rounding");
    assert_eq!((document.front.len(), document.status, document.gap), (1, Status::Optimal, Some(0.0)));
    assert_eq!((document.period_s, document.stages()[1].node_id.as_str()), (Some(0.1 + 0.2), "b"));
    assert_eq!(document.lower_bound_s, Some(0.3));
}

#[test]
fn fronts_against_brute_force() {
    let (mut compared, mut points) = (0, 0);
    for (context, document) in documents(0..340, SMALL, "tradeoff") {
        let request = request(&document, &context);
        let document = planned(&request, &context);
        let front: Vec<(f64, f64)> =
            brute_front(&request).iter().map(|placed| (placed.period_s, placed.latency_s)).collect();
        assert_is_front(&figures(&document), &front, &context);
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
        assert_is_front(&figures(&planned(&request, &context)), &front, &context);
        points += front.len();
    }
    assert!(points >= 300, "{points}");
}

/// The same request on the placement that is best before a change of the cluster.
fn replanning(document: &Value, ratio: f64, context: &str) -> Option<PlanRequest> {
    let before = request(document, context);
    let best = brute_force(&before);
    let stages = &best.optimum()?.stages;
    let stage = |stage: &cutpoint_planner::check::StageProposal| json!({"node_id": stage.node_id, "layer_ids": stage.layer_ids});
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

//! Documents whose answer is slower than the fastest placement, for a smaller latency.

use serde_json::json;

use super::claims::{CLAIM, codes, true_document};
use super::{THREE, TWO, request_with};
use crate::check::ViolationCode;
use crate::domain::placement::{FastestPlacement, PlacementDocument, Status, Termination};
use crate::domain::request::PlanRequest;

/// A change of a true document, and what the checker then finds.
type Lie = (fn(&mut PlacementDocument), &'static [(ViolationCode, Option<u64>)]);

/// [`TWO`] takes 1.25 s, [`THREE`] 1 s, and a quarter more is allowed.
fn request(solver: serde_json::Value) -> PlanRequest {
    request_with(&[
        ("/cluster/nodes/1", "flops_per_s", json!(4000.0)),
        ("/cluster/nodes/2", "flops_per_s", json!(3000.0)),
        ("", "solver", solver),
    ])
}

/// The true document of [`TWO`] beside [`THREE`], with the least period proven.
fn document(request: &PlanRequest) -> PlacementDocument {
    let fastest = true_document(request, THREE, 1.0);
    assert_eq!((fastest.period_s, fastest.latency_s), (Some(1.0), Some(4.2)));
    let quicker = true_document(request, TWO, 0.0);
    assert_eq!((quicker.period_s, quicker.latency_s), (Some(1.25), Some(2.95)));
    PlacementDocument {
        status: Status::Optimal,
        termination: Termination::Optimal,
        lower_bound_s: Some(1.0),
        gap: Some(0.0),
        least_period_s: Some(1.0),
        fastest: Some(FastestPlacement {
            period_s: 1.0,
            latency_s: 4.2,
            stages: fastest.pipelines.into_iter().next().unwrap().stages,
        }),
        ..quicker
    }
}

#[test]
fn a_smaller_latency_within_the_tolerance_is_no_worse() {
    let request = request(json!({"tolerance": 0.25}));
    let proven = document(&request);
    assert_eq!(codes(&request, &proven), []);
    let unproven = PlacementDocument {
        status: Status::Feasible,
        termination: Termination::TimeLimit,
        lower_bound_s: Some(1.0 - 1e-10),
        gap: Some(1e-10),
        ..proven
    };
    assert_eq!(codes(&request, &unproven), []);
}

#[test]
fn the_tolerance_is_of_the_bound_and_holds_where_the_planner_searches() {
    let placed = document(&request(json!({"tolerance": 0.25})));
    assert_eq!(codes(&request(json!({"tolerance": 0.249})), &placed), [CLAIM]);
    assert_eq!(codes(&request(json!({})), &placed), [CLAIM]);
    let greedy = PlacementDocument { algorithm: crate::domain::options::Algorithm::Greedy, ..placed.clone() };
    assert_eq!(codes(&request(json!({"tolerance": 0.25, "algorithm": "greedy"})), &greedy), [CLAIM]);
    let below = PlacementDocument {
        status: Status::Feasible,
        termination: Termination::TimeLimit,
        lower_bound_s: Some(0.99),
        gap: Some(0.01),
        ..placed
    };
    assert_eq!(codes(&request(json!({"tolerance": 0.25})), &below), [CLAIM]);
}

#[test]
fn the_fastest_placement_is_recomputed() {
    let request = request(json!({"tolerance": 0.25}));
    let lies: [Lie; 9] = [
        (|document| document.latency_is_least = None, &[CLAIM]),
        (|document| document.least_period_s = None, &[CLAIM]),
        (|document| document.fastest = None, &[CLAIM]),
        (|document| document.gap = Some(0.2), &[CLAIM]),
        (|document| document.fastest.as_mut().unwrap().period_s = 1.01, &[CLAIM, CLAIM]),
        (|document| document.fastest.as_mut().unwrap().latency_s = 4.3, &[CLAIM]),
        (
            |document| document.fastest.as_mut().unwrap().stages[1].memory_bytes += 1,
            &[(ViolationCode::FigureWrong, Some(1))],
        ),
        (
            |document| document.fastest.as_mut().unwrap().stages[2].node_id = "n4".to_owned(),
            &[
                CLAIM,
                (ViolationCode::TransferWrong, Some(1)),
                (ViolationCode::FigureWrong, Some(2)),
                (ViolationCode::TransferWrong, Some(2)),
                (ViolationCode::NoLink, Some(1)),
            ],
        ),
        // Nothing is faster than the answer.
        (|document| document.least_period_s = document.period_s, &[CLAIM, CLAIM, CLAIM]),
    ];
    for (number, (lie, expected)) in lies.into_iter().enumerate() {
        let mut document = document(&request);
        lie(&mut document);
        assert_eq!(codes(&request, &document), expected, "lie {number}");
    }
}

#[test]
fn a_placement_that_is_better_in_both_is_the_answer() {
    let request = request(json!({"tolerance": 0.25}));
    let mut worse = document(&request);
    worse.fastest.as_mut().unwrap().latency_s = 2.9;
    assert_eq!(codes(&request, &worse), [CLAIM, CLAIM]);
}

//! Requests too large for brute force: the same bytes from the same request, true claims when stopped anywhere, and
//! orders that must hold between the answers of different objectives.

use cutpoint_planner::Env;
use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NeverStop;
use serde_json::{Value, json};

use super::second::without_base;
use crate::oracle::{
    Heard, Kind, Optimum, OracleAnswer, Size, StopAfter, assert_document_true, objective, planned, planned_in,
    random_document,
};

const LARGER: Size = Size { layers: 14, nodes: 8 };

/// Requests of every kind for every objective and overlap, with names.
fn requests(seeds: std::ops::Range<u64>) -> Vec<(String, Value)> {
    let objectives = [
        json!({"kind": "min_latency"}),
        json!({"kind": "min_nodes", "target_period_s": 1.5}),
        json!({"kind": "max_throughput"}),
    ];
    let mut requests = Vec::new();
    for seed in seeds {
        for kind in Kind::ALL {
            for (objective, overlap) in
                objectives.iter().flat_map(|objective| [(objective, "full"), (objective, "none")])
            {
                let mut document = random_document(seed, kind, LARGER);
                without_base(&mut document);
                document["objective"] = objective.clone();
                document["cost_model"]["overlap"] = json!(overlap);
                requests.push((format!("seed {seed}, {kind:?}, {objective}, {overlap}"), document));
            }
        }
    }
    requests
}

fn read(document: &Value, context: &str) -> PlanRequest {
    PlanRequest::from_json(document).unwrap_or_else(|faults| panic!("{context}: {faults:?}"))
}

/// What a proven document says, as an oracle's answer.
fn answer(request: &PlanRequest, document: &PlacementDocument, context: &str) -> OracleAnswer {
    match document.status {
        Status::Infeasible => OracleAnswer::Infeasible,
        Status::Optimal => OracleAnswer::Optimal(Optimum {
            objective: objective(request, document).0.unwrap(),
            period_s: document.least_period_s().unwrap(),
            latency_s: document.latency_s.unwrap(),
            stages: Vec::new(),
        }),
        status => panic!("{context}: {status:?}"),
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    for (number, (context, document)) in requests(0..6).into_iter().enumerate() {
        let request = read(&document, &context);
        let text = |threads: usize| {
            let env = Env { seed: number as u64, threads, stop: &NeverStop, progress: &Heard::default() };
            serde_json::to_string(&planned_in(&request, &env, &context)).unwrap()
        };
        let alone = text(1);
        assert_eq!(alone, text(2), "{context}");
        assert_eq!(alone, text(8), "{context}");
    }
}

#[test]
fn stopped_anywhere_it_claims_only_what_is_true() {
    let (mut stopped, mut with_placement) = (0, 0);
    for (context, document) in requests(10..14) {
        let request = read(&document, &context);
        let counting = StopAfter::new(usize::MAX);
        let env = Env { seed: 0, threads: 1, stop: &counting, progress: &Heard::default() };
        let answer = answer(&request, &planned_in(&request, &env, &context), &context);
        let asked = counting.asked();
        for calls in (0..20).map(|at| at * asked / 20) {
            let context = format!("{context}, stopped after {calls}");
            let (stop, heard) = (StopAfter::new(calls), Heard::default());
            let document = planned_in(&request, &Env { seed: 0, threads: 1, stop: &stop, progress: &heard }, &context);
            assert_document_true(&request, &document, &answer, &context);
            heard.assert_true(&request, &answer, &context);
            stopped += 1;
            with_placement += usize::from(document.status == Status::Feasible);
        }
    }
    println!("{stopped} stopped, {with_placement} with a placement");
    assert!(stopped > 3_000 && with_placement > 300);
}

/// Nobody's best is better than another's in what the other makes least.
#[test]
fn the_best_of_each_objective_is_best_by_its_own_measure() {
    let mut compared = 0;
    for seed in 20..50 {
        for kind in Kind::ALL {
            for overlap in ["full", "none"] {
                let context = format!("seed {seed}, {kind:?}, {overlap}");
                let best = |objective: Value| {
                    let mut document = random_document(seed, kind, LARGER);
                    without_base(&mut document);
                    document["objective"] = objective;
                    document["solver"]["tolerance"] = json!(0);
                    document["cost_model"]["overlap"] = json!(overlap);
                    let document = planned(&read(&document, &context), &context);
                    assert!(matches!(document.status, Status::Optimal | Status::Infeasible), "{context}");
                    document
                };
                let fastest = best(json!({"kind": "max_throughput"}));
                let Some(period_s) = fastest.period_s else { continue };
                let quickest = best(json!({"kind": "min_latency"}));
                assert!(quickest.latency_s.unwrap() <= fastest.latency_s.unwrap(), "{context}");
                assert!(quickest.period_s.unwrap() >= period_s, "{context}");
                if period_s > 0.0 {
                    let fewest = best(json!({"kind": "min_nodes", "target_period_s": period_s}));
                    assert!(fewest.stages().len() <= fastest.stages().len(), "{context}");
                    assert_eq!(fewest.period_s, Some(period_s), "{context}");
                    let none = best(json!({"kind": "min_nodes", "target_period_s": period_s.next_down()}));
                    assert_eq!(none.status, Status::Infeasible, "{context}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 400, "{compared}");
}

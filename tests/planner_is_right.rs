//! The planner's answers against the oracles on random requests of every kind.

mod oracle;

use cutpoint::domain::options::Objective;
use cutpoint::domain::placement::{PlacementDocument, Status};
use cutpoint::domain::request::PlanRequest;
use cutpoint::planner::check::check;
use cutpoint::planner::env::{NeverStop, NoProgress};
use cutpoint::planner::{Env, plan};
use oracle::{Kind, OracleAnswer, Size, brute_force, dense_dp, random_request};

/// A bound and an objective are sums of the same numbers in different orders.
const ROUNDING: f64 = 1e-12;

fn planned(request: &PlanRequest, context: &str) -> PlacementDocument {
    let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
    let document = plan(request, &env).unwrap_or_else(|failure| panic!("{context}: {failure}"));
    assert_eq!(check(request, &document), [], "{context}");
    document
}

fn objective(request: &PlanRequest, document: &PlacementDocument) -> (Option<f64>, Option<f64>) {
    match request.options.objective {
        Objective::MaxThroughput => (document.period_s, document.lower_bound_s),
        Objective::MinLatency => (document.latency_s, document.lower_bound_s),
        Objective::MinNodes { .. } => {
            let nodes = Some(document.stages.len() as f64).filter(|nodes| *nodes > 0.0);
            (nodes, document.lower_bound_nodes.map(|nodes| nodes as f64))
        }
    }
}

/// What a document claims holds. Says whether it was proven.
fn assert_true(request: &PlanRequest, document: &PlacementDocument, answer: &OracleAnswer, context: &str) -> bool {
    let (stated, bound) = objective(request, document);
    match (answer, document.status) {
        (OracleAnswer::Infeasible, Status::Infeasible) => return true,
        (OracleAnswer::Infeasible, Status::Unknown) => return false,
        (OracleAnswer::Optimal(best), Status::Optimal) => {
            let stated = stated.unwrap();
            if matches!(request.options.objective, Objective::MinLatency) {
                assert!((stated - best.objective).abs() <= ROUNDING * best.objective, "{context}: {stated}, {best:?}");
            } else {
                assert_eq!(stated.to_bits(), best.objective.to_bits(), "{context}: {stated}, but {best:?}");
            }
        }
        (OracleAnswer::Optimal(best), Status::Feasible) => {
            assert!(stated.unwrap() >= best.objective * (1.0 - ROUNDING), "{context}: {stated:?}, but {best:?}");
        }
        (OracleAnswer::Optimal(_), Status::Unknown) => {}
        (answer, status) => panic!("{context}: {status:?}, but {answer:?}"),
    }
    if let (Some(bound), OracleAnswer::Optimal(best)) = (bound, answer) {
        assert!(bound <= best.objective * (1.0 + ROUNDING), "{context}: the bound {bound} is above {best:?}");
    }
    document.status == Status::Optimal
}

#[test]
fn small_requests_of_every_kind_against_brute_force() {
    let (mut compared, mut proven) = (0, 0);
    for seed in 0..300 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 6, nodes: 4 });
            let context = format!("seed {seed}, {kind:?}");
            let document = planned(&request, &context);
            compared += 1;
            proven += usize::from(assert_true(&request, &document, &brute_force(&request), &context));
        }
    }
    println!("{compared} compared, {proven} proven");
}

#[test]
fn larger_requests_for_throughput_against_the_dense_program() {
    let (mut compared, mut proven) = (0, 0);
    for seed in 0..150 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 14, nodes: 7 });
            let Some(answer) = dense_dp(&request) else { continue };
            let context = format!("seed {seed}, {kind:?}");
            let document = planned(&request, &context);
            compared += 1;
            proven += usize::from(assert_true(&request, &document, &answer, &context));
        }
    }
    println!("{compared} compared, {proven} proven");
}

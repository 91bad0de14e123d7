//! Answers with several pipelines against the enumeration of all sets of disjoint pipelines.

use std::sync::Mutex;

use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NeverStop;
use cutpoint_planner::{Env, Progress};

use super::requests::{Sort, random_packing_request};
use crate::oracle::{BestPacking, PACKING_ROUNDING, StopAfter, planned_in};

/// All bounds and values that a search reported, in the unit of the objective.
#[derive(Default)]
struct Heard {
    bounds: Mutex<Vec<f64>>,
    incumbents: Mutex<Vec<PlacementDocument>>,
}

impl Progress for Heard {
    fn incumbent(&self, placement: &PlacementDocument) {
        self.incumbents.lock().unwrap().push(placement.clone());
    }

    fn lower_bound(&self, bound: f64) {
        self.bounds.lock().unwrap().push(bound);
    }
}

/// The objective: the period of all pipelines together, or their nodes.
fn objective(request: &PlanRequest, best: &BestPacking) -> f64 {
    match request.options.objective {
        Objective::MinNodes { .. } => f64::from(best.nodes),
        _ => 1.0 / best.rate_per_s,
    }
}

/// All that a document claims holds. Says whether it ended by a proof.
fn assert_true(request: &PlanRequest, document: &PlacementDocument, best: Option<&BestPacking>, context: &str) -> bool {
    let Some(best) = best else {
        assert!(matches!(document.status, Status::Infeasible | Status::Unknown), "{context}: {document:?}");
        return document.status == Status::Infeasible;
    };
    assert_ne!(document.status, Status::Infeasible, "{context}: {best:?}, but {:?}", document.reasons);
    let least = objective(request, best);
    let counts_nodes = matches!(request.options.objective, Objective::MinNodes { .. });
    let bound = if counts_nodes { document.lower_bound_nodes.map(|it| it as f64) } else { document.lower_bound_s };
    if let Some(bound) = bound {
        assert!(bound <= least * (1.0 + PACKING_ROUNDING), "{context}: the bound {bound} is above {best:?}");
    }
    if let Some(most) = document.throughput_upper_bound_per_s {
        assert!(most >= best.rate_per_s * (1.0 - PACKING_ROUNDING), "{context}: at most {most}, but {best:?}");
    }
    if document.status == Status::Unknown {
        return false;
    }
    let nodes: usize = document.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum();
    let stated = if counts_nodes { nodes as f64 } else { document.period_s.unwrap() };
    assert!(stated >= least * (1.0 - PACKING_ROUNDING), "{context}: {stated}, but {best:?}");
    if document.status == Status::Optimal {
        assert!(stated <= least * (1.0 + PACKING_ROUNDING), "{context}: {stated} is optimal, but {best:?}");
    }
    document.status == Status::Optimal
}

/// What became of some requests.
#[derive(Debug, Default)]
struct Counts {
    feasible: usize,
    proven: usize,
    best: usize,
    several: usize,
    shares: usize,
    /// Proven sums on more nodes than an equal sum takes.
    more_nodes: usize,
    /// Those without a proof.
    unproven: Vec<u64>,
}

fn compare(seeds: std::ops::Range<u64>, sort: Sort) -> Counts {
    let mut counts = Counts::default();
    for seed in seeds {
        let request = random_packing_request(seed, sort);
        let context = format!("seed {seed}, {sort:?}");
        let best = BestPacking::of(&request);
        let heard = Heard::default();
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &heard };
        let document = planned_in(&request, &env, &context);
        if assert_true(&request, &document, best.as_ref(), &context) {
            counts.proven += 1;
            counts.more_nodes += usize::from(best.as_ref().is_some_and(|it| document.node_count() > it.nodes as usize));
        } else {
            counts.unproven.push(seed);
        }
        for incumbent in heard.incumbents.into_inner().unwrap() {
            assert_true(&request, &incumbent, best.as_ref(), &context);
        }
        let Some(best) = best else { continue };
        let highest = heard.bounds.into_inner().unwrap().into_iter().fold(0.0, f64::max);
        assert!(highest <= objective(&request, &best) * (1.0 + PACKING_ROUNDING), "{context}: {highest}, but {best:?}");
        let period_s = document.period_s.unwrap_or(f64::INFINITY);
        counts.best += usize::from(period_s <= (1.0 + PACKING_ROUNDING) / best.rate_per_s);
        counts.feasible += 1;
        counts.several += usize::from(best.pipelines > 1);
        counts.shares += usize::from(best.shares);
    }
    counts
}

#[test]
fn requests_of_every_kind_against_every_set_of_pipelines() {
    const REQUESTS: usize = 5_000;
    let counts = compare(0..REQUESTS as u64, Sort::Any);
    println!("of {REQUESTS}: {counts:?}");
    assert!(counts.feasible > REQUESTS / 2 && counts.several > REQUESTS / 4, "{counts:?}");
    assert!(counts.unproven.len() <= REQUESTS / 500 && counts.more_nodes == 0, "{counts:?}");
}

#[test]
fn shared_media_and_ends_against_every_set_of_pipelines() {
    const REQUESTS: usize = 2_000;
    let counts = compare(0..REQUESTS as u64, Sort::Shared);
    println!("of {REQUESTS}: {counts:?}");
    assert!(counts.feasible > REQUESTS / 4 && counts.several > REQUESTS / 8, "{counts:?}");
    assert!(counts.unproven.len() <= REQUESTS / 500 && counts.more_nodes == 0, "{counts:?}");
    assert!(counts.shares > REQUESTS / 20, "{counts:?}");
}

#[test]
fn a_search_that_is_stopped_claims_nothing_that_does_not_hold() {
    for seed in 0..300 {
        let sort = if seed % 2 == 0 { Sort::Any } else { Sort::Shared };
        let request = random_packing_request(seed, sort);
        let best = BestPacking::of(&request);
        for calls in [0, 1, 5, 25, 125, 625] {
            let stop = StopAfter::new(calls);
            let env = Env { seed, threads: 1, stop: &stop, progress: &Heard::default() };
            let context = format!("seed {seed}, {calls} calls");
            let document = planned_in(&request, &env, &context);
            assert_true(&request, &document, best.as_ref(), &context);
        }
    }
}

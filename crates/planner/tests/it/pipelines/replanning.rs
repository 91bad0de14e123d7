//! Several pipelines from a base against the enumeration of all sets of disjoint pipelines.

use cutpoint_planner::domain::placement::{PlacementDocument, Status};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::{NeverStop, NoProgress};
use cutpoint_planner::{Env, Stop};

use super::requests::{Sort, random_replanning_request};
use crate::oracle::{BestPacking, LeastShipped, PACKING_ROUNDING, StopAfter, planned_in};

/// What is best among all sets.
struct Answers {
    best: BestPacking,
    ratio: f64,
    least: LeastShipped,
}

impl Answers {
    fn of(request: &PlanRequest) -> Option<Self> {
        let best = BestPacking::of(request)?;
        let ratio = request.options.max_period_ratio.unwrap_or(1.0);
        let least = LeastShipped::of(request, best.rate_per_s / ratio * (1.0 - PACKING_ROUNDING)).unwrap();
        Some(Self { best, ratio, least })
    }
}

/// All that a document claims holds. Says whether it ended by a proof.
fn assert_true(request: &PlanRequest, document: &PlacementDocument, answers: Option<&Answers>, context: &str) -> bool {
    let proven = matches!(document.status, Status::Optimal | Status::Infeasible);
    let Some(Answers { best, ratio, least, .. }) = answers else {
        assert!(matches!(document.status, Status::Infeasible | Status::Unknown), "{context}: {document:?}");
        return proven;
    };
    assert_ne!(document.status, Status::Infeasible, "{context}: {best:?}");
    let Some(migration) = &document.migration else {
        assert_eq!(document.status, Status::Unknown, "{context}");
        return false;
    };
    let least_s = 1.0 / best.rate_per_s;
    let (found_s, most_s) = (migration.least_period_s.unwrap(), migration.max_period_s.unwrap());
    assert!(found_s >= least_s * (1.0 - PACKING_ROUNDING), "{context}: {migration:?}, but {best:?}");
    assert!(document.lower_bound_s.unwrap() <= least_s * (1.0 + PACKING_ROUNDING), "{context}: {document:?}");
    let within = LeastShipped::of(request, 1.0 / most_s).or_else(|| LeastShipped::of(request, (1.0 - 1e-9) / most_s));
    let within = within.unwrap();
    assert!(migration.lower_bound_bytes.unwrap() <= within.bytes, "{context}: {migration:?}, but {within:?}");
    if document.status == Status::Optimal {
        assert!(most_s <= least_s * ratio * (1.0 + 2.0 * PACKING_ROUNDING), "{context}: {migration:?}, but {best:?}");
        assert_eq!(migration.shipped_bytes, least.bytes, "{context}: {migration:?}, but {least:?}");
    }
    proven
}

/// What became of some requests.
#[derive(Debug, Default)]
struct Counts {
    feasible: usize,
    several: usize,
    shares: usize,
    /// Where some bytes must be shipped.
    ships: usize,
    /// Where a larger sum of rates ships as little.
    slower: Vec<u64>,
    unproven: Vec<u64>,
}

fn compare(seeds: std::ops::Range<u64>, sort: Sort) -> Counts {
    let mut counts = Counts::default();
    for seed in seeds {
        let request = random_replanning_request(seed, sort);
        let context = format!("seed {seed}, {sort:?}");
        let answers = Answers::of(&request);
        let document = planned(&request, &NeverStop, &context);
        if !assert_true(&request, &document, answers.as_ref(), &context) {
            counts.unproven.push(seed);
        }
        let Some(Answers { best, least, .. }) = answers else { continue };
        counts.feasible += 1;
        counts.several += usize::from(document.pipelines.len() > 1);
        counts.shares += usize::from(best.shares);
        counts.ships += usize::from(least.bytes > 0);
        let per_s = document.throughput_per_s.unwrap_or(f64::INFINITY);
        if per_s < least.rate_per_s * (1.0 - PACKING_ROUNDING) && document.status == Status::Optimal {
            counts.slower.push(seed);
        }
    }
    counts
}

fn planned(request: &PlanRequest, stop: &dyn Stop, context: &str) -> PlacementDocument {
    planned_in(request, &Env { seed: 0, threads: 1, stop, progress: &NoProgress }, context)
}

#[test]
fn the_fewest_bytes_of_every_set_of_pipelines() {
    const REQUESTS: usize = 1_500;
    let counts = compare(0..REQUESTS as u64, Sort::Any);
    assert!(counts.feasible > REQUESTS / 2 && counts.several > REQUESTS / 8, "{counts:?}");
    assert!(counts.ships > REQUESTS / 8 && counts.slower.is_empty(), "{counts:?}");
    assert!(counts.unproven.is_empty(), "{counts:?}");
}

#[test]
fn the_fewest_bytes_where_pipelines_share_media_and_ends() {
    const REQUESTS: usize = 800;
    let counts = compare(0..REQUESTS as u64, Sort::Shared);
    assert!(counts.feasible > REQUESTS / 4 && counts.several > REQUESTS / 16, "{counts:?}");
    assert!(counts.ships > REQUESTS / 16 && counts.slower.is_empty(), "{counts:?}");
    assert!(counts.unproven.is_empty(), "{counts:?}");
    assert!(counts.shares > REQUESTS / 40, "{counts:?}");
}

#[test]
fn replanning_that_is_stopped_claims_nothing_that_does_not_hold() {
    for seed in 0..200 {
        let sort = if seed % 2 == 0 { Sort::Any } else { Sort::Shared };
        let request = random_replanning_request(seed, sort);
        let answers = Answers::of(&request);
        for calls in [0, 1, 5, 25, 125, 625] {
            let context = format!("seed {seed}, {calls} calls");
            let document = planned(&request, &StopAfter::new(calls), &context);
            assert_true(&request, &document, answers.as_ref(), &context);
        }
    }
}

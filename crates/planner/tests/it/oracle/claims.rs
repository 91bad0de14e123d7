//! What a search claims, held against the oracle's answer: its document, and all that it reported on the way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cutpoint_planner::check::check;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::placement::{PlacementDocument, Status, Termination};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NeverStop;
use cutpoint_planner::{Env, Progress, Stop, StopReason, plan};

use super::OracleAnswer;
use super::carriers::is_exact;
use super::cuts::EveryCut;
use super::every::{brute_least_bytes, brute_replan};

/// A bound and an objective are sums of the same numbers in different orders.
const ROUNDING: f64 = 1e-12;

/// Stops a search for good when it has asked so many times.
#[derive(Debug)]
pub struct StopAfter {
    calls: usize,
    asked: AtomicUsize,
}

impl StopAfter {
    pub fn new(calls: usize) -> Self {
        Self { calls, asked: AtomicUsize::new(0) }
    }

    /// How often a search asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Stop for StopAfter {
    fn reason(&self) -> Option<StopReason> {
        (self.asked.fetch_add(1, Ordering::Relaxed) >= self.calls).then_some(StopReason::Stopped)
    }
}

/// All that a search reported.
#[derive(Debug, Default)]
pub struct Heard {
    incumbents: Mutex<Vec<PlacementDocument>>,
    bounds: Mutex<Vec<f64>>,
}

impl Progress for Heard {
    fn incumbent(&self, placement: &PlacementDocument) {
        self.incumbents.lock().unwrap().push(placement.clone());
    }

    fn lower_bound(&self, bound: f64) {
        self.bounds.lock().unwrap().push(bound);
    }
}

impl Heard {
    /// The bound with which the search began.
    pub fn first_bound(&self) -> Option<f64> {
        self.bounds.lock().unwrap().first().copied()
    }

    /// Every reported bound and placement was true when it was reported, and better than the one before.
    pub fn assert_true(&self, request: &PlanRequest, answer: &OracleAnswer, context: &str) {
        let bounds = self.bounds.lock().unwrap();
        assert!(bounds.is_sorted_by(|before, after| before < after), "{context}: {bounds:?}");
        let incumbents = self.incumbents.lock().unwrap();
        let Some(best) = answer.optimum() else {
            assert_eq!(*incumbents, [], "{context}");
            return;
        };
        let highest = bounds.last().copied().unwrap_or(0.0);
        // What is reported on the way of replanning are bounds of the period.
        let replans = request.options.base.is_some();
        let bounded = if replans { brute_replan(request).unwrap().least_period_s } else { best.objective };
        assert!(highest <= bounded * (1.0 + ROUNDING), "{context}: the bound {highest} is above {best:?}");
        let mut before = f64::INFINITY;
        for incumbent in incumbents.iter() {
            assert_eq!(check(request, incumbent), [], "{context}");
            let stated = objective(request, incumbent).0.unwrap();
            assert!(stated <= before || replans, "{context}: {stated} after {before}");
            assert_document_true(request, incumbent, answer, context);
            // While a search runs, no reason why it ended can be true but the proof.
            let optimal = incumbent.status == Status::Optimal;
            let termination = if optimal { Termination::Optimal } else { Termination::Unfinished };
            assert_eq!(incumbent.termination, termination, "{context}");
            before = stated;
        }
    }
}

/// Plans to the end, with one thread and nobody listening.
pub fn planned(request: &PlanRequest, context: &str) -> PlacementDocument {
    planned_in(request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &Heard::default() }, context)
}

/// Plans, and has the checker look at the document.
pub fn planned_in(request: &PlanRequest, env: &Env<'_>, context: &str) -> PlacementDocument {
    let document = plan(request, env).unwrap_or_else(|failure| panic!("{context}: {failure}"));
    assert_eq!(check(request, &document), [], "{context}");
    document
}

/// The objective of a document and its bound.
pub fn objective(request: &PlanRequest, document: &PlacementDocument) -> (Option<f64>, Option<f64>) {
    if request.options.base.is_some() {
        let Some(migration) = &document.migration else { return (None, None) };
        return (Some(migration.shipped_bytes as f64), migration.lower_bound_bytes.map(|bytes| bytes as f64));
    }
    match request.options.objective {
        Objective::MaxThroughput => (document.least_period_s, document.lower_bound_s),
        Objective::Tradeoff => (document.period_s, document.lower_bound_s),
        Objective::MinLatency => (document.latency_s, document.lower_bound_s),
        Objective::MinNodes { .. } => {
            let nodes = Some(document.stages().len() as f64).filter(|nodes| *nodes > 0.0);
            (nodes, document.lower_bound_nodes.map(|nodes| nodes as f64))
        }
    }
}

/// What a document claims holds. Says whether it was proven.
pub fn assert_document_true(
    request: &PlanRequest,
    document: &PlacementDocument,
    answer: &OracleAnswer,
    context: &str,
) -> bool {
    if request.options.base.is_some() {
        let least_s = || brute_replan(request).unwrap().least_period_s;
        let fewest_bytes = |limit_s| brute_least_bytes(request, limit_s).unwrap().shipped_bytes;
        return assert_replanning_true(document, answer, &least_s, &fewest_bytes, context);
    }
    let (stated, bound) = objective(request, document);
    match (answer, document.status) {
        (OracleAnswer::Infeasible, Status::Infeasible) => return true,
        (OracleAnswer::Infeasible, Status::Unknown) => return false,
        (OracleAnswer::Optimal(best), Status::Optimal) => {
            let stated = stated.unwrap();
            if matches!(request.options.objective, Objective::MinLatency) || !is_exact(request) {
                let bound = bound.unwrap();
                for it in [stated, bound] {
                    assert!((it - best.objective).abs() <= ROUNDING * best.objective, "{context}: {stated}, {best:?}");
                }
            } else {
                assert_eq!(stated.to_bits(), best.objective.to_bits(), "{context}: {stated}, but {best:?}");
                assert_eq!(bound.unwrap().to_bits(), best.objective.to_bits(), "{context}: {bound:?}, but {best:?}");
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

/// What a document claims of all cuts holds. Says whether it was proven.
pub fn assert_true_of_all_cuts(
    request: &PlanRequest,
    document: &PlacementDocument,
    placements: &EveryCut<'_>,
    context: &str,
) -> bool {
    let answer = placements.answer();
    if request.options.base.is_some() {
        let least_s = || placements.least_period_s().unwrap();
        // The enumeration sums the turns on a medium in another order, so that its least period may be above the limit.
        let fewest_bytes = |limit_s: f64| placements.fewest_bytes(limit_s * (1.0 + ROUNDING)).unwrap();
        return assert_replanning_true(document, &answer, &least_s, &fewest_bytes, context);
    }
    if request.options.objective == Objective::MaxThroughput {
        assert_choice_true(request, document, &|limit_s| placements.quickest_within(limit_s), context);
    }
    if request.options.objective != Objective::Tradeoff || document.status != Status::Optimal {
        return assert_document_true(request, document, &answer, context);
    }
    // Each point of one front has one of the other that is no worse in both, but for rounding.
    let stated: Vec<(f64, f64)> = document.front.iter().map(|point| (point.period_s, point.latency_s)).collect();
    let front = placements.front();
    let no_worse = |one: &(f64, f64), other: &(f64, f64)| {
        one.0 <= other.0 * (1.0 + ROUNDING) && one.1 <= other.1 * (1.0 + ROUNDING)
    };
    let covers = |some: &[(f64, f64)], others: &[(f64, f64)]| {
        others.iter().all(|other| some.iter().any(|one| no_worse(one, other)))
    };
    assert!(covers(&stated, &front) && covers(&front, &stated), "{context}: {stated:?}, but {front:?}");
    true
}

/// The answer is within the tolerance of the period, and has the least latency and the fewest stages there where it says
/// so. `quickest` gives latency and stages of the placements of least latency within a period, equal but for rounding.
pub fn assert_choice_true(
    request: &PlanRequest,
    document: &PlacementDocument,
    quickest: &dyn Fn(f64) -> Vec<(f64, usize)>,
    context: &str,
) {
    let (Some(period_s), Some(latency_s)) = (document.period_s, document.latency_s) else { return };
    let (Some(least_s), Some(bound_s)) = (document.least_period_s, document.lower_bound_s) else {
        panic!("{context}: no least period or no bound");
    };
    let tolerance = request.options.period_tolerance();
    let limit_s = least_s.max((1.0 + tolerance) * bound_s);
    assert!(period_s <= limit_s, "{context}: a period of {period_s}, not of at most {limit_s}");
    assert_eq!(document.fastest.is_some(), period_s > least_s, "{context}");
    if document.latency_is_least != Some(true) {
        return;
    }
    // Sums of media may differ from the oracle's by rounding, and so may what is within the limit.
    let margin = if is_exact(request) { 0.0 } else { ROUNDING };
    let quickest = quickest(limit_s * (1.0 - margin));
    let Some(shortest_s) = quickest.iter().map(|&(latency_s, _)| latency_s).min_by(f64::total_cmp) else { return };
    assert!(latency_s <= shortest_s * (1.0 + ROUNDING + margin), "{context}: {latency_s}, but {shortest_s}");
    let is_equal = |it_s: f64| if tolerance > 0.0 { it_s <= shortest_s * (1.0 + ROUNDING) } else { it_s == shortest_s };
    let equals = quickest.iter().filter(|&&(it_s, _)| is_equal(it_s));
    let fewest = equals.map(|&(_, stages)| stages).min().unwrap();
    assert!(document.stages().len() <= fewest || margin > 0.0, "{context}: {fewest} stages suffice");
}

/// The claims of a document with a migration hold. Says whether it was proven.
fn assert_replanning_true(
    document: &PlacementDocument,
    answer: &OracleAnswer,
    least_s: &dyn Fn() -> f64,
    fewest_bytes: &dyn Fn(f64) -> u64,
    context: &str,
) -> bool {
    let proven = matches!(document.status, Status::Optimal | Status::Infeasible);
    let Some(best) = answer.optimum() else {
        assert!(matches!(document.status, Status::Infeasible | Status::Unknown), "{context}: {document:?}");
        return proven;
    };
    assert_ne!(document.status, Status::Infeasible, "{context}: {best:?}");
    let Some(migration) = &document.migration else {
        assert_eq!(document.status, Status::Unknown, "{context}");
        return false;
    };
    let least_s = least_s();
    let stated_least_s = migration.least_period_s.unwrap();
    assert!(stated_least_s >= least_s * (1.0 - ROUNDING), "{context}: {migration:?}, but {least_s} s");
    assert!(document.lower_bound_s.unwrap() <= least_s * (1.0 + ROUNDING), "{context}: {document:?}, {least_s} s");
    let fewest = fewest_bytes(migration.max_period_s.unwrap());
    assert!(migration.lower_bound_bytes.unwrap() <= fewest, "{context}: {migration:?}, but {fewest:?}");
    if document.status == Status::Optimal {
        assert_eq!(migration.shipped_bytes as f64, best.objective, "{context}: {migration:?}, but {best:?}");
    }
    proven
}

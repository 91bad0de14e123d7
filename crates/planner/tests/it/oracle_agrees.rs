//! The oracles agree with each other, and the random requests are of every sort that they are meant for.

use cutpoint_planner::domain::options::Objective;

use crate::oracle::{
    Kind, OracleAnswer, Size, brute_force, brute_front, brute_least_bytes, brute_replan, dense_dp, dense_front,
    dense_least_bytes, random_request,
};

const SMALL: Size = Size { layers: 6, nodes: 4 };

#[test]
fn the_dense_program_finds_what_brute_force_finds() {
    let (mut compared, mut infeasible, mut several_stages) = (0, 0, 0);
    for seed in 0..400 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, SMALL);
            let Some(dense) = dense_dp(&request) else { continue };
            compared += 1;
            match (brute_force(&request), dense) {
                (OracleAnswer::Infeasible, OracleAnswer::Infeasible) => infeasible += 1,
                (OracleAnswer::Optimal(brute), OracleAnswer::Optimal(dense)) => {
                    assert_eq!(brute.period_s.to_bits(), dense.period_s.to_bits(), "seed {seed}, {kind:?}");
                    assert_eq!(brute.latency_s.to_bits(), dense.latency_s.to_bits(), "seed {seed}, {kind:?}");
                    several_stages += usize::from(brute.stages.len() > 1);
                }
                (brute, dense) => panic!("seed {seed}, {kind:?}: {brute:?}, but {dense:?}"),
            }
        }
    }
    println!("{compared} compared, {infeasible} infeasible, {several_stages} of several stages");
    assert!(compared > 3000 && infeasible > compared / 10 && several_stages > compared / 4);
}

#[test]
fn the_program_finds_a_placement_that_the_checker_accepts_on_more_nodes() {
    for seed in 0..40 {
        for kind in Kind::ALL {
            let request = random_request(seed, kind, Size { layers: 10, nodes: 7 });
            let Some(OracleAnswer::Optimal(optimum)) = dense_dp(&request) else { continue };
            let evaluation = cutpoint_planner::check::evaluate(&request, &optimum.stages);
            assert_eq!(evaluation.violations, [], "seed {seed}, {kind:?}");
            let (period_s, latency_s) = (evaluation.period_s.unwrap(), evaluation.latency_s.unwrap());
            assert!((period_s - optimum.period_s).abs() <= 1e-9 * period_s, "seed {seed}, {kind:?}");
            assert!((latency_s - optimum.latency_s).abs() <= 1e-9 * latency_s, "seed {seed}, {kind:?}");
        }
    }
}

#[test]
fn the_objectives_order_as_they_must() {
    for seed in 0..150 {
        let mut request = random_request(seed, Kind::Goals, SMALL);
        request.options.objective = Objective::MaxThroughput;
        let fastest = brute_force(&request);
        request.options.objective = Objective::MinLatency;
        let quickest = brute_force(&request);
        let (Some(fastest), Some(quickest)) = (fastest.optimum(), quickest.optimum()) else {
            assert_eq!((fastest.optimum(), quickest.optimum()), (None, None), "seed {seed}");
            continue;
        };
        assert!(fastest.period_s <= quickest.period_s && quickest.latency_s <= fastest.latency_s, "seed {seed}");
        request.options.objective = Objective::MinNodes { target_period_s: fastest.period_s };
        let at_best_period = brute_force(&request).optimum().unwrap().clone();
        request.options.objective = Objective::MinNodes { target_period_s: fastest.period_s * 4.0 };
        let fewest = brute_force(&request).optimum().unwrap().clone();
        assert!(fewest.objective <= at_best_period.objective, "seed {seed}");
        assert!(at_best_period.objective <= fastest.stages.len() as f64, "seed {seed}");
    }
}

#[test]
fn every_kind_has_feasible_requests_of_several_stages() {
    for kind in Kind::ALL {
        let answers = (0..200).map(|seed| brute_force(&random_request(seed, kind, SMALL)));
        let several = answers.filter(|answer| answer.optimum().is_some_and(|optimum| optimum.stages.len() > 1));
        let several = several.count();
        assert!(several >= 20, "{kind:?}: {several}");
    }
}

#[test]
fn the_dense_front_is_the_front_of_brute_force() {
    let (mut compared, mut several_points) = (0, 0);
    for seed in 0..60 {
        for kind in Kind::ALL {
            let mut request = random_request(seed, kind, SMALL);
            (request.options.base, request.options.max_period_ratio) = (None, None);
            request.options.objective = Objective::MaxThroughput;
            let Some(dense) = dense_front(&request) else { continue };
            let brute: Vec<(f64, f64)> =
                brute_front(&request).iter().map(|placed| (placed.period_s, placed.latency_s)).collect();
            assert_eq!(brute, dense, "seed {seed}, {kind:?}");
            // Its first point is what largest throughput with ties by latency asks for.
            let first = dense_dp(&request).unwrap().optimum().map(|best| (best.period_s, best.latency_s));
            assert_eq!(brute.first().copied(), first, "seed {seed}, {kind:?}");
            compared += 1;
            several_points += usize::from(brute.len() > 1);
        }
    }
    println!("{compared} compared, {several_points} of several points");
    assert!(compared > 500 && several_points > compared / 10);
}

#[test]
fn the_dense_program_ships_as_little_as_brute_force() {
    let (mut compared, mut cheaper) = (0, 0);
    for seed in 0..300 {
        for kind in [Kind::Replan, Kind::Mixed] {
            let request = random_request(seed, kind, SMALL);
            if request.options.base.is_none() {
                continue;
            }
            let Some(replanned) = brute_replan(&request) else { continue };
            let least_s = replanned.least_period_s;
            let at_least = brute_least_bytes(&request, least_s).unwrap().shipped_bytes;
            assert!(replanned.best.shipped_bytes <= at_least, "seed {seed}, {kind:?}");
            cheaper += usize::from(replanned.best.shipped_bytes < at_least);
            let limit_s = request.options.max_period_ratio.unwrap_or(1.0) * least_s;
            let Some(dense) = dense_least_bytes(&request, limit_s) else { continue };
            assert_eq!(dense, Some(replanned.best.shipped_bytes), "seed {seed}, {kind:?}");
            compared += 1;
        }
    }
    println!("{compared} compared, {cheaper} ship less within the ratio");
    assert!(compared > 150 && cheaper > 10);
}

//! At least 5,000 random small requests of every kind for each objective, overlap and constraint: all proven, all as
//! brute force has it, and every bound on the way true.

use cutpoint_planner::Env;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::env::NeverStop;
use serde_json::{Value, json};

use super::second::without_base;
use crate::oracle::{Heard, Kind, OracleAnswer, Size, assert_document_true, brute_force, planned_in, random_document};

const SEEDS: u64 = 400;
const LEAST_COMPARED: usize = 5_000;
const SMALL: Size = Size { layers: 6, nodes: 4 };

/// A number from 0 to below 1 that follows from a seed.
fn share(seed: u64) -> f64 {
    (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 24)
}

fn request(document: &Value, context: &str) -> PlanRequest {
    PlanRequest::from_json(document).unwrap_or_else(|faults| panic!("{context}: {faults:?}"))
}

fn min_latency(document: &mut Value, _seed: u64) {
    document["objective"] = json!({"kind": "min_latency"});
}

fn min_nodes(document: &mut Value, seed: u64) {
    document["objective"] = json!({"kind": "min_nodes", "target_period_s": 0.2 + 4.0 * share(seed)});
}

fn max_throughput(document: &mut Value, _seed: u64) {
    document["objective"] = json!({"kind": "max_throughput"});
}

fn one_at_a_time(document: &mut Value, _seed: u64) {
    document["cost_model"]["overlap"] = json!("none");
}

/// Source and sink, one node or two, hosting stages or not.
fn both_ends(document: &mut Value, seed: u64) {
    let nodes = document["cluster"]["nodes"].as_array().unwrap().len() as u64;
    document["constraints"]["source_node"] = json!(format!("n{}", seed % nodes));
    document["constraints"]["sink_node"] = json!(format!("n{}", seed / 3 % nodes));
}

/// A limit of latency around the least, mostly above.
fn tight_latency(document: &mut Value, seed: u64) {
    let mut quickest = request(document, "before the limit");
    quickest.options.objective = Objective::MinLatency;
    if let Some(best) = brute_force(&quickest).optimum() {
        document["constraints"]["max_latency_s"] = json!(best.latency_s * (0.95 + share(seed)));
    }
}

/// A limit of the period around the least, mostly above, sometimes the least itself.
fn tight_period(document: &mut Value, seed: u64) {
    let mut fastest = request(document, "before the limit");
    fastest.options.objective = Objective::MaxThroughput;
    if let Some(best) = brute_force(&fastest).optimum() {
        let ratio = if seed.is_multiple_of(4) { 1.0 } else { 0.95 + share(seed) };
        document["constraints"]["max_period_s"] = json!(best.period_s * ratio);
    }
}

/// Compares requests of all kinds after these changes.
fn compare(changes: &[fn(&mut Value, u64)]) {
    let (mut compared, mut infeasible, mut several_stages) = (0, 0, 0);
    for seed in 0..SEEDS {
        for kind in Kind::ALL {
            let context = format!("seed {seed}, {kind:?}");
            let mut document = random_document(seed, kind, SMALL);
            without_base(&mut document);
            changes.iter().for_each(|change| change(&mut document, seed));
            let request = request(&document, &context);
            let answer = brute_force(&request);
            let heard = Heard::default();
            let env = Env { seed, threads: 1, stop: &NeverStop, progress: &heard };
            let document = planned_in(&request, &env, &context);
            assert!(assert_document_true(&request, &document, &answer, &context), "{context}: not proven");
            heard.assert_true(&request, &answer, &context);
            compared += 1;
            match answer {
                OracleAnswer::Infeasible => infeasible += 1,
                OracleAnswer::Optimal(best) => several_stages += usize::from(best.stages.len() > 1),
            }
        }
    }
    println!("{compared} compared, {infeasible} infeasible, {several_stages} of several stages");
    assert!(compared >= LEAST_COMPARED && infeasible > compared / 20 && several_stages > compared / 20);
}

macro_rules! comparisons {
    ($($name:ident: $($change:ident),*;)*) => { $(
        #[test]
        fn $name() {
            compare(&[$($change),*]);
        }
    )* };
}

comparisons! {
    least_latency: min_latency;
    least_latency_one_at_a_time: min_latency, one_at_a_time;
    least_latency_within_a_limit: min_latency, tight_latency;
    least_latency_within_a_period: min_latency, tight_period;
    least_latency_one_at_a_time_within_a_period: min_latency, one_at_a_time, both_ends, tight_period;
    least_latency_within_a_period_and_a_limit: min_latency, tight_period, tight_latency;
    fewest_nodes: min_nodes;
    fewest_nodes_one_at_a_time: min_nodes, one_at_a_time;
    fewest_nodes_within_a_latency: min_nodes, tight_latency;
    fewest_nodes_one_at_a_time_within_a_latency: min_nodes, one_at_a_time, tight_latency;
    least_period_one_at_a_time: max_throughput, one_at_a_time;
    least_period_one_at_a_time_between_ends: max_throughput, one_at_a_time, both_ends;
    least_period_within_a_latency: max_throughput, tight_latency;
    least_period_one_at_a_time_within_a_latency: max_throughput, one_at_a_time, both_ends, tight_latency;
}

//! Graphs that are too large for an enumeration, changed in ways that change no figure.

use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::request::PlanRequest;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use crate::oracle::graph_changes::{pass_a_constant_on, rename_layers, shuffle_layers_and_edges, split_a_layer};
use crate::oracle::{Size, objective, planned, random_graph_document};

const LARGER: Size = Size { layers: 15, nodes: 6 };

/// Plans requests before and after a change. `holds` compares what is proven.
fn compare(change: fn(&mut Value, &mut Pcg64Mcg) -> bool, in_order: bool, holds: fn(f64, f64) -> bool) {
    let mut compared = 0;
    for seed in 0..1000 {
        let mut document = random_graph_document(seed, LARGER);
        let before = PlanRequest::from_json(&document).unwrap();
        let skipped = before.options.cost_model.cuts == CutPolicy::InOrder && !in_order;
        if skipped || !change(&mut document, &mut Pcg64Mcg::seed_from_u64(seed)) {
            continue;
        }
        let after = PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}"));
        let [(status, value, bound), (status_after, value_after, bound_after)] = [&before, &after].map(|request| {
            let document = planned(request, &format!("seed {seed}"));
            let (value, bound) = objective(request, &document);
            (document.status, value.unwrap_or(f64::INFINITY), bound.unwrap_or(0.0))
        });
        if status == Status::Infeasible || status_after == Status::Infeasible {
            assert!(holds(value, value_after), "seed {seed}: {status:?} before, {status_after:?} after");
        } else if status == Status::Optimal && status_after == Status::Optimal {
            assert!(holds(value, value_after), "seed {seed}: {value} before, {value_after} after");
            compared += 1;
        } else {
            // What is not proven may differ, but no bound exceeds what a placement reaches.
            assert!(bound <= value && bound_after <= value_after, "seed {seed}");
            assert!(holds(value, value_after) || bound_after <= value, "seed {seed}: {bound_after} above {value}");
        }
    }
    assert!(compared > 30, "{compared}");
}

fn the_same(before: f64, after: f64) -> bool {
    before.to_bits() == after.to_bits()
}

#[test]
fn the_order_of_the_file_changes_no_answer() {
    let shuffled = |document: &mut Value, rng: &mut Pcg64Mcg| {
        shuffle_layers_and_edges(document, rng);
        true
    };
    compare(shuffled, false, the_same);
}

#[test]
fn names_of_layers_change_no_answer() {
    let renamed = |document: &mut Value, rng: &mut Pcg64Mcg| {
        rename_layers(document, rng);
        true
    };
    compare(renamed, true, the_same);
}

#[test]
fn passing_a_constant_on_changes_no_answer() {
    compare(pass_a_constant_on, true, the_same);
}

#[test]
fn a_layer_in_two_gives_no_worse_an_answer() {
    // Where it makes the least period shorter, more may have to be shipped to keep to it.
    let split =
        |document: &mut Value, rng: &mut Pcg64Mcg| document.get("base").is_none() && split_a_layer(document, rng);
    compare(split, true, |before, after| after <= before);
}

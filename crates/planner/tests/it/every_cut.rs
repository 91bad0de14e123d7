//! Random graphs: the checker and the planner against the enumeration of all chains of cuts.

use cutpoint_planner::check::{StageProposal, evaluate};
use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::domain::request::PlanRequest;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use crate::oracle::graph_changes::{pass_a_constant_on, rename_layers, shuffle_layers_and_edges, split_a_layer};
use crate::oracle::{
    EveryCut, OracleAnswer, Size, assert_true_of_all_cuts, planned, random_graph_document, random_graph_request,
};

const SMALL: Size = Size { layers: 7, nodes: 3 };

#[test]
fn graphs_are_of_every_sort() {
    let mut counts = [0_usize; 7];
    for seed in 0..2000 {
        let request = random_graph_request(seed, SMALL);
        let model = &request.model;
        let count = |holds: &dyn Fn(usize) -> bool| (0..model.layers.len()).filter(|&layer| holds(layer)).count();
        let placements = EveryCut::new(&request);
        let answer = placements.answer();
        let stages = answer.optimum().map(|best| best.stages.clone()).unwrap_or_default();
        let place = |id: &String| model.layer_index(id).unwrap();
        // A stage whose layers do not adjoin in the file's order.
        let apart = |stage: &StageProposal| {
            let places: Vec<usize> = stage.layer_ids.iter().map(place).collect();
            (places[0]..places[places.len() - 1]).any(|it| !model.is_constant(it) && !places.contains(&it))
        };
        let of = [
            count(&|layer| model.is_constant(layer)) > 0,
            count(&|layer| model.is_input(layer)) > 1,
            count(&|layer| model.readers(layer).is_empty()) > 1,
            answer == OracleAnswer::Infeasible,
            stages.len() > 1,
            stages.iter().any(apart),
            stages.len() > 1 && model.members_of_groups().iter().any(|members| members.len() > 1),
        ];
        for (count, holds) in counts.iter_mut().zip(of) {
            *count += usize::from(holds);
        }
    }
    println!("constants, inputs, outputs, infeasible, several stages, stages apart, groups: {counts:?} of 2000");
    assert!(counts.iter().all(|&count| count > 60), "{counts:?}");
}

#[test]
fn the_checker_says_of_an_optimum_what_the_enumeration_says() {
    for seed in 0..3000 {
        let request = random_graph_request(seed, SMALL);
        let OracleAnswer::Optimal(best) = EveryCut::new(&request).answer() else { continue };
        let evaluation = evaluate(&request, &best.stages);
        assert_eq!(evaluation.violations, [], "seed {seed}: {best:?}");
        assert_close(evaluation.period_s.unwrap(), best.period_s, seed);
        assert_close(evaluation.latency_s.unwrap(), best.latency_s, seed);
        if let Some(migration) = evaluation.migration {
            assert_eq!(migration.shipped_bytes as f64, best.objective, "seed {seed}: {best:?}");
        }
    }
}

/// Each layer in a stage at random, in order more or less, on nodes at random.
#[test]
fn the_checker_accepts_nothing_but_what_the_enumeration_has() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..1500 {
        let request = random_graph_request(seed, SMALL);
        let placements = EveryCut::new(&request);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let layers = request.model.layers.len();
        for _ in 0..10 {
            let mut nodes: Vec<usize> = (0..request.cluster.nodes.len()).collect();
            nodes.shuffle(&mut rng);
            nodes.truncate(rng.random_range(1..=nodes.len()));
            let stage_of: Vec<usize> = (0..layers)
                .map(|layer| {
                    let makers = request.model.makers(layer).len().min(1);
                    let about = (layer * nodes.len() / layers + makers) as i64 + rng.random_range(-1..=0);
                    about.clamp(0, nodes.len() as i64 - 1) as usize
                })
                .collect();
            let proposal = |(stage, &node): (usize, &usize)| StageProposal {
                node_id: request.cluster.nodes[node].id.clone(),
                layer_ids: (0..layers)
                    .filter(|&layer| stage_of[layer] == stage)
                    .map(|layer| request.model.layers[layer].id.clone())
                    .collect(),
            };
            let proposals: Vec<StageProposal> = nodes.iter().enumerate().map(proposal).collect();
            let evaluation = evaluate(&request, &proposals);
            match placements.judged(&nodes, &stage_of) {
                Some((period_s, latency_s, bytes)) => {
                    assert_eq!(evaluation.violations, [], "seed {seed}: {proposals:?}");
                    assert_close(evaluation.period_s.unwrap(), period_s, seed);
                    assert_close(evaluation.latency_s.unwrap(), latency_s, seed);
                    assert_eq!(
                        evaluation.migration.map_or(0, |migration| migration.shipped_bytes),
                        bytes,
                        "seed {seed}"
                    );
                    accepted += 1;
                }
                None => {
                    assert_ne!(evaluation.violations, [], "seed {seed}: {proposals:?}");
                    refused += 1;
                }
            }
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 500 && refused > 500);
}

fn assert_close(checked: f64, enumerated: f64, seed: u64) {
    assert!((checked - enumerated).abs() <= 1e-9 * enumerated, "seed {seed}: {checked}, but {enumerated}");
}

/// Compares the best of a changed request with the best before, over some thousand graphs.
fn compare(change: fn(&mut Value, &mut Pcg64Mcg) -> bool, in_order: bool, holds: fn(f64, f64) -> bool) {
    let mut compared = 0;
    for seed in 0..2000 {
        let mut document = random_graph_document(seed, Size { layers: 6, nodes: 3 });
        let before = PlanRequest::from_json(&document).unwrap();
        if before.options.cost_model.cuts == CutPolicy::InOrder && !in_order {
            continue;
        }
        if !change(&mut document, &mut Pcg64Mcg::seed_from_u64(seed)) {
            continue;
        }
        let after = PlanRequest::from_json(&document).unwrap_or_else(|faults| panic!("seed {seed}: {faults:?}"));
        let best =
            |request: &PlanRequest| EveryCut::new(request).answer().optimum().map_or(f64::INFINITY, |it| it.objective);
        let (before, after) = (best(&before), best(&after));
        assert!(holds(before, after), "seed {seed}: {before} before, {after} after");
        compared += usize::from(after.is_finite());
    }
    assert!(compared > 100, "{compared}");
}

fn the_same(before: f64, after: f64) -> bool {
    before.to_bits() == after.to_bits()
}

#[test]
fn the_order_of_the_file_changes_nothing() {
    let shuffled = |document: &mut Value, rng: &mut Pcg64Mcg| {
        shuffle_layers_and_edges(document, rng);
        true
    };
    compare(shuffled, false, the_same);
}

#[test]
fn names_of_layers_change_nothing() {
    let renamed = |document: &mut Value, rng: &mut Pcg64Mcg| {
        rename_layers(document, rng);
        true
    };
    compare(renamed, true, the_same);
}

#[test]
fn passing_a_constant_on_changes_nothing() {
    compare(pass_a_constant_on, true, the_same);
}

#[test]
fn a_layer_in_two_is_never_worse() {
    // Where it makes the least period shorter, more may have to be shipped to keep to it.
    let split =
        |document: &mut Value, rng: &mut Pcg64Mcg| document.get("base").is_none() && split_a_layer(document, rng);
    compare(split, true, |before, after| after <= before);
}

#[test]
fn twenty_thousand_graphs_are_planned_as_the_enumeration_says() {
    let (mut proven, mut placed) = (0, 0);
    for seed in 0..20_000 {
        let request = random_graph_request(seed, SMALL);
        let context = format!("seed {seed}");
        let document = planned(&request, &context);
        let placements = EveryCut::new(&request);
        proven += usize::from(assert_true_of_all_cuts(&request, &document, &placements, &context));
        placed += usize::from(placements.count() > 0);
    }
    println!("{proven} proven, {placed} with a placement");
    assert!(proven > 19_000 && placed > 10_000, "{proven} proven, {placed} with a placement");
}

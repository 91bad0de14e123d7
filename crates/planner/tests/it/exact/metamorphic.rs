//! What must hold between the smallest periods of two requests of which one is a change of the other.

use cutpoint_planner::domain::options::Algorithm;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::bases::{bases, least_period_s, proven, request};
use super::changes;
use crate::oracle::planned;

/// Random bases of each kind.
const SEEDS: u64 = 2;

/// The smallest periods before and after a change of each base, infinite where nothing fits.
fn compare(prepare: fn(&mut Value), change: fn(&mut Value, &mut Pcg64Mcg), holds: fn(f64, f64) -> bool) {
    let mut rng = Pcg64Mcg::seed_from_u64(0);
    let mut feasible = 0;
    for mut base in bases(SEEDS) {
        prepare(&mut base.document);
        let before_s = least_period_s(&base.document, &base.name);
        let mut changed = base.document.clone();
        change(&mut changed, &mut rng);
        let after_s = least_period_s(&changed, &format!("{}, changed", base.name));
        assert!(holds(before_s, after_s), "{}: {before_s} before, {after_s} after", base.name);
        feasible += usize::from(after_s.is_finite());
    }
    assert!(feasible >= 20, "{feasible}");
}

fn as_it_is(_document: &mut Value) {}

fn never_worse(before_s: f64, after_s: f64) -> bool {
    after_s <= before_s
}

fn the_same(before_s: f64, after_s: f64) -> bool {
    after_s.to_bits() == before_s.to_bits()
}

#[test]
fn more_memory_never_hurts() {
    compare(as_it_is, changes::more_memory, never_worse);
}

#[test]
fn faster_links_never_hurt() {
    compare(as_it_is, changes::faster_links, never_worse);
}

#[test]
fn faster_nodes_never_hurt() {
    compare(as_it_is, changes::faster_nodes, never_worse);
}

#[test]
fn another_node_never_hurts() {
    compare(as_it_is, changes::another_node, never_worse);
}

#[test]
fn any_number_of_stages_never_hurts() {
    let limited = |document: &mut Value| document["constraints"]["max_stages"] = json!(3);
    compare(limited, |document, _| changes::without_max_stages(document), never_worse);
}

/// Each cut of `single_tensor` is one of `any`, where the same tensor crosses and the stages between hold the same
/// layers: so memory is the same too, under both memory models, and with buffers.
#[test]
fn any_cut_is_never_worse_than_single_tensors() {
    let single = |document: &mut Value| document["cost_model"]["cuts"] = json!("single_tensor");
    compare(single, |document, _| document["cost_model"]["cuts"] = json!("any"), never_worse);
}

/// Activations and buffers only add to what a stage needs.
#[test]
fn counting_parameters_only_never_hurts() {
    let all = |document: &mut Value| document["cost_model"]["memory"] = json!("params_and_activations");
    compare(all, |document, _| document["cost_model"]["memory"] = json!("params"), never_worse);
}

#[test]
fn names_and_order_of_nodes_change_nothing() {
    compare(as_it_is, changes::renamed_and_reordered, the_same);
}

#[test]
fn doubled_bandwidths_halve_pure_communication() {
    let halved = |before_s: f64, after_s: f64| the_same(before_s / 2.0, after_s);
    compare(changes::only_communication, |document, _| changes::doubled_bandwidths(document), halved);
}

#[test]
fn doubled_bytes_over_doubled_bandwidths_change_nothing() {
    compare(as_it_is, |document, _| changes::doubled_bytes_and_bandwidths(document), the_same);
}

#[test]
fn doubled_work_at_doubled_speed_changes_nothing() {
    compare(as_it_is, |document, _| changes::doubled_work_and_speeds(document), the_same);
}

#[test]
fn the_optimum_stays_where_all_its_layers_are_pinned() {
    for mut base in bases(SEEDS) {
        base.document["solver"]["tolerance"] = json!(0);
        let best = proven(&base.document, &base.name);
        let Some(period_s) = best.period_s else { continue };
        let pins = best.stages().iter().flat_map(|stage| {
            let pin = |layer_id| json!({"layer_id": layer_id, "node_id": stage.node_id});
            stage.layer_ids.iter().map(pin)
        });
        base.document["constraints"]["pins"] = pins.collect();
        base.document["constraints"]["max_stages"] = json!(best.stages().len());
        let pinned_s = least_period_s(&base.document, &format!("{}, pinned", base.name));
        assert!(the_same(period_s, pinned_s), "{}: {period_s} free, {pinned_s} pinned", base.name);
    }
}

#[test]
fn no_baseline_beats_the_optimum_and_no_bound_exceeds_it() {
    let mut placed = 0;
    for base in bases(SEEDS) {
        let least_s = least_period_s(&base.document, &base.name);
        for algorithm in [Algorithm::Kpath, Algorithm::Greedy, Algorithm::Random] {
            let context = format!("{}, {algorithm:?}", base.name);
            let mut request = request(&base.document, &context);
            request.options.solver.algorithm = algorithm;
            let document = planned(&request, &context);
            let period_s = document.period_s.unwrap_or(f64::INFINITY);
            assert!(period_s >= least_s, "{context}: {period_s}, but the optimum is {least_s}");
            let bound_s = document.lower_bound_s.unwrap_or(0.0);
            assert!(bound_s <= least_s, "{context}: the bound {bound_s}, but the optimum is {least_s}");
            placed += usize::from(document.period_s.is_some());
        }
    }
    assert!(placed >= 30, "{placed}");
}

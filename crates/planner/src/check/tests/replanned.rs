//! What several pipelines ship from a base.

use super::several::{ALL, FAST, cluster_with_a_hub};
use super::*;
use crate::check::{check, evaluate_pipelines};
use crate::domain::placement::{PlacementDocument, Status};
use crate::env::{Env, NeverStop, NoProgress};
use crate::plan;

/// n1 runs the whole model, n2 and n3 half of it each: 0.375 passes a second. With n4 there are 0.875, however n1, n2 and
/// n3 are used.
fn running(ratio: f64) -> PlanRequest {
    let stage = |node: &str, layers: &[&str]| json!({"node_id": node, "layer_ids": layers});
    let halves = json!({"stages": [stage("n2", &["in", "a"]), stage("n3", &["b"])]});
    let base = json!({"pipelines": [{"stages": [stage("n1", ALL)]}, halves]});
    cluster_with_a_hub(FAST, &[("base", base), ("max_period_ratio", json!(ratio))])
}

fn planned(request: &PlanRequest) -> PlacementDocument {
    plan(request, &Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress }).unwrap()
}

#[test]
fn what_runs_stays_and_a_node_more_gets_the_model() {
    let document = planned(&running(1.0));
    let migration = document.migration.as_ref().unwrap();
    assert_eq!(document.status, Status::Optimal);
    assert!((document.throughput_per_s.unwrap() - 0.875).abs() < 1e-9, "{document:?}");
    assert_eq!((migration.shipped_bytes, migration.lower_bound_bytes), (20, Some(20)));
    assert!(migration.moved_layers.iter().all(|it| it.to_node_id == "n4" && it.from_node_id.is_some()));
    assert_eq!(document.pipelines.len(), 3);
    // A period that is 2.4 times as long needs no node more.
    let slower = planned(&running(2.4));
    assert_eq!(slower.migration.as_ref().map(|it| (it.shipped_bytes, it.lower_bound_bytes)), Some((0, Some(0))));
    assert_eq!((slower.status, slower.gap), (Status::Optimal, Some(0.0)));
    assert!((slower.throughput_per_s.unwrap() - 0.375).abs() < 1e-9, "{slower:?}");
    assert!((slower.migration.unwrap().least_period_s.unwrap() - 1.0 / 0.875).abs() < 1e-9);
}

#[test]
fn one_pipeline_is_replanned_from_several() {
    let mut request = running(1.0);
    request.options.pipelines = None;
    let document = planned(&request);
    assert_eq!((document.pipelines.len(), document.status), (1, Status::Optimal));
    // n4 and one of the others: 2 s for a pass on n4 alone, with the whole model, or less with less of it there.
    assert!(document.migration.unwrap().shipped_bytes > 0);
}

#[test]
fn bytes_that_do_not_follow_are_found() {
    let request = running(1.0);
    let true_one = planned(&request);
    assert_eq!(check(&request, &true_one), []);
    let lies: [&dyn Fn(&mut PlacementDocument); 7] = [
        &|it| it.migration = None,
        &|it| it.migration.as_mut().unwrap().shipped_bytes = 10,
        &|it| it.migration.as_mut().unwrap().moved_layers.clear(),
        &|it| it.migration.as_mut().unwrap().lower_bound_bytes = Some(21),
        &|it| it.migration.as_mut().unwrap().lower_bound_bytes = Some(19),
        &|it| it.migration.as_mut().unwrap().least_period_s = Some(1.5),
        &|it| it.migration.as_mut().unwrap().max_period_s = Some(2.0),
    ];
    for (index, lie) in lies.iter().enumerate() {
        let mut document = true_one.clone();
        lie(&mut document);
        assert!(!check(&request, &document).is_empty(), "lie {index}");
    }
    let mut without = request.clone();
    without.options.base = None;
    assert!(!check(&without, &true_one).is_empty(), "a migration without a base");
}

#[test]
fn proposed_pipelines_are_told_what_they_ship() {
    let propose = |node: &str, layers: &[&str]| StageProposal { node_id: node.to_owned(), layer_ids: ids(layers) };
    let pipelines = [vec![propose("n2", ALL)], vec![propose("n1", &["in", "a"]), propose("n3", &["b"])]];
    let evaluation = evaluate_pipelines(&running(1.0), &pipelines);
    let migration = evaluation.migration.unwrap();
    // n3 held its layer in another pipeline.
    let moved: Vec<(&str, &str)> =
        migration.moved_layers.iter().map(|it| (it.layer_id.as_str(), it.to_node_id.as_str())).collect();
    assert_eq!((moved, migration.shipped_bytes), (vec![("b", "n2")], 10));
    assert_eq!(migration.moved_layers[0].from_node_id.as_deref(), Some("n1"));
}

fn ids(layers: &[&str]) -> Vec<String> {
    layers.iter().map(|&layer| layer.to_owned()).collect()
}

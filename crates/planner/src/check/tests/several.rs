//! Documents of several pipelines: true ones pass, and each lie about nodes, rates, sums and bounds is found.

use super::*;
use crate::check::{PipelinesEvaluation, check, evaluate_pipelines};
use crate::domain::fault::FaultCode;
use crate::domain::options::Algorithm;
use crate::domain::placed::Placed;
use crate::domain::placement::{MediumUse, Pipeline, PlacementDocument, Status, Termination};
use crate::{diff, occupant_of};

/// Two layers of 8 s of work at the speed of n1, n2 and n3, and of 2 s at that of n4; nodes that hold the whole model. The
/// input of 40 bytes travels from `hub` over a port of 80 bit/s: 4 s for each pass. Pairs have links of their own.
pub(super) fn cluster_with_a_hub(port_bps: f64, changes: &[(&str, Value)]) -> PlanRequest {
    let node = |id: &str, speed: f64| json!({"id": id, "memory_bytes": 1000, "flops_per_s": speed});
    let mut document = json!({
        "model": {
            "name": "short",
            "layers": [
                {"id": "in", "param_bytes": 0, "output_bytes": 40},
                {"id": "a", "param_bytes": 10, "output_bytes": 10, "flops": 400},
                {"id": "b", "param_bytes": 10, "output_bytes": 10, "flops": 400}
            ],
            "edges": [{"from": "in", "to": "a"}, {"from": "a", "to": "b"}]
        },
        "cluster": {
            "name": "hub",
            "nodes": [
                node("n1", 100.0), node("n2", 100.0), node("n3", 100.0), node("n4", 400.0),
                {"id": "hub", "memory_bytes": 0, "port_bps": port_bps}
            ],
            "network": {"kind": "full_mesh", "bandwidth_bps": 1e6}
        },
        "constraints": {"source_node": "hub", "exclude_nodes": ["hub"]},
        "cost_model": {"unknown_compute": "free"},
        "pipelines": {}
    });
    for (field, value) in changes {
        document[*field] = value.clone();
    }
    PlanRequest::from_json(&document).unwrap()
}

/// The stages of a pipeline, each with its node and layers.
type Stages<'a> = &'a [(&'a str, &'a [&'a str])];

/// A document whose pipelines have these rates, with a bound of the sum.
fn stated(request: &PlanRequest, pipelines: &[(Stages<'_>, f64)], most_per_s: f64) -> PlacementDocument {
    let evaluations: Vec<Evaluation> = pipelines.iter().map(|(stages, _)| evaluated(request, stages)).collect();
    let per_s: f64 = pipelines.iter().map(|(_, rate)| rate).sum();
    let uses_port = |of: &Evaluation| of.stages[0].receive.as_ref().map_or(0.0, |it| it.transfer_s);
    let occupied_s: f64 = evaluations.iter().zip(pipelines).map(|(it, (_, rate))| uses_port(it) * rate / per_s).sum();
    let is_optimal = most_per_s == per_s;
    let media =
        if pipelines.len() > 1 { vec![MediumUse { id: "hub port out".to_owned(), occupied_s }] } else { vec![] };
    let made = evaluations.into_iter().zip(pipelines).map(|(it, (_, rate))| Pipeline {
        period_s: it.period_s.unwrap(),
        rate_per_s: Some(*rate),
        latency_s: it.latency_s.unwrap(),
        bottleneck: it.bottleneck.unwrap(),
        stages: it.stages,
    });
    let pipelines: Vec<Pipeline> = made.collect();
    PlacementDocument {
        status: if is_optimal { Status::Optimal } else { Status::Feasible },
        termination: if is_optimal { Termination::Optimal } else { Termination::TimeLimit },
        algorithm: Algorithm::Auto,
        seed: 0,
        period_s: Some(1.0 / per_s),
        throughput_per_s: Some(per_s),
        throughput_upper_bound_per_s: Some(most_per_s),
        inferences_per_s: Some(per_s),
        latency_s: pipelines.iter().map(|it| it.latency_s).reduce(f64::max),
        lower_bound_s: Some(1.0 / most_per_s),
        latency_is_least: None,
        least_period_s: None,
        fastest: None,
        lower_bound_nodes: None,
        cuts: None,
        gap: Some(1.0 - per_s / most_per_s),
        media,
        pipelines,
        front: Vec::new(),
        migration: None,
        occupants: Vec::new(),
        warnings: Vec::new(),
        reasons: Vec::new(),
        solve_s: 0.01,
        solver_version: "0".to_owned(),
    }
}

pub(super) const ALL: &[&str] = &["in", "a", "b"];
const N1: Stages<'_> = &[("n1", ALL)];
const N2: Stages<'_> = &[("n2", ALL)];
const N4: Stages<'_> = &[("n4", ALL)];

/// A port so fast that it limits nothing.
pub(super) const FAST: f64 = 1e5;

/// A port that carries an input in 4 s.
const SLOW: f64 = 80.0;

fn codes(violations: &[Violation]) -> Vec<ViolationCode> {
    let mut codes: Vec<ViolationCode> = violations.iter().map(|it| it.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn each_pipeline_at_its_own_pace() {
    let request = cluster_with_a_hub(FAST, &[]);
    let document = stated(&request, &[(N4, 0.5), (N1, 0.125)], 0.625);
    assert_eq!(check(&request, &document), []);
    assert_eq!(document.period_s, Some(1.6));
}

#[test]
fn a_port_that_all_inputs_take_limits_the_sum() {
    let request = cluster_with_a_hub(SLOW, &[]);
    // n4 alone would compute 0.5 a second, but the port carries 0.25.
    let only = stated(&request, &[(N4, 0.25)], 0.25);
    assert_eq!(check(&request, &only), []);
    let split = stated(&request, &[(N4, 0.125), (N1, 0.125)], 0.25);
    assert_eq!(check(&request, &split), []);
    assert_eq!(split.media[0].occupied_s, 4.0);
}

#[test]
fn a_rate_above_the_pace_of_the_pipeline() {
    let request = cluster_with_a_hub(FAST, &[]);
    let document = stated(&request, &[(N4, 0.5), (N1, 0.126)], 0.626);
    let violations = check(&request, &document);
    assert_eq!(codes(&violations), [ViolationCode::RateWrong]);
    assert_eq!((violations[0].pipeline_index, violations[0].figures["most_per_s"]), (Some(1), 0.125));
}

#[test]
fn a_medium_that_is_used_for_more_than_all_of_the_time() {
    let request = cluster_with_a_hub(SLOW, &[]);
    let document = stated(&request, &[(N4, 0.25), (N1, 0.125)], 0.375);
    let violations = check(&request, &document);
    assert_eq!(codes(&violations), [ViolationCode::RateWrong]);
    assert!(violations[0].detail.contains("the medium \"hub port out\" for 1.5 seconds"), "{violations:?}");
}

#[test]
fn a_sum_that_is_too_small() {
    for (port_bps, rates) in [(FAST, (0.5, 0.1)), (FAST, (0.4, 0.125)), (SLOW, (0.12, 0.125))] {
        let request = cluster_with_a_hub(port_bps, &[]);
        let document = stated(&request, &[(N4, rates.0), (N1, rates.1)], 0.625);
        let violations = check(&request, &document);
        assert_eq!(codes(&violations), [ViolationCode::RateWrong], "{rates:?}");
        assert!(violations[0].detail.contains("these pipelines can make"), "{violations:?}");
    }
}

#[test]
fn a_rate_that_is_missing_or_no_rate() {
    let request = cluster_with_a_hub(FAST, &[]);
    let document = stated(&request, &[(N4, 0.5), (N1, 0.125)], 0.625);
    for rate in [None, Some(0.0), Some(-0.125), Some(f64::NAN), Some(f64::INFINITY)] {
        let mut wrong = document.clone();
        wrong.pipelines[1].rate_per_s = rate;
        assert_eq!(codes(&check(&request, &wrong)), [ViolationCode::RateWrong], "{rate:?}");
    }
}

#[test]
fn a_node_in_two_pipelines() {
    let request = cluster_with_a_hub(FAST, &[]);
    let halves: Stages<'_> = &[("n1", &["in", "a"]), ("n2", &["b"])];
    let document = stated(&request, &[(halves, 0.25), (N2, 0.125)], 0.375);
    let violations = check(&request, &document);
    assert_eq!(codes(&violations), [ViolationCode::NodeUsedTwice]);
    assert_eq!((violations[0].pipeline_index, &violations[0].node_ids[..]), (Some(1), &["n2".to_owned()][..]));
}

#[test]
fn too_many_pipelines_and_nodes() {
    let two = [(N4, 0.5), (N1, 0.125), (N2, 0.125)];
    let request = cluster_with_a_hub(FAST, &[("pipelines", json!({"most": 2}))]);
    assert_eq!(codes(&check(&request, &stated(&request, &two, 0.75))), [ViolationCode::TooManyPipelines]);
    let limited = json!({"source_node": "hub", "exclude_nodes": ["hub"], "max_nodes": 2});
    let request = cluster_with_a_hub(FAST, &[("constraints", limited)]);
    assert_eq!(codes(&check(&request, &stated(&request, &two, 0.75))), [ViolationCode::TooManyNodes]);
    assert_eq!(check(&request, &stated(&request, &two[..2], 0.625)), []);
}

#[test]
fn each_pipeline_keeps_to_the_rules() {
    let request = cluster_with_a_hub(FAST, &[]);
    let mut document = stated(&request, &[(N4, 0.5), (N1, 0.125)], 0.625);
    document.pipelines[1].period_s = 7.0;
    document.pipelines[1].stages[0].compute_s = 7.0;
    let violations = check(&request, &document);
    assert_eq!(codes(&violations), [ViolationCode::FigureWrong]);
    assert!(violations.iter().all(|it| it.pipeline_index == Some(1)), "{violations:?}");
    let pinned = json!({"source_node": "hub", "exclude_nodes": ["hub"], "pins": [{"layer_id": "a", "node_id": "n4"}]});
    let request = cluster_with_a_hub(FAST, &[("constraints", pinned)]);
    let document = stated(&request, &[(N4, 0.5)], 0.5);
    assert_eq!(check(&request, &document), []);
    let document = PlacementDocument { pipelines: vec![], ..document };
    assert_eq!(codes(&check(&request, &document)), [ViolationCode::ClaimWrong]);
}

#[test]
fn sums_and_claims_that_do_not_follow() {
    let request = cluster_with_a_hub(FAST, &[]);
    let document = stated(&request, &[(N4, 0.5), (N1, 0.125)], 0.75);
    assert_eq!(check(&request, &document), []);
    let wrong = |change: &dyn Fn(&mut PlacementDocument)| {
        let mut changed = document.clone();
        change(&mut changed);
        assert_ne!(check(&request, &changed), [], "{changed:?}");
    };
    wrong(&|it| it.period_s = Some(1.5));
    wrong(&|it| it.throughput_per_s = Some(0.7));
    wrong(&|it| it.throughput_per_s = None);
    wrong(&|it| it.inferences_per_s = Some(0.7));
    wrong(&|it| it.latency_s = Some(2.0));
    wrong(&|it| it.throughput_upper_bound_per_s = None);
    wrong(&|it| it.throughput_upper_bound_per_s = Some(0.8));
    wrong(&|it| (it.throughput_upper_bound_per_s, it.lower_bound_s) = (Some(0.6), Some(1.0 / 0.6)));
    wrong(&|it| it.lower_bound_s = None);
    wrong(&|it| it.gap = Some(0.0));
    wrong(&|it| (it.status, it.termination) = (Status::Optimal, Termination::Optimal));
    wrong(&|it| it.media.clear());
    wrong(&|it| it.media[0].occupied_s = 1.0);
    wrong(&|it| it.latency_is_least = Some(false));
    wrong(&|it| it.least_period_s = it.period_s);
    wrong(&|it| it.pipelines[0].bottleneck.stage_index = 1);
}

#[test]
fn the_target_is_that_of_all_together() {
    let goal = |target_period_s: f64| json!({"kind": "min_nodes", "target_period_s": target_period_s});
    let counted = |request: &PlanRequest| PlacementDocument {
        lower_bound_s: None,
        lower_bound_nodes: Some(2),
        throughput_upper_bound_per_s: None,
        gap: Some(0.0),
        ..stated(request, &[(N4, 0.5), (N1, 0.125)], 0.625)
    };
    let request = cluster_with_a_hub(FAST, &[("objective", goal(1.6))]);
    assert_eq!(check(&request, &counted(&request)), []);
    let request = cluster_with_a_hub(FAST, &[("objective", goal(1.5))]);
    assert_eq!(codes(&check(&request, &counted(&request))), [ViolationCode::TargetPeriodMissed]);
}

#[test]
fn with_no_overlap_the_source_sends_to_one_pipeline_at_a_time() {
    // The hub is busy for 4 s with each input, n4 for 6 s, n1 for 12 s.
    let alone = json!({"unknown_compute": "free", "overlap": "none"});
    let request = cluster_with_a_hub(SLOW, &[("cost_model", alone)]);
    let rates = (1.0 / 6.0, 1.0 / 12.0);
    let document = stated(&request, &[(N4, rates.0), (N1, rates.1)], rates.0 + rates.1);
    assert_eq!(check(&request, &document), []);
    let three = stated(&request, &[(N4, rates.0), (N1, rates.1), (N2, rates.1)], 1.0);
    let violations = check(&request, &three);
    assert_eq!(codes(&violations), [ViolationCode::RateWrong]);
    assert!(violations.iter().any(|it| it.detail.contains("the node \"hub\"")), "{violations:?}");
}

#[test]
fn a_pipeline_of_no_time_is_the_only_one() {
    let free = json!({"compute": "ignore"});
    let none = json!({});
    let request = cluster_with_a_hub(FAST, &[("cost_model", free), ("constraints", none)]);
    let of = |pipelines: &[(Stages<'_>, f64)]| PlacementDocument {
        media: vec![],
        period_s: Some(0.0),
        throughput_per_s: None,
        throughput_upper_bound_per_s: None,
        inferences_per_s: None,
        lower_bound_s: Some(0.0),
        gap: Some(0.0),
        ..stated(&request, pipelines, 1.0)
    };
    let mut only = of(&[(N1, 1.0)]);
    (only.status, only.termination) = (Status::Optimal, Termination::Optimal);
    assert_eq!(codes(&check(&request, &only)), [ViolationCode::ClaimWrong], "a rate is given");
    only.pipelines[0].rate_per_s = None;
    assert_eq!(check(&request, &only), []);
    let mut two = of(&[(N1, 1.0), (N2, 1.0)]);
    two.pipelines.iter_mut().for_each(|it| it.rate_per_s = None);
    assert_ne!(check(&request, &two), []);
}

#[test]
fn occupants_see_the_rates_of_all_pipelines() {
    // The occupant wants n1 for half of the time and n4 for a tenth: it leaves 0.5 and 0.9 of them.
    let occupants = json!([{"id": "o", "rate_per_s": 1.0, "period_s": 1.0, "nodes": [
        {"node_id": "n1", "compute_s": 0.5}, {"node_id": "n4", "compute_s": 0.1}]}]);
    let request = cluster_with_a_hub(FAST, &[("occupants", occupants)]);
    let rates = (0.9 / 2.0, 0.5 / 8.0);
    let mut document = stated(&request, &[(N4, rates.0), (N1, rates.1)], rates.0 + rates.1);
    assert_ne!(check(&request, &document), [], "no effect is stated");
    let effect = crate::domain::occupant::OccupantEffect { id: "o".to_owned(), period_s: 1.0, new_period_s: 1.0 };
    document.occupants = vec![effect];
    assert_eq!(check(&request, &document), []);
}

#[test]
fn one_pipeline_states_no_bound_of_the_sum() {
    let request = cluster_with_a_hub(FAST, &[("pipelines", json!({"most": 1}))]);
    let one = PlacementDocument {
        latency_is_least: Some(false),
        least_period_s: Some(2.0),
        ..stated(&request, &[(N4, 0.5)], 0.5)
    };
    assert_eq!(codes(&check(&request, &one)), [ViolationCode::ClaimWrong]);
    assert_eq!(check(&request, &PlacementDocument { throughput_upper_bound_per_s: None, ..one }), []);
}

/// What `evaluate_pipelines` says of pipelines.
fn together(request: &PlanRequest, pipelines: &[Stages<'_>]) -> PipelinesEvaluation {
    let pipelines: Vec<Vec<StageProposal>> = pipelines.iter().map(|stages| proposals(stages)).collect();
    evaluate_pipelines(request, &pipelines)
}

#[test]
fn proposed_pipelines_get_the_best_rates() {
    let request = cluster_with_a_hub(SLOW, &[]);
    let evaluation = together(&request, &[N1, N2]);
    assert_eq!(evaluation.violations, []);
    let rates: Vec<Option<f64>> = evaluation.pipelines.iter().map(|it| it.rate_per_s).collect();
    assert_eq!(rates, [Some(0.125), Some(0.125)]);
    assert_eq!((evaluation.throughput_per_s, evaluation.period_s), (Some(0.25), Some(4.0)));
    assert_eq!((evaluation.media[0].occupied_s, evaluation.worth), (4.0, vec![]));
    // With n4 too, the port is what limits: twice as fast, it would let through 0.25 more at most.
    let evaluation = together(&request, &[N1, N2, N4]);
    assert_eq!(evaluation.throughput_per_s, Some(0.25));
    let worth: Vec<_> = evaluation.worth.iter().map(|it| (it.medium_id.as_deref(), it.worth_per_s)).collect();
    assert_eq!(worth, [(Some("hub port out"), 0.25)]);
}

#[test]
fn proposed_pipelines_are_held_against_the_rules() {
    let request = cluster_with_a_hub(FAST, &[("pipelines", json!({"most": 2}))]);
    assert_eq!(codes(&together(&request, &[]).violations), [ViolationCode::NoStage]);
    assert_eq!(codes(&together(&request, &[N1, N1]).violations), [ViolationCode::NodeUsedTwice]);
    assert_eq!(codes(&together(&request, &[N1, N2, N4]).violations), [ViolationCode::TooManyPipelines]);
    let half: Stages<'_> = &[("n1", &["in", "a"])];
    let evaluation = together(&request, &[N2, half]);
    assert_eq!(codes(&evaluation.violations), [ViolationCode::LayerMissing]);
    assert_eq!((evaluation.violations[0].pipeline_index, evaluation.period_s), (Some(1), None));
    let target = json!({"kind": "min_nodes", "target_period_s": 3.0});
    let request = cluster_with_a_hub(FAST, &[("objective", target)]);
    assert_eq!(codes(&together(&request, &[N1, N2]).violations), [ViolationCode::TargetPeriodMissed]);
    assert_eq!(together(&request, &[N1, N4]).violations, []);
}

#[test]
fn several_pipelines_run_beside_others_and_are_compared() {
    let request = cluster_with_a_hub(SLOW, &[]);
    let placed = |pipelines: &[Stages<'_>]| Placed::from_json(&json!(together(&request, pipelines))).unwrap();
    let halves: Stages<'_> = &[("n1", &["in", "a"]), ("n2", &["b"])];
    let now = placed(&[halves, N4]);
    let parts: Vec<f64> = now.pipelines.iter().map(|pipeline| pipeline.part).collect();
    assert!((parts.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{parts:?}");
    let occupant = occupant_of("p", &now, &request.cluster, None);
    assert_eq!(occupant.rate_per_s, 0.25);
    // Passes of a pipeline a second times its seconds: the part of the time that it works.
    let busy = |node: &str| occupant.nodes.iter().find(|it| it.node_id == node).unwrap().compute_s * 0.25;
    let rates = (parts[0] * 0.25, parts[1] * 0.25);
    assert!((busy("n1") - rates.0 * 4.0).abs() < 1e-12 && (busy("n4") - rates.1 * 2.0).abs() < 1e-12);
    let port: f64 = occupant.media.iter().filter(|it| it.id == "hub port out").map(|it| it.occupied_s).sum();
    assert!((port - 4.0).abs() < 1e-2, "{occupant:?}");

    let diff = diff(&request.model, &request.cluster, &placed(&[N1, N2]), &now);
    let moved: Vec<(&str, &str)> =
        diff.moved_layers.iter().map(|it| (it.layer_id.as_str(), it.to_node_id.as_str())).collect();
    // n1 and n2 hold all layers already.
    assert_eq!(moved, [("in", "n4"), ("a", "n4"), ("b", "n4")]);
    assert_eq!((diff.gained_node_ids, diff.lost_node_ids), (vec!["n4".to_owned()], vec![]));
    assert_eq!((diff.base_period_s, diff.period_s), (4.0, 4.0));

    let base = serde_json::to_value(now.base().unwrap()).unwrap();
    let stage = |node: &str, layers: &[&str]| json!({"node_id": node, "layer_ids": layers});
    let of_halves = json!({"stages": [stage("n1", &["in", "a"]), stage("n2", &["b"])]});
    assert_eq!(base, json!({"pipelines": [of_halves, {"stages": [stage("n4", ALL)]}]}));
    let fault = Placed { pipelines: Vec::new(), ..now }.base().unwrap_err();
    assert_eq!((fault.pointer.as_str(), fault.code), ("/pipelines", FaultCode::Empty));
    let mut unrated = json!(together(&request, &[N1, N4]));
    unrated["pipelines"][1].as_object_mut().unwrap().remove("rate_per_s");
    let faults = Placed::from_json(&unrated).unwrap_err();
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/pipelines/1/rate_per_s", FaultCode::Missing));
}

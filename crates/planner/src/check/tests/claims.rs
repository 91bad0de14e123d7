//! Documents: a true one passes, and each field that lies is found.

use super::*;
use crate::check::check;
use crate::domain::options::Algorithm;
use crate::domain::placement::{
    Bottleneck, FrontPoint, Pipeline, PlacementDocument, Reason, ReasonCode, Receive, Send, Status, Termination,
    Warning, WarningCode,
};

/// A true document about stages, with a bound that proves them best or not.
pub(super) fn true_document(request: &PlanRequest, stages: &[(&str, &[&str])], bound_s: f64) -> PlacementDocument {
    let evaluation = evaluated(request, stages);
    assert_eq!(evaluation.violations, []);
    let period_s = evaluation.period_s.unwrap();
    let (status, termination) = if bound_s == period_s {
        (Status::Optimal, Termination::Optimal)
    } else {
        (Status::Feasible, Termination::TimeLimit)
    };
    PlacementDocument {
        status,
        termination,
        algorithm: Algorithm::Auto,
        seed: 0,
        period_s: evaluation.period_s,
        throughput_per_s: evaluation.throughput_per_s,
        throughput_upper_bound_per_s: None,
        inferences_per_s: evaluation.inferences_per_s,
        latency_s: evaluation.latency_s,
        lower_bound_s: Some(bound_s),
        latency_is_least: Some(false),
        least_period_s: evaluation.period_s,
        fastest: None,
        lower_bound_nodes: None,
        cuts: None,
        gap: Some((period_s - bound_s) / period_s),
        media: evaluation.media,
        pipelines: vec![Pipeline {
            period_s,
            rate_per_s: evaluation.throughput_per_s,
            latency_s: evaluation.latency_s.unwrap(),
            bottleneck: evaluation.bottleneck.unwrap(),
            stages: evaluation.stages,
        }],
        front: Vec::new(),
        migration: None,
        occupants: Vec::new(),
        warnings: evaluation.warnings,
        reasons: Vec::new(),
        solve_s: 0.01,
        solver_version: "0".to_owned(),
    }
}

fn without_placement(status: Status, termination: Termination, reasons: Vec<Reason>) -> PlacementDocument {
    PlacementDocument {
        status,
        termination,
        period_s: None,
        throughput_per_s: None,
        throughput_upper_bound_per_s: None,
        inferences_per_s: None,
        latency_s: None,
        latency_is_least: None,
        least_period_s: None,
        lower_bound_s: None,
        gap: None,
        pipelines: Vec::new(),
        reasons,
        ..true_document(&request(), TWO, 2.5)
    }
}

fn reason() -> Reason {
    Reason {
        code: ReasonCode::Exhausted,
        detail: "nothing fits".to_owned(),
        figures: [("needed_bytes".to_owned(), 5.0)].into(),
        layer_ids: vec!["a".to_owned()],
        node_ids: vec!["n1".to_owned()],
        medium_ids: Vec::new(),
    }
}

pub(super) fn codes(request: &PlanRequest, document: &PlacementDocument) -> Vec<(ViolationCode, Option<u64>)> {
    check(request, document).iter().map(|violation| (violation.code, violation.stage_index)).collect()
}

/// What the checker finds once a true document was changed.
fn found(bound_s: f64, lie: impl FnOnce(&mut PlacementDocument)) -> Vec<(ViolationCode, Option<u64>)> {
    let mut document = true_document(&request(), TWO, bound_s);
    assert_eq!(codes(&request(), &document), [], "the document is true before it is changed");
    lie(&mut document);
    codes(&request(), &document)
}

pub(super) const CLAIM: (ViolationCode, Option<u64>) = (ViolationCode::ClaimWrong, None);

#[test]
pub(super) fn true_documents_pass() {
    assert_eq!(codes(&request(), &true_document(&request(), TWO, 2.5)), []);
    assert_eq!(codes(&request(), &true_document(&request(), TWO, 2.0)), []);
    assert_eq!(codes(&request(), &true_document(&request(), THREE, 0.0)), []);
    let infeasible = without_placement(Status::Infeasible, Termination::Infeasible, vec![reason()]);
    assert_eq!(codes(&request(), &infeasible), []);
    assert_eq!(codes(&request(), &without_placement(Status::Unknown, Termination::TimeLimit, Vec::new())), []);
}

#[test]
fn sums_in_another_order_are_no_lie() {
    let ends = ("", "constraints", json!({"source_node": "n3"}));
    let request = request_with(&[("/cluster", "network", json!({"kind": "full_mesh", "bandwidth_bps": 7.0})), ends]);
    let mut document = true_document(&request, TWO, 0.0);
    let latency_s = document.latency_s.unwrap();
    document.latency_s = Some(latency_s * (1.0 + 1e-10));
    assert_eq!(codes(&request, &document), []);
    document.latency_s = Some(latency_s * (1.0 + 1e-8));
    assert_eq!(codes(&request, &document), [(ViolationCode::FigureWrong, None)]);
}

#[test]
fn a_difference_of_prefix_sums_is_no_lie() {
    let time = |seconds: f64| json!({"pi": seconds});
    let request = request_with(&[
        ("/cluster/nodes/1", "device_class", json!("pi")),
        ("/model/layers/1", "time_s", time(9e6)),
        ("/model/layers/2", "time_s", time(0.1)),
        ("/model/layers/3", "time_s", time(0.2)),
    ]);
    let mut document = true_document(&request, TWO, 0.0);
    let difference_s = (9e6 + 0.1 + 0.2) - 9e6;
    assert!((difference_s - 0.3_f64).abs() > 3e-10);
    document.pipelines[0].stages[1].compute_s = difference_s;
    assert_eq!(codes(&request, &document), []);
    document.pipelines[0].stages[1].compute_s = 0.31;
    assert_eq!(codes(&request, &document), [(ViolationCode::FigureWrong, Some(1))]);
}

#[test]
fn each_figure_of_a_stage_is_recomputed() {
    let lies: [fn(&mut Stage); 5] = [
        |stage| stage.param_bytes += 1,
        |stage| stage.memory_bytes -= 1,
        |stage| stage.memory_capacity_bytes += 1,
        |stage| stage.compute_s *= 1.0 + 1e-8,
        |stage| stage.index = 7,
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let found = found(2.5, |document| lie(&mut document.pipelines[0].stages[1]));
        assert_eq!(found, [(ViolationCode::FigureWrong, Some(1))], "lie {number}");
    }
    let broken = found(2.5, |document| document.pipelines[0].stages[1].compute_s = f64::NAN);
    assert_eq!(broken, [(ViolationCode::FigureWrong, Some(1))]);
    let broken = found(2.5, |document| document.pipelines[0].stages[1].compute_s = f64::INFINITY);
    assert_eq!(broken, [(ViolationCode::FigureWrong, Some(1))]);
}

#[test]
fn a_wrong_figure_is_told_with_both_values() {
    let mut document = true_document(&request(), TWO, 2.5);
    document.pipelines[0].stages[0].memory_bytes = 9;
    let violation = check(&request(), &document).remove(0);
    let figures: Vec<(&str, f64)> = violation.figures.iter().map(|(name, &value)| (name.as_str(), value)).collect();
    assert_eq!(figures, [("computed_memory_bytes", 250.0), ("stated_memory_bytes", 9.0)]);
}

#[test]
fn each_transfer_is_recomputed() {
    fn send(document: &mut PlacementDocument) -> &mut Send {
        document.pipelines[0].stages[0].send.as_mut().unwrap()
    }
    fn receive(document: &mut PlacementDocument) -> &mut Receive {
        document.pipelines[0].stages[1].receive.as_mut().unwrap()
    }
    let sends: [fn(&mut PlacementDocument); 5] = [
        |document| send(document).bytes = 21,
        |document| send(document).to_node_id = "n3".to_owned(),
        |document| send(document).tensor_layer_ids = vec!["in".to_owned()],
        |document| send(document).tensor_layer_ids.clear(),
        |document| document.pipelines[0].stages[0].send = None,
    ];
    for (number, lie) in sends.into_iter().enumerate() {
        assert_eq!(found(2.5, lie), [(ViolationCode::TransferWrong, Some(0))], "lie {number}");
    }
    let receives: [fn(&mut PlacementDocument); 5] = [
        |document| receive(document).bytes = 19,
        |document| receive(document).tensor_layer_ids = vec!["in".to_owned()],
        |document| receive(document).tensor_layer_ids.clear(),
        |document| receive(document).from_node_id = "n3".to_owned(),
        |document| document.pipelines[0].stages[1].receive = None,
    ];
    for (number, lie) in receives.into_iter().enumerate() {
        assert_eq!(found(2.5, lie), [(ViolationCode::TransferWrong, Some(1))], "lie {number}");
    }
    assert_eq!(found(2.5, |document| send(document).transfer_s = 0.8), [(ViolationCode::FigureWrong, Some(0))]);
    assert_eq!(found(2.5, |document| receive(document).transfer_s = 0.6), [(ViolationCode::FigureWrong, Some(1))]);
    let invented = |document: &mut PlacementDocument| {
        document.pipelines[0].stages[1].send = document.pipelines[0].stages[0].send.clone()
    };
    assert_eq!(found(2.5, invented), [(ViolationCode::TransferWrong, Some(1))]);
}

#[test]
fn totals_are_recomputed() {
    let period = found(2.0, |document| {
        (document.period_s, document.least_period_s) = (Some(2.4), Some(2.4));
        document.throughput_per_s = Some(1.0 / 2.4);
        document.inferences_per_s = Some(1.0 / 2.4);
        document.gap = Some((2.4 - 2.0) / 2.4);
    });
    assert_eq!(period, [(ViolationCode::FigureWrong, None)]);
    assert_eq!(found(2.5, |document| document.latency_s = Some(4.1)), [(ViolationCode::FigureWrong, None)]);
    assert_eq!(found(2.5, |document| document.latency_s = None), [CLAIM]);
    assert_eq!(found(2.5, |document| document.period_s = None), [CLAIM, CLAIM, CLAIM]);
    assert_eq!(found(2.5, |document| document.throughput_per_s = Some(0.5)), [CLAIM]);
    assert_eq!(found(2.5, |document| document.throughput_per_s = None), [CLAIM]);
    assert_eq!(found(2.5, |document| document.inferences_per_s = Some(0.8)), [CLAIM]);
    assert_eq!(found(2.5, |document| document.inferences_per_s = None), [CLAIM]);
}

#[test]
fn proofs_and_gaps_stand_up() {
    let lies: [fn(&mut PlacementDocument); 16] = [
        |document| document.lower_bound_s = Some(2.5 - 1e-9),
        |document| document.lower_bound_s = None,
        |document| document.lower_bound_nodes = Some(1),
        |document| document.gap = Some(0.1),
        |document| document.gap = None,
        |document| document.gap = Some(f64::NAN),
        |document| document.status = Status::Feasible,
        |document| document.termination = Termination::TimeLimit,
        |document| document.pipelines[0].rate_per_s = Some(0.41),
        |document| document.pipelines[0].rate_per_s = None,
        |document| document.pipelines.push(document.pipelines[0].clone()),
        |document| document.pipelines.clear(),
        |document| document.reasons = vec![reason()],
        |document| document.algorithm = Algorithm::Exact,
        |document| document.solve_s = f64::NAN,
        |document| document.solve_s = -1.0,
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        assert_eq!(found(2.5, lie), [CLAIM], "lie {number}");
    }
    let above = |document: &mut PlacementDocument| {
        document.lower_bound_s = Some(2.6);
        document.gap = Some((2.5 - 2.6) / 2.5);
    };
    assert_eq!(found(2.0, above), [CLAIM]);
    assert_eq!(found(2.0, |document| document.termination = Termination::GapReached), [CLAIM]);
    let unproven = |document: &mut PlacementDocument| {
        (document.status, document.termination) = (Status::Optimal, Termination::Optimal);
    };
    assert_eq!(found(2.0, unproven), [CLAIM]);
    assert_eq!(found(2.0, |document| document.lower_bound_s = Some(f64::NAN)).first(), Some(&CLAIM));
}

#[test]
fn a_gap_that_the_request_allows_ends_a_search() {
    let request = request_with(&[("", "solver", json!({"gap": 0.2}))]);
    let mut document = true_document(&request, TWO, 2.0);
    document.termination = Termination::GapReached;
    assert_eq!(codes(&request, &document), []);
}

#[test]
fn the_bottleneck_takes_the_period() {
    let named = |kind, stage_index| {
        found(2.5, |document| document.pipelines[0].bottleneck = Bottleneck { kind, stage_index, medium_id: None })
    };
    assert_eq!(named(BottleneckKind::Stage, 1), []);
    for (kind, stage) in [
        (BottleneckKind::Stage, 0),
        (BottleneckKind::Stage, 2),
        (BottleneckKind::Hop, 0),
        (BottleneckKind::Node, 1),
        (BottleneckKind::Source, 0),
        (BottleneckKind::Sink, 1),
    ] {
        assert_eq!(named(kind, stage), [CLAIM], "{kind:?} {stage}");
    }
}

#[test]
fn the_points_of_a_front_differ_by_more_than_rounding_in_both() {
    let request = request_with(&[("", "objective", json!({"kind": "tradeoff"}))]);
    let found = |longer: f64, quicker: f64| {
        let mut document = true_document(&request, TWO, 2.5);
        (document.latency_is_least, document.least_period_s) = (None, None);
        let (period_s, latency_s) = (document.period_s.unwrap(), document.latency_s.unwrap());
        let point =
            |period_s, latency_s| FrontPoint { period_s, latency_s, stages: document.pipelines[0].stages.clone() };
        document.front = vec![point(period_s, latency_s), point(period_s * longer, latency_s * quicker)];
        codes(&request, &document)
    };
    // Both are the times of the stages to what the checker allows.
    assert_eq!(found(1.0 + 1e-10, 1.0 - 1e-10), []);
    for (longer, quicker) in
        [(1.0 + 1e-10, 1.0 - 1e-13), (1.0 + 1e-13, 1.0 - 1e-10), (1.0, 1.0), (1.0 - 1e-10, 0.9999999999)]
    {
        assert_eq!(found(longer, quicker), [CLAIM], "{longer}, {quicker}");
    }
}

#[test]
fn the_objective_says_what_is_bounded() {
    let request = request_with(&[("", "objective", json!({"kind": "min_latency"}))]);
    let mut document = true_document(&request, TWO, 2.5);
    assert_eq!(codes(&request, &document), [CLAIM, CLAIM, CLAIM]);
    (document.latency_is_least, document.least_period_s) = (None, None);
    (document.lower_bound_s, document.gap) = (document.latency_s, Some(0.0));
    assert_eq!(codes(&request, &document), []);

    let request = request_with(&[("", "objective", json!({"kind": "min_nodes", "target_period_s": 3.0}))]);
    let mut document = true_document(&request, TWO, 2.5);
    (document.lower_bound_s, document.latency_is_least, document.least_period_s) = (None, None, None);
    assert_eq!(codes(&request, &document), [CLAIM]);
    document.lower_bound_nodes = Some(2);
    assert_eq!(codes(&request, &document), []);
    document.lower_bound_nodes = Some(1);
    assert_eq!(codes(&request, &document), [CLAIM, CLAIM]);
    (document.status, document.termination, document.gap) = (Status::Feasible, Termination::TimeLimit, Some(0.5));
    assert_eq!(codes(&request, &document), []);
    document.lower_bound_s = Some(0.0);
    assert_eq!(codes(&request, &document), [CLAIM]);
}

#[test]
fn a_period_of_zero_is_proven_by_a_bound_of_zero() {
    let request = request_with(&[("", "cost_model", json!({"compute": "ignore"}))]);
    let mut document = true_document(&request, &[("n1", &["in", "a", "b", "c"])], 0.0);
    document.gap = Some(0.0);
    assert_eq!(codes(&request, &document), []);
}

#[test]
fn a_warning_must_not_be_left_out() {
    let nodes = json!([{"id": "n1", "memory_bytes": 1000}]);
    let request = request_with(&[("/cluster", "nodes", nodes), ("/cluster", "links", json!([]))]);
    let mut document = true_document(&request, &[("n1", &["in", "a", "b", "c"])], 0.0);
    document.gap = Some(0.0);
    assert_eq!(codes(&request, &document), []);
    document.warnings.clear();
    assert_eq!(codes(&request, &document), [CLAIM]);
    document.warnings = vec![Warning { code: WarningCode::ComputePartlyUnknown, detail: "another warning".to_owned() }];
    assert_eq!(codes(&request, &document), [CLAIM]);
}

#[test]
fn violations_of_the_stages_are_found_in_a_document_too() {
    let small = request_with(&[("/cluster/nodes/0", "memory_bytes", json!(349))]);
    let mut document = true_document(&request(), TWO, 2.5);
    document.pipelines[0].stages[0].memory_capacity_bytes = 249;
    assert_eq!(codes(&small, &document), [(ViolationCode::MemoryExceeded, Some(0))]);
    document.pipelines[0].stages.clear();
    assert_eq!(codes(&small, &document), [(ViolationCode::NoStage, None)]);
}

#[test]
fn documents_without_a_placement_claim_nothing_else() {
    let infeasible = |reasons| without_placement(Status::Infeasible, Termination::Infeasible, reasons);
    assert_eq!(codes(&request(), &infeasible(Vec::new())), [CLAIM]);
    let lie = |change: fn(&mut Reason)| {
        let mut reason = reason();
        change(&mut reason);
        codes(&request(), &infeasible(vec![reason]))
    };
    assert_eq!(lie(|reason| reason.layer_ids = vec!["x".to_owned()]), [CLAIM]);
    assert_eq!(lie(|reason| reason.node_ids = vec!["x".to_owned()]), [CLAIM]);
    assert_eq!(lie(|reason| reason.figures = [("x_bytes".to_owned(), f64::NAN)].into()), [CLAIM]);

    let unknown = |reasons| without_placement(Status::Unknown, Termination::TimeLimit, reasons);
    assert_eq!(codes(&request(), &unknown(vec![reason()])), [CLAIM]);
    let figures: [fn(&mut PlacementDocument); 6] = [
        |document| document.period_s = Some(1.0),
        |document| document.latency_s = Some(1.0),
        |document| document.gap = Some(0.0),
        |document| document.throughput_per_s = Some(1.0),
        |document| document.inferences_per_s = Some(1.0),
        |document| document.pipelines = true_document(&request(), TWO, 2.5).pipelines,
    ];
    for (number, lie) in figures.into_iter().enumerate() {
        let mut document = unknown(Vec::new());
        lie(&mut document);
        assert_eq!(codes(&request(), &document), [CLAIM], "lie {number}");
    }
    for termination in [Termination::Optimal, Termination::Infeasible, Termination::GapReached] {
        let found = codes(&request(), &without_placement(Status::Unknown, termination, Vec::new()));
        assert_eq!(found.first(), Some(&CLAIM), "{termination:?}");
    }
}

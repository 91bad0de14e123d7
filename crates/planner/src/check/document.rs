//! Checks a whole placement document against its request: recomputes every figure and examines
//! every claim.

mod least_period;
mod several;

use std::collections::BTreeSet;

use super::route::media_of;
use super::rules::TOLERANCE;
use super::{
    Evaluated, Evaluation, StageProposal, Violation, ViolationCode, evaluate_with_loads, inferences_per_s,
    throughput_per_s,
};
use crate::domain::migration::Migration;
use crate::domain::occupant::OccupantEffect;
use crate::domain::options::Objective;
use crate::domain::placement::{Bottleneck, FrontPoint, MediumUse, PlacementDocument, Stage, Status, Termination};
use crate::domain::request::PlanRequest;

/// The relative difference that is allowed between an optimum's objective and its bound. Both are
/// sums of the same numbers, perhaps in another order.
const PROOF_TOLERANCE: f64 = 1e-12;

/// Returns every violation of a document.
pub(super) fn check(request: &PlanRequest, document: &PlacementDocument) -> Vec<Violation> {
    let mut findings = Findings { violations: Vec::new() };
    findings.check_ending(request, document);
    findings.check_bounds(request, document);
    match document.status {
        Status::Optimal | Status::Feasible => findings.check_placement(request, document),
        Status::Infeasible | Status::Unknown => findings.check_absence(request, document),
    }
    findings.violations
}

struct Findings {
    violations: Vec<Violation>,
}

impl Findings {
    fn claim(&mut self, detail: impl Into<String>) {
        self.violations.push(Violation::new(ViolationCode::ClaimWrong, detail));
    }

    /// Checks that status, termination and algorithm are consistent.
    fn check_ending(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let (status, termination) = (document.status, document.termination);
        let fits = match status {
            Status::Optimal => termination == Termination::Optimal,
            Status::Infeasible => termination == Termination::Infeasible,
            Status::Feasible => !matches!(termination, Termination::Optimal | Termination::Infeasible),
            Status::Unknown => {
                matches!(termination, Termination::Exhausted | Termination::TimeLimit | Termination::Stopped)
            }
        };
        if !fits {
            self.claim(format!("the status {status:?} does not go with the termination {termination:?}"));
        }
        let allowed_gap = request.options.solver.gap;
        if termination == Termination::GapReached && document.gap.is_none_or(|gap| gap > allowed_gap + TOLERANCE) {
            self.claim(format!("the gap is not at or below {allowed_gap}, as the termination says"));
        }
        if document.algorithm != request.options.solver.algorithm {
            self.claim("the algorithm is not the one that was asked for");
        }
        if !(document.solve_s.is_finite() && document.solve_s >= 0.0) {
            self.claim("solve_s is not a time");
        }
    }

    /// Checks that each bound has the unit of the objective.
    fn check_bounds(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let counts_nodes = matches!(request.options.objective, Objective::MinNodes { .. });
        if counts_nodes && document.lower_bound_s.is_some() {
            self.claim("lower_bound_s is given, but the objective counts nodes");
        }
        if !counts_nodes && document.lower_bound_nodes.is_some() {
            self.claim("lower_bound_nodes is given, but the objective is a time");
        }
        if document.lower_bound_s.is_some_and(|bound| !(bound.is_finite() && bound >= 0.0)) {
            self.claim("lower_bound_s is not a time");
        }
    }

    /// Checks a document that claims a placement: it must have one, and its figures and claims must
    /// be true.
    fn check_placement(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        if request.options.wants_several() {
            return self.check_several(request, document);
        }
        if document.throughput_upper_bound_per_s.is_some() {
            self.claim("throughput_upper_bound_per_s goes with several pipelines alone");
        }
        if document.pipelines.len() != 1 {
            return self.claim(format!("there are {} pipelines, and not one", document.pipelines.len()));
        }
        let Evaluated { evaluation, loads, rounding_s, .. } =
            evaluate_with_loads(request, &proposals(document.stages()));
        let tolerance = Tolerance { rounding_s };
        for expected in &evaluation.stages {
            self.check_stage(expected, &document.stages()[expected.index as usize], tolerance);
        }
        for (position, stage) in document.stages().iter().enumerate().filter(|(at, stage)| stage.index != *at as u64) {
            self.figure(position, "index", stage.index as f64, position as f64);
        }
        self.check_totals(document, &evaluation, tolerance);
        self.check_rates(request, document, &evaluation);
        if let (Some(period_s), Some(pipeline)) = (evaluation.period_s, document.pipeline()) {
            self.check_bottleneck(&pipeline.bottleneck, period_s, &loads, tolerance);
            self.check_media(&document.media, &evaluation.media, tolerance);
            self.check_occupants(&document.occupants, &evaluation.occupants, tolerance);
        }
        self.check_gap(request, document);
        self.check_migration(request, document, evaluation.migration.as_ref());
        self.check_front(request, document);
        self.check_least_period(request, document, tolerance);
        if !document.reasons.is_empty() {
            self.claim("there are stages and also reasons why there are none");
        }
        self.check_warnings(document, [&evaluation]);
        self.violations.extend(evaluation.violations);
    }

    fn check_warnings<'e>(
        &mut self,
        document: &PlacementDocument,
        evaluations: impl IntoIterator<Item = &'e Evaluation>,
    ) {
        for warning in evaluations.into_iter().flat_map(|evaluation| &evaluation.warnings) {
            if !document.warnings.iter().any(|given| given.code == warning.code) {
                self.claim(format!("a warning is missing: {}", warning.detail));
            }
        }
    }

    fn check_stage(&mut self, expected: &Stage, stated: &Stage, tolerance: Tolerance) {
        let at = expected.index as usize;
        let figures = [
            ("param_bytes", stated.param_bytes, expected.param_bytes),
            ("memory_bytes", stated.memory_bytes, expected.memory_bytes),
            ("memory_capacity_bytes", stated.memory_capacity_bytes, expected.memory_capacity_bytes),
        ];
        for (name, stated, expected) in figures.into_iter().filter(|(_, stated, expected)| stated != expected) {
            self.figure(at, name, stated as f64, expected as f64);
        }
        if !tolerance.same(stated.compute_s, expected.compute_s) {
            self.figure(at, "compute_s", stated.compute_s, expected.compute_s);
        }
        if !close(stated.compute_share.unwrap_or(1.0), expected.compute_share.unwrap_or(1.0)) {
            self.figure(
                at,
                "compute_share",
                stated.compute_share.unwrap_or(1.0),
                expected.compute_share.unwrap_or(1.0),
            );
        }
        if stated.constant_layer_ids.iter().collect::<BTreeSet<_>>() != expected.constant_layer_ids.iter().collect() {
            let detail = format!("stage {at}: its constant layers must be {:?}", expected.constant_layer_ids);
            let violation = Violation::new(ViolationCode::ClaimWrong, detail).at(at);
            self.violations.push(violation.layers(expected.constant_layer_ids.iter().cloned()));
        }
        let received = |stage: &Stage| stage.receive.clone().map(|it| (it.from_node_id, it.tensor_layer_ids, it.bytes));
        let sent = |stage: &Stage| stage.send.clone().map(|it| (it.to_node_id, it.tensor_layer_ids, it.bytes));
        for (name, stated, expected) in
            [("receive", received(stated), received(expected)), ("send", sent(stated), sent(expected))]
        {
            if stated != expected {
                let text = |transfer: &Option<(String, Vec<String>, u64)>| match transfer {
                    Some((node, layers, bytes)) => format!("{bytes} bytes of {layers:?}, other end {node:?}"),
                    None => "no transfer".to_owned(),
                };
                let detail = format!("stage {at}: {name} is {}, but must be {}", text(&stated), text(&expected));
                self.violations.push(Violation::new(ViolationCode::TransferWrong, detail).at(at));
            }
        }
        let routes = [
            ("receive", stated.receive.as_ref().zip(expected.receive.as_ref()).map(|(a, b)| (&a.route, &b.route))),
            ("send", stated.send.as_ref().zip(expected.send.as_ref()).map(|(a, b)| (&a.route, &b.route))),
        ];
        for (name, pair) in routes {
            if let Some((stated, expected)) = pair.filter(|(stated, expected)| stated != expected) {
                let detail = format!("stage {at}: {name} has the route {stated:?}, but must have {expected:?}");
                self.violations.push(Violation::new(ViolationCode::TransferWrong, detail).at(at));
            }
        }
        let receive_s = |stage: &Stage| stage.receive.as_ref().map(|receive| receive.transfer_s);
        let send_s = |stage: &Stage| stage.send.as_ref().map(|send| send.transfer_s);
        let receive_share = |stage: &Stage| Some(stage.receive.as_ref()?.bandwidth_share.unwrap_or(1.0));
        let send_share = |stage: &Stage| Some(stage.send.as_ref()?.bandwidth_share.unwrap_or(1.0));
        let times = [
            ("receive.transfer_s", receive_s(stated).zip(receive_s(expected))),
            ("send.transfer_s", send_s(stated).zip(send_s(expected))),
            ("receive.bandwidth_share", receive_share(stated).zip(receive_share(expected))),
            ("send.bandwidth_share", send_share(stated).zip(send_share(expected))),
        ];
        for (name, pair) in times {
            if let Some((stated, expected)) = pair.filter(|(stated, expected)| !close(*stated, *expected)) {
                self.figure(at, name, stated, expected);
            }
        }
    }

    fn check_totals(&mut self, document: &PlacementDocument, evaluation: &Evaluation, tolerance: Tolerance) {
        // Stages with violations have no totals to compare with.
        let (Some(period_s), Some(latency_s)) = (evaluation.period_s, evaluation.latency_s) else { return };
        let pipeline = document.pipeline();
        let totals = [
            ("period_s", document.period_s, period_s),
            ("latency_s", document.latency_s, latency_s),
            ("pipelines.0.period_s", pipeline.map(|pipeline| pipeline.period_s), period_s),
            ("pipelines.0.latency_s", pipeline.map(|pipeline| pipeline.latency_s), latency_s),
        ];
        for (name, stated, expected) in totals {
            match stated {
                Some(stated) if tolerance.same(stated, expected) => {}
                Some(stated) => self.total(name, stated, expected),
                None => self.claim(format!("{name} is missing")),
            }
        }
    }

    /// Checks that passes and inferences per second follow from the period that the document
    /// states.
    fn check_rates(&mut self, request: &PlanRequest, document: &PlacementDocument, evaluation: &Evaluation) {
        if evaluation.period_s.is_none() {
            return;
        }
        let same = |stated: Option<f64>, expected: Option<f64>| match (stated, expected) {
            (Some(stated), Some(expected)) => close(stated, expected),
            (None, None) => true,
            _ => false,
        };
        if !same(document.throughput_per_s, document.period_s.and_then(throughput_per_s)) {
            self.claim("throughput_per_s is not 1 / period_s");
        }
        if document.pipelines.iter().any(|pipeline| !same(pipeline.rate_per_s, throughput_per_s(pipeline.period_s))) {
            self.claim("the rate of a pipeline is not 1 / period_s");
        }
        let expected = document.period_s.and_then(|period_s| inferences_per_s(request, period_s));
        if !same(document.inferences_per_s, expected) {
            self.claim("inferences_per_s is not batch_size / period_s");
        }
    }

    fn check_bottleneck(
        &mut self,
        bottleneck: &Bottleneck,
        period_s: f64,
        loads: &[(Bottleneck, f64)],
        tolerance: Tolerance,
    ) {
        if !loads.iter().any(|(load, seconds)| load == bottleneck && tolerance.same(*seconds, period_s)) {
            let (kind, stage) = (bottleneck.kind, bottleneck.stage_index);
            let medium = bottleneck.medium_id.as_ref().map_or(String::new(), |id| format!(" on the medium {id:?}"));
            self.claim(format!("the bottleneck {kind:?} of stage {stage}{medium} does not take the period"));
        }
    }

    /// Checks that the document lists the media that two or more transfers use, the most occupied
    /// first.
    fn check_media(&mut self, stated: &[MediumUse], expected: &[MediumUse], tolerance: Tolerance) {
        let by_id = |media: &[MediumUse]| {
            let mut media = media.to_vec();
            media.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.occupied_s.total_cmp(&b.occupied_s)));
            media
        };
        let (given, expected) = (by_id(stated), by_id(expected));
        let same = |(given, expected): (&MediumUse, &MediumUse)| {
            given.id == expected.id && tolerance.same(given.occupied_s, expected.occupied_s)
        };
        if given.len() != expected.len() || !given.iter().zip(&expected).all(same) {
            return self.claim(format!("the media must be {expected:?}"));
        }
        let in_order = |pair: &[MediumUse]| {
            let (before, after) = (&pair[0], &pair[1]);
            before.occupied_s > after.occupied_s || (before.occupied_s == after.occupied_s && before.id <= after.id)
        };
        if !stated.windows(2).all(in_order) {
            self.claim("the media are not in order: the most occupied first, then by id");
        }
    }

    /// Checks that the bound is at most the objective, that the gap follows from both, and that an
    /// optimum's bound equals its objective.
    fn check_gap(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let (objective, bound) = match request.options.objective {
            Objective::MaxThroughput if least_period::is_told(request) => {
                (document.least_period_s, document.lower_bound_s)
            }
            Objective::MaxThroughput | Objective::Tradeoff => (document.period_s, document.lower_bound_s),
            Objective::MinLatency => (document.latency_s, document.lower_bound_s),
            Objective::MinNodes { .. } => {
                (Some(document.stages().len() as f64), document.lower_bound_nodes.map(|nodes| nodes as f64))
            }
        };
        let Some(bound) = bound else { return self.claim("there is a placement but no lower bound") };
        let Some(objective) = objective else { return };
        if bound > objective * (1.0 + PROOF_TOLERANCE) {
            self.claim(format!("the lower bound {bound} is above the objective {objective}"));
        }
        if request.options.base.is_some() {
            // With a base, the gap is that of the bytes shipped.
            return;
        }
        let proven = (objective - bound).abs() <= PROOF_TOLERANCE * objective;
        if document.status == Status::Optimal && !proven {
            self.claim(format!("the lower bound {bound} does not prove the objective {objective}"));
        }
        let gap = if objective > 0.0 { (objective - bound) / objective } else { 0.0 };
        if !document.gap.is_some_and(|stated| (stated - gap).abs() <= TOLERANCE) {
            self.claim(format!("the gap must be {gap}"));
        }
    }

    /// Checks the new periods of the occupants.
    fn check_occupants(&mut self, stated: &[OccupantEffect], expected: &[OccupantEffect], tolerance: Tolerance) {
        let same = |(stated, expected): (&OccupantEffect, &OccupantEffect)| {
            stated.id == expected.id
                && stated.period_s == expected.period_s
                && tolerance.same(stated.new_period_s, expected.new_period_s)
        };
        if stated.len() != expected.len() || !stated.iter().zip(expected).all(same) {
            self.claim(format!("the occupants' periods must be {expected:?}"));
        }
    }

    /// Checks that the migration follows from the stages, and that its claims are consistent.
    fn check_migration(&mut self, request: &PlanRequest, document: &PlacementDocument, expected: Option<&Migration>) {
        let (stated, expected) = match (&document.migration, expected) {
            (Some(stated), Some(expected)) => (stated, expected),
            (None, None) => return,
            _ => return self.claim("a migration goes with a base, and with nothing else"),
        };
        let sorted = |migration: &Migration| {
            let mut moved = migration.moved_layers.clone();
            moved.sort_by(|a, b| (&a.layer_id, &a.to_node_id).cmp(&(&b.layer_id, &b.to_node_id)));
            moved
        };
        if sorted(stated) != sorted(expected) {
            self.claim("moved_layers are not those whose nodes do not hold them in the base");
        }
        for (name, stated, expected) in [
            ("shipped_bytes", stated.shipped_bytes, expected.shipped_bytes),
            ("unsourced_bytes", stated.unsourced_bytes, expected.unsourced_bytes),
        ] {
            if stated != expected {
                self.total(name, stated as f64, expected as f64);
            }
        }
        if !close(stated.estimated_s, expected.estimated_s) {
            self.total("estimated_s", stated.estimated_s, expected.estimated_s);
        }
        self.check_migration_claims(request, document, stated);
    }

    fn check_migration_claims(&mut self, request: &PlanRequest, document: &PlacementDocument, stated: &Migration) {
        let claims = (stated.lower_bound_bytes, stated.least_period_s, stated.max_period_s);
        let ((Some(bound_bytes), Some(least_s), Some(most_s)), Some(bound_s), Some(period_s)) =
            (claims, document.lower_bound_s, document.period_s)
        else {
            return self.claim("the migration lacks its bound or a period");
        };
        let shipped_bytes = stated.shipped_bytes;
        if bound_bytes > shipped_bytes {
            self.claim(format!("the lower bound of {bound_bytes} bytes is above the {shipped_bytes} shipped"));
        }
        let ratio = request.options.max_period_ratio.unwrap_or(1.0);
        if !close(most_s, f64::max(least_s, ratio * bound_s)) {
            self.claim("max_period_s is neither the least period found nor the ratio times the bound");
        }
        if bound_s > least_s * (1.0 + PROOF_TOLERANCE) || least_s > period_s * (1.0 + PROOF_TOLERANCE) {
            self.claim("the period, the least period found and its bound are not in order");
        }
        if period_s > most_s * (1.0 + TOLERANCE) {
            self.claim(format!("the period {period_s} is above max_period_s {most_s}"));
        }
        let proven = (least_s - bound_s).abs() <= PROOF_TOLERANCE * least_s && bound_bytes == shipped_bytes;
        if document.status == Status::Optimal && !proven {
            self.claim("least period and bytes are not both proven");
        }
        let saving = shipped_bytes.saturating_sub(bound_bytes) as f64;
        let gap = if shipped_bytes > 0 { saving / shipped_bytes as f64 } else { 0.0 };
        if !document.gap.is_some_and(|stated| (stated - gap).abs() <= TOLERANCE) {
            self.claim(format!("the gap must be {gap}"));
        }
    }

    /// Checks a front. Every point is a valid placement with its figures. No point is as good as
    /// another in both figures, except for rounding. The first point is the answer.
    fn check_front(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let front = &document.front;
        if request.options.objective != Objective::Tradeoff {
            if !front.is_empty() {
                self.claim("a front goes with the objective tradeoff alone");
            }
            return;
        }
        if document.status == Status::Optimal && front.is_empty() {
            self.claim("a proven front has at least one point");
        }
        let is_less = |less: f64, more: f64| less < more && less <= more * (1.0 - PROOF_TOLERANCE);
        let in_order = |pair: &[FrontPoint]| {
            is_less(pair[0].period_s, pair[1].period_s) && is_less(pair[1].latency_s, pair[0].latency_s)
        };
        if !front.windows(2).all(in_order) {
            self.claim("the points of the front do not ascend in period and descend in latency by more than rounding");
        }
        if front.first().is_some_and(|first| first.stages != document.stages()) {
            self.claim("the first point of the front is not the answer's placement");
        }
        for (index, point) in front.iter().enumerate() {
            let Evaluated { evaluation, rounding_s, .. } = evaluate_with_loads(request, &proposals(&point.stages));
            let tolerance = Tolerance { rounding_s };
            let figures = [(point.period_s, evaluation.period_s), (point.latency_s, evaluation.latency_s)];
            let same = |(stated, expected): (f64, Option<f64>)| expected.is_some_and(|it| tolerance.same(stated, it));
            if !figures.into_iter().all(same) {
                self.claim(format!("point {index} of the front does not have its period and latency"));
            }
            for expected in &evaluation.stages {
                self.check_stage(expected, &point.stages[expected.index as usize], tolerance);
            }
            self.violations.extend(evaluation.violations);
        }
    }

    /// Checks a document that claims no placement: it must have none, and no figures of one.
    fn check_absence(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let status = document.status;
        let rates = [document.throughput_per_s, document.inferences_per_s];
        let figures = [document.period_s, document.latency_s, document.gap].into_iter().chain(rates);
        let extras = !document.front.is_empty()
            || !document.media.is_empty()
            || !document.occupants.is_empty()
            || document.migration.is_some()
            || document.latency_is_least.is_some()
            || document.least_period_s.is_some()
            || document.fastest.is_some();
        if !document.pipelines.is_empty() || extras || figures.flatten().next().is_some() {
            self.claim(format!("the status {status:?} comes with a placement or its figures"));
        }
        match (status == Status::Infeasible, document.reasons.is_empty()) {
            (true, true) => self.claim("the status Infeasible has no reason"),
            (false, false) => self.claim("the status Unknown has reasons why there is no placement"),
            _ => {}
        }
        let layers: BTreeSet<&str> = request.model.layers.iter().map(|layer| layer.id.as_str()).collect();
        let nodes: BTreeSet<&str> = request.cluster.nodes.iter().map(|node| node.id.as_str()).collect();
        let media = document.reasons.iter().flat_map(|reason| &reason.medium_ids).map(String::as_str).collect();
        let known_media = media_of(&request.cluster, &media);
        for reason in &document.reasons {
            if !reason.medium_ids.iter().all(|id| known_media.contains_key(id.as_str())) {
                self.claim(format!("the reason {:?} names a medium that does not exist", reason.code));
            }
            let known = |ids: &[String], all: &BTreeSet<&str>| ids.iter().all(|id| all.contains(id.as_str()));
            if !known(&reason.layer_ids, &layers) || !known(&reason.node_ids, &nodes) {
                self.claim(format!("the reason {:?} names a layer or a node that does not exist", reason.code));
            }
            if reason.figures.values().any(|figure| !figure.is_finite()) {
                self.claim(format!("the reason {:?} has a figure that is not a number", reason.code));
            }
        }
    }

    fn figure(&mut self, stage: usize, name: &str, stated: f64, computed: f64) {
        let detail = format!("stage {stage}: {name} is {stated}, but the model and the cluster give {computed}");
        self.violations.push(figure_wrong(detail, name, stated, computed).at(stage));
    }

    fn total(&mut self, name: &str, stated: f64, computed: f64) {
        let detail = format!("{name} is {stated}, but the stages give {computed}");
        self.violations.push(figure_wrong(detail, name, stated, computed));
    }
}

fn proposals(stages: &[Stage]) -> Vec<StageProposal> {
    let propose = |stage: &Stage| StageProposal { node_id: stage.node_id.clone(), layer_ids: stage.layer_ids.clone() };
    stages.iter().map(propose).collect()
}

fn figure_wrong(detail: String, name: &str, stated: f64, computed: f64) -> Violation {
    let violation = Violation::new(ViolationCode::FigureWrong, detail);
    let name = name.rsplit('.').next().unwrap_or(name);
    violation.figure(&format!("stated_{name}"), stated).figure(&format!("computed_{name}"), computed)
}

/// The difference, in seconds, that is allowed between two times summed in different orders.
#[derive(Clone, Copy)]
struct Tolerance {
    rounding_s: f64,
}

impl Tolerance {
    fn same(self, stated: f64, expected: f64) -> bool {
        close(stated, expected) || (stated - expected).abs() <= self.rounding_s
    }
}

/// Returns `true` if two numbers are equal within a relative 1e-9. NaN equals nothing, and an
/// infinity equals only itself.
fn close(stated: f64, expected: f64) -> bool {
    let difference = (stated - expected).abs();
    stated == expected || (difference.is_finite() && difference <= TOLERANCE * stated.abs().max(expected.abs()))
}

//! Checks the least period that a document claims, and the placement that has it.

use super::{Findings, PROOF_TOLERANCE, Tolerance, proposals};
use crate::check::rules::TOLERANCE;
use crate::check::{Evaluated, evaluate_with_loads};
use crate::domain::options::{Algorithm, Objective};
use crate::domain::placement::{FastestPlacement, PlacementDocument};
use crate::domain::request::PlanRequest;

/// Returns `true` if answers to a request tell the least period found, and decide among nearly equal
/// periods by the latency.
pub(super) fn is_told(request: &PlanRequest) -> bool {
    request.options.objective == Objective::MaxThroughput && request.options.base.is_none()
}

impl Findings {
    /// Checks that the period is within the tolerance of the least period, which a placement has.
    pub(super) fn check_least_period(
        &mut self,
        request: &PlanRequest,
        document: &PlacementDocument,
        tolerance: Tolerance,
    ) {
        if !is_told(request) {
            if document.latency_is_least.is_some() || document.least_period_s.is_some() || document.fastest.is_some() {
                self.claim(
                    "latency_is_least, least_period_s and fastest go with max_throughput without a base, and with nothing else",
                );
            }
            return;
        }
        if document.latency_is_least.is_none() {
            self.claim("latency_is_least is missing");
        }
        let Some(least_s) = document.least_period_s else { return self.claim("least_period_s is missing") };
        let (Some(period_s), Some(bound_s)) = (document.period_s, document.lower_bound_s) else { return };
        let has_tolerance = matches!(request.options.solver.algorithm, Algorithm::Auto | Algorithm::Exact);
        let allowed = if has_tolerance { request.options.solver.tolerance } else { 0.0 };
        let largest_s = least_s.max((1.0 + allowed) * bound_s);
        if least_s > period_s {
            self.claim(format!("least_period_s of {least_s} is above the period {period_s}"));
        } else if period_s > largest_s * (1.0 + TOLERANCE) + tolerance.rounding_s {
            self.claim(format!("the period {period_s} is above the {largest_s} that the tolerance allows"));
        }
        match &document.fastest {
            Some(_) if period_s <= least_s => self.claim("fastest is given, but the answer has the least period"),
            None if period_s > least_s => self.claim("no placement with the least period is given"),
            Some(fastest) => self.check_fastest(request, document, fastest, least_s),
            None => {}
        }
    }

    /// Checks that the fastest placement is valid, has the least period, and has no smaller latency
    /// than the answer.
    fn check_fastest(
        &mut self,
        request: &PlanRequest,
        document: &PlacementDocument,
        fastest: &FastestPlacement,
        least_s: f64,
    ) {
        if fastest.period_s != least_s {
            self.claim(format!("the period {} of fastest is not the least period {least_s}", fastest.period_s));
        }
        if document.latency_s.is_some_and(|latency_s| fastest.latency_s < latency_s * (1.0 - PROOF_TOLERANCE)) {
            self.claim("fastest has a smaller latency than the answer, and a smaller period");
        }
        let Evaluated { evaluation, rounding_s, .. } = evaluate_with_loads(request, &proposals(&fastest.stages));
        let tolerance = Tolerance { rounding_s };
        let figures = [(fastest.period_s, evaluation.period_s), (fastest.latency_s, evaluation.latency_s)];
        let same = |(stated, expected): (f64, Option<f64>)| expected.is_some_and(|it| tolerance.same(stated, it));
        if !figures.into_iter().all(same) {
            self.claim("the stages of fastest do not have its period and latency");
        }
        for expected in &evaluation.stages {
            self.check_stage(expected, &fastest.stages[expected.index as usize], tolerance);
        }
        self.violations.extend(evaluation.violations);
    }
}

//! Checks a document of several pipelines: that their nodes are disjoint, each pipeline by itself, their rates, and what the
//! document says of all of them together.

use super::{Findings, PROOF_TOLERANCE, Tolerance, close, proposals};
use crate::check::occupied::{Occupied, Paced};
use crate::check::rules::TOLERANCE;
use crate::check::several::{count_violations, migration_of_all, target_violation};
use crate::check::sharing::{Resource, Uses, media, most_per_s, uses};
use crate::check::{Evaluated, StageProposal, Violation, ViolationCode, evaluate_with_loads};
use crate::domain::options::Objective;
use crate::domain::placement::{Pipeline, PlacementDocument, Status};
use crate::domain::request::PlanRequest;

impl Findings {
    /// Checks a document with a placement whose request allows several pipelines.
    pub(super) fn check_several(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let pipelines = &document.pipelines;
        if pipelines.is_empty() {
            return self.claim("there is no pipeline");
        }
        let nodes = pipelines.iter().map(|it| it.stages.iter().map(|stage| stage.node_id.as_str()).collect());
        self.violations.extend(count_violations(request, &nodes.collect::<Vec<Vec<&str>>>()));
        let evaluate = |it: &Pipeline| evaluate_with_loads(request, &proposals(&it.stages));
        let evaluated: Vec<Evaluated<'_>> = pipelines.iter().map(evaluate).collect();
        for (index, (stated, evaluated)) in pipelines.iter().zip(&evaluated).enumerate() {
            let before = self.violations.len();
            self.check_pipeline(stated, evaluated);
            self.violations[before..].iter_mut().for_each(|it| it.pipeline_index = Some(index as u64));
        }
        self.check_warnings(document, evaluated.iter().map(|it| &it.evaluation));
        if !document.reasons.is_empty() {
            self.claim("there are stages and also reasons why there are none");
        }
        self.check_nothing_of_one(document);
        self.check_proof(request, document);
        let stages: Vec<Vec<StageProposal>> = pipelines.iter().map(|it| proposals(&it.stages)).collect();
        self.check_migration(request, document, migration_of_all(request, &stages).as_ref());
        let periods_s: Vec<f64> = evaluated.iter().filter_map(|it| it.evaluation.period_s).collect();
        if periods_s.len() < pipelines.len() {
            // A pipeline with violations has no figures to compare with.
            return;
        }
        let tolerance = Tolerance { rounding_s: evaluated.iter().map(|it| it.rounding_s).sum() };
        let uses = uses(request, &evaluated);
        let rates = match self.rates(pipelines, &periods_s) {
            Some(rates) => rates,
            None => return,
        };
        if rates.iter().all(|rate| rate.is_finite()) {
            self.check_rates_of_all(request, document, (&uses, &rates), (&periods_s, tolerance));
        }
        self.check_sums(request, document, &rates, tolerance);
        self.check_media(&document.media, &media(&uses, &rates), tolerance);
        let pipelines = evaluated.iter().zip(&rates);
        let paced = pipelines.map(|(it, rate)| Paced::new(&it.evaluation.stages, &it.traffic, 1.0 / rate));
        let effects = Occupied::new(request).effects(&paced.collect::<Vec<Paced<'_>>>());
        self.check_occupants(&document.occupants, &effects, tolerance);
    }

    /// Checks a pipeline as if it were alone, except for its rate.
    fn check_pipeline(&mut self, stated: &Pipeline, evaluated: &Evaluated<'_>) {
        let Evaluated { evaluation, loads, rounding_s, .. } = evaluated;
        let tolerance = Tolerance { rounding_s: *rounding_s };
        for expected in &evaluation.stages {
            self.check_stage(expected, &stated.stages[expected.index as usize], tolerance);
        }
        for (position, stage) in stated.stages.iter().enumerate().filter(|(at, stage)| stage.index != *at as u64) {
            self.figure(position, "index", stage.index as f64, position as f64);
        }
        if let (Some(period_s), Some(latency_s)) = (evaluation.period_s, evaluation.latency_s) {
            let figures = [("period_s", stated.period_s, period_s), ("latency_s", stated.latency_s, latency_s)];
            for (name, stated, expected) in figures {
                if !tolerance.same(stated, expected) {
                    self.total(name, stated, expected);
                }
            }
            self.check_bottleneck(&stated.bottleneck, period_s, loads, tolerance);
        }
        self.violations.extend(evaluation.violations.iter().cloned());
    }

    /// Returns the rates that the document states, infinite for the only pipeline if its period is 0.
    fn rates(&mut self, pipelines: &[Pipeline], periods_s: &[f64]) -> Option<Vec<f64>> {
        let is_instant = |period_s: f64| !(1.0 / period_s).is_finite();
        if periods_s.iter().any(|&period_s| is_instant(period_s)) {
            if pipelines.len() > 1 {
                self.claim("a pipeline has the period 0, but is not the only one");
                return None;
            }
            if pipelines[0].rate_per_s.is_some() {
                self.claim("a rate is given, but the period is 0");
            }
            return Some(vec![f64::INFINITY]);
        }
        let mut rates = Vec::with_capacity(pipelines.len());
        for (index, pipeline) in pipelines.iter().enumerate() {
            match pipeline.rate_per_s.filter(|rate| rate.is_finite() && *rate > 0.0) {
                Some(rate) => rates.push(rate),
                None => {
                    let detail = format!("pipeline {index} has no rate above 0");
                    self.violations.push(Violation::new(ViolationCode::RateWrong, detail).of_pipeline(index));
                }
            }
        }
        (rates.len() == pipelines.len()).then_some(rates)
    }

    /// Checks that no pipeline is faster than alone, that nothing shared is used for more than all of the time, and that no
    /// other rates have a larger sum.
    fn check_rates_of_all(
        &mut self,
        request: &PlanRequest,
        document: &PlacementDocument,
        (uses, rates): (&Uses<'_>, &[f64]),
        (periods_s, tolerance): (&[f64], Tolerance),
    ) {
        // Times that were summed in another order differ by so much of a period.
        let shortest_s = periods_s.iter().copied().fold(f64::INFINITY, f64::min);
        let slack = TOLERANCE + tolerance.rounding_s / shortest_s;
        for (index, (rate, period_s)) in rates.iter().zip(periods_s).enumerate() {
            let most = 1.0 / period_s;
            if *rate > most * (1.0 + slack) {
                let detail = format!("pipeline {index}: the rate of {rate} a second is above 1 / period_s = {most}");
                let violation = Violation::new(ViolationCode::RateWrong, detail).of_pipeline(index);
                self.violations.push(violation.figure("rate_per_s", *rate).figure("most_per_s", most));
            }
        }
        for (resource, users) in uses {
            let used: f64 = users.iter().map(|it| it.seconds * rates[it.pipeline]).sum();
            if used > 1.0 + slack {
                let (what, id) = match resource {
                    Resource::Medium(medium) => ("medium", medium.id()),
                    Resource::Node(node) => ("node", (*node).to_owned()),
                };
                let detail = format!("the rates take the {what} {id:?} for {used} seconds a second");
                let violation = Violation::new(ViolationCode::RateWrong, detail).figure("used", used);
                self.violations.push(if what == "node" { violation.node(&id) } else { violation });
            }
        }
        let (sum, most) = (rates.iter().sum::<f64>(), most_per_s(uses, periods_s));
        // With a target, a sum that is large enough is still to be the largest of these pipelines.
        if sum < most * (1.0 - slack) {
            let detail = format!("the rates sum to {sum} a second, but these pipelines can make {most}");
            let violation = Violation::new(ViolationCode::RateWrong, detail);
            self.violations.push(violation.figure("rate_per_s", sum).figure("most_per_s", most));
        }
        if let (Objective::MinNodes { target_period_s }, Some(period_s)) =
            (request.options.objective, document.period_s)
        {
            self.violations.extend(target_violation(period_s, target_period_s));
        }
    }

    /// Checks throughput, period, inferences and latency of all pipelines together.
    fn check_sums(&mut self, request: &PlanRequest, document: &PlacementDocument, rates: &[f64], tolerance: Tolerance) {
        let per_s: f64 = rates.iter().sum();
        let inferences_per_s = request.model.batch_size as f64 * per_s;
        let latency_s = document.pipelines.iter().map(|it| it.latency_s).fold(0.0, f64::max);
        let figures = [
            ("throughput_per_s", document.throughput_per_s, Some(per_s)),
            ("inferences_per_s", document.inferences_per_s, Some(inferences_per_s)),
            ("period_s", document.period_s, Some(1.0 / per_s)),
            ("latency_s", document.latency_s, Some(latency_s)),
        ];
        for (name, stated, expected) in figures {
            match (stated, expected.filter(|it| it.is_finite())) {
                (Some(stated), Some(expected)) if tolerance.same(stated, expected) => {}
                (Some(stated), Some(expected)) => self.total(name, stated, expected),
                (None, None) => {}
                (None, Some(_)) => self.claim(format!("{name} is missing")),
                (Some(_), None) => self.claim(format!("{name} is given, but is not finite")),
            }
        }
    }

    /// Checks that nothing is stated that goes with one pipeline only.
    fn check_nothing_of_one(&mut self, document: &PlacementDocument) {
        let of_one = document.latency_is_least.is_some()
            || document.least_period_s.is_some()
            || document.fastest.is_some()
            || !document.front.is_empty();
        if of_one {
            self.claim("latency_is_least, least_period_s, fastest and front go with one pipeline alone");
        }
    }

    /// Checks that the bound is no better than the objective, that the gap follows from both, and that an optimum has the
    /// value of its bound.
    fn check_proof(&mut self, request: &PlanRequest, document: &PlacementDocument) {
        let counts_nodes = matches!(request.options.objective, Objective::MinNodes { .. });
        let (objective, bound) = if counts_nodes {
            let nodes: usize = document.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum();
            (Some(nodes as f64), document.lower_bound_nodes.map(|nodes| nodes as f64))
        } else {
            (document.period_s, document.lower_bound_s)
        };
        let Some(bound) = bound else { return self.claim("there is a placement but no lower bound") };
        match document.throughput_upper_bound_per_s {
            Some(_) if counts_nodes => {
                self.claim("throughput_upper_bound_per_s is given, but the objective counts nodes")
            }
            Some(most) if !close(bound, 1.0 / most) => {
                self.claim(format!("lower_bound_s is not 1 / throughput_upper_bound_per_s = {}", 1.0 / most));
            }
            None if !counts_nodes && bound > 0.0 => self.claim("throughput_upper_bound_per_s is missing"),
            _ => {}
        }
        let Some(objective) = objective else { return };
        if bound > objective * (1.0 + PROOF_TOLERANCE) {
            self.claim(format!("the lower bound {bound} is above the objective {objective}"));
        }
        if request.options.base.is_some() {
            // With a base, the gap is that of the bytes shipped.
            return;
        }
        if document.status == Status::Optimal && (objective - bound).abs() > PROOF_TOLERANCE * objective {
            self.claim(format!("the lower bound {bound} does not prove the objective {objective}"));
        }
        let gap = if objective > 0.0 { (objective - bound) / objective } else { 0.0 };
        if !document.gap.is_some_and(|stated| (stated - gap).abs() <= TOLERANCE) {
            self.claim(format!("the gap must be {gap}"));
        }
    }
}

//! The best packing so far and what is proven, shared by the threads of a search.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rates::{Demand, best_rates};
use super::replanned::{Replanned, least_period_s};
use super::shared_loads::shared_loads;
use super::written::{Claim, Replanning, with_packing};
use crate::check::check;
use crate::check_failure::CheckFailure;
use crate::cost::{Assignment, ROUNDING, costs, score};
use crate::document::{self, termination, without_placement};
use crate::domain::options::Objective;
use crate::domain::placement::{PlacementDocument, Reason, Status, Termination};
use crate::domain::request::PlanRequest;
use crate::env::Env;
use crate::incumbent::cuts_left_out;
use crate::instance::Instance;
use crate::resource_constrained::shipping::Shipping;

/// The relative difference up to which a bound counts as equal to the sum of rates. Both come from linear programs, which
/// are solved in floating point.
pub const PROOF_ROUNDING: f64 = 1e-9;

/// A pipeline with its rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its stages.
    pub assignment: Assignment,
    /// Seconds of the period of the pipeline alone.
    pub period_s: f64,
    /// Passes per second that it is given; infinite where the period is 0.
    pub rate_per_s: f64,
}

/// Pipelines on disjoint hosts with the best rates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Packing {
    /// The pipelines, the fastest first, of equal rates the one whose first host comes first.
    pub pipelines: Vec<Planned>,
    /// Passes per second of all pipelines together; infinite where a period is 0.
    pub rate_per_s: f64,
}

impl Packing {
    /// Returns the number of nodes of all pipelines together.
    pub fn nodes(&self) -> usize {
        self.pipelines.iter().map(|pipeline| pipeline.assignment.stages.len()).sum()
    }
}

/// The state of a search for several pipelines: the request, the best packing and what is proven.
pub struct Packings<'a> {
    /// The request.
    pub request: &'a PlanRequest,
    /// The request in arrays.
    pub instance: &'a Instance,
    /// Seed, threads, stop hook and progress.
    pub env: &'a Env<'a>,
    /// The bytes that stages ship, if there is a base.
    pub shipping: Option<Shipping>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) best: Option<Packing>,
    /// No packing has a larger sum of rates, in passes per second; `None` if nothing is proven.
    most_per_s: Option<f64>,
    /// No packing that reaches the target has fewer nodes.
    fewest_nodes: usize,
    /// With a base: what is known about packings that ship little.
    pub(super) replanned: Replanned,
    failure: Option<CheckFailure>,
}

impl<'a> Packings<'a> {
    /// Creates the state of a search that knows nothing.
    pub fn new(request: &'a PlanRequest, instance: &'a Instance, env: &'a Env<'a>) -> Self {
        let shipping = Shipping::new(request, instance);
        Self { request, instance, env, shipping, state: Mutex::new(State { fewest_nodes: 1, ..State::default() }) }
    }

    /// A poisoned lock is used as it is: each value is assigned in one step.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the most pipelines of a packing: the request's limit, or as many as there are hosts.
    pub fn most_pipelines(&self) -> usize {
        let asked = usize::try_from(self.request.options.most_pipelines()).unwrap_or(usize::MAX);
        asked.min(self.most_hosts())
    }

    /// Returns the most hosts of all pipelines together.
    pub fn most_hosts(&self) -> usize {
        let asked =
            self.request.options.constraints.max_nodes.map_or(usize::MAX, |most| most.try_into().unwrap_or(usize::MAX));
        asked.min(self.instance.hosts.len())
    }

    /// Returns the passes per second that a packing must reach: those of the target with `min_nodes`, which are infinite if
    /// the target is 0, and else 0. A relative difference of rounding is allowed.
    pub fn needed_rate_per_s(&self) -> f64 {
        match self.instance.objective {
            Objective::MinNodes { target_period_s } => (1.0 - ROUNDING) / target_period_s,
            _ => 0.0,
        }
    }

    /// Returns pipelines with their best rates, or `None` if they are no packing of the request: see
    /// [`Self::packing_of_any_sum`]. The sum must also be the one that is needed.
    pub fn packing(&self, pipelines: Vec<Assignment>) -> Option<Packing> {
        let needed_per_s = self.needed_rate_per_s();
        self.packing_of_any_sum(pipelines).filter(|packing| packing.rate_per_s >= needed_per_s)
    }

    /// Returns pipelines with their best rates, or `None` if there are too many pipelines or hosts, if two have a host in
    /// common, or if one breaks a limit. A pipeline that the best rates leave without work is left out. If one has period 0,
    /// the packing is that one alone.
    pub fn packing_of_any_sum(&self, pipelines: Vec<Assignment>) -> Option<Packing> {
        let instance = self.instance;
        let timed = pipelines.into_iter().map(|assignment| {
            score(instance, &assignment)?;
            let period_s = costs(instance, &assignment).period_s;
            Some(Planned { assignment, period_s, rate_per_s: 0.0 })
        });
        let mut pipelines: Vec<Planned> = timed.collect::<Option<Vec<Planned>>>()?;
        // A rate that is not a finite number is that of a period of 0.
        let instant = pipelines.iter().filter(|it| !(1.0 / it.period_s).is_finite());
        let fewest = instant.min_by_key(|it| (it.assignment.stages.len(), it.assignment.hosts())).cloned();
        if let Some(instant) = fewest {
            pipelines = vec![Planned { rate_per_s: f64::INFINITY, ..instant }];
        } else {
            let demand = |it: &Planned| Demand { period_s: it.period_s, loads: shared_loads(instance, &it.assignment) };
            let rates = best_rates(&pipelines.iter().map(demand).collect::<Vec<Demand>>());
            pipelines.iter_mut().zip(rates).for_each(|(it, rate_per_s)| it.rate_per_s = rate_per_s);
        }
        pipelines.retain(|it| it.rate_per_s > 0.0);
        pipelines.sort_by(|a, b| {
            let by_hosts = || a.assignment.hosts().cmp(&b.assignment.hosts());
            b.rate_per_s.total_cmp(&a.rate_per_s).then_with(by_hosts)
        });
        let mut hosts: Vec<_> = pipelines.iter().flat_map(|it| it.assignment.hosts()).collect();
        hosts.sort_unstable();
        let disjoint = hosts.windows(2).all(|pair| pair[0] != pair[1]);
        let few = pipelines.len() <= self.most_pipelines() && hosts.len() <= self.most_hosts();
        let rate_per_s = pipelines.iter().map(|it| it.rate_per_s).sum();
        (disjoint && few && !pipelines.is_empty()).then_some(Packing { pipelines, rate_per_s })
    }

    /// Offers pipelines. They are kept if they are a packing that is better than the best so far and passes the checker:
    /// one with a larger sum of rates, or an equal sum on fewer nodes; with `min_nodes` one with fewer nodes, or as many and
    /// a larger sum. If the checker refuses it, the search fails: see [`Self::conclude`].
    pub fn offer(&self, pipelines: Vec<Assignment>) {
        let Some(packing) = self.packing(pipelines) else { return };
        let mut state = self.state();
        if state.failure.is_some() || state.best.as_ref().is_some_and(|best| !self.is_better(&packing, best)) {
            return;
        }
        let document = self.written(&packing, &packing, &state, Termination::Unfinished);
        let violations = check(self.request, &document);
        if violations.is_empty() {
            state.best = Some(packing);
            self.env.progress.incumbent(&document);
        } else {
            let violations = violations.iter().map(ToString::to_string).collect();
            state.failure = Some(CheckFailure { violations });
        }
    }

    fn is_better(&self, one: &Packing, other: &Packing) -> bool {
        let (sum, other_sum) = (one.rate_per_s, other.rate_per_s);
        let is_more = sum > other_sum && sum - other_sum > ROUNDING * sum;
        let is_equal = sum == other_sum || (sum - other_sum).abs() <= ROUNDING * other_sum;
        let (nodes, other_nodes) = (one.nodes(), other.nodes());
        match self.instance.objective {
            Objective::MinNodes { .. } => nodes < other_nodes || nodes == other_nodes && is_more,
            _ => is_more || is_equal && nodes < other_nodes,
        }
    }

    /// Records that no packing has a larger sum of rates than `per_s` passes per second. It must hold for every cut that the
    /// request allows, also for those that the instance lacks. Does not raise what is known.
    pub fn prove_most(&self, per_s: f64) {
        let mut state = self.state();
        if !per_s.is_finite() || state.most_per_s.is_some_and(|known| known <= per_s) {
            return;
        }
        state.most_per_s = Some(per_s);
        if !matches!(self.instance.objective, Objective::MinNodes { .. }) && per_s > 0.0 {
            self.env.progress.lower_bound(1.0 / per_s);
        }
    }

    /// Records that no packing that reaches the target has fewer nodes. It must hold for every cut that the request allows.
    /// Does not lower what is known. `usize::MAX` says that none reaches it.
    pub fn prove_fewest_nodes(&self, nodes: usize) {
        let mut state = self.state();
        if nodes > state.fewest_nodes {
            state.fewest_nodes = nodes;
            if nodes != usize::MAX {
                self.env.progress.lower_bound(nodes as f64);
            }
        }
    }

    /// Returns the best packing so far, or `None` if there is none.
    pub fn best(&self) -> Option<Packing> {
        self.state().best.clone()
    }

    /// Returns the sum of rates, in passes per second, that no packing exceeds; `None` if nothing is proven.
    pub fn most_per_s(&self) -> Option<f64> {
        self.state().most_per_s
    }

    /// Returns the number of nodes below which no packing reaches the target; `usize::MAX` if none reaches it.
    pub fn fewest_nodes(&self) -> usize {
        self.state().fewest_nodes
    }

    /// Returns `true` if what is proven for the cuts of the instance holds for all cuts that the request allows.
    pub fn considers_all_cuts(&self) -> bool {
        self.instance.cuts.are_all()
    }

    /// Returns `true` if nothing is left to do: the gap is as small as the request allows, or the checker has refused a
    /// packing.
    pub fn is_done(&self) -> bool {
        let state = self.state();
        state.failure.is_some() || self.gap(&state).is_some_and(|gap| gap <= self.request.options.solver.gap)
    }

    /// Returns `true` if a search must end: nothing is left to do, or the stop hook says so.
    pub fn must_end(&self) -> bool {
        self.env.stop.reason().is_some() || self.is_done()
    }

    /// Returns (objective − bound) / objective, or `None` without a packing. The objective is the period of all pipelines
    /// together, or the number of nodes.
    fn gap(&self, state: &State) -> Option<f64> {
        let best = state.best.as_ref()?;
        Some(self.claim(best, state, Termination::Unfinished).gap(best))
    }

    /// Returns what is claimed if a packing is the one with the largest sum of rates or the fewest nodes.
    pub(super) fn claim(&self, best: &Packing, state: &State, termination: Termination) -> Claim {
        let claim = Claim { most_per_s: None, fewest_nodes: None, replanning: None, termination };
        if let Objective::MinNodes { .. } = self.instance.objective {
            let fewest = state.fewest_nodes.min(best.nodes());
            return Claim { fewest_nodes: Some(fewest as u64), ..claim };
        }
        let most = state.most_per_s.unwrap_or(f64::INFINITY);
        let is_reached = most <= best.rate_per_s * (1.0 + PROOF_ROUNDING);
        let most_per_s = Some(if is_reached { best.rate_per_s } else { most });
        let replanning = self.shipping.as_ref().map(|_| Replanning {
            least_period_s: least_period_s(best),
            fewest_bytes: if self.considers_all_cuts() { state.replanned.fewest_bytes } else { 0 },
        });
        Claim { most_per_s, replanning, ..claim }
    }

    /// Returns the document of a packing where another one, or the same, is the best but for the bytes shipped.
    fn written(&self, packing: &Packing, best: &Packing, state: &State, termination: Termination) -> PlacementDocument {
        let claim = self.claim(best, state, termination);
        with_packing(self.request, self.env.seed, self.instance, packing, claim)
    }

    /// Returns the document of the search at its end.
    ///
    /// # Errors
    ///
    /// Returns [`CheckFailure`] if the checker refuses the document or has refused a packing before.
    pub fn conclude(&self) -> Result<PlacementDocument, CheckFailure> {
        let state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let by_itself = termination(self.env, Termination::Exhausted);
        let all_cuts = (!self.considers_all_cuts()).then_some(self.instance.cuts.count);
        let left_out = all_cuts.map(|all| cuts_left_out(self.instance, all));
        let Some(best) = &state.best else {
            let bound = match self.instance.objective {
                Objective::MinNodes { .. } => state.fewest_nodes as f64,
                _ => state.most_per_s.map_or(0.0, |most| 1.0 / most),
            };
            let claim = document::Claim { bound, termination: by_itself };
            let document = without_placement(self.request, self.env.seed, claim, Vec::new());
            let most_per_s = state.most_per_s.filter(|_| document.lower_bound_s.is_some());
            let warnings = document.warnings.into_iter().chain(left_out).collect();
            return Ok(PlacementDocument { throughput_upper_bound_per_s: most_per_s, warnings, ..document });
        };
        let gap = self.claim(best, &state, by_itself).gap(best);
        let ended = match gap {
            // With a base, the gap is that of the sum of rates, which is only a part of the answer.
            _ if self.shipping.is_some() => by_itself,
            0.0 => Termination::Optimal,
            gap if gap <= self.request.options.solver.gap => Termination::GapReached,
            _ => by_itself,
        };
        let answer = self.replanned(best, &state).unwrap_or(best);
        let mut document = self.written(answer, best, &state, ended);
        if document.status != Status::Optimal {
            document.warnings.extend(left_out);
        }
        let violations = check(self.request, &document);
        if violations.is_empty() {
            Ok(document)
        } else {
            Err(CheckFailure { violations: violations.iter().map(ToString::to_string).collect() })
        }
    }

    /// Returns the document for a proof that no packing exists.
    pub fn infeasible(&self, reasons: Vec<Reason>) -> PlacementDocument {
        let claim = document::Claim { bound: f64::INFINITY, termination: Termination::Infeasible };
        without_placement(self.request, self.env.seed, claim, reasons)
    }
}

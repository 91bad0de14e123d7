//! The best placement so far and the best bound, shared by the threads of a search.
//!
//! Every placement that is offered passes the checker before it becomes the incumbent, except in a
//! relaxed instance. The document at the end is checked in any case.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::check::check;
use super::check_failure::CheckFailure;
use super::cost::{Assignment, Costs, Score, costs, score};
use super::cuts::CutCount;
use super::document::{Claim, Proofs, termination, with_placement, without_placement};
use super::env::Env;
use super::instance::Instance;
use crate::domain::options::Objective;
use crate::domain::placement::{PlacementDocument, Reason, Status, Termination, Warning, WarningCode};
use crate::domain::request::PlanRequest;

/// The state of a search: its request, the best placement and what is proven.
pub struct Incumbent<'a> {
    /// The request.
    pub request: &'a PlanRequest,
    /// The request in arrays.
    pub instance: &'a Instance,
    /// Seed, threads, stop hook and progress.
    pub env: &'a Env<'a>,
    /// The number of all cuts if the instance has only some of them. No bound of the search is
    /// claimed then.
    all_cuts: Option<CutCount>,
    /// Whether the instance allows more than the request, so that its placements need not be
    /// placements of the request.
    is_relaxed: bool,
    /// The largest period, in seconds, for which the instance has all useful cuts; infinite if it
    /// has them for every period.
    useful_up_to_s: f64,
    state: Mutex<State>,
}

struct State {
    best: Option<(Assignment, Score)>,
    /// The bound proven for the cuts of the instance.
    bound: f64,
    /// The bound proven for all cuts.
    claimed_bound: f64,
    proofs: Proofs,
    /// The placement that is the answer in place of the best one.
    chosen: Option<Assignment>,
    failure: Option<CheckFailure>,
}

impl<'a> Incumbent<'a> {
    /// Creates an incumbent without a placement. The bound is 0, since no objective is smaller.
    pub fn new(request: &'a PlanRequest, instance: &'a Instance, env: &'a Env<'a>) -> Self {
        let state = State {
            best: None,
            bound: 0.0,
            claimed_bound: 0.0,
            proofs: Proofs::default(),
            chosen: None,
            failure: None,
        };
        let all_cuts = (!instance.cuts.are_all()).then_some(instance.cuts.count);
        Self {
            request,
            instance,
            env,
            all_cuts,
            is_relaxed: false,
            useful_up_to_s: f64::INFINITY,
            state: Mutex::new(state),
        }
    }

    /// Creates an incumbent for an instance with only some of the cuts. Nothing that is proven for
    /// them is claimed.
    pub fn among(request: &'a PlanRequest, some: &'a Instance, all_cuts: CutCount, env: &'a Env<'a>) -> Self {
        Self { all_cuts: Some(all_cuts), ..Self::new(request, some, env) }
    }

    /// Creates an incumbent for an instance with all cuts that are useful up to a period in seconds.
    /// What is proven for them about such periods holds for all cuts.
    pub fn of_useful(request: &'a PlanRequest, some: &'a Instance, up_to_s: f64, env: &'a Env<'a>) -> Self {
        Self { all_cuts: None, useful_up_to_s: up_to_s, ..Self::new(request, some, env) }
    }

    /// Creates an incumbent for an instance that allows more than the request. Its placements are
    /// not checked. Its bounds hold for the request.
    pub fn relaxed(request: &'a PlanRequest, relaxed: &'a Instance, env: &'a Env<'a>) -> Self {
        Self { all_cuts: None, is_relaxed: true, ..Self::new(request, relaxed, env) }
    }

    /// A poisoned lock is used as it is: each value is assigned in one step, so a panic leaves none
    /// half written.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers an assignment. It is kept if it is better than the best so far, breaks no limit and
    /// passes the checker. If the checker refuses it, the search fails: see [`Self::conclude`].
    pub fn offer(&self, assignment: Assignment) {
        let Some(score) = score(self.instance, &assignment) else { return };
        let mut state = self.state();
        if state.failure.is_some() || state.best.as_ref().is_some_and(|(_, best)| *best <= score) {
            return;
        }
        if self.is_relaxed {
            state.best = Some((assignment, score));
            return;
        }
        let claim = Claim { bound: state.claimed_bound, termination: Termination::Unfinished };
        let document =
            with_placement(self.request, self.env.seed, self.instance, &assignment, claim, &Proofs::default());
        let violations = check(self.request, &document);
        if violations.is_empty() {
            state.best = Some((assignment, score));
            self.env.progress.incumbent(&document);
        } else {
            let violations = violations.iter().map(ToString::to_string).collect();
            state.failure = Some(CheckFailure { violations });
        }
    }

    /// Replaces the best assignment by the canonical one. Does nothing unless both have the same
    /// objective.
    pub fn make_canonical(&self, assignment: Assignment) {
        let Some(score) = score(self.instance, &assignment) else { return };
        let mut state = self.state();
        if state.best.as_ref().is_some_and(|(_, best)| best.0 == score.0) {
            state.best = Some((assignment, score));
        }
    }

    /// Replaces the best assignment by one whose objective is equal up to rounding. Not checked
    /// here: [`Self::conclude`] checks it.
    pub fn replace(&self, assignment: Assignment) {
        let Some(score) = score(self.instance, &assignment) else { return };
        let mut state = self.state();
        if state.best.is_some() {
            state.best = Some((assignment, score));
        }
    }

    /// Creates an incumbent of the same instance with another environment, without a placement or a
    /// bound.
    pub fn fork<'b>(&self, env: &'b Env<'b>) -> Incumbent<'b>
    where
        'a: 'b,
    {
        Incumbent { is_relaxed: self.is_relaxed, ..self.on(self.instance, env) }
    }

    /// An incumbent of its own for a relaxation of the instance, with nothing known yet. What it finds is not checked.
    pub fn on<'b>(&self, relaxation: &'b Instance, env: &'b Env<'b>) -> Incumbent<'b>
    where
        'a: 'b,
    {
        Incumbent { all_cuts: self.all_cuts, is_relaxed: true, ..Incumbent::new(self.request, relaxation, env) }
    }

    /// Records what is found and proven beside the bound. If the instance has only some of the
    /// cuts, nothing proven is claimed.
    pub fn prove(&self, note: impl FnOnce(&mut Proofs)) {
        let proofs = &mut self.state().proofs;
        note(proofs);
        if !self.considers_all_cuts() {
            (proofs.latency_is_least, proofs.front_is_whole, proofs.fewest_bytes) = (false, false, 0);
        }
    }

    /// Makes a placement the answer in place of the best one: it has a period that the request
    /// allows, and is better in what comes second. Not checked here: [`Self::conclude`] checks it.
    pub fn choose(&self, chosen: Assignment) {
        self.state().chosen = Some(chosen);
    }

    /// Returns the period and latency of the best assignment so far, or `None` if there is none.
    pub fn costs(&self) -> Option<Costs> {
        Some(costs(self.instance, &self.state().best.as_ref()?.0))
    }

    /// Raises the bound of the objective for the cuts of the instance. Does not lower it.
    pub fn raise(&self, bound: f64) {
        if self.considers_all_cuts() {
            return self.raise_for_all_cuts(bound);
        }
        let mut state = self.state();
        state.bound = bound.max(state.bound);
    }

    /// Raises the bound of the objective for all cuts, also those that the instance lacks. Does not
    /// lower it.
    pub fn raise_for_all_cuts(&self, bound: f64) {
        let mut state = self.state();
        state.bound = bound.max(state.bound);
        if bound > state.claimed_bound {
            state.claimed_bound = bound;
            if bound.is_finite() {
                self.env.progress.lower_bound(bound);
            }
        }
    }

    /// Returns `true` if what is proven for the cuts of the instance holds for all cuts that the
    /// request allows.
    pub fn considers_all_cuts(&self) -> bool {
        self.all_cuts.is_none()
    }

    /// Returns `true` if what is proven about all placements of the instance within a period, in
    /// seconds, holds for all that the request allows.
    pub fn considers_all_cuts_within(&self, period_s: f64) -> bool {
        self.considers_all_cuts() && period_s <= self.useful_up_to_s
    }

    /// Returns the best assignment so far, or `None` if there is none.
    pub fn best(&self) -> Option<Assignment> {
        self.state().best.as_ref().map(|(assignment, _)| assignment.clone())
    }

    /// Returns the objective of the best assignment so far, in seconds or nodes; infinite without
    /// one.
    pub fn objective(&self) -> f64 {
        self.state().best.as_ref().map_or(f64::INFINITY, |(_, Score(objective, _))| *objective)
    }

    /// Returns the best bound so far for the cuts of the instance, in seconds or nodes.
    pub fn bound(&self) -> f64 {
        self.state().bound
    }

    /// Returns the best bound so far for all cuts, in seconds or nodes.
    pub fn claimed_bound(&self) -> f64 {
        self.state().claimed_bound
    }

    /// Returns `true` if nothing is left to do: the gap is as small as the request allows, or the
    /// checker has refused a placement.
    pub fn is_done(&self) -> bool {
        let state = self.state();
        let Some((_, Score(objective, _))) = state.best else { return state.failure.is_some() };
        let allowed = self.request.options.solver.gap * objective;
        state.failure.is_some() || objective - state.bound <= allowed
    }

    /// Returns `true` if the gap to the bound for all cuts is as small as the request allows.
    pub fn has_claimed_enough(&self) -> bool {
        let value = self.objective();
        value.is_finite() && value - self.claimed_bound() <= self.request.options.solver.gap * value
    }

    /// Returns `true` if a search must end: nothing is left to do, or the stop hook says so.
    pub fn must_end(&self) -> bool {
        self.env.stop.reason().is_some() || self.is_done()
    }

    /// Returns the document of the search at its end.
    ///
    /// # Errors
    ///
    /// Returns [`CheckFailure`] if the checker refuses the document or has refused a placement
    /// before.
    pub fn conclude(&self) -> Result<PlacementDocument, CheckFailure> {
        let state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let by_itself = termination(self.env, Termination::Exhausted);
        let Some((assignment, Score(objective, _))) = &state.best else {
            let claim = Claim { bound: state.claimed_bound, termination: by_itself };
            let document = without_placement(self.request, self.env.seed, claim, Vec::new());
            return Ok(PlacementDocument { warnings: self.cuts_left_out().into_iter().collect(), ..document });
        };
        let mut proofs = state.proofs.clone();
        proofs.least_period_s = costs(self.instance, assignment).period_s;
        let answer = state.chosen.as_ref().unwrap_or(assignment);
        let is_slower = costs(self.instance, answer).period_s > proofs.least_period_s;
        proofs.fastest = (is_slower && self.request.options.wants_least_period()).then(|| assignment.clone());
        if !self.considers_all_cuts() {
            (proofs.latency_is_least, proofs.front_is_whole, proofs.fewest_bytes) = (false, false, 0);
        }
        let gap_allowed = self.request.options.solver.gap * objective;
        let ended = match objective - state.claimed_bound {
            // With a base, the bound is that of the period, which is only a part of the answer.
            _ if self.request.options.base.is_some() => by_itself,
            _ if self.instance.objective == Objective::Tradeoff && !proofs.front_is_whole => by_itself,
            0.0 => Termination::Optimal,
            difference if difference <= gap_allowed => Termination::GapReached,
            _ => by_itself,
        };
        let claim = Claim { bound: state.claimed_bound, termination: ended };
        let mut document = with_placement(self.request, self.env.seed, self.instance, answer, claim, &proofs);
        if document.status != Status::Optimal {
            document.warnings.extend(self.cuts_left_out());
        }
        let violations = check(self.request, &document);
        if violations.is_empty() {
            Ok(document)
        } else {
            Err(CheckFailure { violations: violations.iter().map(ToString::to_string).collect() })
        }
    }

    /// Returns a warning that only some cuts were considered, or `None` if all were.
    fn cuts_left_out(&self) -> Option<Warning> {
        Some(cuts_left_out(self.instance, self.all_cuts?))
    }

    /// Returns the document for a proof that no placement exists.
    pub fn infeasible(&self, reasons: Vec<Reason>) -> PlacementDocument {
        let claim = Claim { bound: f64::INFINITY, termination: Termination::Infeasible };
        without_placement(self.request, self.env.seed, claim, reasons)
    }
}

/// Returns a warning that the cuts of an instance are only some of all.
pub fn cuts_left_out(instance: &Instance, all_cuts: CutCount) -> Warning {
    let considered = instance.blocks() - 1;
    let all = match all_cuts {
        CutCount::Exactly(all) => all.to_string(),
        CutCount::MoreThan(some) => format!("more than {some}"),
    };
    let detail = format!(
        "the model has {all} cuts, more than a search holds: placements were looked for among {considered} of them; the bound holds for all"
    );
    Warning { code: WarningCode::CutsLeftOut, detail }
}

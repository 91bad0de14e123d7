//! The walk bound and the decision at a period, each on its own, for benchmarks. Not part of the
//! interface.

use super::bits::for_width;
use super::bounds::{Bounds, Walks};
use super::env::{Env, NeverStop, NoProgress};
use super::exact::decision::Decider;
use super::exact::stage_ends::StageEnds;
use super::incumbent::Incumbent;
use super::instance::Instance;
use super::stopped::Stopped;
use super::verdict::Verdict;
use crate::domain::request::PlanRequest;

/// The most labels that a decision may use.
const MOST_LABELS: usize = 2_000_000;

/// The bound and the decision of a request that is reduced only once. Measurements of them do not
/// include the reduction.
pub struct BoundAndDecision<'r> {
    request: &'r PlanRequest,
    instance: Instance,
}

impl<'r> BoundAndDecision<'r> {
    /// Reduces a request. The reduction is never stopped, so this always returns `Some`.
    pub fn new(request: &'r PlanRequest) -> Option<Self> {
        Some(Self { request, instance: Instance::new(request, &|| false).ok()? })
    }

    /// Returns the least period, in seconds, of the walk relaxation. It is never stopped, so this
    /// always returns `Some`.
    pub fn walk_bound_s(&self) -> Option<f64> {
        Walks(&self.instance).least_period(&|| false).ok()
    }

    /// Decides whether a placement within a period exists, without an incumbent or a bound. Returns
    /// `None` if the decision uses up its labels or is stopped.
    pub fn is_possible(&self, period_s: f64) -> Option<bool> {
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let incumbent = Incumbent::new(self.request, &self.instance, &env);
        let verdict =
            for_width!(self.instance.blocks() + 1, W => decide::<W>(&incumbent, period_s), else Ok(Verdict::Unknown));
        match verdict {
            Ok(Verdict::Feasible) => Some(true),
            Ok(Verdict::Infeasible) => Some(false),
            Ok(Verdict::Unknown) | Err(Stopped) => None,
        }
    }
}

fn decide<const W: usize>(incumbent: &Incumbent<'_>, period_s: f64) -> Result<Verdict, Stopped> {
    let instance = incumbent.instance;
    let stage_ends = StageEnds::<W>::new(instance, &|| false)?;
    Decider::new(incumbent, instance, &stage_ends).decide(period_s, MOST_LABELS)
}

//! The walk bound and the decision at a period by themselves, for benchmarks. Not part of the interface.

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

/// Labels that a decision may use.
const MOST_LABELS: usize = 2_000_000;

/// The bound and the decision of a request that is reduced once, so that they are measured without the reduction.
pub struct BoundAndDecision<'r> {
    request: &'r PlanRequest,
    instance: Instance,
}

impl<'r> BoundAndDecision<'r> {
    /// Reduces a request.
    pub fn new(request: &'r PlanRequest) -> Option<Self> {
        Some(Self { request, instance: Instance::new(request, &|| false).ok()? })
    }

    /// The bound of the walk relaxation.
    pub fn walk_bound_s(&self) -> Option<f64> {
        Walks(&self.instance).least_period(&|| false).ok()
    }

    /// Whether a placement within a period is possible, decided with nothing known; `None` where that is too hard.
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

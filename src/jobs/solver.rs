//! The solver of jobs: the planner, or a substitute in tests.

use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::{self as planner, CheckFailure, Env};

/// Solves a request. It is called on its own thread.
pub trait Solver: Send + Sync + 'static {
    /// See [`planner::plan`].
    fn solve(&self, request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure>;
}

/// The planner.
#[derive(Debug, Clone, Copy)]
pub struct Planner;

impl Solver for Planner {
    fn solve(&self, request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
        planner::plan(request, env)
    }
}

impl<F> Solver for F
where
    F: Fn(&PlanRequest, &Env<'_>) -> Result<PlacementDocument, CheckFailure> + Send + Sync + 'static,
{
    fn solve(&self, request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
        self(request, env)
    }
}

//! Pure optimisation: from a valid request to a checked placement document with a proven bound.
//!
//! Nothing here waits, reads, writes, looks at a clock, or depends on the order of a hash table. Everything impure
//! comes in one value, [`Env`].

pub mod check;
pub mod env;

pub use env::{Env, Progress, Stop, StopReason};

use crate::domain::placement::{PlacementDocument, Status, Termination};
use crate::domain::request::PlanRequest;

/// A placement that the solvers made and the checker refuses: a defect of ours, never an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the checker refuses a placement of the solvers: {}", violations.join("; "))]
pub struct CheckFailure {
    /// What the checker found.
    pub violations: Vec<String>,
}

/// Plans a request. `solve_s` of the answer is 0: who owns a clock fills it in.
///
/// Every placement in the answer, and every one handed to [`Progress::incumbent`], has passed the checker.
///
/// # Errors
/// A placement that the checker refuses.
pub fn plan(request: &PlanRequest, env: &Env<'_>) -> Result<PlacementDocument, CheckFailure> {
    Ok(PlacementDocument {
        status: Status::Unknown,
        termination: Termination::Exhausted,
        algorithm: request.options.solver.algorithm,
        seed: env.seed,
        period_s: None,
        throughput_per_s: None,
        latency_s: None,
        lower_bound_s: Some(0.0),
        lower_bound_nodes: None,
        gap: None,
        stages: Vec::new(),
        bottleneck: None,
        warnings: Vec::new(),
        reasons: Vec::new(),
        solve_s: 0.0,
        solver_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

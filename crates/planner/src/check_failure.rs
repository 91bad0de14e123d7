//! The error of a placement that the checker refuses.

/// The checker refuses a placement that the solvers made. This is a defect of the planner, and the
/// placement is never returned.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the checker refuses a placement of the solvers: {}", violations.join("; "))]
pub struct CheckFailure {
    /// The violations that the checker found, in words.
    pub violations: Vec<String>,
}

//! What the checker refuses.

/// A placement that the solvers made and the checker refuses: a defect of ours, never an answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the checker refuses a placement of the solvers: {}", violations.join("; "))]
pub struct CheckFailure {
    /// What the checker found.
    pub violations: Vec<String>,
}

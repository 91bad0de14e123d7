//! The answer to the question whether a placement exists within given limits.

/// Whether a placement exists within given limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A placement was found.
    Feasible,
    /// No placement exists. This is proven.
    Infeasible,
    /// The allowed effort did not suffice to decide.
    Unknown,
}

//! Exit codes of the process.

use std::process::ExitCode;

use cutpoint_planner::domain::placement::Status;

/// How a command ended. The variants are ordered by severity: a run with several results ends with the most severe one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The command succeeded; each request has a placement.
    Success,
    /// Some request has neither a placement nor a proof that there is none.
    Unknown,
    /// Some request is proven to have no placement.
    Infeasible,
    /// Some input, flag or setting cannot be used.
    BadInput,
    /// Something failed that the caller did not cause.
    Failure,
}

impl Exit {
    /// Returns the exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::BadInput => 2,
            Exit::Infeasible => 3,
            Exit::Unknown => 4,
        }
    }

    /// Returns the result that the status of a placement document stands for.
    pub fn of_status(status: Status) -> Self {
        match status {
            Status::Optimal | Status::Feasible => Exit::Success,
            Status::Infeasible => Exit::Infeasible,
            Status::Unknown => Exit::Unknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_result_wins() {
        let codes = |exits: &[Exit]| exits.iter().max().map(|exit| exit.code());
        assert_eq!(codes(&[Exit::Success, Exit::Unknown]), Some(4));
        assert_eq!(codes(&[Exit::Unknown, Exit::Infeasible, Exit::Success]), Some(3));
        assert_eq!(codes(&[Exit::Infeasible, Exit::BadInput, Exit::Unknown]), Some(2));
        assert_eq!(codes(&[Exit::BadInput, Exit::Failure]), Some(1));
    }
}

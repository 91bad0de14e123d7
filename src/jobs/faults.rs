//! Named steps of a worker at which a test ends it as a crash would: nothing behind the step happens.

use super::Inner;

/// A step of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The job is claimed; nothing else has happened.
    Claimed,
    /// The search has come back; nothing of its end is stored.
    Solved,
}

impl Inner {
    /// Whether a test wants the worker to crash here; never outside of tests.
    #[cfg(not(test))]
    pub(super) fn crashes_at(&self, _step: Step) -> bool {
        false
    }

    /// Whether a test wants the worker to crash here.
    #[cfg(test)]
    pub(super) fn crashes_at(&self, step: Step) -> bool {
        self.crash_at.lock().is_ok_and(|at| *at == Some(step))
    }
}

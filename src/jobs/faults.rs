//! Named steps of a worker at which a test can simulate a crash: nothing after the step happens.

use super::Inner;

/// A step of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The job is claimed; nothing else has happened.
    Claimed,
    /// The search has returned; its end is not stored.
    Solved,
}

/// A crash that a test requests.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crash {
    /// The step at which to crash.
    pub(super) at: Step,
    /// Whether only the first worker that reaches the step crashes.
    pub(super) once: bool,
}

impl Inner {
    /// Always returns `false` outside of tests.
    #[cfg(not(test))]
    pub(super) fn crashes_at(&self, _step: Step) -> bool {
        false
    }

    /// Returns `true` if a test requests a crash at this step.
    #[cfg(test)]
    pub(super) fn crashes_at(&self, step: Step) -> bool {
        let Ok(mut planned) = self.crash.lock() else { return false };
        let crashes = planned.is_some_and(|crash| crash.at == step);
        if crashes && planned.is_some_and(|crash| crash.once) {
            *planned = None;
        }
        crashes
    }
}

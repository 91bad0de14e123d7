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

/// What a test plans.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crash {
    /// Where.
    pub(super) at: Step,
    /// Whether the first worker that comes there is the only one.
    pub(super) once: bool,
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
        let Ok(mut planned) = self.crash.lock() else { return false };
        let crashes = planned.is_some_and(|crash| crash.at == step);
        if crashes && planned.is_some_and(|crash| crash.once) {
            *planned = None;
        }
        crashes
    }
}

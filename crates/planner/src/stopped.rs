//! The error of a computation that was told to stop.

/// A computation was told to stop before it had an answer. It says nothing about the problem.
///
/// Functions that take a `stop` hook return it as their error, so that `None` means only that there is no such value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

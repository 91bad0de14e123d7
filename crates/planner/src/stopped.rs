//! The error of a computation that was told to stop.

/// A computation was told to stop before it had an answer. This says nothing about the problem.
///
/// Functions that take a `stop` hook return it as their error. Their `None` then only means that no
/// such value exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

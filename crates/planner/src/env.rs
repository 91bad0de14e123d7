//! Everything in a search that is not pure: the seed, the threads, the stop hook and the receiver
//! of progress.

use crate::domain::placement::PlacementDocument;

/// The reason why a search must end before its proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The request's time limit is reached.
    TimeLimit,
    /// A client asked for it, or the service shuts down.
    Stopped,
}

/// The single hook for deadline, cancellation and shutdown. It must be cheap, because every loop of
/// a solver calls it often.
pub trait Stop: Sync {
    /// Returns why the search must end now, or `None` if it may continue. After the first reason it
    /// always returns one.
    fn reason(&self) -> Option<StopReason>;
}

/// Receives progress while a search runs. Any thread of the search may call it.
pub trait Progress: Sync {
    /// Reports a checked placement that is better than any before, with the bound known at that
    /// moment.
    fn incumbent(&self, placement: &PlacementDocument);

    /// Reports a proven lower bound of the objective, in seconds or nodes, that is larger than any
    /// before.
    fn lower_bound(&self, bound: f64);
}

/// What a search needs in addition to its request.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The most threads that the search may use. From 2 on, a hard search proves a bound on one
    /// thread and improves its placement on another.
    pub threads: usize,
    /// The hook that ends the search.
    pub stop: &'a dyn Stop,
    /// The receiver of progress.
    pub progress: &'a dyn Progress,
}

/// A stop hook that never stops a search.
#[derive(Debug, Clone, Copy)]
pub struct NeverStop;

impl Stop for NeverStop {
    fn reason(&self) -> Option<StopReason> {
        None
    }
}

/// A receiver of progress that ignores it.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn incumbent(&self, _placement: &PlacementDocument) {}

    fn lower_bound(&self, _bound: f64) {}
}

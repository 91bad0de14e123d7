//! What is not pure, in one value: seed, threads, the hook that ends a search, and the receiver of progress.

use crate::domain::placement::PlacementDocument;

/// Why a search must end before its proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The request's time limit came.
    TimeLimit,
    /// Somebody asked, or the service shuts down.
    Stopped,
}

/// The single hook for deadline, cancellation and shutdown. Every loop of a solver asks it often, so it must be cheap.
pub trait Stop: Sync {
    /// Why to end now; `None` to go on. Once it gives a reason it goes on giving one.
    fn reason(&self) -> Option<StopReason>;
}

/// Hears of progress while a search runs, from any of its threads.
pub trait Progress: Sync {
    /// A checked placement better than any before, with the bound known at that moment.
    fn incumbent(&self, placement: &PlacementDocument);

    /// A proven lower bound of the objective, seconds or nodes, larger than any before.
    fn lower_bound(&self, bound: f64);
}

/// What a search is given beside its request.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The seed of everything random.
    pub seed: u64,
    /// The most threads that the search may use: from 2 on, a hard search proves on one and improves on another.
    pub threads: usize,
    /// When to end.
    pub stop: &'a dyn Stop,
    /// Who hears of progress.
    pub progress: &'a dyn Progress,
}

/// Never stops a search.
#[derive(Debug, Clone, Copy)]
pub struct NeverStop;

impl Stop for NeverStop {
    fn reason(&self) -> Option<StopReason> {
        None
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn incumbent(&self, _placement: &PlacementDocument) {}

    fn lower_bound(&self, _bound: f64) {}
}

//! Requests that were read at the door and wait for a worker: it need not read their documents again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::domain::id::Id;
use crate::domain::request::PlanRequest;

/// The most parts (layers, edges, nodes, links) that are kept in all: some tens of megabytes. What goes beyond is read
/// from the store again.
const MOST_PARTS: usize = 200_000;

/// The requests of queued jobs, as far as they are kept.
#[derive(Default)]
pub(super) struct Requests {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: FxHashMap<Id, Arc<PlanRequest>>,
    parts: usize,
}

impl Requests {
    /// Keeps a request, if there is room.
    pub(super) fn keep(&self, id: &Id, request: Arc<PlanRequest>) {
        let mut kept = self.kept();
        let parts = parts(&request);
        if kept.parts + parts <= MOST_PARTS {
            kept.parts += parts;
            kept.requests.insert(id.clone(), request);
        }
    }

    /// Gives a request out, and keeps it no longer.
    pub(super) fn take(&self, id: &Id) -> Option<Arc<PlanRequest>> {
        let mut kept = self.kept();
        let request = kept.requests.remove(id)?;
        kept.parts -= parts(&request);
        Some(request)
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept().requests.len()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parts(request: &PlanRequest) -> usize {
    let (model, cluster) = (&request.model, &request.cluster);
    model.layers.len() + model.edges.len() + cluster.nodes.len() + cluster.links.len() + 1
}

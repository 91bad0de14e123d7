//! Requests that were read at the door and wait for a worker: it need not read their documents again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutpoint_planner::domain::request::PlanRequest;
use rustc_hash::FxHashMap;

use crate::domain::id::Id;

/// How much JSON the kept requests may be in all; in memory they are a few times as large. What goes beyond is read from
/// the store again.
const MOST_BYTES: usize = 32 << 20;

/// The requests of queued jobs, as far as they are kept.
#[derive(Default)]
pub(super) struct Requests {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: FxHashMap<Id, (Arc<PlanRequest>, usize)>,
    bytes: usize,
}

impl Requests {
    /// Keeps a request that came from so much JSON, if there is admission.
    pub(super) fn keep(&self, id: &Id, request: Arc<PlanRequest>, bytes: usize) {
        let mut kept = self.kept();
        if kept.bytes + bytes <= MOST_BYTES {
            kept.bytes += bytes;
            kept.requests.insert(id.clone(), (request, bytes));
        }
    }

    /// Gives a request out, and keeps it no longer.
    pub(super) fn take(&self, id: &Id) -> Option<Arc<PlanRequest>> {
        let mut kept = self.kept();
        let (request, bytes) = kept.requests.remove(id)?;
        kept.bytes -= bytes;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::{Ids, RandomIds};
    use crate::domain::id::IdKind;

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let request = PlanRequest::from_json(&json!({
            "model": {"name": "m", "layers": [{"id": "a", "param_bytes": 1, "output_bytes": 1}], "edges": []},
            "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": 2}]},
        }));
        let request = Arc::new(request.unwrap());
        let (requests, ids) = (Requests::default(), RandomIds::default());
        let [first, second, third] = [(); 3].map(|()| ids.id(IdKind::Job));
        for (id, bytes) in [(&first, 20 << 20), (&second, 20 << 20), (&third, 1 << 20)] {
            requests.keep(id, request.clone(), bytes);
        }
        assert!(requests.take(&second).is_none());
        assert!(requests.take(&first).is_some() && requests.take(&third).is_some());
        assert_eq!((requests.len(), requests.kept().bytes), (0, 0));
    }
}

//! Parsed requests of queued jobs, kept so that a worker need not parse their documents again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutpoint_planner::domain::request::PlanRequest;
use rustc_hash::FxHashMap;

use crate::domain::id::Id;

/// The most bytes of JSON of all kept requests; in memory they take a few times as much. Further requests are read from
/// the store.
const MOST_BYTES: usize = 32 << 20;

/// The kept requests of queued jobs.
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
    /// Keeps a request that was parsed from this many bytes of JSON, if the limit allows it.
    pub(super) fn keep(&self, id: &Id, request: Arc<PlanRequest>, bytes: usize) {
        let mut kept = self.kept();
        if kept.bytes + bytes <= MOST_BYTES {
            kept.bytes += bytes;
            kept.requests.insert(id.clone(), (request, bytes));
        }
    }

    /// Removes and returns a request.
    pub(super) fn take(&self, id: &Id) -> Option<Arc<PlanRequest>> {
        let mut kept = self.kept();
        let (request, bytes) = kept.requests.remove(id)?;
        kept.bytes -= bytes;
        Some(request)
    }

    /// Returns how many requests are kept.
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

//! Requests that were read at the door and wait for a worker: it need not read their documents again.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::domain::id::Id;
use crate::domain::request::PlanRequest;

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
    /// Keeps a request, if there is room.
    pub(super) fn keep(&self, id: &Id, request: Arc<PlanRequest>) {
        let bytes = json_bytes(&*request);
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

/// How long a value is as JSON.
fn json_bytes(value: &impl Serialize) -> usize {
    let mut length = Length(0);
    // Neither the value nor the writer can fail: it was JSON.
    let _ = serde_json::to_writer(&mut length, value);
    length.0
}

/// A writer that only counts.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Ids, RandomIds};
    use crate::domain::hash::json_text;
    use crate::domain::id::IdKind;
    use crate::domain::request::PlanRequest;
    use serde_json::json;

    fn request(excluded: usize) -> Arc<PlanRequest> {
        let mut request = PlanRequest::from_json(&json!({
            "model": {"name": "m", "layers": [{"id": "a", "param_bytes": 1, "output_bytes": 1}], "edges": []},
            "cluster": {"name": "c", "nodes": [{"id": "n", "memory_bytes": 2}]},
        }))
        .unwrap();
        request.options.constraints.exclude_nodes = vec!["n".repeat(1021); excluded];
        Arc::new(request)
    }

    #[test]
    fn whatever_makes_a_request_large_counts() {
        let (requests, ids) = (Requests::default(), RandomIds::default());
        let [first, second, third] = [(); 3].map(|()| ids.id(IdKind::Job));
        let (large, small) = (request(20 << 10), request(1));
        assert_eq!(json_bytes(&*large), json_text(&*large).len());
        requests.keep(&first, large.clone());
        requests.keep(&second, large);
        requests.keep(&third, small);
        assert!(requests.take(&second).is_none(), "no room for 40 MiB");
        assert!(requests.take(&first).is_some() && requests.take(&third).is_some());
        assert_eq!((requests.len(), requests.kept().bytes), (0, 0));
    }
}

//! Stored documents that a request refers to.

use cutpoint_planner::domain::fault::Fault;
use cutpoint_planner::domain::read::Reader;
use serde_json::Value;

use crate::http::problem::Problem;
use crate::store::StoreError;

pub(crate) fn found<T>(answer: Result<T, StoreError>) -> Result<Option<T>, Problem> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a document that was valid when it was stored. A fault now is a defect of Cutpoint.
pub(crate) fn read_stored<T>(text: &str, read: fn(&Value) -> Result<T, Vec<Fault>>) -> Result<T, Problem> {
    let read = Reader::parse(text.as_bytes()).and_then(|value| read(&value));
    read.map_err(|faults| Problem::internal(format!("a stored document has faults: {faults:?}")))
}

//! The texts of YAML documents, read by another library than the one that writes them: it reads version 1.1, as Go's does.

use serde::Deserialize;
use serde_json::Value;

/// The documents of a stream.
pub fn documents(text: &str) -> Vec<Value> {
    serde_norway::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

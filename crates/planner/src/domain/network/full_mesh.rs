//! Every pair of nodes has the same link.

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::read_latency;
use crate::domain::read::Reader;

/// Every pair of nodes has the same link.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct FullMesh {
    /// Bits per second.
    #[cfg_attr(feature = "schema", schema(minimum = 1e-100, maximum = 1e100))]
    pub bandwidth_bps: f64,
    /// Seconds that every transfer takes in addition.
    #[cfg_attr(feature = "schema", schema(default = 0.0, required = false, minimum = 0, maximum = 1e100))]
    pub latency_s: f64,
    /// The medium that all pairs share; without one each directed pair has a medium of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub medium: Option<String>,
}

impl FullMesh {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 4] = ["kind", "bandwidth_bps", "latency_s", "medium"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let bandwidth_bps = reader.required(map, "bandwidth_bps", Reader::positive);
        let latency_s = read_latency(reader, map);
        let medium = reader.optional(map, "medium", Reader::id);
        Some(Self { bandwidth_bps: bandwidth_bps?, latency_s, medium })
    }
}

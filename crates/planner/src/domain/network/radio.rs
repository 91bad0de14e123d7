//! The bit rate of every pair of nodes follows from its distance.

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::read_latency;
use crate::domain::read::Reader;

/// A pair's bandwidth follows from its distance d in metres: `bandwidth_hz` · log2(1 + `snr_at_1m` / d²) bits per
/// second (Shannon and Hartley, with free-space loss; the paper's equation).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Radio {
    /// Width of the channel, hertz.
    #[cfg_attr(feature = "schema", schema(minimum = 1e-100, maximum = 1e100))]
    pub bandwidth_hz: f64,
    /// Signal-to-noise ratio at one metre, as a ratio.
    #[cfg_attr(feature = "schema", schema(minimum = 1e-100, maximum = 1e100))]
    pub snr_at_1m: f64,
    /// Seconds that every transfer takes in addition.
    #[cfg_attr(feature = "schema", schema(default = 0.0, required = false, minimum = 0, maximum = 1e100))]
    pub latency_s: f64,
    /// The medium that all pairs share; without one each directed pair has a medium of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub medium: Option<String>,
}

impl Radio {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 5] = ["kind", "bandwidth_hz", "snr_at_1m", "latency_s", "medium"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let bandwidth_hz = reader.required(map, "bandwidth_hz", Reader::positive);
        let snr_at_1m = reader.required(map, "snr_at_1m", Reader::positive);
        let latency_s = read_latency(reader, map);
        let medium = reader.optional(map, "medium", Reader::id);
        Some(Self { bandwidth_hz: bandwidth_hz?, snr_at_1m: snr_at_1m?, latency_s, medium })
    }
}

//! The rule that supplies links for the pairs of nodes that are not listed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::FaultCode;
use super::read::Reader;
use super::unit::counted;

/// The rule, by kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Network {
    /// The same link for every pair.
    FullMesh(FullMesh),
    /// A link for every pair by its distance.
    Radio(Radio),
    /// A link for every pair as measured.
    Matrix(Matrix),
}

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
}

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
}

/// A table of measured bit rates.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Matrix {
    /// The nodes of the rows and columns.
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub node_ids: Vec<String>,
    /// Bits per second from the row's node to the column's; 0 for no direct path. The diagonal is not read.
    pub bandwidth_bps: Vec<Vec<f64>>,
    /// Seconds that every transfer takes in addition.
    #[cfg_attr(feature = "schema", schema(default = 0.0, required = false, minimum = 0, maximum = 1e100))]
    pub latency_s: f64,
}

impl Network {
    /// Reads the rule within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.map(value)?;
        let kinds = [("full_mesh", 0), ("radio", 1), ("matrix", 2)];
        let kind = reader.required(map, "kind", |reader, value| reader.one_of(value, &kinds))?;
        match kind {
            0 => FullMesh::read(reader, value).map(Self::FullMesh),
            1 => Radio::read(reader, value).map(Self::Radio),
            _ => Matrix::read(reader, value).map(Self::Matrix),
        }
    }
}

fn read_latency(reader: &mut Reader, map: &Map<String, Value>) -> f64 {
    reader.optional(map, "latency_s", Reader::non_negative).unwrap_or(0.0)
}

impl FullMesh {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 3] = ["kind", "bandwidth_bps", "latency_s"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let bandwidth_bps = reader.required(map, "bandwidth_bps", Reader::positive);
        let latency_s = read_latency(reader, map);
        Some(Self { bandwidth_bps: bandwidth_bps?, latency_s })
    }
}

impl Radio {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 4] = ["kind", "bandwidth_hz", "snr_at_1m", "latency_s"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let bandwidth_hz = reader.required(map, "bandwidth_hz", Reader::positive);
        let snr_at_1m = reader.required(map, "snr_at_1m", Reader::positive);
        let latency_s = read_latency(reader, map);
        Some(Self { bandwidth_hz: bandwidth_hz?, snr_at_1m: snr_at_1m?, latency_s })
    }
}

impl Matrix {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 4] = ["kind", "node_ids", "bandwidth_bps", "latency_s"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let node_ids = reader.required(map, "node_ids", |reader, value| reader.items(value, Reader::id));
        let rows = reader.required(map, "bandwidth_bps", |reader, value| {
            reader.items(value, |reader, value| reader.items(value, Reader::non_negative))
        });
        let latency_s = read_latency(reader, map);
        let node_ids: Option<Vec<String>> = node_ids?.into_iter().collect();
        let rows: Option<Vec<Vec<Option<f64>>>> = rows?.into_iter().collect();
        let rows: Option<Vec<Vec<f64>>> = rows?.into_iter().map(|row| row.into_iter().collect()).collect();
        Some(Self { node_ids: node_ids?, bandwidth_bps: rows?, latency_s })
    }

    /// Records a fault for everything that does not fit the nodes.
    pub fn check(&self, reader: &mut Reader, index_of: &BTreeMap<String, usize>) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, id) in self.node_ids.iter().enumerate() {
            let below = ["node_ids".into(), index.into()];
            if !index_of.contains_key(id) {
                let detail = format!("no node has the id {id:?}");
                reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a node of this cluster");
            }
            if let Some(first) = seen.insert(id, index) {
                let detail = format!("{id:?} is the node of row {first} already");
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Name each node once");
            }
        }
        let wanted = self.node_ids.len();
        if wanted == 0 {
            let action = "Name at least one node, or leave the network out";
            reader.fault_at(&["node_ids".into()], FaultCode::Empty, "the matrix has no node", action);
        }
        if self.bandwidth_bps.len() != wanted {
            let detail = format!(
                "there is a matrix of {} for {}",
                counted(self.bandwidth_bps.len(), "row"),
                counted(wanted, "node")
            );
            reader.fault_at(
                &["bandwidth_bps".into()],
                FaultCode::OutOfRange,
                detail,
                "Give one row for each of node_ids",
            );
        }
        for (index, row) in self.bandwidth_bps.iter().enumerate().filter(|(_, row)| row.len() != wanted) {
            let detail = format!("the row has {} for {}", counted(row.len(), "bit rate"), counted(wanted, "node"));
            let below = ["bandwidth_bps".into(), index.into()];
            reader.fault_at(&below, FaultCode::OutOfRange, detail, "Give one bit rate for each of node_ids");
        }
    }
}

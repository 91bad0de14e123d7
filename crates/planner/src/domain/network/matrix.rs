//! Measured bit rates and latencies of pairs of nodes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use crate::domain::fault::FaultCode;
use crate::domain::read::Reader;
use crate::domain::unit::counted;

/// A table of measured bit rates.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Matrix {
    /// The nodes of the rows and columns.
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub node_ids: Vec<String>,
    /// Bits per second from the row's node to the column's; 0 for no direct path. The diagonal is not read.
    pub bandwidth_bps: Vec<Vec<f64>>,
    /// Seconds that every transfer takes in addition: one number for all pairs, or rows as those of `bandwidth_bps`.
    #[cfg_attr(feature = "schema", schema(required = false, value_type = serde_json::Value))]
    pub latency_s: MatrixLatency,
    /// The medium that all pairs share; without one each directed pair has a medium of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub medium: Option<String>,
}

/// One latency for all pairs, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MatrixLatency {
    /// Seconds.
    Common(f64),
    /// Seconds from the row's node to the column's. The diagonal is not read.
    Rows(Vec<Vec<f64>>),
}

impl MatrixLatency {
    /// Seconds from the node of a row to that of a column.
    pub fn between(&self, row: usize, column: usize) -> f64 {
        match self {
            Self::Common(latency_s) => *latency_s,
            Self::Rows(rows) => rows[row][column],
        }
    }

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        if value.is_array() {
            return read_rows(reader, value).map(Self::Rows);
        }
        if !value.is_number() {
            reader.wrong_type(value, "a number, or a list of rows");
            return None;
        }
        reader.non_negative(value).map(Self::Common)
    }
}

/// Reads rows of numbers of 0 or more.
fn read_rows(reader: &mut Reader, value: &Value) -> Option<Vec<Vec<f64>>> {
    let rows = reader.items(value, |reader, value| reader.items(value, Reader::non_negative))?;
    let rows: Option<Vec<Vec<Option<f64>>>> = rows.into_iter().collect();
    rows?.into_iter().map(|row| row.into_iter().collect()).collect()
}

impl Matrix {
    /// Field names of the document.
    pub const FIELDS: [&'static str; 5] = ["kind", "node_ids", "bandwidth_bps", "latency_s", "medium"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let node_ids = reader.required(map, "node_ids", |reader, value| reader.items(value, Reader::id));
        let rows = reader.required(map, "bandwidth_bps", read_rows);
        let latency_s = reader.optional(map, "latency_s", MatrixLatency::read).unwrap_or(MatrixLatency::Common(0.0));
        let medium = reader.optional(map, "medium", Reader::id);
        let node_ids: Option<Vec<String>> = node_ids?.into_iter().collect();
        Some(Self { node_ids: node_ids?, bandwidth_bps: rows?, latency_s, medium })
    }

    /// Records what does not fit the nodes.
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
        if self.node_ids.is_empty() {
            let action = "Name at least one node, or leave the network out";
            reader.fault_at(&["node_ids".into()], FaultCode::Empty, "the matrix has no node", action);
        }
        self.check_rows(reader, ("bandwidth_bps", "bit rate"), &self.bandwidth_bps);
        if let MatrixLatency::Rows(rows) = &self.latency_s {
            self.check_rows(reader, ("latency_s", "latency"), rows);
        }
    }

    /// Records rows that are not as many and as long as there are nodes.
    fn check_rows(&self, reader: &mut Reader, (field, what): (&'static str, &str), rows: &[Vec<f64>]) {
        let wanted = self.node_ids.len();
        if rows.len() != wanted {
            let detail = format!("there is a matrix of {} for {}", counted(rows.len(), "row"), counted(wanted, "node"));
            reader.fault_at(&[field.into()], FaultCode::OutOfRange, detail, "Give one row for each of node_ids");
        }
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.len() != wanted) {
            let many = if what == "latency" { "latencies" } else { "bit rates" };
            let found = if row.len() == 1 { format!("1 {what}") } else { format!("{} {many}", row.len()) };
            let detail = format!("the row has {found} for {}", counted(wanted, "node"));
            let below = [field.into(), index.into()];
            reader.fault_at(&below, FaultCode::OutOfRange, detail, format!("Give one {what} for each of node_ids"));
        }
    }
}

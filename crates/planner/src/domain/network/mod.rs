//! The rule that supplies links for the pairs of nodes that are not listed.

mod access_point;
mod full_mesh;
mod matrix;
mod radio;
mod topology;

pub use self::access_point::{AccessPoint, Station};
pub use self::full_mesh::FullMesh;
pub use self::matrix::{Matrix, MatrixLatency};
pub use self::radio::Radio;
pub use self::topology::{Duplex, Segment, Topology};

use serde::Serialize;
use serde_json::{Map, Value};

use super::read::Reader;

/// The rule, by kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Network {
    /// Every pair alike.
    FullMesh(FullMesh),
    /// Every pair by its distance.
    Radio(Radio),
    /// Every pair as measured.
    Matrix(Matrix),
    /// Stations on one channel, and nodes that are wired to its access point.
    AccessPoint(AccessPoint),
    /// Segments between nodes and switches, with routes over them.
    Topology(Topology),
}

impl Network {
    /// Reads the rule from within a document.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.map(value)?;
        let kinds = [("full_mesh", 0), ("radio", 1), ("matrix", 2), ("access_point", 3), ("topology", 4)];
        let kind = reader.required(map, "kind", |reader, value| reader.one_of(value, &kinds))?;
        match kind {
            0 => FullMesh::read(reader, value).map(Self::FullMesh),
            1 => Radio::read(reader, value).map(Self::Radio),
            2 => Matrix::read(reader, value).map(Self::Matrix),
            3 => AccessPoint::read(reader, value).map(Self::AccessPoint),
            _ => Topology::read(reader, value).map(Self::Topology),
        }
    }
}

fn read_latency(reader: &mut Reader, map: &Map<String, Value>) -> f64 {
    reader.optional(map, "latency_s", Reader::non_negative).unwrap_or(0.0)
}

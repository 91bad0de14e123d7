//! The objective of a request.

use serde::Serialize;
use serde_json::Value;

use super::fault::FaultCode;
use super::placement::PlacementDocument;
use super::read::Reader;

/// The objective of a request: the value that a placement is to make as small as possible.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Objective {
    /// The smallest period of one pipeline with one stage on each node. Of periods within the
    /// tolerance, the smallest latency found. With several pipelines, the largest sum of their rates.
    #[default]
    MaxThroughput,
    /// The smallest latency of one pass through the empty pipeline.
    MinLatency,
    /// The fewest nodes with which the period is at most a target.
    MinNodes {
        /// The target, in seconds.
        target_period_s: f64,
    },
    /// Every placement that no other beats in both period and latency.
    Tradeoff,
}

/// The unit of an objective's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Nodes.
    Nodes,
}

impl Objective {
    /// Returns `true` if the period is compared before the latency.
    pub fn minimises_period(self) -> bool {
        matches!(self, Self::MaxThroughput | Self::Tradeoff)
    }

    /// Returns the unit of the value and its bound.
    pub fn unit(self) -> Unit {
        match self {
            Self::MaxThroughput | Self::MinLatency | Self::Tradeoff => Unit::Seconds,
            Self::MinNodes { .. } => Unit::Nodes,
        }
    }

    /// Returns the value of a placement with these figures. A smaller value is better.
    pub fn value(self, period_s: f64, latency_s: f64, nodes: usize) -> f64 {
        match self {
            Self::MaxThroughput | Self::Tradeoff => period_s,
            Self::MinLatency => latency_s,
            Self::MinNodes { .. } => nodes as f64,
        }
    }

    /// Returns the value of a document, or `None` if it has no placement. For the period it is that
    /// of the fastest placement found.
    pub fn value_of(self, document: &PlacementDocument) -> Option<f64> {
        let (period_s, latency_s) = document.least_period_s().zip(document.latency_s)?;
        Some(self.value(period_s, latency_s, document.node_count()))
    }

    /// Returns the bound that a document claims, in the objective's unit, or `None` if it claims
    /// none.
    pub fn bound_of(self, document: &PlacementDocument) -> Option<f64> {
        match self.unit() {
            Unit::Seconds => document.lower_bound_s,
            Unit::Nodes => document.lower_bound_nodes.map(|nodes| nodes as f64),
        }
    }

    /// The field names of the document.
    pub const FIELDS: [&'static str; 2] = ["kind", "target_period_s"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let kinds = [
            ("max_throughput", Self::MaxThroughput),
            ("min_latency", Self::MinLatency),
            ("min_nodes", Self::MinNodes { target_period_s: 0.0 }),
            ("tradeoff", Self::Tradeoff),
        ];
        let kind = reader.required(map, "kind", |reader, value| reader.one_of(value, &kinds))?;
        if let Self::MinNodes { .. } = kind {
            let target_period_s = reader.required(map, "target_period_s", Reader::non_negative)?;
            return Some(Self::MinNodes { target_period_s });
        }
        if map.contains_key("target_period_s") {
            let detail = "target_period_s goes with the objective min_nodes alone";
            reader.fault_at(
                &["target_period_s".into()],
                FaultCode::Conflict,
                detail,
                "Remove it, or set kind to min_nodes",
            );
        }
        Some(kind)
    }
}

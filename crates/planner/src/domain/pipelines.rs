//! The option of several pipelines on one cluster.

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::FaultCode;
use super::options::{Objective, PlanOptions};
use super::read::Reader;
use super::unit::MAX_SAFE_INTEGER;

/// How many pipelines an answer may have, each on nodes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct PipelineOptions {
    /// The most pipelines; absent for as many as help.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, minimum = 1, maximum = 9007199254740991_i64))]
    pub most: Option<u64>,
}

impl PipelineOptions {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 1] = ["most"];

    pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let most = reader.optional(map, "most", |reader, value| reader.integer(value, 1, MAX_SAFE_INTEGER));
        // A number that could not be read has its own fault and does not count as absent.
        (most.is_some() || !map.contains_key("most")).then_some(Self { most })
    }
}

/// Checks that several pipelines are asked for only where the sum of their rates is compared, by an algorithm that
/// searches.
pub(super) fn check_pipelines(reader: &mut Reader, options: &PlanOptions) {
    if !options.wants_several() {
        return;
    }
    let mut refuse = |detail: &str, action: &str| {
        reader.fault_at(&["pipelines".into()], FaultCode::Conflict, detail, action);
    };
    if !matches!(options.objective, Objective::MaxThroughput | Objective::MinNodes { .. }) {
        let action = "Set the objective's kind to max_throughput or min_nodes, or remove pipelines";
        refuse("several pipelines go with the objectives max_throughput and min_nodes alone", action);
    }
    if !options.solver.algorithm.searches() {
        let action = "Set solver.algorithm to auto or exact, or remove pipelines";
        refuse("several pipelines are found by the algorithms auto and exact alone", action);
    }
}

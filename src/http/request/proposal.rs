//! Stages that a caller proposes, of one pipeline or of several.

use cutpoint_planner::check::StageProposal;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::read::Reader;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::api::Limits;
use crate::http::problem::Problem;
use crate::http::request::body::document;
use crate::http::request::inputs::Resolved;
use crate::http::request::limits::fits;

/// The most layers of all proposed pipelines together, if each has the whole model. Each pipeline is checked against all of
/// them.
const MOST_LAYERS: usize = 2_000_000;

document! {
    /// A pipeline that is proposed.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct PipelineProposal {
        /// Its stages, in the order in which an input passes them.
        pub stages: Vec<StageProposal>,
    }
}

/// What is proposed.
#[derive(Debug)]
pub(crate) enum Proposal {
    /// One pipeline.
    Stages(Vec<StageProposal>),
    /// Several pipelines.
    Pipelines(Vec<Vec<StageProposal>>),
}

impl Proposal {
    /// Reads `stages` or `proposed_pipelines` of a request.
    pub(crate) fn read(reader: &mut Reader, map: &Map<String, Value>, limits: &Limits) -> Option<Self> {
        if !map.contains_key("proposed_pipelines") {
            return read_stages(reader, map, limits).map(Self::Stages);
        }
        if map.contains_key("stages") {
            let detail = "stages and proposed_pipelines are both given";
            reader.fault_at(&["proposed_pipelines".into()], FaultCode::Conflict, detail, "Give one of the two");
            return None;
        }
        // Each pipeline needs a node at least.
        if !fits(reader, map.get("proposed_pipelines"), "proposed_pipelines", limits.nodes) {
            return None;
        }
        let pipelines = reader.optional(map, "proposed_pipelines", |reader, value| {
            reader.items(value, |reader, pipeline| {
                let map = reader.object(pipeline, PipelineProposal::FIELDS)?;
                read_stages(reader, map, limits)
            })
        })?;
        pipelines.into_iter().collect::<Option<_>>().map(Self::Pipelines)
    }

    /// Returns for how many bytes of JSON the check of the proposal takes as long as reading them.
    ///
    /// # Errors
    /// 422 if the pipelines have too many layers together.
    pub(crate) fn bytes_to_check(&self, resolved: &Resolved) -> Result<usize, Problem> {
        let Self::Pipelines(pipelines) = self else { return Ok(resolved.bytes) };
        let layers = resolved.request.model.layers.len();
        if pipelines.len().saturating_mul(layers) > MOST_LAYERS {
            return Err(Problem::invalid_request(vec![too_many(pipelines.len(), layers)]));
        }
        Ok(resolved.bytes.saturating_mul(pipelines.len()))
    }

    /// Returns the pipelines, and whether they were given as such.
    pub(crate) fn into_pipelines(self) -> (Vec<Vec<StageProposal>>, bool) {
        match self {
            Self::Stages(stages) => (vec![stages], false),
            Self::Pipelines(pipelines) => (pipelines, true),
        }
    }
}

/// Reads stages. A placement cannot have more than there are nodes.
fn read_stages(reader: &mut Reader, map: &Map<String, Value>, limits: &Limits) -> Option<Vec<StageProposal>> {
    let stages = fits(reader, map.get("stages"), "stages", limits.nodes)
        .then(|| reader.required(map, "stages", |reader, value| reader.items(value, StageProposal::read)))
        .flatten();
    stages.and_then(|stages| stages.into_iter().collect())
}

fn too_many(pipelines: usize, layers: usize) -> Fault {
    let detail = format!("{pipelines} pipelines of a model with {layers} layers");
    let action = format!("Give at most {} pipelines of this model", MOST_LAYERS / layers.max(1));
    Fault::new("/proposed_pipelines", FaultCode::OutOfRange, detail, action)
}

//! The base: the placement that runs already when a request asks to plan again.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::FaultCode;
use super::proposal::StageProposal;
use super::read::Reader;

/// Which node holds which layers' parameters: one pipeline by its `stages`, or several `pipelines`. Nodes and layers that no
/// longer exist are ignored. So are constant layers: a stage holds those that lead to its layers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct BasePlacement {
    /// The stages that run, if the base is one pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    stages: Option<Vec<StageProposal>>,
    /// The pipelines that run, in place of `stages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false))]
    pipelines: Option<Vec<BasePipeline>>,
}

/// A pipeline that runs already.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct BasePipeline {
    /// Its stages.
    pub stages: Vec<StageProposal>,
}

impl BasePipeline {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 1] = ["stages"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        Some(Self { stages: reader.required(map, "stages", read_stages)? })
    }
}

impl BasePlacement {
    /// The field names of the document. It has one of the two.
    pub const FIELDS: [&'static str; 2] = ["stages", "pipelines"];

    /// Returns the base of some pipelines. One alone is written as `stages`.
    pub fn of(mut pipelines: Vec<BasePipeline>) -> Self {
        if pipelines.len() == 1 {
            let stages = pipelines.pop().map(|only| only.stages);
            return Self { stages, pipelines: None };
        }
        Self { stages: None, pipelines: Some(pipelines) }
    }

    /// Reads a base within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        if !map.contains_key("pipelines") {
            return Some(Self { stages: Some(reader.required(map, "stages", read_stages)?), pipelines: None });
        }
        if map.contains_key("stages") {
            let detail = "a base has stages or pipelines, not both";
            reader.fault_at(&["stages".into()], FaultCode::Conflict, detail, "Move the stages into a pipeline");
        }
        let read_pipelines = |reader: &mut Reader, value| reader.items(value, BasePipeline::read);
        let pipelines = reader.required(map, "pipelines", read_pipelines)?;
        Some(Self { stages: None, pipelines: Some(pipelines.into_iter().flatten().collect()) })
    }

    /// Returns the stages of each pipeline.
    pub fn pipelines(&self) -> impl Iterator<Item = &[StageProposal]> {
        let one = self.stages.as_deref();
        one.into_iter().chain(self.pipelines.iter().flatten().map(|pipeline| &pipeline.stages[..]))
    }

    /// Returns the stages of all pipelines, each with whether it is the last of its own.
    pub fn stages(&self) -> impl Iterator<Item = (&StageProposal, bool)> {
        self.pipelines().flat_map(|stages| stages.iter().enumerate().map(|(at, stage)| (stage, at + 1 == stages.len())))
    }
}

fn read_stages(reader: &mut Reader, value: &Value) -> Option<Vec<StageProposal>> {
    let stages = reader.items(value, StageProposal::read)?;
    check_layers(reader, &stages);
    Some(stages.into_iter().flatten().collect())
}

/// Checks that each layer is in one stage of a pipeline only.
fn check_layers(reader: &mut Reader, stages: &[Option<StageProposal>]) {
    let mut first_stage: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, stage) in stages.iter().enumerate() {
        for (place, layer) in stage.iter().flat_map(|stage| stage.layer_ids.iter().enumerate()) {
            if let Some(first) = first_stage.insert(layer, index) {
                let below = [index.into(), "layer_ids".into(), place.into()];
                let detail = format!("layer {layer:?} stands in stage {first} already");
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Name each layer once");
            }
        }
    }
}

//! The base: the placement that runs already when a request asks to plan again.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::fault::FaultCode;
use super::proposal::StageProposal;
use super::read::Reader;

/// Which node holds which layers' parameters. Nodes and layers that no longer exist are ignored. So are constant
/// layers: a stage holds those that lead to its layers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct BasePlacement {
    /// The stages that run.
    pub stages: Vec<StageProposal>,
}

impl BasePlacement {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 1] = ["stages"];

    /// Reads a base within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let read_stages = |reader: &mut Reader, value| reader.items(value, StageProposal::read);
        let stages = reader.required(map, "stages", read_stages)?;
        reader.within("stages", |reader| check_layers(reader, &stages));
        Some(Self { stages: stages.into_iter().flatten().collect() })
    }

    /// Returns, for each layer, the node that holds it.
    pub fn holders(&self) -> BTreeMap<&str, &str> {
        let held = self.stages.iter().flat_map(|stage| stage.layer_ids.iter().map(|layer| (layer, &stage.node_id)));
        held.map(|(layer, node)| (layer.as_str(), node.as_str())).collect()
    }
}

/// Checks that each layer is in one stage only.
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

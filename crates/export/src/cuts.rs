//! The names of the tensors at each cut.

use serde::Serialize;

use crate::error::ExportError;
use crate::placement::{Pipeline, Placement, Transfer};
use crate::stages::{StagesFile, Tensor};

#[derive(Serialize)]
struct Cuts<'a> {
    pipelines: Vec<CutPipeline<'a>>,
}

#[derive(Serialize)]
struct CutPipeline<'a> {
    stages: Vec<CutStage<'a>>,
}

#[derive(Serialize)]
struct CutStage<'a> {
    index: usize,
    node_id: &'a str,
    layers: usize,
    receives: Vec<&'a str>,
    sends: Vec<&'a str>,
}

/// Lists them as JSON: those of the ONNX files where `stages.json` is known, else the layers that the placement names. The inputs
/// and outputs of a model whose source or sink is not planned are not in a placement.
pub(crate) fn list(placement: &Placement, stages: Option<&StagesFile>) -> Result<Vec<u8>, ExportError> {
    let pipelines = placement.pipelines.iter().enumerate();
    let cuts = Cuts { pipelines: pipelines.map(|(p, pipeline)| of_pipeline(p, pipeline, stages)).collect() };
    let mut text = serde_json::to_vec_pretty(&cuts).map_err(|error| ExportError::Written(error.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

fn of_pipeline<'a>(p: usize, pipeline: &'a Pipeline, stages: Option<&'a StagesFile>) -> CutPipeline<'a> {
    let of_stage = |index: usize| {
        let stage = &pipeline.stages[index];
        let entry = stages.and_then(|stages| stages.entry(p, index));
        CutStage {
            index,
            node_id: &stage.node_id,
            layers: stage.layer_ids.len(),
            receives: names(entry.map(|entry| entry.inputs.as_slice()), stage.receive.as_ref()),
            sends: names(entry.map(|entry| entry.outputs.as_slice()), stage.send.as_ref()),
        }
    };
    CutPipeline { stages: (0..pipeline.stages.len()).map(of_stage).collect() }
}

fn names<'a>(tensors: Option<&'a [Tensor]>, transfer: Option<&'a Transfer>) -> Vec<&'a str> {
    match (tensors, transfer) {
        (Some(tensors), _) => tensors.iter().map(|tensor| tensor.name.as_str()).collect(),
        (None, Some(transfer)) => transfer.tensor_layer_ids.iter().map(String::as_str).collect(),
        (None, None) => Vec::new(),
    }
}

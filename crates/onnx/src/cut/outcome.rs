//! What a cut has written.

use serde::Serialize;

use crate::flow::FlowTensor;

/// The files of all stages.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The name of the model.
    pub name: String,
    /// The stages of each pipeline, in order.
    pub pipelines: Vec<Vec<CutStage>>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// A stage with its file.
#[derive(Debug, Clone)]
pub struct CutStage {
    /// The ONNX file, in the folder that was given.
    pub file: String,
    /// The file with its weights, if they are not in the ONNX file.
    pub weights_file: Option<String>,
    /// How many nodes it has.
    pub nodes: usize,
    /// The bytes of the ONNX file.
    pub file_bytes: u64,
    /// All tensors that arrive, those that only a later stage reads included.
    pub inputs: Vec<CutTensor>,
    /// All tensors that leave: the inputs of the next stage, or the outputs of the model.
    pub outputs: Vec<CutTensor>,
}

/// A tensor that travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CutTensor {
    /// Its name in the files of the stages.
    pub name: String,
    /// The type of its elements, as numpy spells it.
    #[serde(rename = "type")]
    pub element_type: &'static str,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// The bytes that it takes.
    pub bytes: u64,
}

impl CutTensor {
    pub(super) fn new(name: &str, tensor: &FlowTensor) -> Self {
        let element_type = match tensor.fact.element.map_or("", |element| element.name()) {
            "float" => "float32",
            "double" => "float64",
            other => other,
        };
        let shape = tensor.fact.shape.clone().unwrap_or_default();
        Self { name: name.to_owned(), element_type, shape, bytes: tensor.fact.bytes().unwrap_or(0) }
    }
}

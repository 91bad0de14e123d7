//! Where the figures of a profile come from, and what was left out.

use std::sync::Arc;

use serde::Serialize;

use super::warnings::Warning;
use crate::flow::{Branch, SetDimension, Source};

/// Where the figures of a profile come from, and what was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where the batch size comes from.
    pub batch_size_source: Source,
    /// Dimensions that the file leaves open.
    pub dimensions: Vec<SetDimension>,
    /// The inputs of the model.
    pub inputs: Vec<InputReport>,
    /// Every layer with its tensor, in the order of the profile.
    pub tensors: Vec<TensorReport>,
    /// Every kind of operator, by name.
    pub operators: Vec<OperatorReport>,
    /// Branches that are always taken.
    pub branches: Vec<Branch>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// An input of the model.
#[derive(Debug, Clone, Serialize)]
pub struct InputReport {
    /// Its name in the file.
    pub name: String,
    /// The type of its elements.
    pub element_type: &'static str,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// Where its dimensions come from.
    pub source: Source,
}

/// A layer and its tensor.
#[derive(Debug, Clone, Serialize)]
pub struct TensorReport {
    /// The layer.
    pub layer_id: Arc<str>,
    /// The tensor's name in the file, where it differs from the id of the layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The type of its elements.
    pub element_type: &'static str,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// Where its dimensions come from.
    pub source: Source,
    /// Whether it is the same in every pass.
    pub is_constant: bool,
}

/// A kind of operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorReport {
    /// Its name, after its domain if that is not ONNX's.
    pub kind: Arc<str>,
    /// How many operators of the kind the profile has.
    pub count: u64,
    /// The operations of all of them for one pass.
    pub flops: u64,
    /// Whether a rule counts the operations. Without one, each element of the outputs counts as one.
    pub has_rule: bool,
}

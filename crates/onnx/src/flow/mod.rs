//! The model as one flat list of operators: functions and taken branches in the places of their
//! calls, shapes computed, in an order in which each operator comes after what it reads.

mod calls;
mod dimensions;
mod inputs;
mod operator;
mod order;
mod scope;
mod walk;

pub(crate) use walk::flow_of;

use std::sync::Arc;

use serde::Serialize;

use crate::flops::Work;
use crate::shapes::Fact;

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The file says it.
    File,
    /// An option sets it.
    Set,
    /// It was computed from the figures of the inputs.
    Computed,
    /// Data decides it; the largest possible value was taken.
    Guessed,
    /// Nothing says it; the usual value was taken.
    Default,
}

/// The flat model.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) tensors: Vec<FlowTensor>,
    pub(crate) operators: Vec<Operator>,
    /// The tensors that the model delivers.
    pub(crate) outputs: Vec<usize>,
    pub(crate) dimensions: Vec<SetDimension>,
    /// The number of the dimension that looks like the batch.
    pub(crate) batch: Option<(u64, Source)>,
    pub(crate) branches: Vec<Branch>,
    /// Tensors of which the file says another shape than was computed.
    pub(crate) contradictions: Vec<String>,
}

/// A tensor of the flat model.
#[derive(Debug)]
pub(crate) struct FlowTensor {
    /// Its name in the file. One within a function follows the name of the call.
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) fact: Fact,
    pub(crate) source: Source,
}

/// Who makes a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Whoever uses the model.
    Input,
    /// The file holds it, in so many bytes.
    Constant { bytes: u64, is_node: bool },
    /// The operator at this place.
    Operator(usize),
}

/// An operator of the flat model.
#[derive(Debug)]
pub(crate) struct Operator {
    /// The name of its node, or of its first output.
    pub(crate) node: String,
    /// Its kind, after its domain if that is not ONNX's.
    pub(crate) kind: Arc<str>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) work: Work,
    /// Why its outputs are not all known.
    pub(crate) gap: Option<String>,
}

/// A dimension that the file leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetDimension {
    /// Its name; for one without a name, its input and place.
    pub name: String,
    /// Its number.
    pub size: u64,
    /// Where the number comes from.
    pub source: Source,
}

/// A branch that is always taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// The node that branches.
    pub node: String,
    /// The branch taken: `then` or `else`.
    pub taken: &'static str,
}

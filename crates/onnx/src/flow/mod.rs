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

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use crate::flops::Work;
use crate::model::{Bindings, Node, SparseTensor, Tensor};
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
pub(crate) struct Flow<'m> {
    pub(crate) tensors: Vec<FlowTensor<'m>>,
    pub(crate) operators: Vec<Operator<'m>>,
    /// The tensors that the model delivers.
    pub(crate) outputs: Vec<usize>,
    /// The names of the model's outputs, in the order of the file, each with its tensor.
    pub(crate) output_names: Vec<(&'m str, usize)>,
    pub(crate) dimensions: Vec<SetDimension>,
    /// The number of the dimension that looks like the batch.
    pub(crate) batch: Option<(u64, Source)>,
    pub(crate) branches: Vec<Branch>,
    /// Tensors of which the file says another shape than was computed.
    pub(crate) contradictions: Vec<String>,
}

/// A tensor of the flat model.
#[derive(Debug)]
pub(crate) struct FlowTensor<'m> {
    /// Its name in the file. One within a function follows the name of the call.
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) fact: Fact,
    pub(crate) source: Source,
    /// What the file holds of it, if it is a constant.
    pub(crate) held: Option<Held<'m>>,
}

/// What the file holds of a constant.
#[derive(Debug, Clone)]
pub(crate) enum Held<'m> {
    /// An initializer.
    Tensor(&'m Tensor),
    /// A sparse initializer.
    Sparse(&'m SparseTensor),
    /// A `Constant` node.
    Node(Site<'m>),
}

/// A node of the file and its surroundings.
#[derive(Debug, Clone)]
pub(crate) struct Site<'m> {
    pub(crate) node: &'m Node,
    /// The attributes of the call, if the node is in a function.
    pub(crate) bindings: Rc<Bindings<'m>>,
    /// The versions of operators that hold for the node.
    pub(crate) opsets: &'m BTreeMap<String, i64>,
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
pub(crate) struct Operator<'m> {
    /// The name of its node, or of its first output.
    pub(crate) node: String,
    /// The name under which profilers know it, if it has one.
    pub(crate) name: Option<String>,
    /// Its kind, after its domain if that is not ONNX's.
    pub(crate) kind: Arc<str>,
    /// In the order of the node; `None` for an input that is left out.
    pub(crate) inputs: Vec<Option<usize>>,
    /// In the order of the node, without those that are left out.
    pub(crate) outputs: Vec<usize>,
    pub(crate) work: Work,
    /// Why its outputs are not all known.
    pub(crate) gap: Option<String>,
    pub(crate) site: Site<'m>,
}

impl Operator<'_> {
    /// Returns the tensors that it reads.
    pub(crate) fn reads(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().copied().flatten()
    }
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

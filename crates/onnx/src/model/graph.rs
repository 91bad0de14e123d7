//! The model, its graphs, their nodes, and what the file says of tensors.

use std::collections::BTreeMap;

use super::attributes::Attribute;
use super::{ElementType, Span, SparseTensor, Tensor};

/// A model.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The version of the file format.
    pub ir_version: i64,
    /// The program that wrote the file, with its version.
    pub producer: String,
    /// The version of each set of operators, by domain. The domain of ONNX is empty.
    pub opsets: BTreeMap<String, i64>,
    /// The main graph.
    pub graph: Graph,
    /// Functions that nodes call.
    pub functions: Vec<Function>,
}

/// A graph: of the model, or of a branch or a body.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Weights and constants.
    pub initializers: Vec<Tensor>,
    /// Weights that list only their elements which are not 0.
    pub sparse_initializers: Vec<SparseTensor>,
    /// Inputs. Some of them can be initializers.
    pub inputs: Vec<ValueInfo>,
    /// Outputs.
    pub outputs: Vec<ValueInfo>,
    /// What is said of other tensors.
    pub value_infos: Vec<ValueInfo>,
    /// Its message in the file.
    pub span: Span,
}

/// An operator, or the call of a function.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Its name, which can be empty.
    pub name: String,
    /// The operator or the function.
    pub operator: String,
    /// The domain of the operator; empty for those of ONNX.
    pub domain: String,
    /// Which of several functions of one name is meant.
    pub overload: String,
    /// The names of the tensors that it reads. An empty name stands for an input that is left out.
    pub inputs: Vec<String>,
    /// The names of the tensors that it makes. An empty name stands for an output that is left out.
    pub outputs: Vec<String>,
    /// Attributes.
    pub attributes: Vec<Attribute>,
    /// Its message in the file.
    pub span: Span,
}

/// A function: nodes that take the place of a call.
#[derive(Debug, Clone, Default)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Which of several functions of one name it is.
    pub overload: String,
    /// The names of its inputs within it.
    pub inputs: Vec<String>,
    /// The names of its outputs within it.
    pub outputs: Vec<String>,
    /// Attributes with the values that hold where a call gives none.
    pub defaults: Vec<Attribute>,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// The version of each set of operators in it.
    pub opsets: BTreeMap<String, i64>,
    /// Its message in the file.
    pub span: Span,
}

/// What the file says of a tensor.
#[derive(Debug, Clone)]
pub struct ValueInfo {
    /// The tensor's name.
    pub name: String,
    /// Its type.
    pub kind: ValueType,
    /// Its message in the file.
    pub span: Span,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueType {
    /// Nothing is said.
    Unknown,
    /// A tensor. `shape` is `None` if nothing is said of it.
    Tensor {
        /// The type of its elements.
        element: Option<ElementType>,
        /// Its dimensions.
        shape: Option<Vec<Dimension>>,
    },
    /// A value that is no tensor: a sequence, a map, an optional value or a sparse tensor.
    Other(&'static str),
}

/// A dimension of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dimension {
    /// A number.
    Size(u64),
    /// A name that stands for a number.
    Symbol(String),
    /// Nothing is said.
    Unknown,
}

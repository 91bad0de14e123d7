//! An ONNX model as its file has it. Weights are left out; where they stand in the file is kept.

mod attributes;
mod element;
mod graph;
mod tensor;

pub use attributes::{Attribute, AttributeValue};
pub(crate) use attributes::{Attributes, Bindings};
pub use element::ElementType;
pub use graph::{Dimension, Function, Graph, Model, Node, ValueInfo, ValueType};
pub use tensor::{Location, SparseTensor, Tensor, Values};

/// A range of bytes of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

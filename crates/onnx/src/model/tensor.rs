//! Tensors of the file: weights, constants, and what of their values is kept.

use super::{ElementType, Span};

/// A tensor of the file without its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name; empty in attributes.
    pub name: String,
    /// The type of its elements.
    pub element: ElementType,
    /// Its dimensions; empty for a scalar.
    pub shape: Vec<u64>,
    /// Its values, if it is small.
    pub values: Option<Values>,
    /// Bytes of its texts, if elements are texts.
    pub text_bytes: u64,
    /// Where its data is.
    pub location: Location,
    /// The place in the file of the bytes of its elements, if they are stored as such.
    pub raw: Option<Span>,
    /// Its message in the file.
    pub span: Span,
}

impl Tensor {
    /// Returns the number of elements. Reading has checked that it is a profile's number.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Returns the bytes that the tensor takes.
    pub fn bytes(&self) -> u64 {
        self.element.bytes(self.elements()).unwrap_or(self.text_bytes)
    }
}

/// A tensor that lists its elements which are not 0.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseTensor {
    /// The elements that are listed; its name is the tensor's.
    pub values: Tensor,
    /// Where they stand.
    pub indices: Tensor,
    /// The dimensions of the whole tensor.
    pub shape: Vec<u64>,
    /// Its message in the file.
    pub span: Span,
}

/// Where the data of a tensor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the file.
    Inline,
    /// In another file.
    External {
        /// The path of the other file, relative to the model's folder.
        file: String,
        /// Where the data begins in it.
        offset: u64,
        /// How many bytes it has, if the model says so.
        length: Option<u64>,
    },
}

/// Values of a small tensor, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Integers and truth values.
    Integers(Vec<i64>),
    /// Floating-point numbers.
    Floats(Vec<f64>),
}

impl Values {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Returns `true` if there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

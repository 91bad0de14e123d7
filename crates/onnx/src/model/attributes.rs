//! Attributes of nodes, and how those of a function's nodes refer to those of its call.

use std::collections::BTreeMap;

use super::{Graph, Span, SparseTensor, Tensor};

/// An attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: AttributeValue,
    /// Its message in the file.
    pub span: Span,
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub enum AttributeValue {
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Float(f32),
    /// A text. Bytes that are not UTF-8 are replaced.
    Text(String),
    /// A tensor.
    Tensor(Box<Tensor>),
    /// A sparse tensor.
    Sparse(Box<SparseTensor>),
    /// A graph: a branch or a body.
    Graph(Box<Graph>),
    /// Integers.
    Integers(Vec<i64>),
    /// Floating-point numbers.
    Floats(Vec<f32>),
    /// Texts.
    Texts(Vec<String>),
    /// Graphs.
    Graphs(Vec<Graph>),
    /// The value of the attribute of this name of the call, within a function.
    Reference(String),
    /// A value that shapes do not depend on, or none.
    Other,
}

/// The attributes of a call by their names within the function.
pub(crate) type Bindings<'m> = BTreeMap<&'m str, &'m Attribute>;

/// The attributes of a node. References are resolved.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    own: &'a [Attribute],
    bindings: &'a Bindings<'a>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(own: &'a [Attribute], bindings: &'a Bindings<'a>) -> Self {
        Self { own, bindings }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a AttributeValue> {
        match self.own.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)? {
            AttributeValue::Reference(outer) => self.bindings.get(outer.as_str()).map(|attribute| &attribute.value),
            value => Some(value),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            AttributeValue::Integer(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn integer_or(&self, name: &str, default: i64) -> i64 {
        self.integer(name).unwrap_or(default)
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.integer(name).map_or(default, |value| value != 0)
    }

    pub(crate) fn integers(&self, name: &str) -> Option<&'a [i64]> {
        match self.get(name)? {
            AttributeValue::Integers(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            AttributeValue::Text(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&'a Tensor> {
        match self.get(name)? {
            AttributeValue::Tensor(value) => Some(value),
            _ => None,
        }
    }
}

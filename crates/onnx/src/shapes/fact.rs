//! What is known of a tensor.

use std::sync::Arc;

use super::index::elements;
use crate::limits::MOST_VALUES;
use crate::model::{ElementType, Values};

/// What is known of a tensor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fact {
    pub(crate) element: Option<ElementType>,
    pub(crate) shape: Option<Vec<u64>>,
    /// Its values, if it is small and they do not depend on data.
    pub(crate) values: Option<Arc<Values>>,
    /// Whether its size depends on data, so that its largest possible size was taken.
    pub(crate) is_guessed: bool,
}

impl Fact {
    pub(crate) fn new(element: Option<ElementType>, shape: Vec<u64>) -> Self {
        Self { element, shape: Some(shape), values: None, is_guessed: false }
    }

    /// Adds values, if there are as many as the shape has elements and not too many.
    pub(crate) fn with_values(mut self, values: Option<Values>) -> Self {
        let count = self.elements().filter(|&count| count <= MOST_VALUES);
        let is_single = self.element == Some(ElementType::FLOAT);
        let values = values.filter(|values| count == Some(values.len() as u64));
        self.values = values.map(|values| Arc::new(if is_single { rounded(values) } else { values }));
        self
    }

    pub(crate) fn guessed(mut self) -> Self {
        self.is_guessed = true;
        self
    }

    pub(crate) fn integers(&self) -> Option<&[i64]> {
        match self.values.as_deref()? {
            Values::Integers(values) => Some(values),
            Values::Floats(_) => None,
        }
    }

    pub(crate) fn floats(&self) -> Option<&[f64]> {
        match self.values.as_deref()? {
            Values::Floats(values) => Some(values),
            Values::Integers(_) => None,
        }
    }

    /// Returns the number of elements, if the shape is known and the number is not too large.
    pub(crate) fn elements(&self) -> Option<u64> {
        elements(self.shape.as_deref()?)
    }

    /// Returns the bytes of the tensor, if its shape and type are known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.element?.bytes(self.elements()?)
    }
}

/// Rounds to 32 bits, as runtimes compute: a floor can depend on it.
fn rounded(values: Values) -> Values {
    match values {
        Values::Floats(values) => Values::Floats(values.into_iter().map(|value| f64::from(value as f32)).collect()),
        Values::Integers(_) => values,
    }
}

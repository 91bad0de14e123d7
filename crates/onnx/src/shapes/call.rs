//! An operator with what is known of its inputs.

use super::fact::Fact;
use crate::model::{Attributes, ElementType};

/// Why the outputs of an operator are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Something is not known. The file may still say what the outputs are.
    Unknown(String),
    /// What the operator reads does not fit together.
    Misfit(String),
}

impl Gap {
    pub(crate) fn unknown(detail: impl Into<String>) -> Self {
        Self::Unknown(detail.into())
    }

    pub(crate) fn misfit(detail: impl Into<String>) -> Self {
        Self::Misfit(detail.into())
    }
}

/// An operator with what is known of its inputs.
pub(crate) struct Call<'a> {
    pub(crate) operator: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) opset: i64,
    pub(crate) attributes: Attributes<'a>,
    /// `None` for an input that is left out.
    pub(crate) inputs: Vec<Option<&'a Fact>>,
    /// The number of outputs.
    pub(crate) outputs: usize,
}

impl<'a> Call<'a> {
    /// Returns an input, or `None` if it is left out.
    pub(crate) fn optional(&self, index: usize) -> Option<&'a Fact> {
        self.inputs.get(index).copied().flatten()
    }

    pub(crate) fn input(&self, index: usize) -> Result<&'a Fact, Gap> {
        self.optional(index).ok_or_else(|| Gap::misfit(format!("its input {index} is missing")))
    }

    pub(crate) fn element(&self, index: usize) -> Option<ElementType> {
        self.optional(index)?.element
    }

    pub(crate) fn shape(&self, index: usize) -> Result<&'a [u64], Gap> {
        let shape = self.input(index)?.shape.as_deref();
        shape.ok_or_else(|| Gap::unknown(format!("the shape of its input {index} is not known")))
    }

    /// Returns the values of an input of integers.
    pub(crate) fn integers(&self, index: usize) -> Result<&'a [i64], Gap> {
        let input = self.input(index)?;
        if input.elements() == Some(0) {
            return Ok(&[]);
        }
        let values = input.integers();
        values.ok_or_else(|| Gap::unknown(format!("the values of its input {index} depend on data")))
    }

    /// Returns the integers that newer versions of an operator read and older ones have as an
    /// attribute, or `None` if there are none.
    pub(crate) fn integers_of(&self, index: usize, attribute: &str) -> Result<Option<&'a [i64]>, Gap> {
        match self.optional(index) {
            Some(_) => self.integers(index).map(Some),
            None => Ok(self.attributes.integers(attribute)),
        }
    }

    /// Returns the place of a dimension. A negative one counts from the end.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Gap> {
        let place = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        let place = usize::try_from(place).ok().filter(|&place| place < rank);
        place.ok_or_else(|| Gap::misfit(format!("its axis {axis} is not one of {rank} dimensions")))
    }

    /// Returns the places of dimensions, ascending and each once.
    pub(crate) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Gap> {
        let mut places = axes.iter().map(|&axis| self.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }
}

/// Returns a dimension that a value of the model gives.
pub(crate) fn dimension(value: i64) -> Result<u64, Gap> {
    u64::try_from(value).map_err(|_| Gap::misfit(format!("a dimension would be {value}")))
}

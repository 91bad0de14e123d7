//! Which tensor a name stands for.

use std::collections::BTreeMap;

use crate::error::Error;

/// Names of a graph. A branch also sees those around it.
#[derive(Default)]
pub(super) struct Scope<'m, 'p> {
    /// `None` for an input of a function that its call leaves out.
    names: BTreeMap<&'m str, Option<usize>>,
    outer: Option<&'p Scope<'m, 'p>>,
}

impl<'m, 'p> Scope<'m, 'p> {
    /// Creates the scope of a branch.
    pub(super) fn within(outer: &'p Scope<'m, 'p>) -> Self {
        Self { names: BTreeMap::new(), outer: Some(outer) }
    }

    /// Gives a tensor a name, or says that the name stands for nothing.
    pub(super) fn define(&mut self, name: &'m str, tensor: Option<usize>) -> Result<(), Error> {
        match self.names.insert(name, tensor) {
            None => Ok(()),
            Some(_) => Err(Error::Graph { detail: format!("two tensors have the name {name:?}") }),
        }
    }

    /// Returns the tensor of a name. The outer `None` means that the name is not known here.
    pub(super) fn find(&self, name: &str) -> Option<Option<usize>> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(&tensor) = here.names.get(name) {
                return Some(tensor);
            }
            scope = here.outer;
        }
        None
    }

    /// Returns the tensor of an output or other name that must exist.
    pub(super) fn require(&self, name: &str, reader: &str) -> Result<usize, Error> {
        self.find(name)
            .flatten()
            .ok_or_else(|| Error::Graph { detail: format!("{reader} reads the tensor {name:?}, which nothing makes") })
    }
}

//! Names of tensors in the files of stages. Two tensors never have the same one.

use std::collections::BTreeSet;

use crate::flow::{Flow, Origin};

/// The name of each tensor of the flat model.
pub(super) struct Names {
    of: Vec<String>,
}

impl Names {
    /// Gives names. Inputs and outputs of the model keep theirs; so do other tensors, unless a name
    /// is taken.
    pub(super) fn new(flow: &Flow) -> Self {
        let count = flow.tensors.len();
        let outputs: BTreeSet<&str> = flow.output_names.iter().map(|&(name, _)| name).collect();
        let known: BTreeSet<&str> = flow.tensors.iter().map(|tensor| tensor.name.as_str()).chain(outputs).collect();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut of = vec![String::new(); count];
        let inputs = (0..count).filter(|&tensor| flow.tensors[tensor].origin == Origin::Input);
        let own = flow.output_names.iter().filter(|&&(name, tensor)| flow.tensors[tensor].name == name);
        for tensor in inputs.chain(own.map(|&(_, tensor)| tensor)) {
            of[tensor].clone_from(&flow.tensors[tensor].name);
            taken.insert(of[tensor].clone());
        }
        // An output that is another name of a tensor is made by an `Identity`.
        taken.extend(flow.output_names.iter().map(|&(name, _)| name.to_owned()));
        let mut repeated = 0_u64;
        for (name, tensor) in of.iter_mut().zip(&flow.tensors).filter(|(name, _)| name.is_empty()) {
            name.clone_from(&tensor.name);
            while name.is_empty() || taken.contains(name.as_str()) {
                repeated += 1;
                *name = format!("{}~{repeated}", tensor.name);
                if known.contains(name.as_str()) {
                    name.clear();
                }
            }
            taken.insert(name.clone());
        }
        Self { of }
    }

    /// Returns a name that no tensor has.
    pub(super) fn unused(&self, stem: &str) -> String {
        let mut name = stem.to_owned();
        while self.of.contains(&name) {
            name.push('~');
        }
        name
    }

    /// Returns the name of a tensor.
    pub(super) fn of(&self, tensor: usize) -> &str {
        &self.of[tensor]
    }
}

//! Nodes: copied as they stand, or with other names of tensors and with the attributes of a call.

use std::collections::BTreeSet;
use std::iter;

use super::CutError;
use super::message::{MODEL, Message};
use crate::flow::Site;
use crate::model::{Attribute, AttributeValue, Location};

/// The names of the nodes of a stage. Runtimes refuse a model in which two nodes have the same one, and inlined
/// functions and branches bring names that the graph around them has, too.
#[derive(Default)]
pub(super) struct NodeNames(BTreeSet<String>);

impl NodeNames {
    /// Returns the name that a node gets: the one that is wanted, if no other node has it.
    fn give(&mut self, wanted: &str) -> String {
        let numbered = (1..).map(|number| format!("{wanted}~{number}"));
        let mut names = iter::once(wanted.to_owned()).chain(numbered);
        let free = names.find(|name| !self.0.contains(name)).unwrap_or_default();
        self.0.insert(free.clone());
        free
    }
}

/// Returns the message of a node with these names of its inputs and outputs.
///
/// # Errors
/// Returns an error if the node has an attribute that cannot be copied.
pub(super) fn node(
    label: &str,
    site: &Site,
    inputs: &[&str],
    outputs: &[&str],
    names: &mut NodeNames,
) -> Result<Message, CutError> {
    let node = site.node;
    let is_reference = |attribute: &Attribute| matches!(attribute.value, AttributeValue::Reference(_));
    let mut message = Message::default();
    for attribute in &node.attributes {
        check(label, resolved(site, attribute).unwrap_or(attribute))?;
    }
    let name = names.give(label);
    let keeps_its_name = node.name.is_empty() || node.name == name;
    let is_same = node.inputs == inputs && node.outputs == outputs && !node.attributes.iter().any(is_reference);
    if is_same && keeps_its_name {
        message.merge(MODEL, node.span);
        return Ok(message);
    }
    inputs.iter().for_each(|input| message.text(1, input));
    outputs.iter().for_each(|output| message.text(2, output));
    message.text(3, &name);
    message.text(4, &node.operator);
    for attribute in &node.attributes {
        // A reference to what the call leaves out stands for no attribute.
        if let Some(bound) = resolved(site, attribute) {
            let mut copy = Message::default();
            copy.merge(MODEL, bound.span);
            if bound.name != attribute.name {
                copy.text(1, &attribute.name);
            }
            message.message(5, copy);
        }
    }
    if !node.domain.is_empty() {
        message.text(7, &node.domain);
    }
    if !node.overload.is_empty() {
        message.text(8, &node.overload);
    }
    Ok(message)
}

/// Returns the attribute that stands in the place of a reference to one of the call.
pub(super) fn resolved<'m>(site: &Site<'m>, attribute: &'m Attribute) -> Option<&'m Attribute> {
    match &attribute.value {
        AttributeValue::Reference(outer) => site.bindings.get(outer.as_str()).copied(),
        _ => Some(attribute),
    }
}

fn check(label: &str, attribute: &Attribute) -> Result<(), CutError> {
    let fault = |reason: String, action| Err(CutError::Node { node: label.to_owned(), reason, action });
    match &attribute.value {
        AttributeValue::Tensor(tensor) if tensor.location != Location::Inline => fault(
            format!("its attribute {:?} has its data in another file", attribute.name),
            "Save the model with its attributes in one file",
        ),
        AttributeValue::Graph(_) | AttributeValue::Graphs(_) => {
            fault(format!("its attribute {:?} is a graph", attribute.name), "Export the model without it")
        }
        _ => Ok(()),
    }
}

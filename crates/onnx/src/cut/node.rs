//! Nodes: copied as they stand, or with other names of tensors and with the attributes of a call.

use super::CutError;
use super::message::{MODEL, Message};
use crate::flow::Site;
use crate::model::{Attribute, AttributeValue, Location};

/// Returns the message of a node with these names of its inputs and outputs.
///
/// # Errors
/// Returns an error if the node has an attribute that cannot be copied.
pub(super) fn node(label: &str, site: &Site, inputs: &[&str], outputs: &[&str]) -> Result<Message, CutError> {
    let node = site.node;
    let is_reference = |attribute: &Attribute| matches!(attribute.value, AttributeValue::Reference(_));
    let mut message = Message::default();
    for attribute in &node.attributes {
        check(label, resolved(site, attribute).unwrap_or(attribute))?;
    }
    if node.inputs == inputs && node.outputs == outputs && !node.attributes.iter().any(is_reference) {
        message.merge(MODEL, node.span);
        return Ok(message);
    }
    inputs.iter().for_each(|input| message.text(1, input));
    outputs.iter().for_each(|output| message.text(2, output));
    message.text(3, label);
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

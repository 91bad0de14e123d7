//! What takes the place of a node: the body of a function, or a branch.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::operator::label;
use super::scope::Scope;
use super::walk::{Frame, Walk};
use super::{Branch, Origin};
use crate::error::Error;
use crate::model::{AttributeValue, Bindings, Function, Graph, Node};

impl<'m> Walk<'m> {
    /// Visits the nodes of a function in the place of a call.
    pub(super) fn function(
        &mut self,
        call: &'m Node,
        function: &'m Function,
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        let mut bindings = Bindings::new();
        for default in &function.defaults {
            bindings.insert(default.name.as_str(), default);
        }
        for attribute in &call.attributes {
            let bound = match &attribute.value {
                AttributeValue::Reference(outer) => frame.bindings.get(outer.as_str()).copied(),
                _ => Some(attribute),
            };
            if let Some(bound) = bound {
                bindings.insert(attribute.name.as_str(), bound);
            }
        }
        let inner = Frame {
            bindings: Rc::new(bindings),
            opsets: &function.opsets,
            prefix: format!("{}{}/", frame.prefix, label(call)),
            infos: BTreeMap::new(),
            depth: frame.depth + 1,
        };
        let mut body = Scope::default();
        for (place, formal) in function.inputs.iter().enumerate() {
            let actual = call.inputs.get(place).filter(|name| !name.is_empty());
            let tensor = actual.map(|name| scope.require(name, &reader(call))).transpose()?;
            body.define(formal, tensor)?;
        }
        self.nodes(&function.nodes, &inner, &mut body)?;
        let find = |name: &String| body.require(name, &reader(call));
        let results = function.outputs.iter().take(call.outputs.len()).map(find).collect::<Result<Vec<_>, _>>()?;
        self.hand_out(call, &results, frame, scope)
    }

    /// Visits the nodes of the branch that an `If` always takes.
    pub(super) fn branch(&mut self, node: &'m Node, frame: &Frame<'m>, scope: &mut Scope<'m, '_>) -> Result<(), Error> {
        let condition = node.inputs.first().map_or("", String::as_str);
        let condition = scope.require(condition, &reader(node))?;
        let known = self.flow.tensors[condition].fact.integers().and_then(|values| values.first().copied());
        let Some(known) = known else { return Err(self.undecided(node, condition)) };
        let taken = if known != 0 { "then" } else { "else" };
        let graph = graph_of(node, &format!("{taken}_branch"))?;
        let inner = Frame {
            bindings: Rc::clone(&frame.bindings),
            opsets: frame.opsets,
            prefix: frame.prefix.clone(),
            infos: graph.value_infos.iter().chain(&graph.outputs).map(|info| (info.name.as_str(), info)).collect(),
            depth: frame.depth + 1,
        };
        self.flow.branches.push(Branch { node: format!("{}{}", frame.prefix, label(node)), taken });
        let results = {
            let mut body = Scope::within(scope);
            self.constants(graph, &inner, &mut body)?;
            self.nodes(&graph.nodes, &inner, &mut body)?;
            let find = |name: &str| body.require(name, &reader(node));
            graph.outputs.iter().map(|output| find(&output.name)).collect::<Result<Vec<_>, _>>()?
        };
        self.hand_out(node, &results, frame, scope)
    }

    /// Gives the results of a body the names that the outputs of the node have.
    fn hand_out(
        &mut self,
        node: &'m Node,
        results: &[usize],
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        for (place, outer) in node.outputs.iter().enumerate().filter(|(_, outer)| !outer.is_empty()) {
            let tensor = *results.get(place).ok_or_else(|| too_few(node))?;
            self.name_result(tensor, outer, frame);
            scope.define(outer, Some(tensor))?;
        }
        Ok(())
    }

    /// Gives a tensor that was made in the place of a node the name that it has outside.
    fn name_result(&mut self, tensor: usize, outer: &str, frame: &Frame<'m>) {
        let tensor = &mut self.flow.tensors[tensor];
        if matches!(tensor.origin, Origin::Operator(_)) {
            tensor.name = format!("{}{outer}", frame.prefix);
        }
    }

    fn undecided(&self, node: &Node, condition: usize) -> Error {
        let inputs = self.deciding_inputs(condition);
        let reason = format!("its condition, the tensor {:?}, is not known", self.flow.tensors[condition].name);
        let action = match inputs.as_slice() {
            [] => "Export the model with the one branch that you use, or with fixed shapes".to_owned(),
            names => format!(
                "Set the value of the input that decides it, as in {}=1, or export the model with the one branch that you use",
                names.join(", ")
            ),
        };
        Error::Unsupported { node: label(node).to_owned(), operator: "If".to_owned(), reason, action }
    }

    /// Returns the names of small inputs of integers from which a tensor is computed.
    fn deciding_inputs(&self, tensor: usize) -> Vec<String> {
        let mut seen = vec![false; self.flow.tensors.len()];
        let mut waiting = vec![tensor];
        let mut names = Vec::new();
        while let Some(at) = waiting.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let here = &self.flow.tensors[at];
            let is_small = here.fact.elements().is_some_and(|count| count <= 8);
            match here.origin {
                Origin::Operator(maker) => waiting.extend(self.flow.operators[maker].reads()),
                Origin::Input if is_small && here.fact.element.is_some_and(|element| element.is_integer()) => {
                    names.push(here.name.clone());
                }
                Origin::Input | Origin::Constant { .. } => {}
            }
        }
        names
    }
}

fn graph_of<'m>(node: &'m Node, name: &str) -> Result<&'m Graph, Error> {
    let found = node.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value);
    match found {
        Some(AttributeValue::Graph(graph)) => Ok(graph),
        _ => Err(Error::Graph { detail: format!("the node {:?} has no {name}", label(node)) }),
    }
}

fn too_few(node: &Node) -> Error {
    Error::Graph { detail: format!("the node {:?} has more outputs than what it calls", label(node)) }
}

fn reader(node: &Node) -> String {
    format!("the node {:?}", label(node))
}

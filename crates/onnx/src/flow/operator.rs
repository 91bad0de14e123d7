//! A single operator: its inputs are found, its outputs computed.

use std::rc::Rc;
use std::sync::Arc;

use super::scope::Scope;
use super::walk::{Frame, Walk};
use super::{FlowTensor, Held, Operator, Origin, Site, Source};
use crate::error::Error;
use crate::flops::work;
use crate::model::{AttributeValue, Attributes, Dimension, Node, ValueType};
use crate::shapes::{Call, Fact, Gap, rule_of};

/// Operators whose results are no tensors, or whose work depends on data.
const UNSUPPORTED: [(&str, &str); 14] = [
    ("ConcatFromSequence", "sequences of tensors have no size that the file tells"),
    ("Loop", "how often its body runs depends on data"),
    ("Optional", "optional values are not known before the model runs"),
    ("OptionalGetElement", "optional values are not known before the model runs"),
    ("OptionalHasElement", "optional values are not known before the model runs"),
    ("Scan", "its body runs once for each element of a sequence"),
    ("SequenceAt", "sequences of tensors have no size that the file tells"),
    ("SequenceConstruct", "sequences of tensors have no size that the file tells"),
    ("SequenceEmpty", "sequences of tensors have no size that the file tells"),
    ("SequenceErase", "sequences of tensors have no size that the file tells"),
    ("SequenceInsert", "sequences of tensors have no size that the file tells"),
    ("SequenceLength", "sequences of tensors have no size that the file tells"),
    ("SequenceMap", "sequences of tensors have no size that the file tells"),
    ("SplitToSequence", "sequences of tensors have no size that the file tells"),
];

/// The most characters that an error says of shapes.
const MOST_DETAIL: usize = 400;

/// Returns what a node is called: its name, or its first output.
pub(super) fn label(node: &Node) -> &str {
    let first = || node.outputs.iter().find(|output| !output.is_empty());
    if node.name.is_empty() { first().map_or(node.operator.as_str(), String::as_str) } else { &node.name }
}

impl<'m> Walk<'m> {
    /// Adds an operator and its outputs. The node comes with its place in the graph.
    pub(super) fn operator(
        &mut self,
        (node, place): (&'m Node, usize),
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        check_supported(node)?;
        let inputs = inputs_of(node, scope)?;
        let call = Call {
            operator: &node.operator,
            domain: &node.domain,
            opset: frame.opsets.get(&node.domain).copied().unwrap_or(1),
            attributes: Attributes::new(&node.attributes, &frame.bindings),
            inputs: inputs.iter().map(|input| input.map(|tensor| &self.flow.tensors[tensor].fact)).collect(),
            outputs: node.outputs.len(),
        };
        let (mut facts, gap) = infer(&call, node)?;
        let is_guessed = call.inputs.iter().flatten().any(|fact| fact.is_guessed);
        facts.resize_with(node.outputs.len(), Fact::default);
        let mut settled = Vec::with_capacity(facts.len());
        for (fact, name) in facts.iter_mut().zip(&node.outputs) {
            fact.is_guessed |= is_guessed;
            settled.push(self.settle(fact, name, frame));
        }
        let work = work(&call, &facts);
        let mut sources = Vec::with_capacity(facts.len());
        for (name, (source, contradiction)) in node.outputs.iter().zip(settled) {
            if source == Source::Set {
                self.used_shapes.insert(name);
            }
            self.flow.contradictions.extend(contradiction);
            sources.push(source);
        }
        if node.operator == "Constant" && node.domain.is_empty() {
            return self.constant_node(node, facts, frame, scope);
        }
        let kind = self.kind(node);
        self.push(
            node,
            (facts, sources),
            Operator {
                node: format!("{}{}", frame.prefix, label(node)),
                name: profiled_name(node, place, frame),
                kind,
                inputs,
                outputs: Vec::new(),
                work,
                gap,
                site: site(node, frame),
            },
            frame,
            scope,
        )
    }

    /// Returns the kind of a node. Nodes of one kind share it.
    fn kind(&mut self, node: &Node) -> Arc<str> {
        let kind = kind_of(node);
        match self.kinds.get(kind.as_str()) {
            Some(kind) => Arc::clone(kind),
            None => {
                let kind: Arc<str> = kind.into();
                self.kinds.insert(Arc::clone(&kind));
                kind
            }
        }
    }

    fn push(
        &mut self,
        node: &'m Node,
        (facts, sources): (Vec<Fact>, Vec<Source>),
        mut operator: Operator<'m>,
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        let place = self.flow.operators.len();
        for ((fact, source), name) in facts.into_iter().zip(sources).zip(&node.outputs) {
            if name.is_empty() {
                continue;
            }
            let whole = format!("{}{name}", frame.prefix);
            let tensor =
                self.add(FlowTensor { name: whole, origin: Origin::Operator(place), fact, source, held: None })?;
            scope.define(name, Some(tensor))?;
            operator.outputs.push(tensor);
        }
        self.flow.operators.push(operator);
        Ok(())
    }

    /// A `Constant` node holds a tensor of the file as an initializer does.
    fn constant_node(
        &mut self,
        node: &'m Node,
        facts: Vec<Fact>,
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        let (Some(name), Some(mut fact)) = (node.outputs.first(), facts.into_iter().next()) else {
            return Err(Error::Graph { detail: format!("the constant {:?} has no output", label(node)) });
        };
        let attributes = Attributes::new(&node.attributes, &frame.bindings);
        let bytes = match ["value", "sparse_value", "value_string", "value_strings"]
            .into_iter()
            .find_map(|name| attributes.get(name))
        {
            Some(AttributeValue::Tensor(tensor)) => {
                self.check_location(tensor, &mut fact)?;
                tensor.bytes()
            }
            Some(AttributeValue::Sparse(sparse)) => sparse.values.bytes().saturating_add(sparse.indices.bytes()),
            Some(AttributeValue::Text(text)) => text.len() as u64,
            Some(AttributeValue::Texts(texts)) => texts.iter().map(|text| text.len() as u64).sum(),
            _ => fact.bytes().unwrap_or(0),
        };
        let origin = Origin::Constant { bytes, is_node: true };
        let whole = format!("{}{name}", frame.prefix);
        let held = Some(Held::Node(site(node, frame)));
        let tensor = self.add(FlowTensor { name: whole, origin, fact, source: Source::File, held })?;
        scope.define(name, Some(tensor))
    }

    /// Completes what is known of an output with what options and file say. Returns where its shape
    /// comes from, and how the file contradicts it.
    fn settle(&self, fact: &mut Fact, name: &str, frame: &Frame<'m>) -> (Source, Option<String>) {
        let declared = frame.infos.get(name).map(|info| &info.kind);
        if let Some(ValueType::Tensor { element, .. }) = declared {
            fact.element = fact.element.or(*element);
        }
        if let Some(shape) = self.options.shapes.get(name).filter(|_| frame.prefix.is_empty()) {
            *fact = Fact::new(fact.element, shape.clone());
            return (Source::Set, None);
        }
        let Some(ValueType::Tensor { shape: Some(dimensions), .. }) = declared else { return (computed(fact), None) };
        if fact.shape.is_none() {
            fact.shape = self.dimensions.shape(dimensions);
            return (Source::File, None);
        }
        // What the file says wins over a guess, if it says it in numbers alone.
        let fixed: Option<Vec<u64>> = dimensions.iter().map(fixed_size).collect();
        match fixed {
            Some(fixed) if fact.is_guessed => {
                *fact = Fact::new(fact.element, fixed);
                (Source::File, None)
            }
            Some(fixed) if fact.shape.as_ref() != Some(&fixed) => {
                let shape = fact.shape.as_deref().unwrap_or_default();
                (computed(fact), Some(format!("{name} ({fixed:?} in the file, {shape:?} computed)")))
            }
            _ => (computed(fact), None),
        }
    }
}

/// Returns the name under which profilers know a node. onnxruntime calls a node without a name by its
/// kind and its place.
fn profiled_name(node: &Node, place: usize, frame: &Frame<'_>) -> Option<String> {
    if !node.name.is_empty() {
        return Some(format!("{}{}", frame.prefix, node.name));
    }
    (frame.depth == 0).then(|| format!("{}_{place}", node.operator))
}

fn site<'m>(node: &'m Node, frame: &Frame<'m>) -> Site<'m> {
    Site { node, bindings: Rc::clone(&frame.bindings), opsets: frame.opsets }
}

fn computed(fact: &Fact) -> Source {
    if fact.is_guessed { Source::Guessed } else { Source::Computed }
}

fn fixed_size(dimension: &Dimension) -> Option<u64> {
    match dimension {
        // Some exporters write 0 for a dimension that they do not know.
        Dimension::Size(size) => Some(*size).filter(|&size| size > 0),
        Dimension::Symbol(_) | Dimension::Unknown => None,
    }
}

fn inputs_of(node: &Node, scope: &Scope) -> Result<Vec<Option<usize>>, Error> {
    let find = |name: &String| {
        if name.is_empty() {
            return Ok(None);
        }
        scope.find(name).ok_or_else(|| Error::Graph {
            detail: format!("the node {:?} reads the tensor {name:?}, which nothing makes", label(node)),
        })
    };
    node.inputs.iter().map(find).collect()
}

/// Returns what is known of the outputs, and why not more is.
fn infer(call: &Call, node: &Node) -> Result<(Vec<Fact>, Option<String>), Error> {
    let Some(rule) = rule_of(call.domain, call.operator) else {
        let gap = format!("there is no rule for the operator {}", kind_of(node));
        return Ok((Vec::new(), Some(gap)));
    };
    match rule(call) {
        Ok(facts) => Ok((facts, None)),
        Err(Gap::Unknown(gap)) => Ok((Vec::new(), Some(gap))),
        Err(Gap::Misfit(detail)) => {
            // An operator may read any number of shapes.
            let detail = detail.chars().take(MOST_DETAIL).collect();
            Err(Error::Misfit { node: label(node).to_owned(), operator: kind_of(node), detail })
        }
    }
}

fn kind_of(node: &Node) -> String {
    if node.domain.is_empty() { node.operator.clone() } else { format!("{}.{}", node.domain, node.operator) }
}

fn check_supported(node: &Node) -> Result<(), Error> {
    let reason = UNSUPPORTED.iter().find(|&&(operator, _)| node.domain.is_empty() && operator == node.operator);
    let has_graph = |value: &AttributeValue| matches!(value, AttributeValue::Graph(_) | AttributeValue::Graphs(_));
    let reason = match reason {
        Some((_, reason)) => (*reason).to_owned(),
        None if node.attributes.iter().any(|attribute| has_graph(&attribute.value)) => {
            "it runs a graph of its own, which data can decide".to_owned()
        }
        None => return Ok(()),
    };
    let action =
        "Export the model without it, for instance unrolled or with fixed shapes, or profile the part without it";
    Err(Error::Unsupported { node: label(node).to_owned(), operator: kind_of(node), reason, action: action.to_owned() })
}

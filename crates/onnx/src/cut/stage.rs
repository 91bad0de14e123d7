//! The model of one stage: its nodes with the constants that they need, its inputs and outputs.

use std::collections::{BTreeMap, BTreeSet};

use super::CutError;
use super::assign::Assignment;
use super::crossing::Crossing;
use super::file::Whole;
use super::message::Message;
use super::node::{NodeNames, node, resolved};
use super::sources::Sources;
use super::weights::{WeightsFile, initializer, sparse_initializer};
use crate::flow::{Held, Origin, Site};
use crate::model::{AttributeValue, ElementType, Location, Tensor};

/// Initializers need not be inputs from this version of the format on.
const LEAST_IR_VERSION: i64 = 4;

/// What a stage holds, by places in the flat model.
pub(super) struct Contents {
    /// Its operators in the order in which they run, constant ones included.
    pub(super) operators: BTreeSet<usize>,
    /// The tensors of the file that it has a copy of.
    pub(super) held: BTreeSet<usize>,
    /// What arrives.
    arriving: Vec<usize>,
    /// What its operators read of it.
    inputs: Vec<usize>,
    /// What it makes and sends on, by the names under which it is sent.
    outputs: Vec<(String, usize)>,
    /// Outputs of the model that are another name of a tensor.
    renamed: Vec<(String, usize)>,
}

/// Returns what a stage holds.
pub(super) fn contents(whole: Whole<'_>, stage: usize, assignment: &Assignment, crossing: &Crossing) -> Contents {
    let Whole { flow, names, .. } = whole;
    let is_last = stage + 1 == assignment.stages;
    let arriving: BTreeSet<usize> = crossing.before[stage].iter().copied().collect();
    let mut outputs = Vec::new();
    let mut renamed = Vec::new();
    let mut waiting: Vec<usize> = Vec::new();
    if is_last {
        for &(name, tensor) in &flow.output_names {
            if name != names.of(tensor) {
                renamed.push((name.to_owned(), tensor));
                waiting.push(tensor);
            } else if !arriving.contains(&tensor) {
                outputs.push((name.to_owned(), tensor));
                waiting.push(tensor);
            }
        }
    } else {
        let made = crossing.before[stage + 1].iter().filter(|tensor| !arriving.contains(tensor));
        outputs.extend(made.map(|&tensor| (names.of(tensor).to_owned(), tensor)));
        waiting.extend(outputs.iter().map(|&(_, tensor)| tensor));
    }
    let mut operators: BTreeSet<usize> = assignment.operators[stage].iter().copied().collect();
    waiting.extend(operators.iter().flat_map(|&operator| flow.operators[operator].reads()));
    let (mut held, mut read) = (BTreeSet::new(), BTreeSet::new());
    while let Some(tensor) = waiting.pop() {
        if arriving.contains(&tensor) {
            read.insert(tensor);
            continue;
        }
        match flow.tensors[tensor].origin {
            Origin::Constant { .. } => {
                held.insert(tensor);
            }
            Origin::Operator(maker) if operators.insert(maker) => waiting.extend(flow.operators[maker].reads()),
            Origin::Operator(_) | Origin::Input => {}
        }
    }
    let inputs = crossing.before[stage].iter().copied().filter(|tensor| read.contains(tensor)).collect();
    let arriving = crossing.before[stage].clone();
    Contents { operators, held, arriving, inputs, outputs, renamed }
}

impl Contents {
    /// Returns how many nodes the file has, beside those that hold constants.
    pub(super) fn nodes(&self) -> usize {
        self.operators.len() + self.renamed.len()
    }

    /// Adds a copy of the smallest tensor that arrives, which nothing reads: runtimes do not load a graph
    /// that makes nothing, as that of a stage that only relays.
    fn idle(&self, whole: Whole<'_>, graph: &mut Message) {
        let bytes = |&&tensor: &&usize| whole.flow.tensors[tensor].fact.bytes();
        let Some(&tensor) = self.arriving.iter().min_by_key(bytes) else { return };
        let (name, copy) = (whole.names.of(tensor), whole.names.unused("idle"));
        graph.message(1, identity(name, &copy));
        graph.message(11, whole.value(name, tensor));
        graph.message(12, whole.value(&copy, tensor));
    }

    /// Returns the message of the stage's model.
    pub(super) fn model(
        &self,
        whole: Whole<'_>,
        sources: &mut Sources,
        mut file: Option<&mut WeightsFile>,
    ) -> Result<Message, CutError> {
        let Whole { model, flow, names, .. } = whole;
        let mut opsets = Opsets::new(&model.opsets);
        let mut node_names = NodeNames::default();
        let mut graph = Message::default();
        let mut initializers = Vec::new();
        let mut sparse = Vec::new();
        for &tensor in &self.held {
            let name = names.of(tensor);
            match &flow.tensors[tensor].held {
                Some(Held::Tensor(it)) => {
                    initializers.push(initializer((tensor, name), it, sources, file.as_deref_mut())?)
                }
                Some(Held::Sparse(it)) => sparse.push(sparse_initializer(name, it)?),
                Some(Held::Node(site)) => match value_of(site, file.is_some()) {
                    Some(it) => initializers.push(initializer((tensor, name), it, sources, file.as_deref_mut())?),
                    None => {
                        opsets.add(name, site)?;
                        graph.message(1, node(name, site, &[], &[name], &mut node_names)?);
                    }
                },
                None => {}
            }
        }
        for &operator in &self.operators {
            let operator = &flow.operators[operator];
            opsets.add(&operator.node, &operator.site)?;
            let inputs: Vec<&str> = operator.inputs.iter().map(|input| input.map_or("", |it| names.of(it))).collect();
            let mut made = operator.outputs.iter();
            let name = |output: &String| if output.is_empty() { None } else { made.next() };
            let outputs: Vec<Option<&usize>> = operator.site.node.outputs.iter().map(name).collect();
            let outputs: Vec<&str> = outputs.into_iter().map(|output| output.map_or("", |&it| names.of(it))).collect();
            graph.message(1, node(&operator.node, &operator.site, &inputs, &outputs, &mut node_names)?);
        }
        for (name, tensor) in &self.renamed {
            graph.message(1, identity(names.of(*tensor), name));
        }
        graph.text(2, if model.graph.name.is_empty() { "stage" } else { &model.graph.name });
        initializers.into_iter().for_each(|it| graph.message(5, it));
        for &input in &self.inputs {
            graph.message(11, whole.value(names.of(input), input));
        }
        for (name, output) in self.outputs.iter().chain(&self.renamed) {
            graph.message(12, whole.value(name, *output));
        }
        sparse.into_iter().for_each(|it| graph.message(15, it));
        if self.nodes() == 0 && self.outputs.is_empty() {
            self.idle(whole, &mut graph);
        }
        let mut message = Message::default();
        message.integer(1, model.ir_version.max(LEAST_IR_VERSION).unsigned_abs());
        message.text(2, "cutpoint");
        message.text(3, env!("CARGO_PKG_VERSION"));
        message.message(7, graph);
        for (domain, version) in opsets.used {
            let mut opset = Message::default();
            opset.text(1, domain);
            opset.integer(2, version.unsigned_abs());
            message.message(8, opset);
        }
        Ok(message)
    }
}

fn identity(input: &str, output: &str) -> Message {
    let mut identity = Message::default();
    identity.text(1, input);
    identity.text(2, output);
    identity.text(4, "Identity");
    identity
}

/// Returns the value of a `Constant` node that becomes an initializer: one whose data is in another
/// file, or goes into one.
fn value_of<'m>(site: &Site<'m>, is_external: bool) -> Option<&'m Tensor> {
    let value = site.node.attributes.iter().find(|attribute| attribute.name == "value")?;
    match &resolved(site, value)?.value {
        AttributeValue::Tensor(tensor) if is_external || tensor.location != Location::Inline => Some(tensor),
        _ => None,
    }
}

/// The versions of operators that a stage declares.
struct Opsets<'m> {
    model: &'m BTreeMap<String, i64>,
    used: BTreeMap<&'m str, i64>,
}

impl<'m> Opsets<'m> {
    fn new(model: &'m BTreeMap<String, i64>) -> Self {
        let used = model.iter().filter(|(domain, _)| domain.is_empty());
        Self { model, used: used.map(|(domain, &version)| (domain.as_str(), version)).collect() }
    }

    /// Adds the set of a node. One within a function may use another version than the model.
    fn add(&mut self, label: &str, site: &Site<'m>) -> Result<(), CutError> {
        let domain = site.node.domain.as_str();
        let version = site.opsets.get(domain).copied().unwrap_or(1);
        let declared = self.model.get(domain).copied().unwrap_or(version);
        let used = *self.used.entry(domain).or_insert(declared);
        if used == version {
            return Ok(());
        }
        let set = if domain.is_empty() { "ONNX" } else { domain };
        Err(CutError::Node {
            node: label.to_owned(),
            reason: format!("its function uses version {version} of the operators of {set}, and the model {used}"),
            action: "Convert the model to one version, or inline its functions with onnx.inliner",
        })
    }
}

impl Whole<'_> {
    /// Returns what the file of a stage says of an input or output.
    fn value(self, name: &str, tensor: usize) -> Message {
        let fact = &self.flow.tensors[tensor].fact;
        // What travels has a size, so that its type is known.
        value_info(name, fact.element.unwrap_or(ElementType::FLOAT), fact.shape.as_deref().unwrap_or_default())
    }
}

fn value_info(name: &str, element: ElementType, shape: &[u64]) -> Message {
    let mut dimensions = Message::default();
    for &size in shape {
        let mut dimension = Message::default();
        dimension.integer(1, size);
        dimensions.message(1, dimension);
    }
    let mut tensor = Message::default();
    tensor.integer(1, element.number().unsigned_abs().into());
    tensor.message(2, dimensions);
    let mut kind = Message::default();
    kind.message(1, tensor);
    let mut value = Message::default();
    value.text(1, name);
    value.message(2, kind);
    value
}

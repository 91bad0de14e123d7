//! Visits the nodes of a graph in order and computes what is known of each tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::dimensions::{Dimensions, check_names, unknown};
use super::inputs::read_inputs;
use super::order::order;
use super::scope::Scope;
use super::{Flow, FlowTensor, Held, Origin, Source};
use crate::error::Error;
use crate::limits::{MOST_DEPTH, MOST_RANK, MOST_TENSORS, MOST_VALUE_BYTES};
use crate::model::{Bindings, Function, Graph, Location, Model, Node, Tensor, ValueInfo};
use crate::options::{ExternalData, Options};
use crate::read::read_external_values;
use crate::shapes::{Fact, of_tensor};

/// The surroundings of a list of nodes.
pub(super) struct Frame<'m> {
    pub(super) bindings: Rc<Bindings<'m>>,
    pub(super) opsets: &'m BTreeMap<String, i64>,
    /// What stands before the names of tensors; not empty within functions.
    pub(super) prefix: String,
    pub(super) infos: BTreeMap<&'m str, &'m ValueInfo>,
    pub(super) depth: u32,
}

/// The walk over a model.
pub(super) struct Walk<'m> {
    pub(super) functions: BTreeMap<(&'m str, &'m str, &'m str), &'m Function>,
    pub(super) options: &'m Options,
    pub(super) dimensions: Dimensions,
    pub(super) flow: Flow<'m>,
    /// Shapes that are set and whose tensors have been met.
    pub(super) used_shapes: BTreeSet<&'m str>,
    /// Kinds of operators that have been met.
    pub(super) kinds: BTreeSet<Arc<str>>,
    value_bytes_left: u64,
}

/// Returns the flat model.
///
/// # Errors
/// Returns an error if the graph is invalid, has control flow that data decides, or does not fit the
/// options.
pub(crate) fn flow_of<'m>(model: &'m Model, options: &'m Options) -> Result<Flow<'m>, Error> {
    let graph = &model.graph;
    let infos = || graph.inputs.iter().chain(&graph.outputs).chain(&graph.value_infos);
    check_names(options, infos())?;
    let mut walk = Walk {
        functions: model
            .functions
            .iter()
            .map(|function| ((function.domain.as_str(), function.name.as_str(), function.overload.as_str()), function))
            .collect(),
        options,
        dimensions: Dimensions::new(options),
        flow: Flow::default(),
        used_shapes: BTreeSet::new(),
        kinds: BTreeSet::new(),
        value_bytes_left: MOST_VALUE_BYTES,
    };
    let frame = Frame {
        bindings: Rc::default(),
        opsets: &model.opsets,
        prefix: String::new(),
        infos: infos().map(|info| (info.name.as_str(), info)).collect(),
        depth: 0,
    };
    let mut scope = Scope::default();
    walk.constants(graph, &frame, &mut scope)?;
    let inputs: Vec<&ValueInfo> = graph.inputs.iter().filter(|input| scope.find(&input.name).is_none()).collect();
    for (input, tensor) in inputs.iter().zip(read_inputs(&inputs, options, &mut walk.dimensions)?) {
        let tensor = walk.add(tensor)?;
        scope.define(&input.name, Some(tensor))?;
        walk.used_shapes.insert(&input.name);
    }
    walk.nodes(&graph.nodes, &frame, &mut scope)?;
    let mut delivered = BTreeSet::new();
    for output in &graph.outputs {
        let tensor = scope.require(&output.name, "the list of outputs")?;
        walk.flow.output_names.push((&output.name, tensor));
        if delivered.insert(tensor) {
            walk.flow.outputs.push(tensor);
        }
    }
    if let Some(name) = options.shapes.keys().find(|name| !walk.used_shapes.contains(name.as_str())) {
        return Err(unknown(format!("{name}=…"), "input", inputs.iter().map(|input| input.name.as_str())));
    }
    walk.flow.batch = walk.dimensions.batch();
    walk.flow.dimensions = walk.dimensions.into_list();
    Ok(walk.flow)
}

impl<'m> Walk<'m> {
    /// Adds a tensor and returns its place.
    pub(super) fn add(&mut self, mut tensor: FlowTensor<'m>) -> Result<usize, Error> {
        if self.flow.tensors.len() >= MOST_TENSORS as usize {
            return Err(Error::Limit { what: "tensors", most: MOST_TENSORS });
        }
        if tensor.fact.shape.as_ref().is_some_and(|shape| shape.len() > MOST_RANK) {
            return Err(Error::Limit { what: "dimensions in a tensor", most: MOST_RANK as u64 });
        }
        // Without their values, later shapes may not be known, and the error names what to set.
        let bytes = tensor.fact.values.as_ref().map_or(0, |values| 8 * values.len() as u64);
        match self.value_bytes_left.checked_sub(bytes) {
            Some(left) => self.value_bytes_left = left,
            None => tensor.fact.values = None,
        }
        self.flow.tensors.push(tensor);
        Ok(self.flow.tensors.len() - 1)
    }

    /// Adds the initializers of a graph.
    pub(super) fn constants(
        &mut self,
        graph: &'m Graph,
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        for tensor in &graph.initializers {
            let place = self.constant(tensor, of_tensor(tensor), (tensor.bytes(), Held::Tensor(tensor)), frame)?;
            scope.define(&tensor.name, Some(place))?;
        }
        for sparse in &graph.sparse_initializers {
            let fact = Fact::new(Some(sparse.values.element), sparse.shape.clone());
            let bytes = sparse.values.bytes().saturating_add(sparse.indices.bytes());
            let place = self.constant(&sparse.values, fact, (bytes, Held::Sparse(sparse)), frame)?;
            scope.define(&sparse.values.name, Some(place))?;
        }
        Ok(())
    }

    fn constant(
        &mut self,
        tensor: &'m Tensor,
        mut fact: Fact,
        (bytes, held): (u64, Held<'m>),
        frame: &Frame<'m>,
    ) -> Result<usize, Error> {
        self.check_location(tensor, &mut fact)?;
        let name = format!("{}{}", frame.prefix, tensor.name);
        let origin = Origin::Constant { bytes, is_node: false };
        self.add(FlowTensor { name, origin, fact, source: Source::File, held: Some(held) })
    }

    /// Checks that the data of a tensor may be where it is, and reads it if it is small.
    pub(super) fn check_location(&self, tensor: &Tensor, fact: &mut Fact) -> Result<(), Error> {
        let Location::External { file, offset, length } = &tensor.location else { return Ok(()) };
        match &self.options.external_data {
            ExternalData::Refuse => Err(Error::ExternalDataRefused { tensor: tensor.name.clone(), file: file.clone() }),
            ExternalData::Below(folder) => {
                let values = read_external_values(Path::new(folder), tensor, (file, *offset, *length))?;
                *fact = fact.clone().with_values(values);
                Ok(())
            }
        }
    }

    /// Visits nodes.
    pub(super) fn nodes(
        &mut self,
        nodes: &'m [Node],
        frame: &Frame<'m>,
        scope: &mut Scope<'m, '_>,
    ) -> Result<(), Error> {
        if frame.depth > MOST_DEPTH {
            let what = "levels of functions and branches within each other (a function may call itself)";
            return Err(Error::Limit { what, most: MOST_DEPTH.into() });
        }
        for place in order(nodes)? {
            let node = &nodes[place];
            let key = (node.domain.as_str(), node.operator.as_str(), node.overload.as_str());
            match self.functions.get(&key) {
                Some(function) => self.function(node, function, frame, scope)?,
                None if node.domain.is_empty() && node.operator == "If" => self.branch(node, frame, scope)?,
                None => self.operator((node, place), frame, scope)?,
            }
        }
        Ok(())
    }
}

//! Layers, edges and groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::constants::constants;
use super::document::{Edge, Group, Layer};
use super::ids::{self, Ids};
use super::live::Live;
use super::report::TensorReport;
use super::{Layout, Profile};
use crate::error::Error;
use crate::flops::Work;
use crate::flow::{Flow, FlowTensor, Operator, Origin};
use crate::limits::MOST_EDGES;
use crate::model::{ElementType, Model};
use crate::options::Options;

/// The profile while it is made.
pub(super) struct Builder<'a> {
    pub(super) flow: &'a Flow<'a>,
    pub(super) live: Live,
    pub(super) constant: Vec<bool>,
    ids: Ids,
    /// The layer of each tensor that has one.
    pub(super) layer_of: Vec<Option<usize>>,
    /// The tensor of each layer.
    pub(super) tensor_of: Vec<usize>,
    pub(super) layers: Vec<Layer>,
    pub(super) tensors: Vec<TensorReport>,
    pub(super) edges: Vec<Edge>,
    pub(super) groups: Vec<Group>,
    pub(super) kinds: BTreeMap<(Arc<str>, bool), (u64, u64)>,
}

/// Makes the profile of a flat model, and says what its layers stand for.
///
/// # Errors
/// Returns an error if the size of a tensor is not known, or a sum is too large.
pub(crate) fn profile_of(model: &Model, options: &Options, flow: &Flow) -> Result<(Profile, Layout), Error> {
    let live = Live::new(flow);
    let constant = constants(flow, &live);
    let mut builder = Builder {
        flow,
        live,
        constant,
        ids: Ids::default(),
        layer_of: vec![None; flow.tensors.len()],
        tensor_of: Vec::new(),
        layers: Vec::new(),
        tensors: Vec::new(),
        edges: Vec::new(),
        groups: Vec::new(),
        kinds: BTreeMap::new(),
    };
    builder.all_layers()?;
    builder.finish(model, options)
}

impl Builder<'_> {
    fn all_layers(&mut self) -> Result<(), Error> {
        for tensor in 0..self.flow.tensors.len() {
            if self.live.tensors[tensor] && self.flow.tensors[tensor].origin == Origin::Input {
                let bytes = self.size(tensor)?;
                self.layer(tensor, &"Input".into(), bytes, (0, 0))?;
            }
        }
        for place in 0..self.flow.operators.len() {
            if self.live.operators[place] {
                self.operator(&self.flow.operators[place])?;
            }
        }
        for place in 0..self.flow.outputs.len() {
            self.output(self.flow.outputs[place])?;
        }
        if self.layers.is_empty() {
            return Err(Error::Graph { detail: "no output of the model has a size".to_owned() });
        }
        Ok(())
    }

    fn operator(&mut self, operator: &Operator) -> Result<(), Error> {
        for input in operator.reads() {
            self.held(input)?;
        }
        let makers: BTreeSet<usize> = operator.reads().filter_map(|input| self.layer_of[input]).collect();
        let (Work::Counted(flops) | Work::Elements(flops)) = operator.work;
        let used = |tensor: &&usize| self.live.tensors[**tensor];
        let outputs: Vec<usize> = operator.outputs.iter().filter(used).copied().collect();
        let is_constant = outputs.iter().all(|&output| self.constant[output]);
        let name: Option<Arc<str>> = operator.name.as_deref().filter(|name| ids::fits(name)).map(Arc::from);
        let mut made = Vec::new();
        for (place, &output) in outputs.iter().enumerate() {
            let bytes = self.size(output)?;
            let layer = if is_constant {
                // What is computed once, when the model is loaded, is no work of a pass. Where it
                // reads nothing that has bytes, it stands for a weight.
                let param_bytes = if makers.is_empty() || is_filled(operator) { bytes } else { 0 };
                if bytes == 0 && makers.is_empty() {
                    continue;
                }
                self.layer(output, &operator.kind, bytes, (param_bytes, 0))?
            } else {
                // A layer that reads nothing and works is a root.
                let least = u64::from(makers.is_empty());
                let flops = if place == 0 || makers.is_empty() { flops.max(least) } else { 0 };
                self.layer(output, &operator.kind, bytes, (0, flops))?
            };
            for &maker in &makers {
                self.edge(maker, layer)?;
            }
            made.push(layer);
            self.layers[layer].operator = name.clone().filter(|name| *name != self.layers[layer].id);
        }
        if !is_constant {
            let has_rule = matches!(operator.work, Work::Counted(_));
            let kind = self.kinds.entry((operator.kind.clone(), has_rule)).or_default();
            *kind = (kind.0 + 1, kind.1.saturating_add(flops));
            if made.len() > 1 {
                self.groups
                    .push(Group { layer_ids: made.iter().map(|&layer| self.layers[layer].id.clone()).collect() });
            }
        }
        Ok(())
    }

    /// Adds the layer of a tensor that the file holds, before the first that reads it.
    fn held(&mut self, tensor: usize) -> Result<(), Error> {
        let Origin::Constant { bytes, is_node } = self.flow.tensors[tensor].origin else { return Ok(()) };
        // An empty tensor is no weight, and would look like an input.
        if self.layer_of[tensor].is_none() && bytes > 0 {
            let size = self.flow.tensors[tensor].fact.bytes().unwrap_or(bytes);
            self.layer(tensor, &if is_node { "Constant" } else { "Initializer" }.into(), size, (bytes, 0))?;
        }
        Ok(())
    }

    /// The tensor of an output that layers read too is delivered by a layer of its own.
    fn output(&mut self, tensor: usize) -> Result<(), Error> {
        self.held(tensor)?;
        let Some(maker) = self.layer_of[tensor] else { return Ok(()) };
        if self.live.is_read[tensor] || self.flow.tensors[tensor].origin == Origin::Input {
            let name = format!("{} (output)", self.flow.tensors[tensor].name);
            let bytes = self.layers[maker].output_bytes;
            let layer = self.named_layer(tensor, &name, &"Output".into(), bytes, (0, 0))?;
            self.edge(maker, layer)?;
        }
        Ok(())
    }

    fn layer(&mut self, tensor: usize, op: &Arc<str>, output_bytes: u64, work: (u64, u64)) -> Result<usize, Error> {
        let name = self.flow.tensors[tensor].name.clone();
        let layer = self.named_layer(tensor, &name, op, output_bytes, work)?;
        self.layer_of[tensor] = Some(layer);
        Ok(layer)
    }

    fn named_layer(
        &mut self,
        tensor: usize,
        name: &str,
        op: &Arc<str>,
        output_bytes: u64,
        (param_bytes, flops): (u64, u64),
    ) -> Result<usize, Error> {
        let FlowTensor { name: original, fact, source, .. } = &self.flow.tensors[tensor];
        let id = self.ids.id(name);
        self.tensors.push(TensorReport {
            name: (original.as_str() != &*id).then(|| original.clone()),
            layer_id: id.clone(),
            element_type: fact.element.map_or("", ElementType::name),
            shape: fact.shape.clone().unwrap_or_default(),
            source: *source,
            is_constant: self.constant[tensor],
        });
        self.tensor_of.push(tensor);
        self.layers.push(Layer { id, op: short(op), operator: None, param_bytes, output_bytes, flops });
        Ok(self.layers.len() - 1)
    }

    fn edge(&mut self, from: usize, to: usize) -> Result<(), Error> {
        if self.edges.len() as u64 >= MOST_EDGES {
            return Err(Error::Limit { what: "edges between operators", most: MOST_EDGES });
        }
        let id = |layer: usize| self.layers[layer].id.clone();
        self.edges.push(Edge { from: id(from), to: id(to) });
        Ok(())
    }

    /// Returns the bytes of a tensor, or an error that says why they are not known.
    fn size(&self, tensor: usize) -> Result<u64, Error> {
        let FlowTensor { name, fact, origin, .. } = &self.flow.tensors[tensor];
        if let Some(bytes) = fact.bytes() {
            return Ok(bytes);
        }
        let (operator, node, gap) = match origin {
            Origin::Operator(maker) => {
                let maker = &self.flow.operators[*maker];
                (maker.kind.to_string(), maker.node.clone(), maker.gap.clone())
            }
            Origin::Input | Origin::Constant { .. } => ("the file".to_owned(), name.clone(), None),
        };
        let reason = match (&fact.element, &fact.shape) {
            (Some(element), _) if element.bits().is_none() => {
                format!("elements of the type {element} have no fixed size")
            }
            (_, Some(shape)) if fact.elements().is_none() => format!("its dimensions {shape:?} are too large"),
            (None, Some(_)) => "the type of its elements is not known".to_owned(),
            _ => gap.unwrap_or_else(|| "its shape is not known".to_owned()),
        };
        let action = if fact.shape.is_none() && *origin != Origin::Input {
            format!(
                "Give its shape as {name}=N×…, in the same way as that of an input, or export the model with fixed shapes"
            )
        } else {
            "Give smaller dimensions, or export the model with tensors of numbers".to_owned()
        };
        Err(Error::Unsized { tensor: name.clone(), operator, node, reason, action })
    }
}

/// Some tensors are described by a shape and one value, and take their whole size in memory.
fn is_filled(operator: &Operator) -> bool {
    &*operator.kind == "ConstantOfShape"
}

/// A profile holds at most 256 characters of it.
fn short(op: &Arc<str>) -> Arc<str> {
    match op.char_indices().nth(256) {
        None => Arc::clone(op),
        Some((end, _)) => op[..end].into(),
    }
}

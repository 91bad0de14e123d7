//! Model profiles: a network's layers with their sizes and work, and the tensors between them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "schema")]
use utoipa::ToSchema;

use super::constants::{Constants, MOST_STEPS};
use super::fault::{Fault, FaultCode};
use super::graph;
use super::groups::{self, LayerGroup, Members};
use super::read::{MAX_FAULTS, Owner, Reader, Step};
use super::unit::MAX_SAFE_INTEGER;

/// A layer of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Layer {
    /// Unique within the model.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub id: String,
    /// The kind of operation, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub op: Option<String>,
    /// The operator that makes the tensor, where profilers know it by another name than the id.
    /// Measured times are matched by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 256))]
    pub operator: Option<String>,
    /// Bytes of parameters.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub param_bytes: u64,
    /// Bytes of the tensor that the layer makes.
    #[cfg_attr(feature = "schema", schema(maximum = 9007199254740991_i64))]
    pub output_bytes: u64,
    /// Operations for one pass, that is for `batch_size` inputs (a multiply-add counts as two).
    #[cfg_attr(feature = "schema", schema(default = 0, required = false, maximum = 9007199254740991_i64))]
    pub flops: u64,
    /// Bytes of live tensors while the layer runs; derived from the edges where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, maximum = 9007199254740991_i64))]
    pub activation_bytes: Option<u64>,
    /// Bytes that stay resident with the layer beside its parameters, for instance a KV cache.
    #[cfg_attr(feature = "schema", schema(default = 0, required = false, maximum = 9007199254740991_i64))]
    pub state_bytes: u64,
    /// Measured seconds for each device class; where present they win over `flops`. Read to the nearest picosecond, so that
    /// sums do not depend on their order.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub time_s: BTreeMap<String, f64>,
}

/// The whole output tensor of `from` is read by `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct Edge {
    /// The layer that makes the tensor.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub from: String,
    /// The layer that reads it.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub to: String,
}

/// A model profile whose layers stand in topological order.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(ToSchema))]
pub struct ModelProfile {
    /// For people; two profiles may share it.
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub name: String,
    /// Where the profile comes from, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(nullable = false, min_length = 1, max_length = 4096))]
    pub description: Option<String>,
    /// Inputs that one pass of the pipeline takes at once; every size, number of operations and time of the profile is
    /// for that many. A period is that of a pass: `batch_size` inferences come out in it.
    #[cfg_attr(feature = "schema", schema(default = 1, required = false, minimum = 1, maximum = 9007199254740991_i64))]
    pub batch_size: u64,
    /// In topological order; ties in the order in which they were given.
    #[cfg_attr(feature = "schema", schema(min_items = 1))]
    pub layers: Vec<Layer>,
    /// Sorted by the places of their ends.
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub edges: Vec<Edge>,
    /// Layers that stay together, such as those that a runtime fuses into one kernel. Groups and
    /// their layers are in the order of the layers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub groups: Vec<LayerGroup>,
    #[serde(skip)]
    index_of: BTreeMap<String, usize>,
    #[serde(skip)]
    readers: Vec<Vec<usize>>,
    #[serde(skip)]
    makers: Vec<Vec<usize>>,
    #[serde(skip)]
    constants: Constants,
    #[serde(skip)]
    members: Members,
}

impl ModelProfile {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 6] = ["name", "description", "batch_size", "layers", "edges", "groups"];

    /// Reads a whole document that is a model profile.
    ///
    /// # Errors
    /// Returns every fault of the document.
    pub fn from_json(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new();
        let model = Self::read(&mut reader, value);
        reader.finish(model)
    }

    /// Reads a profile within a document. Records every fault.
    pub fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let name = reader.required(map, "name", Reader::id);
        let description = reader.optional(map, "description", |reader, value| reader.text(value, 4096));
        let batch_size = reader.optional(map, "batch_size", |reader, value| reader.integer(value, 1, MAX_SAFE_INTEGER));
        let layers = reader.required(map, "layers", read_layers);
        let edges = reader.optional(map, "edges", |reader, value| reader.items(value, Edge::read)).unwrap_or_default();
        let read_groups = |reader: &mut Reader, value| groups::read_groups(reader, value, read_times);
        let groups = reader.optional(map, "groups", read_groups).unwrap_or_default();
        let layers = layers?;
        let (layers, edges) = in_order(reader, layers, &edges, &groups)?;
        let edge_document = |&(from, to): &Ends| Edge { from: layers[from].id.clone(), to: layers[to].id.clone() };
        let readers = graph::successors(layers.len(), &edges);
        let makers = graph::successors(layers.len(), &edges.iter().map(|&(from, to)| (to, from)).collect::<Vec<_>>());
        let is_root =
            |layer: usize| makers[layer].is_empty() && (layers[layer].works() || layers[layer].param_bytes == 0);
        let Some(constants) = Constants::new(&readers, &makers, is_root) else {
            let detail = format!("more than {MOST_STEPS} steps lead from constant layers to the layers that need them");
            let action = "Fold constant layers: give what they compute as param_bytes of the layers that read it";
            reader.fault_at(&["layers".into()], FaultCode::OutOfRange, detail, action);
            return None;
        };
        let index_of: BTreeMap<String, usize> =
            layers.iter().enumerate().map(|(index, layer)| (layer.id.clone(), index)).collect();
        let place = |id: &str| index_of.get(id).copied();
        let groups = groups::in_order(groups, place);
        let members = Members::new(&groups, layers.len(), place, |layer| constants.is_constant(layer));
        Some(Self {
            name: name?,
            description,
            batch_size: batch_size.unwrap_or(1),
            edges: edges.iter().map(edge_document).collect(),
            groups,
            members,
            index_of,
            readers,
            makers,
            constants,
            layers,
        })
    }

    /// Returns the layers that read a layer's tensor, as their places in the order, ascending.
    pub fn readers(&self, layer: usize) -> &[usize] {
        &self.readers[layer]
    }

    /// Returns the layers whose tensors a layer reads, as their places in the order, ascending.
    pub fn makers(&self, layer: usize) -> &[usize] {
        &self.makers[layer]
    }

    /// Returns `true` if a layer holds an input tensor of the model: it has no predecessor, no
    /// parameters and no work.
    pub fn is_input(&self, layer: usize) -> bool {
        let it = &self.layers[layer];
        self.makers[layer].is_empty() && it.param_bytes == 0 && !it.works()
    }

    /// Returns `true` if a layer is a root: it holds an input, or it has no predecessor and works.
    /// Its tensor can differ from pass to pass.
    pub fn is_root(&self, layer: usize) -> bool {
        self.makers[layer].is_empty() && (self.is_input(layer) || self.layers[layer].works())
    }

    /// Returns `true` if no root leads to a layer, as with a weight, a shape or a dequantised
    /// weight. In a model without roots no layer is constant.
    pub fn is_constant(&self, layer: usize) -> bool {
        self.constants.is_constant(layer)
    }

    /// Returns the constant layers that lead to a layer that is not constant, in ascending order.
    /// The stage that runs the layer holds a copy of each. The list is empty for a constant layer.
    pub fn constants_behind(&self, layer: usize) -> &[usize] {
        self.constants.behind(layer)
    }

    /// Returns the constant layers whose tensors a layer reads itself, in ascending order.
    pub fn constants_read(&self, layer: usize) -> impl Iterator<Item = usize> + '_ {
        self.makers[layer].iter().copied().filter(|&maker| self.is_constant(maker))
    }

    /// Returns the constant layers that are outputs of the model because no layer reads them, in
    /// ascending order. The last stage delivers them.
    pub fn constant_outputs(&self) -> impl Iterator<Item = usize> + '_ {
        self.constants_delivered().iter().copied().filter(|&layer| self.readers[layer].is_empty())
    }

    /// Returns the constant layers that are outputs of the model and those that lead to them, in
    /// ascending order. The last stage holds a copy of each.
    pub fn constants_delivered(&self) -> &[usize] {
        self.constants.delivered()
    }

    /// Returns the constant layers of which a stage holds a copy, in ascending order: those that
    /// lead to its layers and, in the last stage, those that are outputs or lead to them.
    pub fn constants_of_stage(&self, layers: impl IntoIterator<Item = usize>, is_last: bool) -> Vec<usize> {
        let delivered = if is_last { self.constants_delivered() } else { &[] };
        let mut held: BTreeSet<usize> = delivered.iter().copied().collect();
        // Neighbouring layers often share a list.
        let mut before: &[usize] = &[];
        for list in layers.into_iter().map(|layer| self.constants_behind(layer)) {
            if !std::ptr::eq(list, before) {
                held.extend(list);
                before = list;
            }
        }
        held.into_iter().collect()
    }

    /// Returns the layers that a constant layer leads to and that are not constant themselves, in
    /// ascending order.
    pub fn readers_of_constant(&self, layer: usize) -> Vec<usize> {
        let mut seen = BTreeSet::from([layer]);
        let mut waiting = vec![layer];
        while let Some(constant) = waiting.pop() {
            for &reader in &self.readers[constant] {
                if seen.insert(reader) && self.is_constant(reader) {
                    waiting.push(reader);
                }
            }
        }
        seen.into_iter().filter(|&layer| !self.is_constant(layer)).collect()
    }

    /// Returns t_0: the bytes of the model's inputs.
    pub fn input_bytes(&self) -> u64 {
        (0..self.layers.len()).filter(|&layer| self.is_input(layer)).map(|layer| self.layers[layer].output_bytes).sum()
    }

    /// Returns t_m: the bytes of the model's outputs, the tensors that no layer reads.
    pub fn output_bytes(&self) -> u64 {
        let outputs = (0..self.layers.len()).filter(|&layer| self.readers[layer].is_empty());
        outputs.map(|layer| self.layers[layer].output_bytes).sum()
    }

    /// Returns, for each group, its layers that are not constant, by their places in the order,
    /// ascending.
    pub fn members_of_groups(&self) -> &[Vec<usize>] {
        self.members.of_groups()
    }

    /// Returns `true` if a layer takes time in each pass: it is not constant, and it or its group
    /// has operations or measured seconds.
    pub fn works(&self, layer: usize) -> bool {
        !self.is_constant(layer) && (self.layers[layer].works() || self.members.group_takes_time(layer))
    }

    /// Returns the measured time of a layer on a device class in whole picoseconds, rounded to the
    /// nearest, or `None` if it was not measured. If the layer's group was measured on the class, the
    /// first layer of the group has all of its time. The times of all layers sum to less than 2⁶⁴.
    pub fn picoseconds(&self, layer: usize, class: &str) -> Option<u64> {
        let timed = |group: usize| Some((group, *self.groups[group].time_s.get(class)?));
        match self.members.group_of(layer).and_then(timed) {
            Some((group, seconds)) if self.members.of_groups()[group].first() == Some(&layer) => {
                Some(picoseconds(seconds))
            }
            Some(_) => Some(0),
            None => self.layers[layer].time_s.get(class).map(|&seconds| picoseconds(seconds)),
        }
    }

    /// Returns the device classes on which some layer or group has a time.
    pub fn timed_classes(&self) -> BTreeSet<&str> {
        let of_layers = self.layers.iter().flat_map(|layer| layer.time_s.keys());
        let of_groups = self.groups.iter().flat_map(|group| group.time_s.keys());
        of_layers.chain(of_groups).map(String::as_str).collect()
    }

    /// Returns, for each device class, the number of layers that work and have a time on it, of
    /// their own or by their group.
    pub fn timed_layers(&self) -> BTreeMap<&str, usize> {
        let mut by_class: BTreeMap<&str, usize> = BTreeMap::new();
        for layer in (0..self.layers.len()).filter(|&layer| self.works(layer)) {
            let group = self.members.group_of(layer).map(|group| &self.groups[group]);
            let by_group = |class: &str| group.is_some_and(|group| group.time_s.contains_key(class));
            for class in self.layers[layer].time_s.keys().filter(|class| !by_group(class)) {
                *by_class.entry(class).or_default() += 1;
            }
        }
        // A group may have many layers and many classes: its layers are counted once.
        for (group, members) in self.groups.iter().zip(self.members.of_groups()) {
            let working = members.iter().filter(|&&layer| self.works(layer)).count();
            for class in group.time_s.keys().filter(|_| working > 0) {
                *by_class.entry(class).or_default() += working;
            }
        }
        by_class
    }

    /// Returns a layer's place in the order, or `None` if no layer has this id.
    pub fn layer_index(&self, id: &str) -> Option<usize> {
        self.index_of.get(id).copied()
    }
}

impl Layer {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 9] =
        ["id", "op", "operator", "param_bytes", "output_bytes", "flops", "activation_bytes", "state_bytes", "time_s"];

    /// Returns `true` if the layer has operations or measured seconds of its own.
    pub fn works(&self) -> bool {
        self.flops > 0 || self.time_s.values().any(|&seconds| seconds > 0.0)
    }

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let id = reader.required(map, "id", Reader::id);
        let op = reader.optional(map, "op", Reader::id);
        let operator = reader.optional(map, "operator", Reader::id);
        let param_bytes = reader.required(map, "param_bytes", Reader::size);
        let output_bytes = reader.required(map, "output_bytes", Reader::size);
        let flops = reader.optional(map, "flops", Reader::size);
        let activation_bytes = reader.optional(map, "activation_bytes", Reader::size);
        let state_bytes = reader.optional(map, "state_bytes", Reader::size);
        let time_s = reader.optional(map, "time_s", read_times);
        // The fault of a size that could not be read is recorded. With zero in its place, the other
        // layers and the edges can still be checked.
        Some(Self {
            id: id?,
            op,
            operator,
            param_bytes: param_bytes.unwrap_or(0),
            output_bytes: output_bytes.unwrap_or(0),
            flops: flops.unwrap_or(0),
            activation_bytes,
            state_bytes: state_bytes.unwrap_or(0),
            time_s: time_s.unwrap_or_default(),
        })
    }
}

impl Edge {
    /// The field names of the document.
    pub const FIELDS: [&'static str; 2] = ["from", "to"];

    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.object(value, &Self::FIELDS)?;
        let from = reader.required(map, "from", Reader::id);
        let to = reader.required(map, "to", Reader::id);
        Some(Self { from: from?, to: to? })
    }
}

/// Returns seconds as whole picoseconds. A time that is too long becomes the largest value.
fn picoseconds(seconds: f64) -> u64 {
    (seconds * 1e12).round() as u64
}

fn read_times(reader: &mut Reader, value: &Value) -> Option<BTreeMap<String, f64>> {
    let map = reader.map(value)?;
    let mut times = BTreeMap::new();
    for (class, seconds) in map {
        reader.name(class);
        let seconds = reader.within(Step::Key(class.clone()), |reader| reader.non_negative(seconds));
        times.insert(class.clone(), seconds.unwrap_or(0.0));
    }
    Some(times)
}

fn read_layers(reader: &mut Reader, value: &Value) -> Option<Vec<Option<Layer>>> {
    let layers = reader.items(value, |reader, value| reader.owned(value, Owner::Layer, Layer::read))?;
    if layers.is_empty() {
        reader.fault(FaultCode::Empty, "the model has no layer", "Give at least one layer");
        return None;
    }
    let total =
        |size: fn(&Layer) -> u64| layers.iter().flatten().try_fold(0_u64, |sum, layer| sum.checked_add(size(layer)));
    let totals: [(&str, Option<u64>); 4] = [
        ("param_bytes", total(|layer| layer.param_bytes)),
        ("state_bytes", total(|layer| layer.state_bytes)),
        ("output_bytes", total(|layer| layer.output_bytes)),
        ("flops", total(|layer| layer.flops)),
    ];
    for (name, total) in totals {
        if total.is_none_or(|total| total > MAX_SAFE_INTEGER) {
            let action = format!("Keep the sum at or below {MAX_SAFE_INTEGER}");
            reader.fault(FaultCode::OutOfRange, format!("the sum of all {name} is too large"), action);
        }
    }
    check_total_times(reader, &layers);
    Some(layers)
}

/// The most seconds of all layers and groups on one device class. Their picoseconds can be summed.
/// This is about 116 days.
const MOST_TOTAL_S: f64 = 1e7;

fn total_times<'t>(all: impl Iterator<Item = &'t BTreeMap<String, f64>>) -> BTreeMap<&'t str, f64> {
    let mut total_s: BTreeMap<&str, f64> = BTreeMap::new();
    for (class, seconds) in all.flatten() {
        *total_s.entry(class).or_default() += seconds;
    }
    total_s
}

fn refuse_total_time(reader: &mut Reader, class: &str) {
    let detail = format!("the sum of all time_s of the class {class:?} is too large");
    reader.fault(FaultCode::OutOfRange, detail, format!("Keep the sum at or below {MOST_TOTAL_S} s"));
}

/// Checks that the times of all layers on one device class are short enough to sum their
/// picoseconds.
fn check_total_times(reader: &mut Reader, layers: &[Option<Layer>]) {
    let total_s = total_times(layers.iter().flatten().map(|layer| &layer.time_s));
    for (class, _) in total_s.into_iter().filter(|(_, total_s)| *total_s > MOST_TOTAL_S) {
        refuse_total_time(reader, class);
    }
}

/// Checks that the times of layers and groups together are short enough to sum their picoseconds.
fn check_total_times_with_groups(reader: &mut Reader, layers: &[Option<Layer>], groups: &[LayerGroup]) {
    let of_layers = total_times(layers.iter().flatten().map(|layer| &layer.time_s));
    let of_groups = total_times(groups.iter().map(|group| &group.time_s));
    reader.within("groups", |reader| {
        for (class, seconds) in of_groups {
            let of_layers = of_layers.get(class).copied().unwrap_or(0.0);
            // If the layers alone take too long, they have the fault.
            if of_layers <= MOST_TOTAL_S && of_layers + seconds > MOST_TOTAL_S {
                refuse_total_time(reader, class);
            }
        }
    });
}

/// An edge as the places of its ends in a list of layers.
type Ends = (usize, usize);

/// Returns the layers in topological order and the edges between their places there, sorted.
fn in_order(
    reader: &mut Reader,
    layers: Vec<Option<Layer>>,
    edges: &[Option<Edge>],
    groups: &[LayerGroup],
) -> Option<(Vec<Layer>, Vec<Ends>)> {
    let mut index_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate() {
        let Some(layer) = layer else { continue };
        if let Some(first) = index_of.insert(&layer.id, index) {
            index_of.insert(&layer.id, first);
            let below = ["layers".into(), index.into(), "id".into()];
            let detail = format!("the id {:?} is that of layer {first} already", layer.id);
            reader.owned_by(Some(Owner::Layer(layer.id.clone())), |reader| {
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Give each layer an id of its own");
            });
        }
    }
    // If a layer could not be read, an edge to it would look dangling. The layer's own fault is
    // enough.
    let all_known = layers.iter().all(Option::is_some);
    let known_edges = known_edges(reader, edges, &index_of, all_known);
    if all_known {
        groups::check_groups(reader, groups, |id| index_of.contains_key(id));
    }
    check_total_times_with_groups(reader, &layers, groups);
    let layers: Option<Vec<Layer>> = layers.into_iter().collect();
    let layers = layers?;
    let pairs: Vec<Ends> = known_edges.iter().map(|&(_, pair)| pair).collect();
    let order = match graph::topological_order(layers.len(), &pairs) {
        Ok(order) => order,
        Err(cycles) => {
            let edge_of = known_edges.iter().map(|&(index, pair)| (pair, index)).collect();
            for cycle in cycles.iter().take(MAX_FAULTS) {
                report_cycle(reader, cycle, &layers, &edge_of);
            }
            return None;
        }
    };
    let mut place = vec![0; layers.len()];
    for (at, &index) in order.iter().enumerate() {
        place[index] = at;
    }
    let mut pairs: Vec<Ends> = pairs.iter().map(|&(from, to)| (place[from], place[to])).collect();
    pairs.sort_unstable();
    let mut layers: Vec<Option<Layer>> = layers.into_iter().map(Some).collect();
    let layers = order.iter().filter_map(|&index| layers[index].take()).collect();
    Some((layers, pairs))
}

/// Returns the edges whose ends are known, each with its index in the document.
fn known_edges(
    reader: &mut Reader,
    edges: &[Option<Edge>],
    index_of: &BTreeMap<&str, usize>,
    all_known: bool,
) -> Vec<(usize, Ends)> {
    let mut first_edge: BTreeMap<Ends, usize> = BTreeMap::new();
    let mut known = Vec::with_capacity(edges.len());
    for (index, edge) in edges.iter().enumerate() {
        let Some(edge) = edge else { continue };
        let ends = [("from", &edge.from), ("to", &edge.to)].map(|(field, id)| {
            let found = index_of.get(id.as_str()).copied();
            if found.is_none() && all_known {
                let below = ["edges".into(), index.into(), field.into()];
                let detail = format!("no layer has the id {id:?}");
                reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a layer of this model");
            }
            found
        });
        let [Some(from), Some(to)] = ends else { continue };
        let below = ["edges".into(), index.into()];
        if from == to {
            let detail = format!("the edge leads from {:?} to itself", edge.from);
            reader.fault_at(&below, FaultCode::SelfLoop, detail, "Remove it");
        } else if let Some(first) = first_edge.get(&(from, to)) {
            let detail = format!("edge {first} leads from {:?} to {:?} already", edge.from, edge.to);
            reader.fault_at(&below, FaultCode::Duplicate, detail, "Remove one of the two");
        } else {
            first_edge.insert((from, to), index);
            known.push((index, (from, to)));
        }
    }
    known
}

fn report_cycle(reader: &mut Reader, cycle: &[usize], layers: &[Layer], edge_of: &BTreeMap<Ends, usize>) {
    const MOST_NAMED: usize = 8;
    let mut names: Vec<&str> = cycle.iter().take(MOST_NAMED).map(|&layer| layers[layer].id.as_str()).collect();
    names.push(if cycle.len() > MOST_NAMED { "…" } else { names[0] });
    let edge = edge_of.get(&(cycle[cycle.len() - 1], cycle[0])).copied();
    let below: Vec<Step> = [Step::from("edges")].into_iter().chain(edge.map(Step::from)).collect();
    let detail = format!("edges form a cycle of {} layers: {}", cycle.len(), names.join(" → "));
    reader.fault_at(&below, FaultCode::Cycle, detail, "Remove an edge of the cycle");
}

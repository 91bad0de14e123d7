//! A request reduced to arrays: blocks, hosts in groups of a kind, links.
//!
//! Positions 0..=m lie between blocks; a stage (i, j] holds blocks i + 1..=j. Hosts are the nodes that may host a
//! stage, in the inventory's order. Reduction costs O(L + E + n²).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::links::{Link, LinkFinder, Links};
use super::occupants::Shares;
use super::stopped::Stopped;
use crate::domain::chain::{Chain, activation_bytes};
use crate::domain::cluster::Node;
use crate::domain::options::{ComputeModel, MemoryModel, Objective, Overlap, Pin};
use crate::domain::request::PlanRequest;

/// Hosts that are alike in all that a stage asks of its node: memory, compute and pins.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Bytes free for stages.
    pub free_bytes: u64,
    /// Row of [`Instance`]'s work tables.
    class: usize,
    /// Operations per second; infinite where unknown or ignored.
    flops_per_s: f64,
    /// How much longer work takes than on an unshared node: 1 / its share.
    slowdown: f64,
    /// For each of the request's different places to pin layers to, whether these hosts are such a place.
    meets: Vec<bool>,
}

/// Work of the blocks for one device class, as prefix sums over positions.
#[derive(Debug, Clone)]
struct ClassWork {
    /// Seconds of layers with a measured time.
    timed_s: Vec<f64>,
    /// Operations of the other layers.
    flops: Vec<f64>,
}

/// A planning request in arrays.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The chain of blocks.
    pub chain: Chain,
    /// For each host its place in the inventory.
    pub hosts: Vec<usize>,
    /// The kinds of host.
    pub groups: Vec<Group>,
    /// For each host its group.
    pub group_of: Vec<usize>,
    /// For each position the bits that a hop there carries.
    pub load_bits: Vec<f64>,
    /// Links between hosts.
    pub links: Arc<Links>,
    /// For each host the seconds in which the input reaches it from the source.
    pub input_s: Vec<f64>,
    /// For each host the seconds in which the output goes from it to the sink.
    pub output_s: Vec<f64>,
    /// The host that is the source, where one is both.
    pub source_host: Option<usize>,
    /// The host that is the sink, where one is both.
    pub sink_host: Option<usize>,
    /// Whether source and sink are one node.
    pub one_end: bool,
    /// The most stages that any placement can have: hosts, blocks, or what the request says.
    pub most_stages: usize,
    /// The largest latency allowed; infinite without a limit.
    pub max_latency_s: f64,
    /// Whether a node does all at once.
    pub overlap: Overlap,
    /// What is to be best.
    pub objective: Objective,
    /// What occupants leave of nodes and links.
    pub shares: Arc<Shares>,
    /// For each block the places that its layers are pinned to, as indices of [`Group`]'s `meets`, ascending.
    pins: Vec<Vec<usize>>,
    resident_bytes: Vec<u64>,
    activation_bytes: Vec<u64>,
    buffer_bytes: Vec<u64>,
    classes: Vec<ClassWork>,
}

impl Group {
    /// The row of the tables of work that holds for these hosts.
    pub fn class(&self) -> usize {
        self.class
    }
}

impl Instance {
    /// Reduces a request.
    pub fn new(request: &PlanRequest, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let PlanRequest { model, cluster, options } = request;
        let (cost_model, constraints) = (&options.cost_model, &options.constraints);
        let chain = Chain::new(model, cost_model.cuts, &constraints.colocate);
        let hosts: Vec<usize> =
            (0..cluster.nodes.len()).filter(|&node| constraints.admit(&cluster.nodes[node])).collect();
        let host_of_node: FxHashMap<usize, usize> =
            hosts.iter().enumerate().map(|(host, &node)| (node, host)).collect();
        let places = pin_places(request);
        let pins = block_pins(request, &chain, &places, stop)?;
        let (classes, class_of_name) = class_work(request, &chain);
        let shares = Shares::new(request);
        let (groups, group_of) = group_hosts(request, &hosts, &shares, &places, &class_of_name, stop)?;
        let load = |bytes: &u64| 8.0 * (*bytes as f64 * cost_model.transfer_scale);
        let load_bits: Vec<f64> = chain.boundary_bytes.iter().map(load).collect();
        let finder = LinkFinder::new(cluster).shared(&shares.of_link);
        let links = Links::new(&finder, &hosts, stop)?;
        let end = |id: &Option<String>| id.as_ref().and_then(|id| cluster.node_index(id));
        let (source, sink) = (end(&constraints.source_node), end(&constraints.sink_node));
        let travel = |from: Option<usize>, to: Option<usize>, load_bits: f64| match (from, to) {
            (Some(from), Some(to)) if from != to => finder.link(from, to).transfer_s(load_bits),
            _ => 0.0,
        };
        let blocks = chain.blocks();
        let input_s = hosts.iter().map(|&node| travel(source, Some(node), load_bits[0])).collect();
        let output_s = hosts.iter().map(|&node| travel(Some(node), sink, load_bits[blocks])).collect();
        let host_at = |node: Option<usize>| node.and_then(|node| host_of_node.get(&node).copied());
        let asked = constraints.max_stages.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let counted = |bytes: u64| if cost_model.memory == MemoryModel::Params { 0 } else { bytes };
        let activation = activation_bytes(model);
        Ok(Self {
            source_host: host_at(source),
            sink_host: host_at(sink),
            one_end: source.is_some() && source == sink,
            most_stages: hosts.len().min(blocks).min(asked),
            max_latency_s: constraints.max_latency_s.unwrap_or(f64::INFINITY),
            overlap: cost_model.overlap,
            objective: options.objective,
            resident_bytes: prefix_sums(&chain, 0, |layer| {
                model.layers[layer].param_bytes + model.layers[layer].state_bytes
            }),
            activation_bytes: (1..=blocks)
                .map(|block| chain.positions[block - 1]..chain.positions[block])
                .map(|layers| counted(layers.map(|layer| activation[layer]).max().unwrap_or(0)))
                .collect(),
            buffer_bytes: chain.boundary_bytes.iter().map(|bytes| counted(bytes * cost_model.io_buffers)).collect(),
            chain,
            hosts,
            groups,
            group_of,
            load_bits,
            links: Arc::new(links),
            input_s,
            output_s,
            shares: Arc::new(shares),
            pins,
            classes,
        })
    }

    /// The same instance with cuts at some positions only, ascending, 0 and m among them. Blocks between them become one.
    pub fn with_cuts_at(&self, kept: &[usize]) -> Self {
        let at_kept = |all: &[u64]| kept.iter().map(|&position| all[position]).collect::<Vec<u64>>();
        let seconds_at_kept = |all: &[f64]| kept.iter().map(|&position| all[position]).collect::<Vec<f64>>();
        let spans = || kept.windows(2).map(|ends| ends[0]..ends[1]);
        let pins_of = |blocks: std::ops::Range<usize>| {
            let mut pins = self.pins[blocks].concat();
            pins.sort_unstable();
            pins.dedup();
            pins
        };
        Self {
            chain: Chain {
                positions: kept.iter().map(|&position| self.chain.positions[position]).collect(),
                boundary_bytes: at_kept(&self.chain.boundary_bytes),
            },
            load_bits: seconds_at_kept(&self.load_bits),
            pins: spans().map(pins_of).collect(),
            resident_bytes: at_kept(&self.resident_bytes),
            activation_bytes: spans()
                .map(|blocks| self.activation_bytes[blocks].iter().copied().max().unwrap_or(0))
                .collect(),
            buffer_bytes: at_kept(&self.buffer_bytes),
            classes: self
                .classes
                .iter()
                .map(|work| ClassWork { timed_s: seconds_at_kept(&work.timed_s), flops: seconds_at_kept(&work.flops) })
                .collect(),
            most_stages: self.most_stages.min(kept.len() - 1),
            ..self.clone()
        }
    }

    /// m, the number of blocks.
    pub fn blocks(&self) -> usize {
        self.chain.blocks()
    }

    /// The layers of a block, by their places in the model. Blocks count from 1.
    pub fn layers_of(&self, block: usize) -> std::ops::Range<usize> {
        self.chain.positions[block - 1]..self.chain.positions[block]
    }

    /// Bytes of parameters and state of a stage (i, j].
    pub fn resident_bytes(&self, start: usize, end: usize) -> u64 {
        self.resident_bytes[end] - self.resident_bytes[start]
    }

    /// The link between two hosts.
    #[inline]
    pub fn link(&self, from: usize, to: usize) -> Link {
        self.links.get(from, to)
    }

    /// Seconds of a hop at a position between two hosts.
    #[inline]
    pub fn hop_s(&self, from: usize, to: usize, position: usize) -> f64 {
        self.link(from, to).transfer_s(self.load_bits[position])
    }

    /// Seconds of compute of a stage (i, j] on a host of a group. Never decreases in j, never increases in i.
    #[inline]
    pub fn compute_s(&self, group: usize, start: usize, end: usize) -> f64 {
        self.work_s(group, start, end) * self.groups[group].slowdown
    }

    /// Seconds that a stage (i, j] would compute if no occupant shared its host.
    #[inline]
    pub fn work_s(&self, group: usize, start: usize, end: usize) -> f64 {
        let Group { class, flops_per_s, .. } = self.groups[group];
        let work = &self.classes[class];
        (work.timed_s[end] - work.timed_s[start]) + (work.flops[end] - work.flops[start]) / flops_per_s
    }

    /// Bytes that a stage (i, j] needs, given the largest activation of its blocks.
    #[inline]
    fn bytes_with_activation(&self, start: usize, end: usize, activation_bytes: u64) -> u64 {
        let resident = self.resident_bytes[end] - self.resident_bytes[start];
        resident + activation_bytes + self.buffer_bytes[start] + self.buffer_bytes[end]
    }

    /// Bytes that a stage (i, j] needs. O(j − i).
    pub fn memory_bytes(&self, start: usize, end: usize) -> u64 {
        let activation = self.activation_bytes[start..end].iter().copied().max().unwrap_or(0);
        self.bytes_with_activation(start, end, activation)
    }

    /// Calls `visit` with each end j > i for which (i, j] fits the memory, and with nothing beyond the first block
    /// that must run elsewhere. Memory does not grow steadily with j: a boundary's buffers may shrink.
    pub fn ends_in_memory(&self, group: usize, start: usize, visit: impl FnMut(usize)) {
        self.fitting_ends(self.groups[group].free_bytes, start, |end| self.pins_allow(group, end), visit);
    }

    /// Whether a stage (i, j] fits the memory of a group's hosts and its pins admit them. O(j − i).
    pub fn fits(&self, group: usize, start: usize, end: usize) -> bool {
        (start + 1..=end).all(|block| self.pins_allow(group, block))
            && self.memory_bytes(start, end) <= self.groups[group].free_bytes
    }

    /// Calls `visit` with each end j > i for which (i, j] would fit the memory without buffers for what comes in and
    /// goes out.
    pub fn ends_without_buffers(&self, group: usize, start: usize, mut visit: impl FnMut(usize)) {
        let mut activation = 0;
        for end in start + 1..=self.blocks() {
            activation = activation.max(self.activation_bytes[end - 1]);
            let needed = self.resident_bytes(start, end) + activation;
            if !self.pins_allow(group, end) || needed > self.groups[group].free_bytes {
                break;
            }
            visit(end);
        }
    }

    /// The places that a block's layers are pinned to, each as a number. Blocks count from 1.
    pub fn pins_of(&self, block: usize) -> &[usize] {
        &self.pins[block - 1]
    }

    /// Whether the pins of a block's layers let it run on a group's hosts. Blocks count from 1.
    #[inline]
    pub fn pins_allow(&self, group: usize, block: usize) -> bool {
        self.pins[block - 1].iter().all(|&place| self.groups[group].meets[place])
    }

    /// Whether a layer of a block is pinned. Blocks count from 1.
    pub fn is_pinned(&self, block: usize) -> bool {
        !self.pins[block - 1].is_empty()
    }

    /// Whether any layer is pinned.
    pub fn has_pins(&self) -> bool {
        self.pins.iter().any(|places| !places.is_empty())
    }

    /// The same instance with nothing pinned.
    pub fn without_pins(&self) -> Self {
        Self { pins: vec![Vec::new(); self.blocks()], ..self.clone() }
    }

    /// Whether the request limits stages, latency or period.
    pub fn has_limits(&self) -> bool {
        self.most_stages < self.hosts.len().min(self.blocks())
            || self.max_latency_s.is_finite()
            || matches!(self.objective, Objective::MinNodes { .. })
    }

    /// Bytes that every stage needs that holds (i, j]: those of (i, j] without buffers. O(j − i).
    pub fn least_bytes(&self, start: usize, end: usize) -> u64 {
        self.memory_bytes(start, end) - self.buffer_bytes[start] - self.buffer_bytes[end]
    }

    /// Calls `visit` with each end j > i for which (i, j] fits in so many bytes, wherever its layers are pinned.
    pub fn ends_within(&self, free_bytes: u64, start: usize, visit: impl FnMut(usize)) {
        self.fitting_ends(free_bytes, start, |_| true, visit);
    }

    #[inline]
    fn fitting_ends(
        &self,
        free_bytes: u64,
        start: usize,
        allowed: impl Fn(usize) -> bool,
        mut visit: impl FnMut(usize),
    ) {
        let mut activation = 0;
        for end in start + 1..=self.blocks() {
            activation = activation.max(self.activation_bytes[end - 1]);
            let resident = self.resident_bytes[end] - self.resident_bytes[start];
            if !allowed(end) || resident + activation + self.buffer_bytes[start] > free_bytes {
                break;
            }
            if self.bytes_with_activation(start, end, activation) <= free_bytes {
                visit(end);
            }
        }
    }

    /// Whether memory needs no buffers, so that what fits is an interval of ends.
    pub fn memory_is_monotone(&self) -> bool {
        self.buffer_bytes.iter().all(|&bytes| bytes == 0)
    }
}

/// Prefix sums over positions of what each layer adds.
fn prefix_sums<T: Copy + std::ops::AddAssign>(chain: &Chain, zero: T, of_layer: impl Fn(usize) -> T) -> Vec<T> {
    let mut sum = zero;
    let mut sums = vec![sum];
    for block in 1..chain.positions.len() {
        for layer in chain.positions[block - 1]..chain.positions[block] {
            sum += of_layer(layer);
        }
        sums.push(sum);
    }
    sums
}

/// The work tables: row 0 for classes without timings, then one row for each device class that the profile times.
fn class_work<'r>(request: &'r PlanRequest, chain: &Chain) -> (Vec<ClassWork>, BTreeMap<&'r str, usize>) {
    let layers = &request.model.layers;
    let work_of = |class: Option<&str>| {
        let time = |layer: usize| class.and_then(|class| layers[layer].time_s.get(class).copied());
        let counts = request.options.cost_model.compute == ComputeModel::Profile;
        ClassWork {
            timed_s: prefix_sums(chain, 0.0, |layer| if counts { time(layer).unwrap_or(0.0) } else { 0.0 }),
            flops: prefix_sums(chain, 0.0, |layer| {
                if counts && time(layer).is_none() { layers[layer].flops as f64 } else { 0.0 }
            }),
        }
    };
    let mut classes = vec![work_of(None)];
    let timed: BTreeSet<&str> = layers.iter().flat_map(|layer| layer.time_s.keys().map(String::as_str)).collect();
    let mut class_of_name = BTreeMap::new();
    for node in &request.cluster.nodes {
        let Some(class) = node.device_class.as_deref() else { continue };
        if timed.contains(class) && !class_of_name.contains_key(class) {
            class_of_name.insert(class, classes.len());
            classes.push(work_of(Some(class)));
        }
    }
    (classes, class_of_name)
}

/// The different places to pin layers to: one pin for each.
fn pin_places(request: &PlanRequest) -> Vec<&Pin> {
    let mut places: Vec<&Pin> = request.options.constraints.pins.iter().collect();
    places.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
    places.dedup_by(|a, b| place_of(a) == place_of(b));
    places
}

fn place_of(pin: &Pin) -> (&Option<String>, &BTreeMap<String, String>) {
    (&pin.node_id, &pin.node_selector)
}

/// For each block the places that its layers are pinned to, ascending.
fn block_pins(
    request: &PlanRequest,
    chain: &Chain,
    places: &[&Pin],
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Vec<usize>>, Stopped> {
    let mut pins = vec![Vec::new(); chain.blocks()];
    for (index, pin) in request.options.constraints.pins.iter().enumerate() {
        if index % 1024 == 0 && stop() {
            return Err(Stopped);
        }
        let place = places.binary_search_by(|other| place_of(other).cmp(&place_of(pin)));
        let (Some(layer), Ok(place)) = (request.model.layer_index(&pin.layer_id), place) else { continue };
        let block = chain.positions.partition_point(|&position| position <= layer) - 1;
        pins[block].push(place);
    }
    for places in &mut pins {
        places.sort_unstable();
        places.dedup();
    }
    Ok(pins)
}

fn group_hosts(
    request: &PlanRequest,
    hosts: &[usize],
    shares: &Shares,
    places: &[&Pin],
    class_of_name: &BTreeMap<&str, usize>,
    stop: &dyn Fn() -> bool,
) -> Result<(Vec<Group>, Vec<usize>), Stopped> {
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of_key: BTreeMap<(u64, usize, [u64; 2], Vec<bool>), usize> = BTreeMap::new();
    let group = |at: usize, node: &Node| Group {
        free_bytes: node.free_bytes().saturating_sub(shares.taken_bytes[at]),
        class: node.device_class.as_deref().and_then(|class| class_of_name.get(class).copied()).unwrap_or(0),
        flops_per_s: node.flops_per_s.unwrap_or(f64::INFINITY),
        slowdown: 1.0 / shares.of_node[at],
        meets: places.iter().map(|pin| pin.admits(node)).collect(),
    };
    let group_of = hosts.iter().map(|&at| {
        if stop() {
            return Err(Stopped);
        }
        let group = group(at, &request.cluster.nodes[at]);
        let pace = [group.flops_per_s.to_bits(), group.slowdown.to_bits()];
        let key = (group.free_bytes, group.class, pace, group.meets.clone());
        Ok(*group_of_key.entry(key).or_insert_with(|| {
            groups.push(group);
            groups.len() - 1
        }))
    });
    let group_of = group_of.collect::<Result<Vec<usize>, Stopped>>()?;
    Ok((groups, group_of))
}

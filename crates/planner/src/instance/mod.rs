//! A request reduced to arrays: cuts, hosts in groups of equal hosts, and links.
//!
//! Positions 0..=m are cuts, each numbered after all cuts within it. A stage (i, j] holds the
//! layers that are in cut j and not in cut i. Along a chain each position lies within the next, and
//! (i, j] holds blocks i + 1..=j. Hosts are the nodes that may host a stage, in the inventory's
//! order. The reduction takes O(L + E + n²), and O(m²) where cuts are sets.

mod memory_scale;
mod stage_bytes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::memory_scale::MemoryScale;
use self::stage_bytes::{Running, StageBytes};
use super::cuts::{Cuts, Weights};
use super::links::{Delays, Link, Links};
use super::routes::Routes;
use super::shared_media::{Ends, SharedMedia};
use super::shares::Shares;
use super::stopped::Stopped;
use crate::domain::activation::activation_bytes;
use crate::domain::cluster::Node;
use crate::domain::options::{ComputeModel, MemoryModel, Objective, Overlap, Pin, Transfers};
use crate::domain::request::PlanRequest;
use crate::index::{Block, Grid, GroupIndex, Host, Index, IndexVec, Position};

/// Hosts that are equal in all that a stage needs of its node: memory, compute and pins.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Bytes of memory that are free for stages.
    pub free_bytes: u64,
    /// The most bytes that a stage may need here before they are scaled, which is what searches
    /// count. `None` if no stage fits, whatever it needs.
    pub most_bytes: Option<u64>,
    /// The index of the row of [`Instance`]'s work tables.
    class: usize,
    /// Operations per second; infinite if unknown.
    flops_per_s: f64,
    /// The factor by which work takes longer than on an unshared node: 1 / its share.
    slowdown: f64,
    /// For each different place that the request pins layers to, whether these hosts are such a
    /// place.
    meets: Vec<bool>,
}

/// Picoseconds in a second.
const PICOSECONDS: f64 = 1e12;

/// Work within each position for one device class. The numbers are whole, so that sums do not
/// depend on the order of the layers.
#[derive(Debug, Clone)]
struct ClassWork {
    /// Picoseconds of layers with a measured time.
    timed_ps: IndexVec<Position, f64>,
    /// Operations of the other layers.
    flops: IndexVec<Position, f64>,
    /// Whether neither sum ever decreases with the position.
    is_sorted: bool,
}

/// A planning request in arrays.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The cuts that are considered.
    pub cuts: Cuts,
    is_chain: bool,
    /// For each host, its place in the inventory.
    pub hosts: IndexVec<Host, usize>,
    /// The groups of equal hosts.
    pub groups: IndexVec<GroupIndex, Group>,
    /// For each host, its group.
    pub group_of: IndexVec<Host, GroupIndex>,
    /// For each position, the bits that a hop there carries.
    pub load_bits: IndexVec<Position, f64>,
    /// The links between hosts.
    pub links: Arc<Links>,
    /// Seconds by which hops arrive later than their links are busy: latencies that do not occupy.
    pub delays: Arc<Delays>,
    /// The media that two transfers may use, where there are any.
    pub shared_media: Option<Arc<SharedMedia>>,
    /// For each host the seconds by which the input arrives later.
    pub input_delay_s: IndexVec<Host, f64>,
    /// For each host the seconds by which the output arrives later.
    pub output_delay_s: IndexVec<Host, f64>,
    /// For each host the seconds in which the input reaches it from the source.
    pub input_s: IndexVec<Host, f64>,
    /// For each host, the seconds in which the output is sent from it to the sink; 0 if it is the
    /// sink or there is none.
    pub output_s: IndexVec<Host, f64>,
    /// The source, if it is a host.
    pub source_host: Option<Host>,
    /// The sink, if it is a host.
    pub sink_host: Option<Host>,
    /// Whether the source and the sink are the same node.
    pub one_end: bool,
    /// The most stages that any placement can have: the least of the numbers of hosts and blocks
    /// and the request's limit.
    pub most_stages: usize,
    /// The largest latency allowed, in seconds; infinite without a limit.
    pub max_latency_s: f64,
    /// The largest period allowed, in seconds: that of the constraints, or the target of the
    /// objective; infinite without a limit.
    pub max_period_s: f64,
    /// Whether a node sends, receives and computes at once.
    pub overlap: Overlap,
    /// The objective.
    pub objective: Objective,
    /// What occupants leave of nodes and links.
    pub shares: Arc<Shares>,
    /// For each block, the places that its layers are pinned to, as indices of [`Group`]'s `meets`,
    /// ascending.
    pins: IndexVec<Block, Vec<usize>>,
    /// Where cuts are sets: for each place and position, the number of blocks within it that are
    /// pinned there.
    pinned: Vec<IndexVec<Position, u32>>,
    bytes: StageBytes,
    memory_scale: MemoryScale,
    classes: Vec<ClassWork>,
    /// Seconds of work that are not counted, by the group of a stage's host and the stage's end. Only
    /// in a relaxation.
    spared_s: Option<Arc<Grid<GroupIndex, Position, f64>>>,
    /// Whether a stage may end where it begins, at any cut but the ends: its host only passes on what
    /// it receives. Only in a relaxation.
    has_empty_stages: bool,
}

impl Group {
    /// Returns `true` if a stage fits that needs `bytes` before they are scaled.
    #[inline]
    pub fn holds(&self, bytes: u64) -> bool {
        self.most_bytes.is_some_and(|most_bytes| bytes <= most_bytes)
    }

    /// Returns the index of the row of the work tables for these hosts.
    pub fn class(&self) -> usize {
        self.class
    }
}

impl Instance {
    /// Reduces a request, with the cuts that its options allow.
    pub fn new(request: &PlanRequest, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let PlanRequest { model, options, .. } = request;
        let cuts = (options.cost_model.cuts, options.constraints.colocate.as_slice());
        let most_sets = most_sets(hosts(request).len());
        let cuts = Cuts::new(model, cuts, order_of_work(request), most_sets, stop)?;
        Self::between(request, cuts, stop)
    }

    /// Reduces a request, with the given cuts.
    pub fn between(request: &PlanRequest, cuts: Cuts, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        let PlanRequest { model, cluster, options } = request;
        let (cost_model, constraints) = (&options.cost_model, &options.constraints);
        let hosts = hosts(request);
        let host_of_node: FxHashMap<usize, Host> = hosts.iter_indexed().map(|(host, &node)| (node, host)).collect();
        let places = pin_places(request);
        let pins = block_pins(request, &cuts, &places, stop)?;
        let (classes, class_of_name) = class_work(request, &cuts);
        let shares = Shares::new(request);
        let (groups, group_of) = group_hosts(request, &hosts, &shares, &places, &class_of_name, stop)?;
        let load = |bytes: &u64| 8.0 * (*bytes as f64 * cost_model.transfer_scale);
        let load_bits: IndexVec<Position, f64> = cuts.boundary_bytes.iter().map(load).collect();
        let routes = Routes::new(cluster).shared(&shares.of_link, &shares.of_medium);
        let links = Links::new(&routes, &hosts, stop)?;
        // Where a node does one thing at a time, it waits for what it sends to arrive.
        let streams = cost_model.transfers == Transfers::Streamed && cost_model.overlap == Overlap::Full;
        let (links, delays) = if streams { links.without_latencies() } else { (links, Delays::NONE) };
        let end = |id: &Option<String>| id.as_ref().and_then(|id| cluster.node_index(id));
        let (source, sink) = (end(&constraints.source_node), end(&constraints.sink_node));
        let names_only = cost_model.transfers == Transfers::Acknowledged;
        let counts = |medium| !names_only || routes.media.is_named(medium);
        let ends = Ends { source, sink, of_several: options.wants_several() };
        let shared_media = SharedMedia::new(&routes, &hosts, ends, counts, stop)?;
        // Seconds that a transfer counts for the period, and those by which it arrives later.
        let travel = |from: Option<usize>, to: Option<usize>, load_bits: f64| match (from, to) {
            (Some(from), Some(to)) if from != to => match routes.link(from, to) {
                link if streams && link.exists() => (load_bits / link.bandwidth_bps, link.latency_s),
                link => (link.transfer_s(load_bits), 0.0),
            },
            _ => (0.0, 0.0),
        };
        let last = Position::nth(cuts.last());
        let input = hosts.iter().map(|&node| travel(source, Some(node), load_bits[Position::FIRST]));
        let (input_s, input_delay_s): (Vec<f64>, Vec<f64>) = input.unzip();
        let output = hosts.iter().map(|&node| travel(Some(node), sink, load_bits[last]));
        let (output_s, output_delay_s): (Vec<f64>, Vec<f64>) = output.unzip();
        let host_at = |node: Option<usize>| node.and_then(|node| host_of_node.get(&node).copied());
        let asked =
            constraints.longest_pipeline().map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let counts = cost_model.memory != MemoryModel::Params;
        let activation = activation_bytes(model, cost_model.cuts);
        let bytes = StageBytes::new(model, &cuts, &activation, counts, cost_model.io_buffers, stop)?;
        Ok(Self {
            source_host: host_at(source),
            sink_host: host_at(sink),
            one_end: source.is_some() && source == sink,
            most_stages: hosts
                .len()
                .min(if cuts.keep_blocks_whole() { cuts.block_count() } else { usize::MAX })
                .min(asked),
            max_latency_s: constraints.max_latency_s.unwrap_or(f64::INFINITY),
            max_period_s: match options.objective {
                // Several pipelines keep to the target together.
                Objective::MinNodes { .. } if options.wants_several() => f64::INFINITY,
                Objective::MinNodes { target_period_s } => target_period_s,
                _ => constraints.max_period_s.unwrap_or(f64::INFINITY),
            },
            overlap: cost_model.overlap,
            objective: options.objective,
            pinned: if cuts.sets().is_some() { pinned(&cuts, &pins, places.len()) } else { Vec::new() },
            bytes,
            memory_scale: MemoryScale::new(cost_model),
            is_chain: cuts.are_nested(),
            cuts,
            hosts,
            groups,
            group_of,
            load_bits,
            links: Arc::new(links),
            delays: Arc::new(delays),
            shared_media: shared_media.map(Arc::new),
            input_delay_s: input_delay_s.into(),
            output_delay_s: output_delay_s.into(),
            input_s: input_s.into(),
            output_s: output_s.into(),
            shares: Arc::new(shares),
            pins,
            classes,
            spared_s: None,
            has_empty_stages: false,
        })
    }

    /// Returns a relaxation of the instance.
    ///
    /// Each stage may also hold the layers of the set of its end, which do not count. For its memory it
    /// may be the set of any position, as those of a stage that is empty may be held. A host may pass on
    /// what it receives without running a stage. The latency has no limit. With `empty_stages`, which
    /// only some searches take, a host that passes on is used: its stage is empty. Otherwise it may
    /// have a stage too: links are at least as good as paths over other hosts.
    pub fn relaxed(mut self, request: &PlanRequest, sets: &IndexVec<Position, Vec<usize>>, empty_stages: bool) -> Self {
        let model = &request.model;
        let of = |layer: usize| model.layers[layer].param_bytes + model.layers[layer].state_bytes;
        let constant = |&constant: &usize| of(constant) + model.layers[constant].output_bytes;
        let resident = |layer: usize| of(layer) + model.constants_behind(layer).iter().map(constant).sum::<u64>();
        let spared_bytes = sets.iter().map(|set| set.iter().map(|&layer| resident(layer)).sum::<u64>()).max();
        // If the last stage has only such layers, the stage before it becomes the last and delivers
        // the outputs.
        let delivered_output: u64 = model.constant_outputs().map(|layer| model.layers[layer].output_bytes).sum();
        let delivered_bytes = model.constants_delivered().iter().map(constant).sum::<u64>()
            + request.options.cost_model.io_buffers * delivered_output;
        let activation = activation_bytes(model, request.options.cost_model.cuts);
        let activation = sets.iter().flatten().map(|&layer| activation[layer]).max();
        let class_of: BTreeMap<usize, Option<&str>> = self
            .groups
            .iter_indexed()
            .filter_map(|(at, group)| {
                let (host, _) = self.group_of.iter_indexed().find(|&(_, &of)| of == at)?;
                Some((group.class, request.cluster.nodes[self.hosts[host]].device_class.as_deref()))
            })
            .collect();
        let counts = request.options.cost_model.compute == ComputeModel::Profile;
        let mut spared_s: Vec<f64> = Vec::with_capacity(self.groups.len() * sets.len());
        for group in self.groups.iter_mut() {
            let class = class_of.get(&group.class).copied().flatten().filter(|_| group.class > 0);
            let seconds = |layer: usize| match class.and_then(|class| model.picoseconds(layer, class)) {
                Some(picoseconds) => picoseconds as f64 / PICOSECONDS,
                None => model.layers[layer].flops as f64 / group.flops_per_s,
            };
            let of_set = |set: &Vec<usize>| set.iter().map(|&layer| seconds(layer)).sum::<f64>() * (1.0 + 1e-9);
            spared_s.extend(sets.iter().map(|set| if counts { of_set(set) } else { 0.0 }));
            let more_bytes = spared_bytes.unwrap_or(0) + activation.unwrap_or(0) + delivered_bytes;
            // `u64::MAX` is the need of stages that do not exist: nothing holds them.
            let with_more = |most_bytes: u64| most_bytes.saturating_add(more_bytes).min(u64::MAX - 1);
            group.most_bytes = group.most_bytes.map(with_more);
        }
        let is_spared = spared_s.iter().any(|&seconds| seconds > 0.0);
        self.spared_s = is_spared.then(|| Arc::new(Grid::of_cells(spared_s, sets.len())));
        let links = self.links.passing_on(self.overlap);
        self.has_empty_stages = empty_stages;
        let delivered_bytes = (model.output_bytes() - delivered_output) as f64;
        let delivered_bits = 8.0 * (delivered_bytes * request.options.cost_model.transfer_scale);
        let least_output_s = self.output_s.iter().copied().fold(f64::INFINITY, f64::min);
        for host in self.hosts.indices() {
            let passed_on = self.hosts.indices().map(|to| links.get(host, to).transfer_s(delivered_bits));
            self.output_s[host] = passed_on.fold(least_output_s, f64::min);
        }
        self.shared_media = self.shared_media.and_then(|media| media.passing_on(&self.links)).map(Arc::new);
        if !self.has_empty_stages {
            self.links = Arc::new(links);
        }
        self.delays = Arc::new(Delays::NONE);
        self.max_latency_s = f64::INFINITY;
        self
    }

    /// Returns `true` if a stage may end where it begins.
    #[inline]
    pub fn has_empty_stages(&self) -> bool {
        self.has_empty_stages
    }

    /// Returns the same instance with cuts at the positions `kept` only. These are ascending, and 0
    /// and m are among them. Along a chain, the blocks between two of them become one.
    pub fn with_cuts_at(&self, kept: &[Position]) -> Self {
        let seconds_at_kept = |all: &IndexVec<Position, f64>| kept.iter().map(|&position| all[position]).collect();
        let pins_of = |ends: &[Position]| {
            let blocks = Block::between(ends[0], ends[1]);
            let mut pins: Vec<usize> = blocks.flat_map(|block| self.pins[block].iter().copied()).collect();
            pins.sort_unstable();
            pins.dedup();
            pins
        };
        let at_kept = |work: &ClassWork| ClassWork {
            timed_ps: seconds_at_kept(&work.timed_ps),
            flops: seconds_at_kept(&work.flops),
            is_sorted: work.is_sorted,
        };
        let counts = |all: &IndexVec<Position, u32>| kept.iter().map(|&position| all[position]).collect();
        let cuts = self.cuts.at(kept);
        let spared_at_kept = |spared_s: &Arc<Grid<GroupIndex, Position, f64>>| {
            let cells = self.groups.indices().flat_map(|group| kept.iter().map(move |&end| spared_s[(group, end)]));
            Arc::new(Grid::of_cells(cells.collect(), kept.len()))
        };
        Self {
            spared_s: self.spared_s.as_ref().map(spared_at_kept),
            is_chain: self.is_chain || cuts.are_nested(),
            cuts,
            load_bits: seconds_at_kept(&self.load_bits),
            pins: if self.cuts.sets().is_none() { kept.windows(2).map(pins_of).collect() } else { self.pins.clone() },
            pinned: self.pinned.iter().map(counts).collect(),
            bytes: self.bytes.at(kept),
            classes: self.classes.iter().map(at_kept).collect(),
            most_stages: self.most_stages.min(if self.has_empty_stages { usize::MAX } else { kept.len() - 1 }),
            ..self.clone()
        }
    }

    /// Returns `true` if each position lies within the next.
    pub fn is_chain(&self) -> bool {
        self.is_chain
    }

    /// Returns the number of blocks.
    pub fn block_count(&self) -> usize {
        self.cuts.block_count()
    }

    /// Returns m, the number of positions after the first.
    pub fn blocks(&self) -> usize {
        self.cuts.last()
    }

    /// Returns the last position: the whole model.
    #[inline]
    pub fn last(&self) -> Position {
        Position::nth(self.blocks())
    }

    /// Returns all positions, ascending.
    pub fn positions(&self) -> impl DoubleEndedIterator<Item = Position> + Clone + use<> {
        Position::FIRST.through(self.last())
    }

    /// Returns the positions at which a stage can start: all but the last.
    #[inline]
    pub fn starts(&self) -> impl DoubleEndedIterator<Item = Position> + Clone + use<> {
        Position::FIRST.until(self.last())
    }

    /// Returns the positions at which a stage can end: all but the first.
    #[inline]
    pub fn ends(&self) -> impl DoubleEndedIterator<Item = Position> + Clone + use<> {
        (Position::FIRST + 1).through(self.last())
    }

    /// Returns the positions between the first and the last.
    pub fn inner_positions(&self) -> impl DoubleEndedIterator<Item = Position> + Clone + use<> {
        (Position::FIRST + 1).until(self.last())
    }

    /// Returns a list with the same item for each group.
    pub fn by_group<T: Clone>(&self, item: T) -> IndexVec<GroupIndex, T> {
        IndexVec::filled(item, self.groups.len())
    }

    /// Returns a list with the same item for each position.
    pub fn by_position<T: Clone>(&self, item: T) -> IndexVec<Position, T> {
        IndexVec::filled(item, self.blocks() + 1)
    }

    /// Returns a list with the same item for each host.
    pub fn by_host<T: Clone>(&self, item: T) -> IndexVec<Host, T> {
        IndexVec::filled(item, self.hosts.len())
    }

    /// Returns the layers of a block, by their places in the model, ascending.
    pub fn layers_of(&self, block: Block) -> &[usize] {
        self.cuts.layers_of(block)
    }

    /// Returns the bytes of parameters and state of a stage (i, j] before they are scaled, without
    /// those of constants that several blocks share.
    pub fn resident_bytes(&self, start: Position, end: Position) -> u64 {
        self.bytes.resident(start, end)
    }

    /// Returns the link between two hosts.
    #[inline]
    pub fn link(&self, from: Host, to: Host) -> Link {
        self.links.get(from, to)
    }

    /// Returns the seconds of a hop at a position between two hosts; infinite without a link.
    #[inline]
    pub fn hop_s(&self, from: Host, to: Host, position: Position) -> f64 {
        self.link(from, to).transfer_s(self.load_bits[position])
    }

    /// Returns `true` if the compute time on a group's hosts never decreases with the end or
    /// increases with the start. This includes pairs of positions between which there is no stage.
    pub fn compute_is_sorted(&self, group: GroupIndex) -> bool {
        self.spared_s.is_none() && self.classes[self.groups[group].class].is_sorted
    }

    /// Returns the seconds that a stage (i, j] computes on a host of a group.
    #[inline]
    pub fn compute_s(&self, group: GroupIndex, start: Position, end: Position) -> f64 {
        let Group { slowdown, .. } = self.groups[group];
        let spared_s = self.spared_s.as_ref().map_or(0.0, |spared_s| spared_s[(group, end)]);
        (self.work_s(group, start, end) - spared_s).max(0.0) * slowdown
    }

    /// Returns the seconds that a stage (i, j] would compute if no occupant shared its host.
    #[inline]
    pub fn work_s(&self, group: GroupIndex, start: Position, end: Position) -> f64 {
        let Group { class, flops_per_s, .. } = self.groups[group];
        let work = &self.classes[class];
        (work.timed_ps[end] - work.timed_ps[start]) / PICOSECONDS + (work.flops[end] - work.flops[start]) / flops_per_s
    }

    /// Returns the bytes of its node's memory that a stage (i, j] takes. O(j − i) along a chain.
    pub fn memory_bytes(&self, start: Position, end: Position) -> u64 {
        self.memory_scale.taken(self.bytes.of(start, end))
    }

    /// Returns how bytes that a stage needs become bytes that it takes of its node.
    pub fn memory_scale(&self) -> &MemoryScale {
        &self.memory_scale
    }

    /// Returns the bytes that a block needs in every stage before they are scaled: parameters,
    /// state and activation.
    pub fn block_bytes(&self, block: Block) -> u64 {
        self.own_bytes(block) + self.bytes.activation(block)
    }

    /// Returns the bytes of parameters and state of a block before they are scaled, without those
    /// of constants that it shares with others or only delivers.
    pub fn own_bytes(&self, block: Block) -> u64 {
        self.bytes.of_block(block)
    }

    /// Calls `visit` with each end of a stage that begins at `start`, fits the memory of a group's
    /// hosts and may run there by its pins, ascending.
    ///
    /// Along a chain the ends need not be an interval, since the buffers of a boundary may be
    /// smaller than those of the one before.
    pub fn ends_in_memory(&self, group: GroupIndex, start: Position, mut visit: impl FnMut(Position)) {
        let Some(most_bytes) = self.groups[group].most_bytes else { return };
        if self.has_empty_stages && start > Position::FIRST {
            visit(start);
        }
        if let Some(ends) = self.bytes.ends(start) {
            let fits = |&(end, bytes): &(Position, u64)| bytes <= most_bytes && self.stage_allowed(group, start, end);
            ends.filter(fits).map(|(end, _)| end).for_each(visit);
            return;
        }
        self.fitting_ends(most_bytes, start, |block| self.pins_allow(group, block), visit);
    }

    /// Returns `true` if a stage (i, j] fits the memory of a group's hosts and its pins admit them.
    /// O(j − i) along a chain.
    pub fn fits(&self, group: GroupIndex, start: Position, end: Position) -> bool {
        let allowed = match self.cuts.sets() {
            None => Block::between(start, end).all(|block| self.pins_allow(group, block)),
            Some(_) => self.stage_allowed(group, start, end),
        };
        allowed && self.groups[group].holds(self.bytes.of(start, end))
    }

    /// Returns `true` if the pins of a stage's blocks let it run on a group's hosts. Only where
    /// cuts are sets.
    #[inline]
    fn stage_allowed(&self, group: GroupIndex, start: Position, end: Position) -> bool {
        let meets = &self.groups[group].meets;
        self.pinned.iter().zip(meets).all(|(counts, meets)| *meets || counts[end] == counts[start])
    }

    /// Calls `visit` with each end of a stage that begins at `start` and would fit the memory of a
    /// group's hosts without buffers for its incoming and outgoing tensors, and may run there by
    /// its pins, ascending.
    pub fn ends_without_buffers(&self, group: GroupIndex, start: Position, mut visit: impl FnMut(Position)) {
        let Some(most_bytes) = self.groups[group].most_bytes else { return };
        if let Some(ends) = self.bytes.ends(start) {
            let buffers = |end: Position| self.bytes.buffers(start) + self.bytes.buffers(end);
            let fits = |&(end, bytes): &(Position, u64)| {
                bytes - buffers(end) <= most_bytes && self.stage_allowed(group, start, end)
            };
            ends.filter(fits).map(|(end, _)| end).for_each(visit);
            return;
        }
        let mut running = Running::default();
        for end in (start + 1).through(self.last()) {
            self.bytes.add(&mut running, start, Block::ending_at(end));
            let needed = self.bytes.without_buffers(&running, start, end);
            if !self.pins_allow(group, Block::ending_at(end)) || needed > most_bytes {
                break;
            }
            visit(end);
        }
    }

    /// Returns the places that a block's layers are pinned to, as numbers, ascending.
    pub fn pins_of(&self, block: Block) -> &[usize] {
        &self.pins[block]
    }

    /// Returns `true` if the pins of a block's layers let it run on a group's hosts.
    #[inline]
    pub fn pins_allow(&self, group: GroupIndex, block: Block) -> bool {
        self.pins[block].iter().all(|&place| self.groups[group].meets[place])
    }

    /// Returns `true` if a layer of a block is pinned.
    pub fn is_pinned(&self, block: Block) -> bool {
        !self.pins[block].is_empty()
    }

    /// Returns `true` if any layer is pinned.
    pub fn has_pins(&self) -> bool {
        self.pins.iter().any(|places| !places.is_empty())
    }

    /// Returns the same instance with nothing pinned.
    pub fn without_pins(&self) -> Self {
        Self { pins: IndexVec::filled(Vec::new(), self.block_count()), pinned: Vec::new(), ..self.clone() }
    }

    /// The same instance as if no two transfers shared a medium.
    pub fn without_shared_media(&self) -> Self {
        Self { shared_media: None, ..self.clone() }
    }

    /// Whether the request limits stages, latency or period.
    pub fn has_limits(&self) -> bool {
        self.most_stages < self.hosts.len().min(self.block_count())
            || self.max_latency_s.is_finite()
            || self.max_period_s.is_finite()
    }

    /// Returns the bytes that every stage needs that contains (i, j] before they are scaled: those
    /// of (i, j] without buffers. O(j − i) along a chain.
    pub fn least_bytes(&self, start: Position, end: Position) -> u64 {
        self.bytes.of(start, end) - self.bytes.buffers(start) - self.bytes.buffers(end)
    }

    /// Calls `visit` with each end of a stage that begins at `start` and needs at most `most_bytes`
    /// before they are scaled, whatever its pins, ascending.
    pub fn ends_within(&self, most_bytes: u64, start: Position, visit: impl FnMut(Position)) {
        if let Some(ends) = self.bytes.ends(start) {
            return ends.filter(|&(_, bytes)| bytes <= most_bytes).map(|(end, _)| end).for_each(visit);
        }
        self.fitting_ends(most_bytes, start, |_| true, visit);
    }

    #[inline]
    fn fitting_ends(
        &self,
        most_bytes: u64,
        start: Position,
        allowed: impl Fn(Block) -> bool,
        mut visit: impl FnMut(Position),
    ) {
        let mut running = Running::default();
        // Most models have no constants. For them, sums by position and the largest activation
        // suffice.
        let needs_constants = self.bytes.has_constants();
        let (before, buffers) = (self.bytes.resident_within(start), self.bytes.buffers(start));
        let mut activation = 0;
        for end in (start + 1).through(self.last()) {
            let block = Block::ending_at(end);
            let needed = if needs_constants {
                self.bytes.add(&mut running, start, block);
                self.bytes.without_buffers(&running, start, end) + buffers
            } else {
                activation = self.bytes.activation(block).max(activation);
                self.bytes.resident_within(end) - before + activation + buffers
            };
            if needed > most_bytes || !allowed(block) {
                break;
            }
            if needed + self.bytes.buffers(end) <= most_bytes {
                visit(end);
            }
        }
    }

    /// Returns `true` if the ends of the stages that fit from a start are always an interval: along
    /// a chain, if there are no buffers.
    pub fn memory_is_monotone(&self) -> bool {
        self.cuts.sets().is_none() && self.bytes.has_no_buffers()
    }
}

/// Returns for each layer the work by which cuts are ordered: its operations, or, if the profile
/// has no operations, its times on the device class that most nodes have.
fn order_of_work(request: &PlanRequest) -> impl Fn(usize) -> u64 + '_ {
    let layers = &request.model.layers;
    let counts_flops = layers.iter().any(|layer| layer.flops > 0);
    let timed = request.model.timed_classes();
    let mut nodes_of: BTreeMap<&str, usize> = BTreeMap::new();
    for class in request.cluster.nodes.iter().filter_map(|node| node.device_class.as_deref()) {
        if timed.contains(class) {
            *nodes_of.entry(class).or_default() += 1;
        }
    }
    let class = nodes_of.into_iter().max_by_key(|&(_, nodes)| nodes).map(|(class, _)| class);
    move |layer| match class {
        Some(class) if !counts_flops => request.model.picoseconds(layer, class).unwrap_or(0),
        _ => layers[layer].flops,
    }
}

/// Returns the nodes that may host a stage, by their places in the inventory.
fn hosts(request: &PlanRequest) -> IndexVec<Host, usize> {
    let nodes = &request.cluster.nodes;
    (0..nodes.len()).filter(|&node| request.options.constraints.admit(&nodes[node])).collect()
}

/// Returns the weights by which a block counts as small or not.
pub fn weights(request: &PlanRequest) -> Weights {
    let model = &request.model;
    let layers = 0..model.layers.len();
    let flops = |layer: usize| model.layers[layer].flops as f64;
    let of = |layer: usize| (model.layers[layer].param_bytes + model.layers[layer].state_bytes) as f64;
    let bytes = |layer: usize| of(layer) + model.constants_behind(layer).iter().map(|&layer| of(layer)).sum::<f64>();
    let time = |class: &str, layer: usize| model.picoseconds(layer, class).unwrap_or(0) as f64;
    let mut shares = vec![0.0; model.layers.len()];
    let mut add = |of: &dyn Fn(usize) -> f64| {
        let total: f64 = layers.clone().map(of).sum();
        if total > 0.0 {
            shares.iter_mut().enumerate().for_each(|(layer, share)| *share += of(layer) / total);
        }
    };
    add(&flops);
    add(&bytes);
    let classes: BTreeSet<&str> =
        request.cluster.nodes.iter().filter_map(|node| node.device_class.as_deref()).collect();
    classes.iter().for_each(|class| add(&|layer| time(class, layer)));
    let pins = &request.options.constraints.pins;
    let pinned: BTreeSet<&str> = pins.iter().map(|pin| pin.layer_id.as_str()).collect();
    Weights {
        work: layers.clone().map(order_of_work(request)).collect(),
        shares,
        may_move: layers.map(|layer| !pinned.contains(model.layers[layer].id.as_str())).collect(),
    }
}

/// The most bytes that the tables of a search over sets take.
const MOST_TABLE_BYTES: usize = 1 << 30;

/// Positions that tables have beside those of cuts: up to a whole word, and the two ends.
const WORD_AND_ENDS: usize = 66;

/// Returns the most cuts that a search over sets holds for this number of hosts. Its tables have
/// two bits for each pair of cuts and each group of hosts. There are at most as many groups as
/// hosts.
pub fn most_sets(hosts: usize) -> usize {
    (8 * MOST_TABLE_BYTES / (2 * hosts.max(1))).isqrt().saturating_sub(WORD_AND_ENDS)
}

/// Counts for each place and position the blocks within it that are pinned there.
fn pinned(cuts: &Cuts, pins: &IndexVec<Block, Vec<usize>>, places: usize) -> Vec<IndexVec<Position, u32>> {
    let count = |place| {
        let counts = cuts.sums_of_blocks(|block| u64::from(pins[block].contains(&place)));
        counts.iter().map(|&count| count as u32).collect()
    };
    (0..places).map(count).collect()
}

/// Returns the work tables, and the row of each device class. Row 0 is for nodes without timings.
/// Each device class of a node that the profile times has a further row.
fn class_work<'r>(request: &'r PlanRequest, cuts: &Cuts) -> (Vec<ClassWork>, BTreeMap<&'r str, usize>) {
    let layers = &request.model.layers;
    let work_of = |class: Option<&str>| {
        let time = |layer: usize| class.and_then(|class| request.model.picoseconds(layer, class));
        let counts = request.options.cost_model.compute == ComputeModel::Profile;
        let timed_ps = cuts.sums(|layer| if counts { time(layer).unwrap_or(0) as f64 } else { 0.0 });
        let flops = cuts.sums(|layer| if counts && time(layer).is_none() { layers[layer].flops as f64 } else { 0.0 });
        ClassWork { is_sorted: timed_ps.iter().is_sorted() && flops.iter().is_sorted(), timed_ps, flops }
    };
    let mut classes = vec![work_of(None)];
    let timed = request.model.timed_classes();
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

/// Returns the different places that layers are pinned to: one pin for each.
fn pin_places(request: &PlanRequest) -> Vec<&Pin> {
    let mut places: Vec<&Pin> = request.options.constraints.pins.iter().collect();
    places.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
    places.dedup_by(|a, b| place_of(a) == place_of(b));
    places
}

fn place_of(pin: &Pin) -> (&Option<String>, &BTreeMap<String, String>) {
    (&pin.node_id, &pin.node_selector)
}

/// Returns for each block the places that its layers are pinned to, ascending.
fn block_pins(
    request: &PlanRequest,
    cuts: &Cuts,
    places: &[&Pin],
    stop: &dyn Fn() -> bool,
) -> Result<IndexVec<Block, Vec<usize>>, Stopped> {
    let mut pins: IndexVec<Block, Vec<usize>> = IndexVec::filled(Vec::new(), cuts.block_count());
    let mut block_of = BTreeMap::new();
    if !places.is_empty() {
        for block in cuts.blocks() {
            block_of.extend(cuts.layers_of(block).iter().map(|&layer| (layer, block)));
        }
    }
    for (index, pin) in request.options.constraints.pins.iter().enumerate() {
        if index % 1024 == 0 && stop() {
            return Err(Stopped);
        }
        let place = places.binary_search_by(|other| place_of(other).cmp(&place_of(pin)));
        let (Some(layer), Ok(place)) = (request.model.layer_index(&pin.layer_id), place) else { continue };
        if let Some(&block) = block_of.get(&layer) {
            pins[block].push(place);
        }
    }
    for places in pins.iter_mut() {
        places.sort_unstable();
        places.dedup();
    }
    Ok(pins)
}

/// The groups of equal hosts, and for each host its group.
type Grouped = (IndexVec<GroupIndex, Group>, IndexVec<Host, GroupIndex>);

fn group_hosts(
    request: &PlanRequest,
    hosts: &IndexVec<Host, usize>,
    shares: &Shares,
    places: &[&Pin],
    class_of_name: &BTreeMap<&str, usize>,
    stop: &dyn Fn() -> bool,
) -> Result<Grouped, Stopped> {
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of_key: BTreeMap<(u64, usize, [u64; 2], Vec<bool>), GroupIndex> = BTreeMap::new();
    let memory_scale = MemoryScale::new(&request.options.cost_model);
    let group = |at: usize, node: &Node, free_bytes: u64| Group {
        free_bytes,
        most_bytes: memory_scale.most_within(free_bytes),
        class: node.device_class.as_deref().and_then(|class| class_of_name.get(class).copied()).unwrap_or(0),
        flops_per_s: node.flops_per_s.unwrap_or(f64::INFINITY),
        slowdown: 1.0 / shares.of_node[at],
        meets: places.iter().map(|pin| pin.admits(node)).collect(),
    };
    let group_of = hosts.iter().map(|&at| {
        if stop() {
            return Err(Stopped);
        }
        let node = &request.cluster.nodes[at];
        let group = group(at, node, node.free_bytes().saturating_sub(shares.taken_bytes[at]));
        let pace = [group.flops_per_s.to_bits(), group.slowdown.to_bits()];
        let key = (group.free_bytes, group.class, pace, group.meets.clone());
        Ok(*group_of_key.entry(key).or_insert_with(|| {
            groups.push(group);
            GroupIndex::nth(groups.len() - 1)
        }))
    });
    let group_of = group_of.collect::<Result<IndexVec<Host, GroupIndex>, Stopped>>()?;
    Ok((groups.into(), group_of))
}

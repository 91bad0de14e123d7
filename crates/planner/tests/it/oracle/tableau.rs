//! A request reduced to tables of numbers, straight from the law and without care for speed.

use cutpoint_planner::check::StageProposal;
use cutpoint_planner::domain::cluster::Node;
use cutpoint_planner::domain::options::{ComputeModel, CutPolicy, MemoryModel, Pin};
use cutpoint_planner::domain::request::PlanRequest;

use super::carriers::{Carriers, Pipeline, Transfer};
use super::shape::Shape;

/// Positions count layers; nodes stand by their place in the inventory.
pub struct Tableau<'a> {
    pub request: &'a PlanRequest,
    /// 0, the positions where the policy allows a cut, L.
    pub positions: Vec<usize>,
    /// For each of `positions`, the bytes that cross it: first the model's inputs, last its outputs.
    pub boundary_bytes: Vec<u64>,
    /// The nodes that may host a stage.
    pub hosts: Vec<usize>,
    pub source: Option<usize>,
    pub sink: Option<usize>,
    activation_bytes: Vec<u64>,
    /// For each node, how much longer work takes there than alone, and the bytes that occupants hold.
    occupied: Vec<(f64, u64)>,
    /// For each node, before each layer: the measured seconds, and the operations of layers that were not measured.
    work: Vec<Vec<(f64, f64)>>,
    pub carriers: Carriers<'a>,
}

impl<'a> Tableau<'a> {
    pub fn new(request: &'a PlanRequest) -> Self {
        let (model, cluster, options) = (&request.model, &request.cluster, &request.options);
        let layers = model.layers.len();
        let edges: Vec<(usize, usize)> =
            model.edges.iter().map(|edge| (place(request, &edge.from), place(request, &edge.to))).collect();
        let is_output = |layer: usize| !edges.iter().any(|&(from, _)| from == layer);
        let is_input = |layer: usize| {
            let it = &model.layers[layer];
            let idle = it.param_bytes == 0 && it.flops == 0 && it.time_s.values().all(|&seconds| seconds == 0.0);
            idle && !edges.iter().any(|&(_, to)| to == layer)
        };
        let needed_from = |layer: usize, position: usize| {
            is_output(layer) || edges.iter().any(|&(from, to)| from == layer && to >= position)
        };
        let crossing = |position: usize| (0..position).filter(move |&layer| needed_from(layer, position));
        let bytes = |places: &mut dyn Iterator<Item = usize>| -> u64 {
            places.map(|layer| model.layers[layer].output_bytes).sum()
        };
        let mut positions = vec![0];
        let mut boundary_bytes = vec![bytes(&mut (0..layers).filter(|&layer| is_input(layer)))];
        for position in 1..layers {
            let single = options.cost_model.cuts == CutPolicy::SingleTensor;
            let together = options.constraints.colocate.iter().any(|colocation| {
                let places = || colocation.layer_ids.iter().map(|id| place(request, id));
                places().any(|at| at < position) && places().any(|at| at >= position)
            });
            let all_inputs = options.cost_model.cuts == CutPolicy::InOrder || !(position..layers).any(is_input);
            let begun = all_inputs && !(0..position).all(is_input);
            let grouped = model.groups.iter().any(|group| {
                let places = || group.layer_ids.iter().map(|id| place(request, id));
                places().any(|at| at < position) && places().any(|at| at >= position)
            });
            let allowed = !together && !grouped && begun && (!single || crossing(position).count() == 1);
            if allowed {
                positions.push(position);
                boundary_bytes.push(bytes(&mut crossing(position)));
            }
        }
        positions.push(layers);
        boundary_bytes.push(bytes(&mut (0..layers).filter(|&layer| is_output(layer))));
        let shape = Shape::new(request);
        let live = |layer: usize| match options.cost_model.cuts {
            CutPolicy::InOrder => bytes(&mut (0..=layer).filter(|&tensor| needed_from(tensor, layer))),
            CutPolicy::Any | CutPolicy::SingleTensor => shape.bytes(shape.live(layer)),
        };
        let nodes = cluster.nodes.len();
        let constraints = &options.constraints;
        let may_host = |&node: &usize| {
            let it = &cluster.nodes[node];
            let selected = constraints.node_selector.iter().all(|(key, value)| it.labels.get(key) == Some(value));
            it.schedulable && selected && !constraints.exclude_nodes.contains(&it.id)
        };
        let node_place =
            |id: &Option<String>| id.as_ref().map(|id| cluster.nodes.iter().position(|node| node.id == *id).unwrap());
        Self {
            request,
            positions,
            boundary_bytes,
            hosts: (0..nodes).filter(may_host).collect(),
            source: node_place(&constraints.source_node),
            sink: node_place(&constraints.sink_node),
            activation_bytes: (0..layers)
                .map(|layer| model.layers[layer].activation_bytes.unwrap_or_else(|| live(layer)))
                .collect(),
            occupied: cluster.nodes.iter().map(|node| occupied(request, &node.id)).collect(),
            work: cluster.nodes.iter().map(|node| work(request, node)).collect(),
            carriers: Carriers::new(request),
        }
    }

    /// The same with a cut at every position, also where the policy allows none. Only times may be asked of it.
    pub fn with_every_position(self) -> Self {
        let model = &self.request.model;
        let mut every = self.request.clone();
        every.options.cost_model.cuts = CutPolicy::InOrder;
        every.options.constraints.colocate.clear();
        std::sync::Arc::make_mut(&mut every.model).groups.clear();
        let in_order = Tableau::new(&every);
        let layers = model.layers.len();
        let bytes_at = |position: usize| {
            in_order.positions.iter().position(|&cut| cut == position).map_or(0, |cut| in_order.boundary_bytes[cut])
        };
        Self { positions: (0..=layers).collect(), boundary_bytes: (0..=layers).map(bytes_at).collect(), ..self }
    }

    /// m.
    pub fn blocks(&self) -> usize {
        self.positions.len() - 1
    }

    /// Whether the blocks from one cut to another may run on a node: memory and pins.
    pub fn fits(&self, node: usize, from: usize, to: usize) -> bool {
        let (start, end) = (self.positions[from], self.positions[to]);
        let layers = &self.request.model.layers[start..end];
        let it = &self.request.cluster.nodes[node];
        let mut bytes: u64 = layers.iter().map(|layer| layer.param_bytes + layer.state_bytes).sum();
        let cost_model = &self.request.options.cost_model;
        if cost_model.memory == MemoryModel::ParamsAndActivations {
            bytes += self.activation_bytes[start..end].iter().max().unwrap();
            bytes += cost_model.io_buffers * (self.boundary_bytes[from] + self.boundary_bytes[to]);
        }
        let mut pins = self.request.options.constraints.pins.iter();
        let admitted = |pin: &Pin| match &pin.node_id {
            Some(id) => *id == it.id,
            None => pin.node_selector.iter().all(|(name, value)| it.labels.get(name) == Some(value)),
        };
        let pinned = pins.all(|pin| admitted(pin) || !layers.iter().any(|layer| layer.id == pin.layer_id));
        pinned
            && taken_bytes(self.request, bytes)
                <= (it.memory_bytes - it.reserved_bytes).saturating_sub(self.occupied[node].1)
    }

    /// Seconds of compute: differences of prefix sums.
    pub fn compute_s(&self, node: usize, from: usize, to: usize) -> f64 {
        if self.request.options.cost_model.compute == ComputeModel::Ignore {
            return 0.0;
        }
        let before = self.work[node][self.positions[from]];
        let behind = self.work[node][self.positions[to]];
        let measured_s = (behind.0 - before.0) / 1e12;
        let alone_s = match self.request.cluster.nodes[node].flops_per_s {
            Some(speed) => measured_s + (behind.1 - before.1) / speed,
            None => measured_s,
        };
        alone_s * self.occupied[node].0
    }

    /// A transfer at a cut; `None` without a route, and nothing from a node to itself.
    pub fn transfer(&self, from: usize, to: usize, cut: usize) -> Option<Transfer> {
        self.carriers.transfer(from, to, self.boundary_bytes[cut])
    }

    /// Period and latency of a whole placement, whether or not it fits; `None` without a route. Stage `i` holds the
    /// blocks from `cuts[i]` to `cuts[i + 1]`.
    pub fn times(&self, nodes: &[usize], cuts: &[usize]) -> Option<(f64, f64)> {
        let (source, sink) = (self.source, self.sink);
        let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
        let mut transfers = vec![self.transfer(source.unwrap_or(first), first, 0)?];
        for (stage, pair) in nodes.windows(2).enumerate() {
            transfers.push(self.transfer(pair[0], pair[1], cuts[stage + 1])?);
        }
        transfers.push(self.transfer(last, sink.unwrap_or(last), self.blocks())?);
        let compute_s = |(stage, &node)| self.compute_s(node, cuts[stage], cuts[stage + 1]);
        let compute_s: Vec<f64> = nodes.iter().enumerate().map(compute_s).collect();
        Some(self.carriers.times(&Pipeline { nodes, compute_s: &compute_s, source, sink, transfers: &transfers }))
    }

    /// The same placement by names.
    pub fn proposals(&self, nodes: &[usize], cuts: &[usize]) -> Vec<StageProposal> {
        let stage = |(stage, &node): (usize, &usize)| {
            let layers = &self.request.model.layers[self.positions[cuts[stage]]..self.positions[cuts[stage + 1]]];
            StageProposal {
                node_id: self.request.cluster.nodes[node].id.clone(),
                layer_ids: layers.iter().map(|layer| layer.id.clone()).collect(),
            }
        };
        nodes.iter().enumerate().map(stage).collect()
    }
}

/// What a stage takes of its node that needs so many bytes.
pub(super) fn taken_bytes(request: &PlanRequest, bytes: u64) -> u64 {
    let cost_model = &request.options.cost_model;
    let millionths = (cost_model.memory_scale * 1e6).round() as u64;
    (bytes * millionths).div_ceil(1_000_000) + cost_model.memory_overhead_bytes
}

fn place(request: &PlanRequest, layer_id: &str) -> usize {
    request.model.layers.iter().position(|layer| layer.id == layer_id).unwrap()
}

fn work(request: &PlanRequest, node: &Node) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0)];
    let class = node.device_class.as_ref();
    for layer in &request.model.layers {
        let (mut picoseconds, mut flops) = sums[sums.len() - 1];
        let group = request.model.groups.iter().find(|group| group.layer_ids.contains(&layer.id));
        let fused = class.and_then(|class| group.and_then(|group| Some((group, *group.time_s.get(class)?))));
        // A group runs as a whole: its time stands at its first layer.
        if let Some((group, seconds)) = fused {
            let first = group.layer_ids.iter().map(|id| place(request, id)).min().unwrap();
            let is_first = place(request, &layer.id) == first;
            sums.push((picoseconds + if is_first { (seconds * 1e12).round() } else { 0.0 }, flops));
            continue;
        }
        match node.device_class.as_ref().and_then(|class| layer.time_s.get(class)) {
            Some(seconds) => picoseconds += (seconds * 1e12).round(),
            None => flops += layer.flops as f64,
        }
        sums.push((picoseconds, flops));
    }
    sums
}

pub(super) fn occupied(request: &PlanRequest, node_id: &str) -> (f64, u64) {
    let (mut asked, mut bytes) = (Vec::new(), 0);
    for occupant in &request.options.occupants {
        for node in occupant.nodes.iter().filter(|node| node.node_id == node_id) {
            asked.push(f64::min(1.0, node.compute_s * occupant.rate_per_s));
            bytes += node.memory_bytes;
        }
    }
    (1.0 / share(asked), bytes)
}

/// What remains for one who asks for everything: L with Σ min(u, L) + L = 1.
pub(super) fn share(mut asked: Vec<f64>) -> f64 {
    asked.sort_by(f64::total_cmp);
    let mut rest = 1.0;
    for (served, u) in asked.iter().enumerate() {
        let level = rest / (asked.len() - served + 1) as f64;
        if *u > level {
            return level;
        }
        rest -= u;
    }
    rest
}

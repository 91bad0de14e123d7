//! Every chain of cuts on every sequence of nodes, straight from the law: for at most about 8 layers and 3 nodes. Nothing
//! here asks the checker, so that the two can be held against each other.

use std::collections::BTreeMap;

use cutpoint_planner::check::StageProposal;
use cutpoint_planner::domain::cluster::Node;
use cutpoint_planner::domain::options::{ComputeModel, CutPolicy, MemoryModel, Objective};
use cutpoint_planner::domain::request::PlanRequest;

use super::carriers::{Carriers, Pipeline, Transfer};
use super::packings::Candidate;
use super::shape::{Set, Shape, places};
use super::tableau::{occupied, taken_bytes};
use super::{Optimum, OracleAnswer};

/// Latencies that differ by no more, relatively, count as equal where a tolerance allows several periods.
pub const ROUNDING: f64 = 1e-12;

/// All valid placements of a request.
pub struct EveryCut<'a> {
    tables: Tables<'a>,
    found: Vec<Found>,
}

/// A valid placement.
#[derive(Debug, Clone)]
struct Found {
    period_s: f64,
    latency_s: f64,
    shipped_bytes: u64,
    /// Seconds of what several pipelines may use; empty where only one is wanted.
    loads: BTreeMap<usize, f64>,
    /// A node and the cut at which its stage ends, for each stage.
    stages: Vec<(usize, Set)>,
}

struct Tables<'a> {
    request: &'a PlanRequest,
    shape: Shape<'a>,
    activation_bytes: Vec<u64>,
    hosts: Vec<usize>,
    source: Option<usize>,
    sink: Option<usize>,
    /// For each node, how much longer work takes there than alone, and the bytes that occupants hold.
    occupied: Vec<(f64, u64)>,
    carriers: Carriers<'a>,
    /// For each node what it holds in the base.
    held: Vec<Set>,
    together: Vec<Set>,
    groups: Vec<(Set, &'a BTreeMap<String, f64>)>,
}

impl<'a> EveryCut<'a> {
    pub fn new(request: &'a PlanRequest) -> Self {
        let tables = Tables::new(request);
        let mut cuts = tables.shape.cuts(request.options.cost_model.cuts);
        cuts.push(tables.shape.whole());
        let mut found = Vec::new();
        extend(&tables, &cuts, &mut Vec::new(), &mut found);
        Self { tables, found }
    }

    /// The exact answer.
    pub fn answer(&self) -> OracleAnswer {
        let options = &self.tables.request.options;
        let limit_s = self.least_period_s().unwrap_or(0.0) * options.max_period_ratio.unwrap_or(1.0);
        let rank = |it: &Found| match options.objective {
            _ if options.base.is_some() => (it.shipped_bytes as f64, it.period_s, it.latency_s),
            Objective::MaxThroughput | Objective::Tradeoff => (it.period_s, it.latency_s, 0.0),
            Objective::MinLatency => (it.latency_s, it.period_s, 0.0),
            Objective::MinNodes { .. } => (it.stages.len() as f64, it.period_s, 0.0),
        };
        let allowed = self.found.iter().filter(|it| options.base.is_none() || it.period_s <= limit_s);
        let best = allowed.min_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap());
        best.map_or(OracleAnswer::Infeasible, |best| {
            let Found { period_s, latency_s, .. } = *best;
            let stages = self.tables.proposals(&best.stages);
            OracleAnswer::Optimal(Optimum { objective: rank(best).0, period_s, latency_s, stages })
        })
    }

    /// All placements as pipelines of which several may run at once.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.found.iter().map(|it| Candidate {
            nodes: it.stages.iter().fold(0, |set, &(node, _)| set | 1 << node),
            period_s: it.period_s,
            loads: it.loads.clone(),
            shipped_bytes: it.shipped_bytes,
        })
    }

    /// T*.
    pub fn least_period_s(&self) -> Option<f64> {
        self.found.iter().map(|it| it.period_s).min_by(f64::total_cmp)
    }

    /// Latency and stages of the placements of least latency within a period, equal but for rounding.
    pub fn quickest_within(&self, limit_s: f64) -> Vec<(f64, usize)> {
        let allowed = || self.found.iter().filter(|it| it.period_s <= limit_s);
        let Some(least_s) = allowed().map(|it| it.latency_s).min_by(f64::total_cmp) else { return Vec::new() };
        let equals = allowed().filter(|it| it.latency_s <= least_s * (1.0 + ROUNDING));
        equals.map(|it| (it.latency_s, it.stages.len())).collect()
    }

    /// The fewest bytes shipped within a period.
    pub fn fewest_bytes(&self, limit_s: f64) -> Option<u64> {
        self.found.iter().filter(|it| it.period_s <= limit_s).map(|it| it.shipped_bytes).min()
    }

    /// The non-dominated pairs of period and latency, by ascending period.
    pub fn front(&self) -> Vec<(f64, f64)> {
        let mut all: Vec<(f64, f64)> = self.found.iter().map(|it| (it.period_s, it.latency_s)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let mut front: Vec<(f64, f64)> = Vec::new();
        for point in all {
            if front.last().is_none_or(|last| point.1 < last.1) {
                front.push(point);
            }
        }
        front
    }

    /// How many placements are valid.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether each layer that is cut, on the node of its stage, is a valid placement; with its period, latency and bytes.
    pub fn judged(&self, nodes: &[usize], stage_of: &[usize]) -> Option<(f64, f64, u64)> {
        let stages = self.stages(nodes, stage_of);
        let same = |it: &&Found| it.stages == stages;
        self.found.iter().find(same).map(|it| (it.period_s, it.latency_s, it.shipped_bytes))
    }

    /// The media that several transfers use and that count, by id; nothing without a route.
    pub fn shared_media(&self, nodes: &[usize], stage_of: &[usize]) -> Vec<(String, f64)> {
        let transfers = self.tables.transfers(&self.stages(nodes, stage_of));
        transfers.map(|transfers| self.tables.carriers.shared_media(&transfers)).unwrap_or_default()
    }

    /// Each stage's node and the cut at which it ends.
    fn stages(&self, nodes: &[usize], stage_of: &[usize]) -> Vec<(usize, Set)> {
        let mut cut = 0;
        nodes
            .iter()
            .enumerate()
            .map(|(stage, &node)| {
                cut |= places(self.tables.shape.whole())
                    .filter(|&it| stage_of[it] == stage)
                    .fold(0, |set, it| set | 1 << it);
                (node, cut)
            })
            .collect()
    }
}

fn extend(tables: &Tables<'_>, cuts: &[Set], stages: &mut Vec<(usize, Set)>, found: &mut Vec<Found>) {
    let before = stages.last().map_or(0, |&(_, cut)| cut);
    let constraints = &tables.request.options.constraints;
    let most = constraints.max_stages.into_iter().chain(constraints.max_nodes).min().unwrap_or(u64::MAX);
    if before == tables.shape.whole() {
        found.extend(tables.placed(stages));
        return;
    }
    if stages.len() as u64 >= most {
        return;
    }
    for &node in &tables.hosts {
        if stages.iter().any(|&(other, _)| other == node) {
            continue;
        }
        for &cut in cuts.iter().filter(|&&cut| before & !cut == 0 && cut != before) {
            if tables.fits(node, before, cut) {
                stages.push((node, cut));
                extend(tables, cuts, stages, found);
                stages.pop();
            }
        }
    }
}

impl<'a> Tables<'a> {
    fn new(request: &'a PlanRequest) -> Self {
        let (model, cluster, options) = (&request.model, &request.cluster, &request.options);
        let shape = Shape::new(request);
        let set_of = |ids: &[String]| -> Set {
            let places = ids.iter().filter_map(|id| model.layers.iter().position(|layer| layer.id == *id));
            places.fold(0, |set, place| set | 1 << place) & !shape.constants
        };
        let live = |layer: usize| match options.cost_model.cuts {
            CutPolicy::InOrder => shape.live_in_order(layer),
            CutPolicy::Any | CutPolicy::SingleTensor => shape.live(layer),
        };
        let activation =
            |layer: usize| model.layers[layer].activation_bytes.unwrap_or_else(|| shape.bytes(live(layer)));
        let constraints = &options.constraints;
        let may_host = |&node: &usize| {
            let it = &cluster.nodes[node];
            let selected = constraints.node_selector.iter().all(|(key, value)| it.labels.get(key) == Some(value));
            it.schedulable && selected && !constraints.exclude_nodes.contains(&it.id)
        };
        let nodes = cluster.nodes.len();
        let node =
            |id: &Option<String>| id.as_ref().map(|id| cluster.nodes.iter().position(|it| it.id == *id).unwrap());
        let held_by = |it: &Node| {
            let stages = options.base.iter().flat_map(|base| base.stages());
            let own = stages.filter(|(stage, _)| stage.node_id == it.id).map(|(stage, is_last)| {
                let layers = set_of(&stage.layer_ids);
                layers | shape.constants_held(layers, is_last)
            });
            own.fold(0, |all, own| all | own)
        };
        Self {
            request,
            activation_bytes: (0..model.layers.len()).map(activation).collect(),
            hosts: (0..nodes).filter(may_host).collect(),
            source: node(&constraints.source_node),
            sink: node(&constraints.sink_node),
            occupied: cluster.nodes.iter().map(|node| occupied(request, &node.id)).collect(),
            carriers: Carriers::new(request),
            held: cluster.nodes.iter().map(held_by).collect(),
            together: constraints
                .colocate
                .iter()
                .map(|colocation| set_of(&colocation.layer_ids))
                .chain(model.groups.iter().map(|group| set_of(&group.layer_ids)))
                .collect(),
            groups: model.groups.iter().map(|group| (set_of(&group.layer_ids), &group.time_s)).collect(),
            shape,
        }
    }

    /// The bytes that cross a cut; before the first stage those of the inputs, behind the last one those of the outputs.
    fn boundary_bytes(&self, cut: Set) -> u64 {
        self.shape.bytes(match cut {
            0 => self.shape.inputs,
            cut if cut == self.shape.whole() => self.shape.outputs,
            cut => self.shape.crossing(cut),
        })
    }

    /// Whether the layers between two cuts may run on a node: memory, pins, and layers that stay together.
    fn fits(&self, node: usize, before: Set, cut: Set) -> bool {
        let (own, is_last) = (cut & !before, cut == self.shape.whole());
        let layers = |set: Set| places(set).map(|place| &self.request.model.layers[place]);
        let held = self.shape.constants_held(own, is_last);
        let params: u64 = layers(held).map(|layer| layer.param_bytes).sum();
        let mut bytes: u64 = layers(own).map(|layer| layer.param_bytes).sum();
        bytes += layers(own | held).map(|layer| layer.state_bytes).sum::<u64>();
        bytes += params.max(self.shape.bytes(self.shape.constants_at_hand(own, is_last)));
        let cost_model = &self.request.options.cost_model;
        if cost_model.memory == MemoryModel::ParamsAndActivations {
            bytes += places(own).map(|place| self.activation_bytes[place]).max().unwrap();
            bytes += cost_model.io_buffers * (self.boundary_bytes(before) + self.boundary_bytes(cut));
        }
        let it = &self.request.cluster.nodes[node];
        let pinned = self.request.options.constraints.pins.iter().all(|pin| {
            let here = layers(own).any(|layer| layer.id == pin.layer_id);
            let labelled = pin.node_selector.iter().all(|(name, value)| it.labels.get(name) == Some(value));
            !here || (pin.node_id.as_ref().is_none_or(|id| *id == it.id) && labelled)
        });
        let whole = self.together.iter().all(|together| together & own == 0 || together & !own == 0);
        let free_bytes = (it.memory_bytes - it.reserved_bytes).saturating_sub(self.occupied[node].1);
        pinned && whole && taken_bytes(self.request, bytes) <= free_bytes
    }

    fn compute_s(&self, node: usize, own: Set) -> f64 {
        if self.request.options.cost_model.compute == ComputeModel::Ignore {
            return 0.0;
        }
        let it = &self.request.cluster.nodes[node];
        let (mut picoseconds, mut flops) = (0.0, 0.0);
        let mut alone = own;
        for &(group, times) in self.groups.iter().filter(|(group, _)| *group != 0 && group & own == *group) {
            if let Some(seconds) = it.device_class.as_ref().and_then(|class| times.get(class)) {
                picoseconds += (seconds * 1e12).round();
                alone &= !group;
            }
        }
        for layer in places(alone).map(|place| &self.request.model.layers[place]) {
            match it.device_class.as_ref().and_then(|class| layer.time_s.get(class)) {
                Some(seconds) => picoseconds += (seconds * 1e12).round(),
                None => flops += layer.flops as f64,
            }
        }
        let alone_s = picoseconds / 1e12 + it.flops_per_s.map_or(0.0, |speed| flops / speed);
        alone_s * self.occupied[node].0
    }

    /// All transfers of stages, from the source to the sink; `None` without a route.
    fn transfers(&self, stages: &[(usize, Set)]) -> Option<Vec<Transfer>> {
        let (first, last) = (stages[0].0, stages[stages.len() - 1].0);
        let mut path = vec![(self.source.unwrap_or(first), 0)];
        path.extend(stages);
        path.push((self.sink.unwrap_or(last), 0));
        let carried = |pair: &[(usize, Set)]| {
            let ((from, cut), (to, _)) = (pair[0], pair[1]);
            self.carriers.transfer(from, to, self.boundary_bytes(cut))
        };
        path.windows(2).map(carried).collect()
    }

    /// A placement whose stages fit, unless a route is missing or a limit is broken.
    fn placed(&self, stages: &[(usize, Set)]) -> Option<Found> {
        let options = &self.request.options;
        let transfers = self.transfers(stages)?;
        let (mut nodes, mut compute_s, mut shipped, mut before) = (Vec::new(), Vec::new(), 0, 0);
        for &(node, cut) in stages {
            let own = cut & !before;
            nodes.push(node);
            compute_s.push(self.compute_s(node, own));
            if options.base.is_some() {
                let needed = own | self.shape.constants_held(own, cut == self.shape.whole());
                let moved = places(needed & !self.held[node]);
                shipped += moved.map(|place| self.request.model.layers[place].param_bytes).sum::<u64>();
            }
            before = cut;
        }
        let (source, sink) = (self.source, self.sink);
        let pipeline = Pipeline { nodes: &nodes, compute_s: &compute_s, source, sink, transfers: &transfers };
        let (period_s, latency_s) = self.carriers.times(&pipeline);
        let in_time = latency_s <= options.constraints.max_latency_s.unwrap_or(f64::INFINITY);
        let on_target = match options.objective {
            Objective::MinNodes { .. } if options.wants_several() => true,
            Objective::MinNodes { target_period_s } => period_s <= target_period_s,
            _ => period_s <= options.constraints.max_period_s.unwrap_or(f64::INFINITY),
        };
        let loads = if options.wants_several() { self.carriers.loads(&pipeline) } else { BTreeMap::new() };
        let found = || Found { period_s, latency_s, shipped_bytes: shipped, loads, stages: stages.to_vec() };
        (in_time && on_target).then(found)
    }

    fn proposals(&self, stages: &[(usize, Set)]) -> Vec<StageProposal> {
        let mut before = 0;
        let mut proposal = |&(node, cut): &(usize, Set)| {
            let own = places(cut & !before);
            before = cut;
            StageProposal {
                node_id: self.request.cluster.nodes[node].id.clone(),
                layer_ids: own.map(|place| self.request.model.layers[place].id.clone()).collect(),
            }
        };
        stages.iter().map(&mut proposal).collect()
    }
}

//! The cost of one stage: the memory that its layers need and the seconds that they compute.

use std::collections::{BTreeMap, BTreeSet};

use super::cuts::Cuts;
use super::fused::Fused;
use super::graph::Graph;
use super::occupied::Occupied;
use crate::domain::cluster::Node;
use crate::domain::model::Layer;
use crate::domain::options::{ComputeModel, MemoryModel};
use crate::domain::placement::{Stage, Warning, WarningCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::counted;

/// Computes the stages of one request, one at a time.
pub(super) struct Costs<'a> {
    request: &'a PlanRequest,
    graph: &'a Graph<'a>,
    cuts: &'a Cuts,
    occupied: &'a Occupied<'a>,
    activation_bytes: Vec<u64>,
    fused: Fused<'a>,
    /// The sum of the measured seconds of the whole model, by device class.
    measured_s: BTreeMap<String, f64>,
}

impl<'a> Costs<'a> {
    pub(super) fn new(
        request: &'a PlanRequest,
        graph: &'a Graph<'a>,
        cuts: &'a Cuts,
        occupied: &'a Occupied<'a>,
    ) -> Self {
        let mut measured_s = BTreeMap::new();
        let of_layers = request.model.layers.iter().flat_map(|layer| &layer.time_s);
        let of_groups = request.model.groups.iter().flat_map(|group| &group.time_s);
        for (class, seconds) in of_layers.chain(of_groups) {
            *measured_s.entry(class.clone()).or_insert(0.0) += seconds;
        }
        let cost_model = &request.options.cost_model;
        let activation_bytes = match cost_model.memory {
            MemoryModel::Params => Vec::new(),
            MemoryModel::ParamsAndActivations => graph.activation_bytes(cost_model.cuts),
        };
        let fused = Fused::new(&request.model, graph);
        Self { request, graph, cuts, occupied, activation_bytes, fused, measured_s }
    }

    /// Returns the stage of the layers between the cuts `index` and `index + 1`, without its
    /// transfers.
    pub(super) fn stage(&self, index: usize, is_last: bool, node: &Node, places: &[usize]) -> Stage {
        let share = self.occupied.node_share(&node.id);
        let constants = self.graph.constants_held(places, is_last);
        let ids =
            |places: &mut dyn Iterator<Item = &usize>| places.map(|&place| self.layer(place).id.clone()).collect();
        Stage {
            index: index as u64,
            node_id: node.id.clone(),
            layer_ids: ids(&mut places.iter()),
            constant_layer_ids: ids(&mut constants.iter()),
            param_bytes: places.iter().chain(&constants).map(|&place| self.layer(place).param_bytes).sum(),
            memory_bytes: self.taken_bytes(self.needed_bytes(index, is_last, places)),
            memory_capacity_bytes: self.occupied.free_bytes(node),
            compute_s: self.compute_s(node, places) / share,
            compute_share: Some(share).filter(|share| *share < 1.0),
            receive: None,
            send: None,
        }
    }

    /// Returns `true` if a layer takes time, by its operations or by a measured time of it or its
    /// group.
    fn works(&self, place: usize) -> bool {
        let takes_time = |times: &BTreeMap<String, f64>| times.values().any(|&seconds| seconds > 0.0);
        let layer = self.layer(place);
        layer.flops > 0
            || takes_time(&layer.time_s)
            || self.fused.group_of(place).is_some_and(|it| takes_time(&it.time_s))
    }

    fn layer(&self, place: usize) -> &'a Layer {
        &self.request.model.layers[place]
    }

    /// What a stage takes of its node: for each byte so many millionths of one, and the last begun byte whole.
    fn taken_bytes(&self, needed_bytes: u64) -> u64 {
        let cost_model = &self.request.options.cost_model;
        let millionths = (cost_model.memory_scale * 1e6).round() as u128 * u128::from(needed_bytes);
        let begun = u128::from(!millionths.is_multiple_of(1_000_000));
        let taken = millionths / 1_000_000 + begun + u128::from(cost_model.memory_overhead_bytes);
        u64::try_from(taken).unwrap_or(u64::MAX)
    }

    fn needed_bytes(&self, index: usize, is_last: bool, places: &[usize]) -> u64 {
        let cost_model = &self.request.options.cost_model;
        let layers = places.iter().map(|&place| self.layer(place));
        let own: u64 = layers.map(|layer| layer.param_bytes + layer.state_bytes).sum();
        let resident = own + self.constant_bytes(is_last, places);
        if cost_model.memory == MemoryModel::Params {
            return resident;
        }
        let working = places.iter().map(|&place| self.activation_bytes[place]).max().unwrap_or(0);
        let boundaries = self.cuts.boundary_bytes(index) + self.cuts.boundary_bytes(index + 1);
        resident + working + cost_model.io_buffers * boundaries
    }

    /// Returns the bytes of a stage's constants: the larger of their parameters and of the tensors
    /// computed from them, plus their state.
    fn constant_bytes(&self, is_last: bool, places: &[usize]) -> u64 {
        let held = self.graph.constants_held(places, is_last);
        let at_hand = self.graph.constants_at_hand(places, is_last);
        let sum = |constants: &BTreeSet<usize>, bytes: fn(&Layer) -> u64| -> u64 {
            constants.iter().map(|&place| bytes(self.layer(place))).sum()
        };
        let computed = sum(&at_hand, |layer| layer.output_bytes);
        computed.max(sum(&held, |layer| layer.param_bytes)) + sum(&held, |layer| layer.state_bytes)
    }

    fn compute_s(&self, node: &Node, places: &[usize]) -> f64 {
        if self.request.options.cost_model.compute == ComputeModel::Ignore {
            return 0.0;
        }
        let (mut picoseconds, mut flops) = (0_u128, 0_u128);
        let (kernels, alone) = self.fused.on(node, places);
        for seconds in kernels {
            picoseconds += (seconds * 1e12).round() as u128;
        }
        for layer in alone.into_iter().map(|place| self.layer(place)) {
            match measured(node, layer) {
                Some(seconds) => picoseconds += (seconds * 1e12).round() as u128,
                None => flops += u128::from(layer.flops),
            }
        }
        let operating_s = node.flops_per_s.map_or(0.0, |flops_per_s| flops as f64 / flops_per_s);
        picoseconds as f64 / 1e12 + operating_s
    }

    /// Returns the seconds by which a sum in another order may differ. A difference of prefix sums
    /// carries the rounding of the whole model's measured seconds into every stage.
    pub(super) fn rounding_s(&self, node: &Node) -> f64 {
        let measured = node.device_class.as_ref().and_then(|class| self.measured_s.get(class));
        let share = self.occupied.node_share(&node.id);
        measured.map_or(0.0, |seconds| seconds / share * f64::EPSILON * self.request.model.layers.len() as f64)
    }

    /// Returns a warning if a stage's compute counts as zero because the node has no speed and no
    /// timings for its layers.
    pub(super) fn warning(&self, node: &Node, places: &[usize]) -> Option<Warning> {
        if self.request.options.cost_model.compute == ComputeModel::Ignore || node.flops_per_s.is_some() {
            return None;
        }
        let (kernels, alone) = self.fused.on(node, places);
        let measured_alone = |&place: &usize| measured(node, self.layer(place)).is_some();
        let unknown = alone.iter().filter(|place| self.works(**place) && !measured_alone(place)).count();
        if unknown == 0 {
            return None;
        }
        let id = &node.id;
        Some(if !kernels.is_empty() || alone.iter().any(measured_alone) {
            let detail = format!(
                "{id} has no flops_per_s and no timings for {}, whose compute counts as zero",
                counted(unknown, "layer")
            );
            Warning { code: WarningCode::ComputePartlyUnknown, detail }
        } else {
            let detail = format!("{id} has neither flops_per_s nor timings: its compute counts as zero");
            Warning { code: WarningCode::ComputeUnknown, detail }
        })
    }
}

/// Returns the measured seconds of a layer on the node's device class.
fn measured(node: &Node, layer: &Layer) -> Option<f64> {
    layer.time_s.get(node.device_class.as_ref()?).copied()
}

//! What one stage costs: the memory that its layers need and the seconds that they compute.

use std::collections::BTreeMap;

use super::occupied::Occupied;
use super::walk::Walk;
use crate::domain::cluster::Node;
use crate::domain::model::Layer;
use crate::domain::options::{ComputeModel, MemoryModel};
use crate::domain::placement::{Stage, Warning, WarningCode};
use crate::domain::request::PlanRequest;
use crate::domain::unit::counted;

/// Computes stages of one request one by one.
pub(super) struct Costs<'a> {
    request: &'a PlanRequest,
    walk: &'a Walk<'a>,
    occupied: &'a Occupied<'a>,
    activation_bytes: Vec<u64>,
    /// Sum of the measured seconds of the whole model, by device class.
    measured_s: BTreeMap<String, f64>,
}

impl<'a> Costs<'a> {
    pub(super) fn new(request: &'a PlanRequest, walk: &'a Walk<'a>, occupied: &'a Occupied<'a>) -> Self {
        let mut measured_s = BTreeMap::new();
        for (class, seconds) in request.model.layers.iter().flat_map(|layer| &layer.time_s) {
            *measured_s.entry(class.clone()).or_insert(0.0) += seconds;
        }
        Self { request, walk, occupied, activation_bytes: walk.activation_bytes(), measured_s }
    }

    /// The stage of the layers from place `start` to before place `end`, still without its transfers.
    pub(super) fn stage(&self, index: usize, node: &Node, start: usize, end: usize) -> Stage {
        let layers = &self.request.model.layers[start..end];
        let share = self.occupied.node_share(&node.id);
        Stage {
            index: index as u64,
            node_id: node.id.clone(),
            layer_ids: layers.iter().map(|layer| layer.id.clone()).collect(),
            param_bytes: layers.iter().map(|layer| layer.param_bytes).sum(),
            memory_bytes: self.memory_bytes(start, end),
            memory_capacity_bytes: self.occupied.free_bytes(node),
            compute_s: self.compute_s(node, layers) / share,
            compute_share: Some(share).filter(|share| *share < 1.0),
            receive: None,
            send: None,
        }
    }

    fn memory_bytes(&self, start: usize, end: usize) -> u64 {
        let cost_model = &self.request.options.cost_model;
        let layers = &self.request.model.layers[start..end];
        let resident: u64 = layers.iter().map(|layer| layer.param_bytes + layer.state_bytes).sum();
        if cost_model.memory == MemoryModel::Params {
            return resident;
        }
        let working = self.activation_bytes[start..end].iter().copied().max().unwrap_or(0);
        let boundaries = self.walk.boundary_bytes(start) + self.walk.boundary_bytes(end);
        resident + working + cost_model.io_buffers * boundaries
    }

    fn compute_s(&self, node: &Node, layers: &[Layer]) -> f64 {
        if self.request.options.cost_model.compute == ComputeModel::Ignore {
            return 0.0;
        }
        let of_layer = |layer| match (measured(node, layer), node.flops_per_s) {
            (Some(seconds), _) => seconds,
            (None, Some(flops_per_s)) => layer.flops as f64 / flops_per_s,
            (None, None) => 0.0,
        };
        layers.iter().map(of_layer).sum()
    }

    /// How far another order of summing may lead: a difference of prefix sums carries the rounding of the whole
    /// model's measured seconds into every stage.
    pub(super) fn rounding_s(&self, node: &Node) -> f64 {
        let measured = node.device_class.as_ref().and_then(|class| self.measured_s.get(class));
        let share = self.occupied.node_share(&node.id);
        measured.map_or(0.0, |seconds| seconds / share * f64::EPSILON * self.request.model.layers.len() as f64)
    }

    /// What to say where a stage's compute counts as zero because nothing is known of it.
    pub(super) fn warning(&self, node: &Node, start: usize, end: usize) -> Option<Warning> {
        if self.request.options.cost_model.compute == ComputeModel::Ignore || node.flops_per_s.is_some() {
            return None;
        }
        let layers = &self.request.model.layers[start..end];
        let unknown = layers.iter().filter(|layer| layer.flops > 0 && measured(node, layer).is_none()).count();
        if unknown == 0 {
            return None;
        }
        let id = &node.id;
        Some(if layers.iter().any(|layer| measured(node, layer).is_some()) {
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

/// The measured seconds of a layer on a node's class of device.
fn measured(node: &Node, layer: &Layer) -> Option<f64> {
    layer.time_s.get(node.device_class.as_ref()?).copied()
}

//! Construction of reasons.

use std::collections::BTreeMap;

use super::instance::Instance;
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::index::Block;

/// The most blocks for which reasons are returned. Each block has its own reason.
pub const MOST_BLOCKS: usize = 1_000;

/// Returns a reason with figures, and without layers, nodes and media.
pub fn reason<const N: usize>(code: ReasonCode, detail: String, figures: [(&str, f64); N]) -> Reason {
    let figures: BTreeMap<String, f64> = figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Reason { code, detail, figures, layer_ids: Vec::new(), node_ids: Vec::new(), medium_ids: Vec::new() }
}

/// Returns the ids of the layers of a block.
pub fn block_layers(request: &PlanRequest, instance: &Instance, block: Block) -> Vec<String> {
    instance.layers_of(block).iter().map(|&layer| request.model.layers[layer].id.clone()).collect()
}

//! How reasons are written.

use std::collections::BTreeMap;

use super::instance::Instance;
use crate::domain::placement::{Reason, ReasonCode};
use crate::domain::request::PlanRequest;
use crate::index::Block;

/// Blocks that are named, each in a reason of its own.
pub const MOST_BLOCKS: usize = 1_000;

/// A reason with figures.
pub fn reason<const N: usize>(code: ReasonCode, detail: String, figures: [(&str, f64); N]) -> Reason {
    let figures: BTreeMap<String, f64> = figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Reason { code, detail, figures, layer_ids: Vec::new(), node_ids: Vec::new() }
}

/// The layers of a block.
pub fn block_layers(request: &PlanRequest, instance: &Instance, block: Block) -> Vec<String> {
    instance.layers_of(block).iter().map(|&layer| request.model.layers[layer].id.clone()).collect()
}
